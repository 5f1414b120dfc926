"""The flows that packets may still be added to, found by their 5-tuple."""

import secrets
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I32, I64, U8, U16, U64
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import signed
from caudal.collector.packets.packets import Mask, Packets

# Columns of a row: the key, which is both addresses and the rest of the 5-tuple, and what is summed under it.
SOURCE_HIGH, SOURCE_LOW, DESTINATION_HIGH, DESTINATION_LOW, REST, START_MS, END_MS, BYTES, PACKETS = range(9)
COLUMNS: Final = 9
# `REST` packs, from the lowest bit: destination port 16, source port 16, protocol 8, ports known 1, IPv6 1.
SOURCE_PORT_BIT, PROTOCOL_BIT, KNOWN_BIT, SIX_BIT = 16, 32, 40, 41

# So many packets are looked up at once: memory is waited for longer than all the rest takes, so for many together.
_BLOCK = 64
_LEAST_ROOM = 1 << 14
_KEPT_ROOM = 1 << 17
_NONE = -1
_HALF, _LOW_HALF = np.uint64(32), np.uint64(0xFFFFFFFF)
Key = tuple[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64]


@dataclass(frozen=True)
class Timing:
    """The times that part flows, in milliseconds."""

    window_ms: int
    active_ms: int
    idle_ms: int


