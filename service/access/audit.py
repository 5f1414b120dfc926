"""The record of what was done: lines that are added, each holding the hash of the one before.

Whoever edits, removes or inserts a line breaks the chain there. Whoever cuts its end leaves a chain that is whole:
so each new hash is also written to the log of the service, which is to be kept elsewhere, and `verify` can be
given one of them to look for.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa

from caudal.common.counted import counted
from caudal.service.roles.actor import Actor
from caudal.service.store.auditrows import COLUMNS, lines_from, newest_line, newest_lines
from caudal.service.store.store import Store

Outcome = Literal["done", "refused", "failed"]

NOTHING_BEFORE = "0" * 64
_LETTERS_MOST = 500
_LINES_AT_ONCE = 10_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """An entry of the record: who did what to what, and how it went. `detail` goes into JSON."""

    actor: Actor
    deed: str
    subject: str
    outcome: Outcome
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class AuditLine:
    """A line as it is kept. `detail` is JSON; `hash` is over all the rest, `previous` among it."""

    number: int
    time: datetime
    actor: str
    role: str
    credential: str
    deed: str
    subject: str
    outcome: str
    detail: str
    previous: str
    hash: str = ""

    def computed_hash(self) -> str:
        """Return the SHA-256 of the line without its hash, as JSON with sorted names and no spaces, hex."""
        content = asdict(self)
        del content["hash"]
        content["time"] = self.time.astimezone(UTC).isoformat(timespec="milliseconds")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Verification:
    """The outcome of verifying the chain: how many lines fit, the newest hash, the first that does not fit and why."""

    lines: int
    newest: str
    wrong_line: int | None = None
    fault: str | None = None


class Audit:
    """Adds lines to the record and reads them; safe to use from several threads."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        # Number and hash of the newest line; None where they must be read from the store.
        self._newest: tuple[int, str] | None = None

    def write(
        self,
        actor: Actor,
        deed: str,
        subject: str,
        outcome: Outcome = "done",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line; return once it is on disk. Raise StoreError."""
        self.write_all([Entry(actor, deed, subject, outcome, detail or {})])

    def write_all(self, entries: Sequence[Entry]) -> None:
        """Add lines in this order, all or none; return once they are on disk. Raise StoreError."""
        if not entries:
            return
        with self._lock:
            number, previous = self._newest or newest_line(self._store) or (0, NOTHING_BEFORE)
            now = self._clock().astimezone(UTC)
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            lines = []
            for entry in entries:
                number += 1
                lines.append(_line(entry, number, now, previous))
                previous = lines[-1].hash
            # If this fails, whether the lines were stored is not known: then the store is asked.
            self._newest = None
            self._store.insert("audit", _rows(lines), token=previous)
            self._newest = (number, previous)
            for line in lines:
                _log.info("audit line %d: %s %s, hash %s", line.number, line.deed, line.outcome, line.hash)

    def page(self, before: int | None, limit: int, deed: str | None = None) -> list[AuditLine]:
        """Return lines, newest first, from before a number on."""
        rows = newest_lines(self._store, before, limit, deed)
        return [AuditLine(**row) for row in rows.iter_rows(named=True)]

    def verify(self, known: str | None = None) -> Verification:
        """Compute the chain again; `known` is a hash that was kept elsewhere, which must be among the lines."""
        # Asked before the lines are read: those that are written meanwhile are no reason to miss any.
        with self._lock:
            newest = self._newest
        fitting, previous, found = 0, NOTHING_BEFORE, known is None
        for line in self._lines():
            fault = _fault(line, fitting + 1, previous)
            if fault is not None:
                return Verification(fitting, previous, line.number, fault)
            fitting, previous = fitting + 1, line.hash
            found = found or line.hash == known
        if not found:
            return Verification(
                fitting,
                previous,
                fitting + 1,
                "no line has the hash that was kept: the end was cut, or the whole was written anew",
            )
        if newest is not None and newest[0] > fitting:
            return Verification(
                fitting,
                previous,
                fitting + 1,
                f"the end was cut while the service ran: it wrote {counted(newest[0], 'line')}",
            )
        return Verification(fitting, previous)

    def _lines(self) -> Iterator[AuditLine]:
        """Yield every line by number; a repeated number comes twice."""
        after, repeated = 0, 0
        while True:
            rows = lines_from(self._store, after, repeated, _LINES_AT_ONCE)
            for row in rows.iter_rows(named=True):
                line = AuditLine(**row)
                repeated = repeated + 1 if line.number == after else 1
                after = line.number
                yield line
            if rows.height < _LINES_AT_ONCE:
                return


def _fault(line: AuditLine, expected: int, previous: str) -> str | None:
    if line.number < expected:
        return f"number {line.number} is there twice: a line was inserted"
    if line.number > expected:
        return f"line {expected} is missing: it was removed"
    if line.previous != previous:
        return "it does not follow the line before: that one was replaced, or this one inserted"
    if line.hash != line.computed_hash():
        return "its hash is not that of its content: it was edited"
    return None


def _line(entry: Entry, number: int, now: datetime, previous: str) -> AuditLine:
    actor = entry.actor
    line = AuditLine(
        number=number,
        time=now,
        actor=_text(actor.name),
        role=str(actor.role),
        credential=_text(actor.credential),
        deed=_text(entry.deed),
        subject=_text(entry.subject),
        outcome=entry.outcome,
        detail=json.dumps(
            {name: _text(value) if isinstance(value, str) else value for name, value in entry.detail.items()},
            sort_keys=True,
        ),
        previous=previous,
    )
    return AuditLine(**{**asdict(line), "hash": line.computed_hash()})


def _text(text: str) -> str:
    """Return a text that can be stored, and is not too long."""
    return text.encode("utf-8", "backslashreplace").decode()[:_LETTERS_MOST]


def _rows(lines: Sequence[AuditLine]) -> pa.Table:
    columns: dict[str, Any] = {name: [getattr(line, name) for line in lines] for name in COLUMNS}
    columns["number"] = pa.array(columns["number"], pa.uint64())
    columns["time"] = pa.array(columns["time"], pa.timestamp("ms", tz="UTC"))
    return pa.table(columns)
