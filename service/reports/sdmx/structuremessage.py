"""The data structure definition as an SDMX-ML 2.1 structure message."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from caudal.service.reports.sdmx.structure import (
    AGENCY,
    ATTRIBUTES,
    CONCEPTS,
    DATAFLOW,
    DIMENSIONS,
    MEASURE,
    STRUCTURE,
    VERSION,
    Component,
    Names,
    codes,
    title,
)

MEDIA_TYPE = "application/vnd.sdmx.structure+xml; version=2.1"
# When this version of the structure was made, whatever the code lists hold.
_PREPARED = datetime(2026, 11, 21, tzinfo=UTC)


class StructureMessage:
    """The structure message of one reference, made when it is first asked for.

    `places` are the names of countries by language and code: {"en": {"CL": "Chile", ...}, ...}.
    """

    def __init__(self, places: Mapping[str, Mapping[str, str]]) -> None:
        self._places = places

    @cached_property
    def content(self) -> bytes:
        """The message, as XML."""
        codes = sorted(self._places["en"])
        return structure_message(
            {code: {language: names[code] for language, names in self._places.items()} for code in codes}
        )


def structure_message(areas: Mapping[str, Names]) -> bytes:
    """Return agency, code lists, concepts, data structure and dataflow as XML, the same bytes each time.

    `areas` are the names of countries by code and language.
    """
    # Takes a second to import, which only those who ask for a structure wait for.
    import sdmx  # noqa: PLC0415
    from sdmx.model import common  # noqa: PLC0415
    from sdmx.model import v21 as model  # noqa: PLC0415

    agency = model.Agency(id=AGENCY, name=AGENCY)
    kept = {"maintainer": agency, "version": VERSION, "is_final": False, "is_external_reference": False}
    message = sdmx.message.StructureMessage(
        header=sdmx.message.Header(id=STRUCTURE, prepared=_PREPARED, sender=agency, test=False)
    )
    agencies = model.AgencyScheme(
        id="AGENCIES", maintainer=agency, version="1.0", is_final=False, is_external_reference=False
    )
    agencies.append(agency)
    message.organisation_scheme[agencies.id] = agencies
    lists = {}
    for name, entries in codes().items():
        lists[name] = model.Codelist(id=name, name=name, **kept)
        known = {**entries, **areas} if name == "CL_AREA" else entries
        for code, names in known.items():
            lists[name].append(model.Code(id=code, name=dict(names)))
        message.codelist[name] = lists[name]
    concepts = model.ConceptScheme(id=CONCEPTS, name=dict(title()), **kept)
    for component in (*DIMENSIONS, MEASURE, *ATTRIBUTES):
        concepts.append(model.Concept(id=component.id, name=dict(component.names)))
    message.concept_scheme[concepts.id] = concepts

    def told(component: Component) -> dict[str, Any]:
        coded = model.Representation(enumerated=lists[component.codelist]) if component.codelist else None
        return {
            "id": component.id,
            "concept_identity": concepts[component.id],
            **({"local_representation": coded} if coded else {}),
        }

    structure = model.DataStructureDefinition(id=STRUCTURE, name=dict(title()), **kept)
    for position, component in enumerate(DIMENSIONS, start=1):
        kind = model.TimeDimension if component.id == "TIME_PERIOD" else model.Dimension
        structure.dimensions.append(kind(**told(component), order=position))
    structure.measures.append(model.PrimaryMeasure(**told(MEASURE)))
    for component in ATTRIBUTES:
        structure.attributes.append(
            common.DataAttribute(
                **told(component),
                related_to=model.PrimaryMeasureRelationship(),
                usage_status=model.UsageStatus.conditional,
            )
        )
    message.structure[structure.id] = structure
    message.dataflow[DATAFLOW] = model.DataflowDefinition(
        id=DATAFLOW, name=dict(title()), structure=structure, **kept
    )
    return bytes(sdmx.to_xml(message, pretty_print=True))
