"""A real exporter, and a second opinion: softflowd exports captures to the running collector, and to nfcapd.

The truth is the captures, their packets added up with scapy and numpy; nothing of Caudal takes part in
that. The collector runs as the command that operators run, and is asked for what it has spooled.
"""

import gzip
import ipaddress
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from scapy.utils import RawPcapReader, wrpcap

from bench.process import udp_port
from caudal.contract.batch import LEDGER_COUNTS, Batch, decode_batch
from caudal.demo.processes import Command
from tests.support.patience import PATIENCE_SECONDS, wait_until

DATA = Path(__file__).parent / "data"
HOME = ("10.20.0.0/16", "2001:db8:20::/48")
VERSIONS = (5, 9, 10)
DIRECTION = {(True, False): "out", (False, True): "in", (True, True): "internal", (False, False): "transit"}
_MOST_RECORDS = 32  # in one of softflowd's IPFIX messages
TRANSPORT = {6: "tcp", 17: "udp"}
LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")

pytestmark = pytest.mark.skipif(
    shutil.which("softflowd") is None, reason="softflowd is not installed (Debian package softflowd)"
)
needs_nfdump = pytest.mark.skipif(
    shutil.which("nfcapd") is None or shutil.which("nfdump") is None,
    reason="nfcapd and nfdump are not installed (Debian package nfdump)",
)


@dataclass(frozen=True)
class Packets:
    """The packets of captures as columns: direction, IP version, transport and IP bytes."""

    direction: np.ndarray
    version: np.ndarray
    transport: np.ndarray
    octets: np.ndarray

    def sums(self, *, only4: bool) -> dict[tuple[str, int, str], tuple[int, int]]:
        """Return (bytes, packets) by direction, IP version and transport; version 5 can say IPv4 only."""
        found = {}
        for key in sorted(set(zip(self.direction, self.version, self.transport, strict=True))):
            if key[1] == 4 or not only4:
                which = (self.direction == key[0]) & (self.version == key[1]) & (self.transport == key[2])
                found[str(key[0]), int(key[1]), str(key[2])] = (
                    int(self.octets[which].sum()),
                    int(which.sum()),
                )
        return found


def read_packets(captures: list[Path]) -> Packets:
    home = [ipaddress.ip_network(prefix) for prefix in HOME]

    def is_home(address: str) -> bool:
        return any(ipaddress.ip_address(address) in network for network in home)

    rows = []
    for capture in captures:
        with RawPcapReader(str(capture)) as reader:
            for frame, _ in reader:
                ether = Ether(frame)
                six = IPv6 in ether
                ip = ether[IPv6] if six else ether[IP]
                protocol = ip.nh if six else ip.proto
                rows.append(
                    (
                        DIRECTION[is_home(ip.src), is_home(ip.dst)],
                        6 if six else 4,
                        TRANSPORT.get(protocol, "other"),
                        ip.plen + 40 if six else ip.len,
                    )
                )
    return Packets(*(np.array(column) for column in zip(*rows, strict=True)))


def make_capture(path: Path, seed: int, packets: int) -> Path:
    """Write a capture of traffic of all four directions, both IP versions, several protocols, big and small."""
    chance = random.Random(seed)
    hosts4 = [f"10.20.{number >> 4}.{number & 15}" for number in range(1, 60)]
    hosts6 = [f"2001:db8:20:{number:x}::1" for number in range(1, 60)]
    far4 = [f"203.0.{chance.randrange(256)}.{chance.randrange(1, 255)}" for _ in range(200)]
    far6 = [f"2a00:{chance.randrange(1, 0xFFFF):x}::{chance.randrange(1, 0xFFFF):x}" for _ in range(80)]
    began = int(time.time()) - 900
    frames: list[Packet] = []
    while len(frames) < packets:
        six = chance.random() < 0.3
        near, far = (hosts6, far6) if six else (hosts4, far4)
        ends = chance.choices(((near, far), (far, near), (near, near), (far, far)), (5, 5, 1, 1))[0]
        source, destination = chance.choice(ends[0]), chance.choice(ends[1])
        protocol = chance.choices((TCP, UDP, None), (6, 3, 1))[0]
        ports = {"sport": chance.randrange(1024, 65_536), "dport": chance.choice((443, 53, 80))}
        at = began + chance.random() * 500
        for number in range(chance.randrange(1, 8)):
            ip = (
                IPv6(src=source, dst=destination, nh=50) if six else IP(src=source, dst=destination, proto=50)
            )
            if protocol is not None:
                ip = IPv6(src=source, dst=destination) if six else IP(src=source, dst=destination)
                ip /= protocol(**ports)
            frame = LINK / ip / bytes(chance.choice((0, 7, 100, 1_200, 1_400)))
            frame.time = at + number * 0.05
            frames.append(frame)
    wrpcap(str(path), sorted(frames, key=lambda frame: frame.time))
    return path


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _has_room(port: int) -> bool:
    """Return whether little waits at a port: softflowd is faster than whoever reads, and buffers are small."""
    state = udp_port(port)
    return state is not None and state[0] < 100_000


