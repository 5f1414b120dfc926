"""Stores a batch exactly once, whatever is killed when.

Storing a batch writes to seven tables (windows, ledger, their roll-ups, the record), in several parts
each; the engine commits one part at a time. So:

1. The batch is written to a journal, `batch_pending`, with its body and a mark for each table: the
   highest block number the table has. Every part written later has a higher one.
2. Windows and ledger are inserted; materialised views fill the roll-ups.
3. The row in `batch` is written: from here on the batch is stored, for ever, and a repetition is
   recognised by it. Only now is it acknowledged.
4. The journal is emptied.

Batches are stored one at a time, and each insert is one block, so each makes exactly one part in each
partition it touches. Whoever finds a journal that is not empty (after a kill, or after an insert that
failed half way) finishes that batch before anything else: a partition with a part above the mark has
the batch already; to any other its rows are added, computed here, not by the views. Then 3 and 4.
What is decided by is the data itself. The engine's own memory of insert tokens would not do: it is
written apart from the part it speaks of, so a kill between the two makes it remember a part that is not
there, and it forgets after some inserts. Tokens are given all the same: on a server they stop an insert
that a connection repeated.
"""

import base64
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa

from caudal.collector.batch import FLOWS, LEDGER, Batch, Column, decode_batch, of_contract
from caudal.service.store import Store


@dataclass(frozen=True)
class Accepted:
    """The batch is stored, durably."""

    batch_id: str
    received_at: datetime


@dataclass(frozen=True)
class Duplicate:
    """The batch had been stored before; nothing was changed."""

    batch_id: str
    received_at: datetime


@dataclass(frozen=True)
class _Target:
    """A table that a batch goes to: how long its time slots are, and how it is partitioned."""

    table: str
    slot: str | None
    partition: str


_WINDOWS = {"flow_window": FLOWS, "ledger_window": LEDGER}
_TARGETS = {
    "flow_window": (
        _Target("flow_window", None, "%Y%m%d"),
        _Target("flow_hour", "1h", "%Y%m"),
        _Target("flow_day", "1d", "%Y%m"),
        _Target("flow_month", "1mo", "%Y"),
    ),
    "ledger_window": (_Target("ledger_window", None, "%Y%m%d"), _Target("ledger_day", "1d", "%Y")),
}
_TABLES = [target.table for targets in _TARGETS.values() for target in targets]
# All that storing a batch writes to.
FACT_TABLES = (*_TABLES, "batch", "batch_pending")
_OUTSIDE_ROLLUPS = ("window_start", "window_seconds", "received_at")
_SENDER = ("economy", "operator", "collector")


