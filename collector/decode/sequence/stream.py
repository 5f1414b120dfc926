"""A stream of sequence numbers of one source, and how many units between two of its numbers never arrived."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

MODULUS = 1 << 32
_RESTART = 1 << 24  # a jump beyond this many units is a restart, not a loss
# What one number alone is believed to have lost. A wrong one that says less does no harm for long: the units
# come, and are taken back. Where more was lost nothing is missed by waiting for the next datagram to confirm it.
_BELIEVED = 1 << 12
_HOLES_KEPT = 16
TIMES_TO_BE_SURE = 4
NUMBERS_KEPT = 32
FEW = 8  # datagrams that are followed faster one by one than as arrays

UNKNOWN_UNITS = -1


class Followed(NamedTuple):
    """The state of a stream that is kept while nobody follows it: the number expected next, and how the exporter counts.

    `shared` says whether the exporter sends datagrams of the stream from several UDP ports in turn.
    """

    expected: int
    last: int
    counts_before: bool
    counts_itself: bool
    shared: bool = False


@dataclass(slots=True)
class Stream:
    """The state of one stream of sequence numbers; small, as there may be very many.

    `doubted` is a number far from the expected one that came last: nobody knows yet whether the exporter
    jumped there, or the number was wrong. `doubted_units` is how far it moves the count. `also` is the number that would
    come next if template records counted as well, where the last datagram had any.
    """

    expected: int | None = None
    last: int | None = None
    counts_before: bool = False  # seen to count as the standards say: what came before a datagram
    counts_itself: int = 0  # times in a row that it counted the records of the message as well
    counts_messages: int = 0  # times in a row that it counted one for each message, whatever was in it
    counts_templates: int = 0  # times in a row that it counted template records as well
    misread: int = 0  # losses that were none if it always does so
    also: int | None = None
    in_front: bool = False  # the last datagram moved the count; it did not come late
    doubted: int | None = None
    doubted_units: int = 0
    restarts: int = 0  # modulo 256
    _holes: "array[int] | None" = None  # first missing, how many; of each hole, the oldest first
    _seen: "array[int] | None" = None

    @property
    def counts_otherwise(self) -> bool:
        """True if the exporter is known to count messages, or template records as well, instead of data records."""
        return self.counts_messages >= TIMES_TO_BE_SURE or self.counts_templates >= TIMES_TO_BE_SURE

    def as_counted(self, units: int, templates: int) -> int:
        """Return the step that a datagram of `units` records and `templates` makes in the numbers, as this exporter counts."""
        if self.counts_messages >= TIMES_TO_BE_SURE:
            return 1
        if self.counts_templates >= TIMES_TO_BE_SURE and units >= 0:
            return units + templates
        return units

    def continues(self, number: int, units: int) -> bool:
        """Return True if a number follows the last one in any of the ways in which exporters count."""
        if number in (self.expected, self.also):
            return True
        return self.last is not None and (number - self.last) % MODULUS in (1, units)

    def saw(self, numbers: Iterable[int]) -> None:
        """Remember numbers in the order they came, the last NUMBERS_KEPT of all."""
        if self._seen is None:
            self._seen = array("I")
        self._seen.extend(numbers)
        if len(self._seen) >= NUMBERS_KEPT + FEW:
            del self._seen[:-NUMBERS_KEPT]

    def has_seen(self, number: int) -> bool:
        """Return True if the number is one of the last that came."""
        return self._seen is not None and number in self._seen[-NUMBERS_KEPT:]

    def miss(self, first: int, missing: int) -> None:
        """Remember that so many units are missing from `first` on."""
        if self._holes is None:
            self._holes = array("I")
        self._holes.extend((first, missing))
        del self._holes[: -2 * _HOLES_KEPT]

    def take_back(self, number: int, units: int) -> int | None:
        """Return the number of missing units that arrive with a late datagram; None if the datagram is not late."""
        holes = self._holes or ()
        for at in range(0, len(holes), 2):
            first, missing = holes[at : at + 2]
            into = (number - first) % MODULUS
            if into < missing:
                found = min(max(units, 0), missing - into)
                rest = ((first, into), ((number + found) % MODULUS, missing - into - found))
                assert self._holes is not None
                self._holes[at : at + 2] = array("I", [each for hole in rest if hole[1] for each in hole])
                del self._holes[: -2 * _HOLES_KEPT]
                return found
        return None

    def forget_holes(self) -> None:
        """Miss nothing any more."""
        self._holes = None

    def restart(self) -> None:
        """Forget missing and seen numbers: the exporter counts anew."""
        self._holes = self._seen = None
        self.restarts = (self.restarts + 1) & 0xFF


def follow(
    stream: Stream, sequence: list[int], units: list[int], templates: list[int] | None = None
) -> list[int]:
    """Return the units lost before each of some datagrams in the order received, and move `stream` on.

    `units` is how far each moves the count (UNKNOWN_UNITS where that cannot be told), `templates` how many template
    records are in it besides, which should not count.
    """
    if _goes_on(stream, sequence, units, templates):
        return [0] * len(sequence)
    lost = []
    unnoted = 0  # from here on numbers are not remembered yet
    besides = repeat(0) if templates is None else templates
    for at, (number, told, more) in enumerate(zip(sequence, units, besides, strict=False)):
        moved = stream.as_counted(told, more) if stream.counts_messages or stream.counts_templates else told
        if number == stream.expected and moved >= 0:  # as it nearly always is; what `_step` would come to
            stream.counts_before |= stream.last is None or number != (stream.last + moved) % MODULUS
            if stream.counts_before:
                stream.counts_itself = stream.misread = 0
            else:
                stream.counts_itself += 1
            if stream.counts_messages or stream.counts_templates:
                _note_manner(stream, number)
            stream.expected, stream.last, stream.doubted = (number + moved) % MODULUS, number, None
            stream.in_front = True
            stream.also = (number + moved + more) % MODULUS if more and moved == told else None
            lost.append(0)
        else:
            stream.saw(sequence[unnoted:at])
            unnoted = at
            lost.append(_step(stream, number, moved, more))
    stream.saw(sequence[unnoted:])
    return lost


def _goes_on(stream: Stream, sequence: list[int], units: list[int], templates: list[int] | None) -> bool:
    """Move a stream on by all of these at once if each number is the expected one and nothing else can be learnt."""
    if (
        not stream.counts_before
        or stream.counts_messages
        or stream.counts_templates
        or stream.expected != sequence[0]
        or min(units) < 0
        or (templates is not None and any(templates))
    ):
        return False
    following = [(number + told) % MODULUS for number, told in zip(sequence, units, strict=True)]
    if following[:-1] != sequence[1:]:
        return False
    stream.expected, stream.last, stream.doubted = following[-1], sequence[-1], None
    stream.counts_itself = stream.misread = 0
    stream.in_front, stream.also = True, None
    stream.saw(sequence)
    return True


def _note_manner(stream: Stream, number: int) -> None:
    """Forget the assumed way in which the exporter counts, where an expected number contradicts it."""
    if (
        stream.counts_messages
        and not stream.counts_otherwise
        and number != ((stream.last or 0) + 1) % MODULUS
    ):
        stream.counts_messages = 0
    if stream.counts_templates and stream.also is not None and number != stream.also:
        stream.counts_templates = 0


def _step(stream: Stream, number: int, units: int, templates: int) -> int:
    expected = stream.expected
    befores = [each for each in (stream.last, stream.doubted) if each is not None]
    itself = units >= 0 and any(number == (before + units) % MODULUS for before in befores)
    stream.counts_before |= number == expected and not itself
    stream.counts_itself = stream.counts_itself + 1 if itself and not stream.counts_before else 0
    if number == expected:
        _note_manner(stream, number)
    if stream.counts_itself >= TIMES_TO_BE_SURE and number != expected:
        stream.expected, stream.doubted = (number + units) % MODULUS, None
        stream.forget_holes()
        lost, stream.misread = -stream.misread, 0
    elif (
        not itself
        and stream.doubted is None
        and expected is not None
        and number != expected
        and _counts_otherwise(stream, number)
    ):
        lost, stream.misread = 0, 0
        moved = stream.as_counted(units, templates)
        stream.expected = None if moved < 0 else (number + moved) % MODULUS
    else:
        lost = lost_before(stream, number, units)
        stream.misread = stream.misread + lost if stream.counts_itself else 0
    stream.also = None
    stream.in_front = units >= 0 and stream.expected == (number + units) % MODULUS
    if stream.doubted is None or itself:
        stream.last = number
        # Once it is known that templates count, they are among the units.
        if templates and units >= 0 and not stream.counts_otherwise:
            stream.also = (number + units + templates) % MODULUS
    return lost


def _counts_otherwise(stream: Stream, number: int) -> bool:
    """Return True if an unexpected number is the one that an exporter counting templates or messages would send."""
    if number == stream.also:
        stream.counts_templates = min(stream.counts_templates + 1, 0xFF)
        return True
    if stream.in_front and stream.last is not None and number == (stream.last + 1) % MODULUS:
        stream.counts_messages = min(stream.counts_messages + 1, 0xFF)
        return True
    return False


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
    state.expected = None if units == UNKNOWN_UNITS else (number + units) % MODULUS
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
    state.expected = None if units == UNKNOWN_UNITS else (number + units) % MODULUS
    state.doubted = None
    return lost


def _signed(difference: int) -> int:
    return (difference + MODULUS // 2) % MODULUS - MODULUS // 2
