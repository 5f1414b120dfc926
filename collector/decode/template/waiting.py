"""Data sets that came before their template, kept for a while in case it follows."""

from collections import OrderedDict
from dataclasses import dataclass

from caudal.collector.decode.template.template import TemplateKey

_OVERHEAD_OCTETS = 512  # what keeping a set costs besides its body, so that empty ones are bounded too


@dataclass(frozen=True)
class WaitingSet:
    """The octets of a data set without its header, the clock of the datagram it came in, and when it came."""

    key: TemplateKey
    body: bytes
    export_ms: int
    uptime_ms: int
    received_ms: int = 0

    @property
    def octets(self) -> int:
        """About the memory it takes."""
        return len(self.body) + _OVERHEAD_OCTETS


class WaitingSets:
    """A queue of waiting sets, bounded in octets, of all and of each exporter; the oldest goes first."""

    def __init__(self, limit_octets: int = 16 << 20, limit_octets_per_exporter: int | None = None) -> None:
        self._limit = limit_octets
        self._limit_of_one = limit_octets if limit_octets_per_exporter is None else limit_octets_per_exporter
        self.octets = 0
        self._octets_of: dict[int, int] = {}
        # By a number that counts up; the same numbers stand in the two indexes.
        self._sets: OrderedDict[int, WaitingSet] = OrderedDict()
        self._by_key: dict[TemplateKey, OrderedDict[int, None]] = {}
        self._by_exporter: dict[int, OrderedDict[int, None]] = {}
        self._next = 0

    def put(self, waiting: WaitingSet) -> list[WaitingSet]:
        """Keep a set; return those that had to go to make room for it."""
        exporter = waiting.key.exporter
        self._sets[self._next] = waiting
        self._by_key.setdefault(waiting.key, OrderedDict())[self._next] = None
        self._by_exporter.setdefault(exporter, OrderedDict())[self._next] = None
        self._next += 1
        self.octets += waiting.octets
        self._octets_of[exporter] = self._octets_of.get(exporter, 0) + waiting.octets
        gone = []
        while self._octets_of.get(exporter, 0) > self._limit_of_one:
            gone.append(self._remove(next(iter(self._by_exporter[exporter]))))
        while self.octets > self._limit:
            gone.append(self._remove(next(iter(self._sets))))
        return gone

    def take(self, key: TemplateKey) -> list[WaitingSet]:
        """Take out all sets that wait for `key`, in the order they came."""
        return [self._remove(number) for number in list(self._by_key.get(key, ()))]

    def take_exporter(self, exporter: int) -> list[WaitingSet]:
        """Take out all sets of an exporter, in the order they came."""
        return [self._remove(number) for number in list(self._by_exporter.get(exporter, ()))]

    def of_exporter(self, exporter: int) -> tuple[int, int]:
        """Return the number of an exporter's waiting sets, and the time the oldest came (ms since 1970; 0 for none)."""
        of_it = self._by_exporter.get(exporter)
        return (len(of_it), self._sets[next(iter(of_it))].received_ms) if of_it else (0, 0)

    def take_before(self, received_ms: int) -> list[WaitingSet]:
        """Take out the sets that came before `received_ms`, the oldest first."""
        gone = []
        while self._sets and next(iter(self._sets.values())).received_ms < received_ms:
            gone.append(self._remove(next(iter(self._sets))))
        return gone

    def _remove(self, number: int) -> WaitingSet:
        waiting = self._sets.pop(number)
        exporter = waiting.key.exporter
        self.octets -= waiting.octets
        self._octets_of[exporter] -= waiting.octets
        by_key, by_exporter = self._by_key[waiting.key], self._by_exporter[exporter]
        del by_key[number], by_exporter[number]
        if not by_key:
            del self._by_key[waiting.key]
        if not by_exporter:
            del self._by_exporter[exporter], self._octets_of[exporter]
        return waiting

    def __len__(self) -> int:
        return len(self._sets)
