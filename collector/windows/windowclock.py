"""When windows are complete: by the exporters' clocks, as far as ours allows."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class WindowClock:
    """Says before which time windows are complete. All times in milliseconds since 1970.

    The exporters' latest time counts, because traffic may be back-dated; but not beyond our own, so that
    one exporter with a fast clock does not close everybody's windows early. Our own clock may be wrong too:
    set back, it goes on from where it was until exporters agree with it; and when most of what comes has been
    ahead of it for longer than windows last, what comes is believed.
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
        self._believed_ms = 0
        self.behind = False

    def complete_until(self, latest_ms: int | None, typical_ms: int | None) -> int:
        """Return the time before which windows are complete.

        `latest_ms` is the latest export time ever stated, `typical_ms` that which half of the exporters have
        reached (None where none exports).
        """
        if latest_ms is None:
            return 0
        now, wall = self._monotonic(), self._wall()
        if typical_ms is not None and abs(typical_ms - wall * 1000) <= self._window_seconds * 1000:
            self._anchor = wall - now
        self._anchor = max(self._anchor, wall - now)
        ours_ms = int((self._anchor + now) * 1000)
        self._judge(typical_ms is not None and typical_ms > ours_ms + self._window_seconds * 1000, now)
        if self.behind and typical_ms is not None:
            # Exporters that are slower than others must not turn it back.
            self._believed_ms = max(self._believed_ms, typical_ms)
        until = self._believed_ms if self.behind else min(latest_ms, ours_ms)
        return until - int(self.lateness_seconds * 1000)

    def _judge(self, ahead: bool, now: float) -> None:
        """Note whether most export times are ahead of our clock, and for how long they have been."""
        if not ahead:
            self._ahead_since = None
        elif self._ahead_since is None:
            self._ahead_since = now
        was = self.behind
        self.behind = (
            self._ahead_since is not None
            and now - self._ahead_since >= 2 * self._window_seconds + self.lateness_seconds
        )
        if self.behind and not was:
            self._believed_ms = 0
            log.warning("this machine's clock is behind the exporters': windows close by theirs; set it")
        elif was and not self.behind:
            log.info("this machine's clock agrees with the exporters' again")
