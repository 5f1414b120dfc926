"""A month of which nothing, or no place, is known: a sentence stands where a chart would be, in every form."""

import io

import lxml.html
import polars as pl
import pypdf
import pytest

from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms import FORMS
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.pictures import destination_map, flow_chart, flow_note, group_chart, map_note
from caudal.service.vocabulary.reason import reason

from .samples import CELLS, content, measures, observed
from .struck import struck

UNKNOWN = CELLS.with_columns(location=pl.lit(""), control=pl.lit(""))
# Who operates it is known, where it is is not: what an anycast address leaves.
NOWHERE = CELLS.with_columns(location=pl.lit(""))
# So few flow records of each that none is shown by itself: a diagram of "other" would say nothing.
TOO_FEW = CELLS.with_columns(flows=pl.lit(1, pl.Int64))


def of(cells: pl.DataFrame) -> Content:
    """A month with no value, and this traffic."""
    return content(measures("2026-10", observed("J1", None, reason=reason("no_bytes"))), cells=cells)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("cells", "map_drawn", "flow_drawn"),
    [
        (CELLS, True, True),
        (UNKNOWN, False, False),
        (NOWHERE, False, True),
        (TOO_FEW, False, False),
        (CELLS.clear(), False, False),
    ],
)
def test_what_cannot_be_drawn_is_said(
    language: str, cells: pl.DataFrame, map_drawn: bool, flow_drawn: bool
) -> None:
    edition = Edition(of(cells), Language.of(language, "CL"))
    assert (destination_map(edition) is not None) is map_drawn
    assert (flow_chart(edition) is not None) is flow_drawn
    assert map_note(edition) and flow_note(edition)
    assert [group_chart(edition, group) for group in edition.content.groups] == [None]
    for drawn in (destination_map(edition), flow_chart(edition)):
        assert drawn is None or struck(drawn) == []
    say = edition.language.say
    if not cells.height:
        assert map_note(edition) == say("document", "no_destinations") == flow_note(edition)
    elif not map_drawn:
        unknown = edition.language.percent(0.05 if cells is TOO_FEW else 1.0)
        assert map_note(edition) == say("chart", "no_map", unknown=unknown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_is_in_page_and_paper(language: str) -> None:
    edition = Edition(of(UNKNOWN), Language.of(language, "CL"))
    page = lxml.html.document_fromstring(FORMS["html"].render(edition).decode())
    assert not page.xpath("//figure//*[local-name()='svg']")
    assert map_note(edition) in page.text_content() and flow_note(edition) in page.text_content()
    paper = pypdf.PdfReader(io.BytesIO(FORMS["pdf"].render(edition)))
    printed = "".join("".join(each.extract_text() for each in paper.pages).split())
    for note in (map_note(edition), flow_note(edition)):
        assert "".join(note.split())[:40] in printed
