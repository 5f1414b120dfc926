"""Capture files: every variant gives the packets that were written, and damage costs only what follows it."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.capture.capture import Capture, CaptureError, PacketChunk
from caudal.collector.columns.chain import ChainLayout, follow

PACKETS = [
    (1_767_225_600_000 + 7 * n, bytes([n % 251]) * (40 + n % 60), 40 + n % 60 + n % 3) for n in range(300)
]

Read = list[tuple[int, bytes, int, int]]


def pcap(
    packets: list[tuple[int, bytes, int]], order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1
) -> bytes:
    per_ms, extra = (1_000_000, b"") if magic == 0xA1B23C4D else (1_000, b"")
    if magic == 0xA1B2CD34:
        extra = b"\1" * 8
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)]
    for time_ms, data, original in packets:
        header = struct.pack(order + "IIII", time_ms // 1_000, time_ms % 1_000 * per_ms, len(data), original)
        out += [header, extra, data]
    return b"".join(out)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int = 1, snap: int = 0, options: bytes = b"") -> bytes:
    return block(order, 1, struct.pack(order + "HHI", link, 0, snap) + options)


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(order: str, number: int, ticks: int, data: bytes, original: int) -> bytes:
    header = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), original)
    return block(order, 6, header + data)


def pcapng(packets: list[tuple[int, bytes, int]], order: str = "<") -> bytes:
    blocks = [enhanced(order, 0, time_ms * 1_000, data, original) for time_ms, data, original in packets]
    return section(order) + interface(order) + b"".join(blocks)


def read(path: Path, chunk_bytes: int = 4 << 20) -> tuple[Read, Capture]:
    capture = Capture(path, chunk_bytes)
    found: Read = []
    for chunk in capture.chunks():
        found += packets_of(chunk)
    return found, capture


def packets_of(chunk: PacketChunk) -> Read:
    data = chunk.buffer.tobytes()
    return [
        (int(t), data[o : o + c], int(w), int(k))
        for t, o, c, w, k in zip(
            chunk.time_ms, chunk.offset, chunk.captured, chunk.original, chunk.link_type, strict=True
        )
    ]


def expected(packets: list[tuple[int, bytes, int]], link: int = 1) -> Read:
    return [(*packet, link) for packet in packets]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34])
@pytest.mark.parametrize("chunk_bytes", [64, 1_000, 4 << 20])
def test_every_pcap_variant_in_chunks_of_any_size(
    tmp_path: Path, order: str, magic: int, chunk_bytes: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(pcap(PACKETS, order, magic, link=101))
    found, capture = read(path, chunk_bytes)
    assert found == expected(PACKETS, 101)
    assert (capture.counts.packets, capture.counts.truncated, capture.counts.damage) == (300, 0, "")


def test_pcap_equals_scapys_reader(tmp_path: Path) -> None:
    from scapy.utils import RawPcapReader

    path = tmp_path / "a"
    path.write_bytes(pcap(PACKETS))
    with RawPcapReader(str(path)) as reader:
        truth = [(m.sec * 1_000 + m.usec // 1_000, data, m.wirelen, reader.linktype) for data, m in reader]
    assert read(path)[0] == truth


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("chunk_bytes", [64, 1_000, 4 << 20])
def test_pcapng_of_either_byte_order(tmp_path: Path, order: str, chunk_bytes: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(pcapng(PACKETS, order))
    assert read(path, chunk_bytes)[0] == expected(PACKETS)


def test_pcapng_equals_scapys_reader(tmp_path: Path) -> None:
    from scapy.utils import RawPcapNgReader

    path = tmp_path / "a"
    path.write_bytes(pcapng(PACKETS, ">"))
    truth = []
    with RawPcapNgReader(str(path)) as reader:
        for data, m in reader:
            truth.append((((m.tshigh << 32) + m.tslow) // 1_000, data, m.wirelen, m.linktype))
    assert read(path)[0] == truth


@pytest.mark.parametrize("chunk_bytes", [80, 4 << 20])
def test_pcapng_sections_interfaces_and_other_blocks(tmp_path: Path, chunk_bytes: int) -> None:
    second = section(">")
    body = (
        section("<")
        + interface("<", link=1)
        + block("<", 0x0BAD, b"what is this")
        + enhanced("<", 0, 5_000_000, b"first", 5)
        + interface("<", link=113, options=option("<", 9, b"\x09") + option("<", 14, struct.pack("<q", 100)))
        + enhanced("<", 1, 7_000_000_000, b"nano", 4)
        + enhanced("<", 0, 5_001_000, b"first again", 11)
        + enhanced("<", 2, 0, b"no such interface", 17)
        + second
        + interface(">", link=101, snap=3, options=option(">", 9, b"\x8a") + option(">", 0, b""))
        + enhanced(">", 0, 3 * 1_024 + 512, b"binary", 99)
        + block(">", 3, struct.pack(">I", 8) + b"simple!!"[:3])
        + block(">", 2, struct.pack(">HHIIII", 0, 0, 0, 4 * 1_024, 3, 60) + b"old")
        + section("<")
        + interface("<", link=1, options=option("<", 9, b"\x00"))
        + enhanced("<", 0, 9, b"seconds", 7)
    )
    path = tmp_path / "a"
    path.write_bytes(body)
    found, capture = read(path, chunk_bytes)
    assert capture.counts.damage == ""
    assert found == [
        (5_000, b"first", 5, 1),
        (107_000, b"nano", 4, 113),
        (5_001, b"first again", 11, 1),
        (5_001, b"", 17, 0xFFFF),
        (3_500, b"binary", 99, 101),
        (3_500, b"sim", 8, 101),
        (4_000, b"old", 60, 101),
        (9_000, b"seconds", 7, 1),
    ]


@pytest.mark.parametrize("code", range(256))
def test_pcapng_time_resolutions(tmp_path: Path, code: int) -> None:
    ticks_per_second = 2 ** (code & 127) if code & 128 else 10**code
    ticks = (1_767_225_600 * ticks_per_second + ticks_per_second // 8) & 0xFFFFFFFFFFFFFFFF
    path = tmp_path / "a"
    path.write_bytes(
        section("<") + interface("<", options=option("<", 9, bytes([code]))) + enhanced("<", 0, ticks, b"", 0)
    )
    exact = min(ticks * 1_000 // ticks_per_second, (1 << 32) * 1_000 - 1)
    assert read(path)[0][0][0] == exact


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_gzip_is_recognised_by_content(
    tmp_path: Path, make: Callable[[list[tuple[int, bytes, int]]], bytes]
) -> None:
    path = tmp_path / "no-suffix"
    path.write_bytes(gzip.compress(make(PACKETS)))
    assert read(path, 500)[0] == expected(PACKETS)


@pytest.mark.parametrize("make", [pcap, pcapng])
@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_file_keeps_what_came_before(
    tmp_path: Path, make: Callable[[list[tuple[int, bytes, int]]], bytes], packed: bool
) -> None:
    whole = make(PACKETS)
    whole = gzip.compress(whole, 1) if packed else whole
    path = tmp_path / "a"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    found, capture = read(path)
    assert 100 < len(found) < 300
    assert found == expected(PACKETS)[: len(found)]
    assert capture.counts.packets == len(found)
    assert capture.counts.truncated == 1
    assert str(path) in capture.counts.damage


@pytest.mark.parametrize("length", [262_145, 0xFFFFFFFF])
def test_a_broken_record_keeps_what_came_before(tmp_path: Path, length: int) -> None:
    good = pcap(PACKETS)
    path = tmp_path / "a"
    path.write_bytes(good + struct.pack("<IIII", 1, 1, length, length) + bytes(100))
    found, capture = read(path)
    assert found == expected(PACKETS)
    assert f"byte {len(good)} " in capture.counts.damage
    assert capture.counts.truncated == 0


@pytest.mark.parametrize(
    "fault", [struct.pack("<II", 6, 4), struct.pack("<II", 6, 32), b"\x0a\x0d\x0d\x0a" + bytes(8)]
)
def test_a_broken_block_keeps_what_came_before(tmp_path: Path, fault: bytes) -> None:
    good = pcapng(PACKETS)
    path = tmp_path / "a"
    path.write_bytes(good + fault + bytes(100))
    found, capture = read(path)
    assert found == expected(PACKETS)
    assert f"byte {len(good)} " in capture.counts.damage


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"not a capture at all", "neither pcap nor pcapng"),
        (pcap([])[:20], "header of 24 bytes"),
        (struct.pack("<IHH", 0xA1B2C3D4, 7, 0) + bytes(40), "version 7.0"),
        (section("<")[:20], "section header"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "section header"),
        (b"\x1f\x8b garbage", "gzip"),
        (gzip.compress(b"", mtime=0), "empty"),
    ],
)
def test_what_is_no_capture_is_said_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "given"
    path.write_bytes(content)
    with pytest.raises(CaptureError) as caught:
        read(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_opened_is_a_capture_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        read(tmp_path / name)


def test_a_capture_without_packets_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(pcap([]))
    assert read(path)[0] == []


HEADS = [
    b"",
    pcap([]),
    pcap([], ">"),
    pcapng(PACKETS[:2]),
    pcapng(PACKETS[:2], ">"),
    gzip.compress(pcap(PACKETS[:3]), mtime=0)[:-9],
]


@settings(max_examples=150)
@given(
    head=st.sampled_from(HEADS), tail=st.binary(max_size=400), chunk_bytes=st.sampled_from([70, 300, 1 << 16])
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, tail: bytes, chunk_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "a"
    path.write_bytes(head + tail)
    try:
        found, _ = read(path, chunk_bytes)
    except CaptureError as error:
        assert "\n" not in str(error)
        return
    if not head.startswith(b"\x1f\x8b"):  # of damaged gzip data a larger read may lose more
        assert read(path)[0] == found, "the size of chunks must not change what is read"


def sequential(data: bytes, at: int, layout: ChainLayout) -> tuple[list[int], int, bool]:
    starts: list[int] = []
    while at + layout.header <= len(data):
        length = int.from_bytes(data[at + layout.length_at :][:4], "big" if layout.big_endian else "little")
        if not layout.shortest <= length <= layout.longest:
            return starts, at, True
        if at + layout.added + length > len(data):
            break
        starts.append(at)
        at += layout.added + length
    return starts, at, False


@settings(max_examples=150)
@given(
    sizes=st.lists(st.integers(0, 40), max_size=40),
    big_endian=st.booleans(),
    damage=st.tuples(st.integers(0, 2_000), st.integers(0, 255)),
    cut=st.integers(0, 60),
    layout=st.sampled_from([(16, 8, 16, 0, 262_144), (12, 4, 0, 12, 60), (24, 8, 24, 0, 30)]),
)
def test_following_equals_the_plain_walk(
    sizes: list[int],
    big_endian: bool,
    damage: tuple[int, int],
    cut: int,
    layout: tuple[int, int, int, int, int],
) -> None:
    """Records of any size, with one octet damaged and the end cut off."""
    header, length_at, added, _, _ = layout
    out = bytearray()
    for size in sizes:
        length = struct.pack(">I" if big_endian else "<I", size + (header if added == 0 else 0))
        out += bytes(length_at) + length + bytes(header - length_at - 4 + size)
    if damage[0] < len(out):
        out[damage[0]] = damage[1]
    out = out[: max(len(out) - cut, 0)]
    shape = ChainLayout(*layout, big_endian)
    truth, end, damaged = sequential(bytes(out), 0, shape)
    chain = follow(np.frombuffer(bytes(out) + bytes(64), np.uint8), 0, len(out), shape)
    assert (chain.starts.tolist(), chain.end, chain.damaged) == (truth, end, damaged)


def test_a_layout_whose_length_is_not_in_the_record_is_refused() -> None:
    for wrong in ((16, 13, 16, 0, 100), (16, 8, 0, 15, 100)):
        with pytest.raises(ValueError, match="in the"):
            ChainLayout(*wrong, big_endian=False)
