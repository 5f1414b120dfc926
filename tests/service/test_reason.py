"""Reasons: what is stored reads back, and what other languages do not know is not told."""

import ast
import copy
import json
import pickle
import string
from pathlib import Path
from typing import Any

import pytest

import caudal.service
from caudal.service.vocabulary.reason import (
    REASONS,
    Figure,
    Reason,
    Told,
    from_stored,
    joined,
    reason,
    to_stored,
)

_SHAPED: dict[str, str] = {"country": "CL", "month": "2026-10", "year": "2010"}
_SERVICE = Path(caudal.service.__file__).parent
_OWN = _SERVICE / "vocabulary" / "reason.py"
# Who reads reasons back, from a store or as they may be told.
_MAKERS = {_SERVICE / "perturbation" / "perturbation.py", _SERVICE / "migration" / "sentences.py"}


def figures(code: str) -> dict[str, Figure]:
    """Return figures for a reason: of its numbers 3 and 2.5, of its texts their own names."""
    found: dict[str, Figure] = {}
    for _, name, kind, _ in string.Formatter().parse(REASONS[code]):
        if name == "why":
            found[name] = reason("few_reported", operators=2, minimum=3)
        elif name:
            found[name] = {"d": 3, "g": 2.5}.get(kind or "", _SHAPED.get(name, f"any {name}"))
    return found


def stored(why: Reason) -> Any:
    """What the store gives back: it keeps JSON."""
    return from_stored(json.loads(json.dumps(to_stored(why))))


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_is_read_back_from_the_store(code: str) -> None:
    made = reason(code, **figures(code))
    again = stored(made)
    assert (again, again.told) == (made, made.told)
    assert made.told == (Told(code, figures(code)),)
    assert str(made) == REASONS[code].format(**figures(code))


def test_reasons_together_stay_apart() -> None:
    both = joined(reason("all_video"), reason("tax_rate", **figures("tax_rate")))
    assert [each.code for each in stored(both).told] == ["all_video", "tax_rate"]
    assert both == f"{REASONS['all_video']}; {reason('tax_rate', **figures('tax_rate'))}"


def test_a_reason_inside_another_is_one_again() -> None:
    why = reason("few_reported", operators=2, minimum=3)
    again = stored(reason("withheld", why=why, rule="p% rule", degree="primary"))
    assert isinstance(again.told[0].figures["why"], Reason)
    assert again.told[0].figures["why"].told == why.told


def test_no_reason_is_stored_as_none() -> None:
    assert (to_stored(None), from_stored([])) == ([], None)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_knows_its_codes(copied: Any) -> None:
    made = reason("too_few_flows", minimum=100, flows=7)
    assert copied(made).told == made.told


def test_one_that_lacks_a_figure_is_not_made() -> None:
    with pytest.raises(KeyError, match="flows"):
        reason("too_few_flows", minimum=100)


def test_a_code_of_another_version_is_told_as_it_stands() -> None:
    assert from_stored([{"code": "miracle", "figures": {"needed": 1}}]) == "miracle needed=1"
    assert from_stored([{"code": "too_few_flows", "figures": {"flows": 1}}]) == "too_few_flows flows=1"


def test_there_is_no_reason_but_of_these() -> None:
    """Nobody makes one of a text of his own, which mypy would take; and each has somebody who tells it."""
    named: set[str] = set()
    for path in _SERVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and path not in {_OWN, *_MAKERS}
            ):
                assert node.func.id != "Reason", f"{path}:{node.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and path != _OWN:
                named.add(node.value)
    made = {
        f"{many}_{did}"
        for many in ("one", "few", "near")
        for did in ("reported", "declared", "undeclared", "changed")
    }
    made |= {"exports", "imports", "no_platform_sent", "no_platform_delivered"}
    # Told of a note in vintages before unusable_product.
    made |= {"product"}
    # Said by earlier methods only.
    made |= {"no_stage_in", "no_stage_out"}
    assert REASONS.keys() - made <= named
