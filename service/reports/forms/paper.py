"""PDF: tagged for screen readers (PDF/UA-1), made to be kept (PDF/A-3a), with the figures attached as CSV."""

import json
import threading
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import fontpkg_ibm_plex_sans
import typst

from caudal.service.reports.edition import Edition
from caudal.service.reports.forms import tidy
from caudal.service.reports.forms.view import view

TEMPLATES = Path(__file__).parents[1] / "templates"
STANDARDS: list[Any] = ["ua-1", "a-3a"]
# Pages before the annex. What does not fit is put aside, into the annex: first tables, then what is missing, then
# charts.
MOST_PAGES = 8
_MOST_ASIDE = 3
# A compiler keeps what it parsed, and answers one question at a time.
_ONE_AT_A_TIME = threading.Lock()


def render(edition: Edition) -> bytes:
    """Return an edition as PDF, the same bytes for the same edition; nothing is fetched."""
    shown = plain(edition)
    shown["data"] = tidy.render(edition).decode()
    shown["data_name"] = f"caudal-{edition.content.economy}-{edition.content.month}.csv"
    for aside in range(_MOST_ASIDE + 1):
        with _ONE_AT_A_TIME:
            document = _compiled("report", shown | {"aside": aside})
            if _number("report", "<main>") <= MOST_PAGES:
                break
    return document


def compiled(template: str, shown: dict[str, Any]) -> bytes:
    """Return what a template makes of what `plain` returned and of what else it needs."""
    with _ONE_AT_A_TIME:
        return _compiled(template, shown)


def plain(edition: Edition) -> dict[str, Any]:
    """Return what a template on paper needs, all of it what JSON can hold."""
    shown = view(edition, paper=True)
    made = shown["computed_at"]
    shown["computed_at"] = [made.year, made.month, made.day, made.hour, made.minute, made.second]
    # A language tag of typst is two letters; the territory goes apart.
    shown["territory"] = edition.language.territory or None
    shown["lang"] = edition.language.code
    return shown


def _compiled(template: str, shown: dict[str, Any]) -> bytes:
    year, month, day, hour, minute, second = shown["computed_at"]
    document = _compiler(template).compile(
        format="pdf",
        sys_inputs={"report": json.dumps(shown)},
        pdf_standards=STANDARDS,
        timestamp=int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()),
    )
    assert isinstance(document, bytes)
    return document


def _number(template: str, label: str) -> int:
    """Return the number that stands at a label of what was compiled last."""
    return int(json.loads(_compiler(template).query(label, field="value", one=True)))


@lru_cache(maxsize=2)
def _compiler(template: str) -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,
        font_paths=[str(fontpkg_ibm_plex_sans.ROOT / "files")],
    )
    return typst.Compiler(str(TEMPLATES / f"{template}.typ"), font_paths=fonts)
