"""Prometheus metrics over HTTP."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

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


class Served:
    def __init__(self, ledger: Ledger, spool: Spool, shipper: Shipper, url: str) -> None:
        self.ledger, self.spool, self.shipper, self.url = ledger, spool, shipper, url

    def scrape(self) -> dict[str, float]:
        answer = httpx.get(self.url, trust_env=False)
        assert answer.status_code == 200
        lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    spool = Spool(tmp_path)
    spool.open()
    exporters, ledger = Exporters(), Ledger(300_000)
    address = f"127.0.0.1:{free_port()}"
    shipper = Shipper(spool, httpx.Client())
    with ExitStack() as stack:
        receivers = [stack.enter_context(Receiver("127.0.0.1:0", exporters, 1 << 20)) for _ in range(2)]
        stack.callback(serve(Metrics(ledger, receivers, spool, shipper), address))
        yield Served(ledger, spool, shipper, f"http://{address}/metrics")


def test_every_count_of_the_ledger_and_what_moves(served: Served) -> None:
    served.ledger.add_one(3, NOW_MS, received=7, decoded=5, waiting=2, lost=4, kernel_drops=1)
    served.spool.put(b"x" * 100)
    served.shipper.shipped, served.shipper.failures, served.shipper.latency_seconds = 3, 2, 0.25
    found = served.scrape()
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


def test_a_counter_never_falls(served: Served) -> None:
    """A set that waited may hold fewer records than it counted for; Prometheus would see a restart."""
    served.ledger.add_one(0, NOW_MS, received=5, waiting=1)
    served.scrape()
    served.ledger.add_one(0, NOW_MS, received=-1, waiting=-1)
    found = served.scrape()
    assert (found["caudal_collector_received_total"], found["caudal_collector_waiting"]) == (5, 0)
    served.ledger.add_one(0, NOW_MS, received=2)
    assert served.scrape()["caudal_collector_received_total"] == 6


def test_labels_come_from_a_closed_set(served: Served) -> None:
    served.ledger.add_one(0, NOW_MS, received=1)
    text = httpx.get(served.url, trust_env=False).text
    assert set(re.findall(r"\{([^}]*)\}", text)) == {'listener="0"', 'listener="1"'}
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::[0-9a-f]*", text)


def test_a_batch_shipped_while_looking(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = served.spool.put(b"x")
    segment.path.unlink()
    monkeypatch.setattr(served.spool, "segments", lambda: [segment])
    assert served.scrape()["caudal_collector_spool_batches"] == 0


def test_an_address_in_use(served: Served, tmp_path: Path) -> None:
    taken = served.url.removeprefix("http://").removesuffix("/metrics")
    with pytest.raises(
        ListenError, match=rf"^cannot serve metrics on {taken}: .*; choose another `metrics_listen`$"
    ):
        serve(Metrics(served.ledger, [], served.spool, served.shipper), taken)
