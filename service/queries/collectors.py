"""Batches of collectors by day and by state."""

from datetime import datetime

import polars as pl

from caudal.service.queries.batches import BATCHES, STATE, STATES
from caudal.service.store.store import Store


def batches_by_day(store: Store, collector: str, since: datetime) -> pl.DataFrame:
    """Return day (YYYY-MM-DD), state, batches, rows and newest (seconds) of a collector since a time, newest day first."""
    return store.frame(
        f"SELECT toString(toDate(b.received_at)) AS day, {STATE} AS state, count() AS batches, sum(b.rows) AS all_rows, "
        f"toUInt32(max(b.received_at)) AS newest FROM {BATCHES} AS b LEFT JOIN {STATES} AS c ON c.batch_id = b.batch_id "
        "WHERE b.collector = {collector:String} AND b.received_at >= toDateTime({since:UInt32}, 'UTC') "
        "GROUP BY day, state ORDER BY day DESC, state",
        {"collector": collector, "since": int(since.timestamp())},
    )


def newest_batch(store: Store, collector: str) -> int | None:
    """Return when the newest batch of a collector was received, in seconds; None where there is none."""
    found: int = store.value(
        "SELECT toUInt32(max(received_at)) FROM batch WHERE collector = {collector:String}",
        {"collector": collector},
    )
    return found or None
