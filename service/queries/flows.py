"""Flows by any grouping: picks the coarsest roll-up that answers exactly, and says how sure the answer is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import polars as pl

from caudal.common.logline import quoted
from caudal.common.vocabulary import NORMAL_QUANTILE_95, UNKNOWN_COUNTRY
from caudal.contract.batch import FLOWS
from caudal.service.errors import QuestionError
from caudal.service.store.store import Store

# Beyond these a query takes a turn of heavy work.
_MANY_GROUPINGS = 3
_MANY_DAYS = 366

Grain = Literal["hour", "day", "month"]
GRAINS: tuple[Grain, ...] = ("month", "day", "hour")

_NO_DIMENSIONS = ("window_start", "window_seconds")
STORED: dict[str, str] = {
    "economy": "LowCardinality(String)",
    "operator": "LowCardinality(String)",
    "collector": "LowCardinality(String)",
    **{c.name: c.clickhouse for c in FLOWS if c.kind == "key" and c.name not in _NO_DIMENSIONS},
}
# Of what operators say of their own networks: for those who may have exact figures, whatever else is told.
OF_OPERATORS: tuple[str, ...] = tuple(c.name for c in FLOWS if c.of_exporter)
INTERPRETED: dict[str, str] = {
    "platform": "String",
    "platform_name": "String",
    "parent": "String",
    "category": "String",
    "tier": "String",
    "stage": "UInt8",
    "network_name": "String",
    "network_kind": "String",
    "control": "String",
    "region": "String",
    "interpretation_status": "String",
    "border": "String",
    "exchange": "UInt8",
}
DIMENSIONS: dict[str, str] = {**STORED, **INTERPRETED}
GROUPINGS: tuple[str, ...] = (*GRAINS, *DIMENSIONS)

# As the indicators count it (J9): the place or the operator of the far end is not known. Networks of the economy have one.
_UNDETERMINED = f"((NOT exchange AND (remote_country IN ('', '{UNKNOWN_COUNTRY}') OR location_rung = 'anycast')) OR control IN ('', '{UNKNOWN_COUNTRY}'))"


@dataclass(frozen=True)
class FlowQuery:
    """A question about traffic: economies, the time [start, end) in whole hours UTC, groupings, filters.

    `group_by` holds names of GROUPINGS, at most one of them a grain of time. `filters` maps dimensions to
    the values they may have. Rows come by time and then by bytes, `limit` of them after `offset`.
    """

    economies: tuple[str, ...]
    start: datetime
    end: datetime
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int = 1000
    offset: int = 0

    @property
    def grain(self) -> Grain | None:
        """The grain of time that is grouped by."""
        return next((grain for grain in GRAINS if grain in self.group_by), None)

    @property
    def wide(self) -> bool:
        """True if the question costs much: many groups, or many rows to read for them."""
        days = (self.end - self.start).days
        return len(self.group_by) >= _MANY_GROUPINGS or days > (
            _MANY_DAYS if roll_up(self) == "month" else 31
        )


@dataclass(frozen=True)
class FlowAnswer:
    """The rows asked for and what must be known with them. What two of the operators asked for exchange counts once.

    `rows` has the groupings (a grain as `time`), bytes, bytes_low, bytes_high (95 %, sampling only),
    packets, flows and share: of the bytes of the row's time, or of all without a grain. `total` has the same
    sums over everything asked for; `undetermined` is the share of its bytes out and in whose place or
    operator is unknown, None without bytes. `more` says that rows follow.
    """

    roll_up: Grain
    rows: pl.DataFrame
    total: dict[str, float]
    undetermined: float | None
    more: bool


def flows(store: Store, query: FlowQuery) -> FlowAnswer:
    """Answer a query from the coarsest roll-up that holds it exactly; raise QuestionError if none does."""
    grain = roll_up(query)
    where, values = _where(query)
    source = f"flow_attributed_{grain}"
    grouped = [_grouping(name, grain) for name in query.group_by]
    names = ["time" if name in GRAINS else name for name in query.group_by]
    period = "PARTITION BY slot" if query.grain else ""
    columns = "".join(f"{expression}, " for expression in grouped)
    group = f"GROUP BY {', '.join(e.rpartition(' AS ')[2] for e in grouped)}" if grouped else ""
    order = ", ".join(
        (["slot"] if query.grain else []) + ["sum_bytes DESC"] + [n for n in names if n != "time"]
    )
    # Added up exactly, and only then rounded: the order of adding must not matter.
    halves = _halves(query)
    sums = (
        f"toFloat64(sum(f.bytes * {halves})) / 2 AS sum_bytes, toFloat64(sum(f.packets * {halves})) / 2 AS sum_packets, "
        "toFloat64(sum(f.flows)) AS sum_flows, "
        f"greatest(toFloat64(sum(f.bytes_variance * {halves} * {halves})), 0) / 4 AS sum_variance"
    )
    if "operator" in query.filters:
        values["asked"] = list(query.filters["operator"])
    # Batches that were taken back leave rows that add up to nothing.
    anything = "HAVING sum_bytes != 0 OR sum_packets != 0 OR sum_flows != 0" if grouped else ""
    rows = store.frame(
        f"SELECT {columns}{sums}, toFloat64(sum(sum(f.bytes * {halves})) OVER ({period})) / 2 AS of_bytes "
        f"FROM {source} AS f WHERE {where} {group} {anything} ORDER BY {order} "
        "LIMIT {limit:UInt32} OFFSET {offset:UInt32}",
        {**values, "limit": query.limit + 1, "offset": query.offset},
    )
    total = store.frame(
        f"SELECT {sums}, toFloat64(sumIf(f.bytes * {halves}, direction IN ('out', 'in'))) / 2 AS directed, "
        f"toFloat64(sumIf(f.bytes * {halves}, direction IN ('out', 'in') AND {_UNDETERMINED})) / 2 AS undetermined "
        f"FROM flow_attributed_{grain} AS f WHERE {where}",
        values,
    ).row(0, named=True)
    more = rows.height > query.limit
    if not grouped and not total["sum_flows"] and not total["sum_bytes"]:
        rows = rows.clear()
    return FlowAnswer(
        roll_up=grain,
        rows=_finished(rows.head(query.limit), names),
        total=_interval(total),
        undetermined=total["undetermined"] / total["directed"] if total["directed"] else None,
        more=more,
    )


def _halves(query: FlowQuery) -> str:
    """Return SQL of how many halves of a row count: one where the other side of an exchange is among those asked for."""
    if "operator" not in query.filters:
        return "f.halves"
    asked = "{asked:Array(String)}"
    other = f"if(f.other_operator != '', has({asked}, f.other_operator), length({asked}) > 1)"
    return f"if(f.halves = 1 AND {other}, 1, 2)"


def roll_up(query: FlowQuery) -> Grain:
    """Return the coarsest roll-up whose slots the query's times and grain do not cut."""
    if query.end <= query.start:
        raise QuestionError("the time asked for is empty: `to` must come after `from`")
    if sum(name in GRAINS for name in query.group_by) > 1:
        raise QuestionError("group by one of hour, day, month; more than one says nothing")
    for name in (*query.group_by, *query.filters):
        if name not in GROUPINGS or (name in query.filters and name not in DIMENSIONS):
            raise QuestionError(f"there is no dimension {quoted(name)}; there are {', '.join(GROUPINGS)}")
    finest = GRAINS.index(query.grain) if query.grain else 0
    for grain in GRAINS[finest:]:
        if all(_starts(moment, grain) for moment in (query.start, query.end)):
            return grain
    raise QuestionError("`from` and `to` must be whole hours UTC: finer than hours is not kept")


