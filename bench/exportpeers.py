"""Caudal beside collectors written in C, on the same datagrams: cost of a record, and loss as the rate grows."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench import process
from bench.daemons import (
    WINDOW_SECONDS,
    CaudalCollect,
    Daemon,
    Left,
    Nfacctd,
    NfacctdMapping,
    Nfcapd,
    Sender,
    Sfacctd,
)
from bench.exports import FORMATS, SAMPLING
from bench.figure import Figure, Section, failed
from bench.samples import SFLOW

EXPORTERS = 4
_FLOW_DAEMONS: tuple[type[Daemon], ...] = (CaudalCollect, Nfcapd, Nfacctd, NfacctdMapping)
_SAMPLE_DAEMONS: tuple[type[Daemon], ...] = (CaudalCollect, Sfacctd)
_FORMATS = ("NetFlow v5", "NetFlow v9", "IPFIX", SFLOW)
_LOSS_OF = "NetFlow v9"
_WARM_UP = (1_000.0, 1.0)
_PER_CPU = "records/CPU s"
_METHOD = (
    "Each daemon in turn, alone, on one core; a sender on another plays four exporters of one format over UDP on "
    f"loopback, and every daemon asks for a receive buffer of 32 MiB. A step lasts {WINDOW_SECONDS} s, which is also how "
    "often each closes a window or a file. Records per CPU second are those that arrived, divided by user and system "
    "time of the daemon and its children during the step: receiving, decoding, and whatever it then does, to disk. "
    "They do not do the same: {configurations}. It is checked that what each left behind holds every record that "
    "arrived, and the same sum of bytes. (nfcapd and nfacctd leave bytes unscaled where they do not apply the sampling "
    "rate that the options record announces; either sum is taken.)"
)


@dataclass(frozen=True)
class Step:
    """One rate, and what became of it with one daemon."""

    daemon: str
    format: str
    asked: float
    offered: float
    sent: int
    lost: int
    records: int
    cpu_seconds: float
    resident_bytes: int

    @property
    def per_cpu_second(self) -> float:
        """Records that arrived, for each second of CPU time."""
        return self.records / max(self.cpu_seconds, process.CLOCK_SECONDS)

    @property
    def lost_percent(self) -> float:
        """Of the datagrams sent."""
        return 100 * self.lost / self.sent


@dataclass(frozen=True)
class Run:
    """One daemon from start to end, on one format."""

    steps: list[Step]
    left: Left
    wrong: str


def measure(
    common_rate: float = 20_000.0,
    rates: Iterable[float] = (50_000.0, 100_000.0, 200_000.0),
    seconds: float = WINDOW_SECONDS,
    datagrams: int = 1024,
    rounds: int = 1,
    formats: Iterable[str] = _FORMATS,
) -> list[Section]:
    """Return the sections on cost, loss and memory.

    All daemons get `common_rate` datagrams a second; Caudal and nfcapd get the higher `rates` too.
    """
    runs: dict[tuple[str, type[Daemon]], list[Run]] = {}
    for number in range(rounds):
        for name in formats:
            daemons = _SAMPLE_DAEMONS if name == SFLOW else _FLOW_DAEMONS
            for daemon in daemons if number % 2 == 0 else reversed(daemons):
                if not daemon.installed():
                    continue
                fast = daemon in (CaudalCollect, Nfcapd, Sfacctd)
                asked = [common_rate, *(rates if fast else ())]
                runs.setdefault((name, daemon), []).append(run(daemon, name, asked, seconds, datagrams))
    every = {daemon for name in formats for daemon in (_SAMPLE_DAEMONS if name == SFLOW else _FLOW_DAEMONS)}
    names = [each for each in (*_FLOW_DAEMONS, Sfacctd) if each in every]
    method = _METHOD.format(configurations="; ".join(each.configuration for each in names))
    details = {"steps": [asdict(step) for found in runs.values() for each in found for step in each.steps]}
    return [
        Section("Export datagrams, beside collectors in C", method, _costs(runs, formats), details),
        Section(
            "Loss against the rate offered",
            "The same runs. A rate is what the sender was asked for; datagrams that the kernel dropped at the daemon's "
            "socket are lost. All daemons have one core.",
            _losses(runs, formats),
        ),
        Section(
            "Memory",
            "Resident memory of each daemon and its children at its highest, in the same runs.",
            _memory(runs, formats),
        ),
    ]


def run(daemon: type[Daemon], name: str, rates: list[float], seconds: float, datagrams: int) -> Run:
    """Run a daemon through the rates on one format; its files are gone when this returns."""
    cores = sorted(os.sched_getaffinity(0))
    own, other = (cores[0], cores[1]) if len(cores) > 1 else (-1, -1)
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as directory:
        at_work = daemon(Path(directory) / "daemon", own)
        with at_work, Sender(at_work.port, other, datagrams, [name] * EXPORTERS) as sender:
            sent = Counter(sender.send(*_WARM_UP))
            at_work.drain()
            steps = []
            for rate in rates:
                step, more = _step(at_work, sender, name, rate, seconds)
                steps.append(step)
                sent.update(more)
            whole = not at_work.lost()
            left = at_work.stop()
    return Run(steps, left, _disagreement(left, sent, daemon.beyond_ip) if whole else "")


def _step(
    daemon: Daemon, sender: Sender, name: str, rate: float, seconds: float
) -> tuple[Step, dict[str, float]]:
    used, lost = daemon.cpu_seconds(), daemon.lost()
    began = time.monotonic()
    sent = sender.send(rate, seconds)
    daemon.drain()
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    lost = daemon.lost() - lost
    step = Step(
        daemon=daemon.name,
        format=name,
        asked=rate,
        offered=sent["sent"] / sent["seconds"],
        sent=int(sent["sent"]),
        lost=lost,
        records=round(sent["records"] * (1 - lost / sent["sent"])),
        cpu_seconds=daemon.cpu_seconds() - used,
        resident_bytes=process.memory_bytes(daemon.pid),
    )
    return step, sent


def _disagreement(left: Left, sent: Mapping[str, float], beyond_ip: int) -> str:
    """Return what is wrong where nothing was lost: records (if it counts them) and bytes must be those sent."""
    if left.records is not None and left.records != sent["records"]:
        return f"{left.records} records were stored, {sent['records']:.0f} were sent"
    octets = sent["bytes"] + beyond_ip * sent["records"]
    if left.bytes not in (octets, octets * SAMPLING):
        return f"{left.bytes} bytes were added up, {octets:.0f} were sent, sampled 1:{SAMPLING}"
    return ""


def _peers(name: str) -> list[type[Daemon]]:
    daemons = _SAMPLE_DAEMONS if name == SFLOW else _FLOW_DAEMONS
    return [daemon for daemon in daemons if daemon is not CaudalCollect]


def _costs(runs: dict[tuple[str, type[Daemon]], list[Run]], formats: Iterable[str]) -> list[Figure]:
    figures = []
    for name in formats:
        ours = runs[name, CaudalCollect]
        per = f", {FORMATS[name].records} records a datagram" if name in FORMATS else ", 6 samples a datagram"
        for peer in _peers(name):
            theirs = runs.get((name, peer))
            what = f"{name}{per}"
            values = [each.steps[0].per_cpu_second for each in ours]
            if theirs is None:
                figures.append(_missing(what, values, peer))
                continue
            wrong = next((each.wrong for each in (*ours, *theirs) if each.wrong), "")
            if wrong:
                figures.append(failed(what, _PER_CPU, peer.name, wrong))
                continue
            for at, step in enumerate(theirs[0].steps):
                own = [each.steps[at].per_cpu_second for each in ours]
                other = [each.steps[at].per_cpu_second for each in theirs]
                ratio = median(mine / their for mine, their in zip(own, other, strict=True))
                figures.append(
                    Figure(
                        f"{what}, {step.asked:,.0f} datagrams/s",
                        _PER_CPU,
                        median(own),
                        min(own),
                        max(own),
                        peer.name,
                        median(other),
                        ratio,
                    )
                )
    return figures


def _missing(what: str, values: list[float], peer: type[Daemon]) -> Figure:
    return Figure(
        what,
        _PER_CPU,
        median(values),
        min(values),
        max(values),
        peer.name,
        status="missing",
        note="not installed",
    )


def _losses(runs: dict[tuple[str, type[Daemon]], list[Run]], formats: Iterable[str]) -> list[Figure]:
    figures = []
    for name in formats:
        ours = runs[name, CaudalCollect]
        for peer in _peers(name):
            theirs = runs.get((name, peer))
            if theirs is None or len(theirs[0].steps) == 1:
                continue
            for at, step in enumerate(ours[0].steps):
                own = [each.steps[at].lost_percent for each in ours]
                other = [each.steps[at].lost_percent for each in theirs]
                what = f"{name}, {step.asked:,.0f} datagrams/s"
                note = (
                    "" if step.offered > 0.95 * step.asked else f"the sender made {step.offered:,.0f} of it"
                )
                figures.append(
                    Figure(
                        what, "% lost", median(own), min(own), max(own), peer.name, median(other), note=note
                    )
                )
    return figures


def _memory(runs: dict[tuple[str, type[Daemon]], list[Run]], formats: Iterable[str]) -> list[Figure]:
    figures = []
    for name in formats:
        own = [each.left.peak_bytes / 2**20 for each in runs[name, CaudalCollect]]
        for peer in _peers(name):
            theirs = runs.get((name, peer))
            if theirs is not None:
                other = median(each.left.peak_bytes / 2**20 for each in theirs)
                figures.append(Figure(name, "MiB", median(own), min(own), max(own), peer.name, other))
    return figures
