"""What the public reads is to be had in Spanish and Portuguese, and renders the English of now."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs import translated
from tests.docs.markdown import ROOT, sections
from tests.docs.translated import LANGUAGES, PAGES, fingerprint, originals, problems, strays, write


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_pages_render_the_english_of_now(code: str) -> None:
    told = problems(code)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("code", LANGUAGES)
def test_links_stay_in_the_language(code: str) -> None:
    assert not strays(code)


def commands(page: str) -> list[str]:
    """Return what is set apart to be typed on a page, in its order."""
    tokens = MarkdownIt().parse((ROOT / page).read_text(encoding="utf-8"))
    return [token.content for token in tokens if token.type == "code_block"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_operators_type_the_same_in_every_language(code: str) -> None:
    page = "docs/operators.md"
    assert commands(PAGES[page].in_language(code)) == commands(page)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a root with one English page of three sections, the first two in Spanish, and in step."""
    monkeypatch.setattr(translated, "PAGES", {"a.md": translated.Page({"es": "a.md"}, until="rest")})
    monkeypatch.setattr(translated, "LANGUAGES", ("es",))
    (tmp_path / "docs" / "es").mkdir(parents=True)
    (tmp_path / "a.md").write_text(
        "# One\n\nFirst.\n\n## Two\n\nSecond,\nwith a line more.\n\n## Rest\n\nMore.\n"
    )
    (tmp_path / "docs/es/a.md").write_text(
        "# Uno\n<!-- of a.md#one -->\n\nPrimero.\n\n## Dos\n<!-- of a.md#two -->\n\nSegundo.\n"
    )
    assert write(tmp_path) == []
    assert problems("es", tmp_path) == []
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_english_section_that_changed_is_told_until_it_is_written(small: Path) -> None:
    change(small / "a.md", "Second", "Third")
    assert problems("es", small) == [
        "docs/es/a.md, “Dos”: a.md#two has changed: render it anew, then python -m tests.docs.translated"
    ]
    assert write(small) == ["docs/es/a.md: a.md#two had changed"]
    assert problems("es", small) == []


def test_lines_may_be_broken_elsewhere_and_what_is_not_translated_may_change(small: Path) -> None:
    change(small / "a.md", "Second,\nwith a", "Second, with\na")
    change(small / "a.md", "More.", "Much more.")
    assert problems("es", small) == []


def test_a_section_that_is_new_is_missed(small: Path) -> None:
    change(small / "a.md", "## Rest", "## New\n\nNew.\n\n## Rest")
    assert problems("es", small) == ["a.md#new is in no page of docs/es: render it in docs/es/a.md"]


def test_a_heading_that_changed_is_named_on_both_sides(small: Path) -> None:
    change(small / "a.md", "## Two", "## Second")
    assert problems("es", small) == [
        "docs/es/a.md, “Dos” renders a.md#two, which is no section to be translated: correct or remove it",
        "a.md#second is in no page of docs/es: render it in docs/es/a.md",
    ]


def test_a_section_that_says_nothing_of_its_original_is_told(small: Path) -> None:
    change(small / "docs/es/a.md", "Segundo.", "Segundo.\n\n## Tres\n\nTercero.")
    assert problems("es", small) == [
        "docs/es/a.md, “Tres” does not say what it renders: write <!-- of PAGE.md#heading --> below it, "
        "then python -m tests.docs.translated"
    ]


def test_a_page_that_is_not_there_is_told(small: Path) -> None:
    (small / "docs/es/a.md").unlink()
    assert problems("es", small)[0] == "docs/es/a.md does not exist: write it from a.md"


def test_where_translation_ends_is_a_heading_that_exists(small: Path) -> None:
    change(small / "a.md", "## Rest", "## Remainder")
    with pytest.raises(AssertionError, match=r"a\.md has no heading #rest"):
        originals(small)


def test_a_link_that_leaves_the_language_is_told(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {**translated.PAGES, "b.md": translated.Page({"es": "be.md"})}
    monkeypatch.setattr(translated, "PAGES", pages)
    (small / "b.md").write_text("# B\n")
    (small / "docs/es/be.md").write_text(
        "# Be\n<!-- of b.md#b -->\n[English](../../b.md) [a](../../a.md#rest)\n"
    )
    assert strays("es", small) == []
    change(small / "docs/es/a.md", "Primero.", "[B](../../b.md#b)")
    assert strays("es", small) == ["docs/es/a.md: ../../b.md#b is docs/es/be.md"]


def test_headings_in_code_are_none() -> None:
    (only,) = sections("# One\n\n```\n# no heading\n```\n")
    assert only.anchor == "one"
    assert len(fingerprint(only)) == 8


def test_every_page_has_a_name_in_every_language() -> None:
    assert all(page.names.keys() == set(LANGUAGES) for page in PAGES.values())
