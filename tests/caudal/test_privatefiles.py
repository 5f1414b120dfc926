"""What is written is for its user only; what is exported is not."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from caudal.common.privatefiles import private_files, warn_if_open


@pytest.fixture(autouse=True)
def _open() -> Iterator[None]:
    """Begin with a umask that hides nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_within_files_are_private_and_afterwards_as_before(tmp_path: Path) -> None:
    with private_files():
        (tmp_path / "within").touch()
        (tmp_path / "directory").mkdir()
    (tmp_path / "after").touch()
    assert [mode(tmp_path / name) for name in ("within", "directory", "after")] == [0o600, 0o700, 0o666]


@pytest.mark.parametrize(("given", "said"), [(0o700, False), (0o750, False), (0o701, True), (0o755, True)])
def test_a_directory_that_others_may_enter_is_said_and_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, given: int, said: bool
) -> None:
    directory = tmp_path / "a\nb"
    directory.mkdir(mode=given)
    with caplog.at_level(logging.WARNING):
        warn_if_open(directory)
    assert ("chmod 700 it" in caplog.text) == said
    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert mode(directory) == given
