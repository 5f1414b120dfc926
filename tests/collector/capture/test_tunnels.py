"""What is inside of packets: as scapy put it there."""

import struct
from collections.abc import Collection

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

from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, read_packets
from caudal.collector.packets.tunnelkinds import TUNNEL_KINDS, opened, tunnels_of
from caudal.collector.packets.tunnels import tunnelled

ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
OUTER = IP(src="192.0.2.1", dst="192.0.2.2")
OUTER6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
INNER = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=443) / Raw(bytes(100))
INNER6 = IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=5, dport=6) / Raw(bytes(50))


def carried(protocol: int, header: bytes, inner: Packet) -> Packet:
    """An outer packet with a header made by hand and what it carries: of UDP to a port, or of another protocol."""
    payload = Raw(header + bytes(inner))
    if protocol > 255:
        return OUTER / UDP(sport=50_000, dport=protocol) / payload
    return IP(src="192.0.2.1", dst="192.0.2.2", proto=protocol) / payload


def ppp(inner: Packet) -> bytes:
    return b"\x00\x21" if inner.version == 4 else b"\x00\x57"


def gre(kind: int, flags: int = 0, options: bytes = b"") -> bytes:
    return struct.pack(">HH", flags, kind) + options


# What carries an inner packet, around it.
CARRIERS = {
    "GTP-U": lambda inner: carried(2152, struct.pack(">BBHI", 0x30, 255, len(inner), 7), inner),
    "GTP-U with a number": lambda inner: carried(
        2152, struct.pack(">BBHIHBB", 0x32, 255, len(inner) + 4, 7, 1, 0, 0), inner
    ),
    "GTP-U with extensions": lambda inner: carried(
        2152,
        struct.pack(">BBHIHBB", 0x34, 255, len(inner) + 16, 7, 0, 0, 0x85)
        + bytes.fromhex("01 10 09 c0 02 00 00 00 00 00 00 00"),
        inner,
    ),
    "GTP-U of Ethernet": lambda inner: carried(
        2152, struct.pack(">BBHI", 0x30, 255, len(inner) + 14, 7), ETHER / inner
    ),
    "ERSPAN I": lambda inner: carried(47, gre(0x88BE), ETHER / inner),
    "ERSPAN II": lambda inner: carried(
        47, gre(0x88BE, 0x1000, bytes(4)) + bytes.fromhex("1001000100000000"), ETHER / inner
    ),
    "ERSPAN III": lambda inner: carried(
        47, gre(0x22EB, 0x1000, bytes(4)) + bytes.fromhex("200100010000000000000000"), ETHER / inner
    ),
    "ERSPAN III with a platform's header": lambda inner: carried(
        47,
        gre(0x22EB, 0x1000, bytes(4)) + bytes.fromhex("200100010000000000000001") + bytes(8),
        ETHER / inner,
    ),
    "ERSPAN III of IP": lambda inner: carried(
        47, gre(0x22EB, 0x1000, bytes(4)) + bytes.fromhex("200100010000000000000800"), inner
    ),
    "TZSP": lambda inner: carried(37008, bytes.fromhex("01000001 0a01ff 00 01"), ETHER / inner),
    "TZSP without tags": lambda inner: carried(37008, bytes.fromhex("01000001 01"), ETHER / inner),
    "VXLAN of Linux": lambda inner: OUTER / UDP(dport=8472) / VXLAN(flags=8, vni=7) / ETHER / inner,
    "VXLAN-GPE": lambda inner: carried(
        4790, bytes([0x0C, 0, 0, 1 if inner.version == 4 else 2, 0, 0, 7, 0]), inner
    ),
    "VXLAN-GPE of Ethernet": lambda inner: carried(4790, bytes.fromhex("0c00000300000700"), ETHER / inner),
    "VXLAN-GPE of a service header": lambda inner: carried(
        4790, bytes.fromhex("0c00000400000700 0fc20103 00000164") + bytes(0), ETHER / inner
    ),
    "L2TPv2": lambda inner: carried(1701, bytes.fromhex("0002 0007 0009 ff03") + ppp(inner), inner),
    "L2TPv2 with everything": lambda inner: carried(
        1701, bytes.fromhex("4a02 0000 0007 0009 0001 0000 0002 0000") + ppp(inner), inner
    ),
    "L2TPv3 of Ethernet": lambda inner: carried(115, bytes.fromhex("00000007"), ETHER / inner),
    "L2TPv3 with a cookie and a sublayer": lambda inner: carried(
        115, bytes.fromhex("00000007 a1a2a3a4a5a6a7a8 40000001"), ETHER / inner
    ),
    "L2TPv3 of IP in UDP": lambda inner: carried(1701, bytes.fromhex("00030000 00000007 a1a2a3a4"), inner),
    "L2TPv3 of PPP": lambda inner: carried(115, bytes.fromhex("00000007ff03") + ppp(inner), inner),
    "PPTP": lambda inner: carried(
        47, struct.pack(">HHHHI", 0x3001, 0x880B, len(inner) + 4, 1, 1) + b"\xff\x03" + ppp(inner), inner
    ),
    "PPTP with an acknowledgement": lambda inner: carried(
        47, struct.pack(">HHHHII", 0x3081, 0x880B, len(inner) + 2, 1, 1, 1) + ppp(inner), inner
    ),
    "PPTP with short protocols": lambda inner: carried(
        47, struct.pack(">HHHHI", 0x3001, 0x880B, len(inner) + 1, 1, 1) + ppp(inner)[1:], inner
    ),
    "GRE of MPLS": lambda inner: carried(47, gre(0x8847) + bytes.fromhex("0001e140"), inner),
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


def inside(
    frames: list[bytes], kinds: Collection[str] = tuple(TUNNEL_KINDS)
) -> list[tuple[int, int, int, int, int]]:
    """(frame, IP version, lower half of the source, source port, bytes) of every packet inside of another."""
    found = []
    chunk = chunk_of(frames)
    for packets in read_packets(chunk, PacketCounts()):
        inner, carrier = tunnelled(chunk, packets, kinds)
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


KIND_OF = {
    "IP in": "ipip", "GRE": "gre", "PPTP": "pptp", "ERSPAN": "erspan", "VXLAN": "vxlan",
    "Geneve": "geneve", "GTP-U": "gtpu", "L2TP": "l2tp", "TZSP": "tzsp",
}  # fmt: skip


@pytest.mark.parametrize("name", CARRIERS)
def test_only_the_kinds_asked_for_are_opened(name: str) -> None:
    frame = bytes(ETHER / CARRIERS[name](INNER))
    (kind,) = {kind for word, kind in KIND_OF.items() if name.startswith(word)}
    assert len(inside([frame], {kind})) == 1
    assert inside([frame], set(TUNNEL_KINDS) - {kind}) == []


@pytest.mark.parametrize(
    ("port", "header"),
    [
        (2152, "3001 0000 00000000"),
        (2152, "301a 0014 00000000"),
        (2152, "30fe 0014 00000000"),
        (2152, "10ff 0014 00000000"),
        (2152, "36ff 0014 00000000 0000 00 c0 00"),
        (1701, "c802 0014 0007 0009 0000 0000"),
        (1701, "8003 0014 00000007"),
        (1701, "00030000 00000000"),
        (47, "3081 880b 0000 0001 00000001"),
        (47, "2081 880b 0000 0001 00000001"),
        (47, "4000 0800 00000000"),
        (47, "1000 88be 00000000 3001000100000000"),
        (37008, "0104 0001 01"),
        (37008, "0100 0001 0aff"),
        (4790, "0c00000700000700"),
        (4790, "0400000300000700"),
        (115, "00000000"),
    ],
)
def test_messages_of_a_tunnel_itself_carry_nothing(port: int, header: str) -> None:
    assert inside([bytes(ETHER / carried(port, bytes.fromhex(header), INNER))]) == []


def test_the_first_fragment_of_a_datagram_tells_the_whole_packet() -> None:
    datagram = bytes(carried(2152, struct.pack(">BBHI", 0x30, 255, 140, 7), INNER)[UDP])
    first = IP(src="192.0.2.1", dst="192.0.2.2", proto=17, flags="MF") / Raw(datagram[:80])
    assert inside([bytes(ETHER / first)]) == [(0, 4, 10 << 24 | 1, 1234, 140)]


def test_a_packet_longer_than_what_carries_it_is_none() -> None:
    inner = IP(bytes(INNER))
    inner.len = 200
    del inner.chksum
    assert inside([bytes(ETHER / CARRIERS["GTP-U"](inner))]) == []
    assert inside([bytes(ETHER / CARRIERS["ERSPAN I"](inner))]) == []


def test_words_of_the_setting() -> None:
    assert opened("outer") == frozenset()
    assert opened("inner") == frozenset(TUNNEL_KINDS)
    assert opened(["gtpu"]) == {"gtpu"}
    assert opened(tunnels_of("gtpu, vxlan")) == {"gtpu", "vxlan"}
    with pytest.raises(
        ValueError, match="'mpls' is no kind of tunnel; write outer, inner, or a list of ipip"
    ):
        tunnels_of("gtpu,mpls")


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
        inner, _ = tunnelled(chunk, packets, TUNNEL_KINDS)
        assert ((inner.offset >= 14) & (inner.captured > 0)).all()
        assert (inner.offset + inner.captured <= cut).all()
