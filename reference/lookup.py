"""Look-up in the reference by subject: a file, a network, a platform, a group, a country."""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from caudal.common.logline import quoted
from caudal.reference.files.catalogue import (
    ACCESS_LAWS,
    ADEQUACY,
    COUNTRIES,
    COUNTRY_GROUPS,
    FILES,
    PLATFORM_PROFITS,
    PLATFORMS,
    REGIONAL_REVENUE,
)
from caudal.reference.files.declaration import ANY_COUNTRY, FactFile
from caudal.reference.files.errors import UnknownFact
from caudal.reference.reading.facts import Row
from caudal.reference.reading.validity import Validity, of_period
from caudal.reference.reference import Reference

# Columns that name a country and are no country columns by themselves, as they may name other things too.
_ALSO_COUNTRIES = {
    ACCESS_LAWS.name: ("jurisdiction",),
    ADEQUACY.name: ("regime",),
    REGIONAL_REVENUE.name: ("region",),
    PLATFORM_PROFITS.name: ("region",),
}


@dataclass(frozen=True)
class Statement:
    """A row of a file as an answer: its values, the time in which it holds, its source, and whether an overlay has it."""

    file: FactFile
    row: Row

    @property
    def overlay(self) -> bool:
        """True if the row is of a deployment's overlay."""
        return self.row.overlay

    @property
    def validity(self) -> Validity:
        """When the row holds; of a figure, the period it is for."""
        if self.file.period:
            return of_period(str(self.row.values[self.file.period]))
        return self.row.validity

    @property
    def values(self) -> dict[str, Any]:
        """The cells of the row by column."""
        return dict(self.row.values)


def file_of(name: str) -> FactFile:
    """Return the declaration of a file by its name, with or without .csv; UnknownFact says which there are."""
    wanted = name.removesuffix(".csv")
    for file in FILES:
        if file.name == wanted:
            return file
    known = tuple(sorted(file.name for file in FILES))
    near = difflib.get_close_matches(wanted, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownFact(f"{quoted(name)} is not a file of facts{hint}; there are {', '.join(known)}", known)


def statements_of(reference: Reference, file: FactFile) -> list[Statement]:
    """Return the statements of a file as of the reference's day, in the order of the file."""
    return [Statement(file, row) for row in reference.rows(file.name)]


def find(reference: Reference, subject: str) -> list[Statement]:
    """Return the statements about a subject as of the reference's day: the main file first, then those that refer to it.

    A subject is the name of a file, an AS number (15169 or AS15169), the id of a platform or of a country
    group, or a country code. Raises UnknownFact, which names what is near.
    """
    if subject.removesuffix(".csv") in {file.name for file in FILES}:
        return statements_of(reference, file_of(subject))
    for matches in _readings(subject):
        found = [
            Statement(file, row) for file in FILES for row in reference.rows(file.name) if matches(file, row)
        ]
        if found:
            return found
    raise _unknown(reference, subject)


def _readings(subject: str) -> Iterator[Callable[[FactFile, Row], bool]]:
    number = re.fullmatch(r"(?:AS)?(\d{1,10})", subject, re.IGNORECASE)
    if number:
        asn = int(number[1])
        yield lambda _, row: row.values.get("asn") == asn
        return
    yield lambda _, row: row.values.get("platform_id") == subject.lower()
    if len(subject) == 2:
        country = subject.upper()
        yield lambda file, row: country in _countries(file, row)
    yield lambda file, row: file is COUNTRY_GROUPS and row.values["group_id"] == subject.upper()


def _countries(file: FactFile, row: Row) -> set[str]:
    named = {
        str(row.values[column.name])
        for column in file.columns
        if column.kind in ("country", "location") and column.name in ("country", *file.key)
    }
    named |= {str(row.values[name]) for name in _ALSO_COUNTRIES.get(file.name, ())}
    return named - {ANY_COUNTRY}


def _unknown(reference: Reference, subject: str) -> UnknownFact:
    platforms = [str(row.values["platform_id"]) for row in reference.rows(PLATFORMS.name)]
    countries = [str(row.values["country"]) for row in reference.rows(COUNTRIES.name)]
    groups = list(dict.fromkeys(str(row.values["group_id"]) for row in reference.rows(COUNTRY_GROUPS.name)))
    near = tuple(
        dict.fromkeys(
            difflib.get_close_matches(subject.lower(), [*platforms, *(file.name for file in FILES)], 3)
            + difflib.get_close_matches(subject.upper(), [*groups, *countries], 2)
        )
    )
    hint = f"; near it: {', '.join(near)}" if near else ""
    return UnknownFact(
        f"the reference says nothing of {quoted(subject)} as of {reference.day}{hint}. Ask for a file, an AS number, "
        f"a platform, a country group or a country code",
        near,
    )
