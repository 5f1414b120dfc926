"""Counts are told in the singular for one, and in the plural for any other number."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from caudal.common.counted import counted

ROOT = Path(__file__).parents[2]
PACKAGES = ("collector", "reference", "service", "dashboards", "caudal")
# What is counted one by one, so that there may be one of it.
_COUNTED = re.compile(
    r"^ (?:records|packets|datagrams|flows|batches|templates|exporters|data sets|rows|values|lines|files|cells)\b"
)
# Numbers that are never 1, columns of a table, and what is no number.
RIGHT = frozenset(
    {
        "limits.rows_per_batch",
        "MOST_PREFIXES",
        "MOST_LINES",
        "descriptors",
        "reference.version",
        "'a negative number of' if rows < 0 else 'too many'",
        "len(rows)",
        "rows",
        "each['observations']",
    }
)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "0 batches wait"),
        (1, "1 batch waits"),
        (2, "2 batches wait"),
        (1234, "1,234 batches wait"),
        (1.0, "1 batch waits"),
    ],
)
def test_noun_and_verb_agree_with_the_number(number: float, told: str) -> None:
    assert counted(number, "batch waits", "batches wait") == told


def test_an_s_makes_the_plural_that_is_not_given() -> None:
    assert [counted(n, "record") for n in (1, 2)] == ["1 record", "2 records"]


def bare_plurals(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each number in an f-string that a plural follows, whatever the number is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for figure, after in zip(node.values, node.values[1:], strict=False):
                if not (isinstance(figure, ast.FormattedValue) and isinstance(after, ast.Constant)):
                    continue
                found = _COUNTED.match(str(after.value))
                told = ast.unparse(figure.value)
                if found and told not in RIGHT and not told.startswith("counted("):
                    yield node.lineno, f"{{{told}}}{found[0]}"


def test_commands_and_signs_tell_counts_by_one_mechanism() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {what}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, what in bare_plurals(path.read_text(encoding="utf-8"))
    ]
    assert not found, "tell counts by caudal.common.counted.counted: " + "; ".join(found)


def test_a_bare_plural_is_found() -> None:
    assert list(bare_plurals('f"{found:,} records tell"')) == [(1, "{found} records")]
    assert not list(bare_plurals('f"{size} bytes, {MOST_LINES} lines"'))
