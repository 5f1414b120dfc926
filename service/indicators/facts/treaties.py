"""Treaties by which a country may not levy duties on electronic transmissions, and how much that leaves it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.service.indicators.facts.figures import flags_of
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import MIDDLE, Context
from caudal.service.indicators.model.uncertainty import share_interval, weighted_share
from caudal.service.indicators.model.validity import holding, members

TREATIES = "treaty_bans"
COLUMNS = ("country", "treaty", "partners", "partner_group", "in_force", "in_force_from", "in_force_to")


@dataclass(frozen=True)
class Bans:
    """The partners towards whom a country may levy no such duty in a month, by how many treaties, and flags."""

    partners: frozenset[str]
    treaties: int
    flags: frozenset[str]


def bans(context: Context) -> Bans:
    """Return the bans that bind the economy in the month; none where no treaty is listed."""
    rows = context.fact(TREATIES)
    if not {*COLUMNS} <= {*rows.columns}:
        return Bans(frozenset(), 0, frozenset())
    day = context.first_day.replace(day=MIDDLE)
    rows = holding(rows, day, "in_force_from", "in_force_to").filter(
        (pl.col("country") == context.economy.country) & (pl.col("in_force") == "yes")
    )
    groups = context.fact("country_groups")
    partners = frozenset[str]()
    for row in rows.iter_rows(named=True):
        partners |= {*(row["partners"] or "").split()} | members(groups, row["partner_group"] or "")
    binding = [{"status": row.get("status") or ""} for row in rows.iter_rows(named=True)]
    return Bans(partners - {context.economy.country}, rows.height, flags_of(binding))


@dataclass(frozen=True)
class Barred:
    """The least and the greatest share of what is delivered from abroad that comes from partners with a ban."""

    low: float
    high: float


def barred(month: MonthCells, partners: frozenset[str], level: float) -> Barred:
    """Return the share of the bytes in, those of companies of the country itself left out, that partners control.

    At least: by every reading of who controls. At most: by any reading, and all bytes of unknown operators. Both with what
    sampling does to them at `level`. Without bytes from abroad nothing is known: 0 to 1.
    """
    if not partners:
        return Barred(0.0, 0.0)
    _, own, _ = month.commanded(frozenset({month.context.economy.country}))
    delivered = ~month.outward & ~own
    if month.total(delivered) <= 0:
        return Barred(0.0, 1.0)
    certain, _, reached = month.commanded(partners)
    least, most = (
        share_interval(
            weighted_share(each.astype(np.float64), month.bytes * delivered, month.variance * delivered),
            level,
        )
        for each in (certain, reached | ~month.controlled)
    )
    return Barred(least[0], most[1])
