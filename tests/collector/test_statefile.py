"""The state file: there and back, damage of any octet, other versions, disks that fail."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.errors import StateError
from caudal.collector.memory.statefile import DamagedState, Entry, decode, encode, read, set_aside, write

ENTRIES = {"exporter-00aa": Entry(1000, "[]"), "exporter-00bb": Entry(2000, '[{"a":"é"}]')}
CONTENT = encode(ENTRIES.items())


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "exporters.state"
    assert read(path) == {}
    write(path, CONTENT)
    assert read(path) == ENTRIES
    write(path, encode([]))
    assert read(path) == {}
    assert [file.name for file in tmp_path.iterdir()] == ["exporters.state"]
    assert path.stat().st_mode & 0o077 == 0


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_any_octet_changed_is_noticed_or_changes_nothing(at: int, by: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[at] ^= by
    with contextlib.suppress(DamagedState):
        assert decode(bytes(damaged)) == ENTRIES


@given(st.integers(0, len(CONTENT) - 1))
def test_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(DamagedState):
        decode(CONTENT[:length])


@given(st.binary(max_size=200))
def test_anything_else_is_no_state(content: bytes) -> None:
    with pytest.raises(DamagedState):
        decode(content)


def test_a_file_that_cannot_be_used_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "exporters.state"
    head, _, body = CONTENT.partition(b"\n")
    foreign = json.dumps(json.loads(head) | {"version": 99}).encode() + b"\n" + body
    for content, why in ((foreign, "version 99"), (CONTENT[:-3], "not what was written"), (b"", "no head")):
        path.write_bytes(content)
        with pytest.raises(DamagedState, match=why):
            read(path)
        assert not path.exists()
        assert set_aside(path).read_bytes() == content


def test_what_was_cut_off_while_written_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "exporters.state"
    write(path, CONTENT)
    path.with_suffix(".partial").write_bytes(CONTENT[:50])
    assert read(path) == ENTRIES
    assert not path.with_suffix(".partial").exists()


def test_a_disk_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "exporters.state"
    write(path, CONTENT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        StateError, match=r"exporters\.state cannot be written: No space left on device; "
    ) as caught:
        write(path, encode([]))
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert read(path) == ENTRIES
    assert not path.with_suffix(".partial").exists()
