"""Sums by cell, against a dictionary."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.celltable import CellTable

Row = tuple[int, int, int, float, int]  # code, bytes, packets, variance, host
CODES = st.integers(0, 5) | st.integers(0, (1 << 64) - 1)
ROWS = st.lists(
    st.tuples(
        CODES,
        st.integers(0, 1 << 52),
        st.integers(0, 1 << 30),
        st.integers(0, 1000).map(float),
        st.integers(0, 4),
    ),
    max_size=40,
)


def add(table: CellTable, rows: list[Row]) -> None:
    columns = list(zip(*rows, strict=True)) or [()] * 5
    codes, octets, packets, variance, hosts = (
        np.array(column, dtype)
        for column, dtype in zip(
            columns, (np.uint64, np.uint64, np.uint64, np.float64, np.uint64), strict=True
        )
    )
    table.add(codes, octets, packets, variance, hosts)


def check(table: CellTable, lots: list[list[Row]], k: int) -> None:
    sums: dict[int, list[float]] = {}
    hosts: dict[int, set[int]] = {}
    for code, octets, packets, variance, host in (row for rows in lots for row in rows):
        total = sums.setdefault(code, [0, 0, 0, 0.0])
        for at, value in enumerate((octets, packets, 1, variance)):
            total[at] += value
        hosts.setdefault(code, set()).add(host)
    assert table.codes.tolist() == sorted(sums, key=table.codes.tolist().index)
    for cell, code in enumerate(table.codes.tolist()):
        assert [*table.sums[:, cell].tolist(), table.variance[cell]] == sums[code]
        assert table.host_count[cell] == min(k, len(hosts[code]))
        if len(hosts[code]) < k:
            assert set(table.hosts(cell)) == hosts[code]


@settings(deadline=None)
@given(st.lists(ROWS, max_size=4), st.integers(1, 5))
def test_agrees_with_a_dictionary(lots: list[list[Row]], k: int) -> None:
    table = CellTable(k)
    for rows in lots:
        add(table, rows)
    check(table, lots, k)


def test_grows_to_many_cells_with_alike_codes() -> None:
    table = CellTable(2)
    lots: list[list[Row]] = [[(n << 40 | lot, n, 1, 0.0, n % 3) for n in range(1500)] for lot in range(3)]
    for rows in lots:
        add(table, rows)
    check(table, lots, 2)


def test_sums_are_exact_beyond_what_a_double_holds() -> None:
    table = CellTable(1)
    rows: list[Row] = [(1, (1 << 53) - 1 - n, 1, 0.0, 0) for n in range(100)]
    add(table, rows)
    assert table.sums[0].tolist() == [sum(row[1] for row in rows)]
    assert table.sums.dtype == np.uint64


def test_the_host_0_is_a_host() -> None:
    table = CellTable(3)
    add(table, [(1, 1, 1, 0.0, 0), (1, 1, 1, 0.0, 0)])
    assert table.host_count.tolist() == [1]
