"""A key: how it is written, what it allows, and until when.

A key is `caudal_<id>_<secret>`: a prefix by which scanners of source code find it, eight letters that name it in
lists and logs, and 256 random bits. Who has the key has the role; so only its SHA-256 is kept.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Role

DAYS = 365
DAYS_MOST = 3 * 365 + 1
# Two, so that one can be put in place while the other still works.
VALID_AT_ONCE = 2

KeyState = Literal["valid", "expired", "revoked"]

_LETTERS = string.digits + string.ascii_letters
_ID_LETTERS = 8
_SECRET_BITS = 256
_SECRET_LETTERS = 43  # 62^43 > 2^256


@dataclass(frozen=True)
class Key:
    """A key as the store knows it, without the key itself. None in `economies` or `operators`: it is not bound to any."""

    id: str
    digest: str
    role: Role
    name: str
    economies: frozenset[str] | None
    operators: frozenset[str] | None
    created_at: datetime
    expires_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    revoked_by: str = ""
    reason: str = ""

    def state(self, now: datetime) -> KeyState:
        """Return the state of the key at a time: valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"

    @property
    def actor(self) -> Actor:
        """The actor that holds the key."""
        return Actor(
            self.role, self.name, self.economies, self.operators, credential_of(self.id), self.expires_at
        )


def credential_of(key_id: str) -> str:
    """Return the name of a key in the record of who did something."""
    return f"key {key_id}"


def new_key() -> tuple[str, str]:
    """Return the id of a new key, and the key."""
    key_id = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LETTERS))
    number = secrets.randbits(_SECRET_BITS)
    letters = []
    for _ in range(_SECRET_LETTERS):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return key_id, f"caudal_{key_id}_{''.join(letters)}"


def digest_of(token: str) -> str:
    """Return the SHA-256 of a key or token, hex: keys are looked up by it, so that time tells nothing of them."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
