"""The glossary has one term for one thing, and nobody uses those that it rules out."""

import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from caudal.service.indicators import CATALOGUE
from tests.docs.markdown import ROOT, prose
from tests.docs.translated import PAGES

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TEXTS = ROOT / "service" / "texts"
LANGUAGES = ("en", "es", "pt")
_WORDS = re.compile(r"`([^`]+)`")


def rows(text: str, columns: int) -> Iterator[list[str]]:
    """Yield the cells of the rows of all tables with so many columns, headings and rules left out."""
    heading = True
    for line in text.split("\n"):
        if not line.startswith("|"):
            heading = True
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not heading and len(cells) == columns and not set(line) <= set("|- "):
            yield cells
        heading = False


@dataclass(frozen=True)
class Banned:
    """A term that a language does not use, the one that it does, and where the first is right all the same."""

    term: str
    instead: str
    right: tuple[str, ...] = ()

    def stands_in(self, text: str) -> bool:
        """Say whether a text has the term as whole words, in capitals or not, across the ends of lines."""
        for each in self.right:
            text = re.sub(_pattern(each), " ", text)
        return re.search(_pattern(self.term), text) is not None


def _pattern(term: str) -> str:
    words = r"\s+".join(map(re.escape, term.split()))
    return rf"(?i)(?<!\w){words}(?!\w)"


def banned(code: str) -> list[Banned]:
    """Return the terms that the last table of the glossary rules out in a language."""
    _, _, table = GLOSSARY.partition("## Terms not to use")
    found = []
    for language, cell, instead, _ in rows(table, 4):
        terms, _, right = cell.partition("(but")
        if language == code:
            exceptions = tuple(_WORDS.findall(right))
            found += [Banned(term, instead, exceptions) for term in _WORDS.findall(terms)]
    return found


def strings(table: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the address and text of each value of a file of texts."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from strings(value, f"{name} {key}")
        else:
            yield f"{name} {key}", str(value)


def texts(code: str) -> Iterator[tuple[str, str]]:
    """Yield everything that people read in a language, each with where it stands."""
    for path in sorted(TEXTS.glob(f"{code}*.toml")):
        yield from strings(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    for indicator in CATALOGUE.values():
        yield f"title of {indicator.definition.id}", indicator.definition.title[code]
    with (ROOT / "reference" / "data" / "categories.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield f"name of {row['category']}", row[f"name_{code}"]
    for path in sorted((ROOT / "docs" / code).glob("*.md")):
        yield path.name, prose(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_term_is_used_that_the_glossary_rules_out(code: str) -> None:
    terms = banned(code)
    assert terms
    found = [
        f"{where}: “{each.term}” → {each.instead}"
        for where, text in texts(code)
        for each in terms
        if each.stands_in(text)
    ]
    assert not found, "use the terms of docs/glossary.md: " + "; ".join(found)


def test_a_term_stands_for_one_thing_in_each_language() -> None:
    terms, _, _ = GLOSSARY.partition("## Numbers")
    entries = list(rows(terms, 4))
    assert 60 <= len(entries) <= 110
    for column, code in enumerate(LANGUAGES):
        told = [row[column].lower() for row in entries]
        # A word that is the same for two things is told apart in brackets.
        assert len(set(told)) == len(told), (code, sorted({each for each in told if told.count(each) > 1}))


@pytest.mark.parametrize("code", ["es", "pt"])
def test_the_glossary_of_a_language_has_the_same_terms(code: str) -> None:
    terms, _, _ = GLOSSARY.partition("## Numbers")
    column = LANGUAGES.index(code)
    page = ROOT / PAGES["docs/glossary.md"].in_language(code)
    told = [(term, english) for term, english, _ in rows(page.read_text(encoding="utf-8"), 3)]
    assert told == [(row[column], row[0]) for row in rows(terms, 4)]


def test_the_glossary_itself_uses_no_term_that_it_rules_out() -> None:
    terms, _, _ = GLOSSARY.partition("## Numbers")
    for row in rows(terms, 4):
        for column, code in enumerate(LANGUAGES):
            used = [each.term for each in banned(code) if each.stands_in(row[column])]
            assert not used, (code, row[column], used)


def test_a_term_is_found_as_whole_words_where_it_is_not_right() -> None:
    term = Banned("de memoria", "sin verificar", ("tarjetas de memoria",))
    assert term.stands_in("pesos De\nmemoria.")
    assert not term.stands_in("de memorias, o en tarjetas\nde memoria")
    assert term.stands_in("tarjetas de memoria y pesos de memoria")
