"""Dimensions that tell the observations of one indicator apart: ids that stay, and the figures that some of them hold.

A dimension is an id of SDMX (letters, digits, _ and -): a code of a country, platform, category or scenario, or one of
the forms made here. What it is called is said where somebody reads it, in that language.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

# IDType of SDMX 3.0, without the signs that no dimension here has.
ID = re.compile(r"[A-Za-z0-9_-]+")

_LARGEST = re.compile(r"largest_(\d+)")
_STRICT = re.compile(r"(\w+)_strict")
_THROUGH = re.compile(r"(place|network)_([A-Z]{2})")
_DESIGN = re.compile(r"([A-Z]{2})-([a-z0-9_]+)-(\d+(?:_\d+)?)")

Form = Literal["plain", "largest", "strict", "through", "design"]


@dataclass(frozen=True)
class Parts:
    """The parts of a dimension's id: `of` names its subject, `count` is of the largest, `percent` the rate of a design.

    `of` is the regime of a strict reading, the reading of one through a `country`, the instrument of a design of a
    `country`, and the whole id where it has no form.
    """

    form: Form
    of: str
    country: str = ""
    count: int = 0
    percent: float = 0.0


def largest(count: int) -> str:
    """Return the id of so many largest providers taken together: largest_4."""
    return f"largest_{count}"


def strict(regime: str) -> str:
    """Return the id of a regime read strictly, by place and by control: EU_strict."""
    return f"{regime}_strict"


def through(reading: str, country: str) -> str:
    """Return the id of what passes through a country, by a reading: network_US."""
    return f"{reading}_{country}"


def design(country: str, instrument: str, percent: float) -> str:
    """Return the id of a levy of a country at a rate: GB-dst-2, or IN-equalisation_levy-7_5."""
    return f"{country}-{slug(instrument)}-{f'{percent:g}'.replace('.', '_')}"


def slug(name: str) -> str:
    """Return a name in small letters without accents, with what is no letter or digit as _."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def parts(dimension: str) -> Parts:
    """Return the parts of a dimension's id."""
    if found := _LARGEST.fullmatch(dimension):
        return Parts("largest", dimension, count=int(found[1]))
    if found := _STRICT.fullmatch(dimension):
        return Parts("strict", found[1])
    if found := _THROUGH.fullmatch(dimension):
        return Parts("through", found[1], country=found[2])
    if found := _DESIGN.fullmatch(dimension):
        return Parts("design", found[2], country=found[1], percent=float(found[3].replace("_", ".")))
    return Parts("plain", dimension)


def words(dimension: str) -> str:
    """Return an id in plain English, for tables that no report's language has: GB-dst-2 as "GB: dst, 2 %".

    Codes of countries and ids of platforms stay.
    """
    held = parts(dimension)
    match held.form:
        case "largest":
            return "the largest" if held.count == 1 else f"the {held.count} largest"
        case "strict":
            return f"{held.of}: place and control"
        case "through":
            return f"by {held.of}, through {held.country}"
        case "design":
            return f"{held.country}: {held.of.replace('_', ' ')}, {held.percent:g} %"
    return ": ".join(
        words(part) if parts(part).form != "plain" else part.replace("_", " ")
        for part in dimension.split("-")
    )
