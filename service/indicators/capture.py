"""What platforms earn on an economy's users: revenue of a region of a filing, spread over its countries."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from weakref import WeakKeyDictionary

from caudal.service.indicators.cells import BoolArray, Month
from caudal.service.indicators.context import Context
from caudal.service.indicators.economyweights import (
    COLUMNS as ECONOMY_COLUMNS,
)
from caudal.service.indicators.economyweights import (
    FILE as ECONOMIES,
)
from caudal.service.indicators.economyweights import (
    EconomyWeights,
)
from caudal.service.indicators.figures import (
    FROM_MEMORY,
    MILLION,
    WEAK_FACTS,
    Row,
    age_years,
    drift,
    flags_of,
    last_day,
    needs,
    rows,
)
from caudal.service.indicators.filingregions import WORLD, FilingRegion, FilingRegions
from caudal.service.indicators.montecarlo import between
from caudal.service.indicators.uncertainty import FloatArray
from caudal.service.reason import Reason, reason

FILE = "regional_revenue"
COLUMNS = ("platform_id", "reporter", "period", "period_end", "region", "metric", "value")
# Revenue of a whole year; quarters and revenue per user are not spread.
METRIC = "revenue_usd_m"
UNFIT = "do not use for data value"
YEAR = timedelta(days=366)
REGION_INCOMPLETE = "region_incomplete"
# Words of a row that say its figure is rounded to the places it shows, and those that say nobody audited it.
_ROUNDED = re.compile(r"\b(rounded|press|unaudited)\b")
_UNAUDITED = re.compile(r"\b(press report|unaudited|press, rounded)\b")


@dataclass(frozen=True, eq=False)
class Captured:
    """What a platform earned on the economy's users in a year: draws in USD, and what they rest on.

    `revenue` is that of the region, USD, in the year that ended on `period_end`; `share` are draws of the
    economy's part of it. `world` is the revenue of the whole company, USD, None where it is not known.
    `siblings` are the platforms of the same parent: the filing covers them all. `control` is the
    jurisdiction that controls the platform, '' where the facts do not say.
    """

    platform: str
    region: str
    revenue: float
    share: FloatArray
    draws: FloatArray
    period_end: date
    age: float
    countries: int
    missing: int
    world: float | None
    siblings: tuple[str, ...]
    control: str
    flags: frozenset[str]

    def cells(self, month: Month) -> BoolArray:
        """Return which cells of the month belong to the company."""
        return month.among("platform", self.siblings)


@dataclass(frozen=True, eq=False)
class Capture:
    """What every platform with a usable filing earned on the economy's users, or why it is not known."""

    platforms: tuple[Captured, ...]
    weights: EconomyWeights
    reason: Reason | None = None


def flags_together(platforms: Iterable[Captured]) -> frozenset[str]:
    """Return the flags of all of `platforms`."""
    return frozenset[str]().union(*(each.flags for each in platforms))


# Several indicators of one month rest on the same capture.
_OF_MONTHS: WeakKeyDictionary[Month, Capture] = WeakKeyDictionary()


def capture_of(month: Month) -> Capture:
    """Return the `capture` of a month's context, made once."""
    if month not in _OF_MONTHS:
        _OF_MONTHS[month] = capture(month.context)
    return _OF_MONTHS[month]


def capture(context: Context) -> Capture:
    """Return what platforms earned on the users of the context's economy, by the facts that hold then.

    For each platform it takes the narrowest region that the economy lies in, of the last year that had
    begun by the month's end.
    """
    weights, country = EconomyWeights(context), context.economy.country
    head = weights.head(country)
    if head is None:
        return Capture((), weights, needs(context, "economy", ECONOMIES, ECONOMY_COLUMNS, country=country))
    regions = FilingRegions(context)
    found = [_of_platform(own, regions, weights, context) for own in _filings(context).values()]
    captured = tuple(each for each in found if each is not None)
    if not captured:
        why = needs(context, "revenue", FILE, COLUMNS, metric=METRIC, country=country)
        return Capture((), weights, why)
    if head.product is None and any(each.countries > 1 for each in captured):
        why = reason("product", country=country, file=ECONOMIES, note=head.note or "none")
        return Capture((), weights, why)
    return Capture(captured, weights)


