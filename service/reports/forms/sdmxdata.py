"""SDMX-CSV 2.0 and SDMX-JSON 2.0: the observations as a data message of the dataflow DF_INDICATORS."""

import csv
import io
import json
from collections.abc import Iterator

from caudal.service.reports.edition import Edition
from caudal.service.reports.sdmx.cubes import observations
from caudal.service.reports.sdmx.structure import (
    AGENCY,
    ATTRIBUTES,
    DATAFLOW,
    DIMENSIONS,
    MEASURE,
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
    """Return an edition as SDMX-JSON, every dimension at the observation."""
    every = list(observations(edition))
    columns = {c.id: _Column(c, edition) for c in (*DIMENSIONS, *ATTRIBUTES)}
    cells: dict[str, list[object]] = {}
    for observation in every:
        key = ":".join(str(columns[c.id].position(observation[c.id])) for c in DIMENSIONS)
        value = observation.get(MEASURE.id, "")
        cells[key] = [
            float(value) if value else None,
            *(columns[c.id].position(observation.get(c.id, "")) for c in ATTRIBUTES),
        ]
    structure = {
        "links": [
            {
                "rel": "dataflow",
                "urn": f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={AGENCY}:{DATAFLOW}({VERSION})",
            }
        ],
        "dimensions": {
            "observation": [
                {**columns[c.id].said(), "keyPosition": position} for position, c in enumerate(DIMENSIONS)
            ]
        },
        "measures": {
            "observation": [{"id": MEASURE.id, "name": concept_name(MEASURE, edition.language.code)}]
        },
        "attributes": {"dataSet": [], "observation": [columns[c.id].said() for c in ATTRIBUTES]},
    }
    content = edition.content
    message = {
        "meta": {
            "schema": _SCHEMA,
            "id": f"{content.economy}-{content.month}-{content.fingerprint[:12]}",
            "test": content.synthetic,
            "prepared": content.provenance.computed_at.isoformat(timespec="seconds"),
            "contentLanguages": [edition.language.tag],
            "sender": {"id": AGENCY, "name": edition.publication.publisher or "Caudal"},
            "links": [{"rel": "self", "href": edition.publication.url.rstrip("/") + edition.path}],
        },
        "data": {
            "structures": [structure],
            "dataSets": [
                {
                    "structure": 0,
                    "action": "Information",
                    "annotations": [0],
                    "observations": cells,
                }
            ],
        },
    }
    structure["annotations"] = [{"type": "CITATION", "text": edition.citation}]
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


class _Column:
    """The values of one component that were seen, by position."""

    def __init__(self, component: Component, edition: Edition) -> None:
        self._component = component
        self._edition = edition
        self._positions: dict[str, int] = {}

    def position(self, value: str) -> int | None:
        """Return where a value stands among those of its component; None where there is none."""
        return self._positions.setdefault(value, len(self._positions)) if value != "" else None

    def said(self) -> dict[str, object]:
        """Return the component with its values, as the structure of a message lists them."""
        language = self._edition.language.code
        return {
            "id": self._component.id,
            "name": concept_name(self._component, language),
            "values": list(self._values(language)),
        }

    def _values(self, language: str) -> Iterator[dict[str, str]]:
        for value in self._positions:
            name = self._component.name_of(value, language)
            if self._component.codelist or self._component in DIMENSIONS:
                yield {"id": value, "name": name or self._named(value)}
            else:
                # A value without a code list; its name is there for readers that look for one.
                yield {"value": value, "name": value}

    def _named(self, value: str) -> str:
        if self._component.codelist == "CL_AREA":
            return (
                self._edition.economy
                if value == self._edition.content.economy
                else self._edition.place(value)
            )
        return value
