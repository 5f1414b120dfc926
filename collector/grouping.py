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
