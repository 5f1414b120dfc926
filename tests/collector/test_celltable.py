"""Sums by window and cell, against a dictionary."""

import doctest
from collections.abc import Iterable
from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.aggregate import celltable
from caudal.collector.aggregate.celltable import CellTable

Row = tuple[int, int, int, int, float, int]  # code, window, bytes, packets, variance, host
# Of 128 bits; some differ in one word alone.
CODES = st.integers(0, 5) | st.integers(0, 5).map(lambda code: code << 64) | st.integers(0, (1 << 128) - 1)
WINDOWS = st.integers(-1, 2) | st.integers(-(1 << 40), 1 << 40)
ROWS = st.lists(
    st.tuples(
        CODES,
        WINDOWS,
        st.integers(0, 1 << 52),
        st.integers(0, 1 << 30),
        st.integers(0, 1000).map(float),
        st.integers(0, 6) | st.just((1 << 64) - 1),
    ),
    max_size=40,
)
DTYPES = (np.int64, np.uint64, np.uint64, np.float64, np.uint64)
Cell = tuple[int, int]


def words(codes: Iterable[int]) -> np.ndarray:
    """Codes as tables have them: the upper 64 bits and the lower."""
    pairs = [(code >> 64, code & (1 << 64) - 1) for code in codes]
    return np.array(pairs, np.uint64).reshape(-1, 2)


def whole(codes: np.ndarray) -> list[int]:
    return [upper << 64 | lower for upper, lower in codes.tolist()]


def add(table: CellTable, rows: list[Row]) -> None:
    codes, *columns = list(zip(*rows, strict=True)) or [()] * 6
    arrays = (np.array(column, dtype) for column, dtype in zip(columns, DTYPES, strict=True))
    table.add(*(each.copy() for each in words(codes).T), *arrays)


def model(rows: list[Row]) -> tuple[dict[Cell, list[float]], dict[Cell, set[int]]]:
    sums: dict[Cell, list[float]] = {}
    hosts: dict[Cell, set[int]] = {}
    for code, window, octets, packets, variance, host in rows:
        total = sums.setdefault((code, window), [0, 0, 0, 0.0])
        for at, value in enumerate((octets, packets, 1, variance)):
            total[at] += value
        hosts.setdefault((code, window), set()).add(host)
    return sums, hosts


def check(table: CellTable, rows: list[Row], k: int) -> None:
    """In order of appearance, the sums; the hosts, as far as they are kept."""
    sums, hosts = model(rows)
    cells = list(zip(whole(table.codes), table.windows.tolist(), strict=True))
    assert cells == list(sums)
    assert len(table) == len(cells)
    for at, cell in enumerate(cells):
        assert [*table.sums[at].tolist(), table.variance[at]] == sums[cell]
        assert table.host_count[at] == min(k, len(hosts[cell])) == len(table.hosts(at))
        assert set(table.hosts(at)) <= hosts[cell]
    assert table.sums.dtype == np.uint64


@given(st.lists(ROWS, max_size=4), st.integers(1, 5))
def test_agrees_with_a_dictionary(lots: list[list[Row]], k: int) -> None:
    table = CellTable(k)
    for rows in lots:
        add(table, rows)
    check(table, list(chain.from_iterable(lots)), k)


@given(ROWS, ROWS, st.integers(1, 5), st.sets(st.integers(0, 5)))
def test_cells_taken_away_are_whole_and_the_rest_goes_on(
    before: list[Row], after: list[Row], k: int, codes: set[int]
) -> None:
    table = CellTable(k)
    add(table, before)
    taken = table.take(np.array([code in codes for code in whole(table.codes)], bool))
    check(taken, [row for row in before if row[0] in codes], k)
    add(table, after)
    check(table, [row for row in before if row[0] not in codes] + after, k)


