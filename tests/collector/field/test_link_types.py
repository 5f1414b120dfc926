"""Captures of other links than Ethernet: read, or named with how to capture instead."""

import struct
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.capture.capturekind import file_kind
from caudal.collector.files.inspection import Inspection
from caudal.collector.files.meterfiles import meter_captures
from caudal.collector.packets.linktypes import unread_links
from caudal.collector.pipeline.pipeline import Pipeline
from tests.support.builders import netflow5, record5

from ..capture.test_packets import one, write
from .balanced import FILES, HOME, TABLE, inspected, metered

FOUR = IP(src="203.0.113.5", dst="198.51.100.10") / TCP(sport=443, dport=50_000) / Raw(bytes(100))
SIX = IPv6(src="2001:db8::5", dst="2001:db8:1::a") / TCP(sport=443, dport=50_000) / Raw(bytes(100))


def either(four: str, six: str, packet: Packet) -> bytes:
    return bytes.fromhex(four if packet.version == 4 else six)


def llc(packet: Packet) -> bytes:
    return bytes.fromhex("aaaa03000000") + either("0800", "86dd", packet)


def nflog(order: str, packet: Packet, *fields: tuple[int, bytes], family: bytes | None = None) -> bytes:
    body = either("02", "0a", packet) if family is None else family
    body += b"\0\0\5"
    for kind, value in (*fields, (9, bytes(packet))):
        body += struct.pack(f"{order}HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)
    return body


def data_frame(packet: Packet, start: str = "0801", behind: bytes = b"") -> bytes:
    return bytes.fromhex(start) + bytes(22) + behind + llc(packet) + bytes(packet)


def radiotap(frame: bytes) -> bytes:
    return bytes.fromhex("00000c0000000000 00000000") + frame


# A frame around a packet, by link type and what is said of it.
FRAMES = {
    "PPP": (9, lambda p: either("0021", "0057", p) + bytes(p)),
    "PPP with address and control": (9, lambda p: b"\xff\x03" + either("0021", "0057", p) + bytes(p)),
    "PPP in HDLC": (50, lambda p: b"\xff\x03" + either("21", "57", p) + bytes(p)),
    "PPP in HDLC of Cisco": (50, lambda p: b"\x0f\0" + either("0800", "86dd", p) + bytes(p)),
    "PPP over Ethernet": (51, lambda p: bytes.fromhex("110000010000") + either("0021", "0057", p) + bytes(p)),
    "PPP with direction": (204, lambda p: b"\1" + either("0021", "0057", p) + bytes(p)),
    "PPP with direction and address": (204, lambda p: b"\0\xff\x03" + either("0021", "0057", p) + bytes(p)),
    "PPP of pppd": (166, lambda p: b"\1\x03" + either("0021", "0057", p) + bytes(p)),
    "PPP of MPLS": (9, lambda p: bytes.fromhex("0281 0001e140") + bytes(p)),
    "Cisco's HDLC": (104, lambda p: b"\x0f\0" + either("0800", "86dd", p) + bytes(p)),
    "Cisco's HDLC to all": (104, lambda p: b"\x8f\0" + either("0800", "86dd", p) + bytes(p)),
    "PFLOG": (117, lambda p: b"\x3d" + either("02", "18", p) + bytes(62) + bytes(p)),
    "PFLOG of FreeBSD": (117, lambda p: b"\x45" + either("02", "1c", p) + bytes(70) + bytes(p)),
    "NFLOG": (239, lambda p: nflog("<", p, (1, b"\x08\0\1\0"), (10, b"name\0"))),
    "NFLOG of a big-endian machine": (239, lambda p: nflog(">", p, (1, b"\x08\0\1\0"), (10, b"name\0"))),
    "NFLOG of a bridge": (
        239, lambda p: nflog("<", p, (1, either("0800", "86dd", p) + b"\1\0"), family=b"\x07")
    ),
    "802.11": (105, data_frame),
    "802.11 with quality": (105, lambda p: data_frame(p, "8801", bytes(2))),
    "802.11 with quality, filled up": (105, lambda p: data_frame(p, "8801", bytes(4))),
    "802.11 with four addresses": (105, lambda p: data_frame(p, "0803", bytes(6))),
    "radiotap": (127, lambda p: radiotap(data_frame(p))),
    "Prism": (119, lambda p: struct.pack("<II", 0x44, 144) + bytes(136) + data_frame(p)),
    "AVS": (163, lambda p: struct.pack(">II", 0x80211001, 64) + bytes(56) + data_frame(p)),
    "AVS as Prism": (119, lambda p: struct.pack(">II", 0x80211001, 64) + bytes(56) + data_frame(p)),
    "PPI of 802.11": (192, lambda p: struct.pack("<BBHI", 0, 0, 8, 105) + data_frame(p)),
    "PPI of Ethernet": (
        192, lambda p: struct.pack("<BBHI", 0, 0, 8, 1) + bytes(12) + either("0800", "86dd", p) + bytes(p)
    ),
    "PPI of radiotap": (192, lambda p: struct.pack("<BBHI", 0, 0, 12, 127) + bytes(4) + radiotap(data_frame(p))),
    "PKTAP": (
        258, lambda p: struct.pack("<III", 108, 1, 1) + bytes(108) + either("0800", "86dd", p) + bytes(p)
    ),
    "PKTAP of raw packets": (258, lambda p: struct.pack("<III", 108, 1, 12) + bytes(96) + bytes(p)),
    "ENC": (109, lambda p: either("02000000", "18000000", p) + bytes(8) + bytes(p)),
    "ATM": (100, lambda p: llc(p) + bytes(p)),
    "Frame Relay": (107, lambda p: bytes.fromhex("184103") + either("cc", "8e", p) + bytes(p)),
    "Frame Relay with SNAP": (107, lambda p: bytes.fromhex("1841030080000000") + either("0800", "86dd", p) + bytes(p)),
    "Frame Relay of Cisco": (107, lambda p: bytes.fromhex("1841") + either("0800", "86dd", p) + bytes(p)),
}  # fmt: skip


def test_nflog() -> None:
    assert metered(FILES / "nflog.pcap")[0] == {"in": 5_000}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("packet", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_frames_of_links(tmp_path: Path, name: str, packet: Packet) -> None:
    link, around = FRAMES[name]
    frame = around(packet)
    records, counts = one(tmp_path / "a", frame, link)
    assert (records.bytes.tolist(), records.destination_port.tolist()) == ([len(packet)], [50_000])
    assert (counts.metered, counts.unknown_link_types) == (1, {})


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_links_cut_anywhere(tmp_path: Path, name: str) -> None:
    link, around = FRAMES[name]
    frame = around(FOUR)
    header = len(frame) - len(FOUR)
    for cut in range(header + 20):
        records, counts = one(tmp_path / "a", frame[:cut], link, original=len(frame))
        assert (len(records), counts.not_ip + counts.malformed) == (0, 1)


@pytest.mark.parametrize("name", ["PPP", "NFLOG", "PFLOG", "radiotap", "Cisco's HDLC"])
def test_export_datagrams_of_other_links(tmp_path: Path, name: str) -> None:
    link, around = FRAMES[name]
    packet = IP(src="192.0.2.1", dst="192.0.2.9") / UDP(sport=5_000, dport=2_055) / Raw(netflow5([record5()]))
    path = write(tmp_path / "a", [around(packet)], link)
    assert file_kind(path) == "exports"
    records, _, _ = inspected(path)
    assert [(each["exporter"], each["bytes"]) for each in records] == [("192.0.2.1", 1_000)]


@pytest.mark.parametrize(
    "frame",
    [
        data_frame(FOUR, "0841"),
        data_frame(FOUR, "4801"),
        data_frame(FOUR, "8000"),
        data_frame(FOUR, "8801", b"\x80\0"),
        data_frame(FOUR, "0805"),
    ],
    ids=["encrypted", "empty", "beacon", "several packets", "fragment"],
)
def test_wireless_frames_that_hold_no_whole_packet_in_the_clear(tmp_path: Path, frame: bytes) -> None:
    records, counts = one(tmp_path / "a", frame, 105)
    assert (len(records), counts.not_ip) == (0, 1)


def test_a_firewall_that_logs_less_than_the_packet_says_its_length(tmp_path: Path) -> None:
    packet = IP(src="203.0.113.5", dst="198.51.100.10", len=1_500) / TCP(sport=443, dport=50_000)
    assert one(tmp_path / "a", nflog("<", packet), 239)[0].bytes.tolist() == [1_500]


@pytest.mark.parametrize(
    ("link", "says"),
    [
        (189, "1 packet is of link type 189 (USB), which is not read: no IP packets are in it"),
        (195, "link type 195 (IEEE 802.15.4), which is not read: capture where its border router"),
        (197, "link type 197 (ERF of Endace), which is not read: convert it with `editcap -F pcap -T ether`"),
        (299, "link type 299, which is not read: capture on the network interface itself"),
    ],
)
def test_a_link_that_is_not_read_is_named(tmp_path: Path, link: int, says: str) -> None:
    path = write(tmp_path / "a.pcap", [bytes(60)], link)
    with pytest.raises(CaptureError) as caught:
        list(Inspection().records(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    damage: list[str] = []
    pipeline = Pipeline(economy="CL", home=HOME, table=TABLE, window_seconds=300, k=1)  # type: ignore[arg-type]
    list(meter_captures([path, FILES / "nflog.pcap"], pipeline, damaged=damage.append))
    assert [says in line for line in damage] == [True]


def test_all_links_of_a_file_are_named() -> None:
    lines = list(unread_links(Path("x"), {195: 1, 6: 12_000}))
    assert lines[0].startswith("x: 12,000 packets are of link type 6 (Token Ring)")
    assert len(lines) == 2