def _starts(moment: datetime, grain: Grain) -> bool:
    whole_hour = not (moment.minute or moment.second or moment.microsecond)
    if grain == "hour":
        return whole_hour
    if grain == "day":
        return whole_hour and not moment.hour
    return whole_hour and not moment.hour and moment.day == 1


def _grouping(name: str, stored: Grain) -> str:
    if name not in GRAINS:
        return name
    if name == stored:
        return "toUInt32(time) AS slot"
    truncate = {"day": "toStartOfDay(time)", "month": "toDateTime(toStartOfMonth(time), 'UTC')"}[name]
    return f"toUInt32({truncate}) AS slot"


def _where(query: FlowQuery) -> tuple[str, dict[str, object]]:
    values: dict[str, object] = {
        "economies": list(query.economies),
        "start": int(query.start.timestamp()),
        "end": int(query.end.timestamp()),
    }
    parts = [
        "has({economies:Array(String)}, economy)",
        "time >= toDateTime({start:UInt32}, 'UTC')",
        "time < toDateTime({end:UInt32}, 'UTC')",
    ]
    for position, (name, wanted) in enumerate(query.filters.items()):
        parts.append(f"has({{filter{position}:Array(String)}}, toString({name}))")
        values[f"filter{position}"] = list(wanted)
    return " AND ".join(parts), values


def _finished(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    spread = NORMAL_QUANTILE_95 * pl.col("sum_variance").sqrt()
    size = pl.col("sum_bytes").cast(pl.Float64)
    timed = (
        rows.rename({"slot": "time"}).with_columns(
            pl.from_epoch("time", time_unit="s").dt.replace_time_zone("UTC")
        )
        if "slot" in rows.columns
        else rows
    )
    return timed.select(
        *names,
        pl.col("sum_bytes").alias("bytes"),
        (size - spread).clip(lower_bound=0).alias("bytes_low"),
        (size + spread).alias("bytes_high"),
        pl.col("sum_packets").alias("packets"),
        pl.col("sum_flows").alias("flows"),
        pl.when(pl.col("of_bytes") > 0).then(size / pl.col("of_bytes")).otherwise(None).alias("share"),
    )


def _interval(total: Mapping[str, float]) -> dict[str, float]:
    spread = NORMAL_QUANTILE_95 * math.sqrt(total["sum_variance"])
    return {
        "bytes": total["sum_bytes"],
        "bytes_low": max(0.0, total["sum_bytes"] - spread),
        "bytes_high": total["sum_bytes"] + spread,
        "packets": total["sum_packets"],
        "flows": total["sum_flows"],
    }
