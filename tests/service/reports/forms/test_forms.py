"""Every form of the demo's last month in three languages, opened by its own reader: the same numbers in all."""

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import lxml.html
import openpyxl
import pypdf
import pytest
import sdmx

from caudal.service.indicators import CATALOGUE
from caudal.service.reports.forms import FORMS
from caudal.service.reports.language import LANGUAGES, Language

from ..conftest import MONTH

Key = tuple[str, str | None]
Numbers = dict[Key, tuple[float | None, float | None, float | None]]


@dataclass(frozen=True)
class Printed:
    """The forms of one language."""

    language: str
    bodies: dict[str, bytes]

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.bodies["json"]))

    def numbers(self) -> Numbers:
        """Value, low and high of every observation, as JSON has them."""
        return {
            (each["id"], o["dimension"]): (o["value"], o["low"], o["high"])
            for each in self.json["indicators"]
            for o in each["observations"]
        }


@pytest.fixture(scope="module", params=list(LANGUAGES))
def printed(request: pytest.FixtureRequest, demo_client: httpx.Client) -> Printed:
    bodies = {}
    for name, form in FORMS.items():
        answer = demo_client.get(
            f"/v1/reports/XA/{MONTH}", params={"format": name, "language": request.param}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == form.bare_type
        assert answer.headers["content-language"] == request.param
        bodies[name] = answer.content
    return Printed(request.param, bodies)


@pytest.fixture(scope="module")
def structure(demo_client: httpx.Client) -> Any:
    answer = demo_client.get("/v1/sdmx/structure/dataflow/CAUDAL/DF_INDICATORS/1.0.0")
    assert answer.headers["content-type"].startswith("application/vnd.sdmx.structure+xml")
    return sdmx.read_sdmx(io.BytesIO(answer.content))


def test_there_are_numbers_to_compare(printed: Printed) -> None:
    values = [value for value, _, _ in printed.numbers().values() if value is not None]
    assert len(values) > 30 and printed.json["language"] == printed.language


def test_csv(printed: Printed) -> None:
    rows = list(csv.DictReader(io.StringIO(printed.bodies["csv"].decode())))

    def number(text: str) -> float | None:
        return float(text) if text else None

    found = {
        (row["indicator"], row["dimension"] or None): (
            number(row["value"]),
            number(row["low"]),
            number(row["high"]),
        )
        for row in rows
    }
    assert found == printed.numbers()
    assert {row["synthetic"] for row in rows} == {"true"}
    assert {row["citation"] for row in rows} == {printed.json["citation"]}
    before = {row["month_before"] for row in rows if row["month_before_value"]}
    assert before == {"2026-09"}


def test_xlsx(printed: Printed) -> None:
    book = openpyxl.load_workbook(io.BytesIO(printed.bodies["xlsx"]), data_only=False)
    language = Language.of(printed.language, "XA")
    report = printed.json
    groups = [each["name"] for each in report["findings"]]
    assert book.sheetnames[1 : 1 + len(groups)] == groups
    assert book.sheetnames[-1] == language.say("label", "metadata")
    found = []
    for sheet in book.worksheets:
        cells = [row for row in sheet.iter_rows(values_only=True) if row and row[0]]
        assert cells[0][
            0
        ] == f"{language.say('document', 'title')} · {report['names'][printed.language]}, " + (
            language.month(MONTH)
        )
        assert cells[1][0] == language.say("document", "synthetic"), sheet.title
        if sheet.title in groups:
            found += [(row[0], row[3], row[4], row[5]) for row in cells[3:]]
    expected = [
        (each["id"], o["value"], o["low"], o["high"])
        for each in report["indicators"]
        for o in each["observations"]
    ]
    assert found == expected
    assert not any(
        isinstance(cell, str) and cell.startswith("=")
        for sheet in book.worksheets
        for row in sheet.iter_rows(values_only=True)
        for cell in row
    )


def test_sdmx_csv_by_sdmx1(printed: Printed, structure: Any) -> None:
    dataflow = structure.dataflow["DF_INDICATORS"]
    message = sdmx.read_sdmx(io.BytesIO(printed.bodies["sdmx-csv"]), format="CSV", structure=dataflow)
    [data] = message.data
    found = {}
    for observation in data.obs:
        keys = {key: str(value.value) for key, value in observation.key.values.items()}
        assert (keys["FREQ"], keys["REF_AREA"], keys["TIME_PERIOD"]) == ("M", "XA", MONTH)
        attributes = {name: each.value for name, each in observation.attached_attribute.items()}
        found[_key(keys)] = (
            _number(observation.value),
            _number(attributes.get("LOWER_BOUND")),
            _number(attributes.get("UPPER_BOUND")),
        )
        status = str(attributes["OBS_STATUS"])
        assert (status[-1] in "OQ") is (found[_key(keys)][0] is None)
    assert found == printed.numbers()


def test_sdmx_json_by_sdmx1(printed: Printed, structure: Any) -> None:
    message = sdmx.read_sdmx(io.BytesIO(printed.bodies["sdmx-json"]))
    [data] = message.data
    found = {}
    for observation in data.obs:
        keys = {key: str(value.value) for key, value in observation.key.values.items()}
        assert (keys["FREQ"], keys["REF_AREA"], keys["TIME_PERIOD"]) == ("M", "XA", MONTH)
        attributes = observation.attached_attribute
        low, high = (
            attributes[name].value if name in attributes else None for name in ("LOWER_BOUND", "UPPER_BOUND")
        )
        found[_key(keys)] = (_number(observation.value), _number(low), _number(high))
        assert str(attributes["METHOD_VERSION"].value).isdigit()
    assert found == printed.numbers()
    dsd = structure.structure["DSD_INDICATORS"]
    assert [each.id for each in message.structure.dimensions.components] == [
        each.id for each in dsd.dimensions.components
    ]
    assert {each.id for each in message.structure.attributes.components} < {
        each.id for each in dsd.attributes.components
    }


def test_sdmx_json_is_of_version_2(printed: Printed) -> None:
    """What the schema of data messages 2.0.0 requires: places, members, the form of ids and languages."""
    whole = json.loads(printed.bodies["sdmx-json"])
    assert whole["meta"]["schema"].endswith("2.0.0/sdmx-json-data-schema.json")
    assert whole["meta"]["test"] is True
    assert {"id", "prepared", "sender"} <= whole["meta"].keys()
    assert all(re.fullmatch(r"[a-z]{2}(-[a-z]{2})?", each) for each in whole["meta"]["contentLanguages"])
    [told], [data] = whole["data"]["structures"], whole["data"]["dataSets"]
    assert (data["structure"], told["dataSets"]) == (0, [0])
    assert all({"rel", "urn"} <= link.keys() for link in (*data["links"], *told["links"]))
    dimensions, attributes = told["dimensions"]["observation"], told["attributes"]["observation"]
    assert [each["keyPosition"] for each in dimensions] == list(range(6))
    assert all(each["relationship"] == {"observation": {}} for each in attributes)
    for component in (*dimensions, *attributes):
        assert component["values"]
        for value in component["values"]:
            assert value.keys() in ({"id", "name"}, {"value"})
            assert re.fullmatch(r"[A-Za-z0-9_@$-]+", value.get("id", "x"))
    # The numbers are where it says, by the positions it says.
    found = {}
    for position, cell in data["observations"].items():
        at = [int(each) for each in position.split(":")]
        named = zip(dimensions, at, strict=True)
        keys = {each["id"]: _either(each["values"][place]) for each, place in named}
        sides = {each["id"]: place for each, place in zip(attributes, cell[1:], strict=True)}
        bounds = {each["id"]: each["values"] for each in attributes}
        low, high = (
            _number(bounds[name][sides[name]]["value"]) if sides[name] is not None else None
            for name in ("LOWER_BOUND", "UPPER_BOUND")
        )
        found[_key(keys)] = (cell[0], low, high)
    assert found == printed.numbers()
    assert whole["dataSets"][0]["observations"] == data["observations"]


def _either(value: dict[str, str]) -> str:
    return value["id"] if "id" in value else value["value"]


def _key(keys: dict[str, str]) -> Key:
    told = [keys[name] for name in ("COUNTERPART_AREA", "BREAKDOWN") if keys[name] not in ("_Z", "_T")]
    return keys["INDICATOR"], "-".join(told) or None


def test_a_jurisdiction_is_a_counterpart(printed: Printed) -> None:
    found = {
        (row["INDICATOR"], row["COUNTERPART_AREA"], row["BREAKDOWN"])
        for row in csv.DictReader(io.StringIO(printed.bodies["sdmx-csv"].decode("utf-8-sig")))
    }
    # By jurisdiction, by jurisdiction and function, by either of them, in all.
    assert {("J4", "US", "_Z"), ("C7", "US", "_T"), ("C7", "US", "computes_and_stores")} <= found
    assert {("V2", "US", "_T"), ("V2", "_T", "computes_and_stores"), ("V2", "_T", "_T")} <= found
    assert ("J1", "_Z", "_Z") in found


def _number(value: object) -> float | None:
    return float(str(value)) if value not in (None, "") else None


def test_structure_by_sdmx1(structure: Any) -> None:
    dsd = structure.structure["DSD_INDICATORS"]
    ids = [each.id for each in dsd.dimensions.components]
    assert ids == ["FREQ", "REF_AREA", "INDICATOR", "COUNTERPART_AREA", "BREAKDOWN", "TIME_PERIOD"]
    assert [each.id for each in dsd.measures.components] == ["OBS_VALUE"]
    areas = structure.codelist["CL_AREA"]
    assert areas["CL"].name.localized_default("es") == "Chile"
    assert {"J1", "V3", "P4"} <= set(structure.codelist["CL_INDICATOR"].items)
    assert structure.codelist["CL_INDICATOR"]["J1"].name.localizations.keys() == set(LANGUAGES)


def test_html(printed: Printed) -> None:
    page = lxml.html.document_fromstring(printed.bodies["html"].decode())
    assert page.get("lang").split("-")[0] == printed.language
    found = []
    for row in page.xpath("//table[@class='figures']/tbody/tr"):
        value, interval = (
            row.xpath(".//data[@class='value']/@value"),
            row.xpath(".//data[@class='interval']/@value"),
        )
        low, high = map(float, interval[0].split()) if interval else (None, None)
        found.append((row.get("data-indicator"), float(value[0]) if value else None, low, high))
    expected = [
        (each["id"], o["value"], o["low"], o["high"])
        for each in printed.json["indicators"]
        for o in each["observations"]
    ]
    # In the order of the indicators; of each, what stands for it comes first.
    assert [each[0] for each in found] == [each[0] for each in expected]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    text = page.text_content()
    for each in printed.json["findings"]:
        assert each["finding"] in text
    assert printed.json["citation"] in text
    assert text.count(Language.of(printed.language, "XA").say("document", "synthetic")) >= 2
    drawings = page.xpath("//*[local-name()='svg']/@aria-label")
    assert len(drawings) >= 2 + len(printed.json["findings"]) and all(drawings)
    # How to quote each finding can be opened, and copied, without a script.
    quotes = page.xpath("//details/blockquote[@cite]")
    assert len(quotes) == len(printed.json["findings"])
    headings = [int(each.tag[1]) for each in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert headings.count(1) == 1
    assert headings[0] == 1 and all(after <= before + 1 for before, after in pairwise(headings))
    # It needs nothing else: no script, and nothing that is fetched.
    assert not page.xpath("//script | //img | //iframe | //link[@rel='stylesheet'] | //@src")


def test_pdf(printed: Printed) -> None:
    document = pypdf.PdfReader(io.BytesIO(printed.bodies["pdf"]))
    language = Language.of(printed.language, "XA")
    report = printed.json
    pages = [_plain(page.extract_text()) for page in document.pages]
    synthetic = _plain(language.say("document", "synthetic"))
    for number, page in enumerate(pages, start=1):
        assert synthetic in page
        assert _plain(language.say("document", "page", page=number, pages=len(pages))) in page
    text = "".join(pages)
    for each in report["findings"]:
        assert _plain(each["finding"]) in text
    for each in report["indicators"]:
        shown = each["observations"][0]
        if shown["value"] is not None:
            figure = language.figure(shown["value"], shown["low"], shown["high"], each["unit"])
            assert _plain(figure.value) in text and _plain(figure.interval) in text, each["id"]
    assert _plain(report["citation"]) in text
    # What is attached is the CSV, and so every number.
    assert document.attachments[f"caudal-XA-{MONTH}.csv"] == [printed.bodies["csv"]]
    root = document.trailer["/Root"]
    assert root["/Lang"].startswith(printed.language) and root["/MarkInfo"]["/Marked"]
    metadata = document.xmp_metadata
    assert metadata is not None and report["title"].split(":")[0] in str(metadata.dc_title)


def test_nobody_reads_english_who_did_not_ask_for_it(printed: Printed) -> None:
    """What comes in English from the indicators is told in the language of the report, in every form to be read."""
    page = lxml.html.document_fromstring(printed.bodies["html"].decode())
    assert {tag.split("-")[0] for tag in page.xpath("//@lang")} == {printed.language}
    book = openpyxl.load_workbook(io.BytesIO(printed.bodies["xlsx"]))
    cells = [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell]
    paper = pypdf.PdfReader(io.BytesIO(printed.bodies["pdf"]))
    texts = [
        _plain(page.text_content()),
        _plain(" ".join(map(str, cells))),
        _plain("".join(each.extract_text() for each in paper.pages)),
    ]
    reasons = {o["reason"] for each in printed.json["indicators"] for o in each["observations"]} - {None}
    flags = {flag for each in printed.json["indicators"] for o in each["observations"] for flag in o["flags"]}
    assert len(reasons) > 5 and "from_memory" in flags
    english = [_plain(text) for text in (*reasons, *(d.definition.critique for d in CATALOGUE.values()))]
    found = [[text for text in english if text in whole] for whole in texts]
    assert any(found) is (printed.language == "en")
    assert not [flag for flag in flags if "_" in flag for whole in texts if flag in whole]


def _plain(text: str) -> str:
    """Return text without what a line break in a document may add or take: spaces and soft hyphens."""
    return "".join(char for char in text if not char.isspace() and char not in "\u00ad-‐")


def test_the_same_figures_make_the_same_bytes(demo_client: httpx.Client, printed: Printed) -> None:
    again = demo_client.get(f"/v1/reports/XA/{MONTH}", params={"format": "pdf", "language": printed.language})
    assert again.content == printed.bodies["pdf"]
    assert datetime.fromisoformat(printed.json["generated_at"]) == datetime(2026, 11, 21, 12, tzinfo=UTC)
