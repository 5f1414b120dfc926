"""Totals of the ledger for each exporter since the collector started, whatever windows were taken away."""

import numpy as np

from caudal.collector.columns.flowrecords import I32, I64

# Negative numbers stand for datagrams without an exporter (see `datagrams`): the rows of exporters come after them.
FIRST = 2


class ExporterTotals:
    """Counts by exporter, one column per count of the ledger; row FIRST + n is that of exporter n."""

    def __init__(self, counts: int) -> None:
        self._counts: I64 = np.zeros((FIRST + 64, counts), np.int64)

    def add(self, exporter: I32, counts: I64) -> None:
        """Add rows of the ledger that are taken away: row i belongs to `exporter[i]`."""
        self._counts = _added(self._counts, exporter, counts)

    def with_open(self, exporter: I32, counts: I64) -> I64:
        """Return the totals with the rows of windows that are open, as an array of its own."""
        return _added(self._counts.copy(), exporter, counts)

    def forget(self, exporter: int) -> None:
        """Count an exporter's number anew: another may get it."""
        if FIRST + exporter < len(self._counts):
            self._counts[FIRST + exporter] = 0


def _added(totals: I64, exporter: I32, counts: I64) -> I64:
    """Return totals, with more rows if need be, after adding to them in place."""
    if not len(exporter):
        return totals
    order = np.argsort(exporter, kind="stable")
    numbers = exporter[order]
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    missing = FIRST + int(numbers[-1]) + 1 - len(totals)
    if missing > 0:
        more = np.zeros((max(missing, len(totals)), totals.shape[1]), np.int64)
        totals = np.concatenate([totals, more])
    totals[FIRST + numbers[first]] += np.add.reduceat(counts[order], first, axis=0)
    return totals
