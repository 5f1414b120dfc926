"""A flow diagram: what goes from the parts of an origin to nodes on the left, and on to nodes on the right, as bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caudal.service.reports.charts.drawing import FAINT, Drawing, fitted

WIDTH, HEIGHT = 760, 400
_NODE, _GAP, _TOP = 14, 7, 24
_LEFT, _MIDDLE, _RIGHT = 4, 240, 535
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
    parts: Sequence[Node],
    left: Sequence[Node],
    right: Sequence[Node],
    first: Sequence[Band],
    bands: Sequence[Band],
    heads: tuple[str, str],
    description: str,
) -> str:
    """Return bands from the parts of one origin (`first`) through the nodes on the left to those on the right (`bands`).

    Nodes come from top to bottom as given; every band must name nodes that are given.
    """
    drawing = Drawing(WIDTH, HEIGHT)
    if not bands:
        return drawing.svg(description)
    total = sum(band.share for band in bands)
    room = HEIGHT - _TOP - 8
    scale = (room - _GAP * (max(len(parts), len(left), len(right)) - 1)) / total
    sizes_left = {node.key: sum(b.share for b in bands if b.left == node.key) * scale for node in left}
    sizes_right = {node.key: sum(b.share for b in bands if b.right == node.key) * scale for node in right}
    tops_left, tops_right = _tops(left, sizes_left), _tops(right, sizes_right)
    drawing.text(_MIDDLE + _NODE + 6, 12, heads[0], size=10.5, fill=FAINT, bold=True)
    drawing.text(_RIGHT + _NODE + 6, 12, heads[1], size=10.5, fill=FAINT, bold=True)
    sizes_of_parts = {part.key: sum(b.share for b in first if b.left == part.key) * scale for part in parts}
    tops_of_parts = _tops_of_parts(parts, sizes_of_parts)
    drawing.text(_LEFT, 12, fitted(origin, _MIDDLE - _LEFT, 11), size=11, bold=True)
    _draw_bands(
        drawing, parts, left, first, scale, (dict(tops_of_parts), dict(tops_left)), (_LEFT + _NODE, _MIDDLE)
    )
    tops = (dict(tops_left), dict(tops_right))
    _draw_bands(drawing, left, right, bands, scale, tops, (_MIDDLE + _NODE, _RIGHT))
    for nodes, sizes, places, x in (
        (parts, sizes_of_parts, tops_of_parts, _LEFT),
        (left, sizes_left, tops_left, _MIDDLE),
        (right, sizes_right, tops_right, _RIGHT),
    ):
        middles = _apart([places[node.key] + sizes[node.key] / 2 + 3.5 for node in nodes])
        for node, middle in zip(nodes, middles, strict=True):
            drawing.rectangle(
                x, places[node.key], _NODE, max(sizes[node.key], 0.8), node.colour, title=node.name
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


def _tops_of_parts(parts: Sequence[Node], sizes: Mapping[str, float]) -> dict[str, float]:
    """Return where the parts of the origin begin: near each other, in the middle."""
    height = sum(sizes.values()) + _GAP * max(len(parts) - 1, 0)
    y = _TOP + max(0.0, (HEIGHT - _TOP - 8 - height) / 2)
    tops = {}
    for part in parts:
        tops[part.key] = y
        y += sizes[part.key] + _GAP
    return tops


def _draw_bands(
    drawing: Drawing,
    left: Sequence[Node],
    right: Sequence[Node],
    bands: Sequence[Band],
    scale: float,
    tops: tuple[dict[str, float], dict[str, float]],
    span: tuple[float, float],
) -> None:
    by_pair = {(band.left, band.right): band.share for band in bands}
    from_y, to_y = tops
    for node in left:
        for other in right:
            size = by_pair.get((node.key, other.key), 0.0) * scale
            if size <= 0:
                continue
            drawing.path(
                _ribbon(span[0], from_y[node.key], span[1], to_y[other.key], size),
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
