"""Decisions are short pages of one form, each in the list."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, links, sections

DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))
SECTIONS = ["What", "Why", "What else was thought of", "What follows"]
_STATUS = re.compile(r"(?:In force\.|Replaced by \[.+\]\(.+\)\.) .*\bon 20\d\d-\d\d-\d\d")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_says_what_why_and_what_else(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    title, *parts = sections(text)
    assert [part.title for part in parts] == SECTIONS
    assert all(part.body for part in parts)
    assert title.title.startswith(f"{int(page.name[:4])}. ")
    assert _STATUS.match(title.body), "the second line says whether it holds, and since when"
    assert 20 <= len(text.splitlines()) <= 60


def test_the_list_has_every_decision_under_its_title() -> None:
    text = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert sorted(links(text)) == [page.name for page in PAGES]
    for page in PAGES:
        (title, *_) = sections(page.read_text(encoding="utf-8"))
        assert f"[{title.title}]({page.name})" in text


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))
