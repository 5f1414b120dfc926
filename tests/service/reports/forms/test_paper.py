"""The report and the brief on paper: pages, blanks, sizes, and what a validator of PDF/A and PDF/UA says of them."""

import re
from collections.abc import Callable

import httpx
import page
import pytest

from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition, Publication
from caudal.service.reports.forms import FORMS
from caudal.service.reports.forms.paper import MOST_PAGES
from caudal.service.reports.language import LANGUAGES, Language

from ..conftest import MONTH
from ..months import LONG_NAME, MONTHS, long_names
from ..printed import blank_runs, letter_sizes, page_count, page_texts

PUBLICATION = Publication("Ministerio", "https://caudal.example", "CC-BY-4.0")
MOST_BLANK = 1 / 3
LEAST_POINTS = 8.0
PROFILES = (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A)


def printed(content: Content, language: str, form: str) -> bytes:
    return FORMS[form].render(Edition(content, Language.of(language, content.economy), PUBLICATION))


def faults(body: bytes) -> list[str]:
    """Return what the validator finds wrong, by rule.

    It takes a carriage return that ends the data of a stream for a part of the line's end, and then the length for
    wrong. Where the length is the exact one, up to the line feed before `endstream`, it is not.
    """
    return [
        f"{fault.rule_id}: {fault.message}"
        for profile in PROFILES
        for fault in page.validate_pdf_bytes(body, profile=profile).failures
        if not (fault.rule_id.endswith("STREAM-LENGTH-001") and length_is_exact(body, fault.object_id))
    ]


def length_is_exact(body: bytes, found: "page.PdfObjectId | None") -> bool:
    """Return whether the stream's length is the exact one and its data end in a carriage return.

    Where the validator does not say which stream it found, every stream must have its exact length, and one such data.
    """
    number = rb"\d+" if found is None else b"%d" % found.object_number
    begun = list(
        re.finditer(
            rb"(?:^|\n)%s 0 obj\n<<(?:(?!endobj).)*?/Length (\d+)(?:(?!endobj).)*?>>\nstream\n" % number,
            body,
            re.DOTALL,
        )
    )
    ends = [each.end() + int(each[1]) for each in begun]
    exact = all(body[end : end + 10] == b"\nendstream" for end in ends)
    return exact and any(body[end - 1 : end] == b"\r" for end in ends)


def annex_of(texts: list[str], language: str, economy: str) -> int:
    """Return the position of the page on which the annex begins."""
    head = Language.of(language, economy).say("page", "annex")
    return next(
        at for at, text in enumerate(texts) if head in [line.strip() for line in text.splitlines()[:6]]
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("month", MONTHS.values(), ids=MONTHS)
def test_a_report_keeps_to_its_pages_and_leaves_none_half_empty(
    month: Callable[[], Content], language: str
) -> None:
    content = month()
    body = printed(content, language, "pdf")
    annex = annex_of(page_texts(body), language, content.economy)
    assert annex <= MOST_PAGES
    runs = blank_runs(body)
    # The last page of the report and that of the annex end where they end.
    assert max(run for at, run in enumerate(runs[:-1]) if at != annex - 1) < MOST_BLANK, runs
    assert faults(body) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("month", MONTHS.values(), ids=MONTHS)
def test_a_brief_is_one_page(month: Callable[[], Content], language: str) -> None:
    content = month()
    body = printed(content, language, "brief")
    assert page_count(body) == 1
    [text] = page_texts(body)
    edition = Edition(content, Language.of(language, content.economy), PUBLICATION)
    for each in (*map(edition.finding, content.groups), edition.coverage(), edition.citation):
        assert _plain(each) in _plain(text)
    assert faults(body) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_demo_keeps_to_its_pages_as_well(demo_client: httpx.Client, language: str) -> None:
    asked = {"format": "pdf", "language": language}
    body = demo_client.get(f"/v1/reports/XA/{MONTH}", params=asked).content
    texts = page_texts(body)
    annex = annex_of(texts, language, "XA")
    assert annex <= MOST_PAGES
    runs = blank_runs(body)
    assert max(run for at, run in enumerate(runs[:-1]) if at != annex - 1) < MOST_BLANK, runs
    assert faults(body) == []
    brief = demo_client.get(f"/v1/reports/XA/{MONTH}", params=asked | {"format": "brief"}).content
    assert page_count(brief) == 1 and faults(brief) == []
    # All findings, the picture and who reported stand on the first page.
    findings = demo_client.get(f"/v1/reports/XA/{MONTH}", params={"language": language}).json()["findings"]
    assert all(_plain(each["finding"]) in _plain(texts[0]) for each in findings)
    assert _plain(Language.of(language, "XA").say("document", "notices")) in _plain(texts[0])


@pytest.mark.parametrize("form", ["pdf", "brief"])
def test_no_letter_is_too_small_to_be_read(form: str) -> None:
    sizes = letter_sizes(printed(MONTHS["chile"](), "es", form))
    assert min(sizes) >= LEAST_POINTS, sizes[min(sizes)][:80]


def test_a_long_name_is_whole() -> None:
    body = printed(long_names(), "es", "pdf")
    assert _plain(LONG_NAME) in _plain("".join(page_texts(body)))
    html = printed(long_names(), "es", "html").decode()
    assert LONG_NAME in html and LONG_NAME in printed(long_names(), "es", "brief-html").decode()


def test_the_validator_sees_what_is_wrong() -> None:
    body = printed(MONTHS["insufficient"](), "es", "brief")
    assert faults(body) == []
    assert any("PDFUA1" in each for each in faults(body.replace(b"/Marked true", b"/Marked null")))
    assert faults(body.replace(b"pdfuaid:part", b"pdfuaid:trap"))


def _plain(text: str) -> str:
    return "".join(char for char in text if not char.isspace() and char not in "\u00ad-‐")
