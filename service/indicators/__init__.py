"""The indicators: data plus one pure function each, from the flow cells of a month to published values."""

from caudal.service.indicators.catalogue import CATALOGUE, compute_all
from caudal.service.indicators.model.cells import COLUMNS
from caudal.service.indicators.model.context import Context, Economy
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.errors import CellsError, DefinitionError, IndicatorError
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import FLAGS, Estimate, Observation

__all__ = [
    "CATALOGUE",
    "COLUMNS",
    "FLAGS",
    "CellsError",
    "Context",
    "Definition",
    "DefinitionError",
    "Economy",
    "Estimate",
    "Indicator",
    "IndicatorError",
    "Observation",
    "compute_all",
]
