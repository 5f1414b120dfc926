"""Every kind of problem stands where it is looked up."""

import re
from pathlib import Path

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
