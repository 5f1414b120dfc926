"""A start that cannot work fails before anything is compiled."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from caudal.collector.check.startable import require_startable
from caudal.collector.columns.datagrams import Exporters
from caudal.collector.errors import StateError
from caudal.collector.memory.statelock import StateLock
from caudal.collector.receive.listeners import Listeners, discard
from caudal.collector.settings.settingsfile import load_settings
from caudal.common.errors import ListenError, SettingsError

from .test_check import write


def test_what_can_start(tmp_path: Path) -> None:
    require_startable(load_settings(write(tmp_path, metrics_listen='"127.0.0.1:0"')))


@pytest.mark.parametrize(
    ("kind", "setting", "error"),
    [(socket.SOCK_DGRAM, "listen", "listen on"), (socket.SOCK_STREAM, "metrics_listen", "serve metrics on")],
)
def test_an_address_that_is_taken(tmp_path: Path, kind: socket.SocketKind, setting: str, error: str) -> None:
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        address = f'"127.0.0.1:{taken.getsockname()[1]}"'
        settings = load_settings(
            write(tmp_path, **{setting: f"[{address}]" if setting == "listen" else address})
        )
        with pytest.raises(ListenError, match=error):
            require_startable(settings)


def test_no_token_and_a_directory_in_use(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path))
    with StateLock(settings.state_directory), pytest.raises(StateError, match="in use by another collector"):
        require_startable(settings)
    (tmp_path / "token").unlink()
    with pytest.raises(SettingsError, match="token_file"):
        require_startable(settings)


def test_nothing_is_compiled_or_loaded_for_it(tmp_path: Path) -> None:
    """Neither the decoder's kernels nor what makes tables: a bad token is told in the time an import takes."""
    config = write(tmp_path)
    (tmp_path / "token").unlink()
    program = (
        "import sys\nfrom caudal.cli import app\n"
        "try:\n    app(sys.argv[1:])\n"
        "except SystemExit as end:\n    print(end.code, 'caudal.collector.daemon.run' in sys.modules)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "collect", "--config", str(config)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout.split() == ["2", "False"], ended.stderr
    assert "service.token_file: " in ended.stderr


@pytest.mark.parametrize("order", [1, -1])
def test_all_addresses_of_both_versions_on_one_port(order: int) -> None:
    """A socket on [::] takes IPv4 as well, unless another is there for that."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    addresses = [f"0.0.0.0:{port}", f"[::]:{port}"][::order]
    with Listeners(Exporters()) as listeners:
        opened = listeners.prepare(addresses, 1 << 16)
        only = {each.address: each.socket.family == socket.AF_INET6 for each in opened}
        assert only == {addresses[0]: order < 0, addresses[1]: order > 0}
        discard(opened)
