"""What changed since another month, said only where the intervals allow it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from caudal.service.indicators import Observation

Since = Literal["month_before", "year_before"]


class Trend(StrEnum):
    """What two intervals allow to be said of a change."""

    ROSE = "rose"
    FELL = "fell"
    UNTOLD = "untold"


@dataclass(frozen=True)
class Change:
    """An observation against the same one of `month`: `difference` is now minus then.

    The trend is told only where the two intervals do not touch. They hold what is unknown besides what
    sampling leaves, so a change that is told would stand whatever the unknown turned out to be; many that
    are real are not told.
    """

    since: Since
    month: str
    before: Observation
    trend: Trend
    difference: float


def compare(now: Observation, before: Observation, since: Since, month: str) -> Change | None:
    """Return the change between two observations; None where either has no value."""
    if now.value is None or now.low is None or now.high is None:
        return None
    if before.value is None or before.low is None or before.high is None:
        return None
    trend = Trend.ROSE if now.low > before.high else Trend.FELL if now.high < before.low else Trend.UNTOLD
    return Change(since, month, before, trend, now.value - before.value)
