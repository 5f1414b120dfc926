"""Months as the statistics name them: YYYY-MM, in UTC."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from caudal.common.logline import quoted
from caudal.service.errors import QuestionError

MONTH_PATTERN = r"^20\d{2}-(0[1-9]|1[0-2])$"


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read YYYY-MM; raise QuestionError for anything else."""
        if not re.fullmatch(MONTH_PATTERN, text):
            raise QuestionError(f"{quoted(text)} is no month; write YYYY-MM, for instance 2026-08")
        return cls(int(text[:4]), int(text[5:]))

    @property
    def start(self) -> datetime:
        """The first moment of the month, UTC."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.next.start

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> "Month":
        """The month before it."""
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    @property
    def middle(self) -> date:
        """The 15th of the month: facts that hold then hold for the month."""
        return date(self.year, self.number, 15)

    @property
    def days(self) -> int:
        """The number of days of the month."""
        return calendar.monthrange(self.year, self.number)[1]

    @property
    def epoch(self) -> int:
        """The first moment of the month in seconds since 1970 UTC."""
        return int(self.start.timestamp())

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"
