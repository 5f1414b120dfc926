"""Reasons: what is told can be read back, and what other languages do not know is not told."""

import ast
import string
from pathlib import Path

import pytest

import caudal.service
from caudal.service.reason import REASONS, Recognised, joined, reason, recognise

_SHAPED: dict[str, str] = {"country": "CL", "month": "2026-10", "year": "2010"}
_OWN = Path(caudal.service.__file__).parent / "reason.py"


def figures(code: str) -> dict[str, int | float | str]:
    """Return figures for a reason: of its numbers 3 and 2.5, of its texts their own names."""
    found: dict[str, int | float | str] = {}
    for _, name, kind, _ in string.Formatter().parse(REASONS[code]):
        if name == "why":
            found[name] = reason("few_reported", operators=2, minimum=3)
        elif name:
            found[name] = {"d": 3, "g": 2.5}.get(kind or "", _SHAPED.get(name, f"any {name}"))
    return found


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_is_read_back_from_its_text(code: str) -> None:
    assert recognise(reason(code, **figures(code))) == [Recognised(code, figures(code))]


@pytest.mark.parametrize("code", sorted(REASONS.keys() - {"product"}))
def test_reasons_together_are_read_back_apart(code: str) -> None:
    first, second = reason(code, **figures(code)), reason("tax_rate", **figures("tax_rate"))
    assert [each.code for each in recognise(joined(first, second))] == [code, "tax_rate"]
    assert [each.code for each in recognise(joined(second, first))] == ["tax_rate", code]


@pytest.mark.parametrize(
    "text",
    ["", "needs a miracle", "there are no bytes out or in.", "there are no bytes out or in; needs a miracle"],
)
def test_another_text_is_not_recognised(text: str) -> None:
    assert recognise(text) == []


def test_there_is_no_reason_but_of_these() -> None:
    """Nobody makes one of a text of his own, which mypy would take; and each has somebody who tells it."""
    named: set[str] = set()
    for path in _OWN.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and path != _OWN:
                assert node.func.id != "Reason", f"{path}:{node.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and path != _OWN:
                named.add(node.value)
    made = {
        f"{many}_{did}"
        for many in ("one", "few", "near")
        for did in ("reported", "declared", "undeclared", "changed")
    }
    made |= {"exports", "imports", "no_platform_sent", "no_platform_delivered"}
    # Said by earlier methods only.
    made |= {"no_stage_in", "no_stage_out"}
    assert REASONS.keys() - made <= named
