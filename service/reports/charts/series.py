"""A value over the months: a line with a dot for each month, its interval as a band behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap

from caudal.service.reports.charts.drawing import Drawing
from caudal.service.reports.charts.intervals import ticks
from caudal.service.reports.charts.palette import FAINT, INK, RULE

WIDTH = 640
_LEFT, _RIGHT = 54, 118
_TITLE, _BREAKS, _PLOT, _FOOT = 26, 12, 104, 34
_SIZE, _LINE = 10.5, 13
# Letters of a title in one line, by the mean width of bold ones with some reserve; the description has all of a longer title.
_TITLE_LETTERS, _TITLE_LINES = int(WIDTH / (_SIZE * 0.62)), 3
# User units that the name of a month needs.
_MONTH = 36
# Light enough for the line to be seen on it in black and white, dark enough to be seen on paper.
_BAND, _EDGE = "#d3e0e8", "#7f9bab"


@dataclass(frozen=True)
class Step:
    """A month of the line: `name` and `year` stand on the axis; without a value the line is open there.

    `method` tells steps apart that do not go on from each other.
    """

    name: str
    year: str
    value: float | None = None
    low: float = 0.0
    high: float = 0.0
    method: str = ""


def series_drawing(
    title: str,
    steps: Sequence[Step],
    tick: Callable[[float], str],
    written: tuple[str, str],
    other_method: str,
    bound: float | None = None,
) -> Drawing:
    """Return the line of the steps, which are the months in their order.

    `tick` writes a number of the axis, which does not go beyond `bound`; `written` are the last value and its interval,
    beside its dot; `other_method` stands where another method begins.
    """
    valued = [step for step in steps if step.value is not None]
    breaks = _breaks(steps)
    titles = _lines(title)
    top = float(_TITLE + _LINE * (len(titles) - 1) + (_BREAKS if breaks else 0))
    bottom = top + _PLOT
    drawing = Drawing(WIDTH, bottom + _FOOT)
    most = max(0.0, *(step.high for step in valued))
    axis = ticks(min(0.0, *(step.low for step in valued)), most if bound is None else min(most, bound), 4)
    left, right = float(_LEFT), float(WIDTH - _RIGHT)
    apart = (right - left - 16) / max(len(steps) - 1, 1)

    def across(at: float) -> float:
        return left + 8 + apart * at

    def up(number: float) -> float:
        return bottom - (bottom - top) * (number - axis[0]) / (axis[-1] - axis[0])

    for at, text in enumerate(titles):
        drawing.text(0, 13 + _LINE * at, text, size=_SIZE, fill=FAINT, bold=True)
    for number in axis:
        drawing.line(left, up(number), right, up(number), FAINT if number == 0 else RULE, 0.8)
        drawing.text(left - 7, up(number) + 3.5, tick(number), size=_SIZE, anchor="end", fill=FAINT)
    for at in breaks:
        x = across(at - 0.5)
        for part in range(0, _PLOT, 8):
            drawing.line(x, top + part, x, top + part + 4, FAINT, 1)
    if breaks:
        # Said once, at the last of them: there is no room for more, and one is what there is as a rule.
        at = breaks[-1]
        drawing.text(
            min(max(across(at - 0.5), left), right),
            top - 5,
            other_method,
            size=_SIZE,
            anchor="start" if at < len(steps) / 2 else "end",
            fill=FAINT,
        )
    for run in _runs(steps):
        _draw(drawing, [(across(at), step) for at, step in run], up)
    _months(drawing, steps, across, apart, bottom)
    last = next(step for step in reversed(steps) if step.value is not None)
    assert last.value is not None
    y = min(max(up(last.value) + 3.5, top + 9), bottom - 12)
    drawing.text(right + 10, y, written[0], size=_SIZE, bold=True)
    drawing.text(right + 10, y + 13, written[1], size=_SIZE, fill=FAINT)
    return drawing


def _lines(title: str) -> list[str]:
    return wrap(title, _TITLE_LETTERS, max_lines=_TITLE_LINES, placeholder=" …")


def _runs(steps: Sequence[Step]) -> list[list[tuple[int, Step]]]:
    """Return the steps that go on from each other, with their places."""
    runs = groupby(enumerate(steps), key=lambda each: (each[1].value is not None, each[1].method))
    return [list(run) for (valued, _), run in runs if valued]


def _breaks(steps: Sequence[Step]) -> list[int]:
    """Return the places of the steps whose method is not that of the last one before with a value."""
    places, method = [], ""
    for at, step in enumerate(steps):
        if step.value is not None:
            if method and step.method != method:
                places.append(at)
            method = step.method
    return places


def _draw(drawing: Drawing, run: list[tuple[float, Step]], up: Callable[[float], float]) -> None:
    lows, highs = [(x, up(step.low)) for x, step in run], [(x, up(step.high)) for x, step in run]
    values = [(x, up(step.value)) for x, step in run if step.value is not None]
    if len(run) == 1:
        (x, low), (_, high) = lows[0], highs[0]
        drawing.line(x, low, x, high, _EDGE, 1.4)
        for y in (low, high):
            drawing.line(x - 4, y, x + 4, y, _EDGE, 1.4)
    else:
        drawing.path(f"M{_points([*lows, *reversed(highs)])}Z", _BAND)
        for edge in (lows, highs):
            drawing.path(f"M{_points(edge)}", stroke=_EDGE, width=0.8)
        drawing.path(f"M{_points(values)}", stroke=INK, width=1.6)
    for x, y in values:
        drawing.dot(x, y, 2.8, INK)


def _points(points: list[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _months(
    drawing: Drawing, steps: Sequence[Step], across: Callable[[float], float], apart: float, bottom: float
) -> None:
    """Lay down the names of months, as many as there is room for, counted back from the last; years below them."""
    every = max(1, -int(-_MONTH // apart))
    year = ""
    for at, step in enumerate(steps):
        drawing.line(across(at), bottom, across(at), bottom + 4, FAINT, 0.8)
        if (len(steps) - 1 - at) % every:
            continue
        drawing.text(across(at), bottom + 16, step.name, size=_SIZE, anchor="middle", fill=FAINT)
        if step.year != year:
            year = step.year
            drawing.text(across(at), bottom + 29, year, size=_SIZE, anchor="middle", fill=FAINT)
