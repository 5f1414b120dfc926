"""Limits of values where it cannot be told whether the exchange of two networks was metered once or twice."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from caudal.service.attribution.exchange import otherwise_counted
from caudal.service.indicators import Indicator, Observation
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.uncertainty import clip
from caudal.service.national.jackknife import Change, changes_in

EXCHANGE_DOUBTFUL = "exchange_doubtful"
FLAGS: Mapping[str, str] = {
    EXCHANGE_DOUBTFUL: "some operators that report declared no AS numbers, or networks were folded away, or a "
    "cache of a platform stands in a network that reports: what networks of the country exchange may count once or twice, "
    "and the interval holds both",
}
# A flag says what matters: a thousandth of the value, or of its interval. Something is folded in every month.
WORTH_TELLING = 1e-3
# Jurisdictions whose doubtful cells are looked at apart; the others together. Sums of money do not ask who commands
# what, and take long.
_APART = 1
_MONEY = "USD"
_OTHERS = "*"


def with_doubts(
    observed: Mapping[str, list[Observation]],
    indicators: Mapping[str, Indicator],
    cells: pl.DataFrame,
    month: MonthCells,
) -> dict[str, list[Observation]]:
    """Return the observations of traffic, their intervals wide enough for every way of counting doubtful cells.

    `cells` are what `interpret` answers, and what `month` was read from. The interval holds those with all doubtful cells
    counted the other way, and the sums of the changes, to either side, of those of each jurisdiction counted so.
    """
    if not cells["doubtful"].any():
        return dict(observed)
    chosen = {name: each for name, each in indicators.items() if "bytes" in each.definition.inputs}
    shares = {name: each for name, each in chosen.items() if not each.definition.unit.startswith(_MONEY)}
    together, *apart = _turned(cells)
    changes = [changes_in(MonthCells.read(together, month.context), observed, chosen)]
    changes += [changes_in(MonthCells.read(turned, month.context), observed, shares) for turned in apart]
    answer = dict(observed)
    for name, indicator in chosen.items():
        answer[name] = [
            _widened(each, indicator, [known.get((name, each.dimension)) for known in changes])
            for each in observed[name]
        ]
    return answer


def _turned(cells: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the cells with all that is doubtful counted the other way, then with that of each jurisdiction."""
    yield otherwise_counted(cells)
    held = (
        cells.filter("doubtful")
        .group_by("control")
        .agg(pl.col("bytes").sum())
        .sort("bytes", "control", descending=[True, False])
    )
    if held.height < 2:
        return
    largest = held["control"].head(_APART).to_list()
    group = pl.when(pl.col("control").is_in(largest)).then("control").otherwise(pl.lit(_OTHERS))
    for name in (*largest, _OTHERS):
        yield otherwise_counted(cells, group == name)


def _widened(observation: Observation, indicator: Indicator, changes: list[Change | None]) -> Observation:
    value, low, high = observation.value, observation.low, observation.high
    if value is None or low is None or high is None:
        return observation
    together, *apart = [each for each in changes if each is not None] or [(0.0, 0.0, 0.0)]
    least = min(low, low + together[1], value + together[0])
    most = max(high, high + together[2], value + together[0])
    least = min(least, low + sum(min(0.0, each[1]) for each in apart))
    most = max(most, high + sum(max(0.0, each[2]) for each in apart))
    bottom, top = (
        limit if limit is not None else end
        for limit, end in zip(indicator.definition.range, (-math.inf, math.inf), strict=True)
    )
    told = set(observation.flags)
    # An interval that is wide for other reasons may hold all of it already.
    if max(low - least, most - high, abs(together[0])) > WORTH_TELLING * max(abs(value), high - low):
        told.add(EXCHANGE_DOUBTFUL)
    return replace(
        observation, low=clip(least, bottom, top), high=clip(most, bottom, top), flags=tuple(sorted(told))
    )
