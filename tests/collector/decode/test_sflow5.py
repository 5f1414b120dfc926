"""sFlow version 5: flow samples, by the headers in them."""

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.columns.flowrecords import (
    ABSENT,
    ASSUMED,
    METERED_EGRESS,
    METERED_INGRESS,
    NOT_READ,
    RECORD,
    TRAFFIC,
    FlowRecords,
)
from caudal.collector.decode.decoder import Decoder
from tests.support.builders import (
    NOW_MS,
    Bench,
    address,
    bench,
    ethernet,
    expanded_sample,
    flow_sample,
    gateway,
    gateway_of,
    ip,
    raw_header,
    sample,
    sflow,
    udp4,
)
from tests.support.effort import effort, growth

from .sflow5_by_hand import Record, read

PACKET = udp4("198.18.0.1", "203.0.113.9", total=1400, ports=(1234, 53))
HEADER = raw_header(ethernet(PACKET))
COUNTERS = sample(2, struct.pack(">III", 1, 7, 1) + sample(1, bytes(88)))


def absent(flows: FlowRecords, at: int = 0) -> set[str]:
    return {name for name, bit in ABSENT.items() if flows.absent[at] & bit}


def udp6(payload: int = 100) -> bytes:
    start = struct.pack(">IHBB", 6 << 28, payload, 17, 64)
    return (
        start
        + ip("2001:db8::1").to_bytes(16, "big")
        + ip("2001:db8::2").to_bytes(16, "big")
        + struct.pack(">HHHH", 5, 6, 0, 0)
    )


def test_every_field_of_a_sample() -> None:
    flows = bench().decode(sflow(flow_sample(HEADER, gateway(64496, 3356, 15169)), sub_agent=3))
    assert {name: getattr(flows, name)[0].item() for name in vars(flows)} == {
        "exporter": 0,
        "protocol": 3,
        "observation_domain": 3,
        "template": 0,
        "export_ms": NOW_MS,
        "start_ms": NOW_MS,
        "end_ms": NOW_MS,
        "ip_version": 4,
        "source_high": 0,
        "source_low": ip("198.18.0.1"),
        "destination_high": 0,
        "destination_low": ip("203.0.113.9"),
        "source_port": 1234,
        "destination_port": 53,
        "ip_protocol": 17,
        "bytes": 1400,
        "packets": 1,
        "sampling_rate": 512.0,
        "sampling_from": RECORD,
        "source_as": 64496,
        "destination_as": 15169,
        "input": 1,
        "output": 2,
        "kind": TRAFFIC,
        "absent": int(ABSENT["template"]),
        "flow_direction": 0,
        "tag": 0,
        "doubt": 0,
    }


def test_bytes_are_those_of_ip_not_of_the_frame() -> None:
    record = raw_header(ethernet(PACKET) + bytes(4), frame=1418)
    assert bench().decode(sflow(flow_sample(record))).bytes.tolist() == [1400]


def test_without_extended_gateway_the_as_numbers_are_absent() -> None:
    assert absent(bench().decode(sflow(flow_sample(HEADER)))) == {"template", "source_as", "destination_as"}


def test_a_gateway_without_a_path_is_the_routers_own_as() -> None:
    flows = bench().decode(sflow(flow_sample(gateway(64496), HEADER)))
    assert (flows.source_as.tolist(), flows.destination_as.tolist()) == ([64496], [64500])


def test_the_destination_is_the_end_of_the_last_segment_with_networks() -> None:
    paths = [([1, 2], [3]), ([1, 2], []), ([], []), ([4] * 40,), ()]
    flows = bench().decode(
        sflow(*(flow_sample(HEADER, gateway_of(64496, *path, hop="2001:db8::9")) for path in paths))
    )
    assert flows.destination_as.tolist() == [3, 2, 64500, 4, 64500]
    assert set(flows.source_as.tolist()) == {64496}


def test_extended_router_and_switch_records_are_passed_over() -> None:
    router = sample(1002, address("192.0.2.254") + struct.pack(">II", 24, 16))
    switch = sample(1001, struct.pack(">IIII", 10, 0, 20, 0))
    flows = bench().decode(sflow(flow_sample(switch, router, HEADER, gateway(64496, 7))))
    assert (flows.bytes.tolist(), flows.destination_as.tolist()) == ([1400], [7])


