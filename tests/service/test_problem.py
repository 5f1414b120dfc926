"""Every kind of problem, and every error, stands where it is looked up."""

import re
from pathlib import Path

from caudal.service import errors
from caudal.service.problem import KINDS

API = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_page_has_every_kind_of_problem_with_its_status() -> None:
    table = API.read_text(encoding="utf-8").partition("## Errors")[2]
    documented = {
        kind: status
        for status, kinds in re.findall(r"^\| (\d{3}|any other) \| ([^|]+) \|", table, re.MULTILINE)
        for kind in re.findall(r"`([a-z-]+)`", kinds)
    }
    # That one goes with whatever status a refusal has that no other kind says.
    assert documented.pop("http") == "any other"
    assert documented == {kind: str(status) for kind, (_, status) in KINDS.items() if kind != "http"}


def test_the_tree_names_every_error() -> None:
    tree = (errors.__doc__ or "").partition("\n\n")[2].partition("\n\n")[0]
    named = re.findall(r"(?:── |^)([A-Z]\w+)", tree, re.MULTILINE)
    there = [
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.ServiceError)
    ]
    assert sorted(named) == sorted(there)
