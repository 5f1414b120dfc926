"""geolocation_accuracy.csv before `usable`, `countries` and `excepted`: the name of a group told whose regions it was of."""

import re
from collections.abc import Mapping

ADDED: tuple[str, ...] = ("usable", "countries", "excepted")
_ABROAD, _LEFT_OUT = "non-US regions", "US"
_COUNTRY = re.compile(r"\b[A-Z]{2}\b")


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of geolocation_accuracy.csv with the countries of its group, as text."""
    named = _COUNTRY.findall(row["group"].partition(" regions ")[2])
    abroad = row["group"] == _ABROAD
    return {
        **row,
        "usable": "1" if named or abroad else "0",
        "countries": " ".join(named),
        "excepted": _LEFT_OUT if abroad else "",
    }
