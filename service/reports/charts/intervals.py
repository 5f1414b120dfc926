"""Values with their intervals, one row each, on one axis per unit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from caudal.service.reports.charts.drawing import LINE, SIZE, WIDTH, Drawing
from caudal.service.reports.charts.palette import COLOURS, FAINT, INK, INTERVAL_COLOUR, PAPER, RULE
from caudal.service.reports.typeface import width_of, wrapped
from caudal.service.reports.typeface.lines import RESERVE

# Columns from left to right: labels, the plot, values. The plot takes what the others leave.
_LABEL, _LABEL_GAP = 212, 12
_PLOT_LEAST, _VALUE_GAP = 180, 14
_BETWEEN_ROWS, _BETWEEN_PANELS = 3, 7
_AXIS = 17
_LABEL_LINES, _TITLE_LINES = 3, 2
_BETWEEN_TICKS = 8
_TICK_SIZE = 10


@dataclass(frozen=True)
class Mark:
    """A row of an interval chart: its label, value with interval, how they are written, and the value of the month before."""

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


@dataclass(frozen=True)
class Key:
    """The meanings of a dot, a bar and a ring in words; '' leaves a sign out."""

    value: str = ""
    interval: str = ""
    before: str = ""


@dataclass(frozen=True)
class _Row:
    label: tuple[str, ...]
    whole: bool
    value: tuple[str, ...]

    @property
    def height(self) -> float:
        return max(len(self.label), len(self.value)) * LINE + _BETWEEN_ROWS


def interval_drawing(panels: Sequence[Panel], key: Key | None = None) -> Drawing:
    """Return the panels one below the other: a dot for the value, a bar for the interval, a ring for before."""
    marks = [mark for panel in panels for mark in panel.marks]
    # Rounded up: what just fits must not be found too wide for the last digit of a sum.
    widest = math.ceil(max((width_of(mark.written, SIZE) * RESERVE for mark in marks), default=0.0))
    room = WIDTH - _LABEL - _LABEL_GAP - _PLOT_LEAST - _VALUE_GAP
    right = WIDTH - min(widest, room) - _VALUE_GAP
    rows = [[_row(mark, WIDTH - right - _VALUE_GAP) for mark in panel.marks] for panel in panels]
    titles = [wrapped(panel.title, WIDTH, SIZE, _TITLE_LINES, bold=True) for panel in panels]
    keys = _key_lines(key or Key(), any(mark.before is not None for mark in marks))
    height = sum(
        len(title.lines) * LINE + 4 + sum(row.height for row in own) + _AXIS + _BETWEEN_PANELS
        for title, own in zip(titles, rows, strict=True)
    )
    drawing = Drawing(WIDTH, max(height + len(keys) * (LINE + 3), 1))
    top = 0.0
    for panel, title, own in zip(panels, titles, rows, strict=True):
        top = drawing.lines(
            0, top, title.lines, fill=FAINT, bold=True, title="" if title.whole else panel.title
        )
        top = _draw(drawing, panel, own, top + 4, right) + _BETWEEN_PANELS
    for line in keys:
        _draw_key(drawing, line, top)
        top += LINE + 3
    return drawing


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


def _row(mark: Mark, width: float) -> _Row:
    label = wrapped(mark.label, _LABEL, SIZE, _LABEL_LINES)
    return _Row(label.lines, label.whole, wrapped(mark.written, width, SIZE, _LABEL_LINES).lines)


def _draw(drawing: Drawing, panel: Panel, rows: list[_Row], top: float, right: float) -> float:
    """Draw a panel below `top`, and return where it ends."""
    befores = [mark.before for mark in panel.marks if mark.before is not None]
    # Zero is on every axis, also where all values are below it.
    most = max(0.0, *(mark.high for mark in panel.marks), *befores)
    least = min(0.0, *(mark.low for mark in panel.marks), *befores)
    most = most if panel.bound is None else min(most, panel.bound)
    left, bottom = float(_LABEL + _LABEL_GAP), top + sum(row.height for row in rows)
    axis = _axis(panel, least, most, right - left)

    def across(number: float) -> float:
        return left + (right - left) * (number - axis[0]) / (axis[-1] - axis[0])

    for number in axis:
        drawing.line(across(number), top, across(number), bottom, RULE, 0.8)
    for number, place in _labelled(panel, axis, across):
        drawing.text(place, bottom + 12.5, panel.tick(number), size=_TICK_SIZE, anchor="middle", fill=FAINT)
    if axis[0] < 0:
        drawing.line(across(0), top, across(0), bottom, FAINT, 1.2)
    for mark, row in zip(panel.marks, rows, strict=True):
        middle = top + row.height / 2
        drawing.lines(0, middle - len(row.label) * LINE / 2, row.label, title="" if row.whole else mark.label)
        drawing.lines(right + _VALUE_GAP, middle - len(row.value) * LINE / 2, row.value)
        drawing.line(across(mark.low), middle, across(mark.high), middle, INTERVAL_COLOUR, 5)
        for end in (mark.low, mark.high):
            drawing.line(across(end), middle - 5, across(end), middle + 5, COLOURS[0], 1.4)
        # The ring is larger than the dot, so that both are seen where they meet.
        if mark.before is not None:
            drawing.dot(across(mark.before), middle, 5, PAPER, INK, 1.3)
        drawing.dot(across(mark.value), middle, 3.6, COLOURS[0])
        top += row.height
    return bottom + _AXIS


def _axis(panel: Panel, least: float, most: float, width: float) -> list[float]:
    """Return as many ticks as have room for their labels, at most six."""
    for count in range(6, 2, -1):
        axis = ticks(least, most, count)
        labels = sum(width_of(panel.tick(number), _TICK_SIZE) * RESERVE + _BETWEEN_TICKS for number in axis)
        if labels <= width:
            return axis
    return ticks(least, most, 2)


def _labelled(panel: Panel, axis: list[float], across: Callable[[float], float]) -> list[tuple[float, float]]:
    """Return the ticks whose labels do not run into one another, zero before all others, and where they stand."""
    kept: list[tuple[float, float, float]] = []
    for number in sorted(axis, key=lambda each: (each != 0, each not in (axis[0], axis[-1]), each)):
        half = width_of(panel.tick(number), _TICK_SIZE) * RESERVE / 2
        place = min(max(across(number), half), WIDTH - half)
        if all(abs(place - other) >= half + other_half + 4 for _, other, other_half in kept):
            kept.append((number, place, half))
    return [(number, place) for number, place, _ in kept]


_Sign = tuple[str, str]


def _key_lines(key: Key, before: bool) -> list[list[tuple[_Sign, float]]]:
    """Return the signs of a key with their places, in as many lines as they take."""
    signs = [("value", key.value), ("interval", key.interval), ("before", key.before if before else "")]
    lines: list[list[tuple[_Sign, float]]] = []
    x = 0.0
    for sign in signs:
        if not sign[1]:
            continue
        width = 26 + width_of(sign[1], SIZE) * RESERVE + 18
        if not lines or x + width > WIDTH:
            lines.append([])
            x = 0.0
        lines[-1].append((sign, x))
        x += width
    return lines


def _draw_key(drawing: Drawing, line: list[tuple[_Sign, float]], top: float) -> None:
    middle = top + LINE / 2 + 0.5
    for (name, text), x in line:
        if name == "value":
            drawing.dot(x + 10, middle, 3.6, COLOURS[0])
        elif name == "before":
            drawing.dot(x + 10, middle, 5, PAPER, INK, 1.3)
        else:
            drawing.line(x, middle, x + 20, middle, INTERVAL_COLOUR, 5)
            for end in (x, x + 20):
                drawing.line(end, middle - 5, end, middle + 5, COLOURS[0], 1.4)
        drawing.lines(x + 26, top, [text], fill=FAINT)