def test_a_gateway_that_lies_about_its_path_is_malformed() -> None:
    under = bench()
    lying = sample(1003, gateway(64496, 7)[8:-12])
    assert len(under.decode(sflow(flow_sample(HEADER, lying), flow_sample(HEADER)))) == 1
    assert under.counts() == {"datagrams": 1, "received": 2, "decoded": 1, "malformed": 1}


def test_expanded_samples() -> None:
    flows = bench().decode(sflow(expanded_sample(HEADER, input_=(0, 1_285_816_721), output=(0, 7), rate=99)))
    assert (flows.input.tolist(), flows.output.tolist()) == ([1_285_816_721], [7])
    assert (flows.bytes.tolist(), flows.sampling_rate.tolist()) == ([1400], [99])


@pytest.mark.parametrize(
    "value", [0x3FFFFFFF, 1 << 30 | 256, 2 << 30, 2 << 30 | 4], ids=["internal", "discarded", "several", "4"]
)
def test_an_output_that_is_no_interface_is_absent(value: int) -> None:
    flows = bench().decode(sflow(flow_sample(HEADER, output=value)))
    assert (flows.output.tolist(), "output" in absent(flows), flows.input.tolist()) == ([0], True, [1])


def test_the_largest_interface_number_there_is() -> None:
    flows = bench().decode(sflow(flow_sample(HEADER, output=0x3FFFFFFE)))
    assert (flows.output.tolist(), "output" in absent(flows)) == ([0x3FFFFFFE], False)


@pytest.mark.parametrize(
    ("source", "direction"),
    [(1, METERED_INGRESS), (2, METERED_EGRESS), (7, 0), (1 << 24 | 1, 0)],
    ids=["input", "output", "elsewhere", "a VLAN of that number"],
)
def test_where_the_sample_was_taken(source: int, direction: int) -> None:
    flows = bench().decode(
        sflow(
            flow_sample(HEADER, source=source),
            expanded_sample(HEADER, source=(source >> 24, source & 0xFFFFFF)),
        )
    )
    assert flows.flow_direction.tolist() == [direction, direction]


@pytest.mark.parametrize("form", [(0, 0), (0, 0x3FFFFFFF), (0, 0xFFFFFFFF), (1, 256), (2, 3)])
def test_the_same_in_expanded_samples(form: tuple[int, int]) -> None:
    flows = bench().decode(sflow(expanded_sample(HEADER, input_=form)))
    assert (flows.input.tolist(), "input" in absent(flows)) == ([0], True)


def test_agent_address_is_not_the_udp_source() -> None:
    """The exporter is who sent; sequence numbers are the agent's, so that two behind one source do not mix."""
    under = bench()
    flows = under.decode(
        *(
            sflow(flow_sample(HEADER), agent=agent, sequence=n)
            for agent, n in (("10.0.0.1", 5), ("10.0.0.2", 90), ("10.0.0.1", 6), ("10.0.0.2", 93))
        )
    )
    assert flows.exporter.tolist() == [0] * 4
    assert under.count("lost_datagrams") == 2


def test_a_sub_agent_has_a_sequence_of_its_own() -> None:
    under = bench()
    under.decode(
        *(
            sflow(flow_sample(HEADER), sub_agent=sub, sequence=n)
            for sub, n in ((0, 5), (1, 90), (0, 6), (1, 91))
        )
    )
    assert under.count("lost_datagrams") == 0


def numbered(*numbers: tuple[int, int], sequence: int = 1, drops: int = 0) -> bytes:
    """A datagram of samples with these (source, sequence number)."""
    samples = (flow_sample(HEADER, source=source, sequence=n, drops=drops) for source, n in numbers)
    return sflow(*samples, sequence=sequence)


def test_samples_that_never_came_are_lost() -> None:
    """Of source 7 two samples are missing and of source 8 one: in a datagram that is missing too."""
    under = bench()
    under.decode(numbered((7, 1), (8, 50)), numbered((7, 4), (8, 52), sequence=3))
    assert (under.count("lost"), under.count("lost_datagrams")) == (3, 1)


