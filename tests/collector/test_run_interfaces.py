"""A whole collector that captures: names in packets become the platform of flows, and stay nowhere themselves."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from caudal.collector.daemon.run import Collector
from caudal.collector.settings.settings import CollectorSettings
from caudal.reference import AddressTable
from tests.support.patience import PATIENCE_SECONDS, wait_until

from .capture.test_livecapture import NEEDS, pair, send
from .names.messages import dns_answer, real_hello
from .test_run import StandIn, _often, answers, service, settings

__all__ = ["_often", "pair", "send", "service", "settings"]  # fixtures

PLANTED = "planted-9b7e51"
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
HOME, RESOLVER, CLOUDFLARE, AKAMAI = "198.18.213.77", "198.18.0.53", "104.16.77.13", "23.55.161.99"


def traffic() -> list[Packet]:
    answer = dns_answer(f"{PLANTED}.spotify.com", AKAMAI)
    packets = [
        IP(src=HOME, dst=CLOUDFLARE)
        / TCP(sport=50_001, dport=443)
        / Raw(real_hello(f"{PLANTED}.netflix.com")),
        *[IP(src=CLOUDFLARE, dst=HOME) / TCP(sport=443, dport=50_001) / Raw(bytes(960))] * 50,
        IP(src=RESOLVER, dst=HOME) / UDP(sport=53, dport=40_000) / Raw(answer),
        *[IP(src=AKAMAI, dst=HOME) / TCP(sport=443, dport=50_002) / Raw(bytes(960))] * 20,
    ]
    return [ETHER / packet for packet in packets]


@contextmanager
def running(settings: CollectorSettings) -> Iterator[Collector]:
    collector = Collector(settings, AddressTable.load())
    thread = threading.Thread(target=collector.run)
    thread.start()
    try:
        wait_until(lambda: answers(settings) or not thread.is_alive())
        yield collector
    finally:
        collector.stop()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def at_rest() -> None:
    """Wait where an hour is about to end, so that all packets lie in one window."""
    wait_until(lambda: time.time() % 3600 < 3540)


@NEEDS
def test_names_in_packets_become_platforms_and_stay_nowhere(
    settings: CollectorSettings,
    service: StandIn,
    pair: tuple[str, str],
    send: Callable[[Sequence[Packet]], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    packets = traffic()
    interface = {"name": pair[0], "exporter": "mirror-1", "buffer_bytes": 4 << 20}
    chosen = CollectorSettings.model_validate(
        {**settings.model_dump(), "listen": [], "interfaces": [interface], "window_seconds": 3600}
    )
    with running(chosen) as collector:
        at_rest()
        send(packets)
        wait_until(lambda: collector._status()["ledger"]["datagrams"] == len(packets))
        said = httpx.get(
            f"http://{settings.metrics_listen}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
        ).text
        report = json.dumps(collector._status())
    assert service.total("bytes") == sum(len(bytes(packet)) - 14 for packet in packets)
    by_service: dict[str, int] = {}
    for batch in service.batches:
        for row in batch.flows.to_pylist():
            by_service[row["service"]] = by_service.get(row["service"], 0) + row["packets"]
    assert by_service == {"netflix": 51, "spotify": 20, "": 1}
    counts = _ledger(service)
    assert counts["datagrams"] == len(packets)
    # Where the machine pauses in between, a flow is told in two parts.
    assert counts["received"] == counts["decoded"] == counts["aggregated"] >= 4
    assert {row["exporter"] for batch in service.batches for row in batch.ledger.to_pylist()} == {"mirror-1"}
    written = b"".join(
        file.read_bytes() for file in settings.state_directory.rglob("*") if file.is_file()
    ) + b"".join(
        repr(batch).encode() + body
        for batch, body in zip(service.batches, service.bodies.values(), strict=True)
    )
    for place in (written, caplog.text.encode(), said.encode(), report.encode()):
        for planted in (PLANTED, HOME, CLOUDFLARE, AKAMAI):
            assert planted.encode() not in place
    assert 'caudal_collector_tagged_flows_total{outcome="named"} ' in said


def _ledger(service: StandIn) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for batch in service.batches:
        for row in batch.ledger.to_pylist():
            for name, value in row.items():
                if isinstance(value, int):
                    counts[name] = counts.get(name, 0) + value
    return counts


@NEEDS
def test_what_the_kernel_drops_is_in_the_ledger(
    settings: CollectorSettings, service: StandIn, pair: tuple[str, str]
) -> None:
    chosen = CollectorSettings.model_validate(
        {**settings.model_dump(), "interfaces": [{"name": pair[0], "exporter": "mirror-1"}]}
    )
    with running(chosen) as collector:
        capture = collector._interfaces.captures[0]
        drops = iter([7])
        capture.new_drops = lambda: next(drops, 0)  # type: ignore[method-assign]
        wait_until(lambda: collector._status()["ledger"]["kernel_drops"] == 7)
    assert service.total("kernel_drops") == 7
