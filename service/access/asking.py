"""Who asks, as the door found out."""

from fastapi import Request

from caudal.service.access.actor import ANYBODY, Actor


def actor_of(request: Request) -> Actor:
    """Return who sent a request; ANYBODY where nothing proved who it is."""
    actor = request.scope.get("state", {}).get("actor", ANYBODY)
    assert isinstance(actor, Actor)
    return actor
