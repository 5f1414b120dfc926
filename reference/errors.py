"""The error tree of the reference.

ReferenceError
├── FactError        a cell, row or file of facts is wrong; names file, line and column
├── UnknownEconomy   an economy was asked for that the reference does not hold
├── UnknownGroup     a country group was asked for that the reference does not hold
└── AddressError     address data, or an operator's own list of prefixes, cannot be read
"""

from pathlib import Path


class ReferenceError(ValueError):
    """Facts or address data are wrong or missing: the message says what, where, and what to do."""


class FactError(ReferenceError):
    """A file of facts is wrong at `line` and `column` (0 and empty where the whole file or row is meant)."""

    def __init__(self, file: Path, line: int, column: str, problem: str) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        where = str(file)
        if line:
            where += f", line {line}"
        if column:
            where += f", column {column}"
        super().__init__(f"{where}: {problem}")


class UnknownEconomy(ReferenceError):
    """An economy that is not in economies.csv, nor in the overlay."""


class UnknownGroup(ReferenceError):
    """A country group that is not in country_groups.csv, nor in the overlay."""


class AddressError(ReferenceError):
    """Address data cannot be read: the message names the file and, where there is one, the line."""