def test_samples_that_the_agent_dropped_are_lost() -> None:
    under = bench()
    under.decode(*(numbered((7, n), sequence=n, drops=drops) for n, drops in ((1, 100), (2, 100), (3, 103))))
    assert under.counts() == {"datagrams": 3, "received": 3, "decoded": 3, "lost": 3}


def test_expanded_sources_are_apart_by_class_and_index() -> None:
    under = bench()
    for n, (one, other) in enumerate(((5, 900), (6, 901), (7, 903))):
        under.decode(
            sflow(
                expanded_sample(HEADER, source=(0, 1 << 31), sequence=one),
                expanded_sample(HEADER, source=(1, 1 << 31), sequence=other),
                sequence=n,
            )
        )
    assert under.count("lost") == 1


def test_a_datagram_that_came_late_takes_its_samples_back() -> None:
    under = bench()
    datagrams = {n: numbered((7, 2 * n), (7, 2 * n + 1), sequence=n) for n in range(1, 5)}
    for n in (1, 2, 4):
        under.decode(datagrams[n])
    assert (under.count("lost"), under.count("lost_datagrams")) == (2, 1)
    under.decode(datagrams[3])
    assert (under.count("lost"), under.count("lost_datagrams")) == (0, 0)


def test_a_datagram_that_came_twice_changes_no_loss() -> None:
    under = bench()
    for n in (1, 2, 2, 3, 1, 4):
        under.decode(numbered((7, n), sequence=n))
    assert (under.count("lost"), under.count("lost_datagrams")) == (0, 0)


@pytest.mark.parametrize("first", [3, 300, 1 << 30])
def test_an_agent_that_starts_again_has_lost_nothing(first: int) -> None:
    under = bench()
    numbers = [first, first + 1, 1, 2]
    under.decode(*(numbered((7, n), sequence=first + 500 + n, drops=n) for n in numbers[:2]))
    under.decode(*(numbered((7, n), sequence=n, drops=0) for n in numbers[2:]))
    assert under.count("lost") == 1  # what it said it dropped before
    assert under.count("lost_datagrams") == 0


def test_sequence_numbers_wrap() -> None:
    under = bench()
    for n in (0xFFFF_FFFE, 0xFFFF_FFFF, 0, 2):
        under.decode(numbered((7, n), sequence=n))
    assert (under.count("lost"), under.count("lost_datagrams")) == (1, 1)


def test_an_exporter_that_is_forgotten_begins_anew() -> None:
    under = bench()
    under.decode(numbered((7, 1)))
    under.decoder.forget(0)
    under.decode(numbered((7, 40), sequence=30))
    assert under.counts() == {"datagrams": 2, "received": 2, "decoded": 2}


def test_ipv6_agent() -> None:
    under = bench()
    flows = under.decode(*(sflow(flow_sample(HEADER), agent="2001:db8::9", sequence=n) for n in (1, 2, 5)))
    assert len(flows) == 3
    assert under.counts() == {"datagrams": 3, "received": 3, "decoded": 3, "lost_datagrams": 2}


def test_counters_samples_are_passed_over() -> None:
    under = bench()
    expanded = sample(4, struct.pack(">IIII", 1, 0, 7, 0))
    vendors = sample(8800 << 12 | 1, bytes(8))
    payload = sflow(COUNTERS, expanded, flow_sample(HEADER), vendors, COUNTERS)
    assert under.decode(payload).bytes.tolist() == [1400]
    assert under.counts() == {"datagrams": 1, "received": 1, "decoded": 1}
    agents = under.decoder.sflow_agents
    assert (agents.counters, agents.unknown) == (3, 1)


@pytest.mark.parametrize("tags", [(0x8100,), (0x88A8, 0x8100)], ids=["VLAN", "QinQ"])
def test_vlan_headers(tags: tuple[int, ...]) -> None:
    flows = bench().decode(sflow(flow_sample(raw_header(ethernet(PACKET, *tags)))))
    assert (flows.bytes.tolist(), flows.destination_port.tolist()) == ([1400], [53])


def test_mpls_labels() -> None:
    labels = struct.pack(">II", 100 << 12, 200 << 12 | 1 << 8)
    flows = bench().decode(
        sflow(
            flow_sample(raw_header(ethernet(labels + PACKET, kind=0x8847))),
            flow_sample(raw_header(labels + PACKET, protocol=13)),
        )
    )
    assert (flows.bytes.tolist(), flows.destination_port.tolist()) == ([1400, 1400], [53, 53])


