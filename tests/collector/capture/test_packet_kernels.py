"""The kernels that read packets agree with the plain reader on any frame, and never leave the buffer."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import CookedLinux, CookedLinuxV2

from caudal.collector.capture.link import LINKS
from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packets import PacketCounts, Packets, read_packets

from .packets_by_hand import Seen, read_frame
from .test_packets import tags, traffic

CHOOSE = random.Random(4)
PACKETS = traffic(4, 60)
LABELS = b"\x88\x47" + b"\0\0\x10\x40" * 2 + b"\0\0\x11\x40"
PPP = b"\x88\x64\x11\0\0\1\0\0\0\x21"
FRAMES = [
    *((1, bytes(tags(CHOOSE) / packet)) for packet in PACKETS),
    *((101, bytes(packet)) for packet in PACKETS),
    *((113, bytes(CookedLinux() / packet)) for packet in PACKETS[:20]),
    *((276, bytes(CookedLinuxV2() / packet)) for packet in PACKETS[:20]),
    *((0, b"\x02\0\0\0" + bytes(packet)) for packet in PACKETS[:20]),
    *((219, LABELS[2:] + bytes(packet)) for packet in PACKETS[:20]),
    *((1, bytes(12) + head + bytes(packet)) for head in (LABELS, PPP) for packet in PACKETS[:20]),
    (1, bytes(12) + b"\x81\x00\x00\x01" * 12 + b"\x08\x00" + bytes(PACKETS[0])),
    (1, bytes(12) + b"\x81\x00\x00\x01" * 13 + b"\x08\x00" + bytes(PACKETS[0])),
]
# Octets that mean something somewhere in a header.
TELLING = st.sampled_from(
    [0, 1, 2, 4, 5, 6, 8, 17, 43, 44, 51, 59, 60, 0x40, 0x45, 0x60, 0x81, 0x86, 0xDD, 255]
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[int, bytes, int]:
    """A frame with some octets changed and its end cut off, its link type, and its length on the wire."""
    link, frame = draw(st.sampled_from(FRAMES))
    octets = bytearray(frame)
    for at, octet in draw(st.lists(st.tuples(st.integers(0, 99), TELLING), max_size=4)):
        if octets:
            octets[at % len(octets)] = octet
    if draw(st.booleans()):
        link = draw(st.sampled_from([*LINKS, 195]))
    cut = draw(st.one_of(st.just(len(octets)), st.integers(0, len(octets))))
    return link, bytes(octets[:cut]), len(octets) + draw(st.sampled_from([0, 0, 100]))


def chunk_of(frames: list[tuple[int, bytes, int]], spare: int = 64) -> PacketChunk:
    length = np.array([len(frame) for _, frame, _ in frames], np.int64)
    return PacketChunk(
        np.frombuffer(bytearray(b"".join(frame for _, frame, _ in frames) + bytes(spare)), np.uint8),
        np.cumsum(length) - length,
        length,
        np.array([original for _, _, original in frames], np.int64),
        np.arange(len(frames), dtype=np.int64),
        np.array([link for link, _, _ in frames], np.uint16),
    )


def seen(packets: Packets, at: int, start: int) -> Seen:
    high, low = (packets.source_high, packets.destination_high), (packets.source_low, packets.destination_low)
    source, destination = (
        int(upper[at]) << 64 | int(lower[at]) for upper, lower in zip(high, low, strict=True)
    )
    ports = int(packets.source_port[at]), int(packets.destination_port[at])
    network, octets = int(packets.network[at]), int(packets.bytes[at])
    assert packets.end[at] == network + octets
    assert packets.ports_known[at] or ports == (0, 0)
    return Seen(
        packets.ip_version,
        source,
        destination,
        ports if packets.ports_known[at] else None,
        int(packets.ip_protocol[at]),
        octets,
        bool(packets.fragmented[at]),
        network - start,
        int(packets.transport[at]) - start,
    )


@settings(max_examples=400)
@given(st.lists(damaged(), max_size=12))
def test_the_same_as_read_by_hand(frames: list[tuple[int, bytes, int]]) -> None:
    chunk, counts = chunk_of(frames), PacketCounts()
    found: dict[int, Seen] = {}
    for packets in read_packets(chunk, counts):
        for at, frame in enumerate(packets.frame.tolist()):
            found[frame] = seen(packets, at, int(chunk.offset[frame]))
            assert packets.time_ms[at] == frame
        assert (np.diff(packets.frame) > 0).all()
    truth = [read_frame(frame, link, original) for link, frame, original in frames]
    assert [found.get(at, "") for at in range(len(frames))] == [
        each if isinstance(each, Seen) else "" for each in truth
    ]
    assert counts.malformed == truth.count("malformed")
    assert counts.not_ip == truth.count("not ip") + truth.count("unknown")
    assert sum(counts.unknown_link_types.values()) == truth.count("unknown")
    assert counts.packets == counts.metered + counts.not_ip + counts.malformed == len(frames)


@pytest.mark.parametrize("link", [*LINKS, 195])
def test_columns_that_point_out_of_the_buffer_are_held_to_it(link: int) -> None:
    """Kernels check no bounds: places before the buffer or behind its end must not be read."""
    frame = dict(FRAMES).get(link, FRAMES[0][1])
    chunk = chunk_of([(link, frame, len(frame))] * 5, spare=0)
    chunk.offset[:] = [-1, -(1 << 40), len(chunk.buffer), 1 << 40, len(chunk.buffer) - 3]
    chunk.captured[:] = [100, 1 << 41, 100, 100, 1 << 40]
    counts = PacketCounts()
    lots = read_packets(chunk, counts)
    assert sum(map(len, lots)) == 0
    assert counts.packets == counts.not_ip + counts.malformed == 5
