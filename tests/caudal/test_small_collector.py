"""A collector is installed without what only the service uses: no command of its imports that."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


# What the collector's client of HTTP brings along.
_OF_HTTPX = {"anyio", "h11"}


def _normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def distributions(requirements: list[str]) -> set[str]:
    return {_normal(re.split(r"[<>=\[ ]", each)[0]) for each in requirements} - _OF_HTTPX


def modules_of(names: set[str]) -> set[str]:
    return {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if {_normal(owner) for owner in owners} <= names
    }


SERVICE_ONLY = modules_of(distributions(PROJECT["optional-dependencies"]["service"]))


def without_the_service(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program where nothing of the service can be imported."""
    hidden = f"import sys\nfor name in {sorted(SERVICE_ONLY)!r}: sys.modules[name] = None\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + program],
        env={"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return without_the_service(f"sys.argv = ['caudal', *{arguments!r}]\nfrom caudal.cli import main\nmain()")


def test_the_two_share_no_requirement() -> None:
    extras = PROJECT["optional-dependencies"]
    assert not distributions(PROJECT["dependencies"]) & distributions(extras["service"])
    assert extras["collector"] == []
    assert "caudal[service]" in extras["test"]


def test_what_is_large_is_the_service_s() -> None:
    assert {"chdb", "typst", "scipy", "polars", "sdmx", "fastapi", "grafana_foundation_sdk"} <= SERVICE_ONLY


def test_every_module_of_a_collector_can_be_imported() -> None:
    program = """
import importlib, pkgutil
import caudal.collector, caudal.reference
for package in (caudal.collector, caudal.reference):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if each.name not in {"caudal.reference.reading.frames", "caudal.reference.addresses.announced"}:
            importlib.import_module(each.name)
import caudal.commands.collecting, caudal.commands.inspect, caudal.showing.present
"""
    result = without_the_service(program)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("version",),
        ("--help",),
        ("collect", "--help"),
        ("meter", "--help"),
        ("serve", "--help"),
        ("dashboards", "publish", "--help"),
        ("inspect", "tests/data/field/totals_told_again.pcap"),
        ("reference", "show", "--help"),
    ],
    ids=" ".join,
)
def test_commands_that_run_without_it(arguments: tuple[str, ...]) -> None:
    result = command(*(str(ROOT / each) if "/" in each else each for each in arguments))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("meter", "tests/data/field/totals_told_again.pcap", "--home", "198.51.100.0/24", "--economy", "CL"),
        ("serve", "--config", "deploy/service.toml"),
        ("dashboards", "build"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_others_say_what_to_install(arguments: tuple[str, ...]) -> None:
    result = command(*(str(ROOT / each) if "/" in each and "." in each[-5:] else each for each in arguments))
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert re.fullmatch(
        r"caudal: \S+ is not installed: this command needs what the service needs; install caudal\[service\], "
        r"as docs/deploy\.md shows",
        line,
    )
