"""Which of captured datagrams are replayed, and in what steps of time."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import pairwise

import numpy as np

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import Mask
from caudal.collector.receive.receivingtimes import Span


class Choice:
    """Chooses the datagrams to replay, by the time they were captured at."""

    def __init__(self, since_ms: int | None, until_ms: int | None, times: Sequence[Span]) -> None:
        self._since_ms, self._until_ms = since_ms, until_ms
        self.times = times
        self.left_out = 0

    def __call__(self, datagrams: Datagrams) -> Datagrams:
        at = datagrams.received_ms
        wanted: Mask = np.ones(len(at), bool)
        if self._since_ms is not None:
            wanted &= at >= self._since_ms
        if self._until_ms is not None:
            wanted &= at < self._until_ms
        seen: Mask = np.zeros(len(at), bool)
        for first_ms, last_ms in self.times:
            seen |= (at >= first_ms) & (at <= last_ms)
        self.left_out += int(np.count_nonzero(wanted & seen))
        chosen = wanted & ~seen
        return datagrams if chosen.all() else _only(datagrams, chosen)


def in_steps(datagrams: Datagrams, step_ms: int) -> Iterator[Datagrams]:
    """Yield datagrams in lots of a short time each, so that windows close as they would have."""
    if not len(datagrams):
        return
    step = datagrams.received_ms // step_ms
    edges = [0, *(np.flatnonzero(np.diff(step)) + 1).tolist(), len(datagrams)]
    for first, last in pairwise(edges):
        yield _only(datagrams, slice(first, last))


def _only(datagrams: Datagrams, which: Mask | slice) -> Datagrams:
    columns = {each.name: getattr(datagrams, each.name) for each in fields(datagrams)}
    chosen = {
        name: column if name == "buffer" or column is None else column[which]
        for name, column in columns.items()
    }
    return Datagrams(**chosen)
