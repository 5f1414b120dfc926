"""Caudal beside meters written in C, on the same capture file."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.capture import generate
from bench.daemons import free_port, read_nfdump
from bench.figure import Figure, Section, alone
from bench.metering import metered
from caudal.reference import AddressTable

_UNIT = "packets/CPU s"
_LONGEST_SECONDS = 300.0
_METHOD = (
    "A generated pcap file (50,000 flows, frames cut to 96 bytes, a tenth IPv6; one packet in a hundred is whole and holds a "
    "name in DNS, TLS or QUIC), in the page cache, by CPU time on one core. From each peer's time that for a file of ten "
    "packets is taken away, so that starting counts for nobody. They do not do the same: Caudal meters flows by 5-tuple, "
    "looks for names and tags flows by them (the peers do nothing of that; without it, is a line of its own), locates flows "
    "and aggregates by window and cell; nfpcapd -r meters flows and stores each in a file, not compressed; pmacctd -I "
    "(pcap_savefile) sums by 5-tuple and prints CSV; softflowd -r meters flows and exports them as NetFlow v9 to nobody. It "
    "is checked that each found all packets, of IPv4 and of IPv6."
)
_NAMELESS = "without looking for names"


@dataclass(frozen=True)
class Metered:
    """CPU seconds, peak of resident memory in bytes, and the packets found (None where not told)."""

    cpu_seconds: float
    peak_bytes: int
    packets: int | None


def measure(packets: int = 2_000_000, rounds: int = 3) -> Section:
    """Return the figures for a capture of so many packets."""
    table = AddressTable.load()
    table.accelerate()
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as name:
        directory = Path(name)
        path, tiny = generate(directory / "bench.pcap", packets), generate(directory / "tiny.pcap", 10)
        metered(tiny, table)  # the first time loads libraries and kernels, too
        peers = {name: run for name, run in _PEERS.items() if shutil.which(name)}
        own: list[float] = []
        nameless: list[float] = []
        others: dict[str, list[Metered]] = {name: [] for name in peers}
        wrong: dict[str, str] = {}
        for _ in range(rounds):
            seconds, found = metered(path, table)
            own.append(packets / seconds)
            nameless.append(packets / metered(path, table, names=False)[0])
            if found != packets:
                wrong["Caudal"] = f"aggregates hold {found} packets, generated were {packets}"
            for peer, run in peers.items():
                fixed = _run(run, tiny, directory / "work")
                whole = _run(run, path, directory / "work")
                if whole.packets != packets:
                    wrong[peer] = f"{peer} found {whole.packets} packets, generated were {packets}"
                others[peer].append(
                    Metered(whole.cpu_seconds - fixed.cpu_seconds, whole.peak_bytes, whole.packets)
                )
    figures = [_figure(packets, peer, own, others.get(peer), wrong) for peer in _PEERS]
    figures.append(alone(f"{packets:,} packets, {_NAMELESS}", _UNIT, nameless))
    memory = {peer: median(each.peak_bytes for each in found) for peer, found in others.items() if found}
    return Section("Capture files, beside meters in C", _METHOD, figures, {"peak_bytes": memory})


def _figure(
    packets: int, peer: str, own: list[float], others: list[Metered] | None, wrong: dict[str, str]
) -> Figure:
    what = f"{packets:,} packets"
    said = wrong.get("Caudal") or wrong.get(peer)
    if said:
        return Figure(what, _UNIT, 0.0, 0.0, 0.0, peer, status="FAILED", note=said)
    if others is None:
        return Figure(
            what,
            _UNIT,
            median(own),
            min(own),
            max(own),
            peer,
            status="missing",
            note=f"{peer} is not installed",
        )
    rates = [packets / each.cpu_seconds for each in others]
    ratio = median(mine / their for mine, their in zip(own, rates, strict=True))
    return Figure(what, _UNIT, median(own), min(own), max(own), peer, median(rates), ratio)


@dataclass(frozen=True)
class _Command:
    """A command, and how to read the number of packets from what it left."""

    words: list[str]
    packets: Callable[[str], int | None]


def _nfpcapd(path: Path, work: Path) -> _Command:
    return _Command(["nfpcapd", "-r", str(path), "-w", str(work)], lambda _: read_nfdump(work)[2])


def _pmacctd(path: Path, work: Path) -> _Command:
    config = work / "pmacctd.conf"
    config.write_text(
        f"""pcap_savefile: {path}
plugins: print[sums]
aggregate[sums]: src_host, dst_host, src_port, dst_port, proto
print_output[sums]: csv
print_output_file[sums]: {work}/sums.csv
print_refresh_time[sums]: 3600
plugin_pipe_size[sums]: 134217728
plugin_buffer_size[sums]: 131072
""",
        encoding="utf-8",
    )

    def packets(_: str) -> int:
        lines = (work / "sums.csv").read_text("ascii").splitlines()
        at = lines[0].split(",").index("PACKETS")
        return sum(int(line.split(",")[at]) for line in lines[1:])

    return _Command(["pmacctd", "-f", str(config)], packets)


def _softflowd(path: Path, work: Path) -> _Command:
    port = free_port(socket.SOCK_DGRAM)
    place = ["-p", str(work / "pid"), "-c", "none", "-n", f"127.0.0.1:{port}"]

    def packets(said: str) -> int | None:
        for line in said.splitlines():
            if line.startswith("Packets processed"):
                return int(line.rpartition(":")[2])
        return None

    return _Command(["softflowd", "-d", "-r", str(path), "-v", "9", "-m", "1000000", *place], packets)


_PEERS: dict[str, Callable[[Path, Path], _Command]] = {
    "nfpcapd": _nfpcapd,
    "pmacctd": _pmacctd,
    "softflowd": _softflowd,
}


def _run(make: Callable[[Path, Path], _Command], path: Path, work: Path) -> Metered:
    """Run a peer over a file on this thread's cores and return what it took."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    command = make(path, work)
    log = work.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(command.words, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    until = time.monotonic() + _LONGEST_SECONDS
    while True:
        pid, _, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > until:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.01)
    process.returncode = 0
    said = log.read_text("utf-8", "replace")
    return Metered(usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10, command.packets(said))
