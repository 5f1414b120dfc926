"""The statistics of the indicators: pure functions of numbers and arrays, each with its source.

Amounts are sums of bytes and `variances` their sampling variances, which add (Duffield, Lund & Thorup,
"Charging from sampled network usage", IMW 2001). Cells are taken as independent, which sampling of
packets makes them. Intervals are two-sided at a level such as 0.95.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

FloatArray = npt.NDArray[np.float64]
Interval = tuple[float, float]

_NORMAL = NormalDist()
# Beyond e⁵⁰ a factor says only that nothing is known; it must stay a finite number all the same.
_LARGEST_EXPONENT = 50.0
_MANY = 1e7
# A score limit goes to infinity where a few networks are all there is; further than this there is no need to go.
_LEAST_CERTAINTY = 0.2


@dataclass(frozen=True)
class Quantity:
    """An estimated number and its sampling variance."""

    value: float
    variance: float

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return math.sqrt(max(self.variance, 0.0))


def normal_quantile(level: float) -> float:
    """Return z such that a normal deviate lies in ±z with probability `level` (1.960 for 0.95)."""
    return _NORMAL.inv_cdf(0.5 + level / 2)


def clip(value: float, least: float, greatest: float) -> float:
    """Return the number of [least, greatest] nearest to `value`."""
    return min(max(value, least), greatest)


def normal_interval(
    quantity: Quantity, level: float, least: float = -math.inf, greatest: float = math.inf
) -> Interval:
    """Return value ± z·deviation, cut to [least, greatest]."""
    half = normal_quantile(level) * quantity.deviation
    return clip(quantity.value - half, least, greatest), clip(quantity.value + half, least, greatest)


def share_interval(share: Quantity, level: float) -> Interval:
    """Return the interval of a share of sums, as that of a proportion of as many equal units as tell it that well.

    A share p of variance V is known as well as by n = p(1−p)/V units drawn; the limits are those of Clopper &
    Pearson (Biometrika 1934) for n·p of n. Near 0 and 1 they are not symmetrical, as the share of what few packets
    tell is not. Korn & Graubard, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data", Survey Methodology 24 (1998). The weights of the share must lie in [0, 1].
    """
    low, high = share_intervals(np.array([share.value]), np.array([share.variance]), level)
    return float(low[0]), float(high[0])


def share_intervals(shares: FloatArray, variances: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the lower and the upper limits of `share_interval` of shares with these variances."""
    values = np.clip(shares, 0.0, 1.0)
    spread = values * (1 - values)
    half = normal_quantile(level) * np.sqrt(variances)
    # Of so many units the limits are symmetrical, and beyond the reach of the function.
    few = (spread > 0) & (spread < _MANY * variances)
    units = np.divide(spread, variances, out=np.ones_like(values), where=few)
    held, tail = units * values, (1 - level) / 2
    low = np.where(few, betaincinv(held, units - held + 1, tail), values - half)
    high = np.where(few, betaincinv(held + 1, units - held, 1 - tail), values + half)
    return np.clip(np.nan_to_num(low), 0.0, values), np.clip(np.nan_to_num(high, nan=1.0), values, 1.0)


def positive_interval(quantity: Quantity, level: float, greatest: float = math.inf) -> Interval:
    """Return the interval of a positive number, normal on the log scale: value·exp(±z·deviation/value).

    Delta method on the logarithm, so that the lower limit is positive however large the deviation; for a
    small one it is the normal interval. The value must be positive.
    """
    exponent = min(normal_quantile(level) * quantity.deviation / quantity.value, _LARGEST_EXPONENT)
    factor = math.exp(exponent)
    return quantity.value / factor, min(quantity.value * factor, greatest)


def envelope(intervals: Iterable[Interval]) -> Interval:
    """Return the smallest interval that holds all of `intervals`: what is known when none can be ruled out."""
    lows, highs = zip(*intervals, strict=True)
    return min(lows), max(highs)


def share_variance(
    part: FloatArray, part_variance: FloatArray, total: float, total_variance: float
) -> FloatArray:
    """Return the sampling variance of each share S = part/total, where the total contains the part.

    Delta method on a ratio of correlated sums: ((1−S)²·V_in + S²·V_out)/B², with V_in the variance of the
    part, V_out of the rest, B the total.
    """
    share = part / total
    inside = (1 - share) ** 2 * part_variance
    outside = share**2 * np.maximum(total_variance - part_variance, 0.0)
    return np.asarray((inside + outside) / total**2, dtype=np.float64)


def weighted_share(weights: FloatArray, amounts: FloatArray, variances: FloatArray) -> Quantity:
    """Return S = Σ w·b / Σ b with its sampling variance Σ (w−S)²·V / (Σ b)², by the delta method.

    With weights 0 and 1 it is the share of `share_variance`; with −1 and 1 an asymmetry; with a
    correction for misclassification a corrected share. Σ b must be positive. All arrays are float64 (cells,).

    >>> weighted_share(np.array([1.0, 0.0]), np.array([30.0, 10.0]), np.array([16.0, 16.0]))
    Quantity(value=0.75, variance=0.00625)
    """
    total = float(amounts.sum())
    value = float((weights * amounts).sum()) / total
    return Quantity(value, float(((weights - value) ** 2 * variances).sum()) / total**2)


