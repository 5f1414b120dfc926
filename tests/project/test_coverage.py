"""Coverage is told by room: of processes that tests start too, and of compiled kernels apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from project.coverage import HEADING, compiled_lines, ranges

ROOT = Path(__file__).parents[2]
# A test process under coverage itself hands that on to what it starts.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
PART = """\
kernel = staticmethod

@kernel
def summed(values):
    total = 0
    for value in values:
        total += value
    return total

def told(total):
    if total > 9:
        return "many"
    return "few"
"""


def run(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env={**ENVIRONMENT, "CAUDAL_ROOT": str(directory), "PYTHONPATH": f"{directory / 'service'}:{ROOT}"},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one room of three modules, one of which is run by a process that the first one starts."""
    for name in ("caudal", "collector", "dashboards", "reference", "service", "service/store"):
        (tmp_path / name).mkdir()
    (tmp_path / "service/store/part.py").write_text(PART)
    (tmp_path / "service/store/__init__.py").touch()
    (tmp_path / "service/store/idle.py").write_text("IDLE = True\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / ".coverage").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "start.py").write_text(
        "import subprocess, sys\n"
        "code = 'from store.part import told; told(1)'\n"
        "subprocess.run([sys.executable, '-c', code], cwd='elsewhere', check=True)\n"
    )
    return tmp_path


def test_what_a_process_ran_elsewhere_is_counted_and_kernels_are_apart(checkout: Path) -> None:
    for command in (("run", "start.py"), ("combine", "--quiet")):
        done = run("-m", "coverage", *command, directory=checkout)
        assert done.returncode == 0, done.stderr
    done = run("-m", "project.coverage", "service/store", directory=checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        HEADING,
        "service/store                              3           8        2   75.0 %         4",
        "all                                        3           8        2   75.0 %         4",
        "service/store/idle.py: 1",
        "service/store/part.py: 12",
    ]


def test_without_a_run_there_is_nothing_to_tell(tmp_path: Path) -> None:
    done = run("-m", "project.coverage", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("coverage: ")
    assert done.stderr.endswith("run make coverage first\n")


def test_the_body_of_a_kernel_is_compiled() -> None:
    assert list(compiled_lines(PART)) == [5, 6, 7, 8]
    assert list(compiled_lines("@numba.njit(cache=True)\ndef f():\n    return 1\n")) == [3]


@pytest.mark.parametrize(
    ("statements", "missed", "told"),
    [({1, 2, 4, 9}, set(), ""), ({1, 2, 4, 9}, {2, 4}, "2-4"), ({1, 2, 4, 9}, {1, 4, 9}, "1, 4-9")],
)
def test_lines_that_follow_each_other_are_told_as_one(
    statements: set[int], missed: set[int], told: str
) -> None:
    assert ranges(frozenset(statements), frozenset(missed)) == told
