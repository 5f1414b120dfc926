"""When windows are complete: by the exporters' clocks, as far as ours allows."""

import time
from collections.abc import Callable


class WindowClock:
    """Says before which time windows are complete. All times in milliseconds since 1970.

    The exporters' latest time counts, because traffic may be back-dated; but not beyond our own, so that
    one exporter with a fast clock does not close everybody's windows early. Our own clock may be wrong too:
    set back, it goes on from where it was; and when most of what comes has been ahead of it for longer than
    windows last, what comes is believed.
    """

    def __init__(
        self,
        window_seconds: float,
        lateness_seconds: float,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lateness_seconds = lateness_seconds
        self._window_seconds = window_seconds
        self._wall, self._monotonic = wall, monotonic
        self._anchor = wall() - monotonic()
        self._ahead_since: float | None = None

    def complete_until(self, latest_ms: int | None, typical_ms: int | None) -> int:
        """Return the time before which windows are complete.

        `latest_ms` is the latest export time ever seen, `typical_ms` the middle one of what came last.
        """
        if latest_ms is None or typical_ms is None:
            return 0
        now = self._monotonic()
        self._anchor = max(self._anchor, self._wall() - now)
        ours_ms = int((self._anchor + now) * 1000)
        if typical_ms <= ours_ms + self._window_seconds * 1000:
            self._ahead_since = None
        elif self._ahead_since is None:
            self._ahead_since = now
        until = typical_ms if self.behind(now) else min(latest_ms, ours_ms)
        return until - int(self.lateness_seconds * 1000)

    def behind(self, now: float | None = None) -> bool:
        """Return whether our clock is taken to be behind, because most of what comes is ahead of it."""
        if self._ahead_since is None:
            return False
        elapsed = (self._monotonic() if now is None else now) - self._ahead_since
        return elapsed >= 2 * self._window_seconds + self.lateness_seconds
