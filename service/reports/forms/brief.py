"""The brief: findings, one picture, who reported and how to cite it on one page of A4, as PDF and as HTML."""

from typing import Any

from markupsafe import Markup

from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms import page, paper
from caudal.service.reports.forms.typesetter import Typesetter
from caudal.service.reports.forms.view import view

_CAUTIONS = 4
_TYPESETTER = Typesetter("brief")


def render_pdf(edition: Edition) -> bytes:
    """Return the brief of an edition as PDF of one page, the same bytes for the same edition."""
    return _TYPESETTER.pdf(paper.plain(edition) | _own(edition))


def render_html(edition: Edition) -> bytes:
    """Return the brief of an edition as HTML5 that fetches nothing and prints on one page."""
    shown = view(edition, paper=True) | _own(edition)
    if shown["picture"]:
        shown["picture"]["svg"] = Markup(shown["picture"]["svg"])
    return page.template("brief.html").render(shown, path=edition.path, whole="?format=html").encode()


def _own(edition: Edition) -> dict[str, Any]:
    """Return the parts that only the brief has: what must not be concluded of any finding, and where the whole report is."""
    cautions = dict.fromkeys(c for group in edition.content.groups for c in edition.quote(group).cautions)
    return {
        "cautions": list(cautions)[:_CAUTIONS],
        "address": edition.address,
        "all": edition.language.say("page", "all", address=edition.address),
    }
