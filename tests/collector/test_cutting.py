"""Batches the service takes."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from caudal.collector.windows.cutting import cut_into_batches
from caudal.contract.batch import FLOWS, LEDGER, schema

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def tables(days: list[int]) -> tuple[pa.Table, pa.Table]:
    starts = [FIRST + timedelta(days=day) for day in days]
    made = []
    for columns in (FLOWS, LEDGER):
        arrays = [
            pa.array(starts, column.arrow)
            if column.name == "window_start"
            else pa.nulls(len(days), column.arrow)
            for column in columns
        ]
        made.append(pa.table(arrays, schema=schema(columns)))
    return made[0], made[1]


def spans(days: list[int], now: datetime = LATER, most_rows: int = 1000) -> list[list[int]]:
    return [
        [(time_ - FIRST).days for time_ in flows["window_start"].to_pylist()]
        for flows, _ in cut_into_batches(*tables(days), now, most_rows)
    ]


def test_a_batch_does_not_span_more_time_than_the_service_takes() -> None:
    """One exporter with a wrong clock must not make the service refuse everybody's traffic."""
    assert spans([0, 9000, 1, 9001, 4000]) == [[0, 1], [4000], [9000, 9001]]
    assert spans([0, 30, 31, 62]) == [[0, 30], [31], [62]]
    assert spans([5, 6]) == [[5, 6]]
    assert spans([]) == []


def test_nor_more_rows() -> None:
    assert spans([1, 2, 3, 4, 5], most_rows=2) == [[1, 2], [3, 4], [5]]


def test_times_to_come_go_in_batches_of_their_own() -> None:
    """The service refuses a batch that holds one, and with it whatever else is in it."""
    now = FIRST + timedelta(days=10)
    assert spans([9, 10, 12, 3, 4000], now=now) == [[9, 10, 3], [12], [4000]]


def test_a_ledger_without_flows_is_a_batch() -> None:
    _, ledger = tables([1])
    ((flows, same),) = cut_into_batches(schema(FLOWS).empty_table(), ledger, LATER)
    assert (flows.num_rows, same.num_rows) == (0, 1)
