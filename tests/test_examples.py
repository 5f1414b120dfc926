"""Examples in docstrings are true: what they show is what their functions answer."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("reference", "collector", "service", "dashboards")


def modules_with_examples() -> list[str]:
    """Return the names of the modules that have an example in a docstring."""
    own = [("caudal", path) for path in (ROOT / "caudal").glob("*.py")]
    of_packages = [("", path) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(
        ".".join(["caudal", *path.relative_to(ROOT / where).with_suffix("").parts])
        for where, path in own + of_packages
        if ">>> " in path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), extraglobs={"np": np})
    assert found.attempted
    assert not found.failed


def test_there_are_examples() -> None:
    assert len(modules_with_examples()) >= 10
