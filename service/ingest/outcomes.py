"""Outcomes for a batch: the answers of ingest, the states a batch is in, the orders possible in each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from caudal.common.logline import quoted
from caudal.service.errors import NotFound


class State(StrEnum):
    """States of a batch; only a counted one is part of any figure."""

    counted = "counted"
    held = "held"
    retracted = "retracted"
    rejected = "rejected"
    quarantined = "quarantined"


class Order(StrEnum):
    """Orders about a batch that is known."""

    retract = "retract"
    restore = "restore"
    release = "release"
    reject = "reject"
    retry = "retry"


# Which orders a batch takes in each state.
ORDERS: Mapping[State, tuple[Order, ...]] = {
    State.counted: (Order.retract,),
    State.held: (Order.release, Order.reject),
    State.retracted: (Order.restore,),
    State.rejected: (Order.restore,),
    State.quarantined: (Order.retry, Order.reject),
}


@dataclass(frozen=True)
class Accepted:
    """The batch is stored, durably, and counted."""

    batch_id: str
    received_at: datetime


@dataclass(frozen=True)
class Duplicate:
    """The batch had been received before; nothing was changed."""

    batch_id: str
    received_at: datetime


@dataclass(frozen=True)
class Held:
    """The batch is stored, durably, and counted nowhere until it is released; `why` says what it waits for."""

    batch_id: str
    received_at: datetime
    why: str


@dataclass(frozen=True)
class Changed:
    """An order was carried out: the batch, its economy, its state now, the months (YYYY-MM) it speaks of."""

    batch_id: str
    economy: str
    state: State
    months: tuple[str, ...]


def unknown_batch(batch_id: str) -> NotFound:
    """Return the error of a batch that there is not, or not for whoever asks."""
    return NotFound(
        "batch", f"there is no batch {quoted(batch_id)}; GET /v1/batches lists those there are", []
    )
