"""The kernels that read packets agree with the plain reader on any frame, and never leave the buffer."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import CookedLinux, CookedLinuxV2

from caudal.collector.packets.innerpackets import innermost
from caudal.collector.packets.link import LINKS
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, Packets, read_packets
from caudal.collector.packets.tunnelkinds import TUNNEL_KINDS

from ..field.test_link_types import FRAMES as FRAMES_OF_LINKS
from . import packets_by_hand
from .packets_by_hand import Seen, holding, read_frame
from .test_packets import tags, traffic
from .test_tunnels import CARRIERS, ETHER, INNER

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
        link = draw(st.sampled_from([*packets_by_hand.LINKS, 195]))
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
    for at, (_, frame, original) in enumerate(frames):
        if truth[at] == "in labels":
            truth[at] = found.get(at, "not ip")
            if isinstance(
                one := truth[at], Seen
            ):  # of a pseudowire, in which a packet is believed if it holds together
                assert holding(frame[one.network :], one.network, original - one.network) == (
                    one.version,
                    one.network,
                )
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


@st.composite
def any_frame(draw: st.DrawFn) -> tuple[int, bytes, int]:
    """A frame of any link, damaged, perhaps with a tunnel or Ethernet behind labels in it."""
    name = draw(st.sampled_from(sorted(FRAMES_OF_LINKS)))
    carrier = draw(st.sampled_from(sorted(CARRIERS)))
    packet = CARRIERS[carrier](INNER) if draw(st.booleans()) else INNER
    link, around = FRAMES_OF_LINKS[name]
    octets = bytearray(around(packet))
    if draw(st.booleans()):
        kinds = [
            0x8847,
            0x8847,
            0x88E7,
            0x8903,
            0x22F3,
            0x894F,
            0x88E5,
            0x8909,
            0x893F,
            0x8870,
            0x0100,
            0x8864,
        ]
        word = draw(st.sampled_from([b"", bytes(4)]))
        head = (
            bytes(12) + draw(st.sampled_from(kinds)).to_bytes(2) + draw(st.binary(max_size=12)) + b"\1" + word
        )
        link, octets = 1, bytearray(head + bytes(ETHER / packet))
    for at, octet in draw(st.lists(st.tuples(st.integers(0, 199), TELLING), max_size=4)):
        octets[at % len(octets)] = octet
    cut = draw(st.one_of(st.just(len(octets)), st.integers(0, len(octets))))
    return link, bytes(octets[:cut]), len(octets)


@settings(max_examples=300)
@given(any_frame(), st.sampled_from([b"\0", b"\xff", b"\x45", b"\xaa", b"\x88\x47"]))
def test_what_is_around_a_frame_changes_nothing(frame: tuple[int, bytes, int], around: bytes) -> None:
    """Octets behind the end of a frame are never looked at: with others there, the same is read."""
    link, octets, original = frame

    def everything(filling: bytes) -> list[tuple[object, ...]]:
        space = (filling * 200)[:200]
        one = PacketChunk(
            np.frombuffer(bytearray(space + octets + space), np.uint8),
            np.array([len(space)]),
            np.array([len(octets)]),
            np.array([original]),
            np.zeros(1, np.int64),
            np.array([link], np.uint16),
        )
        counts = PacketCounts()
        found: list[tuple[object, ...]] = []
        for of, lot in innermost(one, read_packets(one, counts), TUNNEL_KINDS):
            assert ((lot.network >= 200) & (lot.network <= 200 + len(octets))).all()
            assert (of.offset + of.captured <= 200 + len(octets)).all()
            found += [tuple(seen(lot, at, 0).__dict__.items()) for at in range(len(lot))]
        assert counts.packets == counts.metered + counts.not_ip + counts.malformed == 1
        return found

    assert everything(around) == everything(b"\x60")
