"""Packet sections: the packet inside is metered as sFlow's sampled headers are, at the rate that is announced."""

import struct
from typing import Any

import pytest

from caudal.collector.columns.flowrecords import ABSENT, NOT_READ, OPTIONS, TRAFFIC, FlowRecords
from tests.support.builders import (
    NOW_MS,
    VARIABLE,
    Bench,
    Field,
    a_set,
    bench,
    ethernet,
    ip,
    ipfix,
    netflow9,
    options9,
    options10,
    template,
    udp4,
)

from .balanced import FILES, inspected, metered

CASE = FILES / "packet_section.pcap"
FRAME = ethernet(udp4("203.0.113.5", "198.51.100.10"))  # 1,400 octets of IP
SIZE = (312, 2)


def varying(octets: bytes) -> bytes:
    return (bytes([len(octets)]) if len(octets) < 255 else b"\xff" + struct.pack(">H", len(octets))) + octets


def of(fields: list[Field], *records: bytes, v9: bool = False, under: Bench | None = None) -> FlowRecords:
    under = under or bench()
    before = under.count("received")
    sets = (template(256, *fields, ipfix=not v9), a_set(256, b"".join(records)))
    flows = under.decode((netflow9 if v9 else ipfix)(*sets))
    assert under.count("received") - before == len(flows) + under.count("malformed")
    return flows


def told(flows: FlowRecords) -> list[tuple[Any, ...]]:
    """By record: kind, octets, packets and both ends as IPv4 addresses."""
    columns = (flows.kind, flows.bytes, flows.packets, flows.source_low, flows.destination_low)
    return list(zip(*(column.tolist() for column in columns), strict=True))


READ = (TRAFFIC, 1400, 1, ip("203.0.113.5"), ip("198.51.100.10"))
UNREAD = (NOT_READ, 0, 0, 0, 0)


def test_junos_inline_monitoring() -> None:
    records, ledger, _ = inspected(CASE)
    assert [(each["kind"], each["bytes"], each["source"]) for each in records] == [
        ("traffic", 1_500_000, "203.0.113.5")
    ] * 3
    assert {(each["sampling_rate"], each["sampling_from"]) for each in records} == {(1000, "options")}
    assert {
        (each["destination"], each["source_port"], each["input"], each["output"]) for each in records
    } == {("198.51.100.10", 443, 10, 20)}
    assert (ledger["decoded"], ledger["not_read"], ledger["events"]) == (3, 0, 0)


def test_junos_inline_monitoring_metered() -> None:
    bytes_of, ledger = metered(CASE)
    assert bytes_of == {"in": 4_500_000}
    assert ledger["aggregated"] == 3


def test_netflow_lite_of_version_9() -> None:
    """Offset, size and data (102-104): the size is that of the section, or that of the frame."""
    fields: list[Field] = [(102, 2), (103, 2), (104, 96)]
    rate = options9(300, [(1, 4)], [(34, 4)])
    under = bench()
    under.decode(netflow9(rate, a_set(300, struct.pack(">II", 1, 64))))
    for size in (len(FRAME), 1414):
        flows = of(fields, struct.pack(">HH", 0, size) + FRAME.ljust(96, b"\0"), v9=True, under=under)
        assert told(flows) == [READ]
        assert (flows.sampling_rate.tolist(), flows.sampling_from.tolist()) == ([64], [OPTIONS])


@pytest.mark.parametrize("octets", [96, VARIABLE])
def test_sections_of_fixed_and_of_variable_length(octets: int) -> None:
    def section(frame: bytes) -> bytes:
        return varying(frame) if octets == VARIABLE else frame.ljust(octets, b"\0")

    frames = [FRAME, ethernet(udp4("203.0.113.7", "198.51.100.10", total=99), 0x8100), FRAME]
    flows = of([SIZE, (315, octets)], *(struct.pack(">H", 1414) + section(frame) for frame in frames))
    assert told(flows) == [READ, (TRAFFIC, 99, 1, ip("203.0.113.7"), ip("198.51.100.10")), READ]
    assert (flows.absent & (ABSENT["source"] | ABSENT["bytes"] | ABSENT["source_port"])).tolist() == [0] * 3


def test_a_long_section_has_a_length_of_three_octets() -> None:
    flows = of([SIZE, (315, VARIABLE)], struct.pack(">H", 1414) + varying(FRAME + bytes(400)))
    assert told(flows) == [READ]


def test_how_many_octets_were_exported() -> None:
    """A section of fixed length is filled up; what was not exported is not read."""
    fields: list[Field] = [(410, 2), (315, 96)]
    flows = of(
        fields,
        struct.pack(">H", len(FRAME)) + FRAME.ljust(96, b"\xff"),
        struct.pack(">H", 30) + FRAME.ljust(96),
    )
    assert told(flows) == [READ, UNREAD]


@pytest.mark.parametrize("offset", [(409, 2), (102, 2)])
def test_a_section_that_does_not_begin_with_the_packet_is_not_read(offset: Field) -> None:
    flows = of(
        [offset, (315, 64)], struct.pack(">H", 0) + FRAME.ljust(64), struct.pack(">H", 14) + FRAME.ljust(64)
    )
    assert told(flows) == [READ, UNREAD]


def test_psamp_sections_of_header_and_payload() -> None:
    packet = udp4("203.0.113.5", "198.51.100.10")
    flows = of([(313, VARIABLE), (314, VARIABLE)], varying(packet) + varying(b"\x45" * 40))
    assert told(flows) == [READ]
    # The payload alone has no header of IP.
    assert told(of([(314, VARIABLE)], varying(b"\x45" * 40))) == [UNREAD]


