"""The pages about the indicators in short have all of them, under the titles that reports use."""

import pytest

from tests.docs.titles import COMMAND, headings, in_short, titled


@pytest.mark.parametrize("code", ["en", "es", "pt"])
def test_every_indicator_stands_in_its_place_under_its_title(code: str) -> None:
    lines = in_short(code).read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line.startswith("### ")] == headings(code), f"write titles by {COMMAND}"


def test_a_title_that_changed_is_written() -> None:
    page = '# Page\n\n### <a id="j1"></a>J1 · Old title\n\nText.\n'
    assert titled(page, "en") == page.replace("J1 · Old title", headings("en")[0].partition("</a>")[2])
