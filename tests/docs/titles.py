"""Headings of the pages about the indicators in short, which are the titles of the catalogue.

`python -m tests.docs.titles` writes them anew.
"""

import re
from pathlib import Path

from caudal.service.indicators import CATALOGUE
from tests.docs.markdown import ROOT
from tests.docs.translated import LANGUAGES, PAGES

COMMAND = "python -m tests.docs.titles"
ENGLISH = "docs/indicators-in-short.md"
_HEADING = re.compile(r'^### <a id="[a-z0-9]+"></a>(?P<id>[A-Z]\d+) · .*$', re.MULTILINE)


def in_short(code: str, root: Path = ROOT) -> Path:
    """Return the page about the indicators in a language."""
    return root / (ENGLISH if code == "en" else PAGES[ENGLISH].in_language(code))


def headings(code: str) -> list[str]:
    """Return the heading of each indicator in a language, in the order of the catalogue."""
    return [_heading(id_, code) for id_ in CATALOGUE]


def titled(text: str, code: str) -> str:
    """Return a page with the headings of its indicators as the catalogue has them."""
    return _HEADING.sub(
        lambda found: _heading(found["id"], code) if found["id"] in CATALOGUE else found[0], text
    )


def _heading(id_: str, code: str) -> str:
    return f'### <a id="{id_.lower()}"></a>{id_} · {CATALOGUE[id_].definition.title[code]}'


if __name__ == "__main__":
    for language in ("en", *LANGUAGES):
        page = in_short(language)
        if page.is_file():
            page.write_text(titled(page.read_text(encoding="utf-8"), language), encoding="utf-8")