# Packets inside of packets

INNER = udp4("10.0.0.1", "10.0.0.2", total=1300, ports=(9, 99))
SHIM = bytes([8, 0, 0, 0, 0, 0, 7, 0])


def outer(payload: bytes, *, total: int, protocol: int = 17, port: int = 4789) -> bytes:
    """An IPv4 packet around another: of UDP to this port, or of another protocol."""
    around = udp4("198.18.0.1", "203.0.113.9", total=total, ports=(50_000, port))
    header = around[:9] + bytes([protocol]) + around[10:]
    return (header if protocol == 17 else header[:20]) + payload


VXLAN = outer(SHIM + ethernet(INNER), total=1350)
TUNNELS = {
    "VXLAN": VXLAN,
    "VXLAN with VLAN": outer(SHIM + ethernet(INNER, 0x8100), total=1354),
    "Geneve": outer(
        struct.pack(">HHI", 0x0200, 0x6558, 0) + bytes(8) + ethernet(INNER), total=1358, port=6081
    ),
    "GRE": outer(struct.pack(">HH", 0, 0x0800) + INNER, total=1324, protocol=47),
    "GRE with options": outer(
        struct.pack(">HH", 0xB000, 0x0800) + bytes(12) + INNER, total=1336, protocol=47
    ),
    "GRE of Ethernet": outer(struct.pack(">HH", 0, 0x6558) + ethernet(INNER), total=1338, protocol=47),
    "GRE in UDP": outer(struct.pack(">HH", 0, 0x0800) + INNER, total=1332, port=4754),
    "IP in IP": outer(INNER, total=1320, protocol=4),
    "two": outer(outer(INNER, total=1320, protocol=4), total=1340, protocol=4),
}


def with_tunnels(tunnels: str) -> Bench:
    under = bench()
    decoder = Decoder(under.ledger, under.decoder.rates, tunnels=tunnels)
    return Bench(decoder, under.ledger, under.exporters)


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_counts_by_its_outer_packet_unless_told_otherwise(name: str) -> None:
    packet = TUNNELS[name]
    for under in (bench(), with_tunnels("outer")):
        flows = under.decode(sflow(flow_sample(raw_header(ethernet(packet)))))
        assert flows.bytes.tolist() == [struct.unpack_from(">H", packet, 2)[0]]
        assert flows.source_low.tolist() == [ip("198.18.0.1")]


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_counts_by_its_inner_packet_if_told_so(name: str) -> None:
    flows = with_tunnels("inner").decode(sflow(flow_sample(raw_header(ethernet(TUNNELS[name])))))
    assert (flows.bytes.tolist(), flows.packets.tolist()) == ([1300], [1])
    assert (flows.source_low.tolist(), flows.destination_low.tolist()) == ([ip("10.0.0.1")], [ip("10.0.0.2")])
    assert (flows.source_port.tolist(), flows.destination_port.tolist()) == ([9], [99])
    assert absent(flows) == {"template", "source_as", "destination_as"}


def test_an_ipv6_packet_inside_of_an_ipv4_one_and_the_other_way_round() -> None:
    six = udp6()
    around = struct.pack(">IHBB", 6 << 28, 1300, 4, 64) + bytes(31) + b"\1" + bytes(15) + b"\2"
    flows = with_tunnels("inner").decode(
        sflow(
            flow_sample(raw_header(ethernet(outer(six, total=160, protocol=41)))),
            flow_sample(raw_header(ethernet(around[:40] + INNER, kind=0x86DD))),
        )
    )
    assert (flows.ip_version.tolist(), flows.bytes.tolist()) == ([6, 4], [140, 1300])
    assert flows.source_high.tolist() == [ip("2001:db8::1") >> 64, 0]


