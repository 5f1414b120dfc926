"""Errors of reference data: a branch of the tree that `caudal.common.errors` draws."""

from pathlib import Path

from caudal.common.errors import CaudalError


class ReferenceDataError(CaudalError, ValueError):
    """Facts or address data are wrong or missing: the message says what, where, and what to do."""


class FactError(ReferenceDataError):
    """A file of facts is wrong at `line` and `column` (0 and empty where the whole file or row is meant).

    `more` counts further faults that loading found.
    """

    def __init__(self, file: Path, line: int, column: str, problem: str, more: int = 0) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        self.more = more
        where = str(file)
        if line:
            where += f", line {line}"
        if column:
            where += f", column {column}"
        also = f" (and {more} more: `caudal reference check` says them all)" if more else ""
        super().__init__(f"{where}: {problem}{also}")


class UnknownEconomy(ReferenceDataError):
    """An economy that is not in economies.csv, nor in the overlay."""


class UnknownGroup(ReferenceDataError):
    """A country group that is not in country_groups.csv, nor in the overlay."""


class UnknownFact(ReferenceDataError):
    """Nothing of this name is among the facts; `available` lists what is near or there."""

    def __init__(self, problem: str, available: tuple[str, ...] = ()) -> None:
        self.available = available
        super().__init__(problem)


class UnknownMonth(ReferenceDataError):
    """Text that was to be a month, YYYY-MM, and is not."""


class ImportFault(ReferenceDataError):
    """A publisher's file cannot be read: the message names the file and, where there is one, the line."""


class AddressError(ReferenceDataError):
    """Address data cannot be read: the message names the file and, where there is one, the line."""
