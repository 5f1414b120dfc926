"""The regions by which companies report, as sets of countries.

Companies cut the world each in its own way and under the same names. A region is a sum of subregions of
the UN's M49 and of countries; "rest" regions are what the other regions of the same filing leave.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caudal.service.indicators.context import Context
from caudal.service.indicators.figures import rows

WORLD = "WORLD"
RESTS = frozenset({"REST_OF_WORLD", "OTHER_COUNTRIES"})

_LATIN_AMERICA = ("South America", "Central America", "Caribbean")
_EUROPE = ("Northern Europe", "Western Europe", "Southern Europe", "Eastern Europe")
_AFRICA = ("Northern Africa", "Western Africa", "Middle Africa", "Eastern Africa", "Southern Africa")
_MIDDLE_EAST = ("Western Asia", "IR")
_PACIFIC = ("Australia and New Zealand", "Melanesia", "Micronesia", "Polynesia")
_ASIA = ("Eastern Asia", "South-eastern Asia", "Southern Asia", "Central Asia")

# Nobody lives there for good.
UNINHABITED = frozenset({"AQ", "BV", "GS", "HM", "IO", "TF", "UM"})


@dataclass(frozen=True)
class Cut:
    """A region: its parts, what is taken out again, and whether the reporter's own words were seen."""

    parts: tuple[str, ...]
    without: tuple[str, ...] = ()
    seen: bool = False


_CUTS: Mapping[str, Cut] = {
    "US_CANADA": Cut(("US", "CA"), seen=True),
    "OTHER_AMERICAS": Cut(("CA", *_LATIN_AMERICA), seen=True),
    "LATAM": Cut(_LATIN_AMERICA, seen=True),
    "EUROPE": Cut((*_EUROPE, "TR", "CY")),
    "EMEA": Cut((*_EUROPE, *_AFRICA, *_MIDDLE_EAST)),
    "APAC": Cut((*_ASIA, *_PACIFIC), ("IR",)),
    "AMERICAS": Cut(("Northern America", *_LATIN_AMERICA)),
    "GREATER_CHINA": Cut(("CN", "HK", "MO", "TW")),
    "JAPAN": Cut(("JP",), seen=True),
    "REST_OF_APAC": Cut((*_ASIA, *_PACIFIC), ("IN", "IR", "CN", "HK", "MO", "TW", "JP")),
    "UK_EUROPE_LATAM": Cut((*_EUROPE, *_LATIN_AMERICA), seen=True),
}
# Regions that a reporter cuts otherwise than the rest do.
_OWN_CUTS: Mapping[tuple[str, str], Cut] = {
    ("apple", "EUROPE"): Cut((*_EUROPE, *_AFRICA, *_MIDDLE_EAST, "IN")),
}


@dataclass(frozen=True)
class FilingRegion:
    """The countries of a region, and whether its extent is known from the filing or from memory."""

    countries: frozenset[str]
    seen: bool


class FilingRegions:
    """Finds the countries of a region of a filing."""

    def __init__(self, context: Context) -> None:
        """Take the countries and their subregions, and country groups, from the facts of `context`."""
        self._subregion = {
            str(row["country"]): str(row["region"])
            for row in rows(context, "countries", ("country", "region"))
            # A made-up country takes no part in the revenue of real ones, except in its own figures.
            if row["status"] != "synthetic" or row["country"] == context.economy.country
        }
        self._groups: dict[str, set[str]] = {}
        for row in rows(context, "country_groups", ("group_id", "country")):
            if row["country"] in self._subregion:
                self._groups.setdefault(str(row["group_id"]), set()).add(str(row["country"]))

    @property
    def world(self) -> frozenset[str]:
        """All countries where people live."""
        return frozenset(self._subregion) - UNINHABITED

    def find(self, platform: str, region: str, others: Iterable[str]) -> FilingRegion | None:
        """Return the countries of `region`; None of the whole world and of what is no part of it.

        `others` are the other regions that the platform's reporter gives for the same period: a rest is
        what they leave. A country's code is that country, and the id of a country group its members.
        """
        if region in RESTS:
            return self._rest(platform, others)
        cut = _OWN_CUTS.get((platform, region), _CUTS.get(region))
        if cut is not None:
            return FilingRegion(self._countries(cut), cut.seen)
        if region == "OUTSIDE_CHINA":
            return FilingRegion(self.world - {"CN"}, seen=True)
        if region in self._subregion:
            return FilingRegion(frozenset({region}), seen=True)
        if region in self._groups:
            return FilingRegion(frozenset(self._groups[region]) - UNINHABITED, seen=True)
        return None

    def _rest(self, platform: str, others: Iterable[str]) -> FilingRegion | None:
        named = [self.find(platform, each, ()) for each in others if each not in RESTS]
        known = [each for each in named if each is not None]
        if not known:
            return None
        taken = frozenset[str]().union(*(each.countries for each in known))
        return FilingRegion(self.world - taken, all(each.seen for each in known))

    def _countries(self, cut: Cut) -> frozenset[str]:
        parts = {
            country
            for country, subregion in self._subregion.items()
            if subregion in cut.parts or country in cut.parts
        }
        return frozenset(parts) - frozenset(cut.without) - UNINHABITED