def rogan_gladen(observed: float, sensitivity: float, specificity: float) -> float:
    """Return the true share p* = (p − (1−Sp)) / (Se + Sp − 1) behind an observed share p, cut to [0, 1].

    Rogan & Gladen, "Estimating prevalence from the results of a screening test", American Journal of
    Epidemiology 107 (1978). Se + Sp must exceed 1.
    """
    return clip((observed - (1 - specificity)) / (sensitivity + specificity - 1), 0.0, 1.0)


def rogan_gladen_weights(sensitivity: float, specificity: float) -> tuple[float, float]:
    """Return the weights in a corrected sum of a byte seen inside and of one seen outside.

    The correction is linear in p, so that a corrected share is a `weighted_share`: Sp/(Se+Sp−1) inside,
    −(1−Sp)/(Se+Sp−1) outside.
    """
    youden = sensitivity + specificity - 1
    return specificity / youden, -(1 - specificity) / youden


def sensitivity_variance(corrected: float, sensitivity: float, specificity: float, trials: int) -> float:
    """Return the variance that a corrected share has because Se was measured by `trials` trials.

    dp*/dSe = −p*/(Se+Sp−1), times the binomial variance Se(1−Se)/n (the Se term of Rogan & Gladen 1978).
    """
    youden = sensitivity + specificity - 1
    return (corrected / youden) ** 2 * sensitivity * (1 - sensitivity) / trials


def misplacement_variance(
    found: FloatArray, total: float, sensitivity: float, specificity: float, level: float
) -> float:
    """Return the variance of a corrected share that comes of traffic being misplaced network by network.

    `found` are the bytes of each network in a place that were placed inside, `total` all that were looked up. If all of
    a network's B_k bytes there are found with the chance Se, or none, then those found vary by Se(1−Se)·Σ B_k²; and
    Σ B_k² is estimated by Σ found²/Se. Addresses of one network do fail alike: their blocks are registered together.
    Where large networks were missed this is too little, and just then the share is too low; so it is taken at the
    upper limit of the share instead, as in an interval by the score (Wilson 1927).
    """
    if not found.any():
        return 0.0
    youden = sensitivity + specificity - 1
    variance = (1 - sensitivity) * float((found**2).sum()) / (total * youden) ** 2
    relative = math.sqrt((1 - sensitivity) * float((found**2).sum()) / sensitivity) / float(found.sum())
    return variance / max(1 - normal_quantile(level) * relative, _LEAST_CERTAINTY) ** 2


def herfindahl(
    amounts: FloatArray, variances: FloatArray, atoms: float = 0.0, atoms_variance: float = 0.0
) -> Quantity:
    """Return H = Σ s² of the shares s of `amounts`, corrected for sampling, with its sampling variance.

    `atoms` are further bytes in the total, of owners too small and many to add to H. Sampling noise adds
    var(s) to the expectation of each s², hence the unbiased H = Σ s² − Σ var(s). For a sample of n equal
    units var(s) is s(1−s)/(n−1), and this is the known (n·H−1)/(n−1). It is kept from falling below the
    least that so many owners can have. Variance by the delta method: Σ 4(s−H)²·V/B² (first order: it
    vanishes where all shares are equal). Hirschman 1945, Herfindahl 1950. Some amount must be positive.

    >>> herfindahl(np.array([60.0, 40.0]), np.zeros(2)).value
    0.52
    """
    held = float(amounts.sum())
    total = held + atoms
    total_variance = float(variances.sum()) + atoms_variance
    shares = amounts / total
    observed = float((shares**2).sum())
    noise = float(share_variance(amounts, variances, total, total_variance).sum())
    owners = int(np.count_nonzero(amounts))
    value = clip(observed - noise, (held / total) ** 2 / owners, 1.0)
    gradient = float((4 * (shares - observed) ** 2 * variances).sum()) + 4 * observed**2 * atoms_variance
    return Quantity(value, gradient / total**2)


def probability_larger(difference: Quantity) -> float:
    """Return the probability that the true difference is positive, given its normal estimate."""
    if difference.deviation == 0:
        return 0.5 + 0.5 * float(np.sign(difference.value))
    return _NORMAL.cdf(difference.value / difference.deviation)


def ratio_bounds(numerator: Interval, denominator: float, relative_error: float) -> Interval:
    """Return the bounds of a non-negative interval over a denominator known to ± `relative_error`.

    Bounds, not a distribution: the error of a head count is of unknown shape.
    """
    low, high = numerator
    return low / (denominator * (1 + relative_error)), high / (denominator * (1 - relative_error))
