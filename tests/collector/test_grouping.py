"""Positions of equal values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.grouping import positions_by_value


@given(st.lists(st.integers(-3, 3)))
def test_agrees_with_a_dictionary(values: list[int]) -> None:
    expected: dict[int, list[int]] = {}
    for position, value in enumerate(values):
        expected.setdefault(value, []).append(position)
    found = [(value, where.tolist()) for value, where in positions_by_value(np.array(values, np.int64))]
    assert found == list(expected.items())
