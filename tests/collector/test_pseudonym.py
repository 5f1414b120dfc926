"""Names for exporters that have none."""

import stat
from pathlib import Path

import pytest

from caudal.collector.errors import SpoolError
from caudal.collector.exporters.pseudonym import pseudonym, read_or_make_key


def test_the_same_each_time_and_another_for_another(tmp_path: Path) -> None:
    key = read_or_make_key(tmp_path / "state" / "key")
    assert read_or_make_key(tmp_path / "state" / "key") == key
    assert pseudonym(key, "192.0.2.1") == pseudonym(key, "192.0.2.1") != pseudonym(key, "192.0.2.2")
    assert "192" not in pseudonym(key, "192.0.2.1")


def test_not_to_be_made_without_the_key(tmp_path: Path) -> None:
    keys = [read_or_make_key(tmp_path / name) for name in "ab"]
    assert pseudonym(keys[0], "192.0.2.1") != pseudonym(keys[1], "192.0.2.1")


def test_of_no_address() -> None:
    assert pseudonym(b"k" * 32, "") == "unnamed"


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    read_or_make_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("content", [b"", b"short", b"k" * 100])
def test_a_key_cut_off_is_not_used(tmp_path: Path, content: bytes) -> None:
    """With an empty key anybody could make the names."""
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SpoolError, match=r"key does not hold a key of 32 bytes; restore it, or remove it"):
        read_or_make_key(tmp_path / "key")


def test_a_key_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="correct `state_directory`"):
        read_or_make_key(tmp_path / "file" / "key")
