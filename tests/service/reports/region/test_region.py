"""The region's report: what economies published side by side, and nothing that one withheld."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pypdf
import pytest

from caudal.reference import load_reference
from caudal.service.confidentiality.confidentiality import CONFIDENTIAL
from caudal.service.evaluation.evaluation import Coverage
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.queries.published import PublishedValue
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.region.content import Member, RegionContent, groups_of
from caudal.service.reports.region.edition import RegionEdition
from caudal.service.reports.region.forms import REGION_FORMS
from caudal.service.vocabulary.reason import reason

from .. import realcountries
from ..forms.test_paper import faults
from ..samples import observed

MONTH = "2026-10"
HOSTILE = '<script>alert("1")</script> #image("x") \\ {count} ' + "Largo" * 12
PLACES = {
    language: {"BR": "Brasil", "CL": "Chile", "MX": "México", "UY": "Uruguay", "PE": "Perú", "HO": HOSTILE}
    for language in LANGUAGES
}


def value(observation: Observation, version: str = "") -> PublishedValue:
    definition = CATALOGUE[observation.indicator].definition
    return PublishedValue(observation, definition.unit, version or definition.method_version)


def member(economy: str, j1: float | None, half: float = 0.02, **changes: object) -> Member:
    """An economy with J1, J4 of US, and C4; without J1 it withheld it."""
    own = (
        observed("J1", j1, j1 - half, j1 + half)
        if j1 is not None
        else observed("J1", None, reason=reason("no_location"), flags=(CONFIDENTIAL,))
    )
    values = (
        value(own),
        value(observed("J4", 0.6, 0.5, 0.7, "US")),
        value(observed("J4", 0.1, 0.1, 0.1, "CN")),
        value(observed("C4", 0.4, 0.3, 0.5, "largest_4")),
    )
    made = Member(
        economy,
        f"{economy}-{MONTH}-v1",
        datetime(2026, 11, 10, tzinfo=UTC),
        "caudal 0.1.0",
        "2026-11-21-0",
        False,
        Coverage(("a", "b", "c"), (), 4e6, 0.41),
        values,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def region(*members: Member, left_out: tuple[str, ...] = ()) -> RegionContent:
    return RegionContent(
        "CELAC", "CELAC", MONTH, members, ("PE",), left_out, groups_of(members), ("A source",), PLACES, {}, {}
    )


def edition(*members: Member, language: str = "en", left_out: tuple[str, ...] = ()) -> RegionEdition:
    return RegionEdition(
        region(*members, left_out=left_out),
        Language.of(language, ""),
        Publication(url="https://caudal.example"),
    )


def summary(said: RegionEdition, group: str = "jurisdiction") -> str:
    return said.summary(next(each for each in said.content.groups if each.name == group))


THREE = (member("BR", 0.5), member("CL", 0.3), member("MX", 0.2))


def test_three_have_a_median_and_extremes_where_no_interval_overlaps() -> None:
    text = summary(edition(*THREE))
    assert "the median of the 3 countries with a value is 30.0% (28.0 – 32.0%)." in text
    assert "The lowest value is that of México: 20.0% (18.0 – 22.0%)." in text
    assert "The highest value is that of Brasil: 50.0% (48.0 – 52.0%)." in text


def test_no_extremes_where_intervals_overlap() -> None:
    text = summary(edition(member("BR", 0.5, 0.3), member("CL", 0.3, 0.3), member("MX", 0.35, 0.3)))
    assert "lowest value is" not in text and "highest value is" not in text
    assert "neither a highest nor a lowest value can be told" in text


def test_of_two_there_is_no_median_and_of_one_nothing_to_compare() -> None:
    assert "Of fewer than three countries there is no median." in summary(edition(*THREE[:2]))
    alone = edition(THREE[0])
    assert "only one published the month: Brasil" in alone.who
    assert "published by one country only: Brasil 50.0%" in summary(alone)


def test_what_one_withheld_is_in_no_figure() -> None:
    """Median and sentence are the same as if the economy had not published; nothing is left of its value."""
    withheld = member("UY", None)
    with_it, without = edition(*THREE, withheld), edition(*THREE)
    assert summary(with_it) == summary(without)
    assert any("withheld for confidentiality" in note and "Uruguay" in note for note in with_it.notes())
    body = json.loads(REGION_FORMS["json"].render(with_it))
    column = body["groups"][0]["indicators"][0]
    assert column["median"]["economies"] == 3
    [cell] = [each for each in column["values"] if each["economy"] == "UY"]
    assert cell["status"] == "withheld"
    assert [cell["observation"][name] for name in ("value", "low", "high")] == [None] * 3
    rows = list(csv.DictReader(io.StringIO(REGION_FORMS["csv"].render(with_it).decode())))
    [row] = [each for each in rows if (each["economy"], each["indicator"]) == ("UY", "J1")]
    assert (row["status"], row["value"], row["low"], row["high"]) == ("withheld", "", "", "")
    page = REGION_FORMS["html"].render(edition(*THREE, withheld, language="es")).decode()
    assert "suprimido por confidencialidad" in page


def test_no_figure_adds_up_economies() -> None:
    """Every number of the JSON is one economy's, or a median of three or more."""
    body = json.loads(REGION_FORMS["json"].render(edition(*THREE)))
    for group in body["groups"]:
        assert set(group) == {"group", "name", "summary", "indicators"}
        for column in group["indicators"]:
            assert {key for key, held in column.items() if isinstance(held, dict)} <= {"title", "median"}


