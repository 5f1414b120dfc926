"""Remembers what exporters announced over restarts, and how far they had counted, and forgets exporters when room is needed for others."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from caudal.collector.columns.datagrams import Exporters
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.exporterstate import from_json, to_json
from caudal.collector.errors import StateError
from caudal.collector.exporters.ledger import Ledger
from caudal.collector.memory import statefile
from caudal.collector.memory.statefile import DamagedState, Entry

log = logging.getLogger(__name__)

FILE = "exporters.state"
UNSEEN_DAYS = 30  # what was not seen for so long is forgotten
IDLE_SECONDS = 60.0  # who is silent for so long loses its place, where there is little room

_DAY_MS = 86_400_000
_SAVE_SECONDS = 5.0
_SAVE_AT_LEAST_SECONDS = 3600.0  # so that the days unseen are counted from the right one
_MOST_OF_THE_TIME = 0.05  # spent with saving, by those who make it change all the time
_MOST_AT_ONCE = 2000  # exporters looked at for one saving; the others wait for the next
_MOST_OCTETS = 64 << 20
_AGES_SECONDS = 10.0


class ExporterMemory:
    """Keeps the state file of a collector, and its list of exporters from filling up.

    `recall` is called for exporters that are new, `tick` now and then between two lots of datagrams. An
    exporter that comes back, after a restart or after its place was given to another, is known at once by its
    pseudonym (`name`, of its address). Changes are on disk after a few seconds; what cannot be read or
    written is reported in one line and never stops a collector.
    """

    def __init__(
        self,
        path: Path,
        exporters: Exporters,
        decoder: Decoder,
        ledger: Ledger,
        name: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._exporters, self._decoder, self._ledger = exporters, decoder, ledger
        self._name, self._clock, self._wall = name, clock, wall
        self._entries: dict[str, Entry] = {}  # by pseudonym, those seen last at the end
        self._octets = 0
        self._next_save = self._last_save = self._next_ages = clock()
        self._unsaved = False
        self._writing: Future[None] | None = None
        self.forgotten = 0
        self.failures = 0
        self.template_ages: dict[int, float] = {}

    def __enter__(self) -> Self:
        """Read the file."""
        self._writer = ThreadPoolExecutor(1, "exporter-state")
        try:
            entries = statefile.read(self._path)
        except DamagedState as error:
            log.warning(
                "%s cannot be used: %s; it is set aside as %s, and templates are learnt anew",
                self._path, error, statefile.set_aside(self._path).name,
            )  # fmt: skip
            return self
        except OSError as error:
            log.warning("%s cannot be read: %s; templates are learnt anew", self._path, error.strerror)
            return self
        oldest = self._wall() * 1000 - UNSEEN_DAYS * _DAY_MS
        for name, entry in sorted(entries.items(), key=lambda item: item[1].seen_ms):
            if entry.seen_ms >= oldest:
                self._put(name, entry)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write everything; where sequence numbers stand only if all that was received is accounted for."""
        self._written(wait=True)
        for number, address in enumerate(self._exporters.addresses):
            if address:
                self._take(number, stopping=kind is None)
        self._drop_unseen()
        if self._unsaved:
            self._write()
            self._written(wait=True)
        self._writer.shutdown()

    def recall(self) -> None:
        """Give the decoder the kept state of exporters that have just got a number, or come back to theirs."""
        for number in self._exporters.take_new():
            address = self._exporters.addresses[number]
            entry = self._entries.get(self._name(address)) if address else None
            if entry is None:
                continue
            try:
                state = from_json(entry.state)
            except ValueError:
                log.warning(
                    "%s holds something else than the state of an exporter; it is learnt anew", self._path
                )
                self._remove(self._name(address))
                continue
            oldest = int(self._wall() * 1000) - UNSEEN_DAYS * _DAY_MS
            self._decoder.restore(number, state.since(oldest))
            if any(point.followed for point in state.points):
                # They move from here on: after a kill, nothing must be counted from where they stood.
                self._decoder.changed.add(number)

    def tick(self) -> list[int]:
        """Make room where there is little, and begin to write changed states if it is time.

        Returns the numbers of exporters that other exporters may get from now on.
        """
        freed = self._make_room() if self._exporters.crowded or self._decoder.templates.full else []
        self._note_ages()
        self._save()
        return freed

    def _note_ages(self) -> None:
        now = self._clock()
        if now >= self._next_ages:
            self._next_ages = now + _AGES_SECONDS
            self.template_ages = {
                protocol: max(0.0, (self._decoder.latest_ms - announced_ms) / 1000)
                for protocol, announced_ms in self._decoder.templates.oldest_announced_ms().items()
            }

    def _save(self) -> None:
        now = self._clock()
        if now < self._next_save or not self._written(wait=False):
            return
        began = time.perf_counter()
        self._take_changes(_MOST_AT_ONCE)
        if now - self._last_save >= _SAVE_AT_LEAST_SECONDS:
            self._refresh()
        if self._unsaved:
            self._last_save = now
            self._write()
        took = time.perf_counter() - began
        self._next_save = now + max(_SAVE_SECONDS, took / _MOST_OF_THE_TIME)

    def _make_room(self) -> list[int]:
        """Forget exporters that are silent, the longest first, until there is enough room; return whose places are free.

        What they announced stays in the file, so that they lose only what waits for a template. A number is
        given to others when the ledger's windows of the exporter are closed.
        """
        forgotten: list[int] = []
        surplus = len(self._exporters) - self._exporters.roomy
        for number in self._exporters.idle(IDLE_SECONDS):
            if surplus <= len(forgotten) and not self._decoder.templates.full:
                break
            if number in self._decoder.changed:
                self._take(number)
            self._decoder.forget(number)
            self._exporters.forget(number)
            forgotten.append(number)
        in_ledger = self._ledger.exporters()
        freed = [number for number in forgotten if number not in in_ledger]
        for number in freed:
            self._exporters.free(number)
        self.forgotten += len(freed)
        return freed

    def _take_changes(self, most: int) -> None:
        for number in sorted(self._decoder.changed)[:most]:
            self._take(number)

    def _take(self, number: int, *, stopping: bool = False) -> None:
        """Note the state of an exporter as it is now; also where its sequence numbers stand, if it is `stopping`."""
        self._decoder.changed.discard(number)
        address = self._exporters.addresses[number]
        if not address:
            return
        state = self._decoder.state(number, stopping=stopping)
        name = self._name(address)
        if state.points:
            self._put(name, Entry(state.seen_ms or self._decoder.latest_ms, to_json(state)))
        else:
            self._remove(name)
        self._unsaved = True

    def _refresh(self) -> None:
        """Note when each exporter at work was seen last, and forget those not seen for too long."""
        for number, address in enumerate(self._exporters.addresses):
            if address and self._name(address) in self._entries:
                self._take(number)
        self._drop_unseen()

    def _drop_unseen(self) -> None:
        oldest = self._wall() * 1000 - UNSEEN_DAYS * _DAY_MS
        for name in [name for name, entry in self._entries.items() if entry.seen_ms < oldest]:
            self._remove(name)
            self._unsaved = True

    def _put(self, name: str, entry: Entry) -> None:
        self._remove(name)
        self._entries[name] = entry
        self._octets += len(entry.state)
        while self._octets > _MOST_OCTETS:
            self._remove(next(iter(self._entries)))

    def _remove(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        self._octets -= len(entry.state) if entry else 0

    def _write(self) -> None:
        # Waiting for the disk would cost datagrams.
        self._writing = self._writer.submit(
            statefile.write, self._path, statefile.encode(self._entries.items())
        )
        self._unsaved = False

    def _written(self, *, wait: bool) -> bool:
        """Return True if no write is under way, and report a write that failed."""
        if self._writing is None:
            return True
        if not wait and not self._writing.done():
            return False
        try:
            self._writing.result()
        except StateError as error:
            log.warning("%s", error)
            self.failures += 1
            self._unsaved = True
        self._writing = None
        return True
