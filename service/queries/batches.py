"""Batches: where each stands, the changes made to it, and the vintages published of its months."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from caudal.service.ingest.outcomes import State
from caudal.service.store.store import Store


@dataclass(frozen=True)
class BatchQuery:
    """Which batches to list; what is None restricts nothing. Times are of receipt, [start, end).

    `economies` and `operators` are those that whoever asks may see.
    """

    economy: str | None = None
    operator: str | None = None
    collector: str | None = None
    software: str | None = None
    state: State | None = None
    batch_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    economies: frozenset[str] | None = None
    operators: frozenset[str] | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True)
class BatchRow:
    """A batch as it is listed: who sent it, what it carries, where it stands, and why."""

    batch_id: str
    collector: str
    operator: str
    economy: str
    received_at: datetime
    created: str
    sequence: str
    software: str
    synthetic: bool
    rows: int
    flows: int
    bytes: int
    packets: int
    state: State
    reason: str
    changed_at: datetime | None
    kept: bool


@dataclass(frozen=True)
class Change:
    """A change of a batch: the deed, the state afterwards, why, by whom, when."""

    deed: str
    state: State
    reason: str
    subject: str
    changed_at: datetime


# A batch that was set aside before it was recorded is known by where it was set aside.
BATCHES = """(
    SELECT batch_id, toString(collector) AS collector, toString(operator) AS operator, toString(economy) AS economy,
        received_at, created, sequence, toString(software) AS software, synthetic, rows, flows, bytes, packets
    FROM batch
    UNION ALL
    SELECT batch_id, toString(collector), toString(operator), toString(economy), received_at, '', '', '', false,
        toUInt64(0), toInt128(0), toInt128(0), toInt128(0)
    FROM batch_aside
    WHERE batch_id NOT IN (SELECT batch_id FROM batch)
    ORDER BY number DESC LIMIT 1 BY batch_id
)"""
STATES = """(
    SELECT batch_id, argMax(state, number) AS last_state, argMax(reason, number) AS last_reason,
        toUInt32(argMax(changed_at, number)) AS last_changed
    FROM batch_change
    GROUP BY batch_id
)"""
# Where a batch stands, of `BATCHES AS b LEFT JOIN STATES AS c`.
STATE = "if(c.last_state = '', 'counted', toString(c.last_state))"
_FILTERS = {
    "economy": "b.economy = {economy:String}",
    "operator": "b.operator = {operator:String}",
    "collector": "b.collector = {collector:String}",
    "software": "positionCaseInsensitive(b.software, {software:String}) > 0",
    "batch_id": "b.batch_id = {batch_id:String}",
    "state": "state = {state:String}",
    "start": "b.received_at >= toDateTime({start:UInt32}, 'UTC')",
    "end": "b.received_at < toDateTime({end:UInt32}, 'UTC')",
    "economies": "has({economies:Array(String)}, b.economy)",
    "operators": "has({operators:Array(String)}, b.operator)",
}


def batches(store: Store, query: BatchQuery) -> tuple[list[BatchRow], int]:
    """Return batches, the newest first, and how many there are in all. `software` is found anywhere in the text."""
    values: dict[str, Any] = {}
    for name in _FILTERS:
        value = getattr(query, name)
        if value is not None:
            if isinstance(value, datetime):
                values[name] = int(value.timestamp())
            else:
                values[name] = sorted(value) if isinstance(value, frozenset) else str(value)
    where = " AND ".join(["1", *(_FILTERS[name] for name in values)])
    chosen = f"FROM {BATCHES} AS b LEFT JOIN {STATES} AS c ON c.batch_id = b.batch_id WHERE {where}"
    state = f"{STATE} AS state"
    found = store.frame(
        f"SELECT b.batch_id AS batch_id, collector, operator, economy, toUInt32(b.received_at) AS received, created, "
        "sequence, software, synthetic, rows, toString(flows) AS flows, toString(bytes) AS bytes, "
        f"toString(packets) AS packets, {state}, c.last_reason AS reason, c.last_changed AS changed, "
        "b.batch_id IN (SELECT batch_id FROM batch_body) AS kept, count() OVER () AS found "
        f"{chosen} ORDER BY b.received_at DESC, b.batch_id LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}",
        {**values, "limit": query.limit, "offset": query.offset},
    )
    if found.is_empty() and query.offset:
        return [], int(store.value(f"SELECT countIf(state != '') FROM (SELECT {state} {chosen})", values))
    return [_row(row) for row in found.iter_rows(named=True)], int(found["found"][0]) if found.height else 0


def changes(store: Store, batch_id: str) -> list[Change]:
    """Return the changes of a batch since it was received, in order."""
    found = store.frame(
        "SELECT deed, state, reason, subject, toUInt32(changed_at) AS changed FROM batch_change "
        "WHERE batch_id = {id:String} ORDER BY number, deed = 'quarantine' LIMIT 1 BY number, deed",
        {"id": batch_id},
    )
    return [
        Change(
            row["deed"],
            State(row["state"]),
            row["reason"],
            row["subject"],
            datetime.fromtimestamp(row["changed"], UTC),
        )
        for row in found.iter_rows(named=True)
    ]


def received_of(store: Store, economies: Collection[str]) -> tuple[int, int, int]:
    """Return the number of batches received of economies, when the newest was (Unix time), and the number of the last change."""
    where = "WHERE has({economies:Array(String)}, economy)"
    batches, newest, change = store.frame(
        f"SELECT count() AS batches, toUInt32(max(received_at)) AS newest, "
        f"(SELECT max(number) FROM batch_change {where}) AS changes FROM batch {where}",
        {"economies": list(economies)},
    ).row(0)
    return batches, newest, change


def published_of(store: Store, economy: str, months: Iterable[str]) -> list[str]:
    """Return the newest vintage of each of an economy's months that is published: what a change may ask to revise."""
    found = store.frame(
        "SELECT argMax(vintage, number) AS newest FROM vintage AS v WHERE economy = {economy:String} "
        "AND has({months:Array(String)}, substring(toString(v.time), 1, 7)) GROUP BY v.time ORDER BY v.time",
        {"economy": economy, "months": sorted(months)},
    )
    return [str(each) for each in found["newest"]]


def _row(row: dict[str, Any]) -> BatchRow:
    del row["found"]
    changed = row.pop("changed")
    received = datetime.fromtimestamp(row.pop("received"), UTC)
    for name in ("rows", "flows", "bytes", "packets"):
        row[name] = int(row[name])
    row["state"] = State(row["state"])
    return BatchRow(
        **row,
        received_at=received,
        changed_at=datetime.fromtimestamp(changed, UTC) if changed else None,
    )
