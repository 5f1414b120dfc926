"""The catalogue: every indicator by its id, put together from the modules of the groups."""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from caudal.service.indicators.groups import (
    access,
    adequacy,
    centralisation,
    concentration,
    dependency,
    detours,
    integration,
    jurisdiction,
    positioning,
    positioningmap,
    tariffs,
    taxation,
    trade,
    value,
    valuecaptured,
)
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.errors import DefinitionError
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Observation

GROUPS = ("jurisdiction", "concentration", "dependency", "value", "positioning")


def assemble(*groups: tuple[Indicator, ...]) -> Mapping[str, Indicator]:
    """Return the indicators of `groups` by id, by group and number; raise DefinitionError where two share one."""
    catalogue: dict[str, Indicator] = {}
    for indicator in sorted((each for group in groups for each in group), key=_place):
        name = indicator.definition.id
        if name in catalogue:
            raise DefinitionError(f"two indicators have the id {name}; an id names one for ever")
        catalogue[name] = indicator
    return MappingProxyType(catalogue)


def _place(indicator: Indicator) -> tuple[int, int]:
    definition = indicator.definition
    return GROUPS.index(definition.group), int(definition.id[1:])


CATALOGUE = assemble(
    jurisdiction.INDICATORS,
    adequacy.INDICATORS,
    access.INDICATORS,
    detours.INDICATORS,
    concentration.INDICATORS,
    centralisation.INDICATORS,
    dependency.INDICATORS,
    value.INDICATORS,
    valuecaptured.INDICATORS,
    trade.INDICATORS,
    tariffs.INDICATORS,
    taxation.INDICATORS,
    positioning.INDICATORS,
    integration.INDICATORS,
    positioningmap.INDICATORS,
)


def compute_all(cells: pl.DataFrame, context: Context) -> list[Observation]:
    """Return the observations of every indicator for the flow cells of one economy-month, in order.

    Raises CellsError where the frame cannot be read. The cells are read once for all.
    """
    month = MonthCells.read(cells, context)
    return [observation for each in CATALOGUE.values() for observation in each.observe(month)]
