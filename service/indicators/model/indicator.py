"""An indicator: its definition, its function, and what turns an estimate into a publishable observation."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import UNCHECKED, Context
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.errors import DefinitionError
from caudal.service.indicators.model.observation import (
    COMMON_DETAILS,
    Estimate,
    Observation,
    ordered,
    rounded,
    undefined,
)
from caudal.service.vocabulary.reason import Reason, reason


@dataclass(frozen=True)
class Indicator:
    """A definition and the pure function from a month to estimates.

    The function does not look at the minimum sample, at flags that any indicator can have, or at
    coverage: `observe` does.
    """

    definition: Definition
    estimate: Callable[[MonthCells, Definition], list[Estimate]]

    def compute(self, cells: pl.DataFrame, context: Context) -> list[Observation]:
        """Return the observations of the month in `cells`; raise CellsError where they cannot be read."""
        return self.observe(MonthCells.read(cells, context))

    def observe(self, month: MonthCells) -> list[Observation]:
        """Return an observation per dimension; one without dimension where the sample is too small."""
        definition = self.definition
        if month.total() <= 0:
            return [self._insufficient(month, undefined(reason("no_bytes"), month.flows()))]
        if month.flows() < definition.minimum_flows:
            return [self._insufficient(month, undefined(self._too_few(month.flows()), month.flows()))]
        taken = month.taking(definition.takes)
        return [self._observation(month, estimate) for estimate in self.estimate(taken, definition)]

    def _observation(self, month: MonthCells, estimate: Estimate) -> Observation:
        if estimate.flows < self.definition.minimum_flows:
            short = undefined(self._too_few(estimate.flows), estimate.flows, estimate.dimension)
            return self._insufficient(month, short)
        if estimate.value is None or estimate.low is None or estimate.high is None:
            return self._insufficient(month, estimate)
        where = f"{self.definition.id} {estimate.dimension or ''}".strip()
        low, value, high = ordered(estimate.low, estimate.value, estimate.high, where)
        flags, common = self._provenance(month)
        details = {**estimate.details, **common}
        undeclared = details.keys() - self.definition.details.keys() - COMMON_DETAILS.keys()
        if undeclared:
            raise DefinitionError(f"{where} answers details its definition lacks: {sorted(undeclared)}")
        return Observation(
            indicator=self.definition.id,
            dimension=estimate.dimension,
            value=value,
            low=low,
            high=high,
            undetermined=self._undetermined(month),
            coverage=month.context.coverage,
            flows=estimate.flows,
            flags=tuple(sorted(flags | estimate.flags)),
            reason=None,
            details={name: rounded(number, f"{name} of {where}") for name, number in details.items()},
        )

    def _insufficient(self, month: MonthCells, estimate: Estimate) -> Observation:
        flags, _ = self._provenance(month)
        return Observation(
            indicator=self.definition.id,
            dimension=estimate.dimension,
            value=None,
            low=None,
            high=None,
            undetermined=self._undetermined(month),
            coverage=month.context.coverage,
            flows=estimate.flows,
            flags=tuple(sorted(flags | estimate.flags)),
            reason=estimate.reason or reason("undefined"),
            details={},
        )

    def _too_few(self, flows: int) -> Reason:
        return reason("too_few_flows", minimum=self.definition.minimum_flows, flows=flows)

    def _provenance(self, month: MonthCells) -> tuple[frozenset[str], dict[str, float]]:
        """Return the flags that follow from where the cells come from, and the shares they concern."""
        flags = set(month.context.flags)
        shares: dict[str, float] = {}
        if month.assumed_share > 0:
            flags.add("imputed_sampling")
            shares["assumed_share"] = month.assumed_share
        if self.definition.interpreted and month.unchecked_share > 0:
            flags.add("from_memory")
            shares["from_memory_share"] = month.unchecked_share
        if self.definition.located and month.unchecked_location_share > 0:
            flags.add("from_memory")
            shares["from_memory_location_share"] = month.unchecked_location_share
        if UNCHECKED in self.definition.source_status:
            flags.add("from_memory")
        if month.variance_unknown:
            flags.add("variance_unknown")
        return frozenset(flags), shares

    @staticmethod
    def _undetermined(month: MonthCells) -> float | None:
        share = month.undetermined_share
        return None if share is None else rounded(share, "the undetermined share")
