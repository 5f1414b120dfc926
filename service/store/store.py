"""The store: one driver and one DSN for an embedded ClickHouse (chDB) or a server."""

import fcntl
import os
import queue
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import polars as pl
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from caudal.common.privatefiles import warn_if_open
from caudal.service.errors import StoreError, StoreFull, StoreRefused, TooDear
from caudal.service.workload.cancellation import CURRENT, check
from caudal.service.workload.querylimits import REACHED

SCHEMES = ("chdb", "clickhouse", "http", "https")

# What ClickHouse writes to Arrow as a plain number of seconds.
_TIMES = ("time", "window_start", "received_at")

# Every insert becomes one block, so one part of each partition: what ingest counts on.
_ONE_BLOCK: dict[str, Any] = {
    "max_insert_block_size": 1 << 30,
    "min_insert_block_size_rows": 1 << 30,
    "min_insert_block_size_bytes": 1 << 40,
    "max_insert_threads": 1,
    "max_partitions_per_insert_block": 0,
    # What is summed is summed by the statement: the engine's way, on insert, takes four times as long.
    "optimize_on_insert": 0,
}


# What ClickHouse says of a disk that is full: its own error, or the operating system's.
_FULL = re.compile(r"NOT_ENOUGH_SPACE|No space left on device|Disk quota exceeded")
# Errors of the data in a statement, which no further try would be spared.
_OF_DATA = re.compile(
    r"\((?:TYPE_MISMATCH|CANNOT_PARSE\w*|CANNOT_CONVERT_TYPE|CANNOT_INSERT_\w+|ARGUMENT_OUT_OF_BOUND|BAD_ARGUMENTS|"
    r"DECIMAL_OVERFLOW|ILLEGAL_TYPE_OF_ARGUMENT|ILLEGAL_COLUMN|INCORRECT_DATA|INVALID_\w+|NO_SUCH_COLUMN_IN_TABLE|"
    r"SYNTAX_ERROR|TOO_LARGE_\w+|UNKNOWN_IDENTIFIER|VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE)\)"
)

# The reason inside what the driver says of a server that it cannot reach.
_UNREACHABLE = re.compile(r"(Failed to (?:establish|resolve) .*?)(?:\"\)|$)")


