"""Parameters that several routes ask for in the same way: a time, a set of filters."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from caudal.common.logline import quoted
from caudal.service.errors import QuestionError
from caudal.service.months.measures import Measures
from caudal.service.vocabulary.period import Month
from caudal.service.workload.cancellation import CURRENT

_TIME_PATTERN = r"^20\d{2}-\d{2}(-\d{2}(T\d{2}(:\d{2}(:\d{2})?)?Z?)?)?$"
TimeParameter = Annotated[
    str | None,
    Query(pattern=_TIME_PATTERN, description="a month, day or hour, UTC; a month or day as `to` is included"),
]
VintageText = Annotated[
    str,
    Query(
        pattern=r"^[A-Z]{2}-20\d{2}-(0[1-9]|1[0-2])-v[1-9]\d{0,8}$",
        description="the name of a vintage; by default the newest",
        examples=["XA-2026-08-v1"],
    ),
]
Exact = Annotated[
    bool,
    Query(
        description="as metered, nothing withheld and nothing moved by a factor: for roles that may see it"
    ),
]


@dataclass(frozen=True)
class Span:
    """A time [start, end) in UTC."""

    start: datetime
    end: datetime


def span(
    measures: Measures,
    economy: str,
    month: str | None,
    start: str | None,
    end: str | None,
    *,
    running: bool = True,
) -> Span:
    """Return the time asked for: a month, or from … to; without either the newest month with data.

    Without `running`, that of those that are published. A month or day as `to` is included whole; a moment is where the time ends.
    """
    if month is not None and (start is not None or end is not None):
        raise QuestionError("give `month`, or `from` and `to`; not both")
    if start is None and end is None:
        chosen = Month.parse(measures.month(economy, month, running=running))
        return Span(chosen.start, chosen.end)
    if start is None or end is None:
        raise QuestionError("give both `from` and `to`")
    asked = Span(_moment(start, last=False), _moment(end, last=True))
    bounded((asked.end.year - asked.start.year) * 12 + asked.end.month - asked.start.month)
    return asked


def most_months() -> int | None:
    """Return the number of months this request may span; None where nothing limits it."""
    work = CURRENT.get()
    return None if work is None else work.months


def bounded(months: int) -> None:
    """Return if a request may span so many months; raise QuestionError otherwise."""
    most = most_months()
    if most is not None and months > most:
        raise QuestionError(
            f"the question spans {months} months, and one may span {most}; ask for less with `from` and `to`, several times"
        )


def _moment(text: str, *, last: bool) -> datetime:
    if re.fullmatch(r"\d{4}-\d{2}", text):
        month = Month.parse(text)
        return month.end if last else month.start
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as error:
        raise QuestionError(
            f"{quoted(text)} is no time; write 2026-08, 2026-08-31 or 2026-08-31T18:00Z (UTC)"
        ) from error
    if "T" not in text and last:
        return moment.fromordinal(moment.toordinal() + 1).replace(tzinfo=UTC)
    return moment
