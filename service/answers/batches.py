"""What the API says of batches, and the order to change one, as typed models with examples."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from caudal.service.answers.answers import Answer, Reason
from caudal.service.ingest import Order, State

BatchId = Annotated[
    str, Field(description="SHA-256 of the batch's body, hex", examples=["9f86d081884c7d65" * 4])
]


class BatchAnswer(Answer):
    """A batch: who sent it, what it carries, where it stands."""

    batch_id: BatchId
    collector: str = Field(examples=["xa-1"])
    operator: str = Field(examples=["demo-net"])
    economy: str = Field(examples=["XA"])
    received_at: datetime = Field(examples=["2026-11-21T12:00:00Z"])
    created: str = Field(description="when the collector made it", examples=["2026-11-21T11:59:50+00:00"])
    sequence: str = Field(description="the collector's own count", examples=["1041"])
    software: str = Field(description="what made it", examples=["caudal 0.1.0"])
    synthetic: bool = Field(examples=[False])
    rows: int = Field(description="rows of flows", examples=[1834])
    flows: int = Field(examples=[90123])
    bytes: int = Field(examples=[81234567890])
    packets: int = Field(examples=[90123456])
    state: State = Field(description="only a counted one is part of figures", examples=["counted"])
    reason: str = Field(description="why it is in this state; empty where it just counts", examples=[""])
    changed_at: datetime | None = Field(description="since when, where it was changed", examples=[None])
    kept: bool = Field(
        description="its body was kept, so it can be taken back; otherwise send it again first",
        examples=[True],
    )


class BatchesAnswer(Answer):
    """Batches, the newest first."""

    batches: list[BatchAnswer]
    found: int = Field(description="how many there are in all, shown or not", examples=[1])


class ChangeAnswer(Answer):
    """What was done to a batch."""

    deed: str = Field(examples=["retract"])
    state: State = Field(description="the state it was in afterwards", examples=["retracted"])
    reason: str = Field(examples=["router counted twice"])
    subject: str = Field(description="who did it", examples=["anna"])
    changed_at: datetime = Field(examples=["2026-11-21T12:00:00Z"])


class BatchHistory(Answer):
    """A batch and what was done to it."""

    batch: BatchAnswer
    changes: list[ChangeAnswer]


class ChangeOrder(BaseModel):
    """What is to be done to a batch, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: Order = Field(examples=["retract"])
    reason: Reason = Field(description="for whoever asks later", examples=["router counted twice"])


class ChangeReceipt(Answer):
    """The order was carried out, durably."""

    batch_id: BatchId
    state: State = Field(description="the state it is in now", examples=["retracted"])
    months: list[str] = Field(description="the months it speaks of", examples=[["2026-08"]])
    published: list[str] = Field(
        description="vintages of these months: they stay as they are, and may have to be revised",
        examples=[["XA-2026-08-v1"]],
    )


class CollectorDay(Answer):
    """Batches of a collector that were received on a day and stand alike."""

    day: str = Field(examples=["2026-11-21"])
    state: State = Field(description="where they stand now", examples=["counted"])
    batches: int = Field(examples=[288])
    rows: int = Field(examples=[120345])
    newest_received_at: datetime = Field(examples=["2026-11-21T12:00:00Z"])


class CollectorStatus(Answer):
    """What became of a collector's batches."""

    collector: str = Field(examples=["xa-1"])
    operator: str = Field(examples=["demo-net"])
    newest_received_at: datetime | None = Field(
        description="of all its batches; null: none yet", examples=["2026-11-21T12:00:00Z"]
    )
    days: list[CollectorDay] = Field(description="newest first")
