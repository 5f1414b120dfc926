"""Token files: what is refused, two at once, and what happens when a file changes while the service runs."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from caudal.common.errors import SettingsError
from caudal.service.access.keys import digest_of
from caudal.service.access.tokenfiles import TokenFiles
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import ServiceSettings

FIRST = "the-first-token-0123456789"
SECOND = "the-second-token-0123456789"
THIRD = "the-third-token-0123456789"


def settings_of(*collectors: dict[str, object], **others: object) -> ServiceSettings:
    operators = [{"id": "net", "name": "Net", "economy": "XA"}]
    return ServiceSettings(dsn="chdb:///x", operators=operators, collectors=collectors, **others)


def write(file: Path, text: str) -> Path:
    """Write a file anew, as an editor does: another inode."""
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(file)
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "token", FIRST + "\n")


@pytest.fixture
def seconds() -> list[float]:
    """What the monotonic clock says."""
    return [0.0]


@pytest.fixture
def tokens(file: Path, seconds: list[float]) -> TokenFiles:
    found = TokenFiles(
        settings_of({"id": "xa-1", "operator": "net", "token_file": file}), monotonic=lambda: seconds[0]
    )
    found.read()
    return found


@pytest.fixture
def valid(tokens: TokenFiles, seconds: list[float]) -> Callable[[], list[str]]:
    """Say which tokens are valid, once the time between two looks is over."""

    def which() -> list[str]:
        seconds[0] += 2
        return [each for each in (FIRST, SECOND, THIRD) if tokens.actor(digest_of(each)) is not None]

    return which


def test_of_files_and_of_the_environment(file: Path, tmp_path: Path) -> None:
    settings = settings_of(
        {"id": "xa-1", "operator": "net", "token_file": file},
        {"id": "xa.2", "operator": "net"},
        publisher_token_file=write(tmp_path / "publisher", SECOND),
        admin_token_file=write(tmp_path / "admin", THIRD),
    )
    found = TokenFiles(settings, environment={"CAUDAL_SERVICE_TOKEN_XA_2": "token-of-the-environment"})
    found.read()
    actors = [found.actor(digest_of(each)) for each in (FIRST, "token-of-the-environment", SECOND, THIRD)]
    assert [(each.role, each.name, each.operators) for each in actors if each is not None] == [
        (Role.collector, "xa-1", {"net"}),
        (Role.collector, "xa.2", {"net"}),
        (Role.publisher, "publisher", None),
        (Role.admin, "admin", None),
    ]
    assert found.actor(digest_of("another-token-0123456789")) is None


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", "no usable token: none at all"),
        ("short", "at least 16 letters"),
        ("has spaces in the middle of it", "letters and digits"),
        ("ünicode-ünicode-ünicode", "letters and digits"),
        ("a" * 32, "fewer than 8 different letters"),
        ("abababababababab123", "fewer than 8 different letters"),
        (f"{FIRST}\n{SECOND}\n{THIRD}", "more than two tokens"),
        (f"{FIRST}\n{FIRST}", "the same token twice"),
    ],
)
@pytest.mark.parametrize("setting", ["collectors", "publisher_token_file", "admin_token_file"])
def test_weak_tokens_are_refused_and_not_shown(file: Path, setting: str, token: str, says: str) -> None:
    write(file, token)
    of_collector = {"id": "xa-1", "operator": "net", "token_file": file}
    settings = settings_of(of_collector) if setting == "collectors" else settings_of(**{setting: file})
    with pytest.raises(SettingsError, match=rf"^{setting}: .*{says}") as raised:
        TokenFiles(settings).read()
    assert not token or token not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_weak_token_of_the_environment() -> None:
    settings = settings_of({"id": "xa-1", "operator": "net"})
    for token in ("", "short", "b" * 32):
        with pytest.raises(SettingsError, match="CAUDAL_SERVICE_TOKEN_XA_1 of xa-1 holds no usable token"):
            TokenFiles(settings, environment={"CAUDAL_SERVICE_TOKEN_XA_1": token}).read()


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o644, 0o666])
def test_a_file_that_others_can_read_or_write(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(SettingsError, match=rf"run: chmod o-rwx {file}$"):
        TokenFiles(settings_of({"id": "xa-1", "operator": "net", "token_file": file})).read()
    file.chmod(0o640)  # of a group: that is for whoever made the group to know
    TokenFiles(settings_of({"id": "xa-1", "operator": "net", "token_file": file})).read()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    settings = settings_of({"id": "xa-1", "operator": "net", "token_file": tmp_path / "none"})
    with pytest.raises(SettingsError, match=r"token_file .*none of xa-1 cannot be read: No such file"):
        TokenFiles(settings).read()


def test_no_two_have_one_token(file: Path, tmp_path: Path) -> None:
    collector = {"id": "xa-1", "operator": "net", "token_file": file}
    other = write(tmp_path / "other", f"{SECOND}\n{FIRST}\n")
    for settings in (
        settings_of(collector, {"id": "xa-2", "operator": "net", "token_file": other}),
        settings_of(collector, publisher_token_file=other),
        settings_of(collector, admin_token_file=other),
        settings_of(publisher_token_file=file, admin_token_file=other),
    ):
        with pytest.raises(SettingsError, match=r"holds the token of another \(.*\); give each its own"):
            TokenFiles(settings).read()


def test_one_token_takes_the_place_of_another(file: Path, valid: Callable[[], list[str]]) -> None:
    assert valid() == [FIRST]
    write(file, f"{SECOND}\n{FIRST}\n")
    assert valid() == [FIRST, SECOND]
    write(file, f"{SECOND}\n")
    assert valid() == [SECOND]


def test_files_are_looked_at_once_a_second(file: Path, tokens: TokenFiles, seconds: list[float]) -> None:
    write(file, SECOND)
    assert tokens.actor(digest_of(SECOND)) is None
    seconds[0] += 0.9
    assert tokens.actor(digest_of(SECOND)) is None
    seconds[0] += 0.2
    assert tokens.actor(digest_of(SECOND)) is not None


def test_a_file_that_becomes_bad_leaves_the_tokens_of_before(
    file: Path, valid: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    for text, says in (("", "none at all"), ("short", "at least 16"), ("a" * 40, "fewer than 8")):
        write(file, text)
        caplog.clear()
        assert valid() == valid() == [FIRST]
        [line] = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
        assert says in line
        assert line.endswith("the tokens of before stay valid")
    write(file, SECOND)
    file.chmod(0o644)
    assert valid() == [FIRST]
    file.chmod(0o600)  # nothing of the content changed
    assert valid() == [SECOND]


def test_a_file_that_gets_the_token_of_another(tmp_path: Path, seconds: list[float]) -> None:
    first, second = write(tmp_path / "1", FIRST), write(tmp_path / "2", SECOND)
    found = TokenFiles(
        settings_of({"id": "xa-1", "operator": "net", "token_file": first}, publisher_token_file=second),
        monotonic=lambda: seconds[0],
    )
    found.read()
    write(first, SECOND)
    seconds[0] += 2
    actors = [found.actor(digest_of(each)) for each in (FIRST, SECOND)]
    assert [each.role for each in actors if each is not None] == [Role.collector, Role.publisher]


def test_a_file_that_is_removed_and_comes_back(file: Path, valid: Callable[[], list[str]]) -> None:
    file.unlink()
    assert valid() == []
    write(file, FIRST)
    assert valid() == [FIRST]


def test_a_pipe_is_not_read_again(file: Path, tokens: TokenFiles, seconds: list[float]) -> None:
    """Nobody writes to it any more: whoever asked would wait for ever, and everybody behind them."""
    file.unlink()
    os.mkfifo(file)
    seconds[0] += 2
    assert tokens.actor(digest_of(FIRST)) is not None
    tokens.look(again=True)
    assert tokens.actor(digest_of(FIRST)) is not None


def test_a_link_that_points_elsewhere(tmp_path: Path, seconds: list[float]) -> None:
    first, second = write(tmp_path / "1", FIRST), write(tmp_path / "2", SECOND)
    link = tmp_path / "link"
    link.symlink_to(first)
    found = TokenFiles(
        settings_of({"id": "xa-1", "operator": "net", "token_file": link}), monotonic=lambda: seconds[0]
    )
    found.read()
    link.unlink()
    link.symlink_to(second)
    seconds[0] += 2
    assert found.actor(digest_of(SECOND)) is not None
    assert found.actor(digest_of(FIRST)) is None


def test_a_file_that_changes_between_look_and_reading_is_read_again(
    file: Path, valid: Callable[[], list[str]]
) -> None:
    """Rewritten in place, with the size it had and the times set back: the change of the inode still shows."""
    before = file.stat()
    file.write_text(THIRD[:-1] + "x\n"[: len(FIRST) + 1], encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert valid() == []
