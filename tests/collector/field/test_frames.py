"""What is in a frame: decided by what holds together, never by the version of IP alone."""

import struct
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from caudal.collector.columns.flowrecords import NOT_READ, TRAFFIC
from tests.support.builders import bench, flow_sample, raw_header, sflow

from ..capture.test_packets import one
from .balanced import FILES, inspected, metered

FOUR = IP(src="203.0.113.5", dst="198.51.100.10") / TCP(sport=443, dport=50_000) / Raw(bytes(400))
SIX = IPv6(src="2001:db8::5", dst="2001:db8:1::a") / TCP(sport=443, dport=50_000) / Raw(bytes(400))
LABELS = bytes.fromhex("0001e040 03e81140")
# Addresses of network cards that begin as a packet does, or as a control word.
CARDS = (
    "4c:16:fc:00:05:02",
    "64:64:9b:00:05:02",
    "45:00:01:b8:00:01",
    "60:00:00:00:01:a4",
    "02:00:00:00:00:09",
)
OUTER = bytes.fromhex("020000000002 020000000001")


def inner(card: str, packet: Packet, *tags: Packet) -> bytes:
    frame: Packet = Ether(dst=card, src="06:20:00:00:00:01")
    for tag in tags:
        frame /= tag
    return bytes(frame / packet)


def labelled(payload: bytes) -> bytes:
    return OUTER + b"\x88\x47" + LABELS + payload


def sampled(frame: bytes, header: int = 128) -> tuple[list[int], list[int]]:
    """Kind and bytes of the records of one sFlow sample of a frame, which had its check sequence."""
    record = raw_header(frame[:header], frame=len(frame) + 4)
    flows = bench().decode(sflow(flow_sample(record)))
    return flows.kind.tolist(), flows.bytes.tolist()


