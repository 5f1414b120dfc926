"""GET /v1/batches, /v1/batches/{id}, POST /v1/batches/{id}/changes: find batches, take them back, count them again."""

import re
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from caudal.service.answers.batches import (
    BatchAnswer,
    BatchesAnswer,
    BatchHistory,
    ChangeAnswer,
    ChangeOrder,
    ChangeReceipt,
)
from caudal.service.errors import QuestionError
from caudal.service.ingest import State, unknown_batch
from caudal.service.problem import documented
from caudal.service.queries.batches import BatchQuery, BatchRow, batches, changes, published_of
from caudal.service.requests.dependencies import KEY, TheAccess, TheIngest, TheStore, demand
from caudal.service.roles.actor import Actor, decide
from caudal.service.roles.roles import Resource
from caudal.service.store.store import Store

_TEXT = r"^[^\x00-\x1f\x7f]{1,200}$"
_ID = re.compile(r"[0-9a-f]{64}")


router = APIRouter(tags=["batches"], dependencies=[KEY])


@router.get("/v1/batches", summary="Find batches", responses=documented(401, 403, 422, 503))
def get_batches(
    store: TheStore,
    actor: Annotated[Actor, Depends(demand(Resource.batches))],
    economy: Annotated[str | None, Query(pattern=r"^[A-Z]{2}$", examples=["XA"])] = None,
    operator: Annotated[str | None, Query(pattern=_TEXT, examples=["demo-net"])] = None,
    collector: Annotated[str | None, Query(pattern=_TEXT, examples=["xa-1"])] = None,
    software: Annotated[
        str | None, Query(pattern=_TEXT, description="anywhere in its name", examples=["caudal 0.1"])
    ] = None,
    state: State | None = None,
    start: Annotated[
        datetime | None,
        Query(alias="from", description="received from then on", examples=["2026-11-01T00:00:00Z"]),
    ] = None,
    end: Annotated[
        datetime | None,
        Query(alias="to", description="received before", examples=["2026-12-01T00:00:00Z"]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> BatchesAnswer:
    """Return batches by who sent them, when they came, what made them and where they stand; the newest first."""
    query = BatchQuery(economy, operator, collector, software, state, None, _time(start), _time(end))
    query = replace(query, economies=actor.economies, operators=actor.operators, limit=limit, offset=offset)
    rows, found = batches(store, query)
    return BatchesAnswer(batches=[BatchAnswer(**asdict(row)) for row in rows], found=found)


@router.get("/v1/batches/{id}", summary="One batch", responses=documented(401, 403, 404, 422, 503))
def get_batch(
    store: TheStore,
    actor: Annotated[Actor, Depends(demand(Resource.batches))],
    batch_id: Annotated[str, Path(alias="id", max_length=64)],
) -> BatchHistory:
    """Return a batch and what was done to it."""
    row = _one(store, actor, Resource.batches, batch_id)
    done = [ChangeAnswer(**asdict(each)) for each in changes(store, batch_id)]
    return BatchHistory(batch=BatchAnswer(**asdict(row)), changes=done)


@router.post(
    "/v1/batches/{id}/changes",
    summary="Take a batch back, or count it again",
    responses=documented(401, 403, 404, 409, 422, 503, 507),
)
def post_change(
    store: TheStore,
    ingest: TheIngest,
    access: TheAccess,
    actor: Annotated[Actor, Depends(demand(Resource.changes))],
    batch_id: Annotated[str, Path(alias="id", max_length=64)],
    order: ChangeOrder,
) -> ChangeReceipt:
    """Retract, restore, release, reject or retry a batch; roll-ups, ledger and unpublished months follow at once."""
    _one(store, actor, Resource.changes, batch_id)
    changed = ingest.change(batch_id, order.change, order.reason, actor.name)
    access.audit.write(actor, f"batch.{order.change}", batch_id, detail={"reason": order.reason})
    return ChangeReceipt(
        batch_id=batch_id,
        state=changed.state,
        months=list(changed.months),
        published=published_of(store, changed.economy, changed.months),
    )


def _one(store: Store, actor: Actor, resource: Resource, batch_id: str) -> BatchRow:
    # What somebody may not see is not there.
    found = batches(store, BatchQuery(batch_id=batch_id))[0] if _ID.fullmatch(batch_id) else []
    if not found or not decide(actor, resource, (found[0].economy,), (found[0].operator,)):
        raise unknown_batch(batch_id)
    return found[0]


def _time(moment: datetime | None) -> datetime | None:
    """Return a time that the store can compare; raise QuestionError for one it cannot."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise QuestionError("`from` and `to` need a time zone; write 2026-11-01T00:00:00Z")
    try:
        seconds = moment.timestamp()
    except (OverflowError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < 1 << 32:
        raise QuestionError("`from` and `to` must lie between 1970 and 2106")
    return moment
