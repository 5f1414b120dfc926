"""The journal: the deed in hand, those that were set aside, and the changes of each batch."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from caudal.service.ingest.outcomes import State
from caudal.service.ingest.tables import MARKED
from caudal.service.store.store import Store

# What a deed adds: the rows of the batch, the same with the other sign, or nothing. An undo takes out what a deed
# that was set aside had written.
SIGNS: Mapping[str, int] = {
    "store": 1,
    "hold": 0,
    "retract": -1,
    "restore": 1,
    "release": 1,
    "reject": 0,
    "undo": -1,
}


@dataclass(frozen=True)
class Deed:
    """A deed that is being done to a batch; `state` is the one the batch is in afterwards.

    `marks` are the highest block numbers before it was begun, by table; `present` the partitions, as
    table/partition, that are not to be written because they are as they should be. `body` is given only by a journal
    of before bodies were kept.
    """

    batch_id: str
    name: str
    state: State
    number: int
    received_at: datetime
    changed_at: datetime
    reason: str = ""
    subject: str = ""
    marks: Mapping[str, int] = field(default_factory=dict)
    present: frozenset[str] = frozenset()
    body: bytes = b""

    @property
    def sign(self) -> int:
        """1 adds the batch, -1 takes it back, 0 leaves sums alone."""
        return SIGNS[self.name]


class Journal:
    """Reads and writes the journal of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exists(self) -> bool:
        """Return True if the store has a journal at all, of whichever version."""
        return bool(
            self._store.value(
                "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'batch_pending'"
            )
        )

    def open(self) -> Deed | None:
        """Return the deed that was begun and not finished, None where there is none."""
        columns = self._store.frame(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'batch_pending'"
        )["name"]
        later = "deed, state, number, reason, subject, toUInt32(changed_at) AS changed, present"
        chosen = later if "deed" in columns else "'' AS deed"
        rows = self._store.frame(
            "SELECT batch_id, received_at, mapKeys(marks) AS tables, mapValues(marks) AS blocks, "
            f"base64Encode(body) AS body, {chosen} FROM batch_pending LIMIT 1"
        )
        return _deed(rows.row(0, named=True)) if rows.height else None

    def begin(self, deed: Deed) -> Deed:
        """Write a deed down before it is done; return it with its marks."""
        marked = replace(deed, marks=self.marks())
        row = {
            **_columns(marked),
            "marks": pa.array([list(marked.marks.items())], pa.map_(pa.string(), pa.int64())),
        }
        self._store.insert("batch_pending", pa.table({**row, "body": pa.array([b""], pa.binary())}))
        return marked

    def clear(self) -> None:
        """Forget the deed that was being done: it is finished, or set aside."""
        self._store.command("TRUNCATE TABLE batch_pending")

    def written(self, deed: Deed) -> frozenset[str]:
        """Return the partitions, as table/partition, that are as the deed wants them."""
        parts = self._store.frame(
            "SELECT table, partition_id, max(max_block_number) AS block FROM system.parts WHERE active "
            "AND database = currentDatabase() AND has({tables:Array(String)}, table) GROUP BY table, partition_id",
            {"tables": list(MARKED)},
        )
        return deed.present | {
            f"{table}/{partition}"
            for table, partition, block in parts.iter_rows()
            if block > deed.marks.get(table, 0)
        }

    def note(self, deed: Deed, economy: str, name: str | None = None, state: State | None = None) -> None:
        """Write down the deed done to a batch, and the batch's state now."""
        row = _columns(deed)
        del row["received_at"], row["present"]
        row |= {"economy": [economy], "deed": [name or deed.name], "state": [(state or deed.state).value]}
        self._store.insert("batch_change", pa.table(row))

    def noted(self, deed: Deed) -> bool:
        """Return True if the deed is written down."""
        return bool(
            self._store.value(
                "SELECT count() FROM batch_change WHERE batch_id = {id:String} AND number = {number:UInt64} "
                "AND deed = {deed:String}",
                {"id": deed.batch_id, "number": deed.number, "deed": deed.name},
            )
        )

    def set_aside(self, deed: Deed, sender: tuple[str, str, str], why: str) -> None:
        """Put a deed that cannot be finished out of the way of others."""
        present = sorted(self.written(deed))
        if deed.body:
            self.keep(deed.batch_id, deed.body, deed.received_at)
        row = _columns(deed)
        del row["changed_at"]
        economy, operator, collector = sender
        row |= {
            "economy": [economy],
            "operator": [operator],
            "collector": [collector],
            "present": pa.array([present], pa.list_(pa.string())),
            "why": [why],
        }
        self._store.insert("batch_aside", pa.table(row))
        self.note(replace(deed, reason=why, subject=""), economy, "quarantine", State.quarantined)
        self.clear()

    def aside(self, batch_id: str) -> Deed | None:
        """Return the deed of a batch that was set aside last, None where none was."""
        rows = self._store.frame(
            "SELECT batch_id, received_at, deed, state, number, reason, subject, present, "
            "toUInt32(received_at) AS changed, [] AS tables, [] AS blocks, '' AS body FROM batch_aside "
            "WHERE batch_id = {id:String} ORDER BY number DESC LIMIT 1",
            {"id": batch_id},
        )
        return _deed(rows.row(0, named=True)) if rows.height else None

    def next_number(self) -> int:
        """Return a number higher than that of anything that was done."""
        return (
            int(
                self._store.value(
                    "SELECT greatest((SELECT max(number) FROM batch_change), (SELECT max(number) FROM batch_aside))"
                )
            )
            + 1
        )

    def keep(self, batch_id: str, body: bytes, received_at: datetime) -> None:
        """Keep the bytes of a batch."""
        row = {
            "batch_id": [batch_id],
            "received_at": pa.array([received_at], pa.timestamp("s", tz="UTC")),
            "body": pa.array([body], pa.binary()),
        }
        self._store.insert("batch_body", pa.table(row))

    def body(self, batch_id: str) -> bytes | None:
        """Return the bytes of a batch, None where they were not kept."""
        found = self._store.value(
            "SELECT base64Encode(body) FROM batch_body WHERE batch_id = {id:String} LIMIT 1", {"id": batch_id}
        )
        return base64.b64decode(found) if found is not None else None

    def marks(self) -> dict[str, int]:
        """Return the highest block number of each table that has any."""
        return dict(
            self._store.frame(
                "SELECT table, max(max_block_number) AS block FROM system.parts "
                "WHERE database = currentDatabase() AND has({tables:Array(String)}, table) GROUP BY table",
                {"tables": list(MARKED)},
            ).iter_rows()
        )