def test_another_method_is_marked_and_in_no_median() -> None:
    old = member("UY", 0.9)
    old = replace(old, values=(value(old.values[0].observation, "of old"), *old.values[1:]))
    said = edition(*THREE, old)
    assert summary(said) == summary(edition(*THREE))
    column = said.content.groups[0].columns[0]
    assert said.cell(column.cells[3])[0] == "90.0% *"
    assert any("Marked *" in note and "Uruguay" in note for note in said.notes())


def test_a_column_is_of_what_comes_first_in_most_economies() -> None:
    other = member("UY", 0.4)
    other = replace(other, values=(other.values[2], *other.values))
    columns = edition(*THREE, other).content.groups[0].columns
    assert [(each.definition.id, each.dimension) for each in columns] == [("J1", None), ("J4", "US")]


def test_what_an_economy_does_not_say_is_none() -> None:
    body = json.loads(REGION_FORMS["json"].render(edition(replace(THREE[0], values=()), *THREE[1:])))
    cells = body["groups"][0]["indicators"][0]["values"]
    assert [each["status"] for each in cells] == ["none", "value", "value"]


def test_the_citation_names_every_vintage_and_what_is_made_up_says_so() -> None:
    assert "BR-2026-10-v1, CL-2026-10-v1, MX-2026-10-v1" in edition(*THREE).citation
    made_up = edition(member("BR", 0.5, synthetic=True))
    assert made_up.citation.endswith("[synthetic data]") and made_up.banners
    assert any("Uruguay" in note for note in edition(*THREE, left_out=("UY",)).notes())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_has_the_same_figures(language: str) -> None:
    said = edition(*THREE, member("UY", None), language=language)
    body = json.loads(REGION_FORMS["json"].render(said))
    told = {
        (cell["economy"], column["indicator"], column["dimension"] or ""): cell["observation"]["value"]
        for group in body["groups"]
        for column in group["indicators"]
        for cell in column["values"]
        if cell["status"] == "value"
    }
    rows = csv.DictReader(io.StringIO(REGION_FORMS["csv"].render(said).decode()))
    assert told == {
        (r["economy"], r["indicator"], r["dimension"]): float(r["value"])
        for r in rows
        if r["status"] == "value"
    }
    exact = re.findall(r'<data value="([^"]+)"', REGION_FORMS["html"].render(said).decode())
    assert sorted(map(float, exact)) == sorted(told.values())
    assert REGION_FORMS["pdf"].render(said).startswith(b"%PDF-")
    assert "{" not in summary(said) + " ".join(said.notes()) + said.who + said.citation


class Texts(HTMLParser):
    """The names of all elements."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hostile_name_is_only_a_name(language: str) -> None:
    said = edition(*THREE, member("HO", 0.9), language=language)
    reader = Texts()
    reader.feed(REGION_FORMS["html"].render(said).decode())
    assert "script" not in reader.elements
    assert REGION_FORMS["pdf"].render(said).startswith(b"%PDF-")
    assert json.loads(REGION_FORMS["json"].render(said))["economies"][3]["names"][language] == HOSTILE


def test_five_hundred_economies_have_a_table_and_no_chart() -> None:
    codes = [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRST"][:500]
    said = edition(*(member(code, 0.3 + at / 2000) for at, code in enumerate(codes)))
    assert "500 countries with a value" in summary(said)
    page = REGION_FORMS["html"].render(said).decode()
    assert page.count("data-economy=") == 500 * 3 and "<svg" not in page
    assert REGION_FORMS["pdf"].render(said).startswith(b"%PDF-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_real_countries_side_by_side(language: str) -> None:
    """BR, CL and MX with made-up traffic: every group says something, and the paper has three pages."""
    content = realcountries.region(load_reference(), "CELAC", "BR", "CL", "MX")
    said = RegionEdition(content, Language.of(language, ""), Publication(url="https://caudal.example"))
    for group in said.content.groups:
        assert re.search(r"\d", said.summary(group)), group.name
        for column in group.columns:
            # Said in words of the language, not by the title of the indicator.
            assert column.definition.id in said.language.phrases["measure"]
    body = REGION_FORMS["pdf"].render(said)
    assert faults(body) == []
    paper = pypdf.PdfReader(io.BytesIO(body))
    assert len(paper.pages) == 3
    assert all(said.banners[0][:20] in page.extract_text() for page in paper.pages)
