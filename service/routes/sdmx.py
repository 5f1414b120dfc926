"""GET /v1/sdmx/…: the structure of the statistics, and their data, as SDMX's own web service lays them out."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from caudal.common.logline import quoted
from caudal.reference import Reference
from caudal.service.errors import NotFound, QuestionError
from caudal.service.problem import documented
from caudal.service.reports.forms import FORMS
from caudal.service.reports.reports import language_of
from caudal.service.reports.sdmx.structure import AGENCY, DATAFLOW, STRUCTURE, VERSION
from caudal.service.reports.sdmx.structuremessage import MEDIA_TYPE, StructureMessage
from caudal.service.requests.dependencies import TheMeasures, TheReference, TheReports, TheSight, TheStructure
from caudal.service.vocabulary.period import Month
from caudal.service.workload.caching import cache_headers, entity_tag, not_modified

_VERSIONS = ("~", "*", "+", "latest", VERSION)
_KINDS = {"datastructure": STRUCTURE, "dataflow": DATAFLOW}
_STRUCTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "SDMX-ML 2.1.", "content": {MEDIA_TYPE.partition(";")[0]: {}}},
    304: {"description": "Nothing is new."},
    **documented(404, 422),
}

Kind = Annotated[Literal["datastructure", "dataflow"], Path()]
Agency = Annotated[str, Path(max_length=60, examples=[AGENCY])]
Resource = Annotated[str, Path(max_length=60, examples=[STRUCTURE])]
Version = Annotated[str, Path(max_length=20, examples=[VERSION])]


router = APIRouter(tags=["sdmx"])


def _structure(
    reference: Reference,
    message: StructureMessage,
    request: Request,
    kind: str,
    agency: str,
    resource: str,
    version: str,
) -> Response:
    if agency not in (AGENCY, "*") or resource not in (_KINDS[kind], "*") or version not in _VERSIONS:
        there = f"{AGENCY}:{_KINDS[kind]}({VERSION})"
        raise NotFound(
            "structure",
            f"there is no {kind} {quoted(f'{agency}:{resource}({version})')}; there is {there}",
            [there],
        )
    tag = entity_tag(reference.version, "structure")
    return not_modified(request, tag) or Response(
        message.content, media_type=MEDIA_TYPE, headers=cache_headers(tag)
    )


@router.get(
    "/v1/sdmx/structure/{kind}/{agency}/{resource}",
    summary="The data structure definition",
    response_class=Response,
    responses=_STRUCTURE,
)
def get_structure(
    request: Request,
    reference: TheReference,
    message: TheStructure,
    kind: Kind,
    agency: Agency,
    resource: Resource,
) -> Response:
    """Return data structure, dataflow, code lists and concepts, all in one message."""
    return _structure(reference, message, request, kind, agency, resource, VERSION)


@router.get(
    "/v1/sdmx/structure/{kind}/{agency}/{resource}/{version}",
    summary="A version of the data structure definition",
    response_class=Response,
    responses=_STRUCTURE,
)
def get_structure_version(
    request: Request,
    reference: TheReference,
    message: TheStructure,
    kind: Kind,
    agency: Agency,
    resource: Resource,
    version: Version,
) -> Response:
    """Return the same by version: there is one."""
    return _structure(reference, message, request, kind, agency, resource, version)


@router.get(
    f"/v1/sdmx/data/dataflow/{AGENCY}/{DATAFLOW}/{{version}}/{{key}}",
    summary="The data of a month",
    response_class=Response,
    responses={
        200: {
            "description": "SDMX-CSV 2.0, or SDMX-JSON 2.0.",
            "content": {FORMS["sdmx-csv"].bare_type: {}},
        },
        304: {"description": "Nothing is new."},
        **documented(403, 404, 422, 503),
    },
)
def get_data(
    request: Request,
    reports: TheReports,
    measures: TheMeasures,
    sight: TheSight,
    version: Version,
    key: Annotated[
        str,
        Path(
            pattern=r"^M?\.[A-Z]{2}(\.\*|\.)*$",
            description="FREQ.REF_AREA and no further dimension: a report is one message",
            examples=["M.XA"],
        ),
    ],
    period: Annotated[
        str | None,
        Query(alias="c[TIME_PERIOD]", max_length=20, description="eq:YYYY-MM; by default the newest"),
    ] = None,
    form_name: Annotated[
        Literal["csv", "json"] | None, Query(alias="format", description="by default what Accept asks for")
    ] = None,
) -> Response:
    """Return the observations of an economy's month."""
    if version not in _VERSIONS:
        raise QuestionError(f"there is no version {quoted(version)} of {DATAFLOW}; there is {VERSION}")
    economy = key.split(".")[1]
    running = sight.running(request, economy)
    asked = str(Month.parse(period.removeprefix("eq:"))) if period else None
    month = measures.month(economy, asked, running=running)
    months = reports.months(economy, month, running=running)
    sight.note(request, economy, [month])
    wants_json = form_name == "json" or (form_name is None and "json" in request.headers.get("accept", ""))
    form = FORMS["sdmx-json" if wants_json else "sdmx-csv"]
    language = language_of(economy)
    tag = reports.tag(economy, months, None, form.name, language)
    same = not_modified(request, tag)
    if same is not None:
        return same
    body, _ = reports.render(economy, months, form, language)
    return Response(body, media_type=form.media_type, headers=cache_headers(tag))
