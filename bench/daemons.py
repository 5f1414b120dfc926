"""The daemons that are measured: `caudal collect` and its peers, each as a process on one core."""

import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import numpy as np

from bench import process
from bench.exports import HOME

_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_DRAIN_SECONDS = 20.0
_LOOK_SECONDS = 0.2
_AT_REST = 0.15  # of a core
BUFFER_BYTES = 32 << 20
# The shortest there is for a window of ours: windows close many times in a short run.
WINDOW_SECONDS = 10


@dataclass(frozen=True)
class Left:
    """What a daemon had counted when it was stopped, and what it used from ready to gone."""

    records: int | None
    bytes: int
    cpu_seconds: float
    peak_bytes: int


class Daemon:
    """A process that receives export datagrams at a port of loopback, files in a directory of its own.

    `cpu_seconds` is since it was ready. `stop` lets it write what it has and reads that back.
    """

    name = ""
    program = ""
    configuration = ""
    # Octets of each sampled packet that it counts beyond IP.
    beyond_ip = 0

    def __init__(self, directory: Path, core: int = -1) -> None:
        self.directory = directory
        self.port = free_port(socket.SOCK_DGRAM)
        self._core = core
        self._at_start = 0.0

    @classmethod
    def installed(cls) -> bool:
        """Return whether the program is there."""
        return shutil.which(cls.program) is not None

    def command(self) -> list[str]:
        """Return the command, its configuration written."""
        raise NotImplementedError

    def read(self) -> tuple[int | None, int]:
        """Return (flow records, if it counts them, bytes scaled up by the sampling rate) in what the stopped daemon left."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Return whether it listens."""
        return process.udp_port(self.port) is not None

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / "log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                self.command(), cwd=_ROOT, stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
        if self._core >= 0:
            os.sched_setaffinity(self._process.pid, {self._core})
        until = time.monotonic() + _START_SECONDS
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__(None, None, None)
                said = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise RuntimeError(f"{self.name} did not start: {said}")
            time.sleep(0.05)
        self._at_start = process.cpu_seconds(self.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Return the CPU time used since it was ready, by children and the kernel for them included."""
        return process.cpu_seconds(self.pid) - self._at_start

    def lost(self) -> int:
        """Return how many datagrams the kernel dropped at its socket so far."""
        found = process.udp_port(self.port)
        return found[1] if found else 0

    def waiting(self) -> int:
        """Return how many octets wait in its socket."""
        found = process.udp_port(self.port)
        return found[0] if found else 0

    def drain(self) -> None:
        """Wait until nothing waits in its socket and it is at rest."""
        until = time.monotonic() + _DRAIN_SECONDS
        used = self.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            before, used = used, self.cpu_seconds()
            if not self.waiting() and used - before < _AT_REST * _LOOK_SECONDS:
                return

    def stop(self) -> Left:
        """Tell it to stop, wait until it has, and return what it counted and used."""
        self._process.send_signal(signal.SIGINT)
        used, peak = self.cpu_seconds(), 0
        until = time.monotonic() + _STOP_SECONDS
        while True:
            peak = max(peak, process.memory_bytes(self.pid))
            pid, _, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            used = max(used, self.cpu_seconds())
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} does not stop")
            time.sleep(0.01)
        self._process.returncode = 0
        # Of children that are not waited for only the look before they went tells.
        used = max(used, usage.ru_utime + usage.ru_stime - self._at_start)
        records, octets = self.read()
        return Left(records, octets, used, peak)


class CaudalCollect(Daemon):
    """`caudal collect`; without a `service` it ships to nobody."""

    name = "Caudal"
    program = sys.executable
    configuration = (
        "caudal collect with every feature on as shipped (k = 5, spool with fsync, metrics); "
        f"windows of {WINDOW_SECONDS} s; far ends located by AS and country"
    )

    def __init__(
        self, directory: Path, core: int = -1, *, window_seconds: int = WINDOW_SECONDS, service: str = ""
    ) -> None:
        super().__init__(directory, core)
        self._service = service or f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self._metrics_port = free_port(socket.SOCK_STREAM)
        self._window_seconds = window_seconds

    def command(self) -> list[str]:
        """Return the command, its settings written."""
        (self.directory / "token").write_text("not-used-by-anybody\n", encoding="utf-8")
        config = self.directory / "collector.toml"
        home = ", ".join(f'"{prefix}"' for prefix in HOME)
        config.write_text(
            f"""collector = "bench"
operator = "bench"
economy = "XA"
synthetic = true
home = [{home}]
listen = ["127.0.0.1:{self.port}"]
metrics_listen = "127.0.0.1:{self._metrics_port}"
state_directory = "{self.directory}/state"
window_seconds = {self._window_seconds}
lateness_seconds = 0
drain_seconds = 0
receive_buffer_bytes = {BUFFER_BYTES}

[service]
url = "{self._service}"
token_file = "{self.directory}/token"
""",
            encoding="utf-8",
        )
        return [sys.executable, "-m", "caudal", "collect", "--config", str(config)]

    def ready(self) -> bool:
        """Return whether it answers."""
        try:
            self.metrics()
        except httpx.TransportError:
            return False
        return True

    def metrics(self) -> Counter[str]:
        """Return the collector's own counts, those of several labels added up."""
        found: Counter[str] = Counter()
        for line in httpx.get(f"http://127.0.0.1:{self._metrics_port}/metrics").text.splitlines():
            if line.startswith("caudal_collector_"):
                label, _, value = line.rpartition(" ")
                name = label.partition("{")[0].removeprefix("caudal_collector_").removesuffix("_total")
                found[name] += int(float(value))
        return found

    def spooled(self) -> list[Path]:
        """Return the batches in the spool."""
        return sorted((self.directory / "state" / "spool").glob("*.batch"))

    def read(self) -> tuple[int, int]:
        """Add up the batches in the spool."""
        from caudal.contract.batch import decode_batch

        batches = [decode_batch(path.read_bytes()) for path in self.spooled()]
        return (
            sum(sum(batch.flows["flows"].to_pylist()) for batch in batches),
            sum(sum(batch.flows["bytes"].to_pylist()) for batch in batches),
        )


class Nfcapd(Daemon):
    """nfcapd of nfdump: every record as it is, into files."""

    name = "nfcapd"
    program = "nfcapd"
    configuration = (
        f"nfcapd -t {WINDOW_SECONDS}: stores every record in files, not compressed; adds up nothing"
    )

    def command(self) -> list[str]:
        """Return the command."""
        files = self.directory / "files"
        files.mkdir(exist_ok=True)
        place = ["-b", "127.0.0.1", "-p", str(self.port), "-w", str(files)]
        return [self.program, *place, "-t", str(WINDOW_SECONDS), "-B", str(BUFFER_BYTES)]

    def read(self) -> tuple[int, int]:
        """Let nfdump add up the files."""
        return read_nfdump(self.directory / "files")[:2]


class Nfacctd(Daemon):
    """nfacctd of pmacct: sums by source and destination AS."""

    name = "nfacctd"
    program = "nfacctd"
    configuration = (
        "nfacctd: sums by src_as and dst_as as the records state them, sampling corrected, print plugin to CSV every "
        f"{WINDOW_SECONDS} s; core process and plugin on the same core"
    )
    _prefix = "nfacctd"

    def command(self) -> list[str]:
        """Return the command, its configuration written."""
        config = self.directory / "pmacct.conf"
        config.write_text(
            f"""{self._prefix}_ip: 127.0.0.1
{self._prefix}_port: {self.port}
{self._prefix}_pipe_size: {BUFFER_BYTES}
{self._prefix}_renormalize: true
plugins: print[sums]
aggregate[sums]: src_as, dst_as
print_output[sums]: csv
print_output_file[sums]: {self.directory}/sums-%s.csv
print_output_file_append[sums]: true
print_refresh_time[sums]: {WINDOW_SECONDS}
plugin_pipe_size[sums]: 134217728
plugin_buffer_size[sums]: 131072
""",
            encoding="utf-8",
        )
        return [self.program, "-f", str(config)]

    def read(self) -> tuple[int | None, int]:
        """Add up the CSV files: they hold packets and bytes, no count of records."""
        octets = 0
        for path in self.directory.glob("sums-*.csv"):
            lines = path.read_text("ascii").splitlines()
            at = lines[0].split(",").index("BYTES") if lines else 0
            octets += sum(int(line.split(",")[at]) for line in lines if line[:1].isdigit())
        return None, octets


class NfacctdMapping(Nfacctd):
    """The same, with the AS of each end looked up in a list of prefixes, as Caudal does."""

    name = "nfacctd mapping"
    configuration = (
        "nfacctd mapping: the same, but AS numbers looked up by address (nfacctd_as: file) in a networks_file "
        "with the IPv4 prefixes of Caudal's own address table"
    )

    def command(self) -> list[str]:
        """Return the command, its configuration and the list of prefixes written."""
        command = super().command()
        networks = write_networks(self.directory / "networks")
        with (self.directory / "pmacct.conf").open("a", encoding="utf-8") as file:
            file.write(f"{self._prefix}_as: file\nnetworks_file: {networks}\n")
        return command


class Sfacctd(Nfacctd):
    """sfacctd of pmacct: the same for sFlow."""

    name = "sfacctd"
    program = "sfacctd"
    configuration = (
        "sfacctd: sums by src_as and dst_as (none in the samples), counting Ethernet headers too, print plugin to CSV "
        f"every {WINDOW_SECONDS} s"
    )
    beyond_ip = 14
    _prefix = "sfacctd"


def read_nfdump(files: Path) -> tuple[int, int, int]:
    """Return (flow records, bytes, packets) that nfdump finds in a directory of nfcapd's or nfpcapd's."""
    said = subprocess.run(
        ["nfdump", "-R", str(files), "-I", "-q"], capture_output=True, text=True, check=True
    ).stdout
    found = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return int(found["Flows"]), int(found["Bytes"]), int(found["Packets"])


def write_networks(path: Path) -> Path:
    """Write the IPv4 part of Caudal's address table, to the /24, as pmacct's list of `AS,prefix`."""
    from caudal.reference import AddressTable

    table = AddressTable.load()
    asn = table.asn[table.segments4(np.arange(1 << 24, dtype=np.uint32) << np.uint32(8))]
    first = np.flatnonzero(np.diff(asn, prepend=np.uint32(0)))
    last = np.append(first[1:], 1 << 24)
    with path.open("w", encoding="ascii") as file:
        for start, end in zip(first.tolist(), last.tolist(), strict=True):
            at = start
            while asn[start] and at < end:
                # The largest aligned block that begins here and ends in time.
                size = min(at & -at or 1 << 24, 1 << (end - at).bit_length() - 1)
                file.write(f"{asn[start]},{ipaddress.IPv4Address(at << 8)}/{25 - size.bit_length()}\n")
                at += size
    return path


class Sender:
    """The sending process; `formats` names an exporter for each."""

    def __init__(self, port: int, core: int, datagrams: int, formats: list[str]) -> None:
        self._arguments = [str(port), str(core), str(datagrams), *formats]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sender", *self._arguments],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def send(self, rate: float, seconds: float) -> dict[str, float]:
        """Send for so long at so many datagrams a second; return what was sent, and in what time."""
        assert self._process.stdin is not None
        print(rate, seconds, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sender has ended; its error stands above")
        answer: dict[str, float] = json.loads(line)
        return answer


def free_port(kind: socket.SocketKind) -> int:
    """Return a port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