def test_ipv6_in_a_header_section() -> None:
    header = struct.pack(">IHBB", 6 << 28, 1000, 17, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    flows = of([(313, 48)], header + struct.pack(">HHHH", 53, 99, 1000, 0))
    assert (flows.ip_version.tolist(), flows.bytes.tolist(), flows.source_port.tolist()) == (
        [6],
        [1040],
        [53],
    )


def test_labels_and_what_follows_them() -> None:
    packet = udp4("203.0.113.5", "198.51.100.10")
    labels = struct.pack(">II", 100 << 12, 200 << 12 | 1 << 8)
    assert told(of([SIZE, (316, VARIABLE)], struct.pack(">H", 1422) + varying(labels + packet))) == [READ]
    assert told(of([(317, VARIABLE)], varying(packet))) == [READ]


def test_what_holds_no_ip_is_not_read() -> None:
    """ARP, a frame cut short, no octets at all, a type of frame that nobody knows: none is an event, none is traffic."""
    under = bench()
    arp = ethernet(bytes(28), kind=0x0806)
    flows = of([(315, VARIABLE)], varying(arp), varying(FRAME[:20]), varying(b""), under=under)
    assert told(flows) == [UNREAD] * 3
    assert told(of([(408, 2), (315, 64)], struct.pack(">H", 9) + FRAME.ljust(64))) == [UNREAD]
    assert told(of([(408, 2), (315, 64)], struct.pack(">H", 1) + FRAME.ljust(64))) == [READ]


def test_of_two_sections_the_one_that_can_be_read_counts() -> None:
    packet = udp4("203.0.113.5", "198.51.100.10")
    fields: list[Field] = [(313, VARIABLE), (315, VARIABLE)]
    assert told(of(fields, varying(packet) + varying(b""), varying(packet) + varying(FRAME))) == [READ] * 2


def test_counters_count_and_the_section_gives_what_is_absent() -> None:
    fields: list[Field] = [(1, 4), (2, 4), (315, 64)]
    flows = of(fields, struct.pack(">II", 9_000, 7) + FRAME.ljust(64))
    assert told(flows) == [(TRAFFIC, 9_000, 7, *READ[3:])]
    # Its own addresses stay.
    fields = [(8, 4), (12, 4), (1, 4), (315, 64)]
    flows = of(fields, struct.pack(">III", 1, 2, 9_000) + FRAME.ljust(64))
    assert told(flows) == [(TRAFFIC, 9_000, 0, 1, 2)]
    # Of one packet the octets are known, of several not.
    flows = of([(2, 4), (315, 64)], *(struct.pack(">I", packets) + FRAME.ljust(64) for packets in (1, 2)))
    assert told(flows) == [READ, (TRAFFIC, 0, 2, *READ[3:])]
    assert (flows.absent & ABSENT["bytes"] > 0).tolist() == [False, True]


def test_a_packet_report_without_a_section_tells_its_length() -> None:
    flows = of([(8, 4), (12, 4), (224, 2)], struct.pack(">IIH", ip("203.0.113.5"), ip("198.51.100.10"), 1400))
    assert told(flows) == [READ]
    # Counters go before it, and without addresses there is no packet.
    assert told(of([(8, 4), (224, 2), (1, 4)], struct.pack(">IHI", 1, 1400, 70))) == [(TRAFFIC, 70, 0, 1, 0)]
    assert told(of([(4, 1), (224, 2)], struct.pack(">BH", 6, 1400))) == [UNREAD]


def test_a_header_without_a_length_has_that_of_its_frame() -> None:
    """Segments that the card cuts later have a total length of 0."""
    unsaid = ethernet(udp4("203.0.113.5", "198.51.100.10", total=20))
    unsaid = unsaid[:16] + b"\0\0" + unsaid[18:]
    assert told(of([SIZE, (315, VARIABLE)], struct.pack(">H", 1414) + varying(unsaid))) == [READ]
    assert told(of([(224, 2), (315, VARIABLE)], struct.pack(">H", 1400) + varying(unsaid))) == [READ]
    assert of([(315, VARIABLE)], varying(unsaid)).kind.tolist() == [NOT_READ]


def test_packets_inside_of_packets_where_they_are_asked_for() -> None:
    inner = udp4("203.0.113.5", "198.51.100.10")
    outer = (
        struct.pack(">BBHHHBBHII", 0x45, 0, 1420, 0, 0, 64, 4, 0, ip("192.0.2.1"), ip("192.0.2.2")) + inner
    )
    record = varying(ethernet(outer))
    assert told(of([(315, VARIABLE)], record)) == [(TRAFFIC, 1420, 1, ip("192.0.2.1"), ip("192.0.2.2"))]
    assert told(of([(315, VARIABLE)], record, under=bench(tunnels="inner"))) == [READ]


def test_sections_before_their_template_are_read_when_it_comes() -> None:
    under = bench()
    record = struct.pack(">H", 1414) + varying(FRAME)
    assert not len(under.decode(ipfix(a_set(256, record))))
    flows = under.decode(ipfix(template(256, SIZE, (315, VARIABLE), ipfix=True), sequence=1))
    assert told(flows) == [READ]
    assert flows.export_ms.tolist() == [NOW_MS]
    assert under.count("waiting") == 0


def test_a_section_cut_short_keeps_those_before_it() -> None:
    under = bench()
    rate = options10(300, [(144, 4)], [(34, 4)])
    under.decode(ipfix(rate, a_set(300, struct.pack(">II", 0, 100))))
    flows = of([(315, VARIABLE)], varying(FRAME), varying(FRAME)[:20], under=under)
    assert told(flows) == [READ]
    assert (flows.sampling_rate.tolist(), under.count("malformed")) == ([100], 1)
