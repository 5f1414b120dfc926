"""The sums of open windows, by window and cell, and the few local hosts that stand behind each."""

import secrets

import numpy as np

from caudal.collector.columns.flowrecords import F64, I32, I64, U64, Mask
from caudal.collector.columns.kernel import kernel

_ROOM = 256
# What a row says of its cell, in eight numbers: a line of the processor's cache. The variance is a float in there.
_FAR_END, _METERING, _WINDOW, _BYTES, _PACKETS, _FLOWS, _VARIANCE, _HOSTS = range(8)
_NUMBERS = 8
# Where a sum stands at most. What exceeds it is marked rather than begun anew at 0; the service takes half of it in a batch.
MOST = np.uint64((1 << 63) - 1)
# Shares of a cell's bytes, by the hash of the host: one array of a count-min sketch (Cormode & Muthukrishnan, 2005). The
# hash is the same for all cells, so that they can be added up, and no secret: whoever chooses hosts can make a share look
# larger, never smaller.
_SHARES_BITS = 4
_TO_SHARE = np.uint64(64 - _SHARES_BITS)
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
_AT_ONCE = 512  # records: what is noted of them stays in the processor's nearest cache


class CellTable:
    """Sums per window and cell code; grows as they appear.

    No sum wraps: one that would exceed MOST stays there, and `saturated` counts the records (or cells) that found no room.
    Of each cell the first `k` (255 at most) distinct hosts are remembered, enough to know whether it has `k`. With
    `weighing`, its bytes are also added up by a hash of their host: no host has more than the largest of these shares.
    """

    def __init__(self, k: int, *, weighing: bool = False) -> None:
        self._k = k
        self._weighing = weighing
        self._size = 0
        self.saturated = 0
        # Not to be foreseen, so that nobody can choose flows whose cells all begin at one place.
        self._multiplier: U64 = np.array([secrets.randbits(64) | 1 for _ in range(3)], np.uint64)
        self._clear(_ROOM)
        self._index_all()

    def __len__(self) -> int:
        """The number of cells."""
        return self._size

    @property
    def codes(self) -> U64:
        """The cell codes (see `cellcode`), shape (cells, 2), in order of appearance; the other arrays go with them."""
        return self._rows[: self._size, _FAR_END : _METERING + 1]

    @property
    def windows(self) -> I64:
        """The window of each cell."""
        return self._rows[: self._size].view(np.int64)[:, _WINDOW]

    @property
    def sums(self) -> U64:
        """Bytes, packets and flows of each cell."""
        return self._rows[: self._size, _BYTES : _FLOWS + 1]

    @property
    def variance(self) -> F64:
        """Sampling variance of bytes."""
        return self._floats[: self._size, _VARIANCE]

    @property
    def host_count(self) -> U64:
        """Distinct local hosts, counted up to k."""
        return self._rows[: self._size, _HOSTS]

    def hosts(self, cell: int) -> list[int]:
        """Return the hosts of a cell: of one that has k or more, the first k."""
        return self._hosts[cell, : self._rows[cell, _HOSTS]].tolist()  # type: ignore[no-any-return]

    @property
    def largest(self) -> U64:
        """Bytes of each cell that its largest host has at most: those of all hosts of one hash; 0 unless weighing."""
        largest: U64 = self._shares[: self._size].max(axis=1, initial=0)
        return largest

    def add(
        self, far_end: U64, metering: U64, windows: I64, octets: U64, packets: U64, variance: F64, hosts: U64
    ) -> None:
        """Add records, one flow each: both words of their codes, windows, corrected bytes and packets, variances, hosts.

        All have the shape (records,). Two records of one cell:

        >>> table = CellTable(k=5)
        >>> code, hosts = np.zeros(2, np.uint64), np.array([1, 2], np.uint64)
        >>> table.add(code, code, np.zeros(2, np.int64), hosts, hosts, np.zeros(2), hosts)
        >>> table.sums.tolist(), table.host_count.tolist()
        ([[3, 3, 2]], [2])
        """
        done = 0
        while True:
            done, self._size, saturated = _add_records(
                far_end, metering, windows, octets, packets, variance, hosts, done, self._multiplier,
                self._index, self._size, self._rows, self._floats, self._hosts, self._shares,
            )  # fmt: skip
            self.saturated += saturated
            if done == len(far_end):
                return
            self._grow()

    def fold(self, cells: "CellTable", which: I64, codes: U64) -> None:
        """Add cells of another table, those at the positions `which`, under these codes (len(which), 2) instead of theirs."""
        codes = np.ascontiguousarray(codes)
        done = 0
        while True:
            done, self._size, saturated = _add_cells(
                which, codes, cells._rows, cells._floats, cells._hosts, cells._shares, done, self._multiplier,
                self._index, self._size, self._rows, self._floats, self._hosts, self._shares,
            )  # fmt: skip
            self.saturated += saturated
            if done == len(codes):
                return
            self._grow()

    def take(self, which: Mask) -> "CellTable":
        """Take cells away, those that a mask selects, as a table of their own."""
        taken, rest = (CellTable(self._k, weighing=self._weighing) for _ in range(2))
        for table, positions in ((taken, np.flatnonzero(which)), (rest, np.flatnonzero(~which))):
            table.fold(self, positions, self.codes[positions])
        rest.saturated = self.saturated
        vars(self).update(vars(rest))
        return taken

    def _clear(self, room: int) -> None:
        """Have no cell, and room for so many (a power of 2)."""
        self._size = 0
        self._rows: U64 = np.zeros((room, _NUMBERS), np.uint64)
        self._floats: F64 = self._rows.view(np.float64)
        self._hosts: U64 = np.zeros((room, self._k), np.uint64)
        self._shares: U64 = np.zeros((room, 1 << _SHARES_BITS if self._weighing else 0), np.uint64)
        # By the hash of code and window: the cell, or -1; at most a quarter is taken.
        self._index: I32 = np.full(4 * room, -1, np.int32)

    def _grow(self) -> None:
        size, rows, hosts, shares = self._size, self._rows, self._hosts, self._shares
        self._clear(2 * len(rows))
        self._rows[:size], self._hosts[:size], self._shares[:size], self._size = rows, hosts, shares, size
        self._index_all()

    def _index_all(self) -> None:
        _index_cells(self._size, self._multiplier, self._index, self._rows)


