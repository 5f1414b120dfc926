"""SDMX-CSV 2.0 and SDMX-JSON 2.0: the observations as a data message of the dataflow DF_INDICATORS."""

import csv
import io
import json

from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.sdmx.cubes import observations
from caudal.service.reports.sdmx.structure import (
    AGENCY,
    ATTRIBUTES,
    DATAFLOW,
    DIMENSIONS,
    MEASURE,
    NOT_APPLICABLE,
    TOTAL,
    VERSION,
    Component,
    concept_name,
)

_SCHEMA = "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/data-message/tools/schemas/2.0.0/sdmx-json-data-schema.json"


def render_csv(edition: Edition) -> bytes:
    """Return an edition as SDMX-CSV."""
    sink = io.StringIO()
    names = [component.id for component in (*DIMENSIONS, MEASURE, *ATTRIBUTES)]
    writer = csv.writer(sink)
    writer.writerow(["STRUCTURE", "STRUCTURE_ID", "ACTION", *names])
    for observation in observations(edition):
        writer.writerow(
            [
                "dataflow",
                f"{AGENCY}:{DATAFLOW}({VERSION})",
                "I",
                *(observation.get(name, "") for name in names),
            ]
        )
    return sink.getvalue().encode()


def render_json(edition: Edition) -> bytes:
    """Return an edition as SDMX-JSON, every dimension at the observation; attributes without any value are left out.

    Structure and data set are said twice: where version 2.0 has them, and at the top, where drafts of 1.0 had
    them and where sdmx1 looks (khaeru/sdmx#286). Objects of SDMX-JSON are open to members that it does not define.
    """
    every = list(observations(edition))
    seen = [c for c in ATTRIBUTES if any(c.id in observation for observation in every)]
    columns = {c.id: _Column(c, edition) for c in (*DIMENSIONS, *seen)}
    cells: dict[str, list[object]] = {}
    for observation in every:
        key = ":".join(str(columns[c.id].position(observation[c.id])) for c in DIMENSIONS)
        value = observation.get(MEASURE.id, "")
        cells[key] = [
            float(value) if value else None,
            *(columns[c.id].position(observation.get(c.id, "")) for c in seen),
        ]
    flow = {
        "rel": "dataflow",
        "urn": f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={AGENCY}:{DATAFLOW}({VERSION})",
    }
    annotations = [{"type": "CITATION", "text": edition.citation}]
    content = edition.content
    data_set = {"action": "Information", "annotations": [0], "observations": cells}
    message = {
        "meta": {
            "schema": _SCHEMA,
            "id": f"{content.economy}-{content.month}-{content.fingerprint[:12]}",
            "test": content.synthetic,
            "prepared": content.provenance.computed_at.isoformat(timespec="seconds"),
            "contentLanguages": [edition.language.tag.lower()],
            "sender": {"id": AGENCY, "name": edition.publication.publisher or "Caudal"},
            "links": [{"rel": "self", "href": edition.publication.url.rstrip("/") + edition.path}],
        },
        "data": {
            "structures": [
                {
                    "links": [flow],
                    "dataSets": [0],
                    "dimensions": {"observation": [columns[c.id].dimension() for c in DIMENSIONS]},
                    "measures": {"observation": [_measure(edition)]},
                    "attributes": {"observation": [columns[c.id].attribute() for c in seen]},
                    "annotations": annotations,
                }
            ],
            "dataSets": [{"structure": 0, "links": [flow], **data_set}],
        },
        "structure": {
            "dimensions": {"observation": [columns[c.id].old_dimension() for c in DIMENSIONS]},
            "attributes": {"observation": [columns[c.id].old_attribute() for c in seen]},
            "annotations": annotations,
        },
        "dataSets": [data_set],
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _measure(edition: Edition) -> dict[str, object]:
    return {"id": MEASURE.id, "name": concept_name(MEASURE, edition.language.code)}


class _Column:
    """The values of one component that were seen, by position."""

    def __init__(self, component: Component, edition: Edition) -> None:
        self._component = component
        self._edition = edition
        self._positions: dict[str, int] = {}

    def position(self, value: str) -> int | None:
        """Return the index of a value among those of its component; None where it is none of them."""
        return self._positions.setdefault(value, len(self._positions)) if value != "" else None

    def dimension(self) -> dict[str, object]:
        """Return a dimension with its values, as version 2.0 has it."""
        return {**self._said(), "keyPosition": DIMENSIONS.index(self._component), "values": self._values()}

    def attribute(self) -> dict[str, object]:
        """Return an attribute of observations with its values, as version 2.0 has it."""
        return {**self._said(), "relationship": {"observation": {}}, "values": self._values()}

    def old_dimension(self) -> dict[str, object]:
        """Return a dimension as drafts of version 1.0 have it: every value has an id and a name."""
        return {**self.dimension(), "values": [self._coded(each) for each in self._positions]}

    def old_attribute(self) -> dict[str, object]:
        """Return an attribute as drafts of version 1.0 have it: what is of no code list has a name."""
        coded = bool(self._component.codelist)
        values = [self._coded(each) if coded else {"name": each} for each in self._positions]
        return {**self._said(), "values": values}

    def _said(self) -> dict[str, object]:
        name = concept_name(self._component, self._edition.language.code)
        return {"id": self._component.id, "name": name}

    def _values(self) -> list[dict[str, str]]:
        # What is of a code list has an id and a name; anything else is a value, of any characters.
        coded = bool(self._component.codelist)
        return [self._coded(each) if coded else {"value": each} for each in self._positions]

    def _coded(self, value: str) -> dict[str, str]:
        name = self._component.name_of(value, self._edition.language.code)
        if not name and self._component.codelist == "CL_AREA":
            of_itself = value == self._edition.content.economy
            name = self._edition.economy if of_itself else self._edition.names.place(value)
        if self._component.id == "BREAKDOWN" and value not in (TOTAL, NOT_APPLICABLE):
            names = self._edition.names
            name = names.language.known("category", value, "") or names.breakdown(value)
        return {"id": value, "name": name or value}
