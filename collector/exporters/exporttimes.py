"""The time by the exporters' clocks: the latest that they stated, and the time that most of them say."""

import time
from collections.abc import Callable

import numpy as np

from caudal.collector.columns.flowrecords import I32, I64, FlowRecords
from caudal.collector.columns.kernel import kernel

_SAMPLE = 64
_RECENT_MS = 60_000
_NEVER = -(1 << 62)


class ExportTimes:
    """Follows the clocks of exporters by the export times of their records, in milliseconds since 1970.

    Of each lot a sample of records is looked at. Each exporter counts once: the clock of one that sends most
    of the records is no more right than another.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ahead_ms: I64 = np.zeros(64, np.int64)  # of our monotonic clock, by the exporter's number
        self._heard_ms: I64 = np.full(64, _NEVER, np.int64)
        self.latest_ms: int | None = None

    def note(self, flows: FlowRecords) -> None:
        """Note the export times of a lot of records, which is not empty."""
        now, step = self._now_ms(), 1 + len(flows) // _SAMPLE
        while True:
            latest, most = _note(flows.exporter, flows.export_ms, step, now, self._ahead_ms, self._heard_ms)
            if most < len(self._heard_ms):
                break
            more = max(len(self._heard_ms), most + 1 - len(self._heard_ms))
            self._ahead_ms = np.concatenate([self._ahead_ms, np.zeros(more, np.int64)])
            self._heard_ms = np.concatenate([self._heard_ms, np.full(more, _NEVER, np.int64)])
        self.latest_ms = latest if self.latest_ms is None else max(self.latest_ms, latest)

    def typical_ms(self) -> int | None:
        """Return the time that half of the exporters heard in the last minute have reached; None if there are none."""
        now = self._now_ms()
        ahead = self._ahead_ms[self._heard_ms > now - _RECENT_MS]
        if not len(ahead):
            return None
        middle = (len(ahead) - 1) // 2
        return now + int(np.partition(ahead, middle)[middle])

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)


@kernel
def _note(
    exporter: I32, export_ms: I64, step: int, now_ms: int, ahead_ms: I64, heard_ms: I64
) -> tuple[int, int]:
    """Note every so many-th record, as far as there is room; return the latest time and the highest exporter."""
    latest, most = export_ms[0], exporter[0]
    for row in range(len(export_ms)):
        latest = max(latest, export_ms[row])
    for row in range(0, len(export_ms), step):
        number = exporter[row]
        most = max(most, number)
        if number < len(heard_ms):
            ahead_ms[number] = export_ms[row] - now_ms
            heard_ms[number] = now_ms
    return latest, most
