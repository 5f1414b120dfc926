"""What was measured, as a table in a page of the documentation."""

import re
from collections.abc import Mapping
from pathlib import Path

from bench.readability.score import FORMULAS, Counts, band, score
from bench.readability.texts import KINDS

# Counts of the texts of before they were revised.
BEFORE = Path(__file__).parent / "before.json"
_MARKS = "<!-- readability -->", "<!-- /readability -->"
_NONE = "–"


def table(before: Mapping[str, Mapping[str, Counts]], after: Mapping[str, Mapping[str, Counts]]) -> str:
    """Return a Markdown table: score, what it is called, and words a sentence, before and after, by language and kind."""
    lines = [
        "| | before | | after | | words a sentence |",
        "|---|---:|---|---:|---|---:|",
    ]
    for code, formula in FORMULAS.items():
        lines.append(f"| **{code}** · {formula} | | | | | |")
        rows = [
            *((name, before.get(code, {}).get(kind), after[code].get(kind)) for kind, name in KINDS.items()),
            ("**all**", _sum(before.get(code, {})), _sum(after[code])),
        ]
        for name, old, new in rows:
            cells = [*_cells(old, code), *_cells(new, code), _lengths(old, new)]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def into(page: str, text: str) -> str:
    """Return a page with the table between its marks; ValueError where it has none."""
    start, end = _MARKS
    if not (start in page and end in page):
        raise ValueError(
            f"the page has no place for the table: write {start} and {end} on lines of their own"
        )
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{start}\n{text}\n{end}", page)


def _sum(counts: Mapping[str, Counts]) -> Counts:
    return sum(counts.values(), Counts())


def _cells(counts: Counts | None, code: str) -> tuple[str, str]:
    if counts is None or not counts.words:
        return _NONE, ""
    value = score(counts, code)
    return f"{value:.0f}".replace("-", "−"), band(value, code)


def _lengths(*each: Counts | None) -> str:
    return " → ".join(
        f"{counts.words_a_sentence:.0f}" if counts and counts.words else _NONE for counts in each
    )
