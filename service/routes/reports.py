"""GET /v1/reports/{economy}/{month}: everything published about an economy's month, in the form asked for."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from caudal.service.answers.answers import EconomyCode, MonthText
from caudal.service.problem import documented
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.edition.model import Report
from caudal.service.reports.forms import FORMS
from caudal.service.reports.forms.form import PICTURE_TYPES
from caudal.service.reports.reports import Months, Reports, language_of
from caudal.service.requests.choices import VintageText
from caudal.service.requests.dependencies import TheReports, TheSight
from caudal.service.requests.preferences import LanguageCode, wanted_form, wanted_language
from caudal.service.requests.sight import Sight
from caudal.service.workload.caching import cache_headers, not_modified

FormName = Literal[
    "json", "csv", "xlsx", "sdmx-csv", "sdmx-json", "html", "pdf", "brief", "brief-html", "press"
]
PictureName = Literal["map", "control", "concentration", "value", "positioning"]
PictureSuffix = Literal["svg", "png"]

_BINARY = {"type": "string", "format": "binary"}
# Whoever asks for anything gets this.
_DEFAULT = "json"


_CONTENTS = {form.bare_type: {"schema": _BINARY} for form in FORMS.values() if form.name != _DEFAULT}

router = APIRouter(tags=["reports"])


def _answered(
    reports: Reports,
    sight: Sight,
    request: Request,
    economy: str,
    month: str,
    language: str | None,
    vintage: str | None,
    asked: tuple[str, ...],
    media_type: str,
    *,
    inline: bool,
    made: Callable[[Months, str], tuple[bytes, str]],
) -> Response:
    """Answer what is asked of a month, which `made` makes in the chosen language, or that nothing is new."""
    chosen = language or wanted_language(request) or language_of(economy)
    months = reports.months(economy, month, running=sight.running(request, economy))
    sight.note(request, economy, [month])
    tag = reports.tag(economy, months, vintage, *asked, chosen)
    if vintage is not None:
        # A vintage that there is not has no answer, whatever the client says it has.
        reports.content(economy, months, vintage)
    same = not_modified(request, tag, fixed=vintage is not None)
    if same is not None:
        return same
    body, name = made(months, chosen)
    headers = {
        **cache_headers(tag, fixed=vintage is not None),
        "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{name}"',
        "Content-Language": chosen,
        "Link": _links(reports.publication, economy, months),
    }
    return Response(body, media_type=media_type, headers=headers)


@router.get(
    "/v1/reports/{economy}/{month}",
    summary="The report of an economy's month",
    response_model=Report,
    responses={
        200: {"description": "The report.", "content": _CONTENTS},
        304: {"description": "Nothing is new."},
        **documented(403, 404, 422, 503),
    },
)
def get_report(
    request: Request,
    reports: TheReports,
    sight: TheSight,
    economy: Annotated[EconomyCode, Path()],
    month: Annotated[MonthText, Path()],
    form_name: Annotated[
        FormName | None, Query(alias="format", description="by default what Accept asks for, else json")
    ] = None,
    language: Annotated[
        LanguageCode | None,
        Query(
            description="by default what Accept-Language asks for, else what the people of the economy speak"
        ),
    ] = None,
    vintage: VintageText | None = None,
) -> Response:
    """Return findings, changes, all indicators with intervals, destinations, ledger, notices, method, sources.

    Every form has the same figures. Of a month that is published, what was published; of any other,
    what is computed now.
    """
    form = FORMS[form_name or wanted_form(request, FORMS.values(), _DEFAULT)]
    return _answered(
        reports, sight, request, economy, month, language, vintage, (form.name,), form.media_type, inline=form.inline,
        made=lambda months, chosen: reports.render(economy, months, form, chosen, vintage),
    )  # fmt: skip


@router.get(
    "/v1/reports/{economy}/{month}/pictures/{name}.{suffix}",
    summary="A picture of an economy's month, for print and screen",
    response_class=Response,
    responses={
        200: {
            "description": "The picture.",
            "content": {each: {"schema": _BINARY} for each in PICTURE_TYPES.values()},
        },
        304: {"description": "Nothing is new."},
        **documented(403, 404, 422, 503),
    },
)
def get_picture(
    request: Request,
    reports: TheReports,
    sight: TheSight,
    economy: Annotated[EconomyCode, Path()],
    month: Annotated[MonthText, Path()],
    name: Annotated[PictureName, Path()],
    suffix: Annotated[PictureSuffix, Path()],
    language: Annotated[
        LanguageCode | None,
        Query(
            description="by default what Accept-Language asks for, else what the people of the economy speak"
        ),
    ] = None,
    vintage: VintageText | None = None,
) -> Response:
    """Return one of the five pictures of the press sheet: title, intervals, source, vintage and month stand in it."""
    return _answered(
        reports, sight, request, economy, month, language, vintage, ("picture", name, suffix), PICTURE_TYPES[suffix], inline=True,
        made=lambda months, chosen: reports.picture(economy, months, name, suffix, chosen, vintage),
    )  # fmt: skip


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
