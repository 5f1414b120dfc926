"""The ledger: what became of every record, per exporter and window of export time."""

import secrets
from collections.abc import Callable, Collection
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from caudal.collector.columns.flowrecords import (
    EVENT,
    I32,
    I64,
    IMPLAUSIBLE,
    KINDS,
    NOT_READ,
    RATE_DOUBTED,
    REPEATED,
    TIME_DOUBTED,
    TRAFFIC,
    U8,
    U64,
    WITHOUT_COUNTS,
    FlowRecords,
    Mask,
)
from caudal.collector.columns.kernel import kernel
from caudal.collector.exporters.exportertotals import ExporterTotals
from caudal.contract.batch import LEDGER, LEDGER_COUNTS, schema

COUNT: Final = {name: position for position, name in enumerate(LEDGER_COUNTS)}
Tally = npt.NDArray[np.int64]  # one row per count of LEDGER_COUNTS, one column per datagram

# What becomes of a record, besides its kind: the operator's rules leave it out.
_LEFT_OUT: Final = len(KINDS)
_OF_FATE: I64 = np.zeros(_LEFT_OUT + 1, np.int64)
_OF_FATE[[TRAFFIC, EVENT, IMPLAUSIBLE, REPEATED, WITHOUT_COUNTS, NOT_READ, _LEFT_OUT]] = (
    COUNT["aggregated"],
    COUNT["events"],
    COUNT["counts_implausible"],
    COUNT["repeated"],
    COUNT["without_counts"],
    COUNT["not_read"],
    COUNT["filtered"],
)
# In the order of the numbers RECORD, OPTIONS, … of flowrecords.
_OF_SAMPLING: I64 = np.array(
    [COUNT[f"sampling_{name}"] for name in ("record", "options", "config", "assumed", "unsampled")], np.int64
)
_RATE_IMPLAUSIBLE, _TIME_IMPLAUSIBLE = COUNT["rate_implausible"], COUNT["time_implausible"]
_ROWS = 256


def tally(datagrams: int) -> Tally:
    """Return an empty tally for so many datagrams."""
    return np.zeros((len(LEDGER_COUNTS), datagrams), np.int64)


