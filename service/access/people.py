"""People who logged in: what the provider says of them, and which role that gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import Person


@dataclass(frozen=True)
class Claims:
    """Claims of a provider about a person: its own id of somebody, an address where it is verified, and all the rest."""

    subject: str
    email: str | None
    others: Mapping[str, Any]

    @classmethod
    def of(cls, token: Mapping[str, Any]) -> "Claims":
        """Return the claims of an ID token. An address that the provider says is not verified is nobody's."""
        email = token.get("email")
        verified = token.get("email_verified") not in (False, "false")
        return cls(str(token["sub"]), email if isinstance(email, str) and verified else None, dict(token))

    @property
    def name(self) -> str:
        """The name under which the person is written down."""
        return self.email or self.subject

    def fits(self, person: Person) -> bool:
        """Return True if the claims are those of this person of the settings."""
        if person.claim == "email":
            return self.email is not None and self.email.casefold() == person.value.casefold()
        if person.claim == "sub":
            return self.subject == person.value
        said = self.others.get(person.claim)
        return said == person.value or (isinstance(said, list) and person.value in said)


def actor_of_claims(claims: Claims, people: Sequence[Person], until: datetime) -> Actor:
    """Return the actor of claims, by the people that are known: the public, with a name, where nobody is meant."""
    credential = f"login of {claims.name}"
    for person in people:
        if claims.fits(person):
            return Actor(
                person.role,
                claims.name,
                frozenset(person.economies) or None,
                frozenset(person.operators) or None,
                credential,
                until,
            )
    return Actor(Role.public, claims.name, credential=credential, expires_at=until)