@kernel
def _begin(far_end: np.uint64, metering: np.uint64, window: np.uint64, multiplier: U64, index: I32) -> int:
    """Return the slot of the index where the search for a cell begins, by the two words of its code and its window."""
    # Of a product, the upper bits depend on all bits of what was multiplied.
    hashed = far_end * multiplier[0] + metering * multiplier[1] + window * multiplier[2]
    return int(np.int64(hashed >> np.uint64(32))) & (len(index) - 1)


@kernel
def _is_cell(
    rows: U64, cell: int | np.int64, far_end: np.uint64, metering: np.uint64, window: np.uint64
) -> bool:
    """Return True if a row is that of the cell with these two words and this window."""
    # Without branches, so that the processor compares all three at once.
    differs = (rows[cell, _FAR_END] ^ far_end) | (rows[cell, _METERING] ^ metering)
    return bool((differs | (rows[cell, _WINDOW] ^ window)) == 0)


@kernel
def _place(
    far_end: np.uint64, metering: np.uint64, window: np.uint64, multiplier: U64, index: I32, rows: U64
) -> int:
    """Return the slot of the index where the cell of a code and a window is, or the free slot where it belongs."""
    at = _begin(far_end, metering, window, multiplier, index)
    while index[at] >= 0 and not _is_cell(rows, np.int64(index[at]), far_end, metering, window):
        at = (at + 1) & (len(index) - 1)
    return at


@kernel
def _index_cells(size: int, multiplier: U64, index: I32, rows: U64) -> None:
    for cell in range(size):
        far_end, metering, window = rows[cell, _FAR_END], rows[cell, _METERING], rows[cell, _WINDOW]
        index[_place(far_end, metering, window, multiplier, index, rows)] = cell


@kernel
def _note_host(cell: int, host: np.uint64, rows: U64, hosts: U64) -> None:
    """Remember a host of a cell, unless it is remembered already or there are k."""
    count = int(np.int64(rows[cell, _HOSTS]))
    if count == hosts.shape[1]:
        return
    for at in range(count):
        if hosts[cell, at] == host:
            return
    hosts[cell, count] = host
    rows[cell, _HOSTS] = np.uint64(count + 1)


