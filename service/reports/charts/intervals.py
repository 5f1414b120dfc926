"""Values with their intervals, one row each, on one axis per unit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from caudal.service.reports.charts.drawing import COLOURS, FAINT, INK, RULE, Drawing, fitted

WIDTH = 760
_LABEL, _TEXT = 292, 176
_ROW, _HEAD, _FOOT = 17, 18, 18


@dataclass(frozen=True)
class Mark:
    """One row: its label, value with interval, how they are written, and the value of the month before."""

    label: str
    value: float
    low: float
    high: float
    written: str
    before: float | None = None


@dataclass(frozen=True)
class Panel:
    """Rows of one unit; `tick` writes a number of its axis, which does not go beyond `bound`."""

    title: str
    marks: tuple[Mark, ...]
    tick: Callable[[float], str]
    bound: float | None = None


def interval_chart(panels: Sequence[Panel], description: str) -> str:
    """Return the panels one below the other: a dot for the value, a line for the interval, a ring for before."""
    height = sum(_HEAD + _ROW * len(panel.marks) + _FOOT for panel in panels) or 1
    drawing = Drawing(WIDTH, height)
    top = 0.0
    for panel in panels:
        _draw(drawing, panel, top)
        top += _HEAD + _ROW * len(panel.marks) + _FOOT
    return drawing.svg(description)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from at or below `low` to at or above `high`, in steps of 1, 2 or 5 times 10^n."""
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low, low + 1]
    raw = span / (most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _draw(drawing: Drawing, panel: Panel, top: float) -> None:
    lows = [mark.low for mark in panel.marks] + [
        mark.before for mark in panel.marks if mark.before is not None
    ]
    highs = [mark.high for mark in panel.marks] + [
        mark.before for mark in panel.marks if mark.before is not None
    ]
    # Zero is on every axis, also where all values are below it.
    most = max(0.0, *highs)
    axis = ticks(min(0.0, *lows), most if panel.bound is None else min(most, panel.bound))
    left, right = float(_LABEL), float(WIDTH - _TEXT)
    bottom = top + _HEAD + _ROW * len(panel.marks)

    def across(number: float) -> float:
        return left + (right - left) * (number - axis[0]) / (axis[-1] - axis[0])

    drawing.text(0, top + 13, panel.title, size=10.5, fill=FAINT, bold=True)
    for number in axis:
        drawing.line(across(number), top + _HEAD - 4, across(number), bottom, RULE, 0.8)
        drawing.text(across(number), bottom + 13, panel.tick(number), size=9.5, anchor="middle", fill=FAINT)
    if axis[0] < 0:
        drawing.line(across(0), top + _HEAD - 4, across(0), bottom, FAINT, 1)
    for position, mark in enumerate(panel.marks):
        y = top + _HEAD + _ROW * (position + 0.5)
        drawing.text(0, y + 4, fitted(mark.label, _LABEL - 12))
        drawing.line(across(mark.low), y, across(mark.high), y, COLOURS[5], 5)
        for end in (mark.low, mark.high):
            drawing.line(across(end), y - 5, across(end), y + 5, COLOURS[0], 1.4)
        if mark.before is not None:
            drawing.dot(across(mark.before), y, 4.2, "#ffffff", FAINT, 1.4)
        drawing.dot(across(mark.value), y, 4.2, COLOURS[0])
        drawing.text(right + 14, y + 4, mark.written, size=10.5, fill=INK)
