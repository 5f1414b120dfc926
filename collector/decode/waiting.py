"""Data sets that came before their template, kept for a while in case it follows."""

from collections import deque
from dataclasses import dataclass

from caudal.collector.decode.template import TemplateKey

_OVERHEAD_OCTETS = 512  # what keeping a set costs besides its body, so that empty ones are bounded too


@dataclass(frozen=True)
class WaitingSet:
    """The octets of a data set without its header, and the clock of the datagram it came in."""

    key: TemplateKey
    body: bytes
    export_ms: int
    uptime_ms: int

    @property
    def octets(self) -> int:
        """About the memory it takes."""
        return len(self.body) + _OVERHEAD_OCTETS


class WaitingSets:
    """A queue of waiting sets, bounded in octets; the oldest goes first."""

    def __init__(self, limit_octets: int = 16 << 20) -> None:
        self._limit = limit_octets
        self._octets = 0
        self._sets: dict[TemplateKey, deque[WaitingSet]] = {}
        self._order: deque[TemplateKey] = deque()  # one entry for each set that waits

    def put(self, waiting: WaitingSet) -> list[WaitingSet]:
        """Keep a set; return those that had to go to make room for it."""
        self._sets.setdefault(waiting.key, deque()).append(waiting)
        self._order.append(waiting.key)
        self._octets += waiting.octets
        gone = []
        while self._octets > self._limit:
            oldest = self._order.popleft()
            queue = self._sets[oldest]
            gone.append(queue.popleft())
            self._octets -= gone[-1].octets
            if not queue:
                del self._sets[oldest]
        return gone

    def take(self, key: TemplateKey) -> list[WaitingSet]:
        """Take out all sets that wait for `key`, in the order they came."""
        taken = list(self._sets.pop(key, ()))
        self._octets -= sum(waiting.octets for waiting in taken)
        if taken:
            self._order = deque(other for other in self._order if other != key)
        return taken

    def __len__(self) -> int:
        return len(self._order)
