"""Protects contributors from each other: what is told is computed of traffic that a secret factor has moved.

An operator knows its own traffic to the byte. From shares that are told exactly it can have the traffic of the only
other one: it divides what it carries alone by the share that is told of it. No rule that withholds single totals
prevents that; nor does one that rounds, where many shares can be asked for. So each operator's traffic is multiplied by
a factor of its own before anything is computed that others than its own staff and the regulator see (multiplicative
noise: Evans, Zayatz & Slanta, "Using noise for disclosure limitation of establishment tabular data", Journal of
Official Statistics 14 (1998); Hundepool et al., *Statistical Disclosure Control*, Wiley 2012, ch. 4).

The factor is drawn once and is one for all cells, indicators, months and vintages. So there is nothing to average, and
what anybody is told follows from x·f alone, never from x. Whoever knows all that is told, and all of its own traffic,
cannot tell an operator that carries x from one that carries c·x: for each admissible c, some factor makes both look
the same. The factor lies in [1/reach, reach], where reach² = (1 + p) / (1 − p) for the p of the p% rule: the amounts that
remain possible are so far apart that no number is certain to be within p % of the truth.

Figures are told to a ten-thousandth, or to four digits, counts also to tens: metered packets and records are whole, and
in exact products of whole numbers the factor could be found as their common measure.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import polars as pl

from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.model.observation import CACHES_HIGH, CACHES_LOW, ECONOMY_HIGH, ECONOMY_LOW
from caudal.service.indicators.model.uncertainty import clip, normal_quantile
from caudal.service.national.national import Figure, NationalTotal
from caudal.service.vocabulary.reason import Reason, Told

PERTURBED = "perturbed"
FLAGS: Mapping[str, str] = {
    PERTURBED: "the traffic of each operator is multiplied by a secret factor near 1, which is in the interval: no "
    "operator can compute from this what another carries",
}
LARGEST_PERCENT = 50.0
_DECIMALS = 4
_DIGITS = 4
# Limits are rounded outwards.
_TOWARD = {ECONOMY_LOW: -1.0, ECONOMY_HIGH: 1.0, CACHES_LOW: -1.0, CACHES_HIGH: 1.0}
# Told of a computation, not of traffic.
_NOT_OF_TRAFFIC = frozenset({"seed", "draws"})


def reach_of(percent: float) -> float:
    """Return the largest factor for a p% rule; 1 where the rule demands nothing."""
    p = min(percent, LARGEST_PERCENT) / 100
    return math.sqrt((1 + p) / (1 - p))


def deviation_of(reach: float) -> float:
    """Return the standard deviation of a factor about 1: its logarithm is drawn evenly from ±log(reach)."""
    return math.log(reach) / math.sqrt(3)


def perturbed(facts: pl.DataFrame, factors: Mapping[str, float]) -> pl.DataFrame:
    """Return facts with the sums of each operator multiplied by its factor; 1 where it has none.

    `facts` has `operator` and some of bytes, packets, flows, bytes_variance; these become Float64. A sampling variance
    is multiplied as traffic is, not by the square: of c times the traffic, sampled at the same rate, it is c times as large.
    By the square it would tell, beside the rate, the factor and the traffic.
    """
    if not factors:
        return facts
    own = (
        pl.col("operator").cast(pl.String).replace_strict(dict(factors), default=1.0, return_dtype=pl.Float64)
    )
    return facts.with_columns(
        pl.col(name).cast(pl.Float64) * own
        for name in ("bytes", "packets", "flows", "bytes_variance")
        if name in facts.columns
    )


def coarse(number: float, toward: float = 0.0) -> float:
    """Return a number to a ten-thousandth, beyond 1 to four digits; `toward` −1 rounds down, 1 up, 0 to the nearest."""
    if number == 0 or not math.isfinite(number):
        return number
    # Decimal digits, so that what was rounded before stays where it is.
    exact = Decimal(repr(float(number)))
    step = -_DECIMALS if abs(exact) <= 1 else exact.adjusted() - _DIGITS + 1
    rounding = ROUND_FLOOR if toward < 0 else ROUND_CEILING if toward > 0 else ROUND_HALF_EVEN
    return float(exact.quantize(Decimal(1).scaleb(step), rounding))


def coarse_count(number: float) -> int:
    """Return a count to four digits, and to tens at least: of a whole number times a factor units would tell the factor."""
    exact = Decimal(repr(float(number)))
    step = max(1, exact.adjusted() - _DIGITS + 1)
    return int(exact.quantize(Decimal(1).scaleb(step), ROUND_HALF_EVEN))


def as_told(observation: Observation, definition: Definition) -> Observation:
    """Return an observation as it may be told; a value that does not depend on traffic stays as it is."""
    flows = coarse_count(observation.flows)
    if observation.reason is not None and observation.flows < definition.minimum_flows:
        # Fewer than are needed, also when rounded.
        flows = observation.flows // 10 * 10
    if "bytes" not in definition.inputs or observation.value is None:
        return replace(
            observation,
            flows=flows,
            undetermined=_coarse(observation.undetermined),
            reason=_reason_as_told(observation.reason),
        )
    value = coarse(observation.value)
    return replace(
        observation,
        value=value,
        low=None if observation.low is None else min(value, coarse(observation.low, -1)),
        high=None if observation.high is None else max(value, coarse(observation.high, 1)),
        flows=flows,
        undetermined=_coarse(observation.undetermined),
        details={
            name: number if name in _NOT_OF_TRAFFIC else coarse(number, _TOWARD.get(name, 0.0))
            for name, number in observation.details.items()
        },
    )


def total_as_told(total: NationalTotal) -> NationalTotal:
    """Return a national total as it may be told."""
    return replace(
        total,
        observed=_figure(total.observed),
        estimated=_figure(total.estimated),
        spread=_coarse(total.spread),
    )


def widened(
    observation: Observation, definition: Definition, changes: Iterable[tuple[float, float, float]]
) -> Observation:
    """Return an observation whose interval holds what the factors may have moved.

    `changes` has, for each operator or group of operators, by how much the value and its two limits change where a factor is
    a standard deviation off. What factors do is added to the limits: many of these are bounds (the unknown all here, or
    all there), which stay apart however sampling falls out.
    """
    value, low, high = observation.value, observation.low, observation.high
    if value is None or low is None or high is None:
        return observation
    quantile = normal_quantile(definition.level)
    of_value, of_low, of_high = (
        quantile * math.hypot(*each) for each in zip(*changes, (0.0, 0.0, 0.0), strict=True)
    )
    least, greatest = (
        limit if limit is not None else end
        for limit, end in zip(definition.range, (-math.inf, math.inf), strict=True)
    )
    return replace(
        observation,
        low=clip(min(value - of_value, low - of_low), least, greatest),
        high=clip(max(value + of_value, high + of_high), least, greatest),
    )


def _reason_as_told(why: Reason | None) -> Reason | None:
    return None if why is None else Reason(*(_coarsely(each) for each in why.told))


def _coarsely(told: Told) -> Told:
    flows = told.figures.get("flows")
    if told.code != "too_few_flows" or not isinstance(flows, int):
        return told
    return Told(told.code, {**told.figures, "flows": flows // 10 * 10})


def _coarse(number: float | None) -> float | None:
    return None if number is None else coarse(number)


def _figure(figure: Figure | None) -> Figure | None:
    if figure is None:
        return None
    value = coarse(figure.value)
    return Figure(value, min(value, coarse(figure.low, -1)), max(value, coarse(figure.high, 1)))