class Store:
    """Gives the tables of one database; safe to use from several threads once opened.

    `dsn` is `chdb:///absolute/directory` or `clickhouse://user:password@host:8123/database`. At most
    `clients` statements run at once; one more waits.
    """

    def __init__(self, dsn: str, clients: int = 4) -> None:
        parts = urlsplit(dsn)
        if parts.scheme not in SCHEMES:
            raise StoreError(
                f"the DSN has scheme {parts.scheme or 'none'!r}; use chdb:///directory for an embedded store "
                "or clickhouse://user:password@host:8123/database for a server"
            )
        self.embedded = parts.scheme == "chdb"
        self._dsn = dsn
        self._place = unquote(parts.path) if self.embedded else f"{parts.hostname}:{parts.port or 8123}"
        self._database = unquote(parts.path).strip("/") or "default"
        self._idle: queue.LifoQueue[Client | None] = queue.LifoQueue()
        self._clients = clients
        self._lock = threading.Lock()
        self._opened: list[Client] = []

    def open(self) -> None:
        """Connect; create the directory or the database where there is none. Raise StoreError."""
        if self.embedded:
            self._claim_directory()
        else:
            with self._errors():
                first = self._connect("default")
                # Looked up first: whoever may use a database need not be allowed to create one.
                known = {row[0] for row in first.query("SELECT name FROM system.databases").result_rows}
                if self._database not in known:
                    name = self._database.replace("\\", "\\\\").replace("`", "\\`")
                    first.command(f"CREATE DATABASE IF NOT EXISTS `{name}`")
                first.close()
        with self._errors():
            client = self._connect(self._database)
        self._opened = [client]
        # Last in, first out: a connection not made yet is taken only when all that are made are busy.
        for waiting in (*[None] * (self._clients - 1), client):
            self._idle.put(waiting)

    def close(self) -> None:
        """Close every connection; an embedded engine then lets go of its directory."""
        with self._lock:
            opened, self._opened = self._opened, []
        self._idle = queue.LifoQueue()
        for client in opened:
            client.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def directory(self) -> Path | None:
        """The directory of an embedded store; None of a server's."""
        return Path(self._place) if self.embedded else None

    def __repr__(self) -> str:
        return f"Store({'chdb' if self.embedded else 'server'} {self._place})"

    def frame(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Return the answer to a SELECT, values bound by `{name:Type}`; times are UTC-aware.

        Asked for a request, it keeps the request's limits (TooDear), and is not asked where its client has gone (Gone).
        """
        work = CURRENT.get()
        limits = work.limits.settings if work is not None and work.limits is not None else None
        with self._client() as client:
            table = client.query_arrow(sql, parameters=dict(parameters or {}), settings=limits)
        check()
        frame = pl.DataFrame(pl.from_arrow(table))
        return frame.with_columns(
            pl.from_epoch(name, time_unit="s").dt.replace_time_zone("UTC")
            for name in frame.columns
            if name in _TIMES and frame.schema[name] == pl.UInt32
        )

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row of a SELECT, or None where there is no row."""
        frame = self.frame(sql, parameters)
        return frame.item(0, 0) if frame.height else None

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing; not begun where it is for a request whose client has gone (Gone)."""
        with self._client() as client:
            client.command(sql, parameters=dict(parameters or {}))

    def insert(self, table: str, rows: pa.Table, token: str | None = None) -> None:
        """Insert rows as one block; return once they are on disk.

        `token` names the insert: the store ignores another of the same name that follows soon after.
        """
        # Without a name the engine would compare contents, and take an equal insert for a repeated one.
        settings = {"insert_deduplication_token": token or uuid.uuid4().hex}
        with self._client() as client:
            client.insert_arrow(table, rows.combine_chunks(), settings=settings)

    def insert_select(
        self, sql: str, parameters: Mapping[str, Any] | None = None, token: str | None = None
    ) -> None:
        """Run an INSERT … SELECT as one block; return once it is on disk. `token` is as with `insert`."""
        # In the statement itself: setting it and setting it back would be three more.
        named = f"{sql} SETTINGS insert_deduplication_token = '{token or uuid.uuid4().hex}'"
        with self._client() as client:
            client.command(named, parameters=dict(parameters or {}))

    @contextmanager
    def _client(self) -> Iterator[Client]:
        if not self._opened:
            raise StoreError("the store is not open")
        check()
        idle = self._idle
        client = idle.get()
        try:
            with self._errors():
                if client is None:
                    client = self._connect(self._database)
                    with self._lock:
                        self._opened.append(client)
                yield client
        finally:
            idle.put(client)

    def _connect(self, database: str) -> Client:
        parts = urlsplit(self._dsn)
        if self.embedded:
            return clickhouse_connect.get_client(dsn=self._dsn, settings=_ONE_BLOCK)
        return clickhouse_connect.get_client(
            dsn=self._dsn,
            database=database,
            settings=_ONE_BLOCK,
            interface="https" if parts.scheme == "https" else None,
            connect_timeout=10,
            autogenerate_session_id=False,
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ClickHouseError as error:
            reached = REACHED.get(getattr(error, "code", None) or 0)
            if reached is not None and CURRENT.get() is not None:
                raise TooDear(
                    f"the question reached the limit of {reached} that one may cost; ask for less: fewer "
                    "months, fewer groupings, more filters"
                ) from error
            said = _first_line(error)
            if _FULL.search(str(error)):
                raise StoreFull(
                    f"the disk of the store at {self._place} is full; make room: {said}"
                ) from error
            if _OF_DATA.search(str(error)):
                raise StoreRefused(f"the store at {self._place} refuses what it was given: {said}") from error
            raise StoreError(f"the store at {self._place} does not answer: {said}") from error

    def _claim_directory(self) -> None:
        directory = Path(self._place)
        if not directory.is_absolute() or urlsplit(self._dsn).netloc:
            raise StoreError(
                "the DSN names no absolute directory; write it with three slashes: chdb:///var/lib/caudal/store"
            )
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            warn_if_open(directory)
        except OSError as error:
            raise StoreError(
                f"the store directory {directory} cannot be made: {error.strerror}; name a directory the "
                "service may write to"
            ) from error
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StoreError(f"the store directory {directory} cannot be written; give it to the service")
        owner = _other_owner(directory / "status")
        if owner:
            raise StoreError(
                f"the store {directory} is in use by another process{owner}; one process owns an embedded "
                "store: stop that one, or name another directory"
            )


def _other_owner(status: Path) -> str:
    """Return the other owner of an embedded store, as text to go on a message; empty if there is none.

    The engine finds out by itself, but only after writing its own report to standard error.
    """
    try:
        with status.open("r+") as file:
            pid = file.readline().strip().removeprefix("PID: ")
            if pid == str(os.getpid()):
                return ""
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return f" (process {pid})" if pid.isdigit() else " "
    except OSError:
        return ""
    return ""


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    unreachable = _UNREACHABLE.search(text)
    return unreachable[1] if unreachable else text.splitlines()[0][:300]
