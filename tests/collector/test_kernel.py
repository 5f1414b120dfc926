"""Where compiled kernels are kept, and that a collector at work compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import numpy as np
from caudal.collector.columns import grouping, kernel
first, of = grouping.distinct(np.array([7, 7, 9], np.uint64))
assert first.tolist() == [0, 2]
print(sum(sum(each.stats.cache_hits.values()) for each in kernel.kernels))
"""


def hits(**environment: str) -> int:
    """Run the program; return how many kernels it found compiled."""
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not ran.stderr
    return int(ran.stdout)


def test_what_is_compiled_is_kept_for_the_next_process(tmp_path: Path) -> None:
    assert hits(CACHE_DIRECTORY=str(tmp_path)) == 0
    assert hits(CACHE_DIRECTORY=str(tmp_path)) > 0
    (kept,) = (tmp_path / "caudal").iterdir()
    assert kept.name.startswith("kernels-")
    assert kept.stat().st_mode & 0o077 == 0


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert hits(CACHE_DIRECTORY=str(file)) == 0


def test_what_others_could_have_written_is_not_run(tmp_path: Path) -> None:
    hits(CACHE_DIRECTORY=str(tmp_path))
    (kept,) = (tmp_path / "caudal").iterdir()
    kept.chmod(0o777)
    assert hits(CACHE_DIRECTORY=str(tmp_path)) == 0


def test_what_was_compiled_long_ago_is_removed(tmp_path: Path) -> None:
    old = tmp_path / "caudal" / "kernels-0123456789abcdef"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    hits(CACHE_DIRECTORY=str(tmp_path))
    assert not old.exists()


@pytest.mark.parametrize("name", ["CACHE_DIRECTORY", "XDG_CACHE_HOME"])
def test_the_place_can_be_said(tmp_path: Path, name: str) -> None:
    others = {"CACHE_DIRECTORY": "", "XDG_CACHE_HOME": ""}
    hits(**others | {name: str(tmp_path)})
    assert len(list((tmp_path / "caudal").glob("kernels-*"))) == 1
