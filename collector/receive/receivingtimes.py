"""Times at which a collector was receiving: noted on disk, so that a replay leaves out what was counted live."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

FILE = "receiving.times"
_DAYS_KEPT = 400
_NOTE_SECONDS = 10.0
_MOST = 10_000  # times; of more, the oldest are joined, for a collector that fails again and again


class Span(NamedTuple):
    """A time from one millisecond since 1970 UTC to another."""

    first_ms: int
    last_ms: int


class ReceivingTimes:
    """Notes from when to when a collector received, as a context manager; `tick` is called now and then.

    A collector that is killed has noted that it would receive for ten seconds more: what is in doubt counts as received. A
    file that cannot be written stops no collector: then less is noted.
    """

    def __init__(
        self,
        path: Path,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._wall, self._monotonic = wall, monotonic
        self._before: list[Span] = []
        self._began_ms = 0
        self._next = 0.0

    def __enter__(self) -> Self:
        self._began_ms = int(self._wall() * 1000)
        oldest = self._began_ms - _DAYS_KEPT * 86_400_000
        kept = [span for span in received(self._path) if span.last_ms >= oldest]
        if len(kept) >= _MOST:
            kept[: _MOST // 2] = [Span(kept[0].first_ms, kept[_MOST // 2 - 1].last_ms)]
        self._before = kept
        self.tick()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(0.0)

    def tick(self) -> None:
        """Note that it receives still, if it is time."""
        if self._monotonic() >= self._next:
            self._next = self._monotonic() + _NOTE_SECONDS
            self._write(2 * _NOTE_SECONDS)

    def _write(self, ahead_seconds: float) -> None:
        until = int((self._wall() + ahead_seconds) * 1000)
        spans = [*self._before, Span(self._began_ms, max(self._began_ms, until))]
        partial = self._path.with_suffix(".partial")
        with suppress(OSError):
            partial.touch(mode=0o600)
            partial.write_text(json.dumps(spans), encoding="ascii")
            partial.replace(self._path)


def received(path: Path) -> list[Span]:
    """Return when a collector was receiving, oldest first; nothing where that was not noted, or cannot be read."""
    try:
        spans = [Span(int(first), int(last)) for first, last in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError, RecursionError):
        return []
    return sorted(spans)
