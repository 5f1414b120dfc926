"""What collectors sent: batches by day."""

from datetime import datetime

import polars as pl

from caudal.service.store import Store


def batches_by_day(store: Store, collector: str, since: datetime) -> pl.DataFrame:
    """Return day (YYYY-MM-DD), batches, rows and newest (seconds) of a collector since a time, newest day first."""
    return store.frame(
        "SELECT toString(toDate(received_at)) AS day, count() AS batches, sum(rows) AS all_rows, "
        "toUInt32(max(received_at)) AS newest FROM batch WHERE collector = {collector:String} "
        "AND received_at >= toDateTime({since:UInt32}, 'UTC') GROUP BY day ORDER BY day DESC",
        {"collector": collector, "since": int(since.timestamp())},
    )


def newest_batch(store: Store, collector: str) -> int | None:
    """Return when the newest batch of a collector was received, in seconds; None where there is none."""
    found: int = store.value(
        "SELECT toUInt32(max(received_at)) FROM batch WHERE collector = {collector:String}",
        {"collector": collector},
    )
    return found or None
