"""HTML of a region's report: one page that needs nothing else, every exact figure beside the one that is shown."""

from markupsafe import Markup

from caudal.service.reports.forms.page import template
from caudal.service.reports.region.edition import RegionEdition
from caudal.service.reports.region.forms import REGION_FORMS
from caudal.service.reports.region.view import view


def render(edition: RegionEdition) -> bytes:
    """Return an edition as HTML5: no script, no font and no picture is fetched."""
    shown = view(edition)
    for group in shown["groups"]:
        group["chart"] = Markup(group["chart"] or "")
    links = [
        {"name": form.name, "type": form.bare_type, "href": f"?format={form.name}"}
        for form in REGION_FORMS.values()
    ]
    return template("region.html").render(shown, links=links).encode()
