"""Prometheus metrics over HTTP."""

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from caudal import __version__
from caudal.collector.daemon.metrics import Metrics, serve
from caudal.collector.deliver.backlog import Backlog
from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.receive.listeners import Listeners
from caudal.common.errors import ListenError
from caudal.contract.batch import LEDGER_COUNTS
from tests.support.builders import HOME, NOW_MS, TABLE
from tests.support.patience import PATIENCE_SECONDS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


class Parts:
    """A collector's parts and what their metrics are in text."""

    def __init__(self, listeners: Listeners, pipeline: Pipeline, spool: Spool) -> None:
        self.ledger, self.spool = pipeline.ledger, spool
        self.shipper = Shipper(spool, httpx.Client(timeout=PATIENCE_SECONDS))
        self.backlog = Backlog(spool, lambda flows, ledger: b"", 1)
        self.attendance = ExporterActivity()
        self.metrics = Metrics(pipeline, listeners, spool, self.shipper, self.backlog, self.attendance)
        self._registry = CollectorRegistry()
        self._registry.register(self.metrics)

    def text(self) -> str:
        return generate_latest(self._registry).decode()

    def scrape(self) -> dict[str, float]:
        return values(self.text())


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    spool = Spool(tmp_path, 5000)
    spool.open()
    pipeline = Pipeline(economy="UY", home=HOME, table=TABLE, window_seconds=300, k=5)  # type: ignore[arg-type]
    with Listeners(pipeline.exporters) as listeners:
        addresses = ["127.0.0.1:0", "127.0.0.2:0"]
        listeners.adopt(addresses, 1 << 20, listeners.prepare(addresses, 1 << 20))
        yield Parts(listeners, pipeline, spool)


def test_a_scrape_over_http(parts: Parts) -> None:
    address = f"127.0.0.1:{free_port()}"
    stop = serve(parts.metrics, address)
    try:
        parts.ledger.add_one(3, NOW_MS, received=7)
        answer = httpx.get(f"http://{address}/metrics", trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 200
        found = values(answer.text)
        assert found["caudal_collector_received_total"] == 7
        assert found["process_resident_memory_bytes"] > 0
        assert found["process_open_fds"] > 0
        (info,) = (name for name in found if name.startswith("caudal_build_info{"))
        assert f'version="{__version__}"' in info
        with pytest.raises(
            ListenError, match=rf"^cannot serve metrics on {address}: .*; choose another `metrics_listen`$"
        ):
            serve(parts.metrics, address)
    finally:
        stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{address}/metrics", trust_env=False, timeout=PATIENCE_SECONDS)


def test_every_count_of_the_ledger_and_what_moves(parts: Parts) -> None:
    parts.ledger.add_one(3, NOW_MS, received=7, decoded=5, waiting=2, lost=4, kernel_drops=1)
    parts.spool.put(b"x" * 100)
    parts.shipper.shipped, parts.shipper.failures, parts.shipper.damaged = 3, 2, 1
    found = parts.scrape()
    gauges = {"waiting", "lost", "lost_datagrams"}
    for count in LEDGER_COUNTS:
        assert f"caudal_collector_{count}" + ("" if count in gauges else "_total") in found
    expected = {
        "received_total": 7, "decoded_total": 5, "waiting": 2, "lost": 4, "kernel_drops_total": 1,
        "spool_batches": 1, "spool_bytes": 100, "shipped_batches_total": 3, "shipping_failures_total": 2,
        "refused_batches_total": 0, "held_batches_total": 0, "damaged_batches_total": 1, "spool_max_bytes": 5000,
        "shipping_latency_seconds_count": 0, "templates": 0, "sflow_counters_samples_total": 0, "sflow_unknown_samples_total": 0, "exporters": 0, "backlog_batches": 0,
        "lost_batches_total": 0, "lost_traffic_bytes_total": 0, "coarsened_batches_total": 0, "set_back_batches": 0,
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
    labels = set(re.findall(r"\{([^}]*)\}", text))
    assert {label for label in labels if not label.startswith(("le=", "machine=", "exporter="))} == {
        *('listener="0"', 'listener="1"', 'reason="inside"', 'reason="other_direction"')
    }
    assert set(re.findall(r'exporter="([^"]*)"', text)) == {"other"}
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::[0-9a-f]*", text)


def test_how_old_the_oldest_batch_is(parts: Parts) -> None:
    assert parts.scrape()["caudal_collector_spool_oldest_seconds"] == 0
    old = parts.spool.put(b"x").path
    parts.spool.put(b"y")
    os.utime(old, (time.time() - 500, time.time() - 500))
    assert 500 <= parts.scrape()["caudal_collector_spool_oldest_seconds"] < 500 + PATIENCE_SECONDS


def test_how_long_shipping_takes(parts: Parts) -> None:
    parts.shipper.latency.observe(0.3)
    found = parts.scrape()
    assert found['caudal_collector_shipping_latency_seconds_bucket{le="0.25"}'] == 0
    assert found['caudal_collector_shipping_latency_seconds_bucket{le="0.5"}'] == 1
    assert found["caudal_collector_shipping_latency_seconds_sum"] == 0.3


def test_buffers_asked_for_and_got(parts: Parts) -> None:
    found = parts.scrape()
    assert found['caudal_collector_receive_buffer_asked_bytes{listener="0"}'] == 1 << 20
    assert found['caudal_collector_receive_buffer_bytes{listener="0"}'] > 0


def test_a_batch_shipped_while_looking(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = parts.spool.put(b"x")
    segment.path.unlink()
    monkeypatch.setattr(parts.spool, "segments", lambda: [segment])
    assert parts.scrape()["caudal_collector_spool_batches"] == 0
