"""The spool: whole or not at all, in order, damage set aside."""

import os
import stat
from pathlib import Path

import pytest

from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import SpoolError


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    opened = Spool(tmp_path / "spool")
    opened.open()
    return opened


def bodies(spool: Spool) -> list[bytes | None]:
    return [spool.read(segment) for segment in spool.segments()]


def test_in_the_order_written(spool: Spool) -> None:
    written = [bytes([n]) * 10 for n in range(12)]
    for body in written:
        spool.put(body)
    assert bodies(spool) == written


def test_order_is_kept_over_restarts(spool: Spool) -> None:
    spool.put(b"first")
    spool.put(b"second")
    spool.done(spool.segments()[0])
    again = Spool(spool.directory)
    again.open()
    again.put(b"third")
    assert bodies(again) == [b"second", b"third"]


def test_a_place_is_never_used_twice(spool: Spool) -> None:
    """Not even when everything was shipped, refused or damaged before."""
    names = []
    for deed in (spool.done, spool.refuse, spool.done):
        segment = spool.put(b"x")
        names.append(segment.path.name)
        deed(segment)
        again = Spool(spool.directory)
        again.open()
    assert len(set(names)) == 3


def test_what_was_cut_off_while_being_written_is_removed(spool: Spool) -> None:
    spool.put(b"whole")
    half = spool.directory / "000000000001-abc.partial"
    half.write_bytes(b"hal")
    again = Spool(spool.directory)
    again.open()
    assert not half.exists()
    assert bodies(again) == [b"whole"]


def test_a_kill_before_the_rename_leaves_no_batch(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(self: Path, target: Path) -> Path:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Path, "rename", kill)
        spool.put(b"lost")
    assert spool.segments() == []
    again = Spool(spool.directory)
    again.open()
    assert list(spool.directory.glob("*.partial")) == []


def test_the_batch_is_on_disk_before_it_has_its_name(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    fsync, rename = os.fsync, Path.rename

    def synced(handle: int) -> None:
        steps.append("directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    spool.put(b"body")
    assert steps == ["file", "rename", "directory"]


def test_damaged_is_set_aside(spool: Spool) -> None:
    for body in (b"one", b"two", b"three"):
        spool.put(body)
    damaged = spool.segments()[1].path
    damaged.write_bytes(b"twO")
    assert bodies(spool) == [b"one", None, b"three"]
    assert [path.name for path in spool.damaged.iterdir()] == [damaged.name]
    assert bodies(spool) == [b"one", b"three"]


def test_refused_is_set_aside(spool: Spool) -> None:
    segment = spool.put(b"body")
    spool.refuse(segment)
    assert spool.segments() == []
    assert (spool.refused / segment.path.name).read_bytes() == b"body"


def test_what_was_refused_is_taken_back_in_its_order(spool: Spool) -> None:
    for body in (b"one", b"two", b"three"):
        spool.put(body)
    for segment in spool.segments()[:2]:
        spool.refuse(segment)
    # Beside the collector, by another process.
    assert Spool(spool.directory).take_back() == 2
    assert bodies(spool) == [b"one", b"two", b"three"]
    assert Spool(spool.directory).take_back() == 0
    assert Spool(spool.directory / "nowhere").take_back() == 0


def test_done_twice_is_done(spool: Spool) -> None:
    segment = spool.put(b"body")
    spool.done(segment)
    spool.done(segment)


def test_files_of_others_are_left_alone(spool: Spool) -> None:
    for name in ("notes.txt", "x-y.batch", "old.batch"):
        (spool.directory / name).write_text("mine")
    again = Spool(spool.directory)
    again.open()
    assert again.segments() == []
    again.put(b"body")
    assert bodies(again) == [b"body"]
    assert (spool.directory / "old.batch").read_text() == "mine"


def test_only_the_owner_may_look(spool: Spool) -> None:
    for directory in (spool.directory, spool.refused, spool.damaged):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_spool_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SpoolError, match=r"^the spool .*/file/spool cannot be used: Not a directory; correct"
    ):
        Spool(tmp_path / "file" / "spool").open()


def test_a_full_disk(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SpoolError, match=r"^the spool .* cannot be written: No space left on device$"):
            spool.put(b"body")
    assert list(spool.directory.glob("*.partial")) == []
    spool.put(b"body")
    assert bodies(spool) == [b"body"]
