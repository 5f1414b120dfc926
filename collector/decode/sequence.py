"""Sequence numbers: how much an exporter sent that never arrived, by each protocol's own semantics."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from caudal.collector.flowrecords import I64

_MODULUS = 1 << 32
_RESTART = 1 << 24  # a jump beyond this many units is a restart, not a loss
_HOLES_KEPT = 64
_TIMES_TO_BE_SURE = 4
_NUMBERS_KEPT = 64
_MOST_STREAMS = 1 << 16

UNKNOWN_UNITS = -1


@dataclass
class _Stream:
    expected: int | None = None
    last: int | None = None
    counts_before: bool = False  # seen to count as the standards say: what came before a datagram
    counts_itself: int = 0  # times in a row that it counted the records of the message as well
    misread: int = 0  # losses that were none if it always does so
    holes: list[tuple[int, int]] = field(default_factory=list)  # (first missing, how many)
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=_NUMBERS_KEPT))


class Sequences:
    """Follows the sequence numbers of each stream.

    NetFlow v5 counts flows, v9 datagrams, IPFIX data records (those before this message), sFlow datagrams.
    A late datagram takes back the loss it had caused, one that came twice changes nothing; a jump backwards
    to somewhere else, or a very long one, is a restart and no loss. Some exporters (softflowd) count the
    records of the message itself as well; they are known by doing so several times in a row and never
    otherwise. Streams are bounded: the one that appeared first is forgotten first.
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
        known = (units >= 0).all()
        if known and state.expected == sequence[0] and (sequence[1:] == following[:-1]).all():
            # What `_step` would have come to; equal sizes leave open which of the two an exporter counts.
            at_last = state.last is not None and (state.last + int(units[0])) % _MODULUS == sequence[0]
            state.counts_before |= not at_last or bool((units[1:] != units[:-1]).any())
            state.counts_itself = 0 if state.counts_before else state.counts_itself + len(sequence)
            state.misread = state.misread if state.counts_itself else 0
            state.expected, state.last = int(following[-1]), int(sequence[-1])
            state.seen.extend(sequence[-_NUMBERS_KEPT:].tolist())
            return lost
        for position, (number, moved) in enumerate(zip(sequence.tolist(), units.tolist(), strict=True)):
            lost[position] = _step(state, number, moved)
            state.seen.append(number)
        return lost


def _step(state: _Stream, number: int, units: int) -> int:
    expected = state.expected
    itself = units >= 0 and state.last is not None and number == (state.last + units) % _MODULUS
    state.counts_before |= number == expected and not itself
    state.counts_itself = state.counts_itself + 1 if itself and not state.counts_before else 0
    state.last = number
    if state.counts_itself >= _TIMES_TO_BE_SURE and number != expected:
        state.expected = (number + units) % _MODULUS
        state.holes.clear()
        misread, state.misread = state.misread, 0
        return -misread
    lost = _lost(state, number, units)
    state.misread = state.misread + lost if state.counts_itself else 0
    return lost


def _lost(state: _Stream, number: int, units: int) -> int:
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
