"""Strangers do their worst, and somebody honest measures how long they wait: health, and a batch until it is acknowledged."""

import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np

from bench import process
from bench.figure import Figure, Section, failed
from bench.storing import COLLECTOR, OPERATOR, TOKEN, batch_of
from caudal.contract.batch import MEDIA_TYPE, decode_batch
from caudal.demo.traffic.economy import ECONOMY, REFERENCE_OVERLAY
from caudal.reference import load_reference
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.store.store import Store

_PUBLISHER = "only-for-this-run-of-the-bench-publisher"
_HONEST = "127.0.0.2"
_STRANGERS = 40
_BATCH_ROWS = 1000
_METHOD = (
    "The service in a process of its own on an embedded store (chDB) with {months} months, all cores shared with the flood; "
    "rate limits are off, as if the strangers had any number of addresses. Somebody honest asks /healthz and sends a batch of "
    "{rows:,} rows, by turns, until it is acknowledged, for {seconds:.0f} s under each flood. The figure is p99, the range p50 "
    "to the longest; the note says what the process grew by and how often the honest were refused."
)


@dataclass
class Waits:
    """What the honest waited, in seconds, and what they were refused."""

    health: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)
    refused: int = 0


def measure(seconds: float = 15.0, months: int = 36) -> Section:
    """Return what health and a batch take under each flood."""
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as name:
        _fill(Path(name), months)
        figures = _measured(Path(name), seconds)
    return Section("Floods", _METHOD.format(months=months, rows=_BATCH_ROWS, seconds=seconds), figures)


def _measured(directory: Path, seconds: float) -> list[Figure]:
    figures: list[Figure] = []
    with _service(directory) as (pid, port):
        url = f"http://127.0.0.1:{port}"
        bodies = _bodies()
        with _honest(url) as client:
            order = {"month": "2026-09", "economy": ECONOMY}
            made = client.post("/v1/vintages", json=order, headers={"Authorization": f"Bearer {_PUBLISHER}"})
            assert made.status_code == 201, made.text
        for title, flood in _FLOODS.items():
            before = process.memory_bytes(pid, "VmRSS")
            with _flooding(flood, port):
                waits = _wait(url, bodies, seconds)
            grown = (process.memory_bytes(pid, "VmRSS") - before) / 2**20
            note = f"{grown:+.0f} MiB, {waits.refused} refused of {len(waits.batch) + waits.refused}"
            figures += [
                _figure(f"{title}: /healthz", waits.health, note),
                _figure(f"{title}: batch", waits.batch, note),
            ]
    return figures


def _fill(directory: Path, months: int) -> None:
    """Make a store with so many months, up to 2026-10."""
    reference = load_reference(REFERENCE_OVERLAY)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with Store(f"chdb://{directory}/store") as store:
        migrate(store, lambda: now)
        for number in range(2026 * 12 + 10 - months, 2026 * 12 + 10):
            body = batch_of(reference, 2000, 10**9 + number, f"{number // 12}-{number % 12 + 1:02d}")
            Ingest(store).store_batch(decode_batch(body), body, now)


def _figure(what: str, waits: list[float], note: str) -> Figure:
    if not waits:
        return failed(what, "ms", "", f"nobody was answered; {note}")
    milliseconds = 1000 * np.array(waits)
    middle, late = np.quantile(milliseconds, [0.5, 0.99])
    note = f"p50 {middle:.0f} ms, p99 {late:.0f} ms of {len(waits)}; {note}"
    return Figure(what, "ms", float(late), float(middle), float(milliseconds.max()), note=note)


def _wait(url: str, bodies: Iterator[bytes], seconds: float) -> Waits:
    """Return what the honest wait while time goes by."""
    waits = Waits()
    until = time.monotonic() + seconds
    with _honest(url) as client:
        while time.monotonic() < until:
            began = time.perf_counter()
            with suppress(httpx.TransportError):
                client.get("/healthz").raise_for_status()
                waits.health.append(time.perf_counter() - began)
            body = next(bodies)
            began = time.perf_counter()
            status = 0
            with suppress(httpx.TransportError):
                status = _post(client, body)
            if status == 201:
                waits.batch.append(time.perf_counter() - began)
            else:
                waits.refused += 1
    return waits


def _post(client: httpx.Client, body: bytes) -> int:
    headers = {"Content-Type": MEDIA_TYPE, "Authorization": f"Bearer {TOKEN}"}
    return client.post("/v1/batches", content=body, headers=headers).status_code


def _honest(url: str) -> httpx.Client:
    return httpx.Client(
        base_url=url, transport=httpx.HTTPTransport(local_address=_HONEST), timeout=120, trust_env=False
    )


