"""Datagrams that a capture has twice are read once, and counted."""

from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from tests.support.builders import (
    BASIC,
    SECONDS,
    a_set,
    basic,
    flow_sample,
    ipfix,
    netflow5,
    netflow9,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
)
from tests.support.builders import ethernet as frame

from .balanced import inspected, metered

TO_HOME = basic("203.0.113.5", "198.51.100.10")
T9, DATA = template(256, *BASIC), a_set(256, TO_HOME)


def sent(payload: bytes, *, port: int = 5000, router: str = "192.0.2.1", hops: int = 64) -> Packet:
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    return (
        head / IP(src=router, dst="192.0.2.99", ttl=hops, id=7) / UDP(sport=port, dport=2055) / Raw(payload)
    )


def capture(path: Path, *packets: tuple[float, Packet]) -> Path:
    for after, packet in packets:
        packet.time = SECONDS + after
    wrpcap(str(path), [packet for _, packet in packets])
    return path


@pytest.mark.parametrize(
    "payload",
    [
        netflow9(T9, DATA, sequence=1),
        ipfix(template(256, *BASIC, ipfix=True), DATA, sequence=1),
        netflow5([record5("203.0.113.5", "198.51.100.10", octets=1000)], sequence=1),
        sflow(
            flow_sample(raw_header(frame(udp4("203.0.113.5", "198.51.100.10", total=1000))), rate=1),
            sequence=1,
        ),
    ],
    ids=["v9", "ipfix", "v5", "sflow"],
)
def test_a_datagram_captured_twice_counts_once(tmp_path: Path, payload: bytes) -> None:
    """Of a mirror port the second has passed a router, so that other fields of its header differ."""
    path = capture(tmp_path / "x.pcap", (0, sent(payload)), (0.0001, sent(payload, hops=63)))
    bytes_of, ledger = metered(path)
    assert bytes_of == {"in": 1000}
    assert (ledger["datagrams"], ledger["duplicated_datagrams"]) == (1, 1)
    records, ledger, _ = inspected(path)
    assert (len(records), ledger["duplicated_datagrams"], ledger["lost"]) == (1, 1, 0)


def test_what_differs_is_not_the_same(tmp_path: Path) -> None:
    """Another number, another port, another router, another time: each is a datagram of its own."""
    payload = netflow9(T9, DATA, sequence=1)
    path = capture(
        tmp_path / "x.pcap",
        (0, sent(payload)),
        (0.1, sent(netflow9(T9, DATA, sequence=2))),
        (0.1, sent(payload, port=5001)),
        (0.1, sent(payload, router="192.0.2.2")),
        (2, sent(payload)),
    )
    _, ledger, _ = inspected(path)
    assert (ledger["datagrams"], ledger["duplicated_datagrams"], ledger["decoded"]) == (5, 0, 5)


def test_everything_captured_twice(tmp_path: Path) -> None:
    packets = [(n / 1000, sent(netflow9(T9, DATA, sequence=n))) for n in range(300)]
    path = capture(
        tmp_path / "x.pcap", *(each for n, packet in packets for each in ((n, packet), (n, packet.copy())))
    )
    bytes_of, ledger = metered(path)
    assert bytes_of == {"in": 300_000}
    assert (ledger["datagrams"], ledger["duplicated_datagrams"], ledger["lost_datagrams"]) == (300, 300, 0)


def test_fragments_captured_twice(tmp_path: Path) -> None:
    payload = netflow9(T9, a_set(256, TO_HOME * 150), sequence=1)
    pieces = fragment(sent(payload), 1000)
    path = capture(
        tmp_path / "x.pcap",
        *((n / 10_000, piece) for n, piece in enumerate([*pieces, *(p.copy() for p in pieces)])),
    )
    assert metered(path)[0] == {"in": 150_000}
