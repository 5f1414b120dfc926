"""Packets and their metering: totals per 5-tuple equal what scapy's reader and dissector say of the same file."""

import ipaddress
import random
import struct
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.packet import Packet, Raw
from scapy.utils import PcapReader

from caudal.collector.capture.capture import Capture
from caudal.collector.columns.flowrecords import ABSENT, PACKETS, TRAFFIC, UNSAMPLED, FlowRecords, concatenate
from caudal.collector.metering.packetmeter import MeterCounts, PacketMeter
from caudal.collector.packets.packetchunk import PacketChunk

# Both addresses given, or scapy would go looking for them.
ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
START_MS = 1_767_225_600_000
WINDOW_MS = 10_000
NO_PORTS = ABSENT["source_port"] | ABSENT["destination_port"]

Key = tuple[int, str, str, int, int | None, int | None]
# By window and 5-tuple: bytes, packets, first and last time.
Totals = dict[tuple[int, Key], list[int]]


def write(path: Path, packets: list[Packet | bytes], link: int = 1, step_ms: int = 97) -> Path:
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)]
    for number, packet in enumerate(packets):
        time_ms, data = START_MS + number * step_ms, bytes(packet)
        out.append(
            struct.pack("<IIII", time_ms // 1_000, time_ms % 1_000 * 1_000, len(data), len(data)) + data
        )
    path.write_bytes(b"".join(out))
    return path


def meter(path: Path, chunk_bytes: int = 4 << 20, **settings: int) -> tuple[FlowRecords, MeterCounts]:
    packet_meter = PacketMeter(WINDOW_MS, **settings)
    parts = [packet_meter.add(chunk) for chunk in Capture(path, chunk_bytes).chunks()]
    return concatenate([*parts, packet_meter.flush()]), packet_meter.counts


def totals(records: FlowRecords) -> Totals:
    found: Totals = {}
    for at in range(len(records)):
        kind = ipaddress.IPv4Address if records.ip_version[at] == 4 else ipaddress.IPv6Address
        source = kind(int(records.source_high[at]) << 64 | int(records.source_low[at]))
        destination = kind(int(records.destination_high[at]) << 64 | int(records.destination_low[at]))
        known = not int(records.absent[at]) & NO_PORTS
        key = (
            int(records.ip_version[at]),
            str(source),
            str(destination),
            int(records.ip_protocol[at]),
            int(records.source_port[at]) if known else None,
            int(records.destination_port[at]) if known else None,
        )
        window = int(records.start_ms[at]) // WINDOW_MS
        assert window == int(records.end_ms[at]) // WINDOW_MS
        assert (window, key) not in found, "one record for each 5-tuple and window"
        sums = (records.bytes, records.packets, records.start_ms, records.end_ms)
        found[window, key] = [int(column[at]) for column in sums]
    return found


def scapy_totals(path: Path) -> Totals:
    found: Totals = defaultdict(lambda: [0, 0, 1 << 62, 0])
    with PcapReader(str(path)) as reader:
        for packet in reader:
            time_ms = int(packet.time * 1_000)
            if IP in packet:
                layer = packet[IP]
                later, size, protocol = layer.frag > 0, layer.len, layer.proto
            elif IPv6 in packet:
                layer = packet[IPv6]
                fragment = packet.getlayer(IPv6ExtHdrFragment)
                later, size, protocol = (
                    fragment is not None and fragment.offset > 0,
                    layer.plen + 40,
                    layer.nh,
                )
                while layer.payload and hasattr(layer, "nh"):
                    protocol, layer = layer.nh, layer.payload
                layer = packet[IPv6]
            else:
                continue
            ports = next((packet[kind] for kind in (TCP, UDP) if kind in packet), None)
            if later or ports is None or protocol not in (6, 17):
                source_port = destination_port = None
            else:
                source_port, destination_port = ports.sport, ports.dport
            version = 4 if IP in packet else 6
            key = (version, layer.src, layer.dst, protocol, source_port, destination_port)
            sums = found[time_ms // WINDOW_MS, key]
            sums[0] += size
            sums[1] += 1
            sums[2] = min(sums[2], time_ms)
            sums[3] = max(sums[3], time_ms)
    return dict(found)


def traffic(seed: int, count: int) -> list[Packet]:
    """Packets of every sort the dissector must tell apart, few addresses and ports so that flows repeat."""
    choose = random.Random(seed)
    packets: list[Packet] = []
    for _ in range(count):
        ports = {"sport": choose.choice([0, 443, 50_000]), "dport": choose.choice([53, 443, 65_535])}
        transport = choose.choice([TCP(**ports), UDP(**ports), ICMP(), Raw(b"\x12\x34\x56\x78")])
        payload = Raw(bytes(choose.randrange(0, 200)))
        if choose.random() < 0.6:
            network: Packet = IP(
                src=choose.choice(["198.18.0.1", "198.18.0.2"]),
                dst=choose.choice(["203.0.113.9", "192.0.2.200"]),
                options=choose.choice([[], [IPOption_RR(routers=["192.0.2.1"] * choose.randrange(1, 8))]]),
                frag=choose.choice([0, 0, 0, 185]),
                flags=choose.choice([0, 1, 2]),
            )
            if isinstance(transport, Raw):
                network.proto = 89
        else:
            network = IPv6(src="2001:2::1", dst=choose.choice(["2001:db8::1", "2001:db8:1::"]))
            for extension in (IPv6ExtHdrHopByHop(), IPv6ExtHdrRouting(), IPv6ExtHdrDestOpt()):
                if choose.random() < 0.3:
                    network /= extension
            if choose.random() < 0.3:
                network /= IPv6ExtHdrFragment(offset=choose.choice([0, 100]), m=choose.randrange(2), id=7)
            if isinstance(transport, Raw):
                network.lastlayer().nh = 89
        packets.append(network / transport / payload)
    return packets


def tags(choose: random.Random) -> Packet:
    return choose.choice([ETHER, ETHER / Dot1Q(vlan=7), ETHER / Dot1AD(vlan=5) / Dot1Q(vlan=7)])


@pytest.mark.parametrize("chunk_bytes", [2_000, 4 << 20])
def test_totals_equal_scapys_on_ethernet(tmp_path: Path, chunk_bytes: int) -> None:
    choose = random.Random(5)
    frames = [tags(choose) / packet for packet in traffic(5, 500)]
    path = write(tmp_path / "a", frames)
    records, counts = meter(path, chunk_bytes)
    assert totals(records) == scapy_totals(path)
    assert (counts.packets, counts.metered, counts.split) == (500, 500, 0)
    assert counts.flows == len(records)


@pytest.mark.parametrize(
    ("link", "header"),
    [
        (101, None),
        (113, CookedLinux()),
        (276, CookedLinuxV2()),
    ],
)
def test_totals_equal_scapys_on_other_links(tmp_path: Path, link: int, header: Packet | None) -> None:
    path = write(tmp_path / "a", [p if header is None else header / p for p in traffic(link, 200)], link)
    records, counts = meter(path)
    assert totals(records) == scapy_totals(path)
    assert counts.metered == 200


@pytest.mark.parametrize("link", [0, 108])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("family6", [10, 24, 28, 30])
def test_loopback_in_either_byte_order(tmp_path: Path, link: int, order: str, family6: int) -> None:
    packets = traffic(1, 60)
    frames = [struct.pack(order + "I", 2 if IP in p else family6) + bytes(p) for p in packets]
    records, counts = meter(write(tmp_path / "a", frames, link))
    assert totals(records) == scapy_totals(write(tmp_path / "b", packets, 101))
    assert counts.metered == 60
    assert Loopback in Loopback(frames[0])


@pytest.mark.parametrize("link", [12, 14, 228, 229])
def test_raw_ip_links(tmp_path: Path, link: int) -> None:
    wanted = {228: [IP], 229: [IPv6]}.get(link, [IP, IPv6])
    packets = [p for p in traffic(2, 80) if any(layer in p for layer in wanted)]
    records, _ = meter(write(tmp_path / "a", packets, link))
    assert totals(records) == scapy_totals(write(tmp_path / "b", packets, 101))


def test_records_say_what_they_are_and_what_is_absent(tmp_path: Path) -> None:
    packets = [IP(src="198.18.0.1", dst="192.0.2.1") / UDP(sport=0, dport=0), IP(src="198.18.0.1") / ICMP()]
    records, _ = meter(write(tmp_path / "a", packets, 101), exporter=3)
    assert set(records.exporter) == {3}
    assert set(records.protocol) == {PACKETS}
    assert set(records.sampling_from) == {UNSAMPLED}
    assert set(records.sampling_rate) == {1.0}
    assert set(records.kind) == {TRAFFIC}
    never = ("template", "observation_domain", "source_as", "destination_as", "input", "output")
    assert all((records.absent & ABSENT[name]).all() for name in never)
    assert sorted((records.absent & np.uint32(NO_PORTS)) == 0) == [False, True], "port 0 is a port"
    for name in ("start", "end", "source", "destination", "ip_protocol", "bytes", "packets"):
        assert not (records.absent & ABSENT[name]).any()


def one(
    path: Path, frame: bytes, link: int = 1, original: int | None = None
) -> tuple[FlowRecords, MeterCounts]:
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    wire = len(frame) if original is None else original
    path.write_bytes(header + struct.pack("<IIII", 1_767_225_600, 0, len(frame), wire) + frame)
    return meter(path)


def test_bytes_are_ip_bytes_whatever_was_captured(tmp_path: Path) -> None:
    frame = bytes(ETHER / IP() / TCP() / Raw(bytes(1_000)))
    assert one(tmp_path / "a", frame[:54], original=len(frame))[0].bytes.tolist() == [1_040]
    padded = bytes(ETHER / IP() / UDP()) + bytes(18)
    assert one(tmp_path / "a", padded)[0].bytes.tolist() == [28]


def test_large_segments_without_a_length_take_that_of_the_wire(tmp_path: Path) -> None:
    four = bytes(ETHER / IP(len=0) / TCP() / Raw(bytes(100)))
    assert one(tmp_path / "a", four, original=70_014)[0].bytes.tolist() == [70_000]
    six = bytes(ETHER / IPv6(plen=0) / TCP() / Raw(bytes(100)))
    assert one(tmp_path / "a", six, original=90_014)[0].bytes.tolist() == [90_000]
    option = b"\x06\x00\xc2\x04" + struct.pack(">I", 123_456)
    jumbo = bytes(ETHER / IPv6(plen=0, nh=0)) + option + bytes(TCP(sport=9))
    records = one(tmp_path / "a", jumbo, original=999_999)[0]
    assert (records.bytes.tolist(), records.source_port.tolist()) == ([123_496], [9])
    nothing = bytes(ETHER / IPv6(plen=0, nh=59)) + bytes(6)
    assert one(tmp_path / "a", nothing)[0].bytes.tolist() == [40]


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize(
    "ip", [IP(src="198.18.0.1", dst="192.0.2.1"), IPv6(src="2001:2::1", dst="2001:db8::1")]
)
def test_mpls_and_pppoe_are_passed(tmp_path: Path, labels: int, ip: Packet) -> None:
    packet = bytes(ip / TCP(sport=7, dport=8))
    stack = b"".join(struct.pack(">I", 16 << 12 | (n == labels - 1) << 8 | 64) for n in range(labels))
    mpls = bytes(12) + b"\x88\x47" + stack + packet
    ppp = b"\x00\x21" if ip.version == 4 else b"\x00\x57"
    pppoe = bytes(12) + b"\x81\x00\x00\x07\x88\x64\x11\x00\x00\x01\x00\x00" + ppp + packet
    for frame in (mpls, pppoe):
        records, counts = one(tmp_path / "a", frame)
        assert (counts.metered, records.bytes.tolist(), records.destination_port.tolist()) == (
            1,
            [len(packet)],
            [8],
        )


@pytest.mark.parametrize(
    ("frame", "link", "field"),
    [
        (bytes(ETHER / ARP()), 1, "not_ip"),
        (bytes(12) + b"\x05\xdc" + bytes(100), 1, "not_ip"),
        (bytes(12) + b"\x88\x47" + struct.pack(">I", 0x100) + bytes(40), 1, "not_ip"),
        (bytes(12) + b"\x88\x64\x11\x00\x00\x01\x00\x00\xc0\x21" + bytes(40), 1, "not_ip"),
        (bytes(40), 195, "not_ip"),
        (struct.pack("<I", 7) + bytes(40), 0, "not_ip"),
        (b"", 1, "malformed"),
        (bytes(13), 1, "malformed"),
        (bytes(12) + b"\x81\x00\x00", 1, "malformed"),
        (bytes(12) + b"\x81\x00\x00\x01" * 40, 1, "malformed"),
        (bytes(ETHER / IP())[:33], 1, "malformed"),
        (bytes(ETHER / IPv6())[:53], 1, "malformed"),
        (bytes(ETHER / IP(ihl=4) / TCP()), 1, "malformed"),
        (bytes(ETHER / IP(version=6) / TCP()), 1, "malformed"),
        (bytes(ETHER / IP(len=19) / TCP()), 1, "malformed"),
        (
            bytes(
                Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02", type=0x86DD)
                / IP()
                / TCP()
                / Raw(bytes(40))
            ),
            1,
            "malformed",
        ),
        (b"", 101, "malformed"),
        (b"\x50" + bytes(40), 101, "malformed"),
        (b"\2\0\0", 0, "malformed"),
        (bytes(15), 113, "malformed"),
        (b"\x08\x00" + bytes(17), 276, "malformed"),
    ],
)
def test_what_is_not_metered_is_counted(tmp_path: Path, frame: bytes, link: int, field: str) -> None:
    records, counts = one(tmp_path / "a", frame, link)
    assert len(records) == 0
    assert (counts.packets, counts.not_ip, counts.malformed) == (1, field == "not_ip", field == "malformed")
    assert counts.unknown_link_types == ({195: 1} if link == 195 else {})


@pytest.mark.parametrize("captured", range(34, 38))
def test_ports_not_captured_are_absent(tmp_path: Path, captured: int) -> None:
    records, _ = one(tmp_path / "a", bytes(ETHER / IP() / TCP(sport=1, dport=2))[:captured], original=54)
    assert records.bytes.tolist() == [40]
    assert int(records.absent[0]) & NO_PORTS == NO_PORTS


def test_ports_behind_the_end_of_the_packet_are_not_read(tmp_path: Path) -> None:
    records, _ = one(tmp_path / "a", bytes(ETHER / IP(len=20, proto=17)) + b"\1\2\3\4" * 6)
    assert int(records.absent[0]) & NO_PORTS == NO_PORTS
    assert records.source_port.tolist() == [0]


def test_more_flows_than_allowed_are_emitted_early_and_totals_stay(tmp_path: Path) -> None:
    packets = [IP(src="198.18.0.1", dst=f"192.0.2.{n % 100}") / UDP(sport=1, dport=2) for n in range(300)]
    path = write(tmp_path / "a", packets, 101, step_ms=1)
    records, counts = meter(path, 1_000, open_flows=50)
    assert counts.split > 0
    assert len(records) == counts.flows > 100
    assert (int(records.bytes.sum()), int(records.packets.sum())) == (28 * 300, 300)


def chunk_of(frames: list[bytes], times_ms: list[int], links: list[int]) -> PacketChunk:
    length = np.array([len(frame) for frame in frames], np.int64)
    return PacketChunk(
        np.frombuffer(b"".join(frames) + bytes(64), np.uint8),
        np.cumsum(length) - length,
        length,
        length,
        np.array(times_ms, np.int64),
        np.array(links, np.uint16),
    )


def test_windows_may_be_any_distance_apart() -> None:
    frame = bytes(IP(src="198.18.0.1", dst="192.0.2.1") / UDP(sport=1, dport=2))
    times = [0, 1, 1 << 31, (1 << 32) * 1_000 - 1, (1 << 31) + 1, 0]
    packet_meter = PacketMeter(1, reordering_ms=1 << 50)
    packet_meter.add(chunk_of([frame] * 6, times, [101] * 6))
    records = packet_meter.flush()
    assert sorted(records.start_ms.tolist()) == sorted(times)
    assert set(records.packets.tolist()) == {1}


FRAMES = [bytes(tags(random.Random(n)) / packet) for n, packet in enumerate(traffic(3, 40))]
LINKS = st.sampled_from([0, 1, 12, 101, 108, 113, 195, 228, 229, 276, 0xFFFF])


@settings(max_examples=200)
@given(
    frames=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.builds(
                lambda frame, at, byte, end: (frame[:at] + bytes([byte]) + frame[at + 1 :])[:end],
                st.sampled_from(FRAMES),
                st.integers(0, 90),
                st.integers(0, 255),
                st.integers(0, 120),
            ),
        ),
        max_size=8,
    ),
    links=st.lists(LINKS, min_size=8, max_size=8),
)
def test_every_packet_is_counted_once_whatever_it_holds(frames: list[bytes], links: list[int]) -> None:
    packet_meter = PacketMeter(WINDOW_MS)
    chunk = chunk_of(frames, [START_MS] * len(frames), links[: len(frames)])
    packet_meter.add(chunk)
    records, counts = packet_meter.flush(), packet_meter.counts
    assert counts.packets == len(frames)
    assert counts.packets == counts.ipv4 + counts.ipv6 + counts.not_ip + counts.malformed
    assert int(records.packets.sum()) == counts.metered
    assert len(records) == counts.flows
