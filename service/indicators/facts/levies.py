"""Which services of digital levies a platform provides, by its category, and what part of its sales a levy names."""

from collections.abc import Mapping, Set

from caudal.service.indicators.facts.earnings import COLUMNS as OFFER_COLUMNS
from caudal.service.indicators.facts.earnings import FILE as OFFERS
from caudal.service.indicators.facts.earnings import OWN_GOODS, SPLIT_OF_WORLD, YEAR
from caudal.service.indicators.facts.figures import Row, last_day, rows
from caudal.service.indicators.facts.filingregions import WORLD
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import Interval

FILE = "categories"
COLUMNS = ("category", "levies")
# A levy on digital services as such reaches whatever a platform sells.
ANY = "digital_services"
# The services that each kind of sale is; of one that is not here nothing is known.
_OF_OFFERS: Mapping[str, frozenset[str]] = {
    "advertising": frozenset({"advertising", "user_data"}),
    "seller_services": frozenset({"intermediation"}),
    "subscriptions": frozenset({"streaming"}),
    "cloud": frozenset(),
    "financial": frozenset(),
    "other": frozenset(),
}
# A platform whose category nobody has classified provides a digital service, and that is all that is known.
UNKNOWN = frozenset({"digital_services"})


class Levies:
    """The services of digital levies that each platform provides."""

    def __init__(self, context: Context) -> None:
        """Read platforms and their categories from the facts of `context`."""
        known = {str(row["category"]): str(row["levies"] or "") for row in rows(context, FILE, COLUMNS)}
        self._levies = known
        self._category = {
            str(row["platform_id"]): str(row["category"])
            for row in rows(context, "platforms", ("platform_id", "category"))
        }
        self._offers = _offers(context)

    def of(self, platform: str) -> frozenset[str]:
        """Return the ids of the services that a platform provides; those of UNKNOWN where its category says none."""
        levies = self._levies.get(self._category.get(platform, ""))
        return UNKNOWN if levies is None else frozenset(levies.split())

    def part(self, platform: str, scope: Set[str]) -> Interval | None:
        """Return bounds of the part of a platform's sales of services that a levy names; None where it names none.

        Where sales are published by kind it is that of the kinds named, give or take what a country may differ by:
        a levy on advertising is none on the commissions of a market, nor on the credit that it gives. Else it is all.
        """
        if scope.isdisjoint(self.of(platform)):
            return None
        offers = self.offers(platform)
        if ANY in scope or not offers:
            return 1.0, 1.0
        whole = sum(float(row["value"]) for row in offers)
        named = sum(float(row["value"]) for row in offers if not scope.isdisjoint(_OF_OFFERS[row["offer"]]))
        if named in (0.0, whole):
            return named / whole, named / whole
        share = named / whole
        return share * (1 - SPLIT_OF_WORLD), min(1.0, share * (1 + SPLIT_OF_WORLD))

    def offers(self, platform: str) -> list[Row]:
        """Return the sales by kind that a platform's company published: world totals of one year, without own goods."""
        return self._offers.get(platform, [])


def _offers(context: Context) -> dict[str, list[Row]]:
    last, found = last_day(context), dict[str, list[Row]]()
    for row in rows(context, OFFERS, OFFER_COLUMNS):
        if row["region"] == WORLD and row["offer"] not in ("", None, OWN_GOODS) and row["value"] > 0:
            found.setdefault(str(row["platform_id"]), []).append(row)
    chosen = {}
    for platform, own in found.items():
        begun = [each for each in own if each["period_end"] - YEAR <= last] or own
        end = min((each["period_end"] for each in begun), key=lambda end: abs((end - last).days))
        year = [each for each in begun if each["period_end"] == end]
        # A kind of which nothing is known leaves the part unknown.
        if all(each["offer"] in _OF_OFFERS for each in year):
            chosen[platform] = year
    return chosen
