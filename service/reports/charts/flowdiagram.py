"""A flow diagram: what goes from nodes on the left to nodes on the right, as bands of that height."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caudal.service.reports.charts.drawing import FAINT, INK, Drawing, fitted

WIDTH, HEIGHT = 760, 400
_NODE, _GAP, _TOP = 14, 7, 24
_LEFT, _MIDDLE, _RIGHT = 4, 250, 560
_LINE = 12.5


@dataclass(frozen=True)
class Node:
    """A node: its key, its name, how its share is written, its colour."""

    key: str
    name: str
    written: str
    colour: str


@dataclass(frozen=True)
class Band:
    """What lies in one node of the left and of the right at once, as a share of everything."""

    left: str
    right: str
    share: float


def flow_diagram(
    origin: str,
    left: Sequence[Node],
    right: Sequence[Node],
    bands: Sequence[Band],
    heads: tuple[str, str],
    description: str,
) -> str:
    """Return bands from one origin through the nodes on the left to those on the right.

    Nodes come from top to bottom as given; every band must name nodes that are given.
    """
    drawing = Drawing(WIDTH, HEIGHT)
    if not bands:
        return drawing.svg(description)
    total = sum(band.share for band in bands)
    room = HEIGHT - _TOP - 8
    scale = (room - _GAP * (max(len(left), len(right)) - 1)) / total
    sizes_left = {node.key: sum(b.share for b in bands if b.left == node.key) * scale for node in left}
    sizes_right = {node.key: sum(b.share for b in bands if b.right == node.key) * scale for node in right}
    tops_left, tops_right = _tops(left, sizes_left), _tops(right, sizes_right)
    drawing.text(_MIDDLE + _NODE + 6, 12, heads[0], size=10.5, fill=FAINT, bold=True)
    drawing.text(_RIGHT + _NODE + 6, 12, heads[1], size=10.5, fill=FAINT, bold=True)
    _draw_origin(drawing, origin, left, sizes_left, tops_left)
    _draw_bands(drawing, left, right, bands, scale, (dict(tops_left), dict(tops_right)))
    for nodes, sizes, tops, x in (
        (left, sizes_left, tops_left, _MIDDLE),
        (right, sizes_right, tops_right, _RIGHT),
    ):
        middles = _apart([tops[node.key] + sizes[node.key] / 2 + 3.5 for node in nodes])
        for node, middle in zip(nodes, middles, strict=True):
            drawing.rectangle(
                x, tops[node.key], _NODE, max(sizes[node.key], 0.8), node.colour, title=node.name
            )
            drawing.text(x + _NODE + 6, middle, f"{fitted(node.name, 125, 10)}  {node.written}", size=10)
    return drawing.svg(description)


def _apart(heights: list[float]) -> list[float]:
    """Return heights in their order, moved as little as keeps lines of text from running into each other."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + _LINE) if moved else height)
    limit = HEIGHT - 3.0
    for position in range(len(moved) - 1, -1, -1):
        moved[position] = min(moved[position], limit)
        limit = moved[position] - _LINE
    return moved


def _tops(nodes: Sequence[Node], sizes: Mapping[str, float]) -> dict[str, float]:
    spare = HEIGHT - _TOP - 8 - sum(sizes.values())
    gap = spare / max(len(nodes) - 1, 1) if len(nodes) > 1 else 0
    tops, y = {}, float(_TOP)
    for node in nodes:
        tops[node.key] = y
        y += sizes[node.key] + gap
    return tops


def _draw_origin(
    drawing: Drawing, origin: str, left: Sequence[Node], sizes: Mapping[str, float], tops: Mapping[str, float]
) -> None:
    height = sum(sizes.values())
    y = _TOP + (HEIGHT - _TOP - 8 - height) / 2
    drawing.rectangle(_LEFT, y, _NODE, height, INK)
    drawing.text(_LEFT, y - 8, fitted(origin, _MIDDLE - _LEFT, 11), size=11, bold=True)
    for node in left:
        size = sizes[node.key]
        drawing.path(
            _ribbon(_LEFT + _NODE, y, _MIDDLE, tops[node.key], size),
            node.colour,
            opacity=0.45,
            title=node.name,
        )
        y += size


def _draw_bands(
    drawing: Drawing,
    left: Sequence[Node],
    right: Sequence[Node],
    bands: Sequence[Band],
    scale: float,
    tops: tuple[dict[str, float], dict[str, float]],
) -> None:
    by_pair = {(band.left, band.right): band.share for band in bands}
    from_y, to_y = tops
    for node in left:
        for other in right:
            size = by_pair.get((node.key, other.key), 0.0) * scale
            if size <= 0:
                continue
            drawing.path(
                _ribbon(_MIDDLE + _NODE, from_y[node.key], _RIGHT, to_y[other.key], size),
                node.colour,
                opacity=0.45,
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
