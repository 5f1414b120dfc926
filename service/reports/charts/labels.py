"""Names beside places on a map: where there is room for them, else a number."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from caudal.service.reports.charts.box import Box
from caudal.service.reports.charts.drawing import LINE, SIZE, Drawing
from caudal.service.reports.charts.palette import FAINT, INK, PAPER, RULE
from caudal.service.reports.typeface import width_of, wrapped
from caudal.service.reports.typeface.lines import RESERVE

_WIDTH, _LINES = 122, 3
_PAD = 2.5
# How far from its place a label may stand, and in how many directions it is tried.
_NEAR = 9.0
_DISTANCES = (_NEAR, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0, 92.0)
_DIRECTIONS = 16
# What a point of a coloured country's coast costs that a label hides, in units further off.
_HIDING = 1.5

Point = tuple[float, float]


@dataclass(frozen=True)
class Label:
    """A name and the point it is of."""

    point: Point
    text: str
    bold: bool = False


@dataclass(frozen=True)
class _Placed:
    label: Label
    lines: tuple[str, ...]
    box: Box
    leader: tuple[Point, Point] | None
    whole: bool


class Labels:
    """Labels that stand clear of one another, of `dots` and of `routes` (thickness, points), on a plate of paper.

    They hide as few as may be of `coasts`, the points of outlines that are to be seen.
    """

    def __init__(
        self,
        canvas: Box,
        dots: Sequence[Box],
        routes: Sequence[tuple[float, npt.NDArray[np.float64]]],
        coasts: npt.NDArray[np.float64],
    ) -> None:
        self._canvas = canvas
        self._coasts = coasts
        self._dots = dots
        self._routes = routes
        self._placed: list[_Placed] = []
        self.numbered: list[str] = []

    def place(self, label: Label) -> None:
        """Give a label its place; where there is none it gets a number, and its name is in `numbered`."""
        text = wrapped(label.text, _WIDTH, SIZE, _LINES, bold=label.bold)
        if self._set(label, text.lines, text.whole):
            if not text.whole:
                self.numbered.append(label.text)
            return
        number = str(len(self.numbered) + 1)
        self.numbered.append(f"{number} {label.text}")
        self._set(label, (number,), True)

    def draw(self, drawing: Drawing) -> None:
        """Lay down the labels that have a place."""
        for each in self._placed:
            if each.leader is not None:
                (x0, y0), (x1, y1) = each.leader
                drawing.line(x0, y0, x1, y1, PAPER, 2.2)
                drawing.line(x0, y0, x1, y1, FAINT, 0.8)
        for each in self._placed:
            box = each.box
            drawing.rectangle(
                box.left,
                box.top,
                box.right - box.left,
                box.bottom - box.top,
                PAPER,
                rounding=2,
                stroke=RULE,
                line=0.6,
            )
            drawing.lines(
                box.left + _PAD,
                box.top + _PAD - 0.5,
                each.lines,
                fill=INK,
                bold=each.label.bold,
                title="" if each.whole else each.label.text,
            )

    def _set(self, label: Label, lines: tuple[str, ...], whole: bool) -> bool:
        width = max((width_of(line, SIZE, bold=label.bold) for line in lines), default=0.0) * RESERVE
        room = (width + 2 * _PAD, len(lines) * LINE + 2 * _PAD - 1)
        best: tuple[float, _Placed] | None = None
        for distance, box, end in _around(label.point, room):
            if best is not None and distance >= best[0]:
                break
            placed = _Placed(label, lines, box, (label.point, end) if distance > _NEAR else None, whole)
            cost = distance + _HIDING * self._hidden(box)
            if (best is None or cost < best[0]) and self._free(placed):
                best = (cost, placed)
        if best is not None:
            self._placed.append(best[1])
        return best is not None

    def _hidden(self, box: Box) -> int:
        """Return the number of points of the coasts that a box would hide."""
        x, y = self._coasts[:, 0], self._coasts[:, 1]
        return int(((x > box.left) & (x < box.right) & (y > box.top) & (y < box.bottom)).sum())

    def _free(self, placed: _Placed) -> bool:
        box = placed.box
        if not self._canvas.holds(box) or any(box.overlaps(dot) for dot in self._dots):
            return False
        for width, curve in self._routes:
            wide = box.grown(width / 2 + 2)
            if any(wide.meets(x0, y0, x1, y1) for (x0, y0), (x1, y1) in pairwise(curve.tolist())):
                return False
        for other in self._placed:
            if box.overlaps(other.box, 3):
                return False
            if other.leader is not None and box.grown(2).meets(*other.leader[0], *other.leader[1]):
                return False
            if placed.leader is not None and other.box.grown(2).meets(*placed.leader[0], *placed.leader[1]):
                return False
            if placed.leader is not None and other.leader is not None and _cross(placed.leader, other.leader):
                return False
        return True


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Return True if two straight lines cross: the ends of each lie on both sides of the other."""

    def side(line: tuple[Point, Point], point: Point) -> float:
        (x0, y0), (x1, y1) = line
        return (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)

    return side(one, other[0]) * side(one, other[1]) < 0 and side(other, one[0]) * side(other, one[1]) < 0


def _around(point: Point, room: tuple[float, float]) -> Iterator[tuple[float, Box, Point]]:
    """Yield boxes around a point, the nearest first: how far off, the box, and the point of it that is nearest."""
    x, y = point
    width, height = room
    for distance in _DISTANCES:
        for step in range(_DIRECTIONS):
            angle = 2 * math.pi * step / _DIRECTIONS
            end = (x + distance * math.cos(angle), y + distance * math.sin(angle))
            # The corner or side that looks towards the point is at the end of the line.
            left = end[0] - width * (1 - math.cos(angle)) / 2
            top = end[1] - height * (1 - math.sin(angle)) / 2
            yield distance, Box(left, top, left + width, top + height), end
