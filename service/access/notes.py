"""Notes of frequent deeds for the record: gathered, and written once a minute, a line for each kind.

A refusal is not worth a write to disk each, or whoever is refused could fill the disk; a reader of exact figures
asks for many pages. So the first is written at once, and those that follow within a minute are one line with
their number.
"""

import logging
import threading
from collections import Counter

from caudal.service.access.audit import Audit, Entry, Outcome
from caudal.service.errors import ServiceError
from caudal.service.roles.actor import Actor

_MINUTE = 60.0
# More kinds than these in a minute are counted together.
KINDS_MOST = 1000

_Kind = tuple[Actor, str, str, Outcome]
_log = logging.getLogger(__name__)


class Notes:
    """Gathers notes from any thread, never waiting for the disk; a thread of its own writes them."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._lock = threading.Lock()
        self._waiting: Counter[_Kind] = Counter()
        self._left_out = 0
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._run, name="caudal-notes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the notes that are left."""
        self._stopping.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush()

    def note(self, actor: Actor, deed: str, subject: str, outcome: Outcome) -> None:
        """Remember that it happened."""
        kind = (actor, deed, subject, outcome)
        with self._lock:
            if kind in self._waiting or len(self._waiting) < KINDS_MOST:
                self._waiting[kind] += 1
            else:
                self._left_out += 1
        self._something.set()

    def flush(self) -> None:
        """Write the notes. Those that cannot be written are told in the log, and tried again the next time."""
        with self._lock:
            self._something.clear()
            waiting, self._waiting = self._waiting, Counter()
            left_out, self._left_out = self._left_out, 0
        entries = [
            Entry(actor, deed, subject, outcome, {"times": times})
            for (actor, deed, subject, outcome), times in waiting.items()
        ]
        if left_out and entries:
            last = entries[-1]
            entries[-1] = Entry(
                last.actor,
                last.deed,
                last.subject,
                last.outcome,
                {**last.detail, "and_others": left_out},
            )
        try:
            self._audit.write_all(entries)
        except ServiceError as error:
            _log.error("the audit log cannot be written: %s; %d notes wait", error, len(entries))
            with self._lock:
                self._waiting.update(waiting)
                self._left_out += left_out

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._something.wait()
            self.flush()
            self._stopping.wait(_MINUTE)
