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
from caudal.service.reports.language import LANGUAGES, Language

AGENCY = "CAUDAL"
DATAFLOW = "DF_INDICATORS"
STRUCTURE = "DSD_INDICATORS"
CONCEPTS = "CS_CAUDAL"
VERSION = "1.0.0"
# SDMX's own codes for all values of a dimension taken together, and for one that does not apply.
TOTAL = "_T"
NOT_APPLICABLE = "_Z"

Names = Mapping[str, str]


@dataclass(frozen=True)
class Component:
    """A dimension, the measure or an attribute: id, names by language, and its code list where it has one."""

    id: str
    names: Names
    codelist: str = ""

    def name_of(self, code: str, language: str) -> str:
        """Return the name of a code; '' where the code list does not have it."""
        names = codes().get(self.codelist, {}).get(code)
        return names[language] if names else ""


def _named(en: str, es: str, pt: str) -> Names:
    return MappingProxyType({"en": en, "es": es, "pt": pt})


DIMENSIONS = (
    Component("FREQ", _named("Frequency", "Frecuencia", "Frequência"), "CL_FREQ"),
    Component("REF_AREA", _named("Economy", "Economía", "Economia"), "CL_AREA"),
    Component("INDICATOR", _named("Indicator", "Indicador", "Indicador"), "CL_INDICATOR"),
    Component("COUNTERPART_AREA", _named("Jurisdiction", "Jurisdicción", "Jurisdição"), "CL_AREA"),
    Component("BREAKDOWN", _named("Breakdown", "Desglose", "Desagregação")),
    Component("TIME_PERIOD", _named("Month", "Mes", "Mês")),
)
MEASURE = Component("OBS_VALUE", _named("Value", "Valor", "Valor"))
ATTRIBUTES = (
    Component(
        "LOWER_BOUND",
        _named(
            "Lower limit of the interval", "Límite inferior del intervalo", "Limite inferior do intervalo"
        ),
    ),
    Component(
        "UPPER_BOUND",
        _named(
            "Upper limit of the interval", "Límite superior del intervalo", "Limite superior do intervalo"
        ),
    ),
    Component("CONF_LEVEL", _named("Level of the interval", "Nivel del intervalo", "Nível do intervalo")),
    Component(
        "OBS_STATUS",
        _named("Observation status", "Estado de la observación", "Estado da observação"),
        "CL_OBS_STATUS",
    ),
    Component("UNIT_MEASURE", _named("Unit", "Unidad", "Unidade"), "CL_UNIT"),
    Component(
        "UNDETERMINED", _named("Undetermined share", "Proporción indeterminada", "Parcela indeterminada")
    ),
    Component(
        "COVERAGE",
        _named(
            "Coverage of internet users",
            "Cobertura de usuarios de internet",
            "Cobertura de usuários de internet",
        ),
    ),
    Component("SAMPLE_SIZE", _named("Flow records", "Registros de flujo", "Registros de fluxo")),
    Component("FLAGS", _named("Flags", "Marcas", "Marcas")),
    Component("COMMENT_OBS", _named("Comment", "Comentario", "Comentário")),
    Component("METHOD_VERSION", _named("Method version", "Versión del método", "Versão do método")),
    Component(
        "REFERENCE_VERSION", _named("Version of the facts", "Versión de los hechos", "Versão dos fatos")
    ),
    Component("VINTAGE", _named("Vintage", "Edición", "Edição")),
)

_FREQ = {"M": _named("Monthly", "Mensual", "Mensal")}
_STATUS = {
    "A": _named("Normal value", "Valor normal", "Valor normal"),
    "E": _named("Estimated value", "Valor estimado", "Valor estimado"),
    "P": _named("Provisional value", "Valor provisional", "Valor provisório"),
    "O": _named("Missing value", "Valor ausente", "Valor ausente"),
    "Q": _named("Missing value; suppressed", "Valor ausente; suprimido", "Valor ausente; suprimido"),
}
_AREAS = {
    TOTAL: _named("Total", "Total", "Total"),
    NOT_APPLICABLE: _named("Not applicable", "No aplica", "Não se aplica"),
}


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
            "CL_FREQ": _FREQ,
            "CL_AREA": _AREAS,
            "CL_INDICATOR": {definition.id: definition.title for definition in definitions},
            "CL_OBS_STATUS": _STATUS,
            "CL_UNIT": {
                unit_code(unit): {code: Language.of(code, "").known("unit", unit, unit) for code in LANGUAGES}
                for unit in units
            },
        }
    )


def concept_name(component: Component, language: str) -> str:
    """Return the name of a component in a language."""
    return component.names[language]
