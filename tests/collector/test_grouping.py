"""Positions of equal values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.grouping import counts_by_value, positions_by_value


@given(st.lists(st.integers(-3, 3)))
def test_agrees_with_a_dictionary(values: list[int]) -> None:
    expected: dict[int, list[int]] = {}
    for position, value in enumerate(values):
        expected.setdefault(value, []).append(position)
    found = [(value, where.tolist()) for value, where in positions_by_value(np.array(values, np.int64))]
    assert found == list(expected.items())


@given(st.lists(st.integers(-3, 3), max_size=30))
def test_counts_by_value(values: list[int]) -> None:
    found = {values[first]: (first, count) for first, count in counts_by_value(np.array(values, np.int64))}
    assert found == {value: (values.index(value), values.count(value)) for value in values}
