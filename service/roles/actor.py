"""Actors, and the one function that decides what they get."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from caudal.service.roles.roles import OF_OPERATORS, TABLE, Resource, Role


@dataclass(frozen=True)
class Actor:
    """Somebody who asks: a role, and the name to be written down.

    `economies` and `operators` are those it is restricted to, None where it is not. `credential` names the key, token
    file or session that proved it, never its secret; `expires_at` is when that ends, None where it does not.

    Somebody who logged in and has no role here is public, with a name and a credential.
    """

    role: Role
    name: str
    economies: frozenset[str] | None = None
    operators: frozenset[str] | None = None
    credential: str = ""
    expires_at: datetime | None = None

    @property
    def known(self) -> bool:
        """True if the actor proved who it is."""
        return bool(self.credential)


ANYBODY = Actor(Role.public, "anybody")
# What the service does by itself, it is written down for.
SERVICE = Actor(Role.publisher, "service", credential="own")


def entitled(actor: Actor, resource: Resource) -> bool:
    """Return True if the role of an actor may have a resource at all, of whichever economies and operators."""
    return resource in TABLE.get(actor.role, frozenset())


def decide(
    actor: Actor,
    resource: Resource,
    economies: Collection[str] = (),
    operators: Collection[str] | None = None,
) -> bool:
    """Return True if an actor may have a resource of economies, and there of operators; None means of all of them.

    An actor that is bound to operators has nothing of all operators: ask for its own. Default is no.
    """
    if not entitled(actor, resource):
        return False
    if resource in TABLE[Role.public]:
        return True
    if actor.economies is not None and not set(economies) <= actor.economies:
        return False
    if actor.operators is None:
        return actor.role not in OF_OPERATORS
    return operators is not None and bool(operators) and set(operators) <= actor.operators
