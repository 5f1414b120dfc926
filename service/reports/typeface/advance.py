"""Widths of texts in IBM Plex Sans."""

import json
import unicodedata
from functools import lru_cache
from importlib.resources import files

# Above and below the baseline, as shares of the size: from the top of an accented capital to the foot of a g.
ASCENT, DESCENT = 0.9, 0.23
# From one baseline to the next.
LEADING = 1.2
# What the font does not have is set in another one, as wide as the widest letters.
_FOREIGN = 1000
_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text, in the unit of its size: `width_of("Chile", 10)` is 22.6; kerning is left out."""
    known = _widths()["bold" if bold else "regular"]
    return sum(known[each] if each in known else _foreign(each) for each in text) * size / 1000


def _foreign(character: str) -> int:
    if character.isspace():
        return 300
    return 0 if unicodedata.category(character) in _WITHOUT_WIDTH else _FOREIGN


@lru_cache(maxsize=1)
def _widths() -> dict[str, dict[str, int]]:
    resource = files(__package__) / "widths.json"
    widths: dict[str, dict[str, int]] = json.loads(resource.read_text(encoding="utf-8"))
    return widths
