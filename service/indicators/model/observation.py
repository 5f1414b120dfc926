"""Answers of indicators: estimates from their functions, observations once they may be published."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from caudal.service.indicators.model.errors import DefinitionError
from caudal.service.vocabulary.reason import Reason

UNDECLARED_OPERATORS = "undeclared_operators"
# Limits of a value for the whole economy, among the details (see `nonreporting.py` of the service).
ECONOMY_LOW, ECONOMY_HIGH = "economy_low", "economy_high"
# What caches that no operator lists may do to a value (see `unlistedcaches.py` of the service).
CACHES_SHARE, CACHES_LOW, CACHES_HIGH = "unlisted_caches", "unlisted_caches_low", "unlisted_caches_high"

FLAGS: Mapping[str, str] = {
    "from_memory": "rests in part on facts that were not checked against a source",
    "imputed_sampling": "some bytes came without a sampling rate, and 1 was taken",
    "variance_unknown": "some cells had no readable sampling variance; their bytes are taken as ±100 %",
    "coverage_undeclared": "no operator declared its subscribers: per-user figures divide by all internet users",
    UNDECLARED_OPERATORS: "operators that declared no subscribers reported as well; what is counted per user goes by "
    "the others",
    "accuracy_extrapolated": "location accuracy was measured in other countries than this one",
    "accuracy_unmeasured": "no measured location accuracy fits this economy: locations are taken as they are",
    "rank_unstable": "sampling alone could exchange the last provider counted and the first one not counted",
    "concentrated_little": "within this function, by company, unconcentrated: below 1,000 points (US Merger Guidelines 2023)",
    "concentrated_moderately": "within this function, by company, moderately concentrated: 1,000 to 1,800 points (US Merger "
    "Guidelines 2023)",
    "concentrated_highly": "within this function, by company, highly concentrated: above 1,800 points (US Merger Guidelines "
    "2023)",
    "stale_facts": "rests on a figure more than three years older than the month; the interval is wider for it",
    "weak_facts": "rests on a figure that is marked as weak, disputed or inferred",
    "region_incomplete": "some countries of a filing's region have no users and product here; they are guessed",
    "moratorium_lapsed": "the WTO's moratorium on duties had lapsed: what could be levied, not what is forgone",
    "preferences_unknown": "how much of the imports came free under trade agreements is not known: from none to all is taken",
    "members_missing": "not every member of the region reports: the rest is in the interval only",
    "unlisted_caches": "home addresses serve platforms' names: caches that no operator lists may hold 1 % of the bytes or "
    "more, which are in no indicator (details: unlisted_caches)",
    "synthetic": "made by a traffic model, not metered",
}

# Figures that any observation may carry, whatever its indicator.
COMMON_DETAILS: Mapping[str, str] = {
    ECONOMY_LOW: "lower limit of the value of the whole economy, if operators that do not report differ from those that "
    "do as these differ among themselves",
    ECONOMY_HIGH: "upper limit of the same",
    CACHES_SHARE: "share that bytes between home addresses with a platform's name would have, were they counted",
    CACHES_LOW: "lower limit of a share, were these bytes counted and none of them of what the share is of",
    CACHES_HIGH: "upper limit of a share, were these bytes counted and all of them of what the share is of",
    "assumed_share": "share of the bytes whose sampling rate was assumed to be 1 (with imputed_sampling)",
    "from_memory_share": "share of the bytes attributed by reference rows not checked as a whole (with from_memory)",
    "from_memory_location_share": "share of the bytes located by lists that are in part from memory: cloud regions and "
    "anycast prefixes (with from_memory)",
}

# More digits than any input has, and few enough that the order of summation cannot show.
SIGNIFICANT_DIGITS = 12


@dataclass(frozen=True)
class Estimate:
    """An estimate of an indicator's function: a value in [low, high] from so many flow records, or why not."""

    value: float | None
    low: float | None
    high: float | None
    flows: int
    dimension: str | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    reason: Reason | None = None


@dataclass(frozen=True)
class Observation:
    """A published answer of an indicator.

    Either `value`, `low` and `high` are finite with low ≤ value ≤ high and `reason` is None, or the three
    are None and `reason` says why the answer is "insufficient". `undetermined` is the undetermined share
    (J9) of the month, None of a month without bytes. `flows` counts the flow records behind the value.
    """

    indicator: str
    dimension: str | None
    value: float | None
    low: float | None
    high: float | None
    undetermined: float | None
    coverage: float | None
    flows: int
    flags: tuple[str, ...]
    reason: Reason | None
    details: dict[str, float]


def undefined(reason: Reason, flows: int, dimension: str | None = None) -> Estimate:
    """Return the estimate that there is none, and why."""
    return Estimate(None, None, None, flows, dimension, reason=reason)


def rounded(value: float, where: str) -> float:
    """Return `value` to 12 significant digits; raise DefinitionError where it is not finite."""
    if not math.isfinite(value):
        raise DefinitionError(f"{where} is {value}; an indicator must answer finite numbers or a reason")
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def ordered(low: float, value: float, high: float, where: str) -> tuple[float, float, float]:
    """Return the three rounded, with low ≤ value ≤ high; raise DefinitionError where they are not so.

    Limits that miss the value by no more than the order of summation can cause are set to it.
    """
    low, value, high = (rounded(number, where) for number in (low, value, high))
    slack = 1e-9 * max(1.0, abs(value))
    if low > value + slack or high < value - slack:
        raise DefinitionError(f"{where} is {value}, outside its own interval [{low}, {high}]")
    return min(low, value), value, max(high, value)
