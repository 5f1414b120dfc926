"""A file of a command is whole, or it is what it was."""

import stat
import threading
from pathlib import Path

import pytest

from caudal.common.wholefile import UnwrittenError, whole_file, write_whole


def test_what_fails_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(file) as unfinished:
        unfinished.write(b"new")
        raise ZeroDivisionError
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnwrittenError, match="No such file or directory; give another file"):
        write_whole(tmp_path / "no" / "f", b"")


def test_two_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    file = tmp_path / "f"
    contents = [bytes([65 + n]) * 300_000 for n in range(8)]
    writers = [threading.Thread(target=write_whole, args=(file, content)) for content in contents]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert file.read_bytes() in contents and list(tmp_path.iterdir()) == [file]


def test_whom_it_is_readable_by_is_the_umask(tmp_path: Path) -> None:
    write_whole(tmp_path / "f", b"x")
    (tmp_path / "g").write_bytes(b"x")
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == stat.S_IMODE((tmp_path / "g").stat().st_mode)


def test_a_long_name_is_still_a_name(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), b"x")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"x"
