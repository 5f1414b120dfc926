"""Cuts closed windows into batches that the service takes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

# What the service takes in one batch, with room to spare: three months at most, and rows that it stores in about a
# second, because it stores one batch at a time.
_MOST_DAYS = 31
_MOST_ROWS = 100_000
_AHEAD = timedelta(hours=12)
_DAY = timedelta(days=1)
_TIME = pa.timestamp("s", tz="UTC")


def cut_into_batches(
    flows: pa.Table, ledger: pa.Table, now: datetime, most_rows: int = _MOST_ROWS
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Cut tables into batches: of so many rows at most, of times not too far apart, none with times to come.

    Windows that begin well after `now` come from a wrong clock; the service refuses a batch that holds one, so
    they go in batches of their own.
    """
    soon = pa.scalar(now + _AHEAD, _TIME)
    for future in (False, True):
        of_flows, of_ledger = (
            table.filter(pc.equal(pc.greater(table["window_start"], soon), future))
            for table in (flows, ledger)
        )
        yield from _cut(of_flows, of_ledger, most_rows)


def _cut(flows: pa.Table, ledger: pa.Table, most_rows: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    while flows.num_rows or ledger.num_rows:
        parts = []
        first = min(pc.min(table["window_start"]).as_py() for table in (flows, ledger) if table.num_rows)
        for table in (flows, ledger):
            near = pc.less(table["window_start"], pa.scalar(first + _MOST_DAYS * _DAY, _TIME))
            now = table.filter(near)
            parts.append((now.slice(0, most_rows), now.slice(most_rows), table.filter(pc.invert(near))))
        yield parts[0][0], parts[1][0]
        flows, ledger = (pa.concat_tables([rest, later]) for _, rest, later in parts)
