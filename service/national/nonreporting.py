"""Limits of a share for the whole economy, where some of its operators do not report.

A value is stated of the networks that report. Were those a sample of all, left to chance, the economy's own would
differ from it as the values of samples differ among themselves: the jackknife leaves out one operator after the other
(one of ten groups, where there are more), and of the variance of the values that remain counts the part of the people
who are not covered (finite population correction; Wolter, *Introduction to Variance Estimation*, Springer 2007, ch. 4).
The limits are those of the value, moved apart by as much, and by what it changes if exchange with networks that do not
report counts half, as it would if they did. Which operators do not report is seldom left to chance: what
sets them apart from those that do is in no interval.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from caudal.service.attribution.exchange import as_if_all_reported
from caudal.service.indicators import Indicator, Observation
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.observation import ECONOMY_HIGH, ECONOMY_LOW, rounded
from caudal.service.indicators.model.uncertainty import clip
from caudal.service.national.jackknife import Jackknife, changes_in

LEAST_OPERATORS = 3


def with_economy_limits(
    observed: Mapping[str, list[Observation]], jackknife: Jackknife
) -> dict[str, list[Observation]]:
    """Return the observations, those of traffic with the limits of the whole economy's value among their details.

    `jackknife` is of the same month. Nothing is added where fewer than LEAST_OPERATORS report or none declared
    its subscribers, nor where a value could not be told without one of them.
    """
    coverage = jackknife.month.context.coverage
    if len(jackknife.carried) < LEAST_OPERATORS or coverage is None or not jackknife.chosen:
        return dict(observed)
    missing = 1 - min(1.0, coverage)
    without = jackknife.without if missing else []
    shared = _shared(jackknife) if missing else {}
    answer = dict(observed)
    for name, indicator in jackknife.chosen.items():
        answer[name] = [
            each
            if each.value is None
            else _limited(
                each,
                indicator,
                [values.get((name, each.dimension)) for values in without],
                missing,
                shared.get((name, each.dimension), 0.0),
            )
            for each in observed[name]
        ]
    return answer


def _shared(jackknife: Jackknife) -> dict[tuple[str, str | None], float]:
    """Return by how much each value changes if exchange with networks that do not report counts half."""
    cells = as_if_all_reported(jackknife.cells)
    if cells is None:
        return {}
    month = MonthCells.read(cells, jackknife.month.context)
    changes = changes_in(month, jackknife.observed, jackknife.chosen)
    return {key: abs(value) for key, (value, _, _) in changes.items()}


def _limited(
    observation: Observation,
    indicator: Indicator,
    without: list[float | None],
    missing: float,
    shared: float,
) -> Observation:
    values = [value for value in without if value is not None]
    if len(values) < len(without) or observation.low is None or observation.high is None:
        return observation
    reach = 0.0
    if values:
        spread = (len(values) - 1) * float(np.var(values))
        quantile = float(stdtrit(len(values) - 1, 0.5 + indicator.definition.level / 2))
        reach = quantile * math.sqrt(missing * spread)
    # To both sides alike: limits that moved to one side only would tell how much is exchanged.
    reach += shared
    least, greatest = (
        limit if limit is not None else end
        for limit, end in zip(indicator.definition.range, (-math.inf, math.inf), strict=True)
    )
    where = f"{observation.indicator} of the economy"
    limits = {
        ECONOMY_LOW: rounded(clip(observation.low - reach, least, greatest), where),
        ECONOMY_HIGH: rounded(clip(observation.high + reach, least, greatest), where),
    }
    return replace(observation, details=observation.details | limits)
