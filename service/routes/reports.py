"""GET /v1/reports/{economy}/{month}: everything published about an economy's month, in the form asked for."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from caudal.service.caching import cache_headers, not_modified
from caudal.service.models import EconomyCode, MonthText
from caudal.service.problem import documented
from caudal.service.reports.edition import Publication
from caudal.service.reports.forms import FORMS
from caudal.service.reports.language import LANGUAGES
from caudal.service.reports.model import Report
from caudal.service.reports.reports import Months, Reports, language_of
from caudal.service.routes.choices import VintageText
from caudal.service.routes.sight import Sight

FormName = Literal["json", "csv", "xlsx", "sdmx-csv", "sdmx-json", "html", "pdf", "brief", "brief-html"]
LanguageCode = Literal["es", "pt", "en"]

# Whoever asks for anything gets this.
_DEFAULT = "json"


def router(reports: Reports, sight: Sight) -> APIRouter:
    """Return the route that answers reports."""
    routes = APIRouter(tags=["reports"])
    contents = {
        form.bare_type: {"schema": {"type": "string", "format": "binary"}}
        for form in FORMS.values()
        if form.name != _DEFAULT
    }

    @routes.get(
        "/v1/reports/{economy}/{month}",
        summary="The report of an economy's month",
        response_model=Report,
        responses={
            200: {"description": "The report.", "content": contents},
            304: {"description": "Nothing is new."},
            **documented(403, 404, 422, 503),
        },
    )
    def get_report(
        request: Request,
        economy: Annotated[EconomyCode, Path()],
        month: Annotated[MonthText, Path()],
        format: Annotated[
            FormName | None, Query(description="by default what Accept asks for, else json")
        ] = None,
        language: Annotated[
            LanguageCode | None,
            Query(
                description="by default what Accept-Language asks for, else an official one of the economy"
            ),
        ] = None,
        vintage: VintageText | None = None,
    ) -> Response:
        """Return findings, changes, all indicators with intervals, destinations, ledger, notices, method, sources.

        Every form has the same figures. Of a month that is published, what was published; of any other,
        what is computed now.
        """
        form = FORMS[format or _wanted_form(request)]
        chosen = language or _wanted_language(request) or language_of(economy)
        months = reports.months(economy, month, running=sight.running(request, economy))
        sight.note(request, economy, [month])
        tag = reports.tag(economy, months, vintage, form.name, chosen)
        if vintage is not None:
            # A vintage that there is not has no answer, whatever the client says it has.
            reports.content(economy, months, vintage)
        same = not_modified(request, tag, fixed=vintage is not None)
        if same is not None:
            return same
        body, name = reports.render(economy, months, form, chosen, vintage)
        headers = {
            **cache_headers(tag, fixed=vintage is not None),
            "Content-Disposition": f'{"inline" if form.inline else "attachment"}; filename="{name}"',
            "Content-Language": chosen,
            "Link": _links(reports.publication, economy, months),
        }
        return Response(body, media_type=form.media_type, headers=headers)

    return routes


def _wanted_form(request: Request) -> str:
    """Return the form that Accept prefers among those there are."""
    # The first form of a media type: the whole report, not the brief.
    known = {form.bare_type: form.name for form in reversed([*FORMS.values()])}
    for media_type in _by_preference(request.headers.get("accept", "")):
        if media_type in ("*/*", "application/*"):
            return _DEFAULT
        if media_type in known:
            return known[media_type]
    return _DEFAULT


def _wanted_language(request: Request) -> str | None:
    """Return the language that Accept-Language prefers among those there are; None where it names none."""
    for tag in _by_preference(request.headers.get("accept-language", "")):
        if tag.partition("-")[0] in LANGUAGES:
            return tag.partition("-")[0]
    return None


def _by_preference(header: str) -> list[str]:
    """Return the values of a header with weights (RFC 9110, 12.4.2), the most wanted first."""
    weighted = []
    for part in header.lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if value and weight > 0:
            weighted.append((weight, value))
    return [value for _, value in sorted(weighted, key=lambda each: -each[0])]


def _links(publication: Publication, economy: str, months: Months) -> str:
    """Return the Link header: how to cite, the other forms, the structure, the months beside, the licence."""
    root = publication.url.rstrip("/")
    path = f"{root}/v1/reports/{economy}/{months.month}"
    links = [f'<{path}>; rel="cite-as"', f'<{path}>; rel="canonical"']
    links += [
        f'<{path}?format={form.name}>; rel="alternate"; type="{form.bare_type}"' for form in FORMS.values()
    ]
    links.append(f'<{root}/v1/sdmx/structure/datastructure/CAUDAL/DSD_INDICATORS>; rel="describedby"')
    for neighbour, relation in ((months.earlier, "prev"), (months.later, "next")):
        if neighbour is not None:
            links.append(f'<{root}/v1/reports/{economy}/{neighbour}>; rel="{relation}"')
    if publication.licence_url:
        links.append(f'<{publication.licence_url}>; rel="license"')
    return ", ".join(links)
