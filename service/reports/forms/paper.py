"""PDF: tagged for screen readers (PDF/UA-1), made to be kept (PDF/A-3a), with the figures attached as CSV."""

from typing import Any

from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms import tidy
from caudal.service.reports.forms.typesetter import Typesetter
from caudal.service.reports.forms.view import view

# Pages before the annex. What does not fit is put aside, into the annex: first tables, then what is missing, then
# charts.
MOST_PAGES = 8
_MOST_ASIDE = 3
_TYPESETTER = Typesetter("report")


def render(edition: Edition) -> bytes:
    """Return an edition as PDF, the same bytes for the same edition; nothing is fetched."""
    shown = plain(edition)
    shown["data"] = tidy.render(edition).decode()
    shown["data_name"] = f"caudal-{edition.content.economy}-{edition.content.month}.csv"
    for aside in range(_MOST_ASIDE + 1):
        document, pages = _TYPESETTER.pdf_and_number(shown | {"aside": aside}, "<main>")
        if pages <= MOST_PAGES:
            break
    return document


def plain(edition: Edition) -> dict[str, Any]:
    """Return the values that a template on paper needs."""
    shown = view(edition, paper=True)
    # A language tag of typst is two letters; the territory goes apart.
    shown["territory"] = edition.language.territory or None
    shown["lang"] = edition.language.code
    return shown
