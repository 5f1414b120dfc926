"""A measured figure, alone or beside a peer's on the same input in the same run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

Status = Literal["ok", "missing", "FAILED"]


@dataclass(frozen=True)
class Figure:
    """Medians over rounds; `low` and `high` are the slowest and the fastest round of Caudal's.

    `ratio` is the median of the ratios of each round, Caudal's to the peer's. Without a peer it is None.
    `status` is "missing" where the peer is not installed, "FAILED" where the two did not answer the same.
    """

    what: str
    unit: str
    caudal: float
    low: float
    high: float
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None
    status: Status = "ok"
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Figures that belong together, how they were taken, and further facts for the JSON."""

    title: str
    method: str
    figures: list[Figure]
    details: dict[str, Any] = field(default_factory=dict)


def alone(what: str, unit: str, values: list[float], note: str = "") -> Figure:
    """Return the figure of something without a peer, from the values of its rounds."""
    return Figure(what, unit, median(values), min(values), max(values), note=note)


def failed(what: str, unit: str, peer_name: str, note: str) -> Figure:
    """Return what is said where Caudal and a peer do not agree: no figures."""
    return Figure(what, unit, 0.0, 0.0, 0.0, peer_name, status="FAILED", note=note)


def beside(
    what: str,
    unit: str,
    ours: Callable[[], float],
    peer_name: str,
    peer: Callable[[], float] | None,
    rounds: int,
    note: str = "",
) -> Figure:
    """Run both in turn, the other one first in every second round, and return the figure.

    Both give a rate. Taking turns lets the drift of a shared machine fall on both alike.
    """
    own: list[float] = []
    other: list[float] = []
    for number in range(rounds):
        turns: list[tuple[list[float], Callable[[], float]]] = [(own, ours)]
        if peer is not None:
            turns.append((other, peer))
        for values, run in turns if number % 2 == 0 else reversed(turns):
            values.append(run())
    if peer is None:
        return Figure(
            what, unit, median(own), min(own), max(own), peer_name, status="missing", note="not installed"
        )
    ratio = median(mine / theirs for mine, theirs in zip(own, other, strict=True))
    return Figure(what, unit, median(own), min(own), max(own), peer_name, median(other), ratio, note=note)
