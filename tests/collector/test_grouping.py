"""Equal values told from others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.columns.grouping import distinct, distinct_rows

# Few of them, so that they repeat; some that differ in high bits only.
VALUES = st.lists(st.sampled_from([0, 1, 2, 1 << 40, 1 << 63, (1 << 64) - 1]) | st.integers(0, (1 << 64) - 1))


@given(VALUES)
def test_each_value_where_it_is_first(values: list[int]) -> None:
    first, of = distinct(np.array(values, np.uint64))
    found = [values[at] for at in first.tolist()]
    assert found == list(dict.fromkeys(values))
    assert [found[which] for which in of.tolist()] == values


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([0, 1 << 63]))))
def test_rows(rows: list[tuple[int, int, int]]) -> None:
    first, of = distinct_rows(np.array(rows, np.uint64).reshape(-1, 3))
    assert [rows[at] for at in first.tolist()] == list(dict.fromkeys(rows))
    assert [rows[first[which]] for which in of.tolist()] == rows


@pytest.mark.parametrize("count", [1, 15, 16, 17, 5000])
def test_many_all_of_them_different(count: int) -> None:
    values = np.arange(count, dtype=np.uint64) << np.uint64(48)
    first, of = distinct(values)
    assert (first == np.arange(count)).all()
    assert (of == np.arange(count)).all()
