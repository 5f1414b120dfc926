"""A drawing: shapes in the order they are laid down, written as SVG, and where its texts are."""

from collections.abc import Mapping, Sequence
from html import escape

from caudal.service.reports.charts.box import Box
from caudal.service.reports.charts.palette import FAINT, INK, RULE
from caudal.service.reports.typeface import ASCENT, DESCENT, LEADING, width_of
from caudal.service.reports.typeface.lines import RESERVE

FONT = "IBM Plex Sans, system-ui, sans-serif"
# User units that every chart is wide. On paper a unit is 0.77 pt, and SIZE 8 pt.
WIDTH = 640
SIZE = 10.5
LINE = SIZE * LEADING


class Drawing:
    """Shapes on a plane of `width` × `height` user units; texts are escaped."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []
        self._boxes: list[tuple[str, Box]] = []

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        rounding: float = 0,
        title: str = "",
        stroke: str = "none",
        line: float = 1,
        dashes: str = "",
    ) -> None:
        """Lay down a filled rectangle; `title` shows when it is pointed at."""
        corner = f' rx="{_short(rounding)}"' if rounding else ""
        self._add(
            f'<rect x="{_short(x)}" y="{_short(y)}" width="{_short(max(width, 0))}" '
            f'height="{_short(max(height, 0))}"{corner} fill="{fill}"{_outline(stroke, line, dashes)}',
            "rect",
            title,
        )

    def line(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        stroke: str = RULE,
        width: float = 1,
        *,
        dashes: str = "",
    ) -> None:
        """Lay down a straight line."""
        self._parts.append(
            f'<line x1="{_short(x0)}" y1="{_short(y0)}" x2="{_short(x1)}" y2="{_short(y1)}"'
            f"{_outline(stroke, width, dashes)}/>"
        )

    def dot(
        self, x: float, y: float, radius: float, fill: str, stroke: str = "none", width: float = 1
    ) -> None:
        """Lay down a circle."""
        self._parts.append(
            f'<circle cx="{_short(x)}" cy="{_short(y)}" r="{_short(radius)}" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="{_short(width)}"/>'
        )

    def path(
        self,
        d: str,
        fill: str = "none",
        *,
        stroke: str = "none",
        width: float = 1,
        opacity: float = 1,
        title: str = "",
        dashes: str = "",
    ) -> None:
        """Lay down a path in SVG's own notation."""
        seen = f' opacity="{_short(opacity)}"' if opacity < 1 else ""
        self._add(f'<path d="{d}" fill="{fill}"{_outline(stroke, width, dashes)}{seen}', "path", title)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SIZE,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
        title: str = "",
    ) -> None:
        """Lay down a line of text, its baseline at y; `title` is its full form where it is shortened."""
        weight = ' font-weight="600"' if bold else ""
        full = f"<title>{escape(title)}</title>" if title else ""
        self._parts.append(
            f'<text x="{_short(x)}" y="{_short(y)}" font-size="{_short(size)}" text-anchor="{anchor}" '
            f'fill="{fill}"{weight}>{full}{escape(text)}</text>'
        )
        self._boxes.append((text, text_box(x, y, text, size=size, anchor=anchor, bold=bold)))

    def lines(
        self,
        x: float,
        top: float,
        texts: Sequence[str],
        *,
        size: float = SIZE,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
        title: str = "",
    ) -> float:
        """Lay down lines of text below `top`, and return where they end."""
        for number, text in enumerate(texts):
            y = top + size * (ASCENT + 0.05 + LEADING * number)
            self.text(x, y, text, size=size, anchor=anchor, fill=fill, bold=bold, title=title)
        return top + size * LEADING * len(texts)

    def embed(self, other: "Drawing", x: float, y: float) -> None:
        """Lay down another drawing, its left upper corner at x, y."""
        self._parts.append(f'<g transform="translate({_short(x)},{_short(y)})">{"".join(other._parts)}</g>')
        self._boxes.extend((text, box.moved(x, y)) for text, box in other._boxes)

    def boxes(self) -> list[tuple[str, Box]]:
        """Return every text with the box that it takes, in the order in which they were laid down."""
        return list(self._boxes)

    def svg(self, description: str) -> str:
        """Return the drawing, with a description for those who cannot see it."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_short(self.width)} {_short(self.height)}" '
            f'role="img" aria-label="{escape(description)}" font-family="{FONT}">'
            + "".join(self._parts)
            + "</svg>"
        )

    def _add(self, opening: str, name: str, title: str) -> None:
        self._parts.append(f"{opening}><title>{escape(title)}</title></{name}>" if title else f"{opening}/>")


def text_box(
    x: float, y: float, text: str, *, size: float = SIZE, anchor: str = "start", bold: bool = False
) -> Box:
    """Return the box of a line of text with its baseline at y: as wide as its letters, as high as the font."""
    width = width_of(text, size, bold=bold)
    left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return Box(left, y - ASCENT * size, left + width, y + DESCENT * size)


def legend(drawing: Drawing, x: float, y: float, entries: Mapping[str, str]) -> None:
    """Lay down a row of colours and what each means, the baseline at y."""
    for colour, meaning in entries.items():
        drawing.rectangle(x, y - 9, 14, 10, colour, stroke=FAINT, line=0.5)
        drawing.text(x + 19, y, meaning, fill=FAINT)
        x += 19 + width_of(meaning, SIZE) * RESERVE + 16


def _outline(stroke: str, width: float, dashes: str) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f' stroke="{stroke}" stroke-width="{_short(width)}"{dashed}' if stroke != "none" else ""


def _short(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
