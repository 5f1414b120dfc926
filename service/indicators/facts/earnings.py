"""Earnings of a platform on services in the narrowest region of a filing that an economy lies in.

Where a company reports its sales by kind, goods of its own are left out, and each of its platforms gets the
kinds that are its own, in the countries where it sells them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from caudal.service.indicators.facts.figures import MILLION, Row, last_day, rows
from caudal.service.indicators.facts.filingregions import WORLD, FilingRegions
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import Interval

FILE = "regional_revenue"
COLUMNS = (
    "platform_id",
    "reporter",
    "period",
    "period_end",
    "region",
    "metric",
    "offer",
    "sold_in",
    "usable_for_value",
    "value",
    "rounded_to",
    "audited",
)
# Revenue of a whole year; quarters and revenue per user are not spread.
METRIC = "revenue_usd_m"
OWN_GOODS = "own_goods"
YEAR = timedelta(days=366)
# A kind's part of all sales may be so much more or less in a region than in the world; and in a country in
# the year than in the half year that the filing splits.
SPLIT_OF_WORLD = 0.4
SPLIT_OF_REGION = 0.1


@dataclass(frozen=True, eq=False)
class Earning:
    """Revenue of a platform in a region: the row, the countries it is spread over, the part that counts.

    `part` are bounds of the share of the row's revenue that is the platform's services. `world` is the
    revenue of the whole company in its last year, USD, None where it is not known.
    """

    platform: str
    row: Row
    countries: frozenset[str]
    seen: bool
    part: Interval
    world: float | None

    @property
    def middle(self) -> float:
        """The revenue that counts, USD, in the middle of its bounds."""
        return float(self.row["value"]) * MILLION * sum(self.part) / 2


class Earnings:
    """The filings of revenue by region, begun by a month's end."""

    def __init__(self, context: Context) -> None:
        """Read the filings of the facts of `context`."""
        self.regions = FilingRegions(context)
        self._filings: dict[str, list[Row]] = {}
        self._offers: dict[str, list[Row]] = {}
        last = last_day(context)
        for row in rows(context, FILE, COLUMNS):
            if row["value"] <= 0 or row["period_end"] - YEAR > last:
                continue
            if row["offer"]:
                self._offers.setdefault(str(row["reporter"]), []).append(row)
            elif row["metric"] == METRIC and row["usable_for_value"] is not False:
                self._filings.setdefault(str(row["platform_id"]), []).append(row)

    @property
    def platforms(self) -> list[str]:
        """Platforms with filings, sorted."""
        return sorted(self._filings)

    def parts(self, platform: str, home: str) -> list[tuple[frozenset[str], float]]:
        """Return the countries and the revenue of each region of a platform's last year that has regions, home apart."""
        filings = self._filings[platform]
        cut = [
            (row, region)
            for row in filings
            if (region := self.regions.find(platform, row["region"], self._others(row, filings)))
        ]
        if not cut:
            return []
        last = max(_period(row) for row, _ in cut)
        return [
            (self._sold(region.countries, row), float(row["value"]))
            for row, region in cut
            if _period(row) == last and region.countries != {home}
        ]

    def of(self, country: str) -> list[Earning]:
        """Return the earnings in the narrowest regions that hold `country`, by platform."""
        found = [each for name in sorted(self._filings) for each in self._of_platform(name, country)]
        return sorted(found, key=lambda each: each.platform)

    def _of_platform(self, platform: str, country: str) -> Iterable[Earning]:
        filings = self._filings[platform]
        candidates = []
        for row in filings:
            region = self.regions.find(platform, row["region"], self._others(row, filings))
            if region is None:
                continue
            countries = self._sold(region.countries, row)
            if country in countries:
                candidates.append((row, countries, region.seen))
        if not candidates:
            return
        row, countries, seen = min(
            candidates,
            key=lambda each: (len(each[1]), -each[0]["period_end"].toordinal(), repr(_period(each[0]))),
        )
        world = self._world(filings)
        split = self._split(row)
        if split is None:
            yield Earning(platform, row, countries, seen, (1.0, 1.0), world)
            return
        for name, (bounds, sold_in) in split.items():
            within = countries & self.regions.group(sold_in) if sold_in else countries
            if country in within:
                yield Earning(name, row, within, seen, bounds, world)

    def _sold(self, countries: frozenset[str], row: Row) -> frozenset[str]:
        return countries & self.regions.group(str(row["sold_in"])) if row["sold_in"] else countries

    def _split(self, row: Row) -> Mapping[str, tuple[Interval, str]] | None:
        """Return each platform's part of a row's revenue and where it is sold; None where no split is known."""
        offers = self._offers.get(str(row["reporter"]), [])
        for region, spread in ((row["region"], SPLIT_OF_REGION), (WORLD, SPLIT_OF_WORLD)):
            own = [each for each in offers if each["region"] == region]
            if not own:
                continue
            end = min(
                {each["period_end"] for each in own},
                key=lambda end: (abs((end - row["period_end"]).days), end.toordinal()),
            )
            same = [each for each in own if each["period_end"] == end]
            total = sum(float(each["value"]) for each in same)
            parts: dict[str, tuple[float, str]] = {}
            for each in same:
                if each["offer"] != OWN_GOODS:
                    name = str(each["platform_id"])
                    before = parts.get(name, (0.0, ""))[0]
                    parts[name] = before + float(each["value"]) / total, str(each["sold_in"] or "")
            return {
                name: ((part * (1 - spread), min(1.0, part * (1 + spread))), sold_in)
                for name, (part, sold_in) in parts.items()
            }
        return None

    def _world(self, filings: Sequence[Row]) -> float | None:
        """Return the company's revenue of its last year, USD: as filed, else the sum of that year's regions."""
        whole = [row for row in filings if row["region"] == WORLD]
        if whole:
            return float(max(whole, key=lambda row: (row["period_end"], row["value"]))["value"]) * MILLION
        last = max(filings, key=lambda row: (row["period_end"], repr(_period(row))))
        same = [row for row in filings if _period(row) == _period(last)]
        parts = [
            row
            for row in same
            if self.regions.find(str(row["platform_id"]), row["region"], self._others(row, same))
        ]
        return sum(float(row["value"]) for row in parts) * MILLION if parts else None

    def _others(self, row: Row, filings: Sequence[Row]) -> list[str]:
        return [
            each["region"]
            for each in filings
            if _period(each) == _period(row) and each["region"] != row["region"]
        ]


def _period(row: Row) -> tuple[str, str, str]:
    return str(row["period_end"]), str(row["period"]), str(row["reporter"])
