"""Export datagrams out of captures: found, put together from fragments, and told from other traffic."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from caudal.collector.capture.capture import Capture, CaptureError
from caudal.collector.capture.capturekind import file_kind, read_raw_payload
from caudal.collector.capture.exportcapture import ExportCounts, ExportReader
from caudal.collector.capture.exportmessage import is_export_message
from caudal.collector.capture.fragments import Fragment, Fragments
from caudal.collector.columns.datagrams import Datagrams, Exporters

CORPUS = os.environ.get("CAUDAL_CORPUS")
# Both addresses given, or scapy would go looking for them.
ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")

needs_corpus = pytest.mark.skipif(CORPUS is None, reason="CAUDAL_CORPUS does not say where the captures are")


def netflow5(records: int = 2) -> bytes:
    return struct.pack(">HHIIIIBBH", 5, records, 1, 1_767_225_600, 0, 0, 0, 0, 0) + bytes(48 * records)


def netflow7(records: int = 2) -> bytes:
    return struct.pack(">HHIIIII", 7, records, 1, 1_767_225_605, 0, 0, 0) + bytes(52 * records)


def netflow9(size: int = 40) -> bytes:
    return (
        struct.pack(">HHIIII", 9, 1, 1, 1_767_225_601, 0, 0) + struct.pack(">HH", 256, size) + bytes(size - 4)
    )


def ipfix(size: int = 40) -> bytes:
    head = struct.pack(">HHIII", 10, 16 + size, 1_767_225_602, 0, 0)
    return head + struct.pack(">HH", 256, size) + bytes(n % 251 for n in range(size - 4))


def sflow() -> bytes:
    return struct.pack(">IIIIIII", 5, 1, 0xC0000201, 0, 1, 1, 0)


def write(path: Path, packets: list[Packet], snap: int = 65_535, link: int = 1) -> Path:
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for number, packet in enumerate(packets):
        data = bytes(packet)
        out.append(struct.pack("<IIII", 1_767_225_600 + number, 0, len(data[:snap]), len(data)) + data[:snap])
    path.write_bytes(b"".join(out))
    return path


def read(path: Path, chunk_bytes: int = 4 << 20) -> tuple[list[tuple[str, bytes, int, bool]], ExportCounts]:
    exporters = Exporters()
    reader = ExportReader(exporters)
    found = []
    for chunk in Capture(path, chunk_bytes).chunks():
        found += payloads(reader.add(chunk), exporters)
    reader.finish()
    counts = reader.counts
    assert counts.packets == (
        counts.unfragmented + counts.fragments + counts.not_udp + counts.not_ip + counts.malformed
    )
    assert counts.packets == counts.metered + counts.not_ip + counts.malformed
    assert counts.datagrams == len(found) == counts.unfragmented + counts.joined - counts.not_export
    return found, counts


def payloads(datagrams: Datagrams, exporters: Exporters) -> list[tuple[str, bytes, int, bool]]:
    data = datagrams.buffer.tobytes()
    return [
        (exporters.addresses[int(number)], data[at : at + size], int(received), bool(cut))
        for at, size, number, received, cut in zip(
            datagrams.offset,
            datagrams.length,
            datagrams.exporter,
            datagrams.received_ms,
            datagrams.truncated,
            strict=True,
        )
    ]


def udp4(payload: bytes, source: str = "192.0.2.1") -> Packet:
    return ETHER / IP(src=source, dst="192.0.2.99", id=9) / UDP(sport=5_000, dport=2_055) / Raw(payload)


def udp6(payload: bytes, source: str = "2001:db8::1") -> Packet:
    return ETHER / IPv6(src=source, dst="2001:db8::99") / UDP(sport=5_000, dport=2_055) / Raw(payload)


@pytest.mark.parametrize("chunk_bytes", [700, 4 << 20])
def test_datagrams_in_order_with_their_exporters(tmp_path: Path, chunk_bytes: int) -> None:
    path = write(
        tmp_path / "a",
        [
            udp4(netflow5()),
            udp6(netflow9()),
            ETHER / ARP(),
            udp4(ipfix(), "198.51.100.7"),
            ETHER / IP() / TCP(),
            udp4(b"a question to a name server"),
            udp6(sflow(), "2001:db8::2"),
            udp4(netflow5(30)),
        ],
    )
    found, counts = read(path, chunk_bytes)
    assert found == [
        ("192.0.2.1", netflow5(), 1_767_225_600_000, False),
        ("2001:db8::1", netflow9(), 1_767_225_601_000, False),
        ("198.51.100.7", ipfix(), 1_767_225_603_000, False),
        ("2001:db8::2", sflow(), 1_767_225_606_000, False),
        ("192.0.2.1", netflow5(30), 1_767_225_607_000, False),
    ]
    assert (counts.not_ip, counts.not_udp, counts.not_export, counts.malformed) == (1, 1, 1, 0)


@pytest.mark.parametrize("chunk_bytes", [2_000, 4 << 20])
@pytest.mark.parametrize("backwards", [False, True])
def test_fragments_are_put_together(tmp_path: Path, chunk_bytes: int, backwards: bool) -> None:
    large, other = ipfix(6_000), ipfix(3_000)
    pieces = fragment(udp4(large), 1_400)
    pieces6 = fragment6(
        ETHER / IPv6(src="2001:db8::1") / IPv6ExtHdrFragment(id=77) / UDP(dport=2_055) / Raw(other), 1_300
    )
    assert len(pieces) == 5
    assert len(pieces6) == 3
    packets = [*(reversed(pieces) if backwards else pieces), udp4(netflow5()), *pieces6, pieces[0]]
    found, counts = read(write(tmp_path / "a", packets), chunk_bytes)
    assert [(source, data) for source, data, _, _ in found] == [
        ("192.0.2.1", large),
        ("192.0.2.1", netflow5()),
        ("2001:db8::1", other),
    ]
    assert (counts.fragments, counts.joined, counts.incomplete) == (9, 2, 1)


def test_source_ports_of_whole_and_of_fragmented_datagrams(tmp_path: Path) -> None:
    packets = [
        ETHER / IP(src="192.0.2.1") / UDP(sport=50_001, dport=2_055) / Raw(netflow5()),
        *fragment(ETHER / IP(src="192.0.2.1", id=9) / UDP(sport=50_002, dport=2_055) / Raw(netflow9(3_000)), 1_000),
        ETHER / IPv6(src="2001:db8::1") / UDP(sport=50_003, dport=2_055) / Raw(ipfix()),
    ]  # fmt: skip
    reader = ExportReader(Exporters())
    found = [reader.add(chunk) for chunk in Capture(write(tmp_path / "ports.pcap", packets)).chunks()]
    assert [port for lot in found for port in lot.port.tolist()] == [50_001, 50_002, 50_003]


def test_a_missing_cut_or_overlapping_piece_is_counted(tmp_path: Path) -> None:
    pieces = fragment(udp4(ipfix(6_000)), 1_400)
    _, counts = read(write(tmp_path / "a", [*pieces[:2], *pieces[3:]]))
    assert (counts.datagrams, counts.joined, counts.incomplete) == (0, 0, 1)
    _, counts = read(write(tmp_path / "b", pieces, snap=1_000))
    assert (counts.datagrams, counts.incomplete) == (0, 1)
    overlapping = pieces[1].copy()
    overlapping[IP].frag -= 1
    overlapping[IP].chksum = None
    _, counts = read(write(tmp_path / "c", [pieces[0], overlapping, *pieces[2:]]))
    assert (counts.datagrams, counts.incomplete) == (0, 1)


def test_fragments_waited_for_are_bounded(tmp_path: Path) -> None:
    first = fragment(udp4(ipfix(6_000)), 1_400)[0]
    packets = []
    for number in range(50):
        piece = first.copy()
        piece[IP].id, piece[IP].chksum = number, None
        packets.append(piece)
    exporters = Exporters()
    reader = ExportReader(exporters, pending=10)
    for chunk in Capture(write(tmp_path / "a", packets)).chunks():
        reader.add(chunk)
    assert reader.counts.incomplete == 40, "ten are waited for, and 30 s have not passed for any of them"
    reader.finish()
    assert reader.counts.incomplete == 50


def test_overlapping_pieces_are_not_hoarded() -> None:
    fragments = Fragments()
    for at in range(0, 40_000, 8):
        assert fragments.add(Fragment((4, 1, 2, 3), at, bytes(20_000), True, True, 0)) is None
    assert not any(packet.pieces for packet in fragments._packets.values())
    fragments.finish()
    assert (fragments.joined, fragments.incomplete) == (0, 1)


def test_a_payload_cut_by_the_capture_is_marked(tmp_path: Path) -> None:
    found, _ = read(write(tmp_path / "a", [udp4(netflow5(10)), udp4(b"\0\5")], snap=100))
    assert found == [
        ("192.0.2.1", netflow5(10)[:58], 1_767_225_600_000, True),
        ("192.0.2.1", b"\0\5", 1_767_225_601_000, False),
    ]


@pytest.mark.parametrize("length", [1, 7, 200])
def test_an_impossible_udp_length_is_malformed(tmp_path: Path, length: int) -> None:
    packet = ETHER / IP() / UDP(len=length) / Raw(netflow5())
    found, counts = read(write(tmp_path / "a", [packet]))
    assert found == []
    assert (counts.malformed, counts.metered) == (1, 0)


def test_exporters_beyond_the_limit_have_no_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [udp4(netflow5(), f"192.0.2.{n}") for n in (3, 1, 2, 3)])
    reader = ExportReader(Exporters(limit=2))
    (chunk,) = Capture(path).chunks()
    assert reader.add(chunk).exporter.tolist() == [0, 1, -1, 0]


TCP_PACKET = ETHER / IP() / TCP()
DNS = udp4(bytes(30))


@pytest.mark.parametrize(
    ("packets", "kind"),
    [
        ([udp4(netflow5())], "exports"),
        ([udp4(netflow7())], "exports"),
        ([udp6(netflow9())], "exports"),
        ([udp4(ipfix())], "exports"),
        ([udp4(sflow())], "exports"),
        ([udp4(ipfix())] * 3 + [DNS] * 2, "exports"),
        ([udp4(ipfix())] * 2 + [DNS] * 2, "packets"),
        ([udp4(ipfix())] + [TCP_PACKET] * 9, "exports"),
        ([TCP_PACKET] * 10 + [udp4(ipfix())], "packets"),
        ([DNS], "packets"),
        ([TCP_PACKET], "packets"),
        (list(fragment(udp4(ipfix(6_000)), 1_400)), "exports"),
        ([], "packets"),
    ],
)
def test_captures_of_exports_are_told_from_traffic(tmp_path: Path, packets: list[Packet], kind: str) -> None:
    assert file_kind(write(tmp_path / "a", packets)) == kind


def test_headers_alone_are_enough_to_recognise_exports(tmp_path: Path) -> None:
    assert file_kind(write(tmp_path / "a", [udp4(ipfix(1_000))], snap=96)) == "exports"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0\x0a",
        netflow5(0),
        netflow5(31),
        netflow5() + b"\0",
        netflow7(0),
        netflow7() + b"\0",
        b"\0\7" + netflow5()[2:],
        netflow9()[:23],
        struct.pack(">HHIIII", 9, 1, 1, 1, 0, 0) + struct.pack(">HH", 100, 8) + bytes(8),
        struct.pack(">HHIIII", 9, 1, 1, 1, 0, 0) + struct.pack(">HH", 0, 80) + bytes(8),
        ipfix()[:-1],
        struct.pack(">II", 5, 3) + bytes(100),
        struct.pack(">II", 4, 1) + bytes(100),
    ],
)
def test_what_is_no_export_message(payload: bytes) -> None:
    assert not is_export_message(payload)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("payload", "time_ms"),
    [
        (netflow5(), 1_767_225_600_000),
        (netflow7(), 1_767_225_605_000),
        (netflow9(), 1_767_225_601_000),
        (ipfix(), 1_767_225_602_000),
        (sflow(), 0),
    ],
)
def test_raw_payload_files(tmp_path: Path, payload: bytes, time_ms: int, packed: bool) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(gzip.compress(payload) if packed else payload)
    assert file_kind(path) == "payload"
    datagrams = read_raw_payload(path, exporter=4)
    at, size = int(datagrams.offset[0]), int(datagrams.length[0])
    assert datagrams.buffer[at : at + size].tobytes() == payload
    assert (datagrams.exporter.tolist(), datagrams.received_ms.tolist()) == ([4], [time_ms])
    assert not datagrams.truncated.any()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\0\5" + bytes(65_534), gzip.compress(netflow5(), mtime=0)[:-1]]
)
def test_what_is_neither_capture_nor_payload(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    for read_it in (file_kind, read_raw_payload):
        with pytest.raises(CaptureError) as caught:
            read_it(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


BASE = [bytes(udp4(netflow5())), bytes(udp6(sflow())), *map(bytes, fragment(udp4(ipfix(90)), 64))]


@settings(max_examples=150)
@given(
    frames=st.lists(
        st.builds(
            lambda frame, at, byte, end: (frame[:at] + bytes([byte]) + frame[at + 1 :])[:end],
            st.sampled_from(BASE),
            st.integers(0, 80),
            st.integers(0, 255),
            st.integers(0, 160),
        ),
        max_size=8,
    )
)
def test_hostile_packets_are_counted(tmp_path_factory: pytest.TempPathFactory, frames: list[bytes]) -> None:
    path = write(tmp_path_factory.mktemp("any") / "a", [Raw(frame) for frame in frames])
    _, counts = read(path)
    assert counts.packets == len(frames)
    assert file_kind(path) in ("packets", "exports")


@needs_corpus
@pytest.mark.parametrize(
    ("name", "kind", "datagrams"),
    [
        ("sflow-print-v6.pcap", "exports", 25),
        ("sflow_expanded.pcap", "exports", 1),
        ("sflow_multiple_counter_30_pdus.pcap", "exports", 30),
        ("sflow_print-segv.pcap", "exports", 1),
        ("geneve-gcp.pcap", "packets", 0),
    ],
)
def test_real_captures_equal_scapys_reading(name: str, kind: str, datagrams: int) -> None:
    path = Path(str(CORPUS)) / "tcpdump" / name
    assert file_kind(path) == kind
    found, _ = read(path)
    truth = [bytes(p[UDP].payload)[: p[UDP].len - 8] for p in rdpcap(str(path)) if UDP in p]
    if kind == "exports":
        assert [data for _, data, _, _ in found] == truth
    assert len(found) == datagrams


@needs_corpus
def test_real_payloads_are_recognised() -> None:
    paths = sorted((Path(str(CORPUS)) / "logstash-codec-netflow").glob("*.dat"))
    assert len(paths) > 80
    for path in paths:
        # One of them is an IPFIX file of three messages.
        assert file_kind(path) == ("messages" if path.name == "ipfix.dat" else "payload"), path
        datagrams = read_raw_payload(path)
        assert np.array_equal(datagrams.length, [path.stat().st_size])
