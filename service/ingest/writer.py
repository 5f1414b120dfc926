"""Puts the rows of a batch into windows and roll-ups, or takes them out: each statement makes one part a partition."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property

import pyarrow as pa

from caudal.contract.batch import Batch, Column, of_contract
from caudal.service.ingest.journal import Deed
from caudal.service.ingest.record import text
from caudal.service.ingest.tables import FLOW, ROLL_UPS, SENDER, STREAMS, RollUp, Stream
from caudal.service.store.store import Store


@dataclass(frozen=True)
class _Work:
    """A deed, its batch, and which partitions, as table/partition, are as they should be."""

    deed: Deed
    batch: Batch
    done: frozenset[str]

    @property
    def values(self) -> dict[str, object]:
        origin = self.batch.origin
        sender = {name: text(getattr(origin, name)) for name in SENDER}
        received = int(self.deed.received_at.timestamp())
        return {**sender, "batch_id": self.batch.id, "received": received}

    @property
    def one_window(self) -> bool:
        """True if each cell comes once at most: then there is nothing to add up, and the engine does later."""
        return len(self.batch.flows.column("window_start").unique()) == 1

    @property
    def day(self) -> str:
        """The partition that the windows are in."""
        return f"{self.deed.received_at.astimezone(UTC):%Y%m%d}"

    def done_of(self, table: str) -> list[str]:
        return [each.partition("/")[2] for each in sorted(self.done) if each.startswith(f"{table}/")]


class Writer:
    """Fills the tables of facts of one store; for one deed at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged = False

    def write(self, deed: Deed, batch: Batch, done: frozenset[str], first: bool) -> None:
        """Do what a deed wants to windows and roll-ups, except in partitions that are done.

        `first` says that it was not tried before: then a repeated statement may be known by its name.
        """
        if not deed.sign:
            return
        work = _Work(deed, batch, done)
        with self._rows_of(batch):
            for stream in STREAMS:
                if not _rows(batch, stream).num_rows:
                    continue
                if deed.sign > 0:
                    self._fill_windows(stream, work, first)
                else:
                    self._empty_windows(stream, work)
                for roll_up in ROLL_UPS:
                    if roll_up.stream is stream:
                        self._sum(roll_up, work, first)

    def partitions(self, deed: Deed, batch: Batch) -> frozenset[str]:
        """Return the partitions, as table/partition, that a batch has rows in."""
        work = _Work(deed, batch, frozenset())
        found = {f"{stream.window}/{work.day}" for stream in STREAMS if _rows(batch, stream).num_rows}
        with self._rows_of(batch):
            for roll_up in ROLL_UPS:
                rows = self._store.frame(
                    f"SELECT DISTINCT {roll_up.partition_of_row} AS id FROM {roll_up.stream.incoming} AS s"
                )
                found |= {f"{roll_up.table}/{each}" for each in rows["id"]}
        return frozenset(found)

    @contextmanager
    def _rows_of(self, batch: Batch) -> Iterator[None]:
        """Have the rows of a batch in the staging tables, for as long as they are needed."""
        for stream in STREAMS:
            if not self._staged:
                columns = ", ".join(f"{column.name} {column.clickhouse}" for column in stream.columns)
                self._store.command(f"DROP TABLE IF EXISTS {stream.incoming} SYNC")
                self._store.command(f"CREATE TABLE {stream.incoming} ({columns}) ENGINE = Memory")
            else:
                self._store.command(f"TRUNCATE TABLE {stream.incoming}")
            rows = _rows(batch, stream)
            if rows.num_rows:
                self._store.insert(stream.incoming, rows.replace_schema_metadata(None))
        self._staged = True
        yield
        for stream in STREAMS:
            self._store.command(f"TRUNCATE TABLE {stream.incoming}")

    def _fill_windows(self, stream: Stream, work: _Work, first: bool) -> None:
        if f"{stream.window}/{work.day}" in work.done:
            return
        present = self._columns[stream.window]
        own = [c.name for c in _declared(stream, work.batch) if c.name in present]
        constants = {name: f"{{{name}:String}}" for name in (*SENDER, "batch_id") if name in present}
        constants["received_at"] = "toDateTime({received:UInt32}, 'UTC')"
        # In a store of before, views would fill the roll-ups: the rows come in as a part of a table beside it.
        views = any(name.endswith("_day_filled") for name in self._columns)
        into = f"{stream.window}_recovery" if views else stream.window
        if views:
            self._store.command(f"DROP TABLE IF EXISTS {into} SYNC")
            self._store.command(f"CREATE TABLE {into} AS {stream.window}")
        self._store.insert_select(
            f"INSERT INTO {into} ({', '.join((*own, *constants))}) "
            f"SELECT {', '.join((*(f's.{name}' for name in own), *constants.values()))} FROM {stream.incoming} AS s",
            work.values,
            _token(work, stream.window) if first else None,
        )
        if views:
            self._store.command(f"ALTER TABLE {stream.window} ATTACH PARTITION ID '{work.day}' FROM {into}")
            self._store.command(f"DROP TABLE {into} SYNC")

    def _empty_windows(self, stream: Stream, work: _Work) -> None:
        # A deletion may be repeated, so marks say nothing of it. What retention dropped is gone already.
        found = {"batch_id": work.batch.id}
        where = "batch_id = {batch_id:String}"
        if self._store.value(f"SELECT count() FROM {stream.window} WHERE {where}", found):
            self._store.command(
                f"DELETE FROM {stream.window} IN PARTITION ID '{work.day}' WHERE {where} "
                "SETTINGS lightweight_deletes_sync = 2",
                found,
            )

    def _sum(self, roll_up: RollUp, work: _Work, first: bool) -> None:
        present = self._columns[roll_up.table]
        keys, sums = roll_up.keys(present), roll_up.sums(present)
        add = "" if roll_up.stream is FLOW and work.one_window else "sum"
        sign = "-" if work.deed.sign < 0 else ""
        names = ", ".join(("time", *SENDER, *keys, *(name for name, _ in sums)))
        selected = ", ".join(
            (
                f"{roll_up.slot} AS slot",
                *(f"{{{name}:String}}" for name in SENDER),
                *(f"s.{name}" for name in keys),
                *(f"{sign}{add}({summed})" for _, summed in sums),
            )
        )
        done = work.done_of(roll_up.table)
        left = f" WHERE NOT has({{done:Array(String)}}, {roll_up.partition_of_row})" if done else ""
        grouped = f" GROUP BY {', '.join(('slot', *(f's.{name}' for name in keys)))}" if add else ""
        self._store.insert_select(
            f"INSERT INTO {roll_up.table} ({names}) SELECT {selected} FROM {roll_up.stream.incoming} AS s{left}{grouped}",
            {**work.values, "done": done},
            _token(work, roll_up.table) if first else None,
        )

    @cached_property
    def _columns(self) -> dict[str, frozenset[str]]:
        """The columns that tables have: a deed of before a migration is finished in the tables of before."""
        found: dict[str, set[str]] = {}
        for table, name in self._store.frame(
            "SELECT table, name FROM system.columns WHERE database = currentDatabase()"
        ).iter_rows():
            found.setdefault(table, set()).add(name)
        return {table: frozenset(names) for table, names in found.items()}


def _rows(batch: Batch, stream: Stream) -> pa.Table:
    return batch.flows if stream is FLOW else batch.ledger


def _declared(stream: Stream, batch: Batch) -> tuple[Column, ...]:
    return of_contract(stream.columns, batch.contract)


def _token(work: _Work, table: str) -> str:
    return f"{work.batch.id} {work.deed.number} {work.deed.name} {table}"