def _columns(deed: Deed) -> dict[str, Any]:
    return {
        "batch_id": [deed.batch_id],
        "received_at": pa.array([deed.received_at], pa.timestamp("s", tz="UTC")),
        "deed": [deed.name],
        "state": [deed.state.value],
        "number": pa.array([deed.number], pa.uint64()),
        "reason": [deed.reason],
        "subject": [deed.subject],
        "changed_at": pa.array([deed.changed_at], pa.timestamp("s", tz="UTC")),
        "present": pa.array([sorted(deed.present)], pa.list_(pa.string())),
    }


def _deed(row: dict[str, Any]) -> Deed:
    began = {
        "batch_id": row["batch_id"],
        "received_at": row["received_at"],
        "marks": dict(zip(row["tables"], row["blocks"], strict=True)),
        "body": base64.b64decode(row["body"]),
    }
    if not row["deed"]:
        # Of a version that knew no other deed.
        return Deed(name="store", state=State.counted, number=0, changed_at=row["received_at"], **began)
    return Deed(
        name=row["deed"],
        state=State(row["state"]),
        number=row["number"],
        changed_at=datetime.fromtimestamp(row["changed"], UTC),
        reason=row["reason"],
        subject=row["subject"],
        present=frozenset(row["present"]),
        **began,
    )
