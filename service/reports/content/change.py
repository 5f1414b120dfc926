"""An observation against the same one of another month: a trend only where the intervals allow it."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from caudal.service.indicators import Observation

Since = Literal["month_before", "year_before"]


class Trend(StrEnum):
    """The direction of a change, as far as two intervals tell it."""

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


# What a reader rounds away: parts of a per cent, and everything after the second digit of any other figure.
HUNDREDTH = 0.01
_DIGITS = 2
# Where what the reporting networks serve is another by more than a tenth, they are not the same networks.
_OTHER_NETWORKS = 0.10


def noticeable(now: float, before: float, *, hundredths: bool) -> bool:
    """Return True if two values differ by more than a reader would round away.

    `hundredths` says that they are shares. 0.724 and 0.726 do not differ so, nor do 3,140 and 3,190.
    """
    size = max(abs(now), abs(before))
    if not size:
        return False
    step = HUNDREDTH if hundredths else 10.0 ** (math.floor(math.log10(size)) + 1 - _DIGITS)
    # A step of a hundredth is no exact number of a computer's: 0.63 − 0.62 is a little less.
    return abs(now - before) >= step * (1 - 1e-9)


def same_networks(now: float | None, before: float | None) -> bool:
    """Return True if two months' coverage is close enough for a change not to be that of who reports."""
    if now is None or before is None:
        return now is before
    return abs(now - before) <= _OTHER_NETWORKS * max(now, before)


def relative_size(change: Change, now: Observation) -> float:
    """Return the size of a change relative to the wider of the two intervals; infinite where both are exact."""
    widths = [
        each.high - each.low
        for each in (now, change.before)
        if each.high is not None and each.low is not None
    ]
    width = max(widths, default=0.0)
    return abs(change.difference) / width if width else math.inf
