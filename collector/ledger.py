"""The ledger: what became of every record, per exporter and window of export time."""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from caudal.collector.batch import LEDGER, LEDGER_COUNTS, schema
from caudal.collector.flowrecords import I32, I64, FlowRecords
from caudal.collector.grouping import counts_by_value

COUNT: Final = {name: position for position, name in enumerate(LEDGER_COUNTS)}
Tally = npt.NDArray[np.int64]  # one row per count of LEDGER_COUNTS, one column per datagram

# In the order of the numbers RECORD, OPTIONS, … of flowrecords.
_SAMPLING = [COUNT[f"sampling_{name}"] for name in ("record", "options", "config", "assumed", "unsampled")]


def tally(datagrams: int) -> Tally:
    """Return an empty tally for so many datagrams."""
    return np.zeros((len(LEDGER_COUNTS), datagrams), np.int64)


class Ledger:
    """Counts per exporter and window, kept until the window is taken away with a batch.

    Every count is a sum, so that what is learnt late about a window is a further row for it (which may be
    negative: a set that waited and was decoded takes its `waiting` back).
    """

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms
        self._open: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
        self.totals: npt.NDArray[np.int64] = np.zeros(len(LEDGER_COUNTS), np.int64)

    def add(self, counts: Tally, exporter: I32, export_ms: I64) -> None:
        """Add a tally: column d belongs to `exporter[d]` at `export_ms[d]`."""
        if not counts.shape[1]:
            return
        self.totals += counts.sum(axis=1)
        windows = export_ms // self.window_ms
        code = exporter.astype(np.int64) * (1 << 40) + windows
        if (code == code[0]).all():
            self._row(int(exporter[0]), int(windows[0]))[:] += counts.sum(axis=1)
            return
        order = np.argsort(code, kind="stable")
        firsts = np.flatnonzero(np.diff(code[order], prepend=code[order[0]] - 1))
        sums = np.add.reduceat(counts[:, order], firsts, axis=1).T
        first = order[firsts]
        for number, window, row in zip(exporter[first].tolist(), windows[first].tolist(), sums, strict=True):
            self._row(number, window)[:] += row

    def add_one(self, exporter: int, export_ms: int, **counts: int) -> None:
        """Add single counts by name."""
        row = self._row(exporter, export_ms // self.window_ms)
        for name, count in counts.items():
            row[COUNT[name]] += count
            self.totals[COUNT[name]] += count

    def add_records(self, name: Literal["aggregated", "events"], records: FlowRecords) -> None:
        """Count decoded records under `name`, and how the sampling rate of each was known."""
        code = self._code(records) << 3 | records.sampling_from
        for first, count in counts_by_value(code):
            for counts in (self._row_of(records, first), self.totals):
                counts[COUNT[name]] += count
                counts[_SAMPLING[records.sampling_from[first]]] += count

    def leave_out(self, records: FlowRecords) -> None:
        """Count decoded records as filtered instead: the operator's rules leave them out."""
        for first, count in counts_by_value(self._code(records)):
            for counts in (self._row_of(records, first), self.totals):
                counts[COUNT["decoded"]] -= count
                counts[COUNT["filtered"]] += count

    def _code(self, records: FlowRecords) -> I64:
        """Return a number for exporter and window of each record, with three bits to spare."""
        return (records.exporter.astype(np.int64) << 40) + records.export_ms // self.window_ms

    def _row_of(self, records: FlowRecords, at: int) -> npt.NDArray[np.int64]:
        return self._row(int(records.exporter[at]), int(records.export_ms[at]) // self.window_ms)

    def _row(self, exporter: int, window: int) -> npt.NDArray[np.int64]:
        row = self._open.get((exporter, window))
        if row is None:
            row = self._open[exporter, window] = np.zeros(len(LEDGER_COUNTS), np.int64)
        return row

    def exporters(self) -> set[int]:
        """Return the exporters of which a window is open."""
        return {exporter for exporter, _ in self._open}

    def take(self, before_ms: int | None, name: Callable[[int], str]) -> pa.Table:
        """Take away the windows that end by `before_ms` (all, if None) as a table; `name` names exporters."""
        taken = sorted(
            (window, exporter)
            for exporter, window in self._open
            if before_ms is None or (window + 1) * self.window_ms <= before_ms
        )
        rows = [self._open.pop((exporter, window)) for window, exporter in taken]
        counts = np.array(rows, np.int64).reshape(len(taken), len(LEDGER_COUNTS))
        starts = np.array([window for window, _ in taken], np.int64) * (self.window_ms // 1000)
        columns = [
            pa.array([name(exporter) for _, exporter in taken], pa.string()),
            pa.array(starts).cast(pa.timestamp("s", tz="UTC")),
            pa.array(np.full(len(taken), self.window_ms // 1000, np.uint32)),
            *(pa.array(counts[:, position]) for position in range(len(LEDGER_COUNTS))),
        ]
        return pa.table(columns, schema=schema(LEDGER))
