"""Makes world.json of two files of the npm package world-atlas 2.0.2, which are Natural Earth in TopoJSON.

`python -m caudal.service.reports.geometry.build countries-110m.json countries-50m.json > world.json`

Needs the package pycountry, which nothing else does: the files name countries by number.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = (
    "Natural Earth 4.1.0, Admin 0 countries 1:110m (outlines) and 1:50m (points), by way of world-atlas 2.0.2"
)
LICENCE = "public domain (Natural Earth); ISC (world-atlas)"


def rings(topology: dict[str, Any], geometry: dict[str, Any]) -> Iterator[list[list[float]]]:
    """Yield the outer rings of a country as lists of [longitude, latitude]."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for polygon in polygons:
        ring: list[list[float]] = []
        for arc in polygon[0]:
            points = _arc(topology, arc)
            ring.extend(points[1:] if ring else points)
        yield ring


def _arc(topology: dict[str, Any], number: int) -> list[list[float]]:
    scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]
    x = y = 0
    points = []
    for dx, dy in topology["arcs"][number if number >= 0 else ~number]:
        x, y = x + dx, y + dy
        points.append([round(x * scale[0] + translate[0], 2), round(y * scale[1] + translate[1], 2)])
    return points if number >= 0 else points[::-1]


def cut(ring: list[list[float]]) -> Iterator[list[list[float]]]:
    """Yield the parts of a ring on either side of the antimeridian, each within ±180 degrees."""
    turned = [ring[0]]
    for x, y in ring[1:]:
        # A step of more than half the globe is one across the antimeridian.
        turned.append([x - 360 * round((x - turned[-1][0]) / 360), y])
    for shift in (-360, 0, 360):
        part = [[x + shift, y] for x, y in turned]
        for limit, sign in ((180.0, 1), (-180.0, -1)):
            part = _clipped(part, limit, sign)
        if len(part) > 2:
            yield part


def _clipped(ring: list[list[float]], limit: float, sign: int) -> list[list[float]]:
    """Return the part of a ring with sign·x ≤ sign·limit (Sutherland & Hodgman 1974)."""
    kept: list[list[float]] = []
    for (x0, y0), (x1, y1) in zip([ring[-1], *ring[:-1]] if ring else [], ring, strict=True):
        if (sign * x0 <= sign * limit) != (sign * x1 <= sign * limit):
            kept.append([limit, round(y0 + (y1 - y0) * (limit - x0) / (x1 - x0), 2)])
        if sign * x1 <= sign * limit:
            kept.append([round(x1, 2), y1])
    return kept


def middle(ring: list[list[float]]) -> tuple[float, float, float]:
    """Return the centroid of a ring and its area, in degrees."""
    area = x = y = 0.0
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        cross = x0 * y1 - x1 * y0
        area, x, y = area + cross / 2, x + (x0 + x1) * cross, y + (y0 + y1) * cross
    if not area:
        return ring[0][0], ring[0][1], 0.0
    return x / (6 * area), y / (6 * area), abs(area)


def world(coarse: dict[str, Any], fine: dict[str, Any]) -> dict[str, Any]:
    """Return outlines of the coarse file, and of every country of either the middle of its largest part."""
    import pycountry  # noqa: PLC0415 - of this script only

    def code(geometry: dict[str, Any]) -> str:
        found = pycountry.countries.get(numeric=str(geometry.get("id", "")).zfill(3))
        return found.alpha_2 if found else ""

    shapes: dict[str, list[list[float]]] = {}
    for geometry in coarse["objects"]["countries"]["geometries"]:
        for ring in rings(coarse, geometry):
            for part in cut(ring):
                shapes.setdefault(code(geometry), []).append([number for point in part for number in point])
    points = {}
    for topology in (fine, coarse):
        for geometry in topology["objects"]["countries"]["geometries"]:
            if geometry.get("arcs") and code(geometry):
                x, y, _ = max((middle(ring) for ring in rings(topology, geometry)), key=lambda each: each[2])
                points[code(geometry)] = [round(x, 2), round(y, 2)]
    return {
        "source": SOURCE,
        "licence": LICENCE,
        "shapes": dict(sorted(shapes.items())),
        "points": dict(sorted(points.items())),
    }


if __name__ == "__main__":
    topologies = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3]]
    json.dump(world(*topologies), sys.stdout, separators=(",", ":"), sort_keys=True)
