"""Interfaces: what this machine itself sends is left out, and what runs over loopback is metered once."""

import socket
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from caudal.collector.exporters.ledger import COUNT
from caudal.collector.metering.livecaptures import LiveCaptures, OwnTraffic, Timeouts
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, read_packets
from caudal.collector.pipeline.pipeline import Pipeline
from tests.support.builders import HOME, TABLE
from tests.support.patience import wait_until

from .capture.test_livecapture import NEEDS, NEEDS_LIBPCAP


@dataclass(frozen=True)
class Settings:
    name: str = "lo"
    exporter: str | None = None
    filter: str = ""
    promiscuous: bool = False
    snap_length: int = 2_048
    buffer_bytes: int = 4 << 20
    own_traffic: bool = True


def pipeline() -> Pipeline:
    return Pipeline(economy="UY", home=HOME, table=TABLE, window_seconds=300, k=1)  # type: ignore[arg-type]


def metered(settings: Settings, count: int) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Send so many datagrams to a port of this machine; return the ledger, and the aggregates."""
    to = pipeline()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        listener.bind(("127.0.0.1", 0))
        chosen = Settings(**{**vars(settings), "filter": f"udp and dst port {listener.getsockname()[1]}"})
        with LiveCaptures([chosen], to, Timeouts(), None) as interfaces:
            for _ in range(count):
                sender.sendto(bytes(72), listener.getsockname())
            # The kernel gives away the block they are in after 50 ms, and those of loopback twice.
            received = 0

            def come() -> bool:
                nonlocal received
                received += interfaces.receive()
                return received >= count

            wait_until(come)
            interfaces.finish()
            assert list(interfaces.new_drops()) == []
            names = interfaces.names
    flows, ledger = to.take(None, lambda number: names[to.exporters.addresses[number]])
    assert set(ledger["exporter"].to_pylist()) == {settings.exporter or settings.name}
    counts = {name: int(to.ledger.totals[at]) for name, at in COUNT.items() if to.ledger.totals[at]}
    return counts, flows.to_pylist()


@NEEDS
@NEEDS_LIBPCAP
def test_packets_of_an_interface_are_metered_once() -> None:
    counts, [flow] = metered(Settings(exporter="mirror-1"), 20)
    assert (flow["bytes"], flow["packets"], flow["flows"], flow["transport"]) == (2_000, 20, 1, "udp")
    assert counts == {
        "datagrams": 20, "received": 1, "decoded": 1, "aggregated": 1, "sampling_unsampled": 1,
    }  # fmt: skip


@NEEDS
@NEEDS_LIBPCAP
def test_what_this_machine_sends_itself_is_left_out_and_counted() -> None:
    counts, flows = metered(Settings(own_traffic=False), 20)
    assert flows == []
    assert counts == {"datagrams": 20, "received": 20, "filtered": 20}


def test_without_interfaces_there_is_nothing_to_do() -> None:
    with LiveCaptures([], pipeline(), Timeouts(), None) as interfaces:
        assert interfaces.receive() == 0
        interfaces.pass_time(1)
        interfaces.finish()
        assert (list(interfaces.new_drops()), len(interfaces), interfaces.names) == ([], 0, {})


@pytest.mark.parametrize(
    ("packet", "own"),
    [
        (IP(src="192.0.2.7", dst="198.18.0.1"), True),
        (IP(src="198.18.0.1", dst="192.0.2.7"), True),
        (IP(src="198.18.0.1", dst="192.0.2.8"), False),
        (IPv6(src="2001:db8::7", dst="2001:2::1"), True),
        (IPv6(src="2001:db8:1::7", dst="2001:2::1"), False),
        (IPv6(src="2001:db8::c000:207", dst="2001:2::1"), False),
    ],
)
def test_own_is_what_has_an_address_of_this_machine(packet: IP | IPv6, own: bool) -> None:
    mine = frozenset({(0, 0xC0000207), (0x20010DB8 << 32, 7)})
    found = []

    def look() -> frozenset[tuple[int, int]]:
        found.append(1)
        return mine

    traffic = OwnTraffic(look)
    for now in (0, 59_999, 60_000):
        traffic.pass_time(now)
    assert len(found) == 2, "looked up anew each minute"
    frame = bytes(packet / UDP(sport=1, dport=2))
    one = np.array([len(frame)], np.int64)
    chunk = PacketChunk(
        np.frombuffer(frame + bytes(64), np.uint8), one * 0, one, one, one, np.array([101], np.uint16)
    )
    [lot] = [lot for lot in read_packets(chunk, PacketCounts()) if len(lot)]
    assert traffic(lot).tolist() == [own]
