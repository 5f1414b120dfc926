"""Which economies and months have data, and the cells that indicators are computed from."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from caudal.contract.batch import FLOWS
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month

# What a stored fact is told apart by, as far as indicators ask; the rest is added up.
FACT_KEYS = ("operator", *(column.name for column in FLOWS if column.fact))


# What batches that were taken back leave in a roll-up until the engine merges it away: nothing is no data.
_ANYTHING = "(sum(bytes) != 0 OR sum(packets) != 0 OR sum(flows) != 0)"
_ANYTHING_OF_CELLS = "(sum(cell.bytes) != 0 OR sum(cell.packets) != 0 OR sum(cell.flows) != 0)"
# Far beyond what anybody meters, and exact as a floating point number.
_MOST_FLOWS = 1 << 53


def flow_count(total: str) -> str:
    """Return SQL of a sum of flows as Int64, whatever it is summed in."""
    return f"toInt64(least({total}, toInt128({_MOST_FLOWS})))"


def economies_with_data(store: Store) -> pl.DataFrame:
    """Return economy, first_month, last_month, months, operators; one row per economy, in order."""
    return store.frame(
        "SELECT economy, formatDateTime(min(time), '%Y-%m') AS first_month, "
        "formatDateTime(max(time), '%Y-%m') AS last_month, uniqExact(time) AS months, "
        "arraySort(groupUniqArray(operator)) AS operators FROM (SELECT economy, time, operator FROM flow_month "
        f"GROUP BY economy, time, operator HAVING {_ANYTHING}) GROUP BY economy ORDER BY economy"
    )


def months_with_data(store: Store, economy: str) -> list[str]:
    """Return the months (YYYY-MM) in which an economy has flows, in order."""
    found = store.frame(
        "SELECT formatDateTime(time, '%Y-%m') AS month FROM flow_month WHERE economy = {economy:String} "
        f"GROUP BY time HAVING {_ANYTHING} ORDER BY month",
        {"economy": economy},
    )
    return [str(month) for month in found["month"]]


def month_facts(store: Store, economy: str, month: str, facts: str | None = None) -> pl.DataFrame:
    """Return the facts of one economy and month, summed over collectors: FACT_KEYS, then the four sums.

    Bytes, packets and variance are Float64, flows Int64. They are read from the roll-up, or as a vintage kept
    them, which `facts` names.
    """
    keys = ", ".join(FACT_KEYS)
    source = "flow_month" if facts is None else "vintage_cell"
    kept = "" if facts is None else " AND facts = {facts:String}"
    anything = f"HAVING {_ANYTHING_OF_CELLS} " if facts is None else ""
    return store.frame(
        f"SELECT {keys}, toFloat64(sum(cell.bytes)) AS bytes, toFloat64(sum(cell.packets)) AS packets, "
        f"{flow_count('sum(cell.flows)')} AS flows, toFloat64(sum(cell.bytes_variance)) AS bytes_variance "
        f"FROM {source} AS cell WHERE economy = {{economy:String}} "
        f"AND time = toDateTime({{start:UInt32}}, 'UTC'){kept} GROUP BY {keys} {anything}ORDER BY {keys}",
        {"economy": economy, "start": Month.parse(month).epoch, "facts": facts or ""},
    )


def region_flows(store: Store, economies: Iterable[str], month: str, made_up: bool) -> pl.DataFrame:
    """Return the flows out and in of economies in a month: economy, operator, remote_country, and the sums.

    The sums are bytes, bytes_variance and flows. A far end without a known location is ZZ. Economies of which a batch
    was made by a traffic model are left out unless `made_up`.
    """
    metered = "" if made_up else "AND economy NOT IN (SELECT economy FROM batch_counted WHERE synthetic) "
    found = store.frame(
        "SELECT economy, operator, if(location_rung = 'anycast' OR remote_country = '', 'ZZ', toString(remote_country)) "
        "AS place, toFloat64(sum(cell.bytes)) AS bytes, toFloat64(sum(cell.bytes_variance)) AS bytes_variance, "
        f"{flow_count('sum(cell.flows)')} AS flows "
        "FROM flow_month AS cell WHERE has({economies:Array(String)}, economy) "
        "AND time = toDateTime({start:UInt32}, 'UTC') AND direction IN ('out', 'in') "
        f"{metered}GROUP BY economy, operator, place HAVING {_ANYTHING_OF_CELLS} ORDER BY economy, operator, place",
        {"economies": sorted(economies), "start": Month.parse(month).epoch},
    )
    return found.select(
        pl.col("economy", "operator").cast(pl.String),
        pl.col("place").cast(pl.String).alias("remote_country"),
        pl.col("bytes", "bytes_variance", "flows"),
    )


def reporting_operators(store: Store, economy: str, start: datetime, end: datetime) -> list[str]:
    """Return the operators that have flows in [start, end); whole months are looked at."""
    found = store.frame(
        "SELECT operator FROM flow_month WHERE economy = {economy:String} "
        "AND time >= toStartOfMonth(toDateTime({start:UInt32}, 'UTC')) AND time < toDateTime({end:UInt32}, 'UTC') "
        f"GROUP BY operator HAVING {_ANYTHING} ORDER BY operator",
        {"economy": economy, "start": int(start.timestamp()), "end": int(end.timestamp())},
    )
    return [str(operator) for operator in found["operator"]]


def synthetic_batches(store: Store, economy: str) -> int:
    """Return the number of batches of an economy that were made by a traffic model."""
    return int(
        store.value(
            "SELECT count() FROM batch_counted WHERE economy = {economy:String} AND synthetic",
            {"economy": economy},
        )
    )