class Tee:
    """A UDP socket that hands every datagram to several ports of loopback, and counts them."""

    def __init__(self, *ports: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._to = [("127.0.0.1", port) for port in ports]
        self.datagrams = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            # An empty datagram is ours, and the last.
            while datagram := self._socket.recv(65_536):
                self.datagrams += 1
                for address in self._to:
                    wait_until(lambda: _has_room(address[1]))  # noqa: B023  # called at once
                    out.sendto(datagram, address)

    def close(self) -> None:
        """Hand on what has come, and end."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


def export(capture: Path, version: int, port: int, directory: Path) -> None:
    """Let softflowd export a capture; by itself it would write to /run and try to detach."""
    subprocess.run(
        [
            *("softflowd", "-r", str(capture), "-v", str(version), "-n", f"127.0.0.1:{port}", "-d"),
            *("-c", "none", "-p", str(directory / "softflowd.pid"), "-m", "200000", "-T", "full"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=PATIENCE_SECONDS,
    )


class Collector:
    """`caudal collect`, with nobody to ship to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, metrics = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self._metrics = f"http://127.0.0.1:{metrics}/metrics"
        (directory / "token").write_text("a-token-for-this-test-only-0123456789")
        config = directory / "collector.toml"
        config.write_text(
            f"""collector = "test-1"
operator = "test-net"
economy = "XA"
home = {list(HOME)}
listen = ["127.0.0.1:{self.port}"]
metrics_listen = "127.0.0.1:{metrics}"
state_directory = "state"
drain_seconds = 0
k_anonymity = 1
[service]
url = "http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
token_file = "token"
"""
        )
        self.command = Command("collector", ["collect", "--config", str(config)], directory / "log")

    def wait(self) -> None:
        """Wait until it answers."""
        self.command.wait_until(self._answers)

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(self._metrics, timeout=PATIENCE_SECONDS).status_code == 200
        return False

    def metric(self, name: str) -> float:
        lines = httpx.get(self._metrics, timeout=PATIENCE_SECONDS).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"caudal_collector_{name} "))

    def wait_for(self, datagrams: int) -> None:
        """Wait until it has taken so many datagrams."""
        wait_until(lambda: self.metric("datagrams_total") == datagrams)

    def stop(self) -> list[Batch]:
        """Stop it and return everything it has spooled."""
        self.command.stop()
        paths = sorted((self.directory / "state" / "spool").glob("*.batch"))
        return [decode_batch(path.read_bytes()) for path in paths]


def sums(batches: list[Batch]) -> dict[tuple[str, int, str], tuple[int, int]]:
    """Return (bytes, packets) by direction, IP version and transport."""
    found: dict[tuple[str, int, str], tuple[int, int]] = {}
    for batch in batches:
        names = ("direction", "ip_version", "transport", "bytes", "packets")
        for *key, octets, packets in zip(*(batch.flows[name].to_pylist() for name in names), strict=True):
            direction, version, transport = key
            before = found.get((direction, version, transport), (0, 0))
            found[direction, version, transport] = (before[0] + octets, before[1] + packets)
    return found


def ledger(batches: list[Batch], name: str) -> int:
    return sum(sum(batch.ledger[name].to_pylist()) for batch in batches)