def _bodies() -> Iterator[bytes]:
    reference = load_reference(REFERENCE_OVERLAY)
    for seed in range(1_000_000):
        yield batch_of(reference, _BATCH_ROWS, seed, "2026-10")


@contextmanager
def _service(directory: Path) -> Iterator[tuple[int, int]]:
    for name, secret in (("token", TOKEN), ("publisher", _PUBLISHER)):
        (directory / name).write_text(secret, encoding="utf-8")
        (directory / name).chmod(0o600)
    config = directory / "service.toml"
    config.write_text(
        f'dsn = "chdb://{directory}/store"\nlisten = "127.0.0.1:0"\nreference_overlay = "{REFERENCE_OVERLAY}"\n'
        'publisher_token_file = "publisher"\npublication = { enabled = false }\n'
        f'operators = [{{ id = "{OPERATOR}", name = "Bench", economy = "{ECONOMY}" }}]\n'
        f'collectors = [{{ id = "{COLLECTOR}", operator = "{OPERATOR}", token_file = "token" }}]\n'
        'door = { rate_limit = "off", rate_limit_keys = "off" }\n',
        encoding="utf-8",
    )
    log = directory / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "caudal", "serve", "--config", str(config)], stdout=output, stderr=output
        )
    try:
        while b"serving at" not in log.read_bytes():
            if running.poll() is not None:
                raise RuntimeError(log.read_text("utf-8"))
            time.sleep(0.05)
        address = log.read_text("utf-8").partition("serving at http://")[2].split()[0]
        yield running.pid, int(address.rpartition(":")[2])
    finally:
        running.terminate()
        running.wait(60)


Flood = Callable[[int, int], None]


@contextmanager
def _flooding(flood: Flood | None, port: int) -> Iterator[None]:
    """Have a flood in a process of its own, so that it takes nothing from those who measure but the cores."""
    if flood is None:
        yield
        return
    running = multiprocessing.get_context("spawn").Process(target=_flood, args=(flood, port), daemon=True)
    running.start()
    try:
        # Until it has begun, threads and all.
        time.sleep(2)
        yield
    finally:
        running.terminate()
        running.join(30)


def _flood(flood: Flood, port: int) -> None:
    """Run a flood over and over, by many strangers at once."""

    def over_and_over(number: int) -> None:
        while True:
            with suppress(OSError, httpx.HTTPError):
                flood(port, number)

    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    threads = [threading.Thread(target=over_and_over, args=(n,), daemon=True) for n in range(_STRANGERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _connect(port: int, number: int, receive_bytes: int | None = None) -> socket.socket:
    opened = socket.socket()
    if receive_bytes is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    opened.settimeout(120)
    opened.bind((f"127.0.3.{1 + number}", 0))
    opened.connect(("127.0.0.1", port))
    return opened


def _get(port: int, number: int, target: str) -> None:
    with _connect(port, number) as opened:
        opened.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while opened.recv(1 << 16):
            pass


def _huge_body(port: int, number: int) -> None:
    with _connect(port, number) as opened:
        opened.sendall(b"POST /v1/vintages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 805306368\r\n\r\n")
        for _ in range(768):
            opened.sendall(bytes(1 << 20))


def _recomputation(port: int, number: int) -> None:
    _get(port, number, f"/v1/vintages/{ECONOMY}-2026-09-v1/recomputation")


def _indicator(port: int, number: int) -> None:
    _get(port, number, f"/v1/indicators/J4?economy={ECONOMY}&from=2023-11&to=2026-10")


def _report(port: int, number: int) -> None:
    month = 1 + (number % 12)
    _get(port, number, f"/v1/reports/{ECONOMY}/2025-{month:02d}?format=pdf&language=es")


def _half_open(port: int, number: int) -> None:
    opened = [_connect(port, number) for _ in range(50)]
    for each in opened:
        each.sendall(b"GET /v1/indicators HTTP/1.1\r\nHost: localhost\r\nX: ")
    for each in opened:
        with suppress(OSError):
            each.recv(1)
        each.close()


def _come_and_go(port: int, number: int) -> None:
    _connect(port, number).close()


def _not_reading(port: int, number: int) -> None:
    request = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    opened = [_connect(port, number, 4096) for _ in range(10)]
    for each in opened:
        each.sendall(20 * request)
    time.sleep(5)
    for each in opened:
        each.close()


_FLOODS: dict[str, Flood | None] = {
    "No flood": None,
    "Bodies of 768 MiB without a token": _huge_body,
    "Recomputation of a vintage": _recomputation,
    "An indicator over 36 months": _indicator,
    "Reports as PDF": _report,
    "Half-open requests": _half_open,
    "Connections that come and go": _come_and_go,
    "Answers that nobody reads": _not_reading,
}
