"""Verdicts by key: remembered until their time, in bounded memory, in the order given."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.names.verdict import AMBIGUOUS, NOTHING
from caudal.collector.names.verdicttable import VerdictTable


def put(table: VerdictTable, keys: list[int], verdicts: list[int], now: int, until: int) -> None:
    count = len(keys)
    table.put(
        np.array(keys, np.uint64),
        np.array(verdicts, np.uint16),
        np.full(count, now, np.int64),
        np.full(count, until, np.int64),
    )


def get(table: VerdictTable, keys: list[int], at: int) -> list[int]:
    return table.get(np.array(keys, np.uint64), np.full(len(keys), at, np.int64)).tolist()


def test_a_verdict_holds_until_its_time() -> None:
    table = VerdictTable(10)
    put(table, [7, 9], [1, 2], 100, 200)
    assert get(table, [7, 9, 8], 200) == [1, 2, NOTHING]
    assert get(table, [7], 201) == [NOTHING]
    put(table, [7], [3], 150, 300)
    assert get(table, [7], 201) == [3]


def test_the_last_of_a_lot_holds() -> None:
    table = VerdictTable(10)
    put(table, [5] * 20, list(range(1, 21)), 0, 10)
    assert get(table, [5], 0) == [20]


def test_two_different_verdicts_of_a_unanimous_table_are_ambiguous_while_they_hold() -> None:
    table = VerdictTable(10, unanimous=True)
    put(table, [5, 6], [1, 1], 0, 100)
    put(table, [5, 6], [1, 2], 50, 60)
    assert get(table, [5, 6], 100) == [1, AMBIGUOUS]
    put(table, [6], [2], 101, 200)
    assert get(table, [6], 200) == [2]


def test_when_there_is_no_room_what_would_end_first_goes() -> None:
    table = VerdictTable(3)
    for key in range(1, 9):
        put(table, [key], [key], 0, 100 + key)
    put(table, [9], [9], 0, 500)
    assert get(table, list(range(1, 10)), 0) == [NOTHING, *range(2, 10)]
    assert table.given_up == 1


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 5), st.integers(0, 50), st.integers(0, 50)), max_size=60
    )
)
def test_the_same_as_a_dict_where_there_is_room(steps: list[tuple[int, int, int, int]]) -> None:
    table, known = VerdictTable(12), dict[int, tuple[int, int]]()
    now = 0
    for key, verdict, later, life in steps:
        now += later
        spread = key * 0x9E37_79B9_7F4A_7C15 % (1 << 64)
        put(table, [spread], [verdict], now, now + life)
        known[spread] = (verdict, now + life)
    for key, (verdict, until) in known.items():
        assert get(table, [key], now) == [verdict if until >= now else NOTHING]
