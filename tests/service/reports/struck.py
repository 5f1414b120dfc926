"""Which texts of a drawing are struck: read from the SVG itself, so that any drawing can be asked, however it was made."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from xml.etree import ElementTree

from caudal.service.reports.charts.box import Box
from caudal.service.reports.charts.drawing import text_box

# Of texts against what they stand on (WCAG 2.2, 1.4.3).
CONTRAST = 4.5
# Rounding in the SVG, in user units.
SLACK = 0.3
_CURVE_STEPS = 24
_TOKENS = re.compile(r"[A-Za-z]|-?\d*\.?\d+(?:e-?\d+)?")

Point = tuple[float, float]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Text:
    """A line of text and the box it takes."""

    content: str
    box: Box
    fill: str


@dataclass(frozen=True)
class Shape:
    """What is no text: its outlines as straight pieces, its fill and stroke."""

    name: str
    outlines: list[list[Point]]
    fill: str
    stroke: str
    width: float
    opacity: float

    @cached_property
    def around(self) -> Box:
        """The box that holds all of the outlines."""
        xs, ys = zip(*(point for outline in self.outlines for point in outline), strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))

    def crosses(self, box: Box) -> bool:
        """Whether an edge or a stroke runs through a box."""
        if self.fill == "none" and self.stroke == "none":
            return False
        near = box.grown(self.width / 2 - SLACK if self.stroke != "none" else -SLACK)
        if not near.overlaps(self.around, SLACK):
            return False
        return any(near.meets(*a, *b) for outline in self.outlines for a, b in pairwise(outline))

    def covers(self, box: Box) -> bool:
        """Whether a box lies wholly on the fill; only asked of what does not cross it."""
        if self.fill == "none" or not self.around.holds(box):
            return False
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        return sum(_winds(outline, x, y) for outline in self.outlines) % 2 == 1


def struck(svg: str, wider: float = 1.0) -> list[str]:
    """Return what is wrong with each text of a drawing, in a sentence; its letters may be so much wider than they are."""
    root = ElementTree.fromstring(svg)
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    canvas = Box(0, 0, width, height).grown(SLACK)
    items = list(_items(root, 0.0, 0.0, wider))
    texts = [(place, item) for place, item in enumerate(items) if isinstance(item, Text)]
    found = [f"{t.content!r} leaves the canvas" for _, t in texts if not canvas.holds(t.box)]
    for number, (_, text) in enumerate(texts):
        found += [
            f"{text.content!r} overlaps {other.content!r}"
            for _, other in texts[number + 1 :]
            if text.box.overlaps(other.box, -SLACK)
        ]
    for place, text in texts:
        found += _by_shapes(text, items, place)
    return found


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Colour) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(text: str) -> Colour:
    """Return #rrggbb as numbers from 0 to 1."""
    return (int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255)


def _by_shapes(text: Text, items: list[Text | Shape], place: int) -> Iterator[str]:
    shapes = [
        (position, item, item.crosses(text.box))
        for position, item in enumerate(items)
        if isinstance(item, Shape)
    ]
    # What lies under a plate that holds all of the text is not seen.
    plate = max(
        (
            position
            for position, shape, crosses in shapes
            if position < place and not crosses and shape.opacity == 1 and shape.covers(text.box)
        ),
        default=-1,
    )
    ground = (1.0, 1.0, 1.0)
    for position, shape, crosses in shapes:
        if position < plate:
            continue
        if crosses:
            yield f"{text.content!r} is crossed by a {shape.name} of {shape.fill}/{shape.stroke}"
        elif shape.covers(text.box):
            if position > place:
                yield f"{text.content!r} lies under a {shape.name}"
            if shape.opacity < 1:
                # A band: what lies on it looks as if it were of it.
                yield f"{text.content!r} lies on a band of {shape.fill}"
            over, part = rgb(shape.fill), shape.opacity
            ground = (
                over[0] * part + ground[0] * (1 - part),
                over[1] * part + ground[1] * (1 - part),
                over[2] * part + ground[2] * (1 - part),
            )
    if contrast(rgb(text.fill), ground) < CONTRAST:
        yield f"{text.content!r} has a contrast of {contrast(rgb(text.fill), ground):.1f} only"


