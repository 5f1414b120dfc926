"""Observations of a report as cells of the data structure: a text for each component."""

import re
from collections.abc import Iterator

from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.model.context import UNCHECKED
from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.sdmx.structure import NOT_APPLICABLE, TOTAL, unit_code

# What a dimension of an indicator is called where its values are countries.
_AREAS = frozenset({"jurisdiction", "country", "location", "control"})
_COUNTRY = re.compile(r"[A-Z]{2}")
# Flags that make a value an estimate in the sense of CL_OBS_STATUS.
_ESTIMATED = frozenset({"from_" + UNCHECKED, "imputed_sampling", "variance_unknown", "accuracy_extrapolated"})
_WITHHELD = "confidential"


def observations(edition: Edition) -> Iterator[dict[str, str]]:
    """Yield each observation of an edition by component; a component without a value is missing."""
    for entry in edition.content.entries():
        for reading in entry.readings:
            yield _cell(edition.content, entry.definition, reading.observation)


def _cell(content: Content, definition: Definition, observation: Observation) -> dict[str, str]:
    area, breakdown = _told_apart(definition.dimension, observation.dimension)
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


def _told_apart(by: str | None, dimension: str | None) -> tuple[str, str]:
    """Return the counterpart area and the breakdown of an observation of an indicator whose dimension is called `by`.

    Of an id with both, as US-finds_answers where it is "jurisdiction and function", each has its own.
    """
    if by is None:
        return NOT_APPLICABLE, NOT_APPLICABLE
    if by in _AREAS:
        return dimension or TOTAL, NOT_APPLICABLE
    if "jurisdiction" not in by.split():
        return NOT_APPLICABLE, dimension or TOTAL
    first, _, rest = (dimension or "").partition("-")
    return (first, rest or TOTAL) if _COUNTRY.fullmatch(first) else (TOTAL, dimension or TOTAL)


def _status(content: Content, observation: Observation) -> str:
    if observation.value is None:
        return "Q" if _WITHHELD in observation.flags else "O"
    if content.partial:
        return "P"
    return "E" if _ESTIMATED.intersection(observation.flags) else "A"
