"""`caudal collect --check` and `caudal collect status`, as typed; and a real collector told things by systemd and signals."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from caudal.cli import app
from caudal.collector.spool import Spool

from ..patience import PATIENCE_SECONDS, wait_until


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("a-token-for-this-test-only-0123456789")
    (tmp_path / "token").chmod(0o600)
    path = tmp_path / "collector.toml"
    path.write_text(
        f"""collector = "uy-1"
operator = "uy-net"
economy = "UY"
home = ["167.56.0.0/16", "2800:a0::/32"]
listen = ["127.0.0.1:{free_port(socket.SOCK_DGRAM)}"]
state_directory = "state"
spool_max_bytes = 1048576
receive_buffer_bytes = 4194304
drain_seconds = 0
[service]
url = "http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
token_file = "token"
[exporters]
"127.0.0.1" = {{ name = "core-1", sampling = 100 }}
"""
    )
    return path


def test_check_says_what_it_would_do(config: Path) -> None:
    result = run("collect", "--config", str(config), "--check")
    assert result.exit_code in (0, 1), result.output  # the machine may be small
    assert "Collector uy-1 of operator uy-net meters UY." in result.stdout
    assert not (config.parent / "state").exists()


def test_check_of_what_looks_wrong(config: Path) -> None:
    config.write_text(config.read_text().replace("167.56.0.0/16", "0.0.0.0/0"))
    result = run("collect", "--config", str(config), "--check")
    assert result.exit_code == 1
    assert "suspicious: home: 0.0.0.0/0 is the default route" in result.stdout


def test_check_of_what_is_unusable(config: Path) -> None:
    config.write_text("collector = 7")
    result = run("collect", "--config", str(config), "--check")
    assert result.exit_code == 2
    assert "unusable: " in result.stdout


def test_without_settings(config: Path) -> None:
    for arguments in (["collect"], ["collect", "status"], ["collect", "--check"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "give the settings file" in result.stderr


@pytest.mark.parametrize("before", [True, False])
def test_status_of_none(config: Path, before: bool) -> None:
    option = ["--config", str(config)]
    result = run("collect", *(option if before else []), "status", *([] if before else option))
    assert result.exit_code == 2
    assert result.stderr.startswith("caudal: no collector answers on ")
    assert result.stderr.count("\n") == 1


def test_what_the_service_refused_is_sent_again(config: Path) -> None:
    spool = Spool(config.parent / "state" / "spool")
    spool.open()
    spool.refuse(spool.put(b"refused"))
    result = run("collect", "resend", "--config", str(config))
    assert (result.exit_code, result.stdout) == (0, "1 batches wait to be sent again\n")
    assert [segment.path.read_bytes() for segment in spool.segments()] == [b"refused"]
    assert run("collect", "--config", str(config), "resend").stdout == "nothing was refused\n"


def test_no_option_takes_a_token(config: Path) -> None:
    """What stands on a command line is seen by everybody on the machine."""
    command: Any = get_command(app)
    collect = command.commands["collect"]
    options = {
        option for each in (collect, *collect.commands.values()) for of in each.params for option in of.opts
    }
    assert options == {"--config", "--check", "--metrics-listen", "--json", "--watch", "--every"}
    config.write_text(
        config.read_text().replace("token_file", 'token = "secret-in-the-settings"\ntoken_file')
    )
    result = run("collect", "--config", str(config))
    assert result.exit_code == 2
    assert "service.token: is no setting" in result.stderr
    assert "secret-in-the-settings" not in result.output


class Running:
    """A collector started as systemd would start it."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._systemd.bind(str(config.parent / "notify"))
        self._systemd.settimeout(PATIENCE_SECONDS)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAUDAL_")}
        self._log = config.parent / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "caudal", "collect", "--config", str(config)],
                stderr=log,
                env={
                    **environment,
                    "NOTIFY_SOCKET": str(config.parent / "notify"),
                    "WATCHDOG_USEC": "2000000",
                },
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def told(self, start: str) -> str:
        """Wait for systemd to be told something that starts so."""
        while True:
            text = self._systemd.recv(4096).decode()
            if text.startswith(start):
                return text

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._systemd.close()


@pytest.fixture
def running(config: Path) -> Iterator[Running]:
    started = Running(config)
    yield started
    started.close()


def test_a_life_under_systemd(running: Running) -> None:
    running.told("READY=1")
    running.told("WATCHDOG=1")
    config, port = running.config, int(running.config.read_text().split("127.0.0.1:")[1].split('"')[0])
    status = ["collect", "status", "--config", str(config)]
    with socket.socket(type=socket.SOCK_DGRAM) as out:
        out.sendto(b"\0\x05 no more", ("127.0.0.1", port))

    def said() -> dict[str, object]:
        return json.loads(run(*status, "--json").stdout)  # type: ignore[no-any-return]

    wait_until(lambda: said()["ledger"]["datagrams"] == 1)  # type: ignore[index]
    shown = run(*status).stdout
    assert shown.startswith("The router needs attention: core-1 (malformed).")
    assert "attention: core-1, malformed: 1 datagrams, sets or records" in shown
    assert "127.0.0.1\n" in shown or "127.0.0.1 " in shown
    assert "uy-1, caudal" in shown
    assert "core-1" in shown
    assert "malformed 1" in shown
    assert f"127.0.0.1:{port}" in shown
    # Settings read again: what is in them, and what is wrong with them.
    config.write_text(config.read_text().replace("core-1", "edge-7"))
    running.process.send_signal(signal.SIGHUP)
    running.told("RELOADING=1")
    running.told("READY=1")
    assert said()["exporters"][0]["name"] == "edge-7"  # type: ignore[index]
    config.write_text("home = 7")
    running.process.send_signal(signal.SIGHUP)
    running.told("RELOADING=1")
    running.told("READY=1")
    assert "stay as they were: " in running.log
    # A second one is refused, and says why in one line.
    config.write_text(
        'collector = "uy-1"\noperator = "uy-net"\neconomy = "UY"\nhome = ["167.56.0.0/16"]\nlisten = ["127.0.0.1:0"]\n'
        'state_directory = "state"\n[service]\nurl = "http://127.0.0.1:1"\ntoken_file = "token"\n'
    )
    second = subprocess.run(
        [sys.executable, "-m", "caudal", "collect", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert second.returncode == 2
    (line,) = second.stderr.strip().splitlines()
    assert f"is in use by another collector (process {running.process.pid})" in line
    running.process.send_signal(signal.SIGTERM)
    running.told("STOPPING=1")
    assert running.process.wait(PATIENCE_SECONDS) == 0, running.log
    assert "Traceback" not in running.log
