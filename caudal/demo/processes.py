"""The demo's service and collector: the commands an operator runs, each in a process of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from caudal.demo.exports.exporter import ROUTERS
from caudal.demo.traffic import economy
from caudal.demo.traffic.errors import DemoError

# A process that ends is noticed at once: these bound one that hangs, also on a machine that is busy.
_START_SECONDS = 600.0
_STOP_SECONDS = 600.0
_ANSWER_SECONDS = 600.0
_POLL_SECONDS = 0.05
_PREFERRED_PORT = 8080
WINDOW_SECONDS = 3600


class Command:
    """`caudal …` in a process; what it says goes to a log file."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as out:
            # A session of its own: Ctrl-C is for the demo, which then stops its parts in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "caudal", *arguments],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | {"PYTHONSAFEPATH": "1"},
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once `ready`; raise DemoError if the process ends before."""
        until = time.monotonic() + _START_SECONDS
        while not ready():
            if self._process.poll() is not None:
                raise DemoError(f"the {self.name} stopped: {self._last_line()}")
            if time.monotonic() > until:
                raise DemoError(f"the {self.name} is not ready after {_START_SECONDS:.0f} s; see {self._log}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to finish, and wait until it has."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise DemoError(
                f"the {self.name} did not finish in {_STOP_SECONDS:.0f} s; see {self._log}"
            ) from error
        if code not in (0, -signal.SIGTERM):
            raise DemoError(f"the {self.name} ended with {code}: {self._last_line()}")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


class Deployment:
    """A service on an embedded store and a collector beside it, in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._commands: list[Command] = []
        self.collector: Command | None = None
        self.url = ""
        self.exports = ("127.0.0.1", 0)
        self._metrics = ""

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if (self.directory / "store").exists():
                raise DemoError(
                    f"{self.directory} holds a demo already; give an empty --directory, or remove it"
                )
            self._configure()
            self._start_service()
            self.start_collector()
        except OSError as error:
            self.__exit__(None, None, None)
            raise DemoError(
                f"{self.directory} cannot be used: {error.strerror}; give another --directory"
            ) from error
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for command in reversed(self._commands):
            command.kill()

    def _configure(self) -> None:
        token = self.directory / "collector.token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        service, exports, metrics = _free_port(_PREFERRED_PORT), _free_port(udp=True), _free_port()
        self.url, self.exports = f"http://127.0.0.1:{service}", ("127.0.0.1", exports)
        self._metrics = f"http://127.0.0.1:{metrics}/metrics"
        (self.directory / "service.toml").write_text(
            f"""dsn = "chdb://{self.directory}/store"
listen = "127.0.0.1:{service}"
reference_overlay = "{economy.REFERENCE_OVERLAY}"

# A demo that is started again adds to its months.
[publication]
enabled = false

[[operators]]
id = "{economy.OPERATOR}"
name = "{economy.OPERATOR_NAME}"
economy = "{economy.ECONOMY}"
subscribers = {economy.SUBSCRIBERS}
subscribers_as_of = "2026-01-01"
asns = [64500]

[[collectors]]
id = "{economy.COLLECTOR}"
operator = "{economy.OPERATOR}"
token_file = "{token}"
"""
        )
        names = "\n".join(f'"{router.address}" = {{ name = "{router.name}" }}' for router in ROUTERS)
        home = ", ".join(f'"{prefix}"' for prefix in economy.HOME)
        (self.directory / "collector.toml").write_text(
            f"""collector = "{economy.COLLECTOR}"
operator = "{economy.OPERATOR}"
economy = "{economy.ECONOMY}"
synthetic = true
home = [{home}]
listen = ["127.0.0.1:{exports}"]
metrics_listen = "127.0.0.1:{metrics}"
state_directory = "{self.directory}/collector"
locations = "{economy.LOCATIONS}"
reference_overlay = "{economy.REFERENCE_OVERLAY}"
window_seconds = {WINDOW_SECONDS}
# One packet in a thousand of a small network's makes cells of few records, and nobody is behind these.
dominance_percent = 100

[service]
url = "{self.url}"
token_file = "{token}"

[exporters]
{names}
"""
        )

    def _start_service(self) -> None:
        arguments = ["serve", "--config", str(self.directory / "service.toml")]
        service = Command("service", arguments, self.directory / "service.log")
        self._commands.append(service)
        service.wait_until(lambda: _answers(f"{self.url}/readyz"))

    def start_collector(self) -> None:
        """Start the collector, and wait until it listens."""
        arguments = ["collect", "--config", str(self.directory / "collector.toml")]
        self.collector = Command("collector", arguments, self.directory / "collector.log")
        self._commands.append(self.collector)
        self.collector.wait_until(lambda: _answers(self._metrics))

    def stop_collector(self) -> None:
        """Let the collector close its windows and ship everything, and wait until it has."""
        assert self.collector is not None
        self.collector.stop()

    def metric(self, name: str) -> float:
        """Return a metric of the collector."""
        for line in httpx.get(self._metrics, timeout=60).text.splitlines():
            label, _, value = line.rpartition(" ")
            if label.partition("{")[0] == f"caudal_collector_{name}":
                return float(value)
        raise DemoError(f"the collector has no metric {name}")

    def get(self, path: str) -> httpx.Response:
        """Return the service's answer, as soon as it is not busy with others'; raise DemoError if it is none."""
        until = time.monotonic() + _ANSWER_SECONDS
        answer = httpx.get(self.url + path, timeout=_ANSWER_SECONDS)
        while answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < until:
            # On a machine that does much else an answer can take longer than the service lets others wait.
            time.sleep(float(answer.headers.get("retry-after", 1)))
            answer = httpx.get(self.url + path, timeout=_ANSWER_SECONDS)
        if answer.status_code != 200:
            raise DemoError(f"{path} answers {answer.status_code}: {answer.text[:300]}")
        return answer

    def store_bytes(self) -> int:
        """Return the bytes that the store takes on disk."""
        files = [path for path in (self.directory / "store").rglob("*") if path.is_file()]
        return sum(path.stat().st_blocks * 512 for path in files if path.exists())


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _free_port(preferred: int = 0, *, udp: bool = False) -> int:
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("no port is free on 127.0.0.1")
