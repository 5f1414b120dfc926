"""The ledger: what became of every record, per exporter and window of export time."""

from collections.abc import Callable, Iterator
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from caudal.collector.batch import LEDGER, LEDGER_COUNTS, schema
from caudal.collector.flowrecords import I32, I64, FlowRecords
from caudal.collector.grouping import positions_by_value

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
        for exporter_number, window, columns in self._windows(exporter, export_ms):
            self._row(exporter_number, window)[:] += counts[:, columns].sum(axis=1)

    def add_one(self, exporter: int, export_ms: int, **counts: int) -> None:
        """Add single counts by name."""
        row = self._row(exporter, export_ms // self.window_ms)
        for name, count in counts.items():
            row[COUNT[name]] += count
            self.totals[COUNT[name]] += count

    def add_records(self, name: Literal["aggregated", "events"], records: FlowRecords) -> None:
        """Count decoded records under `name`, and how the sampling rate of each was known."""
        for exporter, window, positions in self._windows(records.exporter, records.export_ms):
            known = np.bincount(records.sampling_from[positions], minlength=len(_SAMPLING))
            for counts in (self._row(exporter, window), self.totals):
                counts[COUNT[name]] += len(positions)
                counts[_SAMPLING] += known

    def _windows(self, exporter: I32, export_ms: I64) -> Iterator[tuple[int, int, I64]]:
        window = export_ms // self.window_ms
        for _, positions in positions_by_value(exporter.astype(np.int64) * (1 << 40) + window):
            yield int(exporter[positions[0]]), int(window[positions[0]]), positions

    def _row(self, exporter: int, window: int) -> npt.NDArray[np.int64]:
        row = self._open.get((exporter, window))
        if row is None:
            row = self._open[exporter, window] = np.zeros(len(LEDGER_COUNTS), np.int64)
        return row

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
