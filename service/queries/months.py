"""Which economies and months have data, and the cells that indicators are computed from."""

from datetime import datetime

import polars as pl

from caudal.service.period import Month
from caudal.service.store import Store

CELL_KEYS = (
    "operator",
    "direction",
    "remote_asn",
    "remote_country",
    "location_rung",
    "folded",
    "sampling_from",
    "platform",
    "platform_name",
    "category",
    "tier",
    "stage",
    "network_kind",
    "control",
    "interpretation_status",
)


def economies_with_data(store: Store) -> pl.DataFrame:
    """Return economy, first_month, last_month, months, operators; one row per economy, in order."""
    return store.frame(
        "SELECT economy, formatDateTime(min(time), '%Y-%m') AS first_month, "
        "formatDateTime(max(time), '%Y-%m') AS last_month, uniqExact(time) AS months, "
        "arraySort(groupUniqArray(operator)) AS operators FROM flow_month GROUP BY economy ORDER BY economy"
    )


def months_with_data(store: Store, economy: str) -> list[str]:
    """Return the months (YYYY-MM) in which an economy has flows, in order."""
    found = store.frame(
        "SELECT DISTINCT formatDateTime(time, '%Y-%m') AS month FROM flow_month "
        "WHERE economy = {economy:String} ORDER BY month",
        {"economy": economy},
    )
    return [str(month) for month in found["month"]]


def month_cells(store: Store, economy: str, month: str) -> pl.DataFrame:
    """Return the cells of one economy and month, summed over collectors: keys, then the four sums."""
    keys = ", ".join(CELL_KEYS)
    return store.frame(
        f"SELECT {keys}, sum(cell.bytes) AS bytes, sum(cell.packets) AS packets, sum(cell.flows) AS flows, "
        "sum(cell.bytes_variance) AS bytes_variance FROM flow_attributed_month AS cell "
        "WHERE economy = {economy:String} AND time = toDateTime({start:UInt32}, 'UTC') "
        f"GROUP BY {keys} ORDER BY {keys}",
        {"economy": economy, "start": Month.parse(month).epoch},
    )


def reporting_operators(store: Store, economy: str, start: datetime, end: datetime) -> list[str]:
    """Return the operators that have flows in [start, end); whole months are looked at."""
    found = store.frame(
        "SELECT DISTINCT operator FROM flow_month WHERE economy = {economy:String} "
        "AND time >= toStartOfMonth(toDateTime({start:UInt32}, 'UTC')) AND time < toDateTime({end:UInt32}, 'UTC') "
        "ORDER BY operator",
        {"economy": economy, "start": int(start.timestamp()), "end": int(end.timestamp())},
    )
    return [str(operator) for operator in found["operator"]]


def synthetic_batches(store: Store, economy: str) -> int:
    """Return how many batches of an economy were made by a traffic model."""
    return int(
        store.value(
            "SELECT count() FROM batch WHERE economy = {economy:String} AND synthetic", {"economy": economy}
        )
    )
