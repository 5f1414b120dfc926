"""Docstrings name their object: they do not begin with a question, a pronoun or “the same”."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("reference", "collector", "service", "dashboards", "caudal")
_RIDDLE = re.compile(
    r"(?:Return |Say |Tell |Yield )?(?:what|it|its|whether|how|the same|that|whose|who|where)\b",
    re.IGNORECASE,
)
# Docstrings there are texts of the API's description and of --help: outputs, written for whoever asks.
_OUTPUTS = re.compile(r"(^|/)((routes|answers|cli)/.*|model|\w*cli)\.py$")


def riddles(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and beginning of each docstring that names no object."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            if _RIDDLE.match(text):
                yield getattr(node, "lineno", 1), text.split("\n", 1)[0]


def test_docstrings_name_their_object() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not _OUTPUTS.search(path.relative_to(ROOT).as_posix())
        for line, text in riddles(path.read_text(encoding="utf-8"))
    ]
    assert not found, "name the object, its shape and its unit: " + "; ".join(found)


@pytest.mark.parametrize(
    "text", ["Return the same of the rows.", "What it is.", "Whether it works.", "It may."]
)
def test_a_riddle_is_found(text: str) -> None:
    assert list(riddles(f'"""{text}"""'))


@pytest.mark.parametrize("text", ["Return True if it works.", "Items of a list.", "Howling winds, in m/s."])
def test_plain_words_are_none(text: str) -> None:
    assert not list(riddles(f'"""{text}"""'))
