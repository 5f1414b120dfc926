"""`caudal collect --check` and `caudal collect status`, as typed; and a real collector told things by systemd and signals."""

import io
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
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner, Result

from caudal.cli import app
from caudal.collector.deliver.spool import Spool
from caudal.collector.signs.condition import Condition
from caudal.collector.signs.signs import Sign
from caudal.commands.collecting import show_status, watch_status
from caudal.contract.batch import LEDGER_COUNTS
from tests.support.patience import PATIENCE_SECONDS, wait_until


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
    assert (result.exit_code, result.stdout) == (0, "1 batch waits to be sent again\n")
    assert [segment.path.read_bytes() for segment in spool.segments()] == [b"refused"]
    assert run("collect", "--config", str(config), "resend").stdout == "nothing was refused\n"


def test_support_of_a_collector_that_does_not_run(config: Path) -> None:
    target = config.parent / "for-help.json"
    result = run("collect", "support", "--config", str(config), "-o", str(target))
    assert result.exit_code == 0, result.output
    assert f"{target} is written. It is text: read it before you send it to anybody." in result.stdout
    assert "not in it: status and counters: " in result.stdout
    written = target.read_text()
    for told in ("core-1", "uy-net", "167.56", "2800:a0", "a-token-for", str(config.parent)):
        assert told not in written
    again = run("collect", "support", "--config", str(config), "-o", str(target))
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "cannot be written: File exists" in again.stderr


class Looks:
    """A status that is looked at three times; then somebody presses Ctrl-C."""

    def __init__(self) -> None:
        self.pauses = 0

    def look(self) -> dict[str, Any]:
        return status_of([_an_exporter("core-1", "192.0.2.1")])

    def pause(self) -> None:
        self.pauses += 1
        if self.pauses == 3:
            raise KeyboardInterrupt


def test_watching_on_a_terminal_and_elsewhere() -> None:
    for terminal in (False, True):
        said = io.StringIO()
        looks = Looks()
        console = Console(file=said, force_terminal=terminal, width=120, height=40)
        watch_status(console, looks.look, looks.pause)
        assert looks.pauses == 3
        assert said.getvalue().count("The router needs no attention.") == 3
        assert ("\x1b[?1049h" in said.getvalue()) == terminal, "on a screen of its own, which is left again"
        assert said.getvalue().count("\x1b[?1049l") == terminal


def _an_exporter(name: str, address: str, *signs: Sign, **more: Any) -> dict[str, Any]:
    condition = Condition(
        **{
            "name": name, "configured": True, "is_interface": False, "datagrams": 12_345, "last_ms": 1_000_000,
            "protocols": ["netflow9"], "templates": 4, "lowest_rate": 1000.0, "highest_rate": 1000.0,
            "rate_from": "options", "mbit_per_second": 12_345.6, "records_per_second": 1.25, "lately_seconds": 150.0,
            "waiting_sets": 0, "waiting_seconds": 0.0, "clock_seconds": 0.25, "clock_last_seconds": 0.2,
            "interfaces": 48, "without_interface": 0,
            "direction_bytes": {"out": 30, "in": 60, "internal": 8, "transit": 2},
            "counts": dict.fromkeys(LEDGER_COUNTS, 0), "lately": dict.fromkeys(LEDGER_COUNTS, 0), "signs": signs,
        } | more
    )  # fmt: skip
    return {"address": address} | condition.plain


def status_of(exporters: list[dict[str, Any]]) -> dict[str, Any]:
    sick = sum(each["needs_attention"] for each in exporters)
    return {
        "collector": "uy-1", "version": "0.1.0", "uptime_seconds": 7000, "synthetic": False, "clock_behind": False,
        "ledger": dict.fromkeys(LEDGER_COUNTS, 0) | {"repeated": 3, "lost": 7}, "templates": 4, "interfaces": [],
        "attention": {
            "exporters": len(exporters), "need_attention": sick,
            "summary": "The router needs no attention." if not sick else f"{sick} of {len(exporters)} routers need attention.",
        },
        "exporters": exporters, "exporters_left_out": 0,
        "listeners": [{"address": "0.0.0.0:2055", "buffer_asked_bytes": 1 << 25, "buffer_granted_bytes": 1 << 22}],
        "spool": {"batches": 0, "bytes": 0, "most_bytes": 1 << 30, "oldest_seconds": 0, "refused": 0, "damaged": 0},
        "backlog": {"batches": 0, "coarsened_batches": 0, "lost_batches": 0, "lost_bytes": 0},
        "shipping": {
            "service": "https://caudal.example", "shipped": 2, "held": 0, "set_back": 0, "pause_seconds": 0,
            "last_shipped_time": 900.0, "last_error": "", "last_error_time": 0.0,
        },
    }  # fmt: skip


