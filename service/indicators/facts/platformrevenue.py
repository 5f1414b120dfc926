"""Earnings of platforms on an economy's users: revenue of a region of a filing, spread over its countries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from weakref import WeakKeyDictionary

import numpy as np

from caudal.service.indicators.facts.calibration import Fit, calibration_of
from caudal.service.indicators.facts.earnings import COLUMNS, FILE, METRIC, Earning, Earnings
from caudal.service.indicators.facts.economyweights import (
    COLUMNS as ECONOMY_COLUMNS,
)
from caudal.service.indicators.facts.economyweights import (
    FILE as ECONOMIES,
)
from caudal.service.indicators.facts.economyweights import (
    EconomyWeights,
)
from caudal.service.indicators.facts.figures import (
    FROM_MEMORY,
    MILLION,
    WEAK_FACTS,
    Row,
    age_years,
    drift,
    flags_of,
    needs,
    rows,
)
from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import between, normal
from caudal.service.vocabulary.reason import Reason, reason

REGION_INCOMPLETE = "region_incomplete"
# Half the range of the logarithm of a region's revenue after a year: nine tenths of the 143 yearly changes in the
# filings of 2019 to 2025 lie within nine tenths of it.
REVENUE_CHANGE = 0.36


@dataclass(frozen=True, eq=False)
class PlatformRevenue:
    """Earnings of a platform on the economy's users in a year: draws in USD, and what they rest on.

    `revenue` is that of the region, USD, in the year that ended on `period_end`, and `part` the share of it that
    is services of the platform. `share` are draws of the economy's part of the region. `plain` are draws of the
    earnings by users and product alone, `common` of those in a country that lies as receipts say, `draws` of
    the firm's own. `countries` hold the revenue, `missing` of them without figures. `world` is the revenue of the
    whole company, USD, None where it is not known. `company` are the platforms of the same parent, itself among
    them; `siblings` those of them whose earnings no other entry holds. `control` is the jurisdiction that controls
    the platform, '' where the facts do not say.
    """

    platform: str
    region: str
    revenue: float
    part: float
    share: FloatArray
    plain: FloatArray
    common: FloatArray
    draws: FloatArray
    period_end: date
    age: float
    countries: int
    missing: int
    world: float | None
    company: tuple[str, ...]
    siblings: tuple[str, ...]
    control: str
    flags: frozenset[str]

    def cells(self, month: MonthCells) -> BoolArray:
        """Return which cells of the month belong to the company."""
        return month.among("platform", self.company)


@dataclass(frozen=True, eq=False)
class RevenueCapture:
    """Earnings of every platform with a usable filing on the economy's users, or why they are not known."""

    platforms: tuple[PlatformRevenue, ...]
    weights: EconomyWeights
    fit: Fit
    reason: Reason | None = None


def flags_together(platforms: Iterable[PlatformRevenue]) -> frozenset[str]:
    """Return the flags of all of `platforms`."""
    return frozenset[str]().union(*(each.flags for each in platforms))


# Several indicators of one month rest on the same capture.
_OF_MONTHS: WeakKeyDictionary[MonthCells, RevenueCapture] = WeakKeyDictionary()


def capture_of(month: MonthCells) -> RevenueCapture:
    """Return the `capture` of a month's context, made once."""
    if month not in _OF_MONTHS:
        _OF_MONTHS[month] = capture(month.context)
    return _OF_MONTHS[month]


def capture(context: Context, *, own: bool = True) -> RevenueCapture:
    """Return the earnings of platforms on the users of the context's economy, by the facts that hold then.

    For each platform it takes the narrowest region that the economy lies in, of the last year that had
    begun by the month's end. Receipts of the economy itself count unless `own` is False.
    """
    country = context.economy.country
    fit = calibration_of(context).fit(country, own=own)
    weights = EconomyWeights(context, fit.theta)
    head = weights.head(country)
    if head is None:
        why = needs(context, "economy", ECONOMIES, ECONOMY_COLUMNS, country=country)
        return RevenueCapture((), weights, fit, why)
    earnings = Earnings(context).of(country)
    if not earnings:
        why = needs(context, "revenue", FILE, COLUMNS, metric=METRIC, country=country)
        return RevenueCapture((), weights, fit, why)
    if head.product is None and any(len(each.countries) > 1 for each in earnings):
        return RevenueCapture((), weights, fit, reason("unusable_product", country=country, file=ECONOMIES))
    names = {each.platform for each in earnings}
    captured = tuple(_captured(each, names, weights, fit, context) for each in earnings)
    return RevenueCapture(captured, weights, fit)


def _captured(
    earning: Earning, names: Iterable[str], weights: EconomyWeights, fit: Fit, context: Context
) -> PlatformRevenue:
    country, row, platform = context.economy.country, earning.row, earning.platform
    age = age_years(row["period_end"], context)
    half = float(row["rounded_to"] or 1.0) / 2
    rounded = between(
        f"rounding of {row['platform_id']} {row['region']}", row["value"] - half, row["value"] + half
    )
    part = between(f"services of {platform}", *earning.part)
    # One drift for all platforms: their revenues rise and fall with one market.
    revenue = rounded * MILLION * part * drift("revenue", age, REVENUE_CHANGE)
    single = len(earning.countries) == 1
    share = weights.shares(country, earning.countries)
    effect = np.zeros_like(share) if single else fit.effect
    own = effect if single else effect + fit.firm * normal(f"{platform} in {country}")
    known = weights.known(earning.countries)
    platforms = _platforms(context)
    its = platforms.get(platform)
    company = {each for each, other in platforms.items() if its and other["parent"] == its["parent"]}
    flags = set(flags_of([row, *([its] if its else [])], age))
    head = weights.head(country)
    if not single:
        flags |= flags_of({"status": status} for status in fit.statuses)
        flags |= head.flags if head else frozenset()
    if not earning.seen:
        flags.add(FROM_MEMORY)
    if row["audited"] is False:
        flags.add(WEAK_FACTS)
    if len(known) < len(earning.countries):
        flags.add(REGION_INCOMPLETE)
    return PlatformRevenue(
        platform=platform,
        region=str(row["region"]),
        revenue=float(row["value"]) * MILLION,
        part=sum(earning.part) / 2,
        share=_lying(share, own),
        plain=revenue * share,
        common=revenue * _lying(share, effect),
        draws=revenue * _lying(share, own),
        period_end=row["period_end"],
        age=age,
        countries=len(earning.countries),
        missing=len(earning.countries) - len(known),
        world=earning.world,
        company=tuple(sorted(company | {platform})),
        siblings=tuple(sorted(company - set(names))),
        control=str(its["control_country"]) if its else "",
        flags=frozenset(flags),
    )


def _lying(share: FloatArray, effect: FloatArray) -> FloatArray:
    """Return a country's part of a region where it earns e^effect of its share for each of the others'."""
    odds = share * np.exp(effect)
    return np.asarray(odds / (1.0 - share + odds))


def _platforms(context: Context) -> dict[str, Row]:
    found = rows(context, "platforms", ("platform_id", "parent", "control_country"))
    return {str(row["platform_id"]): row for row in found}