@pytest.mark.parametrize(
    "packet",
    [
        outer(SHIM + ethernet(bytes(28), kind=0x0806), total=1350),
        outer(bytes(8) + ethernet(INNER), total=1350),
        outer(SHIM + ethernet(INNER)[:20], total=1350),
        outer(SHIM[:5], total=1350),
        outer(struct.pack(">HH", 1, 0x880B) + INNER, total=1350, protocol=47),
        outer(struct.pack(">HH", 0x8000, 0x0800), total=1350, protocol=47),
        outer(SHIM + ethernet(INNER), total=1350, port=4791),
    ],
    ids=["ARP", "no network", "cut", "cut early", "PPTP", "cut options", "another port"],
)
def test_where_no_packet_is_known_inside_the_outer_one_counts(packet: bytes) -> None:
    flows = with_tunnels("inner").decode(sflow(flow_sample(raw_header(ethernet(packet)))))
    assert (flows.bytes.tolist(), flows.source_low.tolist()) == ([1350], [ip("198.18.0.1")])


def test_a_later_fragment_has_no_packet_inside() -> None:
    packet = bytearray(TUNNELS["GRE"])
    packet[6:8] = struct.pack(">H", 185)
    flows = with_tunnels("inner").decode(sflow(flow_sample(raw_header(ethernet(bytes(packet))))))
    assert flows.bytes.tolist() == [1324]


def test_ports_of_the_outer_packet_do_not_stay_with_an_inner_one_that_has_none() -> None:
    icmp = INNER[:9] + b"\1" + INNER[10:]
    flows = with_tunnels("inner").decode(
        sflow(flow_sample(raw_header(ethernet(outer(SHIM + ethernet(icmp), total=1350)))))
    )
    assert (flows.ip_protocol.tolist(), flows.source_port.tolist()) == ([1], [0])
    assert {"source_port", "destination_port"} <= absent(flows)


def test_ipv6_packets() -> None:
    flows = bench().decode(sflow(flow_sample(raw_header(ethernet(udp6(), kind=0x86DD)))))
    assert (flows.ip_version.tolist(), flows.bytes.tolist()) == ([6], [140])
    assert flows.source_high.tolist() == [ip("2001:db8::1") >> 64]


@pytest.mark.parametrize(("protocol", "packet"), [(11, PACKET), (12, udp6())], ids=["IPv4", "IPv6"])
def test_headers_that_begin_with_ip(protocol: int, packet: bytes) -> None:
    flows = bench().decode(sflow(flow_sample(raw_header(packet, protocol=protocol))))
    assert flows.ip_version.tolist() == [4 if protocol == 11 else 6]


def test_sampled_ip_records_instead_of_a_header() -> None:
    four = sample(
        3,
        struct.pack(">II", 600, 6)
        + address("198.18.0.1")[4:]
        + address("203.0.113.9")[4:]
        + struct.pack(">IIII", 80, 443, 0, 0),
    )
    six = sample(
        4,
        struct.pack(">II", 700, 17)
        + address("2001:db8::1")[4:]
        + address("2001:db8::2")[4:]
        + struct.pack(">IIII", 5, 6, 0, 0),
    )
    flows = bench().decode(sflow(flow_sample(four), flow_sample(six)))
    assert (flows.bytes.tolist(), flows.ip_version.tolist()) == ([600, 700], [4, 6])
    assert (flows.source_port.tolist(), flows.ip_protocol.tolist()) == ([80, 5], [6, 17])


def test_a_header_goes_before_sampled_ip() -> None:
    four = sample(3, struct.pack(">II", 600, 6) + bytes(24))
    assert bench().decode(sflow(flow_sample(HEADER, four))).bytes.tolist() == [1400]


@pytest.mark.parametrize(
    "record",
    [raw_header(ethernet(b"\0" * 28, kind=0x0806)), raw_header(b"x" * 40, protocol=7), raw_header(b""), b""],
    ids=["ARP", "another link", "no header", "no record"],
)
def test_a_sample_without_ip_is_not_read_and_says_nothing_of_ip(record: bytes) -> None:
    under = bench()
    flows = under.decode(sflow(flow_sample(*([record] if record else []))))
    assert flows.kind.tolist() == [NOT_READ]
    assert {"source", "destination", "ip_protocol", "bytes", "packets", "source_port"} <= absent(flows)
    assert under.counts() == {"datagrams": 1, "received": 1, "decoded": 1}


def test_ports_are_absent_where_the_packet_has_none() -> None:
    icmp = PACKET[:9] + b"\1" + PACKET[10:]
    assert {"source_port", "destination_port"} <= absent(
        bench().decode(sflow(flow_sample(raw_header(ethernet(icmp)))))
    )


