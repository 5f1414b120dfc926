"""A drawing: shapes in the order they are laid down, written as SVG."""

from collections.abc import Mapping
from html import escape

FONT = "IBM Plex Sans, system-ui, sans-serif"
INK = "#16252f"
FAINT = "#6b7a85"
RULE = "#d5dce1"
# Told apart by readers with any common form of colour blindness (Okabe & Ito 2008), darkest first.
COLOURS = ("#0b5c8a", "#c8553d", "#2a8f6f", "#b8860b", "#7a5195", "#56a0d3", "#8a5a44", "#4d7c0f")
UNKNOWN_COLOUR = "#b9c2c9"


class Drawing:
    """Shapes on a plane of `width` × `height` user units; texts are escaped."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

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
    ) -> None:
        """Lay down a filled rectangle; `title` shows when it is pointed at."""
        corner = f' rx="{_short(rounding)}"' if rounding else ""
        self._add(
            f'<rect x="{_short(x)}" y="{_short(y)}" width="{_short(max(width, 0))}" '
            f'height="{_short(max(height, 0))}"{corner} fill="{fill}"',
            "rect",
            title,
        )

    def line(self, x0: float, y0: float, x1: float, y1: float, stroke: str = RULE, width: float = 1) -> None:
        """Lay down a straight line."""
        self._parts.append(
            f'<line x1="{_short(x0)}" y1="{_short(y0)}" x2="{_short(x1)}" y2="{_short(y1)}" '
            f'stroke="{stroke}" stroke-width="{_short(width)}"/>'
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
    ) -> None:
        """Lay down a path in SVG's own notation."""
        seen = f' opacity="{_short(opacity)}"' if opacity < 1 else ""
        self._add(
            f'<path d="{d}" fill="{fill}" stroke="{stroke}" stroke-width="{_short(width)}"{seen}',
            "path",
            title,
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 11,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
    ) -> None:
        """Lay down a line of text, its baseline at y."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{_short(x)}" y="{_short(y)}" font-size="{_short(size)}" text-anchor="{anchor}" '
            f'fill="{fill}"{weight}>{escape(text)}</text>'
        )

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


def fitted(text: str, width: float, size: float = 11) -> str:
    """Return a text cut with an ellipsis so that it is likely to fit a width in user units."""
    # Mean advance of the font's lower case, with some reserve.
    most = max(int(width / (size * 0.5)), 1)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def legend(drawing: Drawing, x: float, y: float, entries: Mapping[str, str]) -> None:
    """Lay down a row of colours and what each means."""
    for colour, meaning in entries.items():
        drawing.rectangle(x, y - 9, 14, 10, colour, rounding=1)
        drawing.text(x + 19, y, meaning, size=10, fill=FAINT)
        x += 19 + 6.2 * len(meaning) + 18


def _short(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