def shown(exporters: list[dict[str, Any]], width: int) -> str:
    out = io.StringIO()
    show_status(Console(file=out, width=width), status_of(exporters), now=1_121.0)
    return out.getvalue()


def test_the_table_of_routers_fits_its_terminal() -> None:
    rate = Sign("core-2", "rate_not_believed", "It states sampling 1:2919759872.", needs_attention=True)
    exporters = [
        _an_exporter(
            "core-2", "192.0.2.2", rate, lately=dict.fromkeys(LEDGER_COUNTS, 0) | {"lost": 1, "received": 3}
        ),
        _an_exporter("border-buenosaires-1", "2001:db8:ffff:ffff:ffff:ffff:ffff:1", clock_seconds=-7205.0),
        _an_exporter("mirror-1", "", is_interface=True, last_ms=0, protocols=["packets"], clock_seconds=None),
    ]
    for width in (100, 140):
        lines = shown(exporters, width).splitlines()
        table = lines[lines.index("") + 1 :]
        table = table[: table.index("")]
        assert max(map(len, table)) <= width
        assert table[0].split() == [
            "router", "protocol", "sampling", "Mbit/s", "lost", "malformed", "ifIndex", "out/in", "%",
        ]  # fmt: skip
        assert table[2].split() == [
            "core-2", "NetFlow", "v9", "1:1,000", "12,346", "25.00%", "–", "48", "30/60", "2", "min",
        ]  # fmt: skip
        assert table[3].split() == ["192.0.2.2", "4", "announced", "1.25", "–", "+0.2", "s", "–", "8/2"]
    assert lines[0] == "1 of 3 routers need attention."
    assert lines[1] == "attention: core-2, rate not believed: It states sampling 1:2919759872."
    (second,) = (line.split() for line in lines if line.startswith("2001:db8:ffff:ffff:ffff:ffff:ffff:1"))
    assert second[1:] == ["4", "announced", "1.25", "–", "-2", "h", "–", "8/2"]
    assert [line.split() for line in lines if line.startswith("not counted")] == [
        ["not", "counted", "repeated", "3"]
    ]


def test_what_is_wrong_with_several_is_said_once() -> None:
    exporters = [
        _an_exporter(
            f"edge-{at}", "", Sign(f"edge-{at}", "rate_assumed", "It states none.", needs_attention=False)
        )
        for at in range(9)
    ]
    lines = shown(exporters, 140).splitlines()
    assert (
        lines[1] == "hint: edge-0, edge-1, edge-2, edge-3, edge-4 and 4 more, rate assumed: It states none."
    )


def test_a_collector_of_an_earlier_version_is_said_to_be_one() -> None:
    out = io.StringIO()
    status = status_of([])
    del status["attention"], status["exporters_left_out"]
    show_status(Console(file=out, width=140), status, now=1_121.0)
    assert out.getvalue().startswith("The collector that runs is of an earlier version (0.1.0): restart it")
    assert "2 batches to https://caudal.example" in out.getvalue()


def test_no_option_takes_a_token(config: Path) -> None:
    """What stands on a command line is seen by everybody on the machine."""
    command: Any = get_command(app)
    collect: Any = command.commands["collect"].load()
    options = {
        option for each in (collect, *collect.commands.values()) for of in each.params for option in of.opts
    }
    assert options == {
        "--config",
        "--check",
        "--log-format",
        "--log-level",
        "--metrics-listen",
        "--json",
        "--watch",
        "--every",
        "--output",
        "-o",
        "--offline",
        "files",
        "--since",
        "--until",
        "--again",
        "--received-too",
    }
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
    assert "attention: core-1, malformed: 1 datagram, set or record" in shown
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
