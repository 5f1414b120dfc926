"""Weight of an economy in a region's revenue: its users times a power of its product per head."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from caudal.service.indicators.facts.figures import (
    WEAK_FACTS,
    Row,
    age_years,
    end_of,
    flags_of,
    rows,
)
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import FloatArray, Interval
from caudal.service.indicators.statistics.montecarlo import DRAWS, between, between_logs, uniform

FILE = "economies"
COLUMNS = (
    "country",
    "internet_users",
    "internet_year",
    "gdp_per_head_usd",
    "gdp_year",
    "usable_as_weight",
    "disputed_factor",
    "internet_users_percent_other",
    "gdp_revision_percent",
)

USERS_ERROR = 0.10
# A count of users older than this may be wrong by so much more for every further year.
FRESH_YEARS = 2.0
USERS_ERROR_YEARLY = 0.03
# Products of two years further apart than by this factor call for a reason; without one, either may be wrong.
PRODUCT_GAP = 1.2
# Countries whose users many platforms of others do not reach: a country group.
WALLED = "WALLED"


@dataclass(frozen=True)
class Head:
    """Users and product per head of an economy, each with bounds; no product where it cannot be a weight."""

    country: str
    users: float
    users_bounds: Interval
    product: float | None
    product_bounds: Interval
    users_age: float
    product_age: float
    flags: frozenset[str]

    @property
    def users_draws(self) -> FloatArray:
        """Draws of the number of users."""
        return between(f"users of {self.country}", *self.users_bounds)


class EconomyWeights:
    """The weights w = users · (product per head)^θ of economies, as draws."""

    def __init__(self, context: Context, theta: FloatArray) -> None:
        """Read the economies of the facts; made-up ones only where they are the economy itself.

        `theta` are draws of the power of the product per head.
        """
        self._theta = theta
        self._walled = frozenset(
            str(row["country"])
            for row in rows(context, "country_groups", ("group_id", "country"))
            if row["group_id"] == WALLED
        )
        self._heads = {
            str(row["country"]): _head(row, context)
            for row in rows(context, FILE, COLUMNS)
            if row["internet_users"]
            and (row["status"] != "synthetic" or row["country"] == context.economy.country)
        }
        self._own = context.economy.country
        self._usable: dict[str, FloatArray] = {}

    def head(self, country: str) -> Head | None:
        """Return the users and product per head of an economy; None where the facts have no row of it."""
        return self._heads.get(country)

    def known(self, countries: Iterable[str]) -> list[str]:
        """Return those of `countries` that the facts know, sorted."""
        return sorted(each for each in countries if each in self._heads)

    def shares(self, country: str, region: frozenset[str]) -> FloatArray:
        """Return draws of the part of a region's revenue that `country`, one of it, stands for.

        An economy whose product cannot be a weight weighs as one whose product per head lies anywhere
        between the least and the greatest of the region. Countries without a row weigh, all together,
        anything up to as much as if each were the median economy of the region. A walled country is
        reached in half of the draws.
        """
        if region == {country}:
            return np.ones(DRAWS)
        known = self.known(region)
        products = [bound for each in known if self._heads[each].product for bound in self._bounds(each)]
        weights = {each: self._weight(each, (min(products), max(products))) for each in known}
        total = np.zeros(DRAWS)
        for each in known:
            weight = weights[each]
            if each in self._walled and each != country:
                weight = np.where(uniform(f"reach of {each}") < 0.5, weight, 0.0)
            total = total + weight
        missing = len(region) - len(known)
        if missing:
            median = np.median(np.stack([weights[each] for each in known]), axis=0)
            total = total + missing * median * uniform("countries without a row")
        return weights[country] / total

    def middle_shares(self, country: str, region: frozenset[str], theta: FloatArray) -> FloatArray:
        """Return the share of `shares` for each θ of `theta`, every other figure in its middle."""
        known = self.known(region)
        if region == {country}:
            return np.ones(len(theta))
        weights = np.stack([self._middle(each, known, theta) for each in known])
        reach = np.array([0.5 if each in self._walled and each != country else 1.0 for each in known])
        missing = (len(region) - len(known)) * np.median(weights, axis=0) / 2
        return np.asarray(weights[known.index(country)] / (reach @ weights + missing))

    def _middle(self, country: str, known: list[str], theta: FloatArray) -> FloatArray:
        head = self._heads[country]
        bounds = head.product_bounds
        if head.product is None:
            products = [bound for each in known if self._heads[each].product for bound in self._bounds(each)]
            bounds = (min(products), max(products))
        return np.asarray(head.users * math.sqrt(bounds[0] * bounds[1]) ** theta)

    def _bounds(self, country: str) -> Interval:
        return self._heads[country].product_bounds

    def _weight(self, country: str, region_products: Interval) -> FloatArray:
        head = self._heads[country]
        theta = self._theta
        if head.product is None:
            product = between_logs(f"product of {country}", *region_products)
            return np.asarray(head.users_draws * product**theta)
        if country not in self._usable:
            product = between_logs(f"product of {country}", *head.product_bounds)
            self._usable[country] = np.asarray(head.users_draws * product**theta)
        return self._usable[country]


def _head(row: Row, context: Context) -> Head:
    users = float(row["internet_users"])
    users_age = age_years(end_of(row["internet_year"]), context)
    error = min(USERS_ERROR + USERS_ERROR_YEARLY * max(0.0, users_age - FRESH_YEARS), 0.9)
    low, high = users * (1 - error), users * (1 + error)
    flags: set[str] = set()
    other = row["internet_users_percent_other"]
    if other and row.get("internet_users_percent"):
        vintage = users * float(other) / float(row["internet_users_percent"])
        low, high = min(low, vintage), max(high, vintage)
        flags.add(WEAK_FACTS)
    product, bounds, disputed = _product(row)
    if disputed:
        flags.add(WEAK_FACTS)
    product_age = age_years(end_of(row["gdp_year"]), context) if row["gdp_year"] else 0.0
    return Head(
        country=str(row["country"]),
        users=users,
        users_bounds=(low, high),
        product=product,
        product_bounds=bounds,
        users_age=users_age,
        product_age=product_age,
        flags=frozenset(flags) | flags_of([row], users_age, product_age),
    )


def _product(row: Row) -> tuple[float | None, Interval, bool]:
    """Return the product per head, its bounds, and whether a second figure disputes it."""
    product = row["gdp_per_head_usd"]
    if not product or row["usable_as_weight"] is False:
        return None, (math.nan, math.nan), True
    low = high = float(product)
    before, gdp = row.get("gdp_usd_2023"), row.get("gdp_usd")
    if before and gdp and max(before / gdp, gdp / before) > PRODUCT_GAP and row["gdp_year"] != 2023:
        low, high = min(low, product * before / gdp), max(high, product * before / gdp)
    if row["gdp_revision_percent"]:
        high = max(high, product * (1 + float(row["gdp_revision_percent"]) / 100))
    if row["disputed_factor"]:
        low, high = low / float(row["disputed_factor"]), high * float(row["disputed_factor"])
    return float(product), (low, high), low < high