def test_a_rate_of_zero_is_none() -> None:
    flows = bench().decode(sflow(flow_sample(HEADER, rate=0)))
    assert (flows.sampling_rate.tolist(), flows.sampling_from.tolist()) == ([1], [ASSUMED])


def test_a_sample_that_lies_about_its_records_leaves_the_others() -> None:
    lying = flow_sample(HEADER[:-28])
    under = bench()
    assert under.decode(sflow(flow_sample(HEADER), lying, flow_sample(HEADER))).bytes.tolist() == [1400, 1400]
    assert under.counts() == {"datagrams": 1, "received": 3, "decoded": 2, "malformed": 1}


@pytest.mark.parametrize("cut", [8, 20, 27, 40, 100])
def test_cut_short_keeps_the_samples_before(cut: int) -> None:
    under = bench()
    whole = sflow(flow_sample(HEADER), flow_sample(HEADER))
    flows = under.decode(whole[:cut])
    assert len(flows) == 0
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}
    assert len(under.decode(whole[:-3])) == 1


def test_a_cut_datagram_still_counts_in_the_sequence() -> None:
    under = bench()
    for number, cut in ((1, None), (2, -3), (3, None)):
        under.decode(sflow(flow_sample(HEADER), sequence=number)[:cut])
    assert under.count("lost_datagrams") == 0


def test_more_samples_than_there_are() -> None:
    under = bench()
    assert len(under.decode(sflow(flow_sample(HEADER), count=0xFFFF_FFFF))) == 1
    assert under.counts() == {"datagrams": 1, "received": 2, "decoded": 1, "malformed": 1}


def test_an_agent_address_of_no_known_kind() -> None:
    under = bench()
    under.decode(struct.pack(">II", 5, 9) + bytes(40))
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_a_header_at_the_very_end_of_the_buffer() -> None:
    under = bench()
    assert under.decode(sflow(flow_sample(raw_header(PACKET[:20], protocol=11)))).bytes.tolist() == [1400]


# Against a reader that takes one octet after the other


def router(source: int, destination: int) -> bytes:
    return sample(1002, address("192.0.2.254") + struct.pack(">II", source, destination))