class Ingest:
    """Stores batches in one store, one at a time; the only writer of its fact tables."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._settled = False

    def store_batch(self, batch: Batch, body: bytes, received_at: datetime) -> Accepted | Duplicate:
        """Store a batch and return once it is durable, or say that it had been stored.

        `body` is what `batch` was decoded from; `received_at` is UTC-aware. Raises StoreError, after
        which the same batch may be given again.
        """
        with self._lock:
            self._settle()
            known = self._received_at(batch.id)
            if known is not None:
                return Duplicate(batch.id, known)
            received_at = received_at.replace(microsecond=0)
            self._settled = False
            self._store.insert("batch_pending", _journal(batch.id, received_at, self._marks(), body))
            for table, rows in _rows(batch, received_at).items():
                if rows.num_rows:
                    self._store.insert(table, rows, token=batch.id)
            self._finish(batch, received_at)
            return Accepted(batch.id, received_at)

    def recover(self) -> bool:
        """Finish a batch that was being stored when the service was killed; say whether there was one.

        To be called before the store is migrated: how far it came is told by the tables as they were.
        """
        with self._lock:
            journals = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'batch_pending'"
            return bool(self._store.value(journals)) and self._settle()

    def _settle(self) -> bool:
        if self._settled:
            return False
        left = self._store.frame(
            "SELECT batch_id, received_at, mapKeys(marks) AS tables, mapValues(marks) AS blocks, "
            "base64Encode(body) AS body FROM batch_pending LIMIT 1"
        )
        for row in left.iter_rows(named=True):
            if self._received_at(row["batch_id"]) is None:
                if not self._store.embedded:
                    # An insert whose connection broke may still be running there.
                    self._store.command(
                        "KILL QUERY WHERE query_kind = 'Insert' AND current_database = currentDatabase() SYNC"
                    )
                batch = decode_batch(base64.b64decode(row["body"]))
                marks = dict(zip(row["tables"], row["blocks"], strict=True))
                self._complete(batch, row["received_at"], marks)
                self._finish(batch, row["received_at"])
            else:
                self._store.command("TRUNCATE TABLE batch_pending")
        self._settled = True
        return bool(left.height)

    def _complete(self, batch: Batch, received_at: datetime, marks: dict[str, int]) -> None:
        present = {
            (table, partition)
            for table, partition, block in self._store.frame(
                "SELECT table, partition_id, max(max_block_number) AS block FROM system.parts "
                "WHERE active AND database = currentDatabase() AND has({tables:Array(String)}, table) "
                "GROUP BY table, partition_id",
                {"tables": _TABLES},
            ).iter_rows()
            if block > marks.get(table, 0)
        }
        for source, rows in _rows(batch, received_at).items():
            for target in _TARGETS[source]:
                declared = of_contract(_WINDOWS[source], batch.contract)
                for partition, part in _parts(rows, target, declared):
                    if (target.table, partition) not in present:
                        self._insert_without_views(source, target, part)

    def _insert_without_views(self, source: str, target: _Target, part: pa.Table) -> None:
        if target.table != source:
            self._store.insert(target.table, part)
            return
        # Into a window table the views would fire: the rows come in as a part of a table beside it.
        beside = f"{source}_recovery"
        self._store.command(f"DROP TABLE IF EXISTS {beside} SYNC")
        self._store.command(f"CREATE TABLE {beside} AS {source}")
        self._store.insert(beside, part)
        [partition] = {row[0] for row in self._partitions(beside)}
        self._store.command(f"ALTER TABLE {source} ATTACH PARTITION ID '{partition}' FROM {beside}")
        self._store.command(f"DROP TABLE {beside} SYNC")

    def _partitions(self, table: str) -> Iterable[tuple[str]]:
        return self._store.frame(
            "SELECT DISTINCT partition_id FROM system.parts "
            "WHERE active AND database = currentDatabase() AND table = {table:String}",
            {"table": table},
        ).iter_rows()

    def _finish(self, batch: Batch, received_at: datetime) -> None:
        self._store.insert("batch", _record(batch, received_at), token=batch.id)
        self._store.command("TRUNCATE TABLE batch_pending")
        self._settled = True

    def _received_at(self, batch_id: str) -> datetime | None:
        found: datetime | None = self._store.value(
            "SELECT received_at FROM batch WHERE batch_id = {id:String} LIMIT 1", {"id": batch_id}
        )
        return found

    def _marks(self) -> dict[str, int]:
        return dict(
            self._store.frame(
                "SELECT table, max(max_block_number) AS block FROM system.parts "
                "WHERE database = currentDatabase() AND has({tables:Array(String)}, table) GROUP BY table",
                {"tables": _TABLES},
            ).iter_rows()
        )


def _rows(batch: Batch, received_at: datetime) -> dict[str, pa.Table]:
    """Return the rows of both window tables, in the order they are inserted.

    They have the columns of the batch's own contract, so that a batch that an older version began to store can
    be finished before its tables are migrated; where a table has more, it has 0 there.
    """
    received = received_at.astimezone(UTC)
    answer = {}
    for table, rows in (("flow_window", batch.flows), ("ledger_window", batch.ledger)):
        columns = [column.name for column in of_contract(_WINDOWS[table], batch.contract)]
        extended = rows.select(columns).replace_schema_metadata(None)
        for name in _SENDER:
            extended = extended.append_column(
                name, pa.repeat(pa.scalar(getattr(batch.origin, name), pa.string()), rows.num_rows)
            )
        answer[table] = extended.append_column(
            "received_at", pa.repeat(pa.scalar(received, pa.timestamp("s", tz="UTC")), rows.num_rows)
        )
    return answer


def _parts(rows: pa.Table, target: _Target, declared: tuple[Column, ...]) -> Iterable[tuple[str, pa.Table]]:
    """Return what a target gets of a batch, partition by partition: (partition id, rows)."""
    frame = pl.DataFrame(pl.from_arrow(rows))
    time = "received_at"
    if target.slot is not None:
        time = "time"
        keys = [
            "time",
            *_SENDER,
            *(c.name for c in declared if c.kind == "key" and c.name not in _OUTSIDE_ROLLUPS),
        ]
        frame = (
            frame.with_columns(pl.col("window_start").dt.truncate(target.slot).alias("time"))
            .group_by(keys)
            .agg(pl.col(c.name).sum() for c in declared if c.kind == "sum")
        )
    slices = frame.with_columns(pl.col(time).dt.strftime(target.partition).alias("partition_id"))
    for (partition,), part in slices.partition_by("partition_id", as_dict=True, include_key=False).items():
        yield str(partition), part.to_arrow(compat_level=pl.CompatLevel.oldest())


def _journal(batch_id: str, received_at: datetime, marks: dict[str, int], body: bytes) -> pa.Table:
    return pa.table(
        {
            "batch_id": [batch_id],
            "received_at": pa.array([received_at], pa.timestamp("s", tz="UTC")),
            "marks": pa.array([list(marks.items())], pa.map_(pa.string(), pa.int64())),
            "body": pa.array([body], pa.binary()),
        }
    )


def _record(batch: Batch, received_at: datetime) -> pa.Table:
    flows = pl.DataFrame(pl.from_arrow(batch.flows.select(["bytes", "packets", "flows"]))).sum()
    origin = batch.origin
    return pa.table(
        {
            "batch_id": [batch.id],
            "collector": [origin.collector],
            "operator": [origin.operator],
            "economy": [origin.economy],
            "received_at": pa.array([received_at], pa.timestamp("s", tz="UTC")),
            "created": [origin.created],
            "sequence": [str(origin.sequence)],
            "software": [origin.software],
            "synthetic": [bool(origin.synthetic)],
            "rows": pa.array([batch.flows.num_rows], pa.uint64()),
            "flows": pa.array([flows["flows"][0] or 0], pa.uint64()),
            "bytes": pa.array([flows["bytes"][0] or 0], pa.uint64()),
            "packets": pa.array([flows["packets"][0] or 0], pa.uint64()),
        }
    )
