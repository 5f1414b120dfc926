"""Published figures: which of them hold in a month, how old they are, how far they can be trusted."""

import calendar
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from caudal.service.indicators.model.context import UNCHECKED, Context
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import apart
from caudal.service.vocabulary.reason import Reason, reason

Row = Mapping[str, Any]

# A figure older than this at the month's start is called stale.
STALE_YEARS = 3.0
# Half the range of a figure's logarithm after a year, where its own history does not tell: four fifths of the
# yearly changes of a region's revenue in the filings lie within it.
YEARLY_CHANGE = 0.25
# A series tells its yearly change by at least so many changes from one year to the next.
LEAST_CHANGES = 4
WEAK = "verified_weak"
MILLION = 1e6

FROM_MEMORY = "from_memory"
STALE_FACTS = "stale_facts"
WEAK_FACTS = "weak_facts"


def first_day(context: Context) -> date:
    """Return the first day of the month."""
    return date(int(context.month[:4]), int(context.month[5:7]), 1)


def last_day(context: Context) -> date:
    """Return the last day of the month."""
    first = first_day(context)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def rows(context: Context, name: str, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a file of facts that hold in the month; none where it lacks one of `columns`.

    A row holds unless its `valid_from` lies after the month or its `valid_to` before it. `status` and
    `note` are empty text where the file has none.
    """
    frame = context.fact(name)
    if not {*columns} <= {*frame.columns}:
        return []
    first, last = first_day(context), last_day(context)
    found: list[Row] = []
    for row in frame.iter_rows(named=True):
        since, until = row.get("valid_from"), row.get("valid_to")
        if (since is None or since <= last) and (until is None or until >= first):
            found.append({**row, "status": row.get("status") or "", "note": row.get("note") or ""})
    return found


def end_of(year: int) -> date:
    """Return the last day of a year."""
    return date(year, 12, 31)


def age_years(end: date, context: Context) -> float:
    """Return the years between the end of a figure's period and the month's start; 0 where it ended later."""
    return max(0.0, (first_day(context) - end).days / 365.25)


def yearly_change(series: Mapping[int, float]) -> float:
    """Return the largest change of the logarithm from one year to the next in a series of positive figures.

    Where the series holds fewer than LEAST_CHANGES such changes it is YEARLY_CHANGE.
    """
    changes = [
        abs(math.log(series[year] / series[before]))
        for before, year in pairwise(sorted(series))
        if year == before + 1 and series[year] > 0 and series[before] > 0
    ]
    return max(changes) if len(changes) >= LEAST_CHANGES else YEARLY_CHANGE


def drift(name: str, years: float, change: float = YEARLY_CHANGE) -> FloatArray:
    """Return draws of the factor by which a figure may have changed since: within e^(±change·√years)."""
    return apart(f"drift of {name}", change * math.sqrt(years))


def flags_of(found: Iterable[Row], *ages: float) -> frozenset[str]:
    """Return the flags that follow from the statuses of rows and from the ages of figures, in years."""
    statuses = [str(row["status"]) for row in found]
    flags = set()
    if any(UNCHECKED in status for status in statuses):
        flags.add(FROM_MEMORY)
    if WEAK in statuses:
        flags.add(WEAK_FACTS)
    if any(age > STALE_YEARS for age in ages):
        flags.add(STALE_FACTS)
    return frozenset(flags)


def needs(context: Context, code: str, file: str, columns: Sequence[str], **figures: str | int) -> Reason:
    """Return the reason of an answer that lacks figures: what, and the rows that would cure it."""
    return reason(code, month=context.month, file=file, columns=", ".join(columns), **figures)
