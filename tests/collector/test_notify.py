"""What systemd is told."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from caudal.collector.daemon.notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def heard(systemd: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return found


def test_a_life(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    notifier.ready("listening")
    notifier.reloading()
    notifier.ready("listening elsewhere")
    notifier.stopping()
    first, reloading, again, stopping = heard(systemd)
    assert first == "READY=1\nSTATUS=listening"
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert again.startswith("READY=1")
    assert stopping == "STOPPING=1"


def test_the_abstract_namespace() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"caudal-test-{os.getpid()}"
        listening.bind("\0" + name)
        Notifier({"NOTIFY_SOCKET": "@" + name}).stopping()
        assert listening.recv(100) == b"STOPPING=1"


def test_the_watchdog_hears_at_half_its_time(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("caudal.collector.daemon.notify.time.monotonic", lambda: now[0])
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "20000000"})
    for now[0] in (1000.0, 1005.0, 1009.9, 1010.0, 1011.0, 1020.0):
        notifier.alive()
    assert heard(systemd) == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}],
    ids=["none", "off", "of another process"],
)
def test_no_watchdog(systemd: socket.socket, environment: dict[str, str]) -> None:
    Notifier({"NOTIFY_SOCKET": systemd.getsockname(), **environment}).alive()
    assert heard(systemd) == []


def test_nobody_to_tell(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        Notifier(environment).ready("x")
