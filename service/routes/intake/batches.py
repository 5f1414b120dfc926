"""POST /v1/batches: the only way in."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from caudal.common.logline import quoted
from caudal.contract.batch import MEDIA_TYPE
from caudal.service.answers.answers import BatchReceipt
from caudal.service.ingest import Accepted, Held
from caudal.service.problem import Problem, documented
from caudal.service.requests.dependencies import KEY, TheAccess, TheIntake
from caudal.service.roles.roles import Resource
from caudal.service.settings.settings import CollectorEntry

_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]*):")

router = APIRouter(tags=["batches"])


async def sender(request: Request, access: TheAccess, intake: TheIntake) -> CollectorEntry:
    """Return the collector whose key came with the request; raise Problem 401 or 403, counted."""
    try:
        actor = access.enter(request.scope, Resource.ingest)
    except Problem as problem:
        intake.refused("forbidden" if problem.status == 403 else "unauthorized")
        raise
    return intake.collector_of(actor)


async def checked_body(
    request: Request, collector: Annotated[CollectorEntry, Depends(sender)], intake: TheIntake
) -> bytes:
    """Return the body, whole and undamaged; raise QuotaExceeded or Problem, counted."""
    intake.demand_quota(collector)
    try:
        content = await _read(request)
    except Problem:
        intake.refused("invalid")
        raise
    intake.enter_body(collector, len(content))
    return content


@router.post(
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
    body: Annotated[bytes, Depends(checked_body)],
    response: Response,
    intake: TheIntake,
) -> BatchReceipt:
    """Store a batch exactly once: acknowledged when it is on disk, recognised when sent again."""
    answer = intake.take(collector, body)
    if isinstance(answer, Accepted):
        return BatchReceipt(batch_id=answer.batch_id, outcome="accepted", received_at=answer.received_at)
    if isinstance(answer, Held):
        response.status_code = 202
        return BatchReceipt(
            batch_id=answer.batch_id, outcome="held", received_at=answer.received_at, detail=answer.why
        )
    response.status_code = 200
    return BatchReceipt(batch_id=answer.batch_id, outcome="duplicate", received_at=answer.received_at)


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
