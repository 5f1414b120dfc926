"""Where an economy's traffic goes and who controls it there, jointly."""

import polars as pl

from caudal.collector.batch import UNKNOWN_COUNTRY
from caudal.service.period import Month
from caudal.service.store import Store


def destinations(store: Store, economy: str, month: str) -> pl.DataFrame:
    """Return location, control, bytes, bytes_variance, flows of a month's traffic, out and in; '' is unknown.

    A declared anycast address has no location: it is somewhere, and nobody can say where.
    """
    return store.frame(
        "SELECT if(remote_country = {unknown:String} OR location_rung = 'anycast', '', toString(remote_country)) "
        "AS location, if(control = {unknown:String}, '', toString(control)) AS controller, "
        "sum(toFloat64(cell.bytes)) AS sum_bytes, sum(cell.bytes_variance) AS variance, "
        "sum(toInt64(cell.flows)) AS records "
        "FROM flow_attributed_month AS cell WHERE economy = {economy:String} "
        "AND time = toDateTime({start:UInt32}, 'UTC') AND direction IN ('out', 'in') "
        "GROUP BY location, controller ORDER BY sum_bytes DESC, location, controller",
        {"economy": economy, "start": Month.parse(month).epoch, "unknown": UNKNOWN_COUNTRY},
    ).select(
        "location",
        pl.col("controller").alias("control"),
        pl.col("sum_bytes").alias("bytes"),
        pl.col("variance").alias("bytes_variance"),
        pl.col("records").alias("flows"),
    )
