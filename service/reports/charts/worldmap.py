"""A map of the world, each country coloured by a share."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from caudal.service.reports.charts.drawing import COLOURS, INK, Drawing, legend

WIDTH, HEIGHT = 760, 370
# Least share of each colour, as a share of all traffic; below the first a country is seen, but barely.
CLASSES = (0.0, 0.001, 0.01, 0.05, 0.2)
_SHADES = ("#e3edf3", "#b9d3e2", "#7fb0cd", "#3d86b0", "#0b5c8a")
_LAND = "#eef1f3"
_COAST = "#c3ccd2"
_LEFT_OUT = frozenset({"AQ"})
_ARROWS = 6
# Equal Earth (Šavrič, Patterson & Jenny 2018, IJGIS 33): the area of a country is what it is on the globe.
_A = (1.340264, -0.081106, 0.000893, 0.003796)


def world_map(
    shares: Mapping[str, float], home: str, written: Sequence[str], names: Mapping[str, str], description: str
) -> str:
    """Return a map with the countries of `shares` coloured and arcs from `home` to the largest of them.

    `written` are the bounds of CLASSES as the legend writes them, `names` what each country is called.
    """
    drawing = Drawing(WIDTH, HEIGHT)
    outlines, points = _geometry()
    for code, outline in outlines.items():
        share = shares.get(code)
        drawing.path(
            outline,
            _LAND if share is None else _shade(share),
            stroke=INK if code == home else _COAST,
            width=1.3 if code == home else 0.5,
            title=names.get(code, "") if share is not None else "",
        )
    for code, share in shares.items():
        if code not in outlines and code in points:
            drawing.dot(*points[code], 3, _shade(share), INK, 0.6)
    _arcs(drawing, shares, home, points)
    labels = [
        f"≥ {bound}" if least else f"< {written[1]}" for least, bound in zip(CLASSES, written, strict=True)
    ]
    legend(drawing, 8, HEIGHT - 8, dict(zip(_SHADES, labels, strict=True)))
    return drawing.svg(description)


def _arcs(
    drawing: Drawing, shares: Mapping[str, float], home: str, points: Mapping[str, tuple[float, float]]
) -> None:
    if home not in points:
        return
    x0, y0 = points[home]
    abroad = sorted(
        ((share, code) for code, share in shares.items() if code != home and code in points), reverse=True
    )
    for share, code in abroad[:_ARROWS]:
        x1, y1 = points[code]
        lift = 0.22 * abs(x1 - x0) + 12
        drawing.path(
            f"M{x0:.1f},{y0:.1f}Q{(x0 + x1) / 2:.1f},{min(y0, y1) - lift:.1f} {x1:.1f},{y1:.1f}",
            stroke=COLOURS[1],
            width=max(0.7, 9 * share),
            opacity=0.75,
        )
        drawing.dot(x1, y1, 2.2, COLOURS[1])
    drawing.dot(x0, y0, 3.4, COLOURS[1], "#ffffff", 1)


def _shade(share: float) -> str:
    return _SHADES[sum(share >= least for least in CLASSES) - 1]


@lru_cache(maxsize=1)
def _geometry() -> tuple[dict[str, str], dict[str, tuple[float, float]]]:
    """Return the outline of each country as a path, and its middle, on the plane of the drawing."""
    resource = files("caudal.service.reports.geometry") / "world.json"
    world = json.loads(resource.read_text(encoding="utf-8"))
    outlines = {}
    for code, shapes in world["shapes"].items():
        if code in _LEFT_OUT:
            continue
        outlines[code] = "".join(
            _outline(np.reshape(np.asarray(ring, dtype=np.float64), (-1, 2))) for ring in shapes
        )
    places = {
        code: tuple(_project(np.asarray([point]))[0].tolist()) for code, point in world["points"].items()
    }
    return outlines, places


def _outline(ring: npt.NDArray[np.float64]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in _project(ring)) + "Z"


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
