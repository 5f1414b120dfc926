"""Packets worth a look: those, and only those, that plain Python picks out of any frames."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from caudal.collector.names.candidates import (
    QUIC_PORTS,
    TLS_PORTS,
    Candidates,
    awaited,
    worth_a_look,
)
from caudal.collector.names.keys import Keys
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, Packets, read_packets

from .messages import QUIC1, QUIC2, crypto, dns_answer, hello, quic_initial, real_hello, server_name

NAMED = hello(server_name("www.netflix.com"))
PAYLOADS = [
    b"",
    bytes(11),
    bytes(12),
    real_hello("www.netflix.com"),
    b"\x16\x03\x01\x00\x05\x01",
    b"\x16\x03\x01\x00\x05\x02" + bytes(20),
    dns_answer("www.netflix.com", "192.0.2.1"),
    quic_initial(crypto(NAMED), QUIC1),
    quic_initial(crypto(NAMED), QUIC2),
    b"\xd0" + quic_initial(crypto(NAMED), QUIC1)[1:],
    b"\xc0\0\0\0\2" + bytes(1_200),
]
PORTS = st.sampled_from([53, 443, 853, 8443, 993, 50_000])
# (where the payload starts, where it ends, whether it was captured whole)
Payload = tuple[int, int, bool]


@st.composite
def frames(draw: st.DrawFn) -> tuple[bytes, int]:
    """An IP packet, and how much of it was captured."""
    ports = {"sport": draw(PORTS), "dport": draw(PORTS)}
    transport = draw(
        st.sampled_from([UDP(**ports), TCP(**ports), TCP(**ports, dataofs=8), TCP(**ports, dataofs=3)])
    )
    four = IP(src="198.18.0.1", dst="192.0.2.1", flags=draw(st.sampled_from([0, 0, 1])))
    network = draw(st.sampled_from([four, IPv6(src="2001:2::1", dst="2001:db8::1")]))
    frame = bytes(network / transport / Raw(draw(st.sampled_from(PAYLOADS))))
    return frame, draw(st.one_of(st.just(len(frame)), st.integers(20, 80), st.integers(0, len(frame))))


def chunk_of(captured: list[tuple[bytes, int]]) -> PacketChunk:
    parts = [frame[:cut] for frame, cut in captured]
    length = np.array([len(part) for part in parts], np.int64)
    return PacketChunk(
        np.frombuffer(bytearray(b"".join(parts) + bytes(64)), np.uint8),
        np.cumsum(length) - length,
        length,
        np.array([len(frame) for frame, _ in captured], np.int64),
        np.zeros(len(parts), np.int64),
        np.full(len(parts), 101, np.uint16),
    )


def by_hand(chunk: PacketChunk, packets: Packets, at: int) -> tuple[str, Payload] | None:
    frame = int(packets.frame[at])
    captured = int(chunk.offset[frame] + chunk.captured[frame])
    transport, end = int(packets.transport[at]), int(packets.end[at])
    if not packets.ports_known[at] or packets.fragmented[at]:
        return None
    data = chunk.buffer[transport : min(captured, end)].tobytes()
    if packets.ip_protocol[at] == 6:
        header = data[12] >> 4 << 2 if len(data) > 12 else 0
        payload = data[header:]
        if packets.destination_port[at] not in TLS_PORTS or header < 20 or not payload:
            return None
        begins = payload[:2] == b"\x16\x03" and payload[5:6] == b"\x01"
        kind = "hellos" if begins else "segments"
    else:
        header, payload = 8, data[8:]
        version, first = payload[1:5], payload[:1].hex()[:1]
        if len(payload) < 12:
            return None
        if packets.source_port[at] == 53:
            kind = "answers"
        elif (
            packets.destination_port[at] in QUIC_PORTS
            and packets.bytes[at] >= 1_200
            and (version, first) in ((bytes.fromhex("00000001"), "c"), (bytes.fromhex("6b3343cf"), "d"))
        ):
            kind = "initials"
        else:
            return None
    return kind, (transport + header, transport + header + len(payload), end <= captured)


def payloads(found: Candidates) -> dict[int, Payload]:
    columns = (found.start.tolist(), found.end.tolist(), found.whole.tolist())
    return dict(zip(found.which.tolist(), zip(*columns, strict=True), strict=True))


@settings(max_examples=200)
@given(st.lists(frames(), max_size=10))
def test_the_same_as_picked_by_hand(captured: list[tuple[bytes, int]]) -> None:
    chunk = chunk_of(captured)
    for packets in read_packets(chunk, PacketCounts()):
        truth: dict[str, dict[int, Payload]] = {
            kind: {} for kind in ("answers", "initials", "hellos", "segments")
        }
        for at in range(len(packets)):
            if found := by_hand(chunk, packets, at):
                truth[found[0]][at] = found[1]
        worth = worth_a_look(chunk, packets)
        assert {kind: payloads(getattr(worth, kind)) for kind in truth} == truth


def test_awaited_are_those_that_are_marked() -> None:
    packets = [bytes(IP() / TCP(sport=port, dport=443) / Raw(b"more")) for port in range(1_000, 1_200)]
    chunk = chunk_of([(packet, len(packet)) for packet in packets])
    four, _ = read_packets(chunk, PacketCounts())
    segments = worth_a_look(chunk, four).segments
    assert len(segments) == 200
    keys, marks = Keys(), np.zeros(1 << 16, np.uint16)
    assert len(awaited(four, segments, keys, marks)) == 0
    ends = [(four.source_high, four.source_low), (four.destination_high, four.destination_low)]
    of = keys.of_connection(four.ip_protocol, (*ends[1], four.destination_port), (*ends[0], four.source_port))
    marks[int(of[7]) % (1 << 16)] = 1
    assert 7 in awaited(four, segments, keys, marks).which.tolist()
    assert len(awaited(four, segments, keys, marks)) < 20
