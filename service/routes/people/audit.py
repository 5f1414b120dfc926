"""/v1/audit: the record of what was done, and whether it is whole."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from caudal.service.answers.access import AuditLineAnswer, AuditPage, VerificationAnswer
from caudal.service.problem import documented
from caudal.service.requests.dependencies import KEY, TheAccess, demand
from caudal.service.roles.roles import Resource

router = APIRouter(tags=["access"], dependencies=[KEY, Depends(demand(Resource.audit))])


@router.get("/v1/audit", summary="What was done", responses=documented(401, 403, 422, 503))
def get_audit(
    access: TheAccess,
    before: Annotated[
        int | None, Query(ge=1, le=2**63, description="lines of smaller numbers", examples=[18])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    deed: Annotated[
        str | None,
        Query(max_length=40, description="of this kind only", examples=["key.make"]),
    ] = None,
) -> AuditPage:
    """Return lines of the record, newest first: who published, was refused, made keys, read what is withheld."""
    lines = access.audit.page(before, limit, deed)
    return AuditPage(
        lines=[AuditLineAnswer.of(line) for line in lines],
        before=lines[-1].number if len(lines) == limit else None,
    )


@router.get(
    "/v1/audit/verification",
    summary="Whether the record is whole",
    responses=documented(401, 403, 422, 503),
)
def get_verification(
    access: TheAccess,
    known: Annotated[
        str | None,
        Query(pattern="^[0-9a-f]{64}$", description="a hash that was kept, which must be among the lines"),
    ] = None,
) -> VerificationAnswer:
    """Compute the hash of every line again, and compare; say the first that does not fit."""
    found = access.audit.verify(known)
    return VerificationAnswer(
        whole=found.fault is None,
        lines=found.lines,
        newest=found.newest,
        wrong_line=found.wrong_line,
        fault=found.fault,
    )
