"""Sequence numbers: how much an exporter sent that never arrived, by each protocol's own semantics."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from caudal.collector.flowrecords import I64

_MODULUS = 1 << 32
_RESTART = 1 << 24  # a jump beyond this many units is a restart, not a loss
# What one number alone is believed to have lost. A wrong one that says less does no harm for long: the units
# come, and are taken back. Where more was lost nothing is missed by waiting for the next datagram to confirm it.
_BELIEVED = 1 << 12
_HOLES_KEPT = 16
_TIMES_TO_BE_SURE = 4
NUMBERS_KEPT = 32
_FEW = 8  # datagrams that are followed faster one by one than as arrays

UNKNOWN_UNITS = -1


class Followed(NamedTuple):
    """Where a stream of numbers stands: what is worth keeping of it while nobody follows it."""

    expected: int
    last: int
    counts_before: bool
    counts_itself: bool


@dataclass(slots=True)
class Stream:
    """What is known of one stream of numbers; small, as there may be very many.

    `doubted` is a number far from the expected one that came last: nobody knows yet whether the exporter
    jumped there, or the number was wrong. `doubted_units` is how far it moves the count.
    """

    expected: int | None = None
    last: int | None = None
    counts_before: bool = False  # seen to count as the standards say: what came before a datagram
    counts_itself: int = 0  # times in a row that it counted the records of the message as well
    misread: int = 0  # losses that were none if it always does so
    doubted: int | None = None
    doubted_units: int = 0
    restarts: int = 0  # modulo 256
    _holes: "array[int] | None" = None  # first missing, how many; of each hole, the oldest first
    _seen: "array[int] | None" = None

    def saw(self, numbers: Iterable[int]) -> None:
        """Remember numbers in the order they came, the last NUMBERS_KEPT of all."""
        if self._seen is None:
            self._seen = array("I")
        self._seen.extend(numbers)
        if len(self._seen) >= NUMBERS_KEPT + _FEW:
            del self._seen[:-NUMBERS_KEPT]

    def has_seen(self, number: int) -> bool:
        """Return whether a number came lately."""
        return self._seen is not None and number in self._seen[-NUMBERS_KEPT:]

    def miss(self, first: int, missing: int) -> None:
        """Remember that so many units are missing from `first` on."""
        if self._holes is None:
            self._holes = array("I")
        self._holes.extend((first, missing))
        del self._holes[: -2 * _HOLES_KEPT]

    def take_back(self, number: int, units: int) -> int | None:
        """Return how many of the missing come with a late datagram, which are missing no more; None if it is not late."""
        holes = self._holes or ()
        for at in range(0, len(holes), 2):
            first, missing = holes[at : at + 2]
            into = (number - first) % _MODULUS
            if into < missing:
                found = min(max(units, 0), missing - into)
                rest = ((first, into), ((number + found) % _MODULUS, missing - into - found))
                assert self._holes is not None
                self._holes[at : at + 2] = array("I", [each for hole in rest if hole[1] for each in hole])
                del self._holes[: -2 * _HOLES_KEPT]
                return found
        return None

    def forget_holes(self) -> None:
        """Miss nothing any more."""
        self._holes = None

    def restart(self) -> None:
        """Forget what was missing and what was seen: the exporter counts anew."""
        self._holes = self._seen = None
        self.restarts = (self.restarts + 1) & 0xFF


class Sequences:
    """Follows the sequence numbers of each stream.

    NetFlow v5 counts flows, v9 datagrams, IPFIX data records (those before this message), sFlow datagrams.
    A late datagram takes back the loss it had caused, one that came twice changes nothing; a jump backwards
    to somewhere else, or a very long one, is a restart and no loss. Such a jump, and one that says that much
    was lost, counts only when the next number goes on from it: else that one number was wrong. Some exporters
    (softflowd) count the records of the message itself as well; they are known by doing so several times in
    a row and never otherwise. Streams are bounded, of each exporter and of all: the one that appeared first
    is forgotten first, so that an exporter with too many loses its own, and no other's.
    """

    def __init__(self, streams: int = 1 << 16, streams_per_exporter: int = 1 << 12) -> None:
        self._limit = streams
        self._limit_of_one = streams_per_exporter
        self._streams: dict[int, dict[int, Stream]] = {}  # by exporter, protocol and domain: see `_name`
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def forget(self, exporter: int) -> None:
        """Forget all streams of an exporter."""
        self._number -= len(self._streams.pop(exporter, ()))

    def state(self, exporter: int) -> dict[tuple[int, int], Followed]:
        """Return where the streams of an exporter stand, by protocol and observation domain or engine."""
        return {
            (name >> 32, name & 0xFFFF_FFFF): Followed(
                stream.expected, stream.last, stream.counts_before, stream.counts_itself >= _TIMES_TO_BE_SURE
            )
            for name, stream in self._streams.get(exporter, {}).items()
            if stream.expected is not None and stream.last is not None
        }

    def restore(self, exporter: int, name: tuple[int, int], followed: Followed) -> None:
        """Go on where a stream stood: what was sent since then and did not come here counts as lost."""
        stream = self._stream(exporter, _name(*name))
        stream.expected, stream.last = followed.expected, followed.last
        stream.counts_before = followed.counts_before
        stream.counts_itself = _TIMES_TO_BE_SURE if followed.counts_itself else 0

    def _stream(self, exporter: int, name: int) -> Stream:
        streams = self._streams.setdefault(exporter, {})
        state = streams.get(name)
        if state is None:
            if len(streams) >= self._limit_of_one:
                self._drop(exporter)
            elif self._number >= self._limit:
                self._drop(next(other for other in self._streams if other != exporter or streams))
            state = self._streams.setdefault(exporter, {})[name] = Stream()
            self._number += 1
        return state

    def _drop(self, exporter: int) -> None:
        streams = self._streams[exporter]
        del streams[next(iter(streams))]
        self._number -= 1
        if not streams:
            del self._streams[exporter]

    def follow(self, stream: tuple[int, int, int], sequence: I64, units: I64) -> I64:
        """Return the units lost before each datagram (negative where a late one makes up for an earlier loss).

        `stream` is (exporter, protocol, observation domain or engine); `sequence` are the numbers in the
        order received, `units` how far each moves the count (UNKNOWN_UNITS where that cannot be told).
        """
        state = self._stream(stream[0], _name(*stream[1:]))
        if len(sequence) <= _FEW:
            return np.array(_steps(state, sequence.tolist(), units.tolist()), np.int64)
        lost = np.zeros(len(sequence), np.int64)
        following = (sequence + units) % _MODULUS
        known = (units >= 0).all()
        if known and state.expected == sequence[0] and (sequence[1:] == following[:-1]).all():
            # What `_step` would have come to; equal sizes leave open which of the two an exporter counts.
            at_last = state.last is not None and (state.last + int(units[0])) % _MODULUS == sequence[0]
            state.counts_before |= not at_last or bool((units[1:] != units[:-1]).any())
            state.counts_itself = 0 if state.counts_before else state.counts_itself + len(sequence)
            state.misread = state.misread if state.counts_itself else 0
            state.expected, state.last, state.doubted = int(following[-1]), int(sequence[-1]), None
            state.saw(sequence[-NUMBERS_KEPT:].tolist())
            return lost
        lost[:] = _steps(state, sequence.tolist(), units.tolist())
        return lost

    def follow_all(
        self, protocol: int, exporter: I64, observation_domain: I64, sequence: I64, units: I64
    ) -> I64:
        """The same for the datagrams of many streams, in the order received, of one protocol."""
        code = exporter << 32 | observation_domain
        if (code == code[0]).all():
            return self.follow((int(exporter[0]), protocol, int(observation_domain[0])), sequence, units)
        order = np.argsort(code, kind="stable")
        bounds = np.flatnonzero(np.diff(code[order])) + 1
        sequence, units = sequence[order], units[order]
        firsts = [0, *bounds.tolist()]
        codes = code[order[firsts]].tolist()
        numbers, moved = sequence.tolist(), units.tolist()
        lost = np.zeros(len(code), np.int64)
        for first, last, stream in zip(firsts, [*firsts[1:], len(code)], codes, strict=True):
            number, domain = stream >> 32, stream & 0xFFFF_FFFF
            if last - first > _FEW:
                found = self.follow((number, protocol, domain), sequence[first:last], units[first:last])
                lost[order[first:last]] = found
                continue
            state = self._stream(number, _name(protocol, domain))
            gaps = _steps(state, numbers[first:last], moved[first:last])
            if any(gaps):
                lost[order[first:last]] = gaps
        return lost


def _name(protocol: int, domain: int) -> int:
    return protocol << 32 | domain  # one number is a third of a pair of them


def _steps(state: Stream, sequence: list[int], units: list[int]) -> list[int]:
    lost = []
    unnoted = 0  # from here on numbers are not remembered yet
    for at, (number, moved) in enumerate(zip(sequence, units, strict=True)):
        if number == state.expected and moved >= 0:  # as it nearly always is; what `_step` would come to
            state.counts_before |= state.last is None or number != (state.last + moved) % _MODULUS
            if state.counts_before:
                state.counts_itself = state.misread = 0
            else:
                state.counts_itself += 1
            state.expected, state.last, state.doubted = (number + moved) % _MODULUS, number, None
            lost.append(0)
        else:
            state.saw(sequence[unnoted:at])
            unnoted = at
            lost.append(_step(state, number, moved))
    state.saw(sequence[unnoted:])
    return lost


def _step(state: Stream, number: int, units: int) -> int:
    expected = state.expected
    befores = [each for each in (state.last, state.doubted) if each is not None]
    itself = units >= 0 and any(number == (before + units) % _MODULUS for before in befores)
    state.counts_before |= number == expected and not itself
    state.counts_itself = state.counts_itself + 1 if itself and not state.counts_before else 0
    if state.counts_itself >= _TIMES_TO_BE_SURE and number != expected:
        state.expected, state.doubted = (number + units) % _MODULUS, None
        state.forget_holes()
        lost, state.misread = -state.misread, 0
    else:
        lost = lost_before(state, number, units)
        state.misread = state.misread + lost if state.counts_itself else 0
    if state.doubted is None or itself:
        state.last = number
    return lost


def lost_before(state: Stream, number: int, units: int) -> int:
    """Return the units missing before `number`, by the standards, and move `state` on; see Sequences."""
    expected = state.expected
    gap = 0 if expected is None else _signed(number - expected)
    if state.doubted is not None:
        if number == state.doubted and state.doubted_units:
            return 0  # it came twice, which confirms nothing
        apart = abs(_signed(number - state.doubted - max(state.doubted_units, 0)))
        if apart < min(abs(gap), _BELIEVED):
            return _jump(state) + lost_before(state, number, units)
    if gap < 0:
        found = state.take_back(number, units)
        if found is not None:
            return -found
        if state.has_seen(number):
            return 0
    if not 0 <= gap <= _BELIEVED:
        state.doubted, state.doubted_units = number, units
        return 0
    state.doubted = None
    state.expected = None if units == UNKNOWN_UNITS else (number + units) % _MODULUS
    if gap and expected is not None:
        state.miss(expected, gap)
    return gap


def _jump(state: Stream) -> int:
    """Go where the number that was doubted stands, and return the units that were lost before it."""
    number, expected, units = state.doubted, state.expected, state.doubted_units
    assert number is not None and expected is not None
    gap = _signed(number - expected)
    lost = gap if 0 < gap <= _RESTART else 0
    if lost:
        state.miss(expected, lost)
    else:
        state.restart()
        state.saw((number,))
    state.expected = None if units == UNKNOWN_UNITS else (number + units) % _MODULUS
    state.doubted = None
    return lost


def _signed(difference: int) -> int:
    return (difference + _MODULUS // 2) % _MODULUS - _MODULUS // 2
