"""Protocols and clocks of exporters, as their datagrams show them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import I32, I64, PROTOCOLS, U8

# Instead of an offset, where a datagram states no time or it is not known when it came.
NO_CLOCK: Final = -(1 << 62)
_LOTS_KEPT = 15


@dataclass(frozen=True)
class ClockOffset:
    """Milliseconds by which an exporter's clock is ahead of ours (negative: behind): the last, and the median of late."""

    last_ms: int
    median_ms: int


class Heard:
    """Protocols and clocks by the exporter's number; grows with the numbers there are.

    Of each lot of datagrams the last offset of an exporter is kept, for 15 lots.
    """

    def __init__(self) -> None:
        self._protocols: U8 = np.zeros(64, np.uint8)
        self._offsets_ms: I64 = np.full((64, _LOTS_KEPT), NO_CLOCK, np.int64)
        self._place: I64 = np.zeros(64, np.int64)

    def note(self, exporter: I32, of_protocol: Mapping[int, I64], offset_ms: I64) -> None:
        """Take note of a lot: positions of the datagrams by protocol, and the offset of each datagram, or NO_CLOCK."""
        self._have_room(int(exporter.max(initial=-1)) + 1)
        for protocol, which in of_protocol.items():
            if len(which):
                self._protocols[exporter[which]] |= np.uint8(1 << protocol)
        told = np.flatnonzero(offset_ms != NO_CLOCK)
        if len(told):
            who = exporter[told]
            self._offsets_ms[who, self._place[who]] = offset_ms[told]  # of several the last stays
            who = np.unique(who)
            self._place[who] = (self._place[who] + 1) % _LOTS_KEPT

    def protocols(self, exporter: int) -> list[str]:
        """Return the names of the protocols that an exporter was heard to speak."""
        bits = int(self._protocols[exporter]) if exporter < len(self._protocols) else 0
        return [name for number, name in enumerate(PROTOCOLS) if bits >> number & 1]

    def clock(self, exporter: int) -> ClockOffset | None:
        """Return the offset of an exporter's clock; None if no datagram of the exporter told a time."""
        if exporter >= len(self._place):
            return None
        kept = self._offsets_ms[exporter]
        told = kept[kept != NO_CLOCK]
        if not len(told):
            return None
        last = kept[(self._place[exporter] - 1) % _LOTS_KEPT]
        return ClockOffset(int(last), int(np.median(told)))

    def off_by(self, milliseconds: int) -> Iterator[tuple[int, ClockOffset]]:
        """Yield exporters (their numbers) whose clocks are off by more than this, ahead or behind, by their median."""
        told = self._offsets_ms != NO_CLOCK
        far = (np.abs(np.where(told, self._offsets_ms, 0)) > milliseconds).any(axis=1)
        for number in np.flatnonzero(far).tolist():
            clock = self.clock(number)
            if clock and abs(clock.median_ms) > milliseconds:
                yield number, clock

    def forget(self, exporter: int) -> None:
        """Forget an exporter whose number another may get."""
        if exporter < len(self._place):
            self._protocols[exporter] = self._place[exporter] = 0
            self._offsets_ms[exporter] = NO_CLOCK

    def _have_room(self, count: int) -> None:
        missing = count - len(self._place)
        if missing > 0:
            more = max(missing, len(self._place))
            self._protocols = np.append(self._protocols, np.zeros(more, np.uint8))
            self._place = np.append(self._place, np.zeros(more, np.int64))
            empty: I64 = np.full((more, _LOTS_KEPT), NO_CLOCK, np.int64)
            self._offsets_ms = np.append(self._offsets_ms, empty, axis=0)
