"""The dominance rule: of a cell that is told, no local host may have more than a stated share of the bytes."""

import numpy as np

from caudal.collector.columns.flowrecords import U64, Mask

# Who takes all bytes of a cell for those of its largest host is wrong by a ninth of these at least: the (1, k) dominance rule
# of official statistics, with the k that asks about as much as a p% rule of p = 11.
DOMINANCE_PERCENT = 90.0
NO_RULE = 100.0


def dominated(largest: U64, octets: U64, percent: float) -> Mask:
    """Return which cells one host may dominate, by what their largest host has at most, and the bytes of all.

    >>> dominated(np.array([80, 81, 0], np.uint64), np.array([100, 100, 0], np.uint64), 80.0).tolist()
    [False, True, False]
    """
    return largest.astype(np.float64) * 100 > octets.astype(np.float64) * percent
