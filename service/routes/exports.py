"""GET /v1/export/values.jsonl and aggregates.jsonl: everything that is published, in bulk."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from caudal.service.answers.answers import EconomyCode, MonthText
from caudal.service.months.export import MEDIA_TYPE, export_aggregates, export_values
from caudal.service.problem import documented
from caudal.service.queries.vintages import Vintage, vintages
from caudal.service.requests.choices import bounded
from caudal.service.requests.dependencies import TheClock, TheMeasures, TheSettings, TheStore
from caudal.service.workload.caching import cache_headers, entity_tag, not_modified
from caudal.service.workload.cancellation import check
from caudal.service.workload.heavywork import heavy_work

router = APIRouter(tags=["export"])


@router.get(
    "/v1/export/{content}.jsonl",
    summary="Everything that is published, as JSON Lines",
    response_class=Response,
    responses={
        200: {"description": "A notice, the rows, the end.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        304: {"description": "Nothing is new."},
        **documented(422, 503),
    },
)  # fmt: skip
def get_export(
    request: Request,
    settings: TheSettings,
    store: TheStore,
    measures: TheMeasures,
    clock: TheClock,
    content: Annotated[Literal["values", "aggregates"], Path(description="what")],
    economy: EconomyCode | None = None,
    first: Annotated[MonthText | None, Query(alias="from", description="first month")] = None,
    last: Annotated[MonthText | None, Query(alias="to", description="last month, included")] = None,
    all_vintages: Annotated[
        bool, Query(description="with those that were revised; by default the newest of each month")
    ] = False,
) -> Response:
    """Stream all published values, or the monthly aggregates they are computed from, with the terms of use."""
    licence = settings.data_licence
    chosen = [
        each
        for each in vintages(store, economy, newest=not all_vintages)
        if (first or each.month) <= each.month <= (last or each.month)
    ]
    bounded(len({each.month for each in chosen}))
    state = sha256(repr([each.vintage for each in chosen]).encode()).hexdigest()
    tag = entity_tag(state, content, licence.model_dump_json())
    same = not_modified(request, tag)
    if same is not None:
        return same
    now = clock()
    pieces = (
        export_values(store, chosen, licence, now)
        if content == "values"
        else export_aggregates(store, chosen, licence, now, measures.reference_of)
    )
    name = "-".join(["caudal", content, *([economy] if economy else []), *_marks(chosen)])
    headers = {
        **cache_headers(tag),
        "Content-Disposition": f'attachment; filename="{name}.jsonl"',
        "Link": f'<{licence.url}>; rel="license"',
    }
    return StreamingResponse(_started(pieces), media_type=MEDIA_TYPE, headers=headers)


def _started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Make the first piece before anything is answered: what fails at once is then an error, not half an answer."""
    with heavy_work():
        first = next(pieces)

    def rest() -> Iterator[bytes]:
        yield first
        while True:
            # A turn is held while a piece is made, never while it is read.
            with heavy_work(patient=True):
                check()
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    return rest()


def _marks(chosen: list[Vintage]) -> list[str]:
    return ["synthetic"] if any(each.synthetic for each in chosen) else []
