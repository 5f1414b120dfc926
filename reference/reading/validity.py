"""When a fact holds: from a first day to a last, both included, either open."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

from caudal.common.logline import quoted
from caudal.reference.files.errors import UnknownMonth

# A fact that changes within a month answers for all of it with what holds on this day: for the longer part.
DAY_OF_MONTH = 15


@dataclass(frozen=True)
class Validity:
    """The days from `since` to `until`, both included; None where there is no bound."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Return True if the row holds on the day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def overlaps(self, other: Self) -> bool:
        """Return True if both hold on some day."""
        return _starts_before_end(self, other) and _starts_before_end(other, self)

    def __str__(self) -> str:
        if self.since is None and self.until is None:
            return "always"
        return f"{self.since or '…'} to {self.until or '…'}"


ALWAYS = Validity()


def day_of_month(month: str) -> date:
    """Return the day whose facts answer for a month written YYYY-MM; UnknownMonth for anything else."""
    match = re.fullmatch(r"(\d{4})-(\d{2})", month)
    if match is None or not (1 <= int(match[2]) <= 12 and int(match[1]) >= 1):
        raise UnknownMonth(f"{quoted(month)} is not a month; write it YYYY-MM, as 2026-10")
    return date(int(match[1]), int(match[2]), DAY_OF_MONTH)


def of_period(text: str) -> Validity:
    """Return the days of a year (YYYY), month (YYYY-MM) or day (YYYY-MM-DD)."""
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 1:
        return Validity(date(parts[0], 1, 1), date(parts[0], 12, 31))
    if len(parts) == 2:
        following = date(parts[0] + parts[1] // 12, parts[1] % 12 + 1, 1)
        return Validity(date(parts[0], parts[1], 1), date.fromordinal(following.toordinal() - 1))
    day = date(parts[0], parts[1], parts[2])
    return Validity(day, day)


def _starts_before_end(one: Validity, other: Validity) -> bool:
    return one.since is None or other.until is None or one.since <= other.until
