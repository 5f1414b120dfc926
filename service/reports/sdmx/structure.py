"""The data structure definition: dimensions, measure and attributes, by the cross-domain concepts of SDMX.

FREQ, REF_AREA, COUNTERPART_AREA, TIME_PERIOD, OBS_VALUE, OBS_STATUS, UNIT_MEASURE and COMMENT_OBS are
concepts of the SDMX content-oriented guidelines; LOWER_BOUND and UPPER_BOUND are named as in the global
structure for the Sustainable Development Goals; the others are of this agency.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from caudal.service.indicators import CATALOGUE
from caudal.service.reports.language import Language
from caudal.service.vocabulary.languages import LANGUAGES, said

AGENCY = "CAUDAL"
DATAFLOW = "DF_INDICATORS"
STRUCTURE = "DSD_INDICATORS"
CONCEPTS = "CS_CAUDAL"
VERSION = "1.0.0"
# SDMX's own codes for all values of a dimension taken together, and for one that does not apply.
TOTAL = "_T"
NOT_APPLICABLE = "_Z"
# The section of the texts that has the names of all this.
_SECTION = "sdmx"

Names = Mapping[str, str]


@dataclass(frozen=True)
class Component:
    """A dimension, the measure or an attribute: id, and its code list where it has one."""

    id: str
    codelist: str = ""

    @property
    def names(self) -> Names:
        """Names of the component, by language."""
        return said(_SECTION, self.id)

    def name_of(self, code: str, language: str) -> str:
        """Return the name of a code; '' where the code list does not have it."""
        names = codes().get(self.codelist, {}).get(code)
        return names[language] if names else ""


DIMENSIONS = (
    Component("FREQ", "CL_FREQ"),
    Component("REF_AREA", "CL_AREA"),
    Component("INDICATOR", "CL_INDICATOR"),
    Component("COUNTERPART_AREA", "CL_AREA"),
    Component("BREAKDOWN"),
    Component("TIME_PERIOD"),
)
MEASURE = Component("OBS_VALUE")
ATTRIBUTES = (
    Component("LOWER_BOUND"),
    Component("UPPER_BOUND"),
    Component("CONF_LEVEL"),
    Component("OBS_STATUS", "CL_OBS_STATUS"),
    Component("UNIT_MEASURE", "CL_UNIT"),
    Component("UNDETERMINED"),
    Component("COVERAGE"),
    Component("SAMPLE_SIZE"),
    Component("FLAGS"),
    Component("COMMENT_OBS"),
    Component("METHOD_VERSION"),
    Component("REFERENCE_VERSION"),
    Component("VINTAGE"),
)

_FREQUENCIES = ("M",)
# Normal, estimated, provisional, missing, and missing as it is suppressed.
_STATUSES = ("A", "E", "P", "O", "Q")


def title() -> Names:
    """Return the names of the structure, by language."""
    return said(_SECTION, "title")


def unit_code(unit: str) -> str:
    """Return the code of a unit: its name in capitals, with what is no letter or digit as _."""
    return re.sub(r"[^A-Z0-9]+", "_", unit.upper()).strip("_")


@lru_cache(maxsize=1)
def codes() -> Mapping[str, Mapping[str, Names]]:
    """Return the code lists of the agency, each by code with names by language.

    CL_AREA has the codes that are no country here; a structure message adds the countries of the reference.
    """
    definitions = [each.definition for each in CATALOGUE.values()]
    units = sorted({definition.unit for definition in definitions})
    return MappingProxyType(
        {
            "CL_FREQ": _listed("FREQ", _FREQUENCIES),
            "CL_AREA": _listed("AREA", (TOTAL, NOT_APPLICABLE)),
            "CL_INDICATOR": {definition.id: definition.title for definition in definitions},
            "CL_OBS_STATUS": _listed("OBS_STATUS", _STATUSES),
            "CL_UNIT": {
                unit_code(unit): {code: Language.of(code, "").known("unit", unit, unit) for code in LANGUAGES}
                for unit in units
            },
        }
    )


def _listed(name: str, codes: tuple[str, ...]) -> dict[str, Names]:
    return {code: said(_SECTION, f"{name}.{code}") for code in codes}


def concept_name(component: Component, language: str) -> str:
    """Return the name of a component in a language."""
    return component.names[language]
