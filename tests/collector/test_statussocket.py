"""Asking a running collector."""

import socket
import stat
from pathlib import Path

import pytest

from caudal.collector.daemon.statussocket import StatusSocket, ask
from caudal.collector.errors import StateError


def test_it_answers_as_often_as_it_is_asked(tmp_path: Path) -> None:
    times = iter(range(10))
    with StatusSocket(tmp_path, lambda: {"asked": next(times)}):
        assert [ask(tmp_path)["asked"] for _ in range(3)] == [0, 1, 2]
        assert stat.S_IMODE((tmp_path / "status.sock").stat().st_mode) == 0o600
    assert not (tmp_path / "status.sock").exists()


def test_a_directory_with_a_long_name(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 100) / ("e" * 100)
    directory.mkdir(parents=True)
    with StatusSocket(directory, lambda: {"long": True}):
        assert ask(directory) == {"long": True}


def test_what_one_left_that_was_killed_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "status.sock"))
    with pytest.raises(StateError, match="no collector answers"):
        ask(tmp_path)
    with StatusSocket(tmp_path, lambda: {}):
        assert ask(tmp_path) == {}


def test_who_asks_and_goes_away_is_no_problem(tmp_path: Path) -> None:
    with StatusSocket(tmp_path, lambda: {"much": "x" * 5_000_000}):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as impatient:
                impatient.connect(str(tmp_path / "status.sock"))
        assert len(ask(tmp_path)["much"]) == 5_000_000


@pytest.mark.parametrize("directory", ["", "nothing"])
def test_nobody_there(tmp_path: Path, directory: str) -> None:
    with pytest.raises(StateError, match=r"^no collector answers on .*; start one with") as caught:
        ask(tmp_path / directory)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_said_once_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reports = iter([RuntimeError("changed"), {"fine": True}])

    def report() -> dict[str, object]:
        found = next(reports)
        if isinstance(found, RuntimeError):
            raise found
        return found

    with StatusSocket(tmp_path, report):
        with pytest.raises(StateError, match="no collector answers"):
            ask(tmp_path)
        assert ask(tmp_path) == {"fine": True}
    assert "what the collector is asked cannot be said" in caplog.text
