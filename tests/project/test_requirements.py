"""What is installed is locked: every file that pip may take has its hash, in requirements/, which `make lock` writes."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
# From what each file is made, and what holds all that is in it.
ASKED = {
    "build": PROJECT["dependency-groups"]["build"],
    "collector": PROJECT["project"]["dependencies"],
    "service": [*PROJECT["project"]["dependencies"], *EXTRAS["service"]],
    "test": [
        *PROJECT["project"]["dependencies"],
        *EXTRAS["service"],
        *(each for each in EXTRAS["test"] if each != "caudal[service]"),
        *PROJECT["dependency-groups"]["build"],
    ],
}
_HASHES = re.compile(r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+")


@dataclass(frozen=True)
class Pin:
    """One release, the Pythons and systems it is for (a marker, or ''), and the SHA-256 of each of its files."""

    requirement: Requirement
    hashes: str

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)


def pins(name: str) -> Iterator[Pin]:
    """Yield the pins of requirements/`name`.txt."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\S)", "\n" + text.strip()):
        if block.strip() and not block.startswith("#"):
            requirement, space, hashes = block.partition(" \\\n")
            assert _HASHES.fullmatch(space + hashes), requirement
            yield Pin(Requirement(requirement), hashes)


@pytest.mark.parametrize("name", ASKED)
def test_each_is_pinned_to_one_version_with_the_hashes_of_its_files(name: str) -> None:
    for pin in pins(name):
        [specifier] = pin.requirement.specifier
        assert specifier.operator == "=="
        assert pin.hashes


@pytest.mark.parametrize("name", ASKED)
def test_what_pyproject_asks_for_is_in_it(name: str) -> None:
    locked = {pin.name: pin for pin in pins(name)}
    for each in map(Requirement, ASKED[name]):
        pin = locked.get(canonicalize_name(each.name))
        assert pin is not None, f"{each} is not in requirements/{name}.txt: run make lock"
        [version] = pin.requirement.specifier
        assert each.specifier.contains(version.version), f"{each}, but {pin.requirement}: run make lock"


@pytest.mark.parametrize("name", ["build", "collector", "service"])
def test_what_runs_is_what_is_tested(name: str) -> None:
    """Else what is installed elsewhere would be no version that a test has seen."""
    assert set(map(str, pins(name))) <= set(map(str, pins("test")))


def test_the_collector_is_part_of_the_service() -> None:
    assert set(map(str, pins("collector"))) <= set(map(str, pins("service")))


def test_the_wheel_is_built_by_what_is_locked() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]
