"""Sequence numbers: how much an exporter sent that never arrived, by each protocol's own semantics."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from caudal.collector.flowrecords import I64

_MODULUS = 1 << 32
_RESTART = 1 << 24  # a jump beyond this many units is a restart, not a loss
_HOLES_KEPT = 64
_NUMBERS_KEPT = 64
_MOST_STREAMS = 1 << 16

UNKNOWN_UNITS = -1


@dataclass
class _Stream:
    expected: int | None = None
    holes: list[tuple[int, int]] = field(default_factory=list)  # (first missing, how many)
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=_NUMBERS_KEPT))


class Sequences:
    """Follows the sequence numbers of each stream.

    NetFlow v5 counts flows, v9 datagrams, IPFIX data records (those before this message), sFlow datagrams.
    A late datagram takes back the loss it had caused, one that came twice changes nothing; a jump backwards
    to somewhere else, or a very long one, is a restart and no loss. Streams are bounded: the one that
    appeared first is forgotten first.
    """

    def __init__(self) -> None:
        self._streams: dict[tuple[int, int, int], _Stream] = {}

    def follow(self, stream: tuple[int, int, int], sequence: I64, units: I64) -> I64:
        """Return the units lost before each datagram (negative where a late one makes up for an earlier loss).

        `stream` is (exporter, protocol, observation domain or engine); `sequence` are the numbers in the
        order received, `units` how far each moves the count (UNKNOWN_UNITS where that cannot be told).
        """
        state = self._streams.get(stream)
        if state is None:
            if len(self._streams) >= _MOST_STREAMS:
                del self._streams[next(iter(self._streams))]
            state = self._streams[stream] = _Stream()
        lost = np.zeros(len(sequence), np.int64)
        following = (sequence + units) % _MODULUS
        if state.expected == sequence[0] and (units >= 0).all() and (sequence[1:] == following[:-1]).all():
            state.expected = int(following[-1])
            state.seen.extend(sequence[-_NUMBERS_KEPT:].tolist())
            return lost
        for position, (number, moved) in enumerate(zip(sequence.tolist(), units.tolist(), strict=True)):
            lost[position] = _step(state, number, moved)
            state.seen.append(number)
        return lost


def _step(state: _Stream, number: int, units: int) -> int:
    expected = state.expected
    gap = 0 if expected is None else (number - expected + _MODULUS // 2) % _MODULUS - _MODULUS // 2
    if gap < 0:
        for position, (first, missing) in enumerate(state.holes):
            into = (number - first) % _MODULUS
            if into < missing:
                found = min(max(units, 0), missing - into)
                rest = [(first, into), ((number + found) % _MODULUS, missing - into - found)]
                state.holes[position : position + 1] = [hole for hole in rest if hole[1]]
                del state.holes[:-_HOLES_KEPT]
                return -found
        if number in state.seen:
            return 0
    state.expected = None if units == UNKNOWN_UNITS else (number + units) % _MODULUS
    if gap < 0 or gap > _RESTART:
        state.holes.clear()
        state.seen.clear()
        return 0
    if gap and expected is not None:
        state.holes = [*state.holes[-_HOLES_KEPT + 1 :], (expected, gap)]
    return gap
