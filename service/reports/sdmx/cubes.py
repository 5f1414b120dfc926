"""Observations of a report as cells of the data structure: a text for each component."""

from collections.abc import Iterator

from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.context import UNCHECKED
from caudal.service.reports.content import Content
from caudal.service.reports.edition import Edition
from caudal.service.reports.sdmx.structure import NOT_APPLICABLE, TOTAL, unit_code

# What a dimension of an indicator is called where its values are countries.
_AREAS = frozenset({"jurisdiction", "country", "location", "control"})
# Flags that make a value an estimate in the sense of CL_OBS_STATUS.
_ESTIMATED = frozenset({"from_" + UNCHECKED, "imputed_sampling", "variance_unknown", "accuracy_extrapolated"})
_WITHHELD = "confidential"


def observations(edition: Edition) -> Iterator[dict[str, str]]:
    """Yield each observation of an edition by component; a component without a value is missing."""
    for entry in edition.content.entries():
        for reading in entry.readings:
            yield _cell(edition.content, entry.definition, reading.observation)


def _cell(content: Content, definition: Definition, observation: Observation) -> dict[str, str]:
    of_area = definition.dimension in _AREAS
    dimension = observation.dimension
    area = dimension if of_area and dimension else TOTAL if of_area else NOT_APPLICABLE
    breakdown = NOT_APPLICABLE if of_area or definition.dimension is None else dimension or TOTAL
    cell = {
        "FREQ": "M",
        "REF_AREA": content.economy,
        "INDICATOR": definition.id,
        "COUNTERPART_AREA": area,
        "BREAKDOWN": breakdown,
        "TIME_PERIOD": content.month,
        "CONF_LEVEL": repr(definition.level),
        "OBS_STATUS": _status(content, observation),
        "UNIT_MEASURE": unit_code(definition.unit),
        "SAMPLE_SIZE": str(observation.flows),
        "FLAGS": " ".join(observation.flags),
        "COMMENT_OBS": observation.reason or "",
        "METHOD_VERSION": definition.method_version,
        "REFERENCE_VERSION": content.provenance.reference_version,
        "VINTAGE": content.provenance.vintage or "",
    }
    numbers = {
        "OBS_VALUE": observation.value,
        "LOWER_BOUND": observation.low,
        "UPPER_BOUND": observation.high,
        "UNDETERMINED": observation.undetermined,
        "COVERAGE": observation.coverage,
    }
    cell.update({name: repr(number) for name, number in numbers.items() if number is not None})
    return {name: text for name, text in cell.items() if text}


def _status(content: Content, observation: Observation) -> str:
    if observation.value is None:
        return "Q" if _WITHHELD in observation.flags else "O"
    if content.partial:
        return "P"
    return "E" if _ESTIMATED.intersection(observation.flags) else "A"
