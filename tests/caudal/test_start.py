"""A command starts at once: what it imports, what it leaves behind, and what shells complete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from caudal.cli import Commands, app
from caudal.commands.commandgroup import DeferredCommand

EXPORTS = Path(__file__).parents[1] / "data" / "exports.pcap.gz"
# What no command imports to show its help.
HEAVY = {
    "chdb", "clickhouse_connect", "fastapi", "ftlbgp", "grafana_foundation_sdk", "httpx", "maxminddb", "numba", "numpy",
    "polars", "prometheus_client", "pyarrow", "pydantic_settings", "rich", "scapy", "scipy", "uvicorn",
}  # fmt: skip
OF_THE_SERVICE = {
    "chdb",
    "fastapi",
    "grafana_foundation_sdk",
    "polars",
    "pydantic_settings",
    "scapy",
    "scipy",
}
PROGRAM = """
import os, sys
before = dict(os.environ)
from caudal.cli import main
sys.argv[0] = "caudal"
try:
    main()
finally:
    assert dict(os.environ) == before
    sys.stderr.write("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""
COMMANDS = {command.name: command for command in Commands.deferred}


def imported(home: Path, *arguments: str) -> set[str]:
    """Return the packages that a command imports, run where HOME is empty; assert that it is empty afterwards."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "CACHE_DIRECTORY")
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
        env=kept | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert list(home.iterdir()) == []
    return set(ran.stderr.split())


def completed(words: str, shell: str = "bash") -> list[str]:
    """Return what a shell that asks for completions of a line is answered."""
    asked = {
        "_CAUDAL_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['caudal']; from caudal.cli import main; main()"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | asked,
    )
    return ran.stdout.split("\n") if shell == "fish" else ran.stdout.split()


def test_help_imports_nothing_that_takes_a_while_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert imported(tmp_path, "--help") & (HEAVY | {"pydantic"}) == set()
    assert imported(tmp_path, "version") & HEAVY == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_so_does_the_help_of_each_command(tmp_path: Path, name: str) -> None:
    assert imported(tmp_path, name, "--help") & HEAVY == set()


def test_modules_with_kernels_are_imported_without_scipy_and_leave_nothing_behind(tmp_path: Path) -> None:
    program = "import sys, caudal.commands.inspect; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    kept = {
        name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "CACHE_DIRECTORY")
    }
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=kept | {"HOME": str(tmp_path)},
    )
    assert set(ran.stdout.split()) & OF_THE_SERVICE == set()
    assert list(tmp_path.iterdir()) == []


def test_inspect_needs_nothing_of_the_service() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, "inspect", str(EXPORTS)], capture_output=True, text=True, check=True
    )
    assert set(ran.stderr.split()) & OF_THE_SERVICE == set()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_help_of_a_command_is_that_of_its_module(command: DeferredCommand) -> None:
    said = " ".join((command.load().help or "").partition("\n\n")[0].split())
    assert said == command.help


def test_a_command_that_does_not_exist_is_compared_with_those_that_do() -> None:
    result = CliRunner().invoke(app, ["metre"])
    assert result.exit_code == 2
    assert "'meter'" in result.stderr


def test_shells_complete_commands_options_and_values() -> None:
    assert completed("caudal in") == ["inspect", "indicators"]
    assert completed("caudal collect s") == ["status", "support"]
    assert completed("caudal collect status --wa") == ["--watch"]
    assert completed("caudal serve --config x --log-format ") == ["text", "json"]
    assert completed("caudal meter --as p") == ["packets"]
    assert "version\tPrint the version." in completed("caudal vers", "fish")
    assert '"inspect":"Show what an exporter really sends."' in " ".join(completed("caudal ins", "zsh"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_installs_completion_is_shown(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    result = CliRunner().invoke(app, ["--show-completion"], prog_name="caudal")
    assert result.exit_code == 0
    assert f"_CAUDAL_COMPLETE=complete_{shell}" in result.stdout
    assert typer.__name__ not in result.stderr
