"""Fit of V3 and V8 on what is known: receipts of levies and VAT, and filings by country.

For each country and kind of receipt, x(θ) is the logarithm of the turnover that the receipts imply, over the
turnover that filings spread by users · (product per head)^θ give. Receipts of a kind have a mean b(θ), for they
reach other firms and other sales than the filings; around it countries differ by σ(θ). θ is weighed by how
little they differ. What is said of a country rests on the receipts of the others, and on its own where there
are any.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import polars as pl

from caudal.service.indicators.facts.earnings import FILE as REVENUES
from caudal.service.indicators.facts.earnings import Earnings
from caudal.service.indicators.facts.economyweights import EconomyWeights
from caudal.service.indicators.facts.figures import rows
from caudal.service.indicators.facts.levies import Levies
from caudal.service.indicators.facts.receipts import LEVY, REVENUE, VAT, Receipt, receipts
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import FloatArray, Interval
from caudal.service.indicators.statistics.montecarlo import DRAWS, between, normal, uniform

GRID: FloatArray = np.linspace(0.0, 2.0, 41)
# Without receipts of at least so many countries more than kinds nothing is fitted: θ lies anywhere in
# UNFITTED_THETA, countries differ by UNFITTED_SPREAD, and a levy reaches all that the filings hold.
LEAST_FREEDOM = 3
UNFITTED_THETA: Interval = (0.5, 1.5)
UNFITTED_SPREAD = 0.4
# Receipts of one kind and country differ from year to year by at least so much: rounding, cash for accrual.
LEAST_YEARLY_SPREAD = 0.05


@dataclass(frozen=True)
class Place:
    """A country and month of which receipts are known, as an economy of a context."""

    country: str
    internet_users: int | None = None
    status: str = ""


@dataclass(frozen=True, eq=False)
class Known:
    """Log ratios of the receipts of one country and kind, one row a receipt, one column a θ of GRID.

    `statuses` say how far the receipts were checked.
    """

    country: str
    measure: str
    ratios: FloatArray
    statuses: frozenset[str] = frozenset()

    @property
    def mean(self) -> FloatArray:
        """The mean over receipts, by θ."""
        return np.asarray(self.ratios.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Fit:
    """The fit of receipts for a country, as draws: θ, the spread of countries, and how this one lies.

    `effect` are draws of the logarithm of the country's turnover over what users and product give; one firm's
    differs from it by `firm`, a standard deviation. `base` are draws of the logarithm of what a levy or VAT
    reaches there over what users and product give, `level` the same in the mean of countries. `countries` are those
    that it was fitted on; `own` are the kinds of the country's own receipts, `statuses` how far these were checked.
    """

    theta: FloatArray
    spread: FloatArray
    effect: FloatArray
    firm: FloatArray
    base: Mapping[str, FloatArray]
    level: Mapping[str, FloatArray]
    countries: frozenset[str]
    own: frozenset[str]
    statuses: frozenset[str]


class Calibration:
    """Receipts of all countries beside what filings spread over them, by θ."""

    def __init__(self, context: Context) -> None:
        """Compare every counted receipt in the facts of `context` with the filings of its time."""
        found: dict[tuple[str, str], list[FloatArray]] = {}
        statuses: dict[tuple[str, str], set[str]] = {}
        for receipt in receipts(context):
            if receipt.counted:
                turnover = turnover_of(receipt, context)
                if turnover is not None:
                    key = receipt.country, receipt.measure
                    found.setdefault(key, []).append(np.log(receipt.base / turnover))
                    statuses.setdefault(key, set()).add(receipt.status)
        self.known = tuple(
            Known(*key, np.stack(ratios), frozenset(statuses[key])) for key, ratios in sorted(found.items())
        )
        self.firms = firm_ratios(context)

    def fit(self, country: str, *, own: bool = True) -> Fit:
        """Return the fit for `country`: on the receipts of the others, and on its own unless `own` is False."""
        others = [each for each in self.known if each.country != country and each.measure != REVENUE]
        levels = {
            measure: [each.mean for each in others if each.measure == measure] for measure in (LEVY, VAT)
        }
        levels = {measure: means for measure, means in levels.items() if means}
        freedom = {measure: len(means) - 1 for measure, means in levels.items()}
        every = sum(freedom.values())
        tail = normal(f"country effect of {country}")
        if every < LEAST_FREEDOM:
            theta, spread = between("theta", *UNFITTED_THETA), np.full(DRAWS, UNFITTED_SPREAD)
            level = dict.fromkeys((LEVY, VAT), np.zeros(DRAWS))
            spreads, lying = dict.fromkeys(level, spread), dict.fromkeys(("", *level), tail)
        else:
            squares = {m: np.var(np.stack(means), axis=0) * len(means) for m, means in levels.items()}
            theta = _weighed(squares, freedom)
            total = np.asarray(sum(squares.values()))
            spread = np.interp(theta, GRID, np.sqrt(total / every))
            # A kind of one or two countries does not tell by how much countries differ: all kinds together do.
            alone = {m: freedom[m] >= LEAST_FREEDOM - 1 for m in levels}
            spreads = {
                m: np.interp(theta, GRID, np.sqrt(squares[m] / freedom[m])) if alone[m] else spread
                for m in levels
            }
            degrees = {m: freedom[m] if alone[m] else every for m in levels}
            lying = {"": student(f"country effect of {country}", every)}
            lying |= {m: student(f"country effect of {country}", degrees[m]) for m in levels}
            # The mean of a kind, and the error of a mean of so few.
            level = {
                m: np.interp(theta, GRID, np.mean(means, axis=0))
                + spreads[m] * student(f"level of {m}", degrees[m]) / math.sqrt(len(means))
                for m, means in levels.items()
            }
        mine = {each.measure: each for each in self.known if own and each.country == country}
        year = self._yearly(others)
        off = {
            measure: np.interp(theta, GRID, each.mean)
            + year * math.sqrt(1 + 1 / len(each.ratios)) * normal(f"years of {measure} of {country}")
            for measure, each in mine.items()
        }
        scores = [(off[measure] - level[measure]) / spreads[measure] for measure in off if measure in level]
        if scores:
            # How far receipts and turnover of a country go together cannot be told from either.
            together = uniform("correlation of receipts and turnover")
            score = together * np.mean(scores, axis=0)
            lying = {kind: score + np.sqrt(1 - together**2) * each for kind, each in lying.items()}
        effect = off[REVENUE] if REVENUE in off else spread * lying[""]
        known = {
            measure: effect if REVENUE in off else spreads[measure] * lying[measure] for measure in level
        }
        base = {measure: off.get(measure, known[measure] + level[measure]) for measure in level}
        countries = frozenset(each.country for each in others)
        firm = self._firm(theta, spread)
        statuses = frozenset[str]().union(*(each.statuses for each in mine.values()))
        return Fit(theta, spread, np.asarray(effect), firm, base, level, countries, frozenset(mine), statuses)

    def _firm(self, theta: FloatArray, spread: FloatArray) -> FloatArray:
        """Return by how much one firm's turnover differs from that of all in a country, beyond what all differ."""
        if len(self.firms) < LEAST_FREEDOM:
            return np.full(DRAWS, UNFITTED_SPREAD)
        squares = np.interp(theta, GRID, (np.stack(list(self.firms.values())) ** 2).mean(axis=0))
        return np.asarray(np.sqrt(np.maximum(0.0, squares - spread**2)))

    def _yearly(self, known: Iterable[Known]) -> float:
        """Return by how much receipts of one kind and country differ from their mean, from year to year, at θ = 1."""
        at = int(np.argmin(abs(GRID - 1.0)))
        squares, freedom = 0.0, 0
        for each in known:
            squares += float(((each.ratios[:, at] - each.mean[at]) ** 2).sum())
            freedom += len(each.ratios) - 1
        return max(LEAST_YEARLY_SPREAD, math.sqrt(squares / freedom)) if freedom else UNFITTED_SPREAD