@kernel
def _add(rows: U64, cell: int, part: int | np.int64, value: np.uint64) -> int:
    """Add to a sum of a cell; return 1 if there was no room for all of it."""
    before = rows[cell, part]
    if value > MOST - before:
        rows[cell, part] = MOST
        return 1
    rows[cell, part] = before + value
    return 0


@kernel
def _add_records(
    far_end: U64,
    metering: U64,
    window: I64,
    octets: U64,
    packets: U64,
    variance: F64,
    host: U64,
    first: int,
    multiplier: U64,
    index: I32,
    size: int,
    rows: U64,
    floats: F64,
    hosts: U64,
    shares: U64,
) -> tuple[int, int, int]:
    """Add the records from position `first` on, until there is no room for a new cell.

    `floats` is the memory of `rows` read as floats. Returns how many records are added, how many cells there are, and
    for how many of the records a sum had no room.
    """
    saturated = 0
    weighing = shares.shape[1] > 0
    likely: I64 = np.empty(_AT_ONCE, np.int64)
    for begin in range(first, len(far_end), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(far_end))
        # Step by step for some records at a time, so that the processor waits for the memory of many cells at once.
        for i in range(begin, end):
            likely[i - begin] = index[
                _begin(far_end[i], metering[i], np.uint64(window[i]), multiplier, index)
            ]
        for i in range(begin, end):
            cell = max(likely[i - begin], np.int64(0))
            if not _is_cell(rows, cell, far_end[i], metering[i], np.uint64(window[i])):
                likely[i - begin] = -1
        for i in range(begin, end):
            cell = likely[i - begin]
            if cell < 0:
                at = _place(far_end[i], metering[i], np.uint64(window[i]), multiplier, index, rows)
                cell = np.int64(index[at])
                if cell < 0:
                    if size == len(rows):
                        return i, size, saturated
                    cell = np.int64(size)
                    index[at], rows[cell, _WINDOW] = cell, np.uint64(window[i])
                    rows[cell, _FAR_END], rows[cell, _METERING] = far_end[i], metering[i]
                    size += 1
            # As numbers of one type: of constants one function each would be compiled.
            saturated += _add(rows, cell, np.int64(_BYTES), octets[i]) | _add(
                rows, cell, np.int64(_PACKETS), packets[i]
            )
            rows[cell, _FLOWS] += np.uint64(1)
            floats[cell, _VARIANCE] += variance[i]
            _note_host(cell, host[i], rows, hosts)
            if weighing:
                share = np.int64((host[i] * _GOLDEN) >> _TO_SHARE)
                shares[cell, share] += min(octets[i], MOST - shares[cell, share])
    return len(far_end), size, saturated


@kernel
def _add_cells(
    which: I64,
    code: U64,
    other_rows: U64,
    other_floats: F64,
    other_hosts: U64,
    other_shares: U64,
    first: int,
    multiplier: U64,
    index: I32,
    size: int,
    rows: U64,
    floats: F64,
    hosts: U64,
    shares: U64,
) -> tuple[int, int, int]:
    """Add the cells at the positions `which` of other rows, from the first on, under the codes given.

    Returns the same three counts as `_add_records`, of cells.
    """
    saturated = 0
    for i in range(first, len(which)):
        other = int(which[i])
        window = other_rows[other, _WINDOW]
        at = _place(code[i, 0], code[i, 1], window, multiplier, index, rows)
        cell = int(index[at])
        if cell < 0:
            if size == len(rows):
                return i, size, saturated
            cell = size
            index[at], rows[cell, _WINDOW] = cell, window
            rows[cell, _FAR_END], rows[cell, _METERING] = code[i, 0], code[i, 1]
            size += 1
        full = 0
        for part in range(_BYTES, _FLOWS + 1):
            full |= _add(rows, cell, part, other_rows[other, part])
        saturated += full
        floats[cell, _VARIANCE] += other_floats[other, _VARIANCE]
        for n in range(np.int64(other_rows[other, _HOSTS])):
            _note_host(cell, other_hosts[other, n], rows, hosts)
        for share in range(shares.shape[1]):
            shares[cell, share] += min(other_shares[other, share], MOST - shares[cell, share])
    return len(which), size, saturated