def _filings(context: Context) -> Mapping[str, list[Row]]:
    """Return the rows of yearly revenue begun by the month's end, by platform, in order of the platform."""
    filings: dict[str, list[Row]] = {}
    last = last_day(context)
    for row in rows(context, FILE, COLUMNS):
        usable = row["metric"] == METRIC and row["value"] > 0 and UNFIT not in row["note"]
        if usable and row["period_end"] - YEAR <= last:
            filings.setdefault(str(row["platform_id"]), []).append(row)
    return dict(sorted(filings.items()))


def _of_platform(
    filings: Sequence[Row], regions: FilingRegions, weights: EconomyWeights, context: Context
) -> Captured | None:
    country = context.economy.country
    candidates: list[tuple[Row, FilingRegion]] = []
    for row in filings:
        same = [each["region"] for each in filings if _period(each) == _period(row)]
        region = regions.find(
            row["platform_id"], row["region"], [each for each in same if each != row["region"]]
        )
        if region is not None and country in region.countries:
            candidates.append((row, region))
    if not candidates:
        return None
    row, region = min(
        candidates,
        key=lambda each: (len(each[1].countries), -each[0]["period_end"].toordinal(), repr(_period(each[0]))),
    )
    age = age_years(row["period_end"], context)
    name = f"{row['platform_id']} {row['region']}"
    half = _rounding(row)
    revenue = between(f"rounding of {name}", row["value"] - half, row["value"] + half) * MILLION
    head = weights.head(country)
    single = len(region.countries) == 1
    share = weights.shares(country, region.countries) if single or (head and head.product) else revenue * 0
    known = weights.known(region.countries)
    platforms = _platforms(context)
    own = platforms.get(str(row["platform_id"]))
    siblings = sorted(each for each, its in platforms.items() if own and its["parent"] == own["parent"])
    flags = set(flags_of([row, *([own] if own else [])], age))
    if not single and head:
        flags |= head.flags
    if not region.seen:
        flags.add(FROM_MEMORY)
    if _UNAUDITED.search(str(row.get("basis") or "")):
        flags.add(WEAK_FACTS)
    if len(known) < len(region.countries):
        flags.add(REGION_INCOMPLETE)
    return Captured(
        platform=str(row["platform_id"]),
        region=str(row["region"]),
        revenue=float(row["value"]) * MILLION,
        share=share,
        # One for all platforms: their revenues rise and fall with one market.
        draws=revenue * drift("revenue", age) * share,
        period_end=row["period_end"],
        age=age,
        countries=len(region.countries),
        missing=len(region.countries) - len(known),
        world=_world(filings, regions),
        siblings=tuple(siblings) or (str(row["platform_id"]),),
        control=str(own["control_country"]) if own else "",
        flags=frozenset(flags),
    )


def _period(row: Row) -> tuple[object, ...]:
    return row["reporter"], row["period"], row["period_end"]


def _rounding(row: Row) -> float:
    """Return half of the last place that a row's figure is given to, in millions."""
    words = f"{row.get('basis') or ''} {row.get('filing') or ''} {row['note']}"
    places = 0
    if _ROUNDED.search(words):
        figure = f"{row['value']:.0f}"
        places = len(figure) - len(figure.rstrip("0"))
    return 0.5 * 10.0**places


def _platforms(context: Context) -> dict[str, Row]:
    found = rows(context, "platforms", ("platform_id", "parent", "control_country"))
    return {str(row["platform_id"]): row for row in found}


def _world(filings: Sequence[Row], regions: FilingRegions) -> float | None:
    """Return the company's revenue of its last year, USD: as filed, else the sum of that year's regions."""
    whole = [row for row in filings if row["region"] == WORLD]
    if whole:
        return float(max(whole, key=lambda row: (row["period_end"], row["value"]))["value"]) * MILLION
    last = max(filings, key=lambda row: (row["period_end"], repr(_period(row))))
    same = [row for row in filings if _period(row) == _period(last)]
    parts = [
        row
        for row in same
        if regions.find(
            row["platform_id"], row["region"], [each["region"] for each in same if each is not row]
        )
    ]
    return sum(float(row["value"]) for row in parts) * MILLION if parts else None