def _items(element: ElementTree.Element, x: float, y: float, wider: float) -> Iterator[Text | Shape]:
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "g":
            dx, dy = (float(n) for n in re.findall(r"-?[\d.]+", child.attrib["transform"]))
            yield from _items(child, x + dx, y + dy, wider)
        elif name == "text":
            yield _text(child, x, y, wider)
        elif name in ("rect", "line", "circle", "path"):
            yield _shape(name, child, x, y)
        else:
            assert name == "title", f"struck() knows nothing of <{name}>"


def _text(element: ElementTree.Element, x: float, y: float, wider: float) -> Text:
    content = "".join([element.text or "", *(child.tail or "" for child in element)])
    anchor = element.attrib["text-anchor"]
    box = text_box(
        x + float(element.attrib["x"]),
        y + float(element.attrib["y"]),
        content,
        size=float(element.attrib["font-size"]),
        anchor=anchor,
        bold="font-weight" in element.attrib,
    )
    more = (box.right - box.left) * (wider - 1)
    grown = {"start": (0.0, more), "middle": (more / 2, more / 2), "end": (more, 0.0)}[anchor]
    return Text(
        content, Box(box.left - grown[0], box.top, box.right + grown[1], box.bottom), element.attrib["fill"]
    )


def _shape(name: str, element: ElementTree.Element, x: float, y: float) -> Shape:
    told = element.attrib
    number = {key: float(value) for key, value in told.items() if re.fullmatch(r"-?\d*\.?\d+", value)}
    if name == "path":
        outlines = _flattened(told["d"])
    elif name == "line":
        outlines = [[(number["x1"], number["y1"]), (number["x2"], number["y2"])]]
    elif name == "rect":
        left, top = number["x"], number["y"]
        right, bottom = left + number["width"], top + number["height"]
        outlines = [[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]]
    else:
        outlines = [
            [
                (
                    number["cx"] + number["r"] * math.cos(2 * math.pi * step / 24),
                    number["cy"] + number["r"] * math.sin(2 * math.pi * step / 24),
                )
                for step in range(25)
            ]
        ]
    return Shape(
        name,
        [[(a + x, b + y) for a, b in outline] for outline in outlines],
        "none" if name == "line" else told.get("fill", "#000000"),
        told.get("stroke", "none"),
        number.get("stroke-width", 1.0),
        number.get("opacity", 1.0),
    )


def _flattened(d: str) -> list[list[Point]]:
    """Return a path of M, L, C, Q and Z as straight pieces."""
    tokens = _TOKENS.findall(d)
    outlines: list[list[Point]] = []
    position, command = 0, ""

    def point() -> Point:
        nonlocal position
        position += 2
        return float(tokens[position - 2]), float(tokens[position - 1])

    while position < len(tokens):
        if tokens[position].isalpha():
            command = tokens[position]
            position += 1
        if command == "M":
            outlines.append([point()])
            command = "L"
        elif command == "L":
            outlines[-1].append(point())
        elif command == "Z":
            outlines[-1].append(outlines[-1][0])
        else:
            assert command in ("C", "Q"), f"struck() knows nothing of {command} in a path"
            controls = [outlines[-1][-1], *(point() for _ in range(3 if command == "C" else 2))]
            outlines[-1] += [_bent(controls, step / _CURVE_STEPS) for step in range(1, _CURVE_STEPS + 1)]
    return outlines


def _bent(controls: list[Point], along: float) -> Point:
    """Return a point of a Bézier curve (de Casteljau)."""
    while len(controls) > 1:
        controls = [
            (a[0] + (b[0] - a[0]) * along, a[1] + (b[1] - a[1]) * along) for a, b in pairwise(controls)
        ]
    return controls[0]


def _winds(outline: list[Point], x: float, y: float) -> bool:
    """Return whether a ray from a point to the right crosses an outline an odd number of times."""
    inside = False
    for (x0, y0), (x1, y1) in pairwise([*outline, outline[0]]):
        if (y0 > y) != (y1 > y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
            inside = not inside
    return inside
