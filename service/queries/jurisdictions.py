"""Who controls what: platforms and bytes by controlling jurisdiction."""

import polars as pl

from caudal.service.period import Month
from caudal.service.store import Store


def jurisdictions(store: Store, economy: str, month: str) -> pl.DataFrame:
    """Return control, platforms, bytes, share of an economy's month, out and in; '' is unknown."""
    return store.frame(
        "SELECT control, uniqExactIf(platform, platform != '') AS platforms, sum(toFloat64(cell.bytes)) AS sum_bytes, "
        "sum_bytes / sum(sum_bytes) OVER () AS share FROM flow_attributed_month AS cell "
        "WHERE economy = {economy:String} AND time = toDateTime({start:UInt32}, 'UTC') "
        "AND direction IN ('out', 'in') GROUP BY control ORDER BY sum_bytes DESC, control",
        {"economy": economy, "start": Month.parse(month).epoch},
    ).rename({"sum_bytes": "bytes"})