MADE = [
    *(HEADER, raw_header(ethernet(PACKET, 0x8100)), raw_header(udp6(), protocol=12), raw_header(b"")),
    raw_header(struct.pack(">I", 1 << 8) + PACKET, protocol=13),
    *(gateway(64496), gateway(64496, 3356, 15169), gateway_of(7, [1], [], [2, 3], hop="2001:db8::9")),
    sample(3, struct.pack(">II", 600, 6) + bytes(range(8)) + struct.pack(">IIII", 80, 443, 0, 0)),
    sample(4, struct.pack(">II", 700, 17) + bytes(range(32)) + struct.pack(">IIII", 5, 6, 0, 0)),
    *(sample(1001, bytes(16)), sample(1002, bytes(16)), router(24, 0), router(0, 8), sample(2, bytes(24))),
]
RECORDS = st.lists(st.sampled_from(MADE), max_size=4)
SAMPLES = st.one_of(
    st.builds(
        lambda records, rate, one, two: flow_sample(*records, rate=rate, input_=one, output=two),
        RECORDS,
        st.sampled_from([0, 1, 512]),
        st.sampled_from([0, 9, 0x3FFFFFFF]),
        st.sampled_from([1, 1 << 30, 2 << 30 | 3]),
    ),
    st.builds(lambda records: expanded_sample(*records, input_=(0, 5), output=(1, 3)), RECORDS),
    st.just(COUNTERS),
)
PAYLOADS = st.builds(
    lambda samples, agent: sflow(*samples, agent=agent),
    st.lists(SAMPLES, max_size=5),
    st.sampled_from(["192.0.2.1", "2001:db8::9"]),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    octets = bytearray(draw(PAYLOADS))
    for at, value in draw(
        st.lists(st.tuples(st.integers(4, len(octets) - 1), st.integers(0, 255)), max_size=4)
    ):
        octets[at] = value
    return bytes(octets[: draw(st.integers(4, len(octets)))]) if draw(st.booleans()) else bytes(octets)


def as_by_hand(flows: FlowRecords, at: int) -> Record:
    missing = absent(flows, at)
    said = [
        None if name in missing else int(getattr(flows, name)[at])
        for name in ("input", "output", "source_as", "destination_as")
    ]
    packet = None
    if flows.kind[at] == TRAFFIC:
        source, destination = (
            int(getattr(flows, f"{end}_high")[at]) << 64 | int(getattr(flows, f"{end}_low")[at])
            for end in ("source", "destination")
        )
        of_packet = ("source_port", "destination_port", "ip_protocol", "bytes")
        packet = (
            *(int(flows.ip_version[at]), source, destination),
            *(int(getattr(flows, name)[at]) for name in of_packet),
        )
    rate = int(flows.sampling_rate[at]) if flows.sampling_from[at] == RECORD else 0
    return Record(rate, said[0], said[1], said[2], said[3], packet)


@settings(max_examples=300)
@given(st.lists(st.one_of(PAYLOADS, damaged()), max_size=40))
def test_columns_say_what_a_reader_octet_by_octet_finds(payloads: list[bytes]) -> None:
    under = bench()
    flows = under.decode(*payloads)
    expected, malformed = [], 0
    for payload in payloads:
        records, bad = read(payload)
        expected += records
        malformed += bad
    # What rate is taken where the one that a sample states is not believed is told elsewhere.
    doubted = flows.doubt != 0
    found = [as_by_hand(flows, at) for at in range(len(flows))]
    assert [
        (each[1:] if not_believed else each) for each, not_believed in zip(found, doubted, strict=True)
    ] == [(each[1:] if not_believed else each) for each, not_believed in zip(expected, doubted, strict=True)]
    received = len(expected) + malformed
    assert (under.count("received"), under.count("decoded"), under.count("malformed")) == (
        received,
        len(expected),
        malformed,
    )


@settings(max_examples=60)
@given(st.lists(damaged(), max_size=20))
def test_damage_never_raises_with_tunnels_opened(payloads: list[bytes]) -> None:
    under = with_tunnels("inner")
    under.decode(*payloads)
    assert under.count("received") == under.count("decoded") + under.count("malformed")


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(TUNNELS)),
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 255)), max_size=5),
    st.integers(20, 120),
)
def test_damaged_tunnels_never_raise_nor_lose_a_sample(
    name: str, damage: list[tuple[int, int]], cut: int
) -> None:
    packet = bytearray(TUNNELS[name])
    for at, value in damage:
        packet[at % len(packet)] = value
    under = with_tunnels("inner")
    assert len(under.decode(sflow(flow_sample(raw_header(ethernet(bytes(packet[:cut]))))))) == 1


# What hostile input may cost


@pytest.mark.parametrize(
    "payload",
    [
        lambda n: sflow(*([sample(2, b"")] * n)),
        lambda n: sflow(flow_sample(*([sample(9, b"")] * n))),
        lambda n: sflow(flow_sample(gateway_of(1, *([[]] * n)))),
        lambda n: sflow(*(flow_sample(source=each) for each in range(n))),
    ],
    ids=["samples", "records", "segments", "sources"],
)
def test_datagrams_full_of_nothing_cost_by_their_size(payload: Callable[[int], bytes]) -> None:
    def work(size: int) -> Callable[[], object]:
        under, full = bench(), payload(size)
        return lambda: under.decode(*([full] * 20))

    assert growth(work, 375) < 5


@pytest.mark.parametrize(
    "payload",
    [
        sflow(count=0xFFFF_FFFF),
        sflow(flow_sample(sample(1003, address("192.0.2.1") + struct.pack(">IIII", 1, 1, 1, 0xFFFF_FFFF)))),
    ],
    ids=["samples", "segments"],
)
def test_what_is_only_announced_costs_nothing(payload: bytes) -> None:
    assert effort(lambda: bench().decode(*([payload] * 20))) < 20_000


def test_agents_without_end_do_not_pile_up() -> None:
    chance = random.Random(5)
    under = bench()
    for _ in range(5):
        under.decode(*(sflow(sub_agent=chance.randrange(1 << 32)) for _ in range(3_000)))
    assert len(under.decoder.sflow_agents.datagrams) < 8_000
