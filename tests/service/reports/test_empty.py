"""Forms of what is hard to render: no traffic, no values, and texts that a format would take for its own."""

import io
from dataclasses import replace

import lxml.html
import openpyxl
import pypdf
import pytest

from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms import FORMS
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.vocabulary.reason import reason

from .samples import CELLS, content, measures, observed


def nothing() -> Content:
    return content(measures("2026-10", observed("J1", None, reason=reason("no_bytes"))), cells=CELLS.clear())


def hostile() -> Content:
    name = '=1+1 <script>alert("#panic()")</script> *_$ {month} \\u{0}'
    whole = content(
        measures("2026-10", observed("J4", 0.5, 0.4, 0.6, "US"), observed("J4", 0.1, dimension=name))
    )
    return replace(whole, names=dict.fromkeys(LANGUAGES, name), attributions=(name,))


@pytest.mark.parametrize("made", [nothing, hostile])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_renders(made: "type[Content]", language: str, form: str) -> None:
    edition = Edition(made(), Language.of(language, "CL"))
    body = FORMS[form].render(edition)
    assert body and body == FORMS[form].render(edition)


def test_texts_stay_texts() -> None:
    edition = Edition(hostile(), Language.of("en", "CL"))
    name = edition.economy
    page = lxml.html.document_fromstring(FORMS["html"].render(edition).decode())
    assert not page.xpath("//script") and name in page.text_content()
    book = openpyxl.load_workbook(io.BytesIO(FORMS["xlsx"].render(edition)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    paper = pypdf.PdfReader(io.BytesIO(FORMS["pdf"].render(edition)))
    assert "#panic()" in "".join(page.extract_text() for page in paper.pages)


def test_nothing_is_said_as_nothing() -> None:
    edition = Edition(nothing(), Language.of("es", "CL"))
    page = FORMS["html"].render(edition).decode()
    assert "En el mes no se midió tráfico de salida ni de entrada." in page
    assert "En el mes no hubo tráfico que mostrar." in page
    assert "nan" not in page.lower().split()


def test_a_reason_of_an_old_vintage_stands_in_its_own_language() -> None:
    old = content(
        measures(
            "2026-10",
            observed("J1", None, reason=reason("earlier", text="needs what nobody asks for any more")),
        )
    )
    edition = Edition(old, Language.of("pt", "BR"))
    page = lxml.html.document_fromstring(FORMS["html"].render(edition).decode())
    assert page.xpath("//td/span[@lang='en']/text()") == ["needs what nobody asks for any more"]
    paper = pypdf.PdfReader(io.BytesIO(FORMS["pdf"].render(edition)))
    assert "what nobody asks for" in "".join(each.extract_text() for each in paper.pages)
