"""One collector at a time on a state directory."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caudal.collector.errors import StateError
from caudal.collector.memory.statelock import StateLock, holder

HOLD = """
import sys
from pathlib import Path
from caudal.collector.memory.statelock import StateLock
with StateLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_refused_and_the_first_is_named(tmp_path: Path) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other,
        pytest.raises(StateError) as caught,
    ):
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert holder(tmp_path) == other.pid
        try:
            with StateLock(tmp_path):
                pass
        finally:
            other.send_signal(signal.SIGKILL)
    assert str(caught.value) == (
        f"{tmp_path} is in use by another collector (process {other.pid}); stop that one, or give this one another "
        "`state_directory`"
    )
    # Killed, it holds nothing any more.
    assert holder(tmp_path) is None
    with StateLock(tmp_path):
        assert holder(tmp_path) == os.getpid()
    assert holder(tmp_path) is None


def test_it_makes_the_directory(tmp_path: Path) -> None:
    with StateLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"/file/x cannot be used: Not a directory; correct"):
        StateLock(tmp_path / "file" / "x").__enter__()


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert holder(tmp_path / "nothing") is None
