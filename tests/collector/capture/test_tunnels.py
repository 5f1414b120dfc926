"""What is inside of packets: as scapy put it there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packets import PacketCounts, read_packets
from caudal.collector.capture.tunnels import tunnelled

ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
OUTER = IP(src="192.0.2.1", dst="192.0.2.2")
OUTER6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
INNER = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=443) / Raw(bytes(100))
INNER6 = IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=5, dport=6) / Raw(bytes(50))

# What carries an inner packet, around it.
CARRIERS = {
    "VXLAN": lambda inner: OUTER / UDP(dport=4789) / VXLAN(flags=8, vni=7) / ETHER / inner,
    "VXLAN over IPv6": lambda inner: OUTER6 / UDP(dport=4789) / VXLAN(flags=8, vni=7) / ETHER / inner,
    "VXLAN with a tag": lambda inner: (
        OUTER / UDP(dport=4789) / VXLAN(flags=8) / ETHER / Dot1Q(vlan=5) / inner
    ),
    "Geneve": lambda inner: OUTER / UDP(dport=6081) / GENEVE(vni=7) / ETHER / inner,
    "GRE": lambda inner: OUTER / GRE() / inner,
    "GRE with key and sequence": lambda inner: OUTER / GRE(key_present=1, seqnum_present=1, key=1) / inner,
    "GRE with a checksum": lambda inner: OUTER / GRE(chksum_present=1) / inner,
    "GRE in UDP": lambda inner: OUTER / UDP(dport=4754) / GRE() / inner,
    "IP in IP": lambda inner: OUTER / inner,
    "IP in IPv6": lambda inner: OUTER6 / inner,
}


def chunk_of(frames: list[bytes]) -> PacketChunk:
    lengths = np.array([len(frame) for frame in frames], np.int64)
    return PacketChunk(
        np.frombuffer(b"".join(frames) + bytes(64), np.uint8),
        np.cumsum(lengths) - lengths,
        lengths,
        lengths,
        np.arange(len(frames), dtype=np.int64),
        np.ones(len(frames), np.uint16),
    )


def inside(frames: list[bytes]) -> list[tuple[int, int, int, int, int]]:
    """(frame, IP version, lower half of the source, source port, bytes) of every packet inside of another."""
    found = []
    chunk = chunk_of(frames)
    for packets in read_packets(chunk, PacketCounts()):
        inner, carrier = tunnelled(chunk, packets)
        frame = packets.frame[carrier]
        assert inner.time_ms.tolist() == frame.tolist()
        for read in read_packets(inner, PacketCounts()):
            columns = (read.source_low, read.source_port, read.bytes)
            rows = zip(frame[read.frame].tolist(), *(column.tolist() for column in columns), strict=True)
            found += [(at, read.ip_version, *rest) for at, *rest in rows]
    return sorted(found)


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize(
    ("inner", "wanted"),
    [(INNER, (4, 10 << 24 | 1, 1234, 140)), (INNER6, (6, 1, 5, 98))],
    ids=["IPv4", "IPv6"],
)
def test_the_packet_inside(name: str, inner: Packet, wanted: tuple[int, int, int, int]) -> None:
    frame = bytes(ETHER / CARRIERS[name](inner))
    assert inside([frame, bytes(ETHER / inner), frame]) == [(0, *wanted), (2, *wanted)]


@pytest.mark.parametrize("name", CARRIERS)
def test_later_fragments_carry_nothing_that_is_known(name: str) -> None:
    if "IPv6" in name:
        return
    packet = CARRIERS[name](INNER)
    packet[IP].frag = 10
    assert inside([bytes(ETHER / packet)]) == []


def test_nothing_inside_of_nothing() -> None:
    assert inside([]) == []


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(CARRIERS)),
    st.lists(st.tuples(st.integers(14, 90), st.integers(0, 255)), max_size=6),
    st.integers(14, 120),
)
def test_damage_is_read_within_the_frame(name: str, damage: list[tuple[int, int]], cut: int) -> None:
    octets = bytearray(bytes(ETHER / CARRIERS[name](INNER)))
    for at, value in damage:
        octets[at % len(octets)] = value
    chunk = chunk_of([bytes(octets[:cut])])
    for packets in read_packets(chunk, PacketCounts()):
        inner, _ = tunnelled(chunk, packets)
        assert ((inner.offset >= 14) & (inner.captured > 0)).all()
        assert (inner.offset + inner.captured <= cut).all()
