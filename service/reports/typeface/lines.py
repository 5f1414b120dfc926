"""A text in lines that fit a width."""

from dataclasses import dataclass

from caudal.service.reports.typeface.advance import width_of

ELLIPSIS = "…"
_TOGETHER = "\u00a0"
# Where the reader's browser lacks the font, another one is set that may be so much wider.
RESERVE = 1.06


@dataclass(frozen=True)
class Wrapped:
    """Lines of a text; `whole` is false where the last ends in an ellipsis for what is left out."""

    lines: tuple[str, ...]
    whole: bool


def wrapped(text: str, width: float, size: float, most: int = 3, *, bold: bool = False) -> Wrapped:
    """Return a text in at most so many lines of a width, broken between words; what is left out is an ellipsis.

    What a space that does not break holds together is one word, unless it is wider than a line. A single word that is
    wider than a line is broken inside with a hyphen: no break between words could make room for it.
    """
    words = [
        piece for word in text.split(" ") if word for piece in _pieces(word, width / RESERVE, size, bold)
    ]
    lines: list[str] = []
    for position, word in enumerate(words):
        if lines and _fits(f"{lines[-1]} {word}", width, size, bold):
            lines[-1] += f" {word}"
        elif len(lines) < most:
            lines.append(word)
        else:
            assert position
            return Wrapped((*lines[:-1], _shortened(lines[-1], width, size, bold)), whole=False)
    return Wrapped(tuple(lines), whole=True)


def _fits(text: str, width: float, size: float, bold: bool) -> bool:
    return width_of(text, size, bold=bold) * RESERVE <= width


def _shortened(line: str, width: float, size: float, bold: bool) -> str:
    """Return a line without as many of its last words as it takes to set an ellipsis."""
    words = line.split(" ")
    while len(words) > 1 and not _fits(" ".join(words) + ELLIPSIS, width, size, bold):
        words.pop()
    whole = " ".join(words).removesuffix("-")
    while len(whole) > 1 and not _fits(whole + ELLIPSIS, width, size, bold):
        whole = whole[:-1]
    return whole + ELLIPSIS


def _pieces(word: str, width: float, size: float, bold: bool) -> list[str]:
    if width_of(word, size, bold=bold) > width and _TOGETHER in word:
        return [piece for part in word.split(_TOGETHER) if part for piece in _pieces(part, width, size, bold)]
    pieces = []
    while width_of(word, size, bold=bold) > width and len(word) > 1:
        end = len(word) - 1
        while end > 1 and width_of(word[:end] + "-", size, bold=bold) > width:
            end -= 1
        pieces.append(word[:end] + "-")
        word = word[end:]
    return [*pieces, word]
