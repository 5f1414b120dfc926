"""Steps: an address range table without overlaps, as the addresses at which its value changes."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Version = Literal[4, 6]
BITS: dict[Version, int] = {4: 32, 6: 128}


class Range(NamedTuple):
    """Addresses from `start` to `end`, both included, and their value; '' where it is not known."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Steps:
    """Values of the whole address space: `values[i]` holds from `starts[i]` up to the next start.

    The first start is 0; '' is no answer. `overlaps` counts ranges that began inside another one,
    `contradictions` ranges given twice with different values.
    """

    starts: list[int]
    values: list[str]
    overlaps: int
    contradictions: int


def flatten(ranges: Iterable[Range], version: Version) -> Steps:
    """Return the steps of ranges in any order: the narrowest range that holds an address answers for it.

    Of ranges of one width the one that begins later answers. A range given twice with different values
    has no answer, as where two databases disagree.
    """
    unique: dict[tuple[int, int], str] = {}
    contradicted: set[tuple[int, int]] = set()
    for start, end, value in ranges:
        if unique.setdefault((start, end), value) != value:
            unique[start, end] = ""
            contradicted.add((start, end))
    starts, values = [0], [""]
    position = reached = overlaps = 0
    active: list[tuple[int, int, int, str]] = []

    def emit(value: str) -> None:
        if values[-1] == value:
            return
        if starts[-1] == position:
            starts.pop()
            values.pop()
            if values and values[-1] == value:
                return
        starts.append(position)
        values.append(value)

    def advance(until: int) -> None:
        nonlocal position
        while active and position < until:
            _, _, end, value = active[0]
            if end < position:
                heapq.heappop(active)
                continue
            emit(value)
            position = min(end + 1, until)
        if position < until:
            emit("")
            position = until

    for start, end in sorted(unique):
        advance(start)
        overlaps += start < reached
        reached = max(reached, end + 1)
        heapq.heappush(active, (end - start, -start, end, unique[start, end]))
    advance(1 << BITS[version])
    return Steps(starts, values, overlaps, len(contradicted))
