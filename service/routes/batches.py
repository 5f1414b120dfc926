"""POST /v1/batches: the only way in."""

import base64
import binascii
import hashlib
import hmac
import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from caudal.common.logline import quoted
from caudal.contract.batch import MEDIA_TYPE, Batch, BatchError, decode_batch
from caudal.service.access.access import KEY, Access
from caudal.service.admission import QuotaBook, admit, review
from caudal.service.answers.answers import BatchReceipt
from caudal.service.errors import BatchRefused, QuotaExceeded, ServiceError
from caudal.service.ingest import Accepted, Held, Ingest
from caudal.service.metrics import Metrics
from caudal.service.months.measures import Measures
from caudal.service.problem import Problem, documented
from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Resource
from caudal.service.settings.settings import CollectorEntry, ServiceSettings
from caudal.service.store.store import Store

_log = logging.getLogger(__name__)
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]*):")


def router(
    settings: ServiceSettings,
    access: Access,
    store: Store,
    ingest: Ingest,
    measures: Measures,
    metrics: Metrics,
    clock: Callable[[], datetime],
) -> APIRouter:
    """Return the route that takes batches."""
    routes = APIRouter(tags=["batches"])
    quotas = QuotaBook(
        settings.quotas, {each.id: each.quotas for each in settings.collectors if each.quotas is not None}
    )
    # A batch is reviewed and stored in one turn: of two that are reviewed at once, each would find room for itself.
    turn = threading.Lock()

    async def sender(request: Request) -> CollectorEntry:
        try:
            actor = access.enter(request.scope, Resource.ingest)
        except Problem as problem:
            metrics.batches.labels("forbidden" if problem.status == 403 else "unauthorized").inc()
            raise
        return _collector(settings, actor)

    async def body(request: Request, collector: Annotated[CollectorEntry, Depends(sender)]) -> bytes:
        try:
            quotas.demand(collector.id, clock())
            content = await _read(request)
        except QuotaExceeded:
            metrics.batches.labels("quota").inc()
            raise
        except Problem:
            metrics.batches.labels("invalid").inc()
            raise
        quotas.enter(collector.id, clock(), body_bytes=len(content))
        return content

    @routes.post(
        "/v1/batches",
        summary="Store a batch",
        status_code=201,
        response_model=BatchReceipt,
        response_model_exclude_none=True,
        responses={
            201: {"description": "The batch is stored durably."},
            202: {
                "model": BatchReceipt,
                "description": "The batch is stored and waits for review; it is counted nowhere.",
            },
            200: {"model": BatchReceipt, "description": "The batch had been stored before."},
            **documented(400, 401, 403, 413, 415, 422, 429, 503, 507),
        },
        dependencies=[KEY],
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "Two Arrow IPC streams, flows and ledger, one after the other.",
                "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            },
            "parameters": [
                {
                    "name": "Content-Digest",
                    "in": "header",
                    "required": False,
                    "description": "RFC 9530 digest of the body; sha-256 is verified",
                    "schema": {"type": "string"},
                    "example": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
                }
            ],
        },
    )
    def post_batch(
        collector: Annotated[CollectorEntry, Depends(sender)],
        body: Annotated[bytes, Depends(body)],
        response: Response,
    ) -> BatchReceipt:
        """Store a batch exactly once: acknowledged when it is on disk, recognised when sent again."""
        received_at = clock()
        try:
            batch = _checked(settings, measures, collector, body, received_at)
        except Problem as problem:
            outcome = "forbidden" if problem.status == 403 else "refused"
            metrics.batches.labels(outcome if problem.kind != "invalid-batch" else "invalid").inc()
            _log.warning("batch of %s not stored: %s", collector.id, problem.detail)
            raise
        quotas.enter(collector.id, received_at, rows=batch.flows.num_rows + batch.ledger.num_rows)
        started = time.perf_counter()
        try:
            with turn:
                answer = ingest.store_batch(batch, body, received_at, review(store, batch, settings))
        except ServiceError:
            metrics.batches.labels("failed").inc()
            raise
        if isinstance(answer, Accepted):
            metrics.batches.labels("accepted").inc()
            metrics.ingest_seconds.observe(time.perf_counter() - started)
            metrics.rows.labels("flows").inc(batch.flows.num_rows)
            metrics.rows.labels("ledger").inc(batch.ledger.num_rows)
            metrics.last_accepted.set(answer.received_at.timestamp())
            return BatchReceipt(batch_id=batch.id, outcome="accepted", received_at=answer.received_at)
        if isinstance(answer, Held):
            metrics.batches.labels("held").inc()
            _log.warning("batch of %s is held: %s", collector.id, answer.why)
            response.status_code = 202
            return BatchReceipt(
                batch_id=batch.id, outcome="held", received_at=answer.received_at, detail=answer.why
            )
        metrics.batches.labels("duplicate").inc()
        response.status_code = 200
        return BatchReceipt(batch_id=batch.id, outcome="duplicate", received_at=answer.received_at)

    return routes


def _collector(settings: ServiceSettings, actor: Actor) -> CollectorEntry:
    """Return the collector that sends; raise Problem 403 where its operator is none of the settings any more."""
    [operator] = actor.operators or ("",)
    if operator not in {each.id for each in settings.operators}:
        raise Problem(
            "forbidden",
            f"the key of {actor.name} is for operator {quoted(operator)}, which is not among the operators of the service any "
            "more; ask whoever runs it",
        )
    return CollectorEntry(id=actor.name, operator=operator)


async def _read(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise Problem(
            "unsupported-media-type",
            f"the body is {quoted(media_type) if media_type else 'of no declared type'}; send {MEDIA_TYPE}",
            headers={"Accept-Post": MEDIA_TYPE},
        )
    # As long as it may be, and whole: the door has read it.
    body = await request.body()
    _verify(request.headers.get("content-digest"), body)
    return body


def _verify(header: str | None, body: bytes) -> None:
    """Check the sha-256 of a Content-Digest (RFC 9530); other algorithms are for others to check."""
    if header is None or "sha-256=" not in header:
        return
    match = _DIGEST.search(header)
    try:
        stated = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        stated = b""
    if len(stated) != 32:
        raise Problem("bad-digest", "Content-Digest cannot be read; write sha-256=:<base64 of 32 bytes>:")
    if not hmac.compare_digest(stated, hashlib.sha256(body).digest()):
        raise Problem(
            "bad-digest", "the body was damaged on its way: its SHA-256 is not the stated one; send it again"
        )


def _checked(
    settings: ServiceSettings,
    measures: Measures,
    collector: CollectorEntry,
    body: bytes,
    received_at: datetime,
) -> Batch:
    try:
        batch = decode_batch(body, settings.admission.rows_per_batch)
    except BatchError as error:
        raise Problem("invalid-batch", str(error)) from error
    origin = batch.origin
    operator = settings.operator(collector.operator)
    for name, stated, allowed in (
        ("collector", origin.collector, collector.id),
        ("operator", origin.operator, operator.id),
        ("economy", origin.economy, operator.economy),
    ):
        if stated != allowed:
            raise Problem(
                "forbidden",
                f"the batch says {name} {quoted(stated)}, the token is for {name} {allowed!r}; "
                "correct the settings of the collector or of the service",
            )
    try:
        admit(batch, received_at, settings.admission)
    except BatchRefused as error:
        raise Problem("batch-refused", str(error)) from error
    if origin.synthetic and not measures.may_be_synthetic(origin.economy):
        raise Problem(
            "batch-refused",
            f"the batch is synthetic and {origin.economy} is a real economy; synthetic traffic goes to XA only",
        )
    return batch
