"""A map of the world, each country coloured by a share, the largest named beside their place."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.service.reports.charts.box import Box
from caudal.service.reports.charts.drawing import LINE, SIZE, WIDTH, Drawing, legend
from caudal.service.reports.charts.labels import Label, Labels
from caudal.service.reports.charts.palette import FAINT, INK, PAPER, ROUTE_COLOUR, SHADES
from caudal.service.reports.typeface import width_of, wrapped
from caudal.service.reports.typeface.lines import RESERVE

HEIGHT = 294
# Least share of each colour, as a share of all traffic; below the first a country is seen, but barely.
CLASSES = (0.0, 0.001, 0.01, 0.05, 0.2)
_COAST = "#a3adb4"
_LEFT_OUT = frozenset({"AQ"})
_ARROWS = 6
_NAMED = 8
_BETWEEN_ENTRIES = 18
# Equal Earth (Šavrič, Patterson & Jenny 2018, IJGIS 33): the area of a country is what it is on the globe.
_A = (1.340264, -0.081106, 0.000893, 0.003796)


def map_drawing(
    shares: Mapping[str, float],
    home: str,
    written: Sequence[str],
    names: Mapping[str, str],
    measure: str = "",
) -> Drawing:
    """Return a map with the countries of `shares` coloured and arcs from `home` to the largest of them.

    `written` are the bounds of CLASSES as the legend writes them, `names` what each country is called, with its share,
    `measure` what the shares are of. The largest are named beside their place where there is room, else numbered there and
    named below the map.
    """
    outlines, points = _geometry()
    routes = _routes(shares, home, points)
    labels = _labels(shares, home, names, points, routes)
    below = _entries(labels.numbered)
    said = wrapped(measure, WIDTH, SIZE).lines
    drawing = Drawing(WIDTH, HEIGHT + (len(said) + len(below)) * LINE + 22)
    for code, outline in outlines.items():
        share = shares.get(code)
        drawing.path(
            outline,
            PAPER if share is None else _shade(share),
            stroke=INK if code == home else _COAST,
            width=1.5 if code == home else 0.5,
            title=names.get(code, "") if share is not None else "",
        )
    for code, share in shares.items():
        if code not in outlines and code in points:
            drawing.dot(*points[code], 3, _shade(share), INK, 0.6)
    _draw_routes(drawing, routes)
    if home in points:
        # A ring around a dot: the shape says which country it is, whatever the colours.
        drawing.dot(*points[home], 5, PAPER, INK, 1.2)
        drawing.dot(*points[home], 2.4, INK)
    labels.draw(drawing)
    bounds = [
        f"≥ {bound}" if least else f"< {written[1]}" for least, bound in zip(CLASSES, written, strict=True)
    ]
    top = drawing.lines(0, HEIGHT, said, fill=FAINT)
    legend(drawing, 0, top + 14, dict(zip(SHADES, bounds, strict=True)))
    for number, line in enumerate(below):
        for text, x in line:
            drawing.text(x, top + 18 + LINE * (number + 1), text, fill=FAINT)
    return drawing


_Route = tuple[float, npt.NDArray[np.float64], str]


def _routes(
    shares: Mapping[str, float], home: str, points: Mapping[str, tuple[float, float]]
) -> list[_Route]:
    """Return the arcs from home to the largest: how thick, the points along it, as a path."""
    if home not in points:
        return []
    x0, y0 = points[home]
    abroad = sorted(
        ((share, code) for code, share in shares.items() if code != home and code in points), reverse=True
    )
    routes = []
    for share, code in abroad[:_ARROWS]:
        x1, y1 = points[code]
        top = max(min(y0, y1) - 0.22 * abs(x1 - x0) - 12, -min(y0, y1) + 8)
        along = np.linspace(0, 1, 33)[:, None]
        start, bend, end = np.array([x0, y0]), np.array([(x0 + x1) / 2, top]), np.array([x1, y1])
        curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        path = f"M{x0:.1f},{y0:.1f}Q{bend[0]:.1f},{bend[1]:.1f} {x1:.1f},{y1:.1f}"
        routes.append((min(max(0.9, 9 * share), 5.0), curve, path))
    return routes


def _draw_routes(drawing: Drawing, routes: Sequence[_Route]) -> None:
    # On a lining of paper, so that they are seen on dark countries too.
    for width, _, path in routes:
        drawing.path(path, stroke=PAPER, width=width + 1.6)
    for width, curve, path in routes:
        drawing.path(path, stroke=ROUTE_COLOUR, width=width)
        drawing.dot(float(curve[-1][0]), float(curve[-1][1]), 2.4, ROUTE_COLOUR, PAPER, 0.6)


def _labels(
    shares: Mapping[str, float],
    home: str,
    names: Mapping[str, str],
    points: Mapping[str, tuple[float, float]],
    routes: Sequence[_Route],
) -> Labels:
    """Return the names of home and of the largest, each with a place on the map or a number."""
    largest = sorted((code for code in shares if code in points), key=lambda code: (-shares[code], code))
    largest = sorted(largest[:_NAMED], key=lambda code: code != home)
    dots = [
        Box(x, y, x, y).grown(6.5 if code == home else 3.5)
        for code, (x, y) in points.items()
        if code in largest or code == home
    ]
    coasts = np.concatenate(
        [np.empty((0, 2)), *(_coasts()[code] for code in shares if code in _coasts())], axis=0
    )
    labels = Labels(Box(0, 0, WIDTH, HEIGHT), dots, [(width, curve) for width, curve, _ in routes], coasts)
    for code in largest:
        labels.place(Label(points[code], names.get(code, code), bold=code == home))
    return labels


def _entries(numbered: Sequence[str]) -> list[list[tuple[str, float]]]:
    """Return the lines for countries that have only a number on the map, each entry with its place."""
    lines: list[list[tuple[str, float]]] = []
    x = 0.0
    for entry in numbered:
        for number, text in enumerate(wrapped(entry, WIDTH, SIZE, len(entry)).lines):
            width = width_of(text, SIZE) * RESERVE + _BETWEEN_ENTRIES
            if not lines or number or x + width > WIDTH:
                lines.append([])
                x = 0.0
            lines[-1].append((text, x))
            x += width
    return lines


def _shade(share: float) -> str:
    return SHADES[max(sum(share >= least for least in CLASSES) - 1, 0)]


@lru_cache(maxsize=1)
def _geometry() -> tuple[dict[str, str], dict[str, tuple[float, float]]]:
    """Return the outline of each country as a path, and its middle, on the plane of the drawing."""
    outlines = {code: "".join(_outline(ring) for ring in rings) for code, rings in _rings().items()}
    places = {
        code: tuple(_project(np.asarray([point]))[0].tolist())
        for code, point in _world()["points"].items()
        if code not in _LEFT_OUT
    }
    return outlines, places


@lru_cache(maxsize=1)
def _coasts() -> dict[str, npt.NDArray[np.float64]]:
    """Return the points of the outlines of each country on the plane of the drawing."""
    return {code: np.concatenate(rings) for code, rings in _rings().items()}


@lru_cache(maxsize=1)
def _rings() -> dict[str, list[npt.NDArray[np.float64]]]:
    return {
        code: [_project(np.reshape(np.asarray(ring, dtype=np.float64), (-1, 2))) for ring in shapes]
        for code, shapes in _world()["shapes"].items()
        if code not in _LEFT_OUT
    }


@lru_cache(maxsize=1)
def _world() -> Any:
    resource = files("caudal.service.reports.geometry") / "world.json"
    return json.loads(resource.read_text(encoding="utf-8"))


def _outline(ring: npt.NDArray[np.float64]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in ring) + "Z"


def _project(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return longitudes and latitudes in degrees on the plane of the drawing."""
    longitude, latitude = np.radians(points[:, 0]), np.radians(points[:, 1])
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(latitude))
    a1, a2, a3, a4 = _A
    square = theta**2
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * square + a1
    x = 2 * np.sqrt(3) * longitude * np.cos(theta) / (3 * slope)
    y = theta * (a4 * theta**8 + a3 * theta**6 + a2 * square + a1)
    # The full width is 2 × 2.7066; the south is cut where there is only Antarctica.
    scale = (WIDTH - 8) / (2 * 2.7066)
    return np.column_stack((WIDTH / 2 + scale * x, 6 + scale * (1.3173 - y)))