@pytest.mark.parametrize("name", ["mpls_mac_4c", "mpls_mac_64"])
def test_ethernet_behind_labels(name: str) -> None:
    records, ledger, _ = inspected(FILES / f"{name}.pcap")
    assert [(each["source"], each["bytes"]) for each in records] == [("203.0.113.5", 440_000)]
    assert (ledger["decoded"], ledger["not_read"]) == (1, 0)
    assert metered(FILES / f"{name}.pcap")[0] == {"in": 440_000}


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("word", [b"", bytes(4), b"\0\0\1\x2a"], ids=["plain", "control word", "numbered"])
@pytest.mark.parametrize("packet", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_ethernet_behind_labels_with_and_without_a_control_word(
    tmp_path: Path, card: str, word: bytes, packet: Packet
) -> None:
    for tags in ((), (Dot1Q(vlan=7),), (Dot1AD(vlan=5), Dot1Q(vlan=7))):
        frame = labelled(word + inner(card, packet, *tags))
        assert sampled(frame) == ([TRAFFIC], [len(packet)])
        assert one(tmp_path / "a", frame)[0].bytes.tolist() == [len(packet)]


@pytest.mark.parametrize("card", CARDS)
def test_labels_in_ethernet_in_labels(card: str) -> None:
    frame = labelled(inner(card, Raw(b""))[:12] + b"\x88\x47" + LABELS[4:] + bytes(FOUR))
    assert sampled(frame) == ([TRAFFIC], [len(FOUR)])


@pytest.mark.parametrize("word", [b"", bytes(4)], ids=["plain", "control word"])
@pytest.mark.parametrize("packet", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_ip_and_ppp_behind_labels(word: bytes, packet: Packet) -> None:
    assert sampled(labelled(word + bytes(packet))) == ([TRAFFIC], [len(packet)])
    ppp = b"\xff\x03\x00\x21" if packet.version == 4 else b"\xff\x03\x00\x57"
    assert sampled(labelled(word + ppp + bytes(packet))) == ([TRAFFIC], [len(packet)])


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("word", [b"", bytes(4)], ids=["plain", "control word"])
def test_what_does_not_hold_is_not_read(tmp_path: Path, card: str, word: bytes) -> None:
    frame = labelled(word + inner(card, ARP(hwsrc="02:00:00:00:00:01", psrc="192.0.2.1")) + bytes(300))
    assert sampled(frame) == ([NOT_READ], [0])
    records, counts = one(tmp_path / "a", frame)
    assert (len(records), counts.not_ip) == (0, 1)


def test_a_header_whose_checksum_is_wrong_is_not_read_behind_labels() -> None:
    packet = bytearray(bytes(FOUR))
    packet[10] ^= 1
    assert sampled(labelled(bytes(packet))) == ([NOT_READ], [0])


@pytest.mark.parametrize("beyond", [5, 40, 60_000])
@pytest.mark.parametrize("version", [4, 6])
def test_no_packet_is_longer_than_its_frame(tmp_path: Path, beyond: int, version: int) -> None:
    packet = bytearray(bytes(FOUR if version == 4 else SIX))
    at, length = (2, len(packet)) if version == 4 else (4, len(packet) - 40)
    struct.pack_into(">H", packet, at, length + 4 + beyond)
    frame = OUTER + (b"\x08\x00" if version == 4 else b"\x86\xdd") + bytes(packet)
    assert sampled(frame) == ([NOT_READ], [0])
    records, counts = one(tmp_path / "a", frame)
    assert (len(records), counts.malformed) == (0, 1)


WRAPPERS = {
    "LLC and SNAP": "01b0 aaaa03 000000",
    "LLC and a bridge's SNAP": "01b0 aaaa03 0000f8",
    "jumbo frames with LLC": "8870 aaaa03 000000",
    "Cisco's metadata": "8909 0101 0001 0064",
    "a tag of virtual interfaces": "8926 80010002",
    "a tag of bridge ports": "893f 000000010000",
    "redundant rings": "892f 10640001",
    "a tag and metadata": "8100 0007 8909 0101 0001 0064",
    "three tags": "88a8 0005 8100 0007 8100 0009",
    "MACsec in the clear": "88e5 0000 00000001",
    "MACsec in the clear with its channel": "88e5 2000 00000001 0200000000010001",
    "a provider's backbone": "88e7 00000064 0200000000aa 0200000000bb",
    "a provider's backbone with tags": "88a8 0005 88e7 00000064 0200000000aa 0200000000bb 8100 0007",
    "FabricPath": "8903 0420 4200000000aa 6200000000bb",
    "TRILL": "22f3 0010 0001 0002 4200000000aa 6200000000bb",
    "a service header": "894f 0fc20103 00000164 4200000000aa 6200000000bb",
    "transparent bridging": "6558 4200000000aa 6200000000bb",
}


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("packet", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_wrappers_are_passed(tmp_path: Path, name: str, packet: Packet) -> None:
    kind = b"\x08\x00" if packet.version == 4 else b"\x86\xdd"
    wrapped = bytes.fromhex(WRAPPERS[name]) + kind + bytes(packet)
    for frame in (OUTER + wrapped, labelled(OUTER + wrapped)):
        assert sampled(frame, 256) == ([TRAFFIC], [len(packet)])
        assert one(tmp_path / "a", frame)[0].bytes.tolist() == [len(packet)]
    records, counts = one(tmp_path / "a", (OUTER + wrapped)[: -len(packet) - 1])
    assert (len(records), counts.malformed) == (0, 1)


def test_ip_in_link_control_itself_and_in_pppoe(tmp_path: Path) -> None:
    for head in ("01b0 060603", "01b0 fefe03cc", "8864 1100 0001 01b8 0021", "8864 1100 0001 01b8 21"):
        frame = OUTER + bytes.fromhex(head) + bytes(FOUR)
        assert one(tmp_path / "a", frame)[0].bytes.tolist() == [440]


@pytest.mark.parametrize(
    "head", ["88e5 0c00 00000001", "01b0 e0e003", "01b0 424203", "88cc", "8902", "01b0 aaaa0300000c2000"]
)
def test_other_protocols_are_not_ip(tmp_path: Path, head: str) -> None:
    records, counts = one(tmp_path / "a", OUTER + bytes.fromhex(head) + bytes(FOUR))
    assert (len(records), counts.not_ip) == (0, 1)
