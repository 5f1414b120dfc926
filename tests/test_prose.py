"""Prose is for people: no code but what shows facts, or hands them on, reads a note and the like."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("reference", "collector", "service", "dashboards", "caudal")
# Columns that hold sentences. What they say that code must know stands in typed columns.
PROSE = frozenset({"note", "basis", "threshold"})
_READERS = frozenset({"get", "pop", "col", "get_column", "getattr", "itemgetter", "select", "drop"})

# Who shows prose to people, or hands it on as it is.
PRESENTERS = frozenset(
    {
        "reference/cli/cli.py",  # `caudal reference show`
        "reference/reference.py",  # frames of platforms and networks, for those that show them
        "reference/publishers/worldbank.py",  # puts a date before a note that it keeps
        "service/routes/reference.py",
        "service/routes/platforms.py",
        "service/reports/findings/names.py",  # a figure of a reason, shown as it stands
    }
)
# Conversions of files of earlier versions read their prose a last time.
_CONVERSIONS = ("reference/older/", "service/earlier/")
# What still decides by prose: to become typed columns. Nothing may be added here.
REMAINING = frozenset(
    {
        "collector/names/domains.py",
        "reference/reading/suspicions.py",
        "service/indicators/facts/platformrevenue.py",
        "service/indicators/facts/digitaltax.py",
        "service/indicators/facts/economyweights.py",
        "service/indicators/facts/figures.py",
        "service/indicators/groups/trade.py",
    }
)


def reads(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each prose column that a module reads: row["note"], get("note"), pl.col("note"), x.note."""
    tree = ast.parse(source)
    # Something called note is a function, not a column.
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield from _named(node.slice)
        elif isinstance(node, ast.Call) and _called(node.func) in _READERS:
            for each in node.args:
                yield from _named(each)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            for each in node.elts:
                yield from _named(each)
        elif isinstance(node, ast.Attribute) and node.attr == "note" and id(node) not in called:
            yield node.lineno, node.attr
        elif isinstance(node, ast.MatchValue):
            yield from _named(node.value)


def _named(node: ast.expr) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in PROSE:
        yield node.lineno, node.value


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def modules() -> dict[str, str]:
    """Return the text of every module of the packages, by its path from the root."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not path.is_symlink()
    }


def test_nobody_decides_by_prose() -> None:
    found = {
        name: sorted(reads(source))
        for name, source in modules().items()
        if not name.startswith(_CONVERSIONS) and name not in PRESENTERS | REMAINING
    }
    told = [f"{name}:{line} reads {what}" for name, lines in found.items() for line, what in lines]
    assert not told, "a fact that code needs is a typed column (docs/reference.md): " + "; ".join(told)


def test_the_exceptions_exist() -> None:
    known = modules()
    assert known.keys() >= PRESENTERS | REMAINING


@pytest.mark.parametrize(
    "source",
    [
        'x = row["note"]',
        'x = row.get("note")',
        'x = pl.col("basis").str.contains("rounded")',
        "x = economy.note",
        'COLUMNS = ("country", "threshold")',
        'frame.select("note")',
    ],
)
def test_a_reader_is_found(source: str) -> None:
    assert list(reads(source))


@pytest.mark.parametrize(
    "source",
    [
        "store.note(1)",
        'row = {"note": ""}',
        'row["note"] = ""',
        'NOTE = text("note", "what a reader should know")',
    ],
)
def test_writing_and_declaring_is_no_reading(source: str) -> None:
    assert not list(reads(source))