# Months of one reference rest on the same receipts and filings.
_CACHE: dict[tuple[bytes | str, ...], Calibration] = {}
_CACHED = 32
_FILES = (
    "known_receipts",
    "regional_revenue",
    "economies",
    "exchange_rates",
    "platforms",
    "categories",
    "countries",
)


def calibration_of(context: Context) -> Calibration:
    """Return the calibration by the facts of `context`, made once for the same facts."""
    frames = tuple(context.facts.get(name) for name in (*_FILES, "country_groups", "filing_regions"))
    key: tuple[bytes | str, ...] = (*(_digest(each) for each in frames), context.economy.country)
    held = _CACHE.get(key)
    if held is None:
        held = _CACHE[key] = Calibration(context)
        while len(_CACHE) > _CACHED:
            _CACHE.pop(next(iter(_CACHE)), None)
    return held


def _digest(frame: pl.DataFrame | None) -> bytes:
    """Return a hash of the rows of a frame and of their order: each month makes its frames anew, of mostly the same facts."""
    if frame is None:
        return b""
    rows = frame.hash_rows().to_numpy().tobytes()
    return sha256(",".join(frame.columns).encode() + rows).digest()


def turnover_of(receipt: Receipt, context: Context) -> FloatArray | None:
    """Return the turnover that a receipt could have reached by the filings of its time, USD a year, by θ of GRID.

    A levy reaches the services of its scope that platforms sell. VAT on services of non-residents, and
    turnover as such, reach all but those controlled from the country's own region. None without a filing.
    """
    there = replace(context, economy=Place(receipt.country), month=receipt.month, days_in_month=28)
    weights = EconomyWeights(there, np.ones(DRAWS))
    if weights.head(receipt.country) is None:
        return None
    levies, home = Levies(there), residents(there)
    total = np.zeros(len(GRID))
    for each in Earnings(there).of(receipt.country):
        part = levies.part(each.platform, receipt.scope) if receipt.measure == LEVY else (1.0, 1.0)
        if part is None:
            continue
        if receipt.measure == VAT and each.platform in home:
            continue
        total = total + sum(part) / 2 * each.middle * weights.middle_shares(
            receipt.country, each.countries, GRID
        )
    return total if total.min() > 0 else None


