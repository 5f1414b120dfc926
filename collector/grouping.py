"""Positions of equal values in an array."""

from collections.abc import Iterator

import numpy as np

from caudal.collector.flowrecords import I64


def positions_by_value(values: I64) -> Iterator[tuple[int, I64]]:
    """Yield each value, in the order of first appearance, with its positions in order."""
    if not len(values):
        return
    if (values == values[0]).all():
        yield int(values[0]), np.arange(len(values))
        return
    order = np.argsort(values, kind="stable")
    bounds = np.flatnonzero(np.diff(values[order])) + 1
    groups = np.split(order, bounds)
    groups.sort(key=lambda positions: int(positions[0]))
    for positions in groups:
        yield int(values[positions[0]]), positions


def counts_by_value(values: I64) -> Iterator[tuple[int, int]]:
    """Yield for each value the position where it is first, and how often there is one.

    Fast where equal values stand together, as the records of one datagram do.
    """
    if not len(values):
        return
    starts = np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)
    lengths = np.diff(starts, append=len(values))
    _, first, of = np.unique(values[starts], return_index=True, return_inverse=True)
    counts = np.bincount(of, weights=lengths).astype(np.int64)
    yield from zip(starts[first].tolist(), counts.tolist(), strict=True)
