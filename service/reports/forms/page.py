"""HTML: one page that needs nothing else, with every exact figure beside the one that is shown."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms.form import FORMS
from caudal.service.reports.forms.view import view


def render(edition: Edition) -> bytes:
    """Return an edition as HTML5: no script, no font and no picture is fetched."""
    shown = view(edition, paper=False)
    for group in shown["groups"]:
        group["chart"], group["history"] = Markup(group["chart"] or ""), Markup(group["history"] or "")
    for drawn in (shown["picture"], *shown["drawings"]):
        if drawn:
            drawn["svg"] = Markup(drawn["svg"])
    content = edition.content
    links = [
        {"name": form.name, "type": form.bare_type, "href": f"?format={form.name}"} for form in FORMS.values()
    ]
    return (
        template("report.html")
        .render(shown, links=links, economy_code=content.economy, month_code=content.month, path=edition.path)
        .encode()
    )


@lru_cache(maxsize=4)
def template(name: str) -> Template:
    """Return a template of a page."""
    environment = Environment(
        loader=PackageLoader("caudal.service.reports"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
