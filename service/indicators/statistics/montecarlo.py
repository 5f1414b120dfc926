"""Seeded Monte Carlo for sums of money: named draws that stay equal for ever, and the bands told of them.

Each uncertain factor has a name, and its name alone decides its draws: neither the order of rows nor what
else is computed changes them. The draws come from the raw output of PCG64, which numpy promises to keep
(NEP 19), so that a vintage can be computed again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from caudal.service.indicators.model.observation import Estimate
from caudal.service.indicators.model.uncertainty import FloatArray

SEED = 20260331
DRAWS = 10_000
# P5 to P95.
LEVEL = 0.90
# More than so many draws can tell, and few enough that a processor's last bit cannot show.
SIGNIFICANT_DIGITS = 6

DETAILS = {
    "seed": "seed of the draws",
    "draws": "number of draws",
}
METHOD = (
    "Monte Carlo with a fixed seed; low, value and high are P5, P50 and P95 of the draws: the interval holds "
    "90 %. Sums of money are to be read on a log scale."
)

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Band:
    """The fifth, fiftieth and ninety-fifth percentile of draws."""

    low: float
    value: float
    high: float


@lru_cache(maxsize=256)
def uniform(name: str) -> FloatArray:
    """Return the draws of the factor `name`, uniform on (0, 1): one in each of DRAWS equal steps, shuffled.

    One draw a step (Latin hypercube: McKay, Beckman & Conover 1979) makes percentiles of few factors
    almost exact, which independent draws would not be.
    """
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    raw = np.random.PCG64(np.random.SeedSequence([SEED, key])).random_raw(2 * DRAWS)
    place = np.empty(DRAWS)
    place[np.argsort(raw[:DRAWS], kind="stable")] = np.arange(DRAWS)
    draws = (place + ((raw[DRAWS:] >> np.uint64(12)) + 0.5) / 2.0**52) / DRAWS
    draws.flags.writeable = False
    return draws


def between(name: str, low: float, high: float) -> FloatArray:
    """Return the draws of a factor that may be anywhere in [low, high]."""
    return low + (high - low) * uniform(name)


def between_logs(name: str, low: float, high: float) -> FloatArray:
    """Return the draws of a positive factor that may be anywhere in [low, high] on the log scale."""
    if low == high:
        return np.full(DRAWS, low)
    return np.exp(between(name, np.log(low), np.log(high)))


def apart(name: str, half_width: float) -> FloatArray:
    """Return the draws of a factor around 1 whose logarithm lies within ±`half_width`, evenly."""
    return np.exp(between(name, -half_width, half_width))


@lru_cache(maxsize=64)
def normal(name: str) -> FloatArray:
    """Return the draws of a standard normal deviate."""
    draws = np.array([_NORMAL.inv_cdf(each) for each in uniform(name)])
    draws.flags.writeable = False
    return draws


def band(draws: FloatArray) -> Band:
    """Return P5, P50 and P95 of draws, float64 (draws,), to six significant digits.

    >>> band(np.arange(101.0))
    Band(low=5.0, value=50.0, high=95.0)
    """
    percentiles = np.quantile(draws, [0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2])
    return Band(*(float(f"{each:.{SIGNIFICANT_DIGITS}g}") for each in percentiles))


def estimate(
    found: Band,
    flows: int,
    dimension: str | None = None,
    details: Mapping[str, float] | None = None,
    flags: Iterable[str] = (),
) -> Estimate:
    """Return the estimate whose value and limits are percentiles of draws; seed and draws are in its details."""
    run = {"seed": float(SEED), "draws": float(DRAWS)}
    return Estimate(
        found.value, found.low, found.high, flows, dimension, run | dict(details or {}), frozenset(flags)
    )
