"""The sums of one window, by cell, and the few local hosts that stand behind each."""

import numpy as np
import numpy.typing as npt

from caudal.collector.flowrecords import F64, I64, U8, U64

_EXACT = float(1 << 53)
_NO_HOST = np.uint64((1 << 64) - 1)
# Fibonacci hashing: the odd number nearest to 2⁶⁴ divided by the golden ratio.
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)


class CellTable:
    """Sums per cell code; grows as codes appear.

    A hash index of all known codes lets a lot of records find their cells without sorting; only codes
    never seen before are sorted. Of each cell the first `k` distinct hosts are remembered, enough to know
    whether it has `k`.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self.size = 0
        self._index: npt.NDArray[np.int32] = np.full(1 << 10, -1, np.int32)
        # The code of each cell again, at its place in the index: one look instead of two.
        self._keys: U64 = np.zeros(1 << 10, np.uint64)
        self._codes: U64 = np.zeros(256, np.uint64)
        self._sums: U64 = np.zeros((3, 256), np.uint64)
        self._variance: F64 = np.zeros(256)
        self._host_count: U8 = np.zeros(256, np.uint8)
        # A row for the first host of every cell, one for the second, and so on.
        self._hosts: U64 = np.full((k, 256), _NO_HOST)

    @property
    def codes(self) -> U64:
        """The cell codes, in order of appearance; the other arrays go with them."""
        return self._codes[: self.size]

    @property
    def sums(self) -> U64:
        """Bytes, packets and flows: three rows."""
        return self._sums[:, : self.size]

    @property
    def variance(self) -> F64:
        """Sampling variance of bytes."""
        return self._variance[: self.size]

    @property
    def host_count(self) -> U8:
        """Distinct local hosts, counted up to k."""
        return self._host_count[: self.size]

    def hosts(self, cell: int) -> list[int]:
        """Return the hosts of a cell that has fewer than k."""
        return [int(host) for host in self._hosts[: self._host_count[cell], cell]]

    def add(self, codes: U64, octets: F64 | U64, packets: F64 | U64, variance: F64, hosts: U64) -> None:
        """Add records, one flow each: their cell codes, corrected bytes and packets, variances and local hosts.

        Bytes and packets are whole numbers, also where they come as floats; hosts are below 2⁶⁴−1.
        """
        cells = self._find(codes)
        for row, values in enumerate((octets, packets)):
            self._sums[row, : self.size] += _sum_by(cells, values, self.size)
        self._sums[2, : self.size] += np.bincount(cells, minlength=self.size).astype(np.uint64)
        if variance.any():
            self._variance[: self.size] += np.bincount(cells, weights=variance, minlength=self.size)
        self._note_hosts(cells, hosts)

    def _find(self, codes: U64) -> I64:
        cells = self._look_up(codes)
        unknown = np.flatnonzero(cells < 0)
        if len(unknown):
            self._grow(np.unique(codes[unknown]))
            cells[unknown] = self._look_up(codes[unknown])
        return cells

    def _look_up(self, codes: U64) -> I64:
        """Return the cell of each code, -1 where it has none; linear probing."""
        bits = np.uint64(64 - (len(self._index).bit_length() - 1))
        mask = len(self._index) - 1
        at: I64 = ((codes * _GOLDEN) >> bits).view(np.int64)
        cells: I64 = self._index[at].astype(np.int64)
        wrong = self._keys[at] != codes
        if not wrong.any():
            return cells
        astray = np.flatnonzero(wrong & (cells >= 0))
        while len(astray):
            at[astray] = (at[astray] + 1) & mask
            cells[astray] = self._index[at[astray]]
            wrong = (cells[astray] >= 0) & (self._keys[at[astray]] != codes[astray])
            astray = astray[wrong]
        return cells

    def _grow(self, new: U64) -> None:
        size = self.size + len(new)
        if size > len(self._codes):
            more = max(len(self._codes), size - len(self._codes))
            self._codes = np.concatenate([self._codes, np.zeros(more, np.uint64)])
            self._sums = np.concatenate([self._sums, np.zeros((3, more), np.uint64)], axis=1)
            self._variance = np.concatenate([self._variance, np.zeros(more)])
            self._host_count = np.concatenate([self._host_count, np.zeros(more, np.uint8)])
            self._hosts = np.concatenate([self._hosts, np.full((self._k, more), _NO_HOST)], axis=1)
        self._codes[self.size : size] = new
        first = self.size
        self.size = size
        if size * 4 > len(self._index):
            self._index = np.full(1 << (size * 8).bit_length(), -1, np.int32)
            self._keys = np.zeros(len(self._index), np.uint64)
            first = 0
        bits = 64 - (len(self._index).bit_length() - 1)
        mask = len(self._index) - 1
        places = ((self._codes[first:size] * _GOLDEN) >> np.uint64(bits)).tolist()
        for cell, place in enumerate(places, first):
            at = place
            while self._index[at] >= 0:
                at = (at + 1) & mask
            self._index[at] = cell
            self._keys[at] = self._codes[cell]

    def _note_hosts(self, cells: I64, hosts: U64) -> None:
        few = np.flatnonzero(self._host_count[cells] < self._k)
        if not len(few):
            return
        cells, hosts = cells[few], hosts[few]
        for noted in self._hosts:
            fresh = noted[cells] != hosts
            cells, hosts = cells[fresh], hosts[fresh]
            if not len(cells):
                return
        first: I64 = np.empty(self.size, np.int64)
        while len(cells):  # each round notes one host of every cell: k rounds at most
            place = np.arange(len(cells))
            first[cells[::-1]] = place[::-1]
            is_first = first[cells] == place
            chosen = cells[is_first]
            self._hosts[self._host_count[chosen], chosen] = hosts[is_first]
            self._host_count[chosen] += 1
            rest = (hosts != hosts[first[cells]]) & (self._host_count[cells] < self._k)
            cells, hosts = cells[rest], hosts[rest]


def _sum_by(cells: I64, values: F64 | U64, size: int) -> U64:
    """Return exact sums by cell; numpy's weighted count adds in doubles, exact below 2⁵³."""
    if float(values.max(initial=0)) * len(values) < _EXACT:
        return np.bincount(cells, weights=values, minlength=size).astype(np.uint64)
    sums: U64 = np.zeros(size, np.uint64)
    np.add.at(sums, cells, values.astype(np.uint64))
    return sums
