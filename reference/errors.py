"""The error tree of the reference.

ReferenceError
├── FactError        a cell, row or file of facts is wrong; names file, line and column
├── UnknownEconomy   an economy was asked for that the reference does not hold
├── UnknownGroup     a country group was asked for that the reference does not hold
├── UnknownFact      a platform, network, country or file was asked for that the reference does not hold
├── UnknownMonth     what was given as a month is none
├── ImportFault      a publisher's file cannot be read, or not as what it was said to be
└── AddressError     address data, or an operator's own list of prefixes, cannot be read
"""

from pathlib import Path


class ReferenceError(ValueError):
    """Facts or address data are wrong or missing: the message says what, where, and what to do."""


class FactError(ReferenceError):
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


class UnknownEconomy(ReferenceError):
    """An economy that is not in economies.csv, nor in the overlay."""


class UnknownGroup(ReferenceError):
    """A country group that is not in country_groups.csv, nor in the overlay."""


class UnknownFact(ReferenceError):
    """Nothing of this name is among the facts; `available` lists what is near or there."""

    def __init__(self, problem: str, available: tuple[str, ...] = ()) -> None:
        self.available = available
        super().__init__(problem)


class UnknownMonth(ReferenceError):
    """Text that was to be a month, YYYY-MM, and is not."""


class ImportFault(ReferenceError):
    """A publisher's file cannot be read: the message names the file and, where there is one, the line."""


class AddressError(ReferenceError):
    """Address data cannot be read: the message names the file and, where there is one, the line."""
