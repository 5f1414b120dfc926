"""Closing of windows: those that are over are taken out of the pipeline, cut_into_batches into batches and handed to the backlog."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa

from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.windows.cutting import cut_into_batches
from caudal.collector.windows.latewindows import LateWindows
from caudal.collector.windows.windowclock import WindowClock


class Batches(Protocol):
    """The taker of closed windows' sums; a Backlog is one."""

    def add(self, flows: pa.Table, ledger: pa.Table) -> None:
        """Take flow aggregates and ledger of one batch."""


class WindowCloser:
    """The closer of windows: each is taken once when it is over, and its late records together a window's length later.

    `name` says how an exporter's number is named outside.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        batches: Batches,
        name: Callable[[int], str],
        lateness_seconds: float,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipeline, self._batches, self._name, self._wall = pipeline, batches, name, wall
        seconds = pipeline.ledger.window_ms // 1000
        self._clock = WindowClock(seconds, lateness_seconds, wall=wall, monotonic=monotonic)
        self._late = LateWindows(seconds, lateness_seconds, monotonic=monotonic)

    @property
    def clock_behind(self) -> bool:
        """True if this machine's clock is taken to be behind, because most of what comes is ahead of it."""
        return self._clock.behind

    def allow(self, lateness_seconds: float) -> None:
        """Allow this lateness from now on."""
        self._clock.lateness_seconds = self._late.lateness_seconds = lateness_seconds

    def close_over(self) -> None:
        """Make batches of the windows that are over and do not wait for late records."""
        times = self._pipeline.times
        until_ms = self._clock.complete_until(times.latest_ms, times.typical_ms())
        self._close(until_ms, self._late.keep(self._pipeline.windows, until_ms))

    def close_all(self) -> None:
        """Make batches of all windows, as nothing comes any more."""
        self._close(None, set())

    def _close(self, before_ms: int | None, keep: set[int]) -> None:
        taken = self._pipeline.take(before_ms, self._name, keep)
        for flows, ledger in cut_into_batches(*taken, datetime.fromtimestamp(self._wall(), UTC)):
            self._batches.add(flows, ledger)
