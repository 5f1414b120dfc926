"""GET /v1/reports/region/{group}/{month}: what the economies of a country group published of a month, side by side."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from caudal.service.answers.answers import MonthText
from caudal.service.problem import documented
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.region.forms import REGION_FORMS
from caudal.service.reports.region.model import RegionReport
from caudal.service.reports.region.regions import RegionMonth
from caudal.service.requests.dependencies import TheRegions
from caudal.service.requests.preferences import LanguageCode, wanted_form, wanted_language
from caudal.service.workload.caching import cache_headers, not_modified

FormName = Literal["json", "csv", "html", "pdf"]
GroupId = Annotated[
    str,
    Path(
        pattern=r"^[A-Z0-9_]{1,40}$",
        description="a country group of the reference (country_groups)",
        examples=["CELAC"],
    ),
]

# Whoever asks for anything gets this.
_DEFAULT = "json"


_CONTENTS = {
    form.bare_type: {"schema": {"type": "string", "format": "binary"}}
    for form in REGION_FORMS.values()
    if form.name != _DEFAULT
}

router = APIRouter(tags=["reports"])


@router.get(
    "/v1/reports/region/{group}/{month}",
    summary="The report of a country group's month",
    response_model=RegionReport,
    responses={
        200: {"description": "The report.", "content": _CONTENTS},
        304: {"description": "Nothing is new."},
        **documented(404, 422, 503),
    },
)
def get_region_report(
    request: Request,
    regions: TheRegions,
    group: GroupId,
    month: Annotated[MonthText, Path()],
    form_name: Annotated[
        FormName | None, Query(alias="format", description="by default what Accept asks for, else json")
    ] = None,
    language: Annotated[
        LanguageCode | None,
        Query(description="by default what Accept-Language asks for, else what most of the economies read"),
    ] = None,
) -> Response:
    """Return the headlines of each group of indicators, economy by economy, with the vintages they are of.

    Only published months count, for whoever asks. What an economy withheld is in no figure.
    """
    form = REGION_FORMS[form_name or wanted_form(request, REGION_FORMS.values(), _DEFAULT)]
    found = regions.month(group, month)
    chosen = language or wanted_language(request) or found.language
    tag = regions.tag(found, form.name, chosen)
    same = not_modified(request, tag)
    if same is not None:
        return same
    body, name = regions.render(found, form, chosen)
    headers = {
        **cache_headers(tag),
        "Content-Disposition": f'{"inline" if form.inline else "attachment"}; filename="{name}"',
        "Content-Language": chosen,
        "Link": _links(regions.publication, found),
    }
    return Response(body, media_type=form.media_type, headers=headers)


def _links(publication: Publication, found: RegionMonth) -> str:
    """Return the Link header: how to cite, the other forms, the months beside, the licence."""
    root = publication.url.rstrip("/")
    region = f"{root}/v1/reports/region/{found.group}"
    path = f"{region}/{found.month}"
    links = [f'<{path}>; rel="cite-as"', f'<{path}>; rel="canonical"']
    links += [
        f'<{path}?format={form.name}>; rel="alternate"; type="{form.bare_type}"'
        for form in REGION_FORMS.values()
    ]
    for neighbour, relation in ((found.earlier, "prev"), (found.later, "next")):
        if neighbour is not None:
            links.append(f'<{region}/{neighbour}>; rel="{relation}"')
    if publication.licence_url:
        links.append(f'<{publication.licence_url}>; rel="license"')
    return ", ".join(links)
