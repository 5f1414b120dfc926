"""The ledger: what became of every record, by exporter and day or month."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from caudal.contract.batch import BALANCE, LEDGER_COUNTS
from caudal.service.perturbation.perturbation import coarse_count
from caudal.service.store.store import Store

# Sums are exact in the store; no count that means anything is larger, and a thousand of them still fit 64 bits.
_MOST = 1 << 53
_BALANCED = " AND ".join(
    f"sum({whole}) = {' + '.join(f'sum({part})' for part in parts)}" for whole, parts in BALANCE.items()
)


@dataclass(frozen=True)
class LedgerAnswer:
    """`rows` has time, operator, collector, exporter, the counts and balanced; `total` the counts.

    `more` says that there are rows that are not shown.
    """

    rows: pl.DataFrame
    total: dict[str, int]
    balanced: bool
    exporters: int
    more: bool


def ledger(
    store: Store,
    economy: str,
    start: datetime,
    end: datetime,
    by: Literal["day", "month"],
    limit: int | None = 10_000,
    operators: Collection[str] | None = None,
) -> LedgerAnswer:
    """Return the ledger of an economy in [start, end), whole days; the total is over all rows, shown or not (None: all).

    `operators` are those whose rows are read, None for all.

    A row is balanced when its counts add up as BALANCE of the batch says: nothing was lost without being counted. The
    answer is balanced when every row is.
    """
    slot = "time" if by == "day" else "toDateTime(toStartOfMonth(time), 'UTC')"
    counts = ", ".join(f"{_count(name)} AS sum_{name}" for name in LEDGER_COUNTS)
    anything = " OR ".join(f"sum({name}) != 0" for name in LEDGER_COUNTS)
    rows = store.frame(
        f"SELECT toUInt32({slot}) AS slot, operator, collector, exporter, {counts}, {_BALANCED} AS balanced FROM ledger_day "
        "WHERE economy = {economy:String} AND time >= toDateTime({start:UInt32}, 'UTC') "
        "AND time < toDateTime({end:UInt32}, 'UTC') "
        "AND ({all:Bool} OR has({operators:Array(String)}, operator)) "
        f"GROUP BY slot, operator, collector, exporter HAVING {anything} ORDER BY slot, operator, collector, exporter",
        {
            "economy": economy,
            "start": int(start.timestamp()),
            "end": int(end.timestamp()),
            "all": operators is None,
            "operators": sorted(operators or ()),
        },
    )
    named = rows.rename({f"sum_{name}": name for name in LEDGER_COUNTS}).with_columns(
        pl.col("balanced").cast(pl.Boolean),
        pl.from_epoch("slot", time_unit="s").dt.replace_time_zone("UTC").alias("time"),
    )
    shown = named.select("time", "operator", "collector", "exporter", *LEDGER_COUNTS, "balanced")
    total = {name: int(shown[name].sum()) for name in LEDGER_COUNTS}
    exporters = shown.select("collector", "exporter").n_unique()
    return LedgerAnswer(
        shown if limit is None else shown.head(limit),
        total,
        bool(shown["balanced"].all()),
        exporters,
        limit is not None and shown.height > limit,
    )


def ledger_sums(
    store: Store, economy: str, start: datetime, end: datetime, factors: Mapping[str, float]
) -> LedgerAnswer:
    """Return the sums of the ledger in [start, end), without rows, the records of each operator times its factor.

    What was multiplied is told to four digits and to tens, and adds up as what was counted does.
    """
    counted = ledger(store, economy, start, end, "month", limit=None)
    none = counted.rows.clear()
    if not factors:
        return LedgerAnswer(none, counted.total, counted.balanced, counted.exporters, more=False)
    own = pl.col("operator").replace_strict(dict(factors), default=1.0, return_dtype=pl.Float64)
    moved = counted.rows.select(pl.col(name).cast(pl.Float64).mul(own).sum() for name in LEDGER_COUNTS).row(
        0, named=True
    )
    total = {name: coarse_count(number) for name, number in moved.items()}
    if counted.balanced:
        for whole in ("decoded", "received"):
            total[whole] = sum(total[part] for part in BALANCE[whole])
    return LedgerAnswer(none, total, counted.balanced, counted.exporters, more=False)


def _count(name: str) -> str:
    return f"toInt64(greatest(least(sum({name}), toInt128({_MOST})), toInt128(-{_MOST})))"
