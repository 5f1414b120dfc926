"""Windows that are over and still get records: from exporters whose clocks are slow, or that keep flows for long."""

import time
from collections.abc import Callable, Collection


class LateWindows:
    """Says which windows stay open although they are over, because records still come for them.

    A window is taken when it is over. What comes for it later is gathered for a window's length and the lateness
    allowed, and taken together: an exporter whose clock is slow, by however much, fills each of its windows in
    just that time, and has it whole. At most `most` windows wait in this way; of more, those that began to wait
    first are taken at once. Windows are counted in window lengths since 1970.
    """

    def __init__(
        self,
        window_seconds: int,
        lateness_seconds: float,
        *,
        most: int = 64,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lateness_seconds = lateness_seconds
        self._window_seconds = window_seconds
        self._most = most
        self._monotonic = monotonic
        self._since: dict[int, float] = {}  # since when windows wait, the longest first
        self._over_ms = 0

    def keep(self, windows: Collection[int], over_ms: int) -> set[int]:
        """Return those of the open `windows` that wait for more late records, where windows ending by `over_ms` are over."""
        now = self._monotonic()
        window_ms = self._window_seconds * 1000
        late = {window for window in windows if (window + 1) * window_ms <= min(over_ms, self._over_ms)}
        self._over_ms = over_ms
        self._since = {window: since for window, since in self._since.items() if window in late}
        for window in sorted(late - self._since.keys()):
            self._since[window] = now
        hold = self._window_seconds + self.lateness_seconds
        for window, since in list(self._since.items()):
            if now - since < hold and len(self._since) <= self._most:
                break
            del self._since[window]
        return set(self._since)