class Ledger:
    """Counts per exporter and window, kept until the window is taken away with a batch.

    Every count is a sum, so that what is learnt late about a window is a further row for it (which may be
    negative: a set that waited and was decoded takes its `waiting` back). `most_rows` bounds what is open, since
    it is exporters who say when they exported.
    """

    def __init__(self, window_ms: int, most_rows: int = 65_536) -> None:
        self.window_ms = window_ms
        self.totals: I64 = np.zeros(len(LEDGER_COUNTS), np.int64)
        self._most_rows = most_rows
        self._size = 0
        self._taken = ExporterTotals(len(LEDGER_COUNTS))
        # Not to be foreseen, so that nobody can choose export times whose rows all begin at one place.
        self._multiplier: U64 = np.array([secrets.randbits(64) | 1, secrets.randbits(64) | 1], np.uint64)
        self._hold(np.empty(0, np.int32), np.empty(0, np.int64), np.empty((0, len(LEDGER_COUNTS)), np.int64))

    def add(self, counts: Tally, exporter: I32, export_ms: I64) -> None:
        """Add a tally: column d belongs to `exporter[d]` at `export_ms[d]`."""
        rows = self._find(exporter, export_ms)
        _add_tally(np.ascontiguousarray(counts), rows, self._counts, self.totals)

    def add_one(self, exporter: int, export_ms: int, **counts: int) -> None:
        """Add single counts by name."""
        (row,) = self._find(np.array([exporter], np.int32), np.array([export_ms], np.int64))
        for name, count in counts.items():
            self._counts[row, COUNT[name]] += count
            self.totals[COUNT[name]] += count

    def add_records(self, records: FlowRecords, left_out: Mask | None = None) -> None:
        """Count decoded records by kind (`KINDS`), by how the sampling rate of each was known, and by what of it is
        not believed.

        Those in `left_out`, which the operator's rules leave out, are counted as filtered instead of decoded.
        """
        fates = fate(records, left_out)
        done = 0
        while True:
            done, self._size = _add_records(
                records.exporter, records.export_ms, fates, records.sampling_from, records.doubt, done,
                _OF_FATE, _OF_SAMPLING, COUNT["decoded"], self.totals, self.window_ms, self._multiplier,
                self._exporter, self._window, self._counts, self._index, self._size,
            )  # fmt: skip
            if done == len(records):
                return
            self._grow()

    def note(self, name: str, records: FlowRecords) -> None:
        """Count records under `name`, whatever else is counted of them."""
        rows = self._find(records.exporter, records.export_ms)
        np.add.at(self._counts[:, COUNT[name]], rows, 1)
        self.totals[COUNT[name]] += len(records)

    @property
    def crowded(self) -> bool:
        """True if more rows are open than the bound, so that some had better be taken now."""
        return self._size > self._most_rows

    def exporters(self) -> set[int]:
        """Return the exporters of which a window is open."""
        return set(np.unique(self._exporter[: self._size]).tolist())

    def by_exporter(self) -> I64:
        """Return the counts since the start, int64 (rows, counts); row FIRST + n of `exportertotals` is exporter n."""
        return self._taken.with_open(self._exporter[: self._size], self._counts[: self._size])

    def forget(self, exporter: int) -> None:
        """Count an exporter anew, of which no window is open: another may get its number."""
        self._taken.forget(exporter)

    @property
    def windows(self) -> set[int]:
        """The windows that are open: their starts in window lengths since 1970."""
        return set(np.unique(self._window[: self._size]).tolist())

    def take(self, before_ms: int | None, name: Callable[[int], str], keep: Collection[int] = ()) -> pa.Table:
        """Take away the windows that end by `before_ms` (all, if None) as a table; `name` names exporters.

        Windows among `keep` stay. When more rows are open than the bound, the oldest go in any case.
        """
        exporter, window = self._exporter[: self._size], self._window[: self._size]
        order = np.lexsort((exporter, window))
        goes: Mask = np.ones(self._size, bool)
        if before_ms is not None:
            goes = ((window + 1) * self.window_ms <= before_ms) & ~np.isin(window, list(keep))
            goes[order[: max(0, self._size - self._most_rows)]] = True
        taken = order[goes[order]]
        counts = self._counts[taken]
        names = {number: name(number) for number in np.unique(exporter[taken]).tolist()}
        columns = [
            pa.array([names[number] for number in exporter[taken].tolist()], pa.string()),
            pa.array(window[taken] * (self.window_ms // 1000)).cast(pa.timestamp("s", tz="UTC")),
            pa.array(np.full(len(taken), self.window_ms // 1000, np.uint32)),
            *(pa.array(counts[:, position]) for position in range(len(LEDGER_COUNTS))),
        ]
        if len(taken):
            self._taken.add(exporter[taken], counts)
            self._hold(exporter[~goes], window[~goes], self._counts[: self._size][~goes])
        return pa.table(columns, schema=schema(LEDGER))

    def _find(self, exporter: I32, export_ms: I64) -> I32:
        """Return the row of each exporter and window; where there is none yet, it is made."""
        rows: I32 = np.empty(len(exporter), np.int32)
        done = 0
        while True:
            done, self._size = _find_rows(
                exporter, export_ms, done, rows, self.window_ms, self._multiplier,
                self._exporter, self._window, self._index, self._size,
            )  # fmt: skip
            if done == len(rows):
                return rows
            self._grow()

    def _grow(self) -> None:
        self._hold(self._exporter, self._window, self._counts)

    def _hold(self, exporter: I32, window: I64, counts: I64) -> None:
        """Have these rows only, and room for as many again."""
        self._size = size = len(exporter)
        room = max(_ROWS, 1 << (2 * size - 1).bit_length())
        self._exporter: I32 = np.zeros(room, np.int32)
        self._window: I64 = np.zeros(room, np.int64)
        self._counts: I64 = np.zeros((room, len(LEDGER_COUNTS)), np.int64)
        self._exporter[:size], self._window[:size], self._counts[:size] = exporter, window, counts
        # By the hash of exporter and window: the row, or -1; at most a quarter is taken.
        self._index: I32 = np.full(4 * room, -1, np.int32)
        _index_rows(self._exporter, self._window, size, self._multiplier, self._index)


def fate(records: FlowRecords, left_out: Mask | None) -> U8:
    """Return the fate of each record, uint8 (records,): its kind, or that rules leave it out."""
    if left_out is None:
        return records.kind
    return np.where(left_out, np.uint8(_LEFT_OUT), records.kind)


@kernel
def _place(exporter: int, window: int, multiplier: U64, exporters: I32, windows: I64, index: I32) -> int:
    """Return the slot of the index where the row of an exporter and window is, or the free slot where it belongs."""
    hashed = np.uint64(exporter) * multiplier[0] + np.uint64(window) * multiplier[1]
    mask = len(index) - 1
    # Of a product, the upper bits depend on all bits of what was multiplied.
    at = int(np.int64(hashed >> np.uint64(32))) & mask
    while index[at] >= 0 and (exporters[index[at]] != exporter or windows[index[at]] != window):
        at = (at + 1) & mask
    return at


@kernel
def _index_rows(exporters: I32, windows: I64, size: int, multiplier: U64, index: I32) -> None:
    for row in range(size):
        index[_place(exporters[row], windows[row], multiplier, exporters, windows, index)] = row


@kernel
def _row(
    exporter: int, window: int, multiplier: U64, exporters: I32, windows: I64, index: I32, size: int
) -> tuple[int, int]:
    """Return the row of an exporter and a window, made if there is none, and how many there are now.

    Where there is no room for a new one, the row is -1.
    """
    at = _place(exporter, window, multiplier, exporters, windows, index)
    if index[at] < 0 and size < len(exporters):
        exporters[size], windows[size] = exporter, window
        index[at] = size
        size += 1
    return int(index[at]), size


@kernel
def _find_rows(
    exporter: I32,
    export_ms: I64,
    first: int,
    rows: I32,
    window_ms: int,
    multiplier: U64,
    exporters: I32,
    windows: I64,
    index: I32,
    size: int,
) -> tuple[int, int]:
    """Write the rows from position `first` on, until there is no room for a new one.

    Returns how many positions are done, and how many rows there are.
    """
    for i in range(first, len(exporter)):
        row, size = _row(exporter[i], export_ms[i] // window_ms, multiplier, exporters, windows, index, size)
        if row < 0:
            return i, size
        rows[i] = row
    return len(exporter), size


@kernel
def _add_tally(tally: Tally, rows: I32, counts: I64, totals: I64) -> None:
    for name in range(len(totals)):
        for i in range(len(rows)):
            count = tally[name, i]
            if count != 0:
                counts[rows[i], name] += count
                totals[name] += count


@kernel
def _add_records(
    exporter: I32,
    export_ms: I64,
    fates: U8,
    sampling_from: U8,
    doubt: U8,
    first: int,
    of_fate: I64,
    of_sampling: I64,
    decoded: int,
    totals: I64,
    window_ms: int,
    multiplier: U64,
    exporters: I32,
    windows: I64,
    counts: I64,
    index: I32,
    size: int,
) -> tuple[int, int]:
    """Count the records from position `first` on, until there is no room for a new row.

    Those alike that stand together, as the records of one datagram do, are counted at once. What a record says
    of its fate and sampling is of closed sets. Returns how many records are done, and how many rows there are.
    """
    while first < len(exporter):
        end = first + 1
        while (
            end < len(exporter)
            and export_ms[end] == export_ms[first]
            and exporter[end] == exporter[first]
            and fates[end] == fates[first]
            and sampling_from[end] == sampling_from[first]
            and doubt[end] == doubt[first]
        ):
            end += 1
        row, size = _row(
            exporter[first], export_ms[first] // window_ms, multiplier, exporters, windows, index, size
        )
        if row < 0:
            break
        count = end - first
        name = of_fate[fates[first]]
        counts[row, name] += count
        totals[name] += count
        if fates[first] == _LEFT_OUT:
            counts[row, decoded] -= count
            totals[decoded] -= count
        else:
            name = of_sampling[sampling_from[first]]
            counts[row, name] += count
            totals[name] += count
            if doubt[first] & RATE_DOUBTED:
                counts[row, _RATE_IMPLAUSIBLE] += count
                totals[_RATE_IMPLAUSIBLE] += count
            if doubt[first] & TIME_DOUBTED:
                counts[row, _TIME_IMPLAUSIBLE] += count
                totals[_TIME_IMPLAUSIBLE] += count
        first = end
    return first, size
