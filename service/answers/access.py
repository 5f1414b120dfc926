"""What the API takes and answers of keys, the record, and who one is."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from caudal.service.access.audit import AuditLine
from caudal.service.access.keys import DAYS, DAYS_MOST, Key
from caudal.service.answers.answers import Answer, EconomyCode, Reason
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import Identifier

KeyId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8}$", examples=["4fGk02Zq"])]
Scope = Annotated[
    list[str] | None, Field(description="those it is bound to; null: not bound to any", examples=[["UY"]])
]


class KeyOrder(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role = Field(examples=["analyst"])
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,62}$",
        description="who holds it; of a collector its id",
        examples=["University"],
    )
    economies: list[EconomyCode] = Field(default=[], max_length=250, examples=[["UY"]])
    operators: list[Identifier] = Field(default=[], max_length=250, examples=[[]])
    days: int = Field(default=DAYS, ge=1, le=DAYS_MOST, description="how long it is valid", examples=[DAYS])


class RevocationOrder(BaseModel):
    """Why a key is no longer to be valid."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason = Field(description="for whoever asks later", examples=["lost"])


class KeyAnswer(Answer):
    """What is known of a key: everything but the key."""

    id: KeyId
    role: Role = Field(examples=["analyst"])
    name: str = Field(examples=["University"])
    economies: Scope
    operators: Scope
    state: Literal["valid", "expired", "revoked"] = Field(examples=["valid"])
    created_at: datetime = Field(examples=["2026-11-21T12:00:00Z"])
    created_by: str = Field(examples=["admin"])
    expires_at: datetime = Field(examples=["2027-11-21T12:00:00Z"])
    revoked_at: datetime | None = Field(examples=[None])
    revoked_by: str = Field(examples=[""])
    reason: str = Field(description="why it was revoked", examples=[""])

    @classmethod
    def of(cls, key: Key, now: datetime) -> "KeyAnswer":
        """Return a key as the API says it."""
        return cls(**known(key, now))


class NewKeyAnswer(KeyAnswer):
    """A key that was made, and the key itself, which is shown now and never again."""

    key: str = Field(description="write it down: it is kept nowhere", examples=["caudal_4fGk02Zq_…"])


class KeyList(Answer):
    """Every key there ever was, oldest first."""

    keys: list[KeyAnswer]


class AuditLineAnswer(Answer):
    """A line of the record: who did what to what, and how it went."""

    number: int = Field(examples=[17])
    time: datetime = Field(examples=["2026-11-21T12:00:00.123Z"])
    actor: str = Field(examples=["admin"])
    role: str = Field(examples=["admin"])
    credential: str = Field(description="what proved it: never a secret", examples=["admin_token_file"])
    deed: str = Field(examples=["key.make"])
    subject: str = Field(examples=["key 4fGk02Zq"])
    outcome: str = Field(examples=["done"])
    detail: str = Field(description="JSON", examples=['{"role": "analyst"}'])
    previous: str = Field(description="hash of the line before", examples=["0" * 64])
    hash: str = Field(description="SHA-256 of this line", examples=["9f86d081884c7d65" * 4])

    @classmethod
    def of(cls, line: AuditLine) -> "AuditLineAnswer":
        """Return a line as the API says it."""
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class AuditPage(Answer):
    """Lines of the record, newest first."""

    lines: list[AuditLineAnswer]
    before: int | None = Field(
        description="ask with this as `before` for the lines that came before; null: there are none",
        examples=[None],
    )


class VerificationAnswer(Answer):
    """Whether the record is whole."""

    whole: bool = Field(examples=[True])
    lines: int = Field(description="lines that fit, from the first on", examples=[1204])
    newest: str = Field(
        description="hash of the last line that fits: keep it elsewhere, and ask for it the next time as `known`",
        examples=["9f86d081884c7d65" * 4],
    )
    wrong_line: int | None = Field(description="number of the first line that does not fit", examples=[None])
    fault: str | None = Field(description="what is wrong with it", examples=[None])


class MeAnswer(Answer):
    """Who asks, as the service knows them."""

    name: str = Field(examples=["University"])
    role: Role = Field(examples=["analyst"])
    credential: str = Field(description="what proved it; empty for anybody", examples=["key 4fGk02Zq"])
    economies: Scope
    operators: Scope
    expires_at: datetime | None = Field(description="null: it does not", examples=["2027-11-21T12:00:00Z"])
    may: dict[str, str] = Field(
        description="what the role may have", examples=[{"published": "what is published"}]
    )


def known(key: Key, now: datetime) -> dict[str, Any]:
    """Return what may be said of a key, by name."""
    return {
        "id": key.id,
        "role": key.role,
        "name": key.name,
        "economies": scope(key.economies),
        "operators": scope(key.operators),
        "state": key.state(now),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "revoked_by": key.revoked_by,
        "reason": key.reason,
    }


def scope(bound: frozenset[str] | None) -> list[str] | None:
    """Return what something is bound to, as the API says it."""
    return sorted(bound) if bound is not None else None
