"""Declarations of files of facts: columns, their kinds, the key; and how a cell is read by its kind."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal[
    "text",
    "id",
    "ids",
    "country",
    "location",
    "countries",
    "iso3",
    "m49",
    "currency",
    "asn",
    "hs6",
    "integer",
    "count",
    "number",
    "amount",
    "percent",
    "share",
    "year",
    "date",
    "period",
    "stage",
    "flag",
    "prefix",
    "domain",
    "hosts",
    "status",
]
Cell = str | int | float | bool | date | None
# Kinds of which an empty cell is None; of all others it is ''.
NO_TEXT: frozenset[Kind] = frozenset(
    {
        "asn",
        "integer",
        "count",
        "number",
        "amount",
        "percent",
        "share",
        "year",
        "date",
        "stage",
        "flag",
    }
)
# Beside the declared columns, in frames: whether the row is of a deployment's overlay.
OVERLAY = "overlay"

SYNTHETIC = "synthetic"
STATUSES: dict[str, str] = {
    "verified": "seen in a public document or data set",
    "verified_derived": "computed from verified figures",
    "verified_weak": "seen in one secondary document only",
    "own": "a construction of this project; there is no outside source to check",
    "from_memory": "the source is named but was not opened",
    SYNTHETIC: "made up, for demonstrations and tests; allowed in an overlay only",
}
PARTLY = re.compile(r"verified_[a-z]+(_[a-z]+)*_memory_[a-z]+(_[a-z]+)*")
ANY_COUNTRY = "*"


@dataclass(frozen=True)
class FileColumn:
    """A column of a file of facts: its name, kind, whether a cell may be empty, its meaning.

    `values` is the closed set of a text column, where it has one; of a column of ids, each must be among them.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    values: tuple[str, ...] = ()

    def read(self, text: str) -> Cell:
        """Return the value of a cell; ValueError says in words what is wrong with it."""
        if not text:
            if self.required:
                raise ValueError("is empty; a value is required here")
            return None if self.kind in NO_TEXT else ""
        value = _READERS[self.kind](text)
        given = text.split(" ") if self.kind == "ids" else [value]
        for each in given if self.values else ():
            if each not in self.values:
                among = "" if each == text else f"in {text!r}, "
                raise ValueError(f"{among}{each!r} is not one of {', '.join(self.values)}")
        return value


@dataclass(frozen=True)
class FactFile:
    """The declaration of one file of facts: `name`.csv, its columns in order, and the columns of its key.

    `since` and `until` name the columns of the first and the last day on which a row holds, both empty for
    figures: a figure holds for the period that `period` names, and is known ever after. Rows of one key hold
    one after another. `cure` says where rows of a file that ships with none, or few, can be had.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[FileColumn, ...]
    since: str = "valid_from"
    until: str = "valid_to"
    period: str = ""
    cure: str = ""

    @property
    def filename(self) -> str:
        """The name of the file, in the package as in an overlay."""
        return f"{self.name}.csv"

    def column(self, name: str) -> FileColumn | None:
        """Return the column of this name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def _match(pattern: str, problem: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"{text!r} {problem}")
        return text

    return read


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text):
        raise ValueError(f"{text!r} is not a number (digits and a decimal point)")
    return float(text)


def _between(read: Callable[[str], float], low: float, high: float, what: str) -> Callable[[str], float]:
    def check(text: str) -> float:
        value = read(text)
        if not low <= value <= high:
            raise ValueError(f"{text} is not {what}")
        return value

    return check


def _not_negative(read: Callable[[str], float]) -> Callable[[str], float]:
    def check(text: str) -> float:
        value = read(text)
        if value < 0:
            raise ValueError(f"{text} is negative")
        return value

    return check


def _date(text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date written YYYY-MM-DD") from error


def _period(text: str) -> str:
    if re.fullmatch(r"\d{4}", text) or re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        return text
    try:
        return _date(text).isoformat()
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a day, month or year written YYYY-MM-DD, YYYY-MM or YYYY"
        ) from error


def _countries(text: str) -> str:
    """Read countries with a space between."""
    for code in text.split(" "):
        try:
            _country(code)
        except ValueError as error:
            raise ValueError(f"{text!r} is not a list of countries with a space between: {error}") from error
    return text


def _ids(text: str) -> str:
    """Read ids with a space between, each once."""
    given = text.split(" ")
    if not all(re.fullmatch(r"[A-Za-z0-9_]+", each) for each in given) or len(set(given)) < len(given):
        raise ValueError(
            f"{text!r} is not a list of ids (letters, digits and _) with a space between, each once"
        )
    return text


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is not 0 or 1")
    return text == "1"


def _prefix(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a prefix: {error}") from error


def _status(text: str) -> str:
    if text not in STATUSES and not PARTLY.fullmatch(text):
        known = ", ".join(STATUSES)
        raise ValueError(f"{text!r} is not a status; write one of {known}, or verified_WHAT_memory_WHAT")
    return text


_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?"
_domain = _match(rf"({_LABEL}\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?", "is not a domain")
# So few letters beside the asterisk would be anybody's.
_LEAST_OF_PATTERN = 4


def _hosts(text: str) -> str:
    """Read a domain whose first label may hold an asterisk, which stands for any letters, digits and hyphens."""
    first, dot, rest = text.partition(".")
    if "*" not in first:
        return _domain(text)
    if not re.fullmatch(r"[a-z0-9*-]+", first) or not dot or "." not in rest:
        raise ValueError(
            f"{text!r} is not a pattern of hosts: an asterisk is part of the first label of three or more"
        )
    if len(first.replace("*", "").replace("-", "")) < _LEAST_OF_PATTERN:
        raise ValueError(
            f"{text!r} would take other owners' hosts: write {_LEAST_OF_PATTERN} letters or digits beside the asterisk"
        )
    try:
        _domain(rest)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a pattern of hosts: {error}") from error
    return text


_country = _match(r"[A-Z]{2}", "is not an ISO 3166-1 alpha-2 code (two capital letters)")

_READERS: Mapping[Kind, Callable[[str], Cell]] = {
    "text": str,
    "id": _match(r"[A-Za-z0-9_]+", "is not an id (letters, digits and _)"),
    "ids": _ids,
    "country": _country,
    "location": _match(
        r"[A-Z]{2}|\*", "is neither an ISO 3166-1 alpha-2 code, nor ZZ (unknown), nor * (any)"
    ),
    "countries": _countries,
    "iso3": _match(r"[A-Z]{3}", "is not an ISO 3166-1 alpha-3 code (three capital letters)"),
    "m49": _match(r"[0-9]{3}", "is not a numeric code of ISO 3166-1 and M49 (three digits)"),
    "currency": _match(r"[A-Z]{3}", "is not an ISO 4217 code (three capital letters)"),
    "hs6": _match(r"[0-9]{6}", "is not a subheading of the Harmonized System (six digits)"),
    "count": _not_negative(_integer),
    "amount": _not_negative(_number),
    "percent": _between(_number, 0, 100, "a percentage between 0 and 100"),
    "asn": _between(_integer, 1, 2**32 - 1, "an AS number (1 to 4294967295)"),
    "integer": _integer,
    "number": _number,
    "share": _between(_number, 0, 1, "a share between 0 and 1"),
    "year": _between(_integer, 1900, 2100, "a year"),
    "date": _date,
    "period": _period,
    "stage": _between(_integer, 1, 5, "a stage of the value ladder (1 to 5)"),
    "flag": _flag,
    "prefix": _prefix,
    "domain": _domain,
    "hosts": _hosts,
    "status": _status,
}
