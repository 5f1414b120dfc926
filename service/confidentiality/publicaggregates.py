"""Monthly aggregates without operators: what may be shown of them, cell by cell.

A cell that too few operators contribute to, or one of them all but alone, is added to the rest of its
direction (primary). Where the rest itself may not be shown, the smallest other cells join it until it may
(secondary): so nothing can be had back by taking what is shown from a total. A direction that may not be shown
even as a whole keeps its row without the sums; where that is out or in, or both together, only shares are left.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.contract.batch import FLOWS
from caudal.service.confidentiality.confidentiality import Objection, Rule

# Those of a month's facts; nobody's figures are told apart, nor the places where an operator meters.
AGGREGATE_KEYS = tuple(column.name for column in FLOWS if column.fact)
_SUMS = ("bytes", "packets", "flows", "bytes_variance")
# Of sums and shares that a factor moved; a share of less than a millionth is not told.
_DIGITS, _SHARE_DECIMALS = 3, 6
# What fewer flow records tell, sampled packets are few whole multiples of: these would show through three digits.
_LEAST_FLOWS = 1000
# Whether networks of the economy exchanged a cell: operators know what they exchange with each other.
_EXCHANGE = "exchange"
_REST = {
    "remote_asn": 0,
    "remote_country": UNKNOWN_COUNTRY,
    "location_rung": "unknown",
    "service": "",
    "sampling_from": "",
    "folded": True,
}


@dataclass(frozen=True)
class Aggregates:
    """The cells of a month, over all operators: AGGREGATE_KEYS, the sums, share, cells.

    `share` is of the bytes out and in, null for other directions; `cells` counts the cells that a row stands
    for: more than one in the rest of a direction. The sums are null where `objection` forbids them, and in the only
    row of another direction that may not be shown.
    """

    rows: pl.DataFrame
    objection: Objection | None


def aggregates(
    facts: pl.DataFrame,
    rule: Rule,
    *,
    protected: bool = True,
    whole: Objection | None = None,
    moved: bool = False,
) -> Aggregates:
    """Return the aggregates of a month's facts (as `month_facts` answers them) that may be shown; all where not `protected`.

    `whole` is what else forbids the sums. Where each operator's were `moved` by a factor, they are told to three digits,
    and cells of few flow records belong to the rest; and so does what networks of the economy `exchange` (a column that
    may lack), for of that each of them knows the other's part.
    """
    if _EXCHANGE not in facts.columns or not moved:
        facts = facts.with_columns(pl.lit(value=False).alias(_EXCHANGE))
    summed = facts.sort(*AGGREGATE_KEYS, "operator").with_columns(pl.col("bytes").cast(pl.Float64).alias("b"))
    cells = summed.group_by(AGGREGATE_KEYS, maintain_order=True).agg(
        pl.col(_SUMS).sum(),
        (pl.col("b") > 0).sum().alias("operators"),
        pl.col("b").top_k(2).sort(descending=True).alias("largest"),
        pl.col("b").sum().alias("total"),
        pl.col(_EXCHANGE).any(),
    )
    directed = pl.col("direction").is_in(("out", "in"))
    amount = float(cells.filter(directed)["total"].sum())
    told = (("out", "in"), ("out",), ("in",))
    objections = (rule.objection(_by_operator(summed, directions)) for directions in told)
    objection = whole or next((each for each in objections if each is not None), None) if protected else None
    least = _LEAST_FLOWS if moved else 0
    if protected and objection is None:
        cells = _folded(cells, summed, rule, least)
    elif protected and least:
        cells = _without_few(cells, least)
    else:
        cells = cells.with_columns(pl.lit(1, pl.UInt32).alias("cells"))
    shares = pl.when(directed & (amount > 0)).then(pl.col("bytes").cast(pl.Float64) / (amount or 1.0))
    rows = cells.with_columns(shares.alias("share")).select(*AGGREGATE_KEYS, *_SUMS, "share", "cells")
    if moved:
        rows = rows.with_columns(
            *(pl.col(name).round_sig_figs(_DIGITS) for name in _SUMS),
            pl.col("share").round(_SHARE_DECIMALS),
        ).with_columns(
            *(pl.col(name).round().cast(pl.UInt64) for name in ("bytes", "packets")),
            ((pl.col("flows") / 10).round() * 10).cast(pl.UInt64).alias("flows"),
        )
    if objection is not None:
        rows = rows.with_columns(pl.lit(None, rows.schema[name]).alias(name) for name in _SUMS)
    return Aggregates(rows, objection)


def _without_few(cells: pl.DataFrame, least: int) -> pl.DataFrame:
    """Return cells with those of fewer than `least` flow records in one row for each direction."""
    kept = cells.with_columns(pl.lit(1, pl.UInt32).alias("cells"))
    few = kept.filter(((pl.col("flows") < least) | pl.col(_EXCHANGE)) & (pl.col("total") > 0))
    rest = few.group_by("direction", maintain_order=True).agg(
        pl.col(_SUMS).sum(), pl.col("cells").sum().cast(pl.UInt32)
    )
    named = rest.with_columns(
        pl.lit(value).cast(cells.schema[name]).alias(name) for name, value in _REST.items()
    )
    columns = [*AGGREGATE_KEYS, *_SUMS, "cells"]
    others = kept.join(few, on=AGGREGATE_KEYS, how="anti", maintain_order="left")
    return pl.concat([others.select(columns), named.select(columns)]).sort(*AGGREGATE_KEYS, "cells")


def _folded(cells: pl.DataFrame, summed: pl.DataFrame, rule: Rule, least: int) -> pl.DataFrame:
    first = pl.col("largest").list.get(0)
    others = pl.col("total") - pl.col("largest").list.sum()
    unsafe = (
        (pl.col("operators") < rule.minimum_operators)
        | (others < rule.percent / 100 * first)
        | (pl.col("flows") < least)
        | pl.col(_EXCHANGE)
    )
    # What nobody carried shows nothing of anybody.
    marked = cells.with_columns((unsafe & (pl.col("total") > 0)).alias("unsafe"))
    kept = []
    for (direction,), own in marked.partition_by("direction", as_dict=True, maintain_order=True).items():
        order = own.sort([~pl.col("unsafe"), "total", *AGGREGATE_KEYS])
        count = _joining(order, summed.filter(pl.col("direction") == direction), rule, least)
        untold = rule.objection(_by_operator(summed, (direction,))) is not None or own["flows"].sum() < least
        kept.append(order.slice(count).with_columns(pl.lit(1, pl.UInt32).alias("cells")))
        if count:
            rest = order.head(count).select(pl.col(_SUMS).sum(), pl.lit(count, pl.UInt32).alias("cells"))
            if untold:
                rest = rest.with_columns(pl.lit(None, rest.schema[name]).alias(name) for name in _SUMS)
            named = {"direction": direction, **_REST}
            kept.append(
                rest.with_columns(
                    pl.lit(value).cast(own.schema[name]).alias(name) for name, value in named.items()
                )
            )
    columns = [*AGGREGATE_KEYS, *_SUMS, "cells"]
    return pl.concat([part.select(columns) for part in kept]).sort(*AGGREGATE_KEYS, "cells")


def _joining(order: pl.DataFrame, summed: pl.DataFrame, rule: Rule, least: int) -> int:
    """Return the number of ordered cells to be added up for their sum to be shown; 0 where no sum is needed.

    All of them, where even that is not enough: then the direction is one row.
    """
    unsafe = int(order["unsafe"].sum())
    if not unsafe:
        return 0
    places = order.select(AGGREGATE_KEYS).with_row_index("place")
    own = summed.join(places, on=AGGREGATE_KEYS, how="inner")
    operators = own["operator"].unique().sort()
    columns = own["operator"].replace_strict(operators, np.arange(len(operators)), return_dtype=pl.Int64)
    carried = np.zeros((order.height, len(operators)))
    np.add.at(carried, (own["place"].to_numpy(), columns.to_numpy()), own["b"].to_numpy())
    running = np.cumsum(carried, axis=0)
    flows = order["flows"].cum_sum()
    # What was exchanged is not told alone either: as much of other traffic joins it.
    others = (order["total"] * ~order[_EXCHANGE]).cum_sum()
    exchanged = float(order.filter(_EXCHANGE)["total"].sum())
    for count in range(unsafe, order.height + 1):
        if (
            flows[count - 1] >= least
            and others[count - 1] >= exchanged
            and rule.objection(running[count - 1].tolist()) is None
        ):
            return count
    return order.height


def _by_operator(summed: pl.DataFrame, directions: tuple[str, ...]) -> list[float]:
    own = summed.filter(pl.col("direction").is_in(directions))
    return [float(each) for each in own.group_by("operator").agg(pl.col("b").sum())["b"]]
