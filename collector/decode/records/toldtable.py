"""Totals of the flows of one exporter, so that each record counts only by the traffic that is new in it."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I32, I64, REPEATED, TRAFFIC, U8, U64
from caudal.collector.columns.kernel import kernel
from caudal.collector.decode.template.telling import LAST, OCTET_TOTAL, OF_CONNECTION, PACKET_TOTAL

# A firewall keeps an idle connection for an hour, and only then tells its end.
OPEN_MS: Final = 2 * 3_600_000
# What comes late, or twice, of a flow whose end was told.
CLOSED_MS: Final = 120_000
# The longest active timeout that is usual: what was not told for so long will hardly be told again.
_TIMEOUT_MS: Final = 1_800_000

LEAST_ROOM: Final = 64

# What a row says of its flow, in eight numbers: a line of the processor's cache. The increments told, what was counted
# (of totals: the last), and in milliseconds when the flow was told (by the exporter's clock), and until when it is kept.
_FIRST, _SECOND, _MORE_OCTETS, _MORE_PACKETS, _OCTETS, _PACKETS, _TOLD, _UNTIL = range(8)
NUMBERS: Final = 8
ROW_OCTETS: Final = 8 * NUMBERS
_MOST = np.uint64((1 << 63) - 1)
_FULLEST_PACKET = np.uint64(65_535)

# What an exporter's records did: told again with something new, told again nothing new, told less than before, named no
# flow; flows given up for want of room; records for which there was none. Then, of late ones, totals that rose or stayed
# and that fell.
TOLD_MORE, TOLD_NOTHING, FELL, NO_FLOW, GIVEN_UP, NO_ROOM, _ROSE_OF_LATE, _FELL_OF_LATE = range(8)
_OF_LATE = 1024
_FEWEST_FALLS = 4

Rows = npt.NDArray[np.uint64]


class Told(NamedTuple):
    """One direction of records that tell totals: digests of flows, how they tell (bits of `telling`), times (ms), counters.

    `octets`, `packets` and `kind` are changed in place.
    """

    first: U64
    second: U64
    how: U8
    told_ms: I64
    octets: U64
    packets: U64
    kind: U8


class ToldTable:
    """The flows of one exporter of which totals are told, by digest; `done` counts what its records did.

    It never grows by itself: `make_room` is asked where there is none.
    """

    def __init__(self) -> None:
        self.done: I64 = np.zeros(8, np.int64)
        self._size = 0
        self._rows: Rows = np.zeros((0, NUMBERS), np.uint64)
        self.hold(0)

    def __len__(self) -> int:
        return self._size

    @property
    def room(self) -> int:
        """The number of flows there is room for."""
        return len(self._rows)

    @property
    def begins_anew(self) -> bool:
        """True if a quarter of the exporter's totals fell of late: then each export begins anew, and each record counts whole."""
        return bool(_begins_anew(self.done))

    def count_new(
        self, told: Told, octets_wrap: int, now_ms: int, make_room: Callable[["ToldTable"], bool]
    ) -> None:
        """Reduce counters to the traffic that is new in them; records without any become REPEATED.

        Octet totals begin at 0 again at `octets_wrap`, 0 for 2⁶⁴. Where `make_room` finds none, records count as they are.
        """
        at = 0
        while True:
            at, self._size = _count_new(
                *told, at, np.uint64(octets_wrap), now_ms, self._rows, self._index, self._size, self.done
            )
            if at == len(told.octets):
                return
            if not make_room(self):
                self.done[NO_ROOM] += len(told.octets) - at
                return

    def hold(self, room: int) -> None:
        """Have room for so many flows, a power of 2 or none; those there are must find room in it."""
        rows: Rows = np.zeros((room, NUMBERS), np.uint64)
        rows[: self._size] = self._rows[: self._size]
        self._rows = rows
        # By the digest: the row, or -1; at most a quarter is taken.
        self._index: I32 = np.full(4 * room, -1, np.int32)
        _index_rows(self._size, self._rows, self._index)

    def drop(self, before_ms: int) -> None:
        """Forget the flows that are kept until a time before this."""
        stays = self.rows[self.rows[:, _UNTIL] >= np.uint64(max(before_ms, 0))]
        self._size = len(stays)
        self._rows[: self._size] = stays
        self._index[:] = -1
        _index_rows(self._size, self._rows, self._index)

    def give_up_half(self, now_ms: int) -> None:
        """Forget half of the flows, those that would have been kept for the shortest time, and count those that may be told again."""
        if not self._size:
            return
        until = self.rows[:, _UNTIL]
        order = np.argpartition(until, self._size // 2)
        goes = order[: (self._size + 1) // 2]
        self.done[GIVEN_UP] += np.count_nonzero(until[goes] > np.uint64(now_ms + OPEN_MS - _TIMEOUT_MS))
        stays = self.rows[np.sort(order[(self._size + 1) // 2 :])]
        self._size = len(stays)
        self._rows[: self._size] = stays
        self._index[:] = -1
        _index_rows(self._size, self._rows, self._index)

    @property
    def rows(self) -> Rows:
        """The flows remembered, uint64 (flows, 8)."""
        return self._rows[: self._size]

    def latest(self, most: int) -> Rows:
        """Return the rows of at most so many flows, those that are kept for longest."""
        rows = self.rows
        if len(rows) > most:
            rows = rows[np.argpartition(rows[:, _UNTIL], len(rows) - most)[len(rows) - most :]]
        return rows.copy()

    def recall(self, rows: Rows) -> None:
        """Remember rows of an earlier table of the same exporter and secret, as many as there is room for."""
        self._size = _recall(rows, self._rows, self._index, self._size)


@kernel
def _place(first: np.uint64, second: np.uint64, rows: Rows, index: I32) -> int:
    """Return the slot of the index where the row of a digest is, or the free slot where it belongs."""
    at = int(np.int64(first)) & (len(index) - 1)
    while index[at] >= 0 and (rows[index[at], _FIRST] != first or rows[index[at], _SECOND] != second):
        at = (at + 1) & (len(index) - 1)
    return at


@kernel
def _index_rows(size: int, rows: Rows, index: I32) -> None:
    for row in range(size):
        index[_place(rows[row, _FIRST], rows[row, _SECOND], rows, index)] = row


@kernel
def _recall(others: Rows, rows: Rows, index: I32, size: int) -> int:
    """Add rows that are not there yet, until there is no room; return how many rows there are then."""
    for other in range(len(others)):
        if size == len(rows):
            break
        at = _place(others[other, _FIRST], others[other, _SECOND], rows, index)
        if index[at] < 0:
            index[at] = size
            rows[size] = others[other]
            size += 1
    return size


@kernel
def _begins_anew(done: I64) -> bool:
    falls = done[_FELL_OF_LATE]
    return bool(falls >= _FEWEST_FALLS and 4 * falls >= falls + done[_ROSE_OF_LATE])


@kernel
def _count_new(
    first: U64,
    second: U64,
    how: U8,
    told_ms: I64,
    octets: U64,
    packets: U64,
    kind: U8,
    begin: int,
    octets_wrap: np.uint64,
    now_ms: int,
    rows: Rows,
    index: I32,
    size: int,
    done: I64,
) -> tuple[int, int]:
    """Count the records from position `begin` on, until there is no room for a new flow; return how many are done, and rows."""
    for i in range(begin, len(octets)):
        if how[i] == 0 or kind[i] != TRAFFIC:
            continue
        if len(rows) == 0:
            return i, size
        at = _place(first[i], second[i], rows, index)
        row = int(index[at])
        if row < 0:
            if size == len(rows):
                return i, size
            row = size
            size += 1
            index[at], rows[row, _FIRST], rows[row, _SECOND] = row, first[i], second[i]
            rows[row, _MORE_OCTETS:] = np.uint64(0)
        elif rows[row, _UNTIL] < np.uint64(now_ms):
            rows[row, _MORE_OCTETS:] = np.uint64(0)
        all_octets, all_packets = octets[i], packets[i]
        if how[i] & OF_CONNECTION:
            totals = how[i] & (OCTET_TOTAL | PACKET_TOTAL) != 0
            octets[i] = _new_of_event(
                all_octets, totals, rows, row, np.int64(_MORE_OCTETS), np.int64(_OCTETS)
            )
            packets[i] = _new_of_event(
                all_packets, totals, rows, row, np.int64(_MORE_PACKETS), np.int64(_PACKETS)
            )
        else:
            _count_total(
                i, how[i], np.uint64(max(told_ms[i], 0)), octets, packets, octets_wrap, rows, row, done
            )
        if octets[i] == 0 and packets[i] == 0:
            kind[i] = REPEATED
            done[TOLD_NOTHING] += 1
        elif octets[i] != all_octets or packets[i] != all_packets:
            done[TOLD_MORE] += 1
        rows[row, _UNTIL] = np.uint64(now_ms + (CLOSED_MS if how[i] & LAST else OPEN_MS))
    return len(octets), size


@kernel
def _new_of_event(
    value: np.uint64, is_total: bool, rows: Rows, row: int, more: np.int64, counted: np.int64
) -> np.uint64:
    """Return the traffic that is new in a counter of a connection's event.

    Increments and total are the same traffic, whichever comes first: the greater of the total and the sum of all
    increments counts. A total that is less than they, as one that wraps is, tells nothing new.
    """
    value = min(value, _MOST)
    if not is_total:
        value = min(rows[row, more] + value, _MOST)
        rows[row, more] = value
    before = rows[row, counted]
    if value <= before:
        return np.uint64(0)
    rows[row, counted] = value
    return np.uint64(value - before)


@kernel
def _count_total(
    i: int,
    how: int,
    told_ms: np.uint64,
    octets: U64,
    packets: U64,
    octets_wrap: np.uint64,
    rows: Rows,
    row: int,
    done: I64,
) -> None:
    """Reduce the totals of a flow to new traffic: the difference, all where they begin anew, nothing where they come late."""
    of_octets, of_packets = how & OCTET_TOTAL != 0, how & PACKET_TOTAL != 0
    all_octets, all_packets = octets[i], packets[i]
    last_octets = rows[row, _OCTETS] if of_octets else np.uint64(0)
    last_packets = rows[row, _PACKETS] if of_packets else np.uint64(0)
    if last_octets | last_packets:
        fell = all_octets < last_octets or all_packets < last_packets
        if fell and _wraps(all_octets, last_octets, all_packets, last_packets, octets_wrap):
            octets[i] = all_octets + (octets_wrap - last_octets)
            packets[i] = all_packets - last_packets
        elif fell and told_ms <= rows[row, _TOLD] and not _begins_anew(done):
            octets[i] = np.uint64(0) if of_octets else all_octets
            packets[i] = np.uint64(0) if of_packets else all_packets
            return
        elif fell:
            done[FELL] += 1
            done[_FELL_OF_LATE] += 1
        else:
            done[_ROSE_OF_LATE] += 1
            if not _begins_anew(done):
                octets[i] = all_octets - last_octets
                packets[i] = all_packets - last_packets
        if done[_FELL_OF_LATE] + done[_ROSE_OF_LATE] >= _OF_LATE:
            done[_FELL_OF_LATE] //= 2
            done[_ROSE_OF_LATE] //= 2
    rows[row, _OCTETS], rows[row, _PACKETS] = all_octets, all_packets
    rows[row, _TOLD] = max(told_ms, rows[row, _TOLD])


@kernel
def _wraps(
    octets: np.uint64,
    last_octets: np.uint64,
    packets: np.uint64,
    last_packets: np.uint64,
    octets_wrap: np.uint64,
) -> bool:
    """Return True if octets fell because their counter began at 0 again: the packets told since can hold the difference."""
    if octets_wrap == 0 or octets >= last_octets or packets <= last_packets or last_octets >= octets_wrap:
        return False
    return bool(octets + (octets_wrap - last_octets) <= (packets - last_packets) * _FULLEST_PACKET)
