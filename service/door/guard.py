"""The guard, who knows who asks and what they may have: the door asks, others answer."""

from typing import Protocol

from starlette.types import Scope

from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Resource


class Guard(Protocol):
    """The guard of the door: who a request comes from, and whether they may have what they ask for."""

    def identify(self, scope: Scope) -> Actor:
        """Return the actor of a request, ANYBODY without credentials; raise Problem where they are wrong."""

    def check(self, actor: Actor, resource: Resource) -> None:
        """Return if the role of an actor may have a resource; raise Problem 401 or 403 otherwise."""
