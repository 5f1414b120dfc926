"""A flow diagram: what goes from the parts of an origin to nodes in the middle, and on to nodes on the right, as bands.

Every column of nodes has a column for its labels, where no band comes: that of the middle stands between the two bars of a node.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from caudal.service.reports.charts.drawing import LINE, SIZE, WIDTH, Drawing
from caudal.service.reports.charts.palette import FAINT, INK
from caudal.service.reports.typeface import Wrapped, width_of, wrapped
from caudal.service.reports.typeface.lines import RESERVE

_BAR, _SPAN = 7, 92
_LEFT_LABELS, _MIDDLE_LABELS = 100, 164
# What all bars of a column are high together; labels of small nodes make the diagram higher.
_BARS = 230
_GAP, _LEAST_BAR = 7, 0.8
_PAD = 5
_NAME_LINES, _FIGURE_LINES, _HEAD_LINES = 3, 3, 2
# Where the columns of labels begin, and where that of the middle ends.
_MIDDLE = _LEFT_LABELS + 2 * _BAR + _SPAN
_MIDDLE_END = _MIDDLE + _MIDDLE_LABELS
_RIGHT = _MIDDLE_END + 2 * _BAR + _SPAN


@dataclass(frozen=True)
class Node:
    """A node: its key, its name, how its share (and interval) is written, its colour; `dashed` is its outline."""

    key: str
    name: str
    written: str
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Band:
    """The share of everything that lies in one node of the left and of the right at once."""

    left: str
    right: str
    share: float


@dataclass(frozen=True)
class _Label:
    lines: tuple[str, ...]
    name: Wrapped

    @property
    def height(self) -> float:
        return len(self.lines) * LINE


@dataclass(frozen=True)
class _Column:
    """Nodes with their labels and the heights of their bars."""

    nodes: Sequence[Node]
    labels: list[_Label]
    bars: list[float]

    @property
    def slots(self) -> list[float]:
        """The height of each node in user units: of its bar or its label, whichever is higher."""
        return [max(bar, label.height) for bar, label in zip(self.bars, self.labels, strict=True)]

    def height(self) -> float:
        return sum(self.slots) + _GAP * max(len(self.nodes) - 1, 0)

    def middles(self, top: float, room: float, *, spread: bool) -> list[float]:
        """Return the middle of each node: over all of the room, or close together in the middle of it."""
        gaps = max(len(self.nodes) - 1, 1)
        gap = (room - sum(self.slots)) / gaps if spread and len(self.nodes) > 1 else _GAP
        y = top + (room - sum(self.slots) - gap * (len(self.nodes) - 1)) / 2
        middles = []
        for slot in self.slots:
            middles.append(y + slot / 2)
            y += slot + gap
        return middles


def flow_drawing(
    origin: str,
    parts: Sequence[Node],
    left: Sequence[Node],
    right: Sequence[Node],
    first: Sequence[Band],
    bands: Sequence[Band],
    heads: tuple[str, str],
) -> Drawing:
    """Return bands from the parts of one origin (`first`) through the nodes on the left to those on the right (`bands`).

    Nodes come from top to bottom as given; every band must name nodes that are given. Names that are not whole stand in
    full below the diagram.
    """
    total = sum(band.share for band in bands)
    if not total > 0:
        return Drawing(WIDTH, 1)
    scale = _BARS / total
    columns = (
        _column(parts, _LEFT_LABELS, lambda key: sum(b.share for b in first if b.left == key) * scale),
        _column(left, _MIDDLE_LABELS, lambda key: sum(b.share for b in bands if b.left == key) * scale),
        _column(right, WIDTH - _RIGHT, lambda key: sum(b.share for b in bands if b.right == key) * scale),
    )
    titles = [
        wrapped(text, width, SIZE, _HEAD_LINES, bold=True)
        for text, width in (
            (origin, _MIDDLE - _PAD - _BAR),
            (heads[0], _MIDDLE_LABELS - 2 * _PAD),
            (heads[1], WIDTH - _RIGHT - _PAD),
        )
    ]
    top = max(len(title.lines) for title in titles) * LINE + 6
    room = max(column.height() for column in columns)
    shortened = _shortened([origin, *heads], titles, columns)
    drawing = Drawing(WIDTH, top + room + 4 + len(shortened) * LINE + (6 if shortened else 0))
    for title, text, x, colour in zip(
        titles,
        (origin, *heads),
        (0.0, float(_MIDDLE + _PAD), float(_RIGHT + _PAD)),
        (INK, FAINT, FAINT),
        strict=True,
    ):
        drawing.lines(x, 0, title.lines, fill=colour, bold=True, title="" if title.whole else text)
    middles = [
        column.middles(top, room, spread=spread)
        for column, spread in zip(columns, (False, True, True), strict=True)
    ]
    tops = [_tops(column, places) for column, places in zip(columns, middles, strict=True)]
    _draw_bands(drawing, parts, left, first, scale, (tops[0], tops[1]), _LEFT_LABELS + _BAR)
    _draw_bands(drawing, left, right, bands, scale, (tops[1], tops[2]), _MIDDLE_END + _BAR)
    bars_at = ((_LEFT_LABELS,), (_MIDDLE - _BAR, _MIDDLE_END), (_RIGHT - _BAR,))
    for column, own, bars in zip(columns, middles, bars_at, strict=True):
        _draw_bars(drawing, column, own, bars)
    for column, own, (x, anchor) in zip(
        columns,
        middles,
        ((_LEFT_LABELS - _PAD, "end"), (_MIDDLE + _PAD, "start"), (_RIGHT + _PAD, "start")),
        strict=True,
    ):
        for node, label, middle in zip(column.nodes, column.labels, own, strict=True):
            drawing.lines(
                x,
                middle - label.height / 2,
                label.lines,
                anchor=anchor,
                title="" if label.name.whole else node.name,
            )
    if shortened:
        drawing.lines(0, top + room + 8, shortened, fill=FAINT)
    return drawing


def _column(nodes: Sequence[Node], width: float, bar: Callable[[str], float]) -> _Column:
    return _Column(
        nodes, [_label(node, width - 2 * _PAD) for node in nodes], [bar(node.key) for node in nodes]
    )


def _label(node: Node, width: float) -> _Label:
    """Return name and figures in one line where they have room in it, else in lines of their own."""
    name = wrapped(node.name, width, SIZE, _NAME_LINES)
    together = f"{node.name} {node.written}".strip()
    if width_of(together, SIZE) * RESERVE <= width:
        return _Label((together,), name)
    return _Label((*name.lines, *wrapped(node.written, width, SIZE, _FIGURE_LINES).lines), name)


def _shortened(texts: Sequence[str], titles: Sequence[Wrapped], columns: Sequence[_Column]) -> list[str]:
    """Return lines that hold in full the texts shortened in the diagram."""
    full = [text for text, title in zip(texts, titles, strict=True) if not title.whole]
    full += [
        node.name
        for column in columns
        for node, label in zip(column.nodes, column.labels, strict=True)
        if not label.name.whole
    ]
    return [
        line
        for text in dict.fromkeys(full)
        for line in wrapped(f"… {text}", WIDTH, SIZE, len(text) + 1).lines
    ]


def _tops(column: _Column, middles: list[float]) -> dict[str, float]:
    return {
        node.key: middle - bar / 2
        for node, middle, bar in zip(column.nodes, middles, column.bars, strict=True)
    }


def _draw_bars(drawing: Drawing, column: _Column, middles: list[float], xs: Sequence[float]) -> None:
    for node, middle, bar in zip(column.nodes, middles, column.bars, strict=True):
        height = max(bar, _LEAST_BAR)
        for x in xs:
            drawing.rectangle(
                x,
                middle - height / 2,
                _BAR,
                height,
                node.colour,
                title=node.name,
                stroke=INK,
                line=0.6,
                dashes="2 1.5" if node.dashed else "",
            )


def _draw_bands(
    drawing: Drawing,
    left: Sequence[Node],
    right: Sequence[Node],
    bands: Sequence[Band],
    scale: float,
    tops: tuple[Mapping[str, float], Mapping[str, float]],
    x: float,
) -> None:
    by_pair = {(band.left, band.right): band.share for band in bands}
    from_y, to_y = dict(tops[0]), dict(tops[1])
    for node in left:
        for other in right:
            size = by_pair.get((node.key, other.key), 0.0) * scale
            if size <= 0:
                continue
            drawing.path(
                _ribbon(x, from_y[node.key], x + _SPAN, to_y[other.key], size),
                node.colour,
                opacity=0.5,
                stroke=FAINT,
                width=0.5,
                dashes="2 1.5" if node.dashed else "",
                title=f"{node.name} → {other.name}",
            )
            from_y[node.key] += size
            to_y[other.key] += size


def _ribbon(x0: float, y0: float, x1: float, y1: float, size: float) -> str:
    middle = (x0 + x1) / 2
    return (
        f"M{x0:.1f},{y0:.1f}C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
        f"L{x1:.1f},{y1 + size:.1f}C{middle:.1f},{y1 + size:.1f} {middle:.1f},{y0 + size:.1f} {x0:.1f},{y0 + size:.1f}Z"
    )
