"""The values of a month without each operator: what says how far a value rests on one of them.

One operator after the other is left out, or one of ten groups where there are more (delete-a-group jackknife; Wolter,
*Introduction to Variance Estimation*, Springer 2007, ch. 4).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from caudal.common.vocabulary import CROSSING
from caudal.service.indicators import Indicator, Observation
from caudal.service.indicators.model.cells import MonthCells

MOST_GROUPS = 10

Values = dict[tuple[str, str | None], float]
# By how much a value, its lower and its upper limit change.
Change = tuple[float, float, float]
Changes = dict[tuple[str, str | None], Change]


@dataclass(frozen=True, eq=False)
class Jackknife:
    """The indicators of traffic among those observed, and their values without each group of operators.

    `cells` are what `month` was read from.
    """

    observed: Mapping[str, list[Observation]]
    indicators: Mapping[str, Indicator]
    cells: pl.DataFrame
    month: MonthCells

    @cached_property
    def carried(self) -> dict[str, float]:
        """Bytes out and in of each operator, the largest first."""
        return {
            str(operator): float(amount)
            for operator, amount in self.cells.filter(pl.col("direction").is_in(CROSSING))
            .group_by("operator")
            .agg(pl.col("bytes").cast(pl.Float64).sum())
            .sort("bytes", "operator", descending=[True, False])
            .iter_rows()
        }

    @cached_property
    def chosen(self) -> dict[str, Indicator]:
        """The indicators that are shares of traffic, or made of such, and have a value."""
        return {
            name: indicator
            for name, indicator in self.indicators.items()
            if "bytes" in indicator.definition.inputs
            and not indicator.definition.unit.startswith(("USD", "GB"))
            and any(each.value is not None for each in self.observed[name])
        }

    @cached_property
    def without(self) -> list[Values]:
        """The values of `chosen` without each group of operators; computed when first asked for."""
        return [
            {
                key: each.value
                for key, each in observations_by_key(self.chosen, month)
                if each.value is not None
            }
            for month in self._months(0.0)
        ]

    def changes(self, deviation: float) -> list[Changes]:
        """Return the changes of the observations of `chosen` where each group of operators carries e^−deviation of its traffic.

        What has no value then is left out.
        """
        return [changes_in(month, self.observed, self.chosen) for month in self._months(math.exp(-deviation))]

    def _months(self, kept: float) -> Iterator[MonthCells]:
        numbers = {operator: number % MOST_GROUPS for number, operator in enumerate(self.carried)}
        group = pl.col("operator").replace_strict(numbers, default=0, return_dtype=pl.Int64)
        cells = self.cells
        if self.month.context.paths is None:
            cells = cells.with_columns(_network())
        whole = MonthCells.read(cells, self.month.context)
        return whole.without_each(cells, group, kept)


def _network() -> pl.Expr:
    """Return the number of a network that is listed, else 0: no value tells others apart, unless by the ways to them."""
    unlisted = (pl.col("network_kind") == "") & (pl.col("platform") == "")
    return pl.when(unlisted).then(0).otherwise("remote_asn").alias("remote_asn")


def observations_by_key(
    indicators: Mapping[str, Indicator], month: MonthCells
) -> Iterator[tuple[tuple[str, str | None], Observation]]:
    """Yield the observations of a month, each by indicator and dimension."""
    for indicator in indicators.values():
        for each in indicator.observe(month):
            yield (each.indicator, each.dimension), each


def changes_in(
    month: MonthCells, observed: Mapping[str, list[Observation]], indicators: Mapping[str, Indicator]
) -> Changes:
    """Return the changes of observations of `indicators` where `month` is read in place of theirs; those without a value are left out."""
    before = {(each.indicator, each.dimension): each for name in indicators for each in observed[name]}
    return {
        key: change
        for key, each in observations_by_key(indicators, month)
        if (change := change_of(before.get(key), each)) is not None
    }


def change_of(before: Observation | None, after: Observation) -> Change | None:
    """Return the differences of value, lower and upper limit; None where one of the observations has no value."""
    if before is None:
        return None
    one, other = (
        (each.value, each.low, each.high)
        if each.value is not None and each.low is not None and each.high is not None
        else None
        for each in (before, after)
    )
    return None if one is None or other is None else (other[0] - one[0], other[1] - one[1], other[2] - one[2])