@contextmanager
def nfcapd(directory: Path) -> Iterator[int]:
    """Run nfcapd on a port; when the block ends, so does nfcapd, and its files are whole."""
    port = free_port(socket.SOCK_DGRAM)
    process = subprocess.Popen(
        ["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(directory), "-B", "4000000"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: udp_port(port) is not None)
        yield port
        wait_until(lambda: udp_port(port) in (None, (0, 0)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def nfdump(directory: Path) -> dict[str, int]:
    said = subprocess.run(
        ["nfdump", "-R", str(directory), "-I", "-q"], capture_output=True, text=True, check=True
    ).stdout
    lines = (line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return {name: int(value) for name, value in lines if value.strip().isdigit()}


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("captures")
    recorded = directory / "recorded.pcap"
    recorded.write_bytes(gzip.decompress((DATA / "traffic.pcap.gz").read_bytes()))
    return [recorded, make_capture(directory / "made.pcap", seed=3, packets=2_000)]


@pytest.fixture(scope="module")
def truth(captures: list[Path]) -> Packets:
    return read_packets(captures)


@dataclass(frozen=True)
class Seen:
    """What the collector and, where it is installed, nfcapd have of softflowd's exports."""

    batches: list[Batch]
    nfdump: dict[str, int]


@pytest.fixture(scope="module")
def seen(captures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Seen]:
    """Export both captures in each version, to a collector and an nfcapd for each version."""
    second = shutil.which("nfcapd") is not None and shutil.which("nfdump") is not None
    directories = {version: tmp_path_factory.mktemp(f"version-{version}") for version in VERSIONS}
    found = {}
    with ExitStack() as stack:
        # Three at once: each takes seconds to start.
        collectors = {version: Collector(directory) for version, directory in directories.items()}
        for collector in collectors.values():
            stack.callback(collector.command.kill)
        for version, collector in collectors.items():
            collector.wait()
            files = directories[version] / "nfcapd"
            files.mkdir()
            with ExitStack() as both:
                ports = [collector.port, *([both.enter_context(nfcapd(files))] if second else [])]
                tee = both.enter_context(closing(Tee(*ports)))
                for capture in captures:
                    export(capture, version, tee.port, directories[version])
            collector.wait_for(tee.datagrams)
            found[version] = Seen(collector.stop(), nfdump(files) if second else {})
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_sums_are_those_of_the_capture(seen: dict[int, Seen], truth: Packets, version: int) -> None:
    expected = truth.sums(only4=version == 5)
    assert {direction for direction, _, _ in expected} == {"out", "in", "internal", "transit"}
    assert sums(seen[version].batches) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_the_ledger_accounts_for_every_record(seen: dict[int, Seen], version: int) -> None:
    counts = {name: ledger(seen[version].batches, name) for name in LEDGER_COUNTS}
    assert counts["received"] == counts["decoded"] == counts["aggregated"] > 1_000
    nothing = ("waiting", "malformed", "filtered", "lost_datagrams", "kernel_drops")
    assert {name: counts[name] for name in nothing} == dict.fromkeys(nothing, 0)
    # softflowd counts an IPFIX message's own records in its sequence number, against RFC 7011: the collector
    # finds that out and takes back what looked lost, at times only with the next message.
    assert abs(counts["lost"]) <= (_MOST_RECORDS if version == 10 else 0)


@needs_nfdump
@pytest.mark.parametrize("version", VERSIONS)
def test_nfcapd_has_the_same_of_the_same_datagrams(seen: dict[int, Seen], version: int) -> None:
    batches, dumped = seen[version].batches, seen[version].nfdump
    own = [
        sum(sum(batch.flows[name].to_pylist()) for batch in batches) for name in ("flows", "bytes", "packets")
    ]
    assert own == [dumped[name] for name in ("Flows", "Bytes", "Packets")]


def test_another_capture_would_be_told_apart(seen: dict[int, Seen], captures: list[Path]) -> None:
    """The comparison above can fail: with the truth of one capture of the two it does."""
    assert sums(seen[9].batches) != read_packets(captures[:1]).sums(only4=False)
