"""The regions by which companies report, as sets of countries.

Companies cut the world each in its own way and under the same names. A region is a sum of subregions of
the UN's M49, countries and country groups (filing_regions.csv); "rest" regions are what the other regions of
the same filing leave.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from caudal.service.indicators.facts.figures import rows
from caudal.service.indicators.model.context import Context

FILE = "filing_regions"
COLUMNS = ("platform_id", "region", "part", "takes", "seen")
WORLD = "WORLD"
RESTS = frozenset({"REST_OF_WORLD", "OTHER_COUNTRIES"})
UNINHABITED = "UNINHABITED"


@dataclass(frozen=True)
class FilingRegion:
    """The countries of a region, and whether its extent is known from the filing or from memory."""

    countries: frozenset[str]
    seen: bool


class FilingRegions:
    """Finds the countries of a region of a filing."""

    def __init__(self, context: Context) -> None:
        """Take countries and their subregions, country groups and cuts of regions from the facts of `context`."""
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
        self._cuts: dict[tuple[str, str], list[tuple[str, bool, bool]]] = {}
        for row in rows(context, FILE, COLUMNS):
            part = str(row["part"]), row["takes"] == "in", bool(row["seen"])
            self._cuts.setdefault((str(row["platform_id"] or ""), str(row["region"])), []).append(part)

    @property
    def world(self) -> frozenset[str]:
        """All countries where people live."""
        return frozenset(self._subregion) - self.group(UNINHABITED)

    def group(self, name: str) -> frozenset[str]:
        """Return the members of a country group; none where there is no such group."""
        return frozenset(self._groups.get(name, ()))

    def find(self, platform: str, region: str, others: Iterable[str]) -> FilingRegion | None:
        """Return the countries of `region`; None for the whole world and for a name that is no part of it.

        `others` are the other regions that the platform's reporter gives for the same period: a rest is
        what they leave. A country's code is that country, and the id of a country group its members.
        """
        if region in RESTS:
            return self._rest(platform, others)
        cut = self._cuts.get((platform, region), self._cuts.get(("", region)))
        if cut is not None:
            taken = frozenset[str]().union(*(self._part(name) for name, into, _ in cut if into))
            without = frozenset[str]().union(*(self._part(name) for name, into, _ in cut if not into))
            return FilingRegion((taken - without) & self.world, all(seen for _, _, seen in cut))
        if region in self._subregion:
            return FilingRegion(frozenset({region}), seen=True)
        if region in self._groups:
            return FilingRegion(self.group(region) & self.world, seen=True)
        return None

    def _rest(self, platform: str, others: Iterable[str]) -> FilingRegion | None:
        named = [self.find(platform, each, ()) for each in others if each not in RESTS]
        known = [each for each in named if each is not None]
        if not known:
            return None
        taken = frozenset[str]().union(*(each.countries for each in known))
        return FilingRegion(self.world - taken, all(each.seen for each in known))

    def _part(self, name: str) -> frozenset[str]:
        if name == WORLD:
            return self.world
        if name in self._subregion:
            return frozenset({name})
        lying = frozenset(country for country, subregion in self._subregion.items() if subregion == name)
        return lying or self.group(name)