class FlowTable:
    """Adds packets to the flows they belong to; a row (see the columns above) is one flow.

    A packet belongs to the flow of its 5-tuple that is open, if it is not more than the idle timeout away
    from it, lies in the same window, and does not make it last for the active timeout; else it closes it
    and opens another. The hash is keyed anew in each process, and any two 5-tuples collide as seldom as two
    random numbers do, so that nobody can choose packets that make it slow.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._secret: U64 = np.array([secrets.randbits(64) for _ in range(11)], np.uint64)
        self._count = 0
        self._closed: list[U64] = []
        self._allocate(_LEAST_ROOM)

    def __len__(self) -> int:
        """The rows kept, of open flows and of those closed and not yet taken."""
        return self._count + sum(map(len, self._closed))

    def _allocate(self, room: int) -> None:
        self._rows: U64 = np.empty((room, COLUMNS), np.uint64)
        # Twice as many places as rows: a search always ends at one that is free.
        self._index: I32 = np.full(2 * room, _NONE, np.int32)

    def add(self, packets: Packets) -> None:
        """Add packets of one IP version, in their order."""
        closed = np.empty((len(packets), COLUMNS), np.uint64)
        at = count = 0
        while at < len(packets):
            at, self._count, count = _add(
                packets.ip_version == 6,
                packets.source_high,
                packets.source_low,
                packets.destination_high,
                packets.destination_low,
                packets.source_port,
                packets.destination_port,
                packets.ip_protocol,
                packets.ports_known,
                packets.bytes,
                packets.time_ms,
                at,
                self._timing.window_ms,
                self._timing.active_ms,
                self._timing.idle_ms,
                self._secret,
                self._index,
                self._rows,
                self._count,
                closed,
                count,
            )
            if at < len(packets):
                self._move(2 * len(self._rows))
        if count:
            self._closed.append(closed[:count].copy())

    def take(self, next_ms: int | None) -> U64:
        """Take away the flows to which no packet from `next_ms` on can belong, or all if it is None."""
        over = self._over(next_ms)
        taken = np.concatenate([*self._closed, self._rows[: self._count][over]])
        self._closed = []
        if over.any():
            self._keep(np.flatnonzero(~over))
        return taken

    def _over(self, next_ms: int | None) -> npt.NDArray[np.bool_]:
        if next_ms is None:
            return np.ones(self._count, np.bool_)
        start, end = (self._rows[: self._count, at].view(np.int64) for at in (START_MS, END_MS))
        first_ms = next_ms // self._timing.window_ms * self._timing.window_ms
        over: npt.NDArray[np.bool_] = end < max(next_ms - self._timing.idle_ms, first_ms)
        over |= start <= next_ms - self._timing.active_ms
        return over

    def _keep(self, rows: npt.NDArray[np.intp]) -> None:
        """Keep these rows alone; give memory back that a rush has taken."""
        self._rows[: len(rows)] = self._rows[rows]
        self._count = len(rows)
        room = len(self._rows)
        while room > _KEPT_ROOM and room > 8 * self._count:
            room //= 2
        if room < len(self._rows):
            self._move(room)
        else:
            self._index.fill(_NONE)
            _put_all(self._secret, self._index, self._rows, self._count)

    def _move(self, room: int) -> None:
        rows = self._rows
        self._allocate(room)
        self._rows[: self._count] = rows[: self._count]
        _put_all(self._secret, self._index, self._rows, self._count)


@kernel
def _add(
    six: bool,
    source_high: U64,
    source_low: U64,
    destination_high: U64,
    destination_low: U64,
    source_port: U16,
    destination_port: U16,
    protocol: U8,
    ports_known: Mask,
    octets: U64,
    time_ms: I64,
    first: int,
    window_ms: int,
    active_ms: int,
    idle_ms: int,
    secret: U64,
    index: I32,
    rows: U64,
    count: int,
    closed: U64,
    closed_count: int,
) -> tuple[int, int, int]:
    """Add packets from `first` on while there is room for a block of new rows, and write the flows they close.

    Return the first packet not added, and how many rows and how many closed flows there are now; `closed`
    has room for all packets.
    """
    version = np.uint64(six) << np.uint64(SIX_BIT)
    window_begins, window_ends = np.int64(0), np.int64(0)
    rests, places, found = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    while first < len(time_ms):
        block = min(_BLOCK, len(time_ms) - first)
        if count + block > len(rows):
            break
        for at in range(block):
            packet = first + at
            rests[at] = (
                version
                | np.uint64(ports_known[packet]) << np.uint64(KNOWN_BIT)
                | np.uint64(protocol[packet]) << np.uint64(PROTOCOL_BIT)
                | np.uint64(source_port[packet]) << np.uint64(SOURCE_PORT_BIT)
                | np.uint64(destination_port[packet])
            )
            ends = (
                source_high[packet],
                source_low[packet],
                destination_high[packet],
                destination_low[packet],
            )
            key = (*ends, rests[at])
            places[at] = _place_of(secret, key, len(index))
            found[at] = _row_at(index, rows, places[at], key)
        for at in range(block):
            packet, row = first + at, found[at]
            at_ms, number = time_ms[packet], octets[packet]
            if row < 0:
                ends = (
                    source_high[packet],
                    source_low[packet],
                    destination_high[packet],
                    destination_low[packet],
                )
                row = _row_of(index, rows, count, places[at], (*ends, rests[at]))
            if row < count:
                begins = min(at_ms, np.int64(rows[row, START_MS]))
                ended = np.int64(rows[row, END_MS])
                if begins < window_begins or begins >= window_ends:
                    window_begins = begins // window_ms * window_ms
                    window_ends = window_begins + window_ms
                if (
                    at_ms - ended <= idle_ms
                    and np.int64(rows[row, START_MS]) - at_ms <= idle_ms
                    and max(at_ms, ended) < min(window_ends, begins + active_ms)
                ):
                    rows[row, START_MS], rows[row, END_MS] = np.uint64(begins), np.uint64(max(at_ms, ended))
                    rows[row, BYTES] += number
                    rows[row, PACKETS] += np.uint64(1)
                    continue
                closed[closed_count] = rows[row]
                closed_count += 1
            else:
                count += 1
            rows[row, START_MS] = rows[row, END_MS] = np.uint64(at_ms)
            rows[row, BYTES], rows[row, PACKETS] = number, np.uint64(1)
        first += block
    return first, count, closed_count


@kernel
def _row_at(index: I32, rows: U64, place: int, key: Key) -> int:
    """Return the row at a place if it has that key, else -1; without branches, so that many are read at once."""
    row = signed(index[place])
    at = max(row, 0)
    same = (
        (row >= 0)
        & (rows[at, SOURCE_LOW] == key[SOURCE_LOW])
        & (rows[at, DESTINATION_LOW] == key[DESTINATION_LOW])
        & (rows[at, REST] == key[REST])
        & (rows[at, SOURCE_HIGH] == key[SOURCE_HIGH])
        & (rows[at, DESTINATION_HIGH] == key[DESTINATION_HIGH])
    )
    return row if same else signed(_NONE)


@kernel
def _row_of(index: I32, rows: U64, count: int, place: int, key: Key) -> int:
    """Return the row of a key; if it has none, its key is entered as row `count`, for which there must be room.

    `index` is longer than `rows`, a power of two, and holds rows before `count` only.
    """
    while index[place] >= 0:
        row = _row_at(index, rows, place, key)
        if row >= 0:
            return row
        place = (place + 1) & (len(index) - 1)
    index[place] = count
    rows[count, SOURCE_HIGH], rows[count, SOURCE_LOW] = key[SOURCE_HIGH], key[SOURCE_LOW]
    rows[count, DESTINATION_HIGH], rows[count, DESTINATION_LOW] = key[DESTINATION_HIGH], key[DESTINATION_LOW]
    rows[count, REST] = key[REST]
    return count


@kernel
def _place_of(secret: U64, key: Key, places: int) -> int:
    """Return the slot of the table at which to look for a key first: multilinear hashing of its halves (Lemire and Kaser, 2014)."""
    source, destination, rest = key[SOURCE_LOW], key[DESTINATION_LOW], key[REST]
    hashed = secret[0] + secret[1] * (source & _LOW_HALF) + secret[2] * (destination & _LOW_HALF)
    hashed += secret[3] * (rest & _LOW_HALF) + secret[4] * (rest >> _HALF)
    if rest >> np.uint64(SIX_BIT):
        hashed += secret[5] * (source >> _HALF) + secret[6] * (destination >> _HALF)
        source, destination = key[SOURCE_HIGH], key[DESTINATION_HIGH]
        hashed += secret[7] * (source >> _HALF) + secret[8] * (source & _LOW_HALF)
        hashed += secret[9] * (destination >> _HALF) + secret[10] * (destination & _LOW_HALF)
    return signed(hashed >> _HALF) & (places - 1)


@kernel
def _put_all(secret: U64, index: I32, rows: U64, count: int) -> None:
    """Enter rows, whose keys are all different, into an empty index."""
    for row in range(count):
        key = (rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3], rows[row, 4])
        place = _place_of(secret, key, len(index))
        while index[place] >= 0:
            place = (place + 1) & (len(index) - 1)
        index[place] = row