def firm_ratios(context: Context) -> Mapping[tuple[str, str], FloatArray]:
    """Return by platform and country what filings by country give over what users and product do, as logarithms.

    Of each platform's last year with two countries or more and a rest; its home, which it serves unlike the
    rest of the world, apart. By θ of GRID.
    """
    ends = [row["period_end"] for row in rows(context, REVENUES, ("period_end",))]
    if not ends:
        return {}
    context = replace(context, month=f"{max(ends):%Y-%m}", days_in_month=28)
    weights, filings = EconomyWeights(context, np.ones(DRAWS)), Earnings(context)
    control = {
        str(row["platform_id"]): str(row["control_country"])
        for row in rows(context, "platforms", ("platform_id", "control_country"))
    }
    found = {}
    for platform in filings.platforms:
        parts = filings.parts(platform, control.get(platform, ""))
        if len([each for each, _ in parts if len(each) == 1]) < 2:
            continue
        whole = frozenset[str]().union(*(countries for countries, _ in parts))
        total = sum(value for _, value in parts)
        for countries, value in parts:
            (country, *others) = countries
            if not others and weights.head(country) is not None:
                share = weights.middle_shares(country, whole, GRID)
                found[platform, country] = np.log(value / total / share)
    return found


def student(name: str, freedom: int) -> FloatArray:
    """Return draws of Student's t with so many degrees of freedom."""
    squares = sum(normal(f"{name}, degree {each}") ** 2 for each in range(freedom))
    return np.asarray(normal(name) / np.sqrt(squares / freedom))


def _weighed(squares: Mapping[str, FloatArray], freedom: Mapping[str, int]) -> FloatArray:
    """Return draws of θ, in proportion to the likelihood of normal errors, of unknown size for each kind."""
    log = np.asarray(sum(-freedom[kind] / 2 * np.log(squares[kind]) for kind in squares if freedom[kind]))
    weight = np.exp(log - log.max())
    steps = (weight[1:] + weight[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(steps)])
    return np.interp(uniform("theta"), below / below[-1], GRID)


def residents(context: Context) -> frozenset[str]:
    """Return the platforms controlled from the group that is the economy's region: residents, or next door."""
    groups: Mapping[str, str] = {
        str(row["country"]): str(row["region_group"] or "")
        for row in rows(context, "economies", ("country", "region_group"))
    }
    own = groups.get(context.economy.country)
    return frozenset(
        str(row["platform_id"])
        for row in rows(context, "platforms", ("platform_id", "control_country"))
        if own and groups.get(str(row["control_country"])) == own
    )
