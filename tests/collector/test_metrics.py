"""Prometheus metrics over HTTP."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from caudal.collector.batch import LEDGER_COUNTS
from caudal.collector.datagrams import Exporters
from caudal.collector.errors import ListenError
from caudal.collector.ledger import Ledger
from caudal.collector.metrics import Metrics, serve
from caudal.collector.receiver import Receiver
from caudal.collector.shipper import Shipper
from caudal.collector.spool import Spool

from .builders import NOW_MS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


class Parts:
    """A collector's parts and what their metrics are in text."""

    def __init__(self, ledger: Ledger, receivers: list[Receiver], spool: Spool) -> None:
        self.ledger, self.spool = ledger, spool
        self.shipper = Shipper(spool, httpx.Client())
        self.metrics = Metrics(ledger, receivers, spool, self.shipper)
        self._registry = CollectorRegistry()
        self._registry.register(self.metrics)

    def text(self) -> str:
        return generate_latest(self._registry).decode()

    def scrape(self) -> dict[str, float]:
        return values(self.text())


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    spool = Spool(tmp_path)
    spool.open()
    exporters = Exporters()
    with ExitStack() as stack:
        receivers = [stack.enter_context(Receiver("127.0.0.1:0", exporters, 1 << 20)) for _ in range(2)]
        yield Parts(Ledger(300_000), receivers, spool)


def test_a_scrape_over_http(parts: Parts) -> None:
    address = f"127.0.0.1:{free_port()}"
    stop = serve(parts.metrics, address)
    try:
        parts.ledger.add_one(3, NOW_MS, received=7)
        answer = httpx.get(f"http://{address}/metrics", trust_env=False)
        assert answer.status_code == 200
        assert values(answer.text)["caudal_collector_received_total"] == 7
        with pytest.raises(
            ListenError, match=rf"^cannot serve metrics on {address}: .*; choose another `metrics_listen`$"
        ):
            serve(parts.metrics, address)
    finally:
        stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{address}/metrics", trust_env=False)


def test_every_count_of_the_ledger_and_what_moves(parts: Parts) -> None:
    parts.ledger.add_one(3, NOW_MS, received=7, decoded=5, waiting=2, lost=4, kernel_drops=1)
    parts.spool.put(b"x" * 100)
    parts.shipper.shipped, parts.shipper.failures, parts.shipper.latency_seconds = 3, 2, 0.25
    found = parts.scrape()
    gauges = {"waiting", "lost", "lost_datagrams"}
    for count in LEDGER_COUNTS:
        assert f"caudal_collector_{count}" + ("" if count in gauges else "_total") in found
    expected = {
        "received_total": 7, "decoded_total": 5, "waiting": 2, "lost": 4, "kernel_drops_total": 1,
        "spool_batches": 1, "spool_bytes": 100, "shipped_batches_total": 3, "shipping_failures_total": 2,
        "refused_batches_total": 0, "damaged_batches_total": 0, "shipping_latency_seconds": 0.25,
    }  # fmt: skip
    assert {name: found[f"caudal_collector_{name}"] for name in expected} == expected
    assert found['caudal_collector_receive_buffer_bytes{listener="0"}'] > 0
    assert found['caudal_collector_receive_buffer_bytes{listener="1"}'] > 0


def test_a_counter_never_falls(parts: Parts) -> None:
    """A set that waited may hold fewer records than it counted for; Prometheus would see a restart."""
    parts.ledger.add_one(0, NOW_MS, received=5, waiting=1)
    parts.scrape()
    parts.ledger.add_one(0, NOW_MS, received=-1, waiting=-1)
    found = parts.scrape()
    assert (found["caudal_collector_received_total"], found["caudal_collector_waiting"]) == (5, 0)
    parts.ledger.add_one(0, NOW_MS, received=2)
    assert parts.scrape()["caudal_collector_received_total"] == 6


def test_labels_come_from_a_closed_set(parts: Parts) -> None:
    parts.ledger.add_one(0, NOW_MS, received=1)
    text = parts.text()
    assert set(re.findall(r"\{([^}]*)\}", text)) == {'listener="0"', 'listener="1"'}
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::[0-9a-f]*", text)


def test_a_batch_shipped_while_looking(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = parts.spool.put(b"x")
    segment.path.unlink()
    monkeypatch.setattr(parts.spool, "segments", lambda: [segment])
    assert parts.scrape()["caudal_collector_spool_batches"] == 0
