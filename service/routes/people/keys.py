"""/v1/keys: making, listing and revoking keys; /v1/me: who one is."""

import re
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Response

from caudal.common.vocabulary import IDENTIFIER
from caudal.service.access.keys import credential_of
from caudal.service.answers.access import (
    KeyAnswer,
    KeyList,
    KeyOrder,
    MeAnswer,
    NewKeyAnswer,
    RevocationOrder,
    known,
    scope,
)
from caudal.service.errors import QuestionError
from caudal.service.problem import documented
from caudal.service.requests.dependencies import KEY, TheAccess, TheClock, TheSettings, demand
from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import MEANING, TABLE, Resource, Role
from caudal.service.roles.scope import scope_fault
from caudal.service.settings.settings import CollectorEntry, ServiceSettings

router = APIRouter(tags=["access"], dependencies=[KEY])


@router.get("/v1/me", summary="Who one is to the service", responses=documented(401))
async def get_me(actor: Annotated[Actor, Depends(demand(Resource.oneself))], response: Response) -> MeAnswer:
    """Return whose the key, token or login of the request is, and what it may have."""
    response.headers["Cache-Control"] = "no-store"
    return MeAnswer(
        name=actor.name,
        role=actor.role,
        credential=actor.credential,
        economies=scope(actor.economies),
        operators=scope(actor.operators),
        expires_at=actor.expires_at,
        may={str(each): MEANING[each] for each in Resource if each in TABLE[actor.role]},
    )


@router.get("/v1/keys", summary="Keys", responses=documented(401, 403, 503))
def get_keys(
    _: Annotated[Actor, Depends(demand(Resource.holders))], access: TheAccess, clock: TheClock
) -> KeyList:
    """Return every key there ever was, without the keys themselves, oldest first."""
    now = clock()
    return KeyList(keys=[KeyAnswer.of(key, now) for key in access.keys.all()])


@router.post(
    "/v1/keys",
    summary="Make a key",
    status_code=201,
    responses=documented(401, 403, 409, 413, 422, 503),
)
def post_key(
    settings: TheSettings,
    access: TheAccess,
    clock: TheClock,
    actor: Annotated[Actor, Depends(demand(Resource.keys))],
    order: Annotated[KeyOrder, Body()],
    response: Response,
) -> NewKeyAnswer:
    """Make a key. It is in this answer and nowhere else: what is kept is its SHA-256.

    Two keys of a role and name may be valid, so that one can take the place of the other.
    """
    _check(settings, order)
    key, token = access.keys.create(
        order.role, order.name, order.economies, order.operators, order.days, actor.name
    )
    access.audit.write(
        actor,
        "key.make",
        credential_of(key.id),
        detail={
            "role": str(key.role),
            "name": key.name,
            "economies": scope(key.economies),
            "operators": scope(key.operators),
            "expires_at": key.expires_at.isoformat(),
        },
    )
    response.headers["Cache-Control"] = "no-store"
    return NewKeyAnswer(**known(key, clock()), key=token)


@router.post(
    "/v1/keys/{id}/revocation",
    summary="Revoke a key",
    responses=documented(401, 403, 404, 413, 422, 503),
)
def post_revocation(
    access: TheAccess,
    clock: TheClock,
    actor: Annotated[Actor, Depends(demand(Resource.keys))],
    key_id: Annotated[str, Path(alias="id", max_length=40, examples=["4fGk02Zq"])],
    order: Annotated[RevocationOrder, Body()],
) -> KeyAnswer:
    """Have a key be valid no longer, from this moment on. A key that is revoked stays so."""
    key, new = access.keys.revoke(key_id, actor.name, order.reason)
    if new:
        access.audit.write(actor, "key.revoke", credential_of(key.id), detail={"reason": order.reason})
    return KeyAnswer.of(key, clock())


def _check(settings: ServiceSettings, order: KeyOrder) -> None:
    """Raise QuestionError where a key would be bound to what there is not, or to nothing it could be used for."""
    fault = scope_fault(order.role, order.economies, order.operators)
    if fault is not None:
        raise QuestionError(fault)
    there_are = [operator.id for operator in settings.operators]
    for operator in order.operators:
        if operator not in there_are:
            raise QuestionError(
                f"there is no operator {operator!r} in the settings; there are {', '.join(there_are) or 'none'}"
            )
    if order.role is Role.collector:
        _check_collector(settings.collectors, order)


def _check_collector(collectors: tuple[CollectorEntry, ...], order: KeyOrder) -> None:
    if not re.fullmatch(IDENTIFIER, order.name):
        raise QuestionError(
            "the key of a collector is named after the collector's id: small letters and digits"
        )
    for collector in collectors:
        if collector.id == order.name and collector.operator not in order.operators:
            raise QuestionError(f"collector {collector.id} belongs to operator {collector.operator!r}")
