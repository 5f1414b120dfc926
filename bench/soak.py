"""A long run at a steady rate: does memory stay flat, and does everything arrive?"""

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from bench import process
from bench.daemons import CaudalCollect, Sender
from bench.exports import FORMATS
from bench.figure import Section, alone

_EXPORTERS_OF_EACH = 2
_STEP_SECONDS = 10.0
# The first part of a run fills tables and caches, which is no growth.
_SETTLED = 1 / 3
_METHOD = (
    "`caudal collect` on one core, the sender on the other, eight exporters (two of each flow format), windows of {window} s; "
    "what is spooled is shipped to a service that acknowledges everything. Resident memory is looked at every "
    f"{_STEP_SECONDS:.0f} s; its growth is the slope of a straight line through the last two thirds of the run."
)


@dataclass(frozen=True)
class Look:
    """The collector at one moment: seconds since the start, and what it had used and lost until then."""

    seconds: float
    resident_bytes: int
    cpu_seconds: float
    sent: int
    lost: int
    spooled: int


def measure(
    minutes: float = 5.0,
    rate: float = 50_000.0,
    step_seconds: float = _STEP_SECONDS,
    window_seconds: int = 60,
) -> Section:
    """Return what a run of so many minutes at so many datagrams a second showed."""
    cores = sorted(os.sched_getaffinity(0))
    own, other = (cores[0], cores[1]) if len(cores) > 1 else (-1, -1)
    formats = [name for name in FORMATS for _ in range(_EXPORTERS_OF_EACH)]
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as directory, _service() as service:
        collector = CaudalCollect(
            Path(directory) / "collector", own, window_seconds=window_seconds, service=service.url
        )
        with collector, Sender(collector.port, other, 1024, formats) as sender:
            looks = list(_looks(collector, sender, minutes * 60, rate, step_seconds))
            sent = sum(step.sent for step in looks)
            left = collector.stop()
    lost = looks[-1].lost
    resident = [look.resident_bytes / 2**20 for look in looks]
    seconds = looks[-1].seconds
    growth = _growth(looks)
    figures = [
        alone("Rate", "datagrams/s", [sent / seconds], f"for {seconds / 60:.1f} min"),
        alone("Lost", "datagrams", [float(lost)], f"of {sent:,}"),
        alone("Resident memory", "MiB", resident, f"{resident[0]:.0f} at first, {resident[-1]:.0f} at last"),
        alone("Growth", "MiB/h", [max(0.0, growth)], f"slope {growth:+.1f}"),
        alone("CPU", "% of a core", [100 * looks[-1].cpu_seconds / seconds]),
        alone(
            "Shipped",
            "bytes/window",
            [service.octets / max(1, service.batches)],
            f"{service.batches} batches",
        ),
    ]
    details = {"looks": [asdict(look) for look in looks], "left": asdict(left)}
    return Section("Soak", _METHOD.format(window=window_seconds), figures, details)


def _looks(
    collector: CaudalCollect, sender: Sender, seconds: float, rate: float, step_seconds: float
) -> Iterator[Look]:
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        sent = sender.send(rate, min(step_seconds, seconds - elapsed))
        yield Look(
            seconds=time.monotonic() - began,
            resident_bytes=process.memory_bytes(collector.pid, "VmRSS"),
            cpu_seconds=collector.cpu_seconds(),
            sent=int(sent["sent"]),
            lost=collector.lost(),
            spooled=len(collector.spooled()),
        )


def _growth(looks: list[Look]) -> float:
    """Return the slope of resident memory, in MiB an hour."""
    settled = looks[int(len(looks) * _SETTLED) :]
    if len(settled) < 2:
        return 0.0
    slope, _ = np.polyfit(
        [look.seconds / 3600 for look in settled], [look.resident_bytes / 2**20 for look in settled], 1
    )
    return float(slope)


class _Service:
    """A service that takes every batch and forgets it."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.batches = 0
        self.octets = 0


@contextmanager
def _service() -> Iterator[_Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.batches += 1
            service.octets += len(body)
            answer = json.dumps({"batch_id": hashlib.sha256(body).hexdigest()}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = _Service(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