@given(ROWS, st.integers(1, 5), st.integers(1, 3))
def test_folding_adds_up_sums_and_distinct_hosts(rows: list[Row], k: int, into: int) -> None:
    table, rest = CellTable(k), CellTable(k)
    add(table, rows)
    which = np.flatnonzero(table.host_count < k)
    rest.fold(table, which, words(code % into for code in whole(table.codes[which])))
    _, hosts = model(rows)
    few = [row for row in rows if len(hosts[row[0], row[1]]) < k]
    order = {cell: at for at, cell in enumerate(hosts)}
    few.sort(key=lambda row: order[row[0], row[1]])
    check(rest, [(row[0] % into, *row[1:]) for row in few], k)


def test_grows_to_many_cells_with_alike_codes() -> None:
    table = CellTable(2)
    lots: list[list[Row]] = [
        [(n << 40 | lot, n % 2, n, 1, 0.0, n % 3) for n in range(1500)] for lot in range(3)
    ]
    for rows in lots:
        add(table, rows)
    check(table, list(chain.from_iterable(lots)), 2)
    folded = CellTable(2)
    folded.fold(table, np.arange(len(table)), table.codes.copy())
    check(folded, list(chain.from_iterable(lots)), 2)


def test_sums_are_exact_beyond_what_a_double_holds() -> None:
    table = CellTable(1)
    rows: list[Row] = [(1, 0, (1 << 53) - 1 - n, 1, 0.0, 0) for n in range(100)]
    add(table, rows)
    check(table, rows, 1)


def test_the_host_0_is_a_host() -> None:
    table = CellTable(3)
    add(table, [(1, 0, 1, 1, 0.0, 0), (1, 0, 1, 1, 0.0, 0)])
    assert table.host_count.tolist() == [1]


@given(st.lists(ROWS, max_size=4), st.integers(2, 5), st.integers(1, 3))
def test_the_largest_host_of_a_cell_is_never_underestimated(lots: list[list[Row]], k: int, into: int) -> None:
    """Neither of cells as they grew, nor of those that others were folded into, or taken away."""
    table = CellTable(k, weighing=True)
    for rows in lots:
        add(table, rows)
    rows = list(chain.from_iterable(lots))
    check(table, rows, k)
    check_largest(table, rows)
    folded = CellTable(k, weighing=True)
    folded.fold(table, np.arange(len(table)), words(code % into for code in whole(table.codes)))
    check_largest(folded, [(row[0] % into, *row[1:]) for row in rows])
    odd = table.codes[:, 1] % np.uint64(2) == 1
    check_largest(table.take(odd), [row for row in rows if row[0] % 2])


def check_largest(table: CellTable, rows: list[Row]) -> None:
    of_hosts: dict[Cell, dict[int, int]] = {}
    for code, window, octets, _, _, host in rows:
        hosts = of_hosts.setdefault((code, window), {})
        hosts[host] = hosts.get(host, 0) + octets
    for cell, most, octets in zip(
        zip(whole(table.codes), table.windows.tolist(), strict=True),
        table.largest.tolist(),
        table.sums[:, 0].tolist(),
        strict=True,
    ):
        assert max(of_hosts[cell].values()) <= most <= octets


def test_the_largest_host_among_many_small_ones_is_known_well() -> None:
    table = CellTable(5, weighing=True)
    add(table, [(1, 0, 500, 1, 0.0, host) for host in range(1000)] + [(1, 0, 500_000, 1, 0.0, 3)])
    assert 500_500 <= table.largest[0] <= 500_500 + 499_500 // 10


def test_a_sum_that_is_full_has_a_largest_host_of_no_less() -> None:
    most = (1 << 63) - 1
    table = CellTable(2, weighing=True)
    add(table, [(1, 0, most, 1, 0.0, 7), (1, 0, most, 1, 0.0, 7), (1, 0, most, 1, 0.0, 8)])
    assert (table.sums[0, 0], table.largest[0], table.saturated) == (most, most, 2)


def test_examples_hold() -> None:
    assert doctest.testmod(celltable).failed == 0


def test_without_weighing_nothing_is_known_of_the_largest() -> None:
    table = CellTable(2)
    add(table, [(1, 0, 9, 1, 0.0, 7)])
    assert table.largest.tolist() == [0]
