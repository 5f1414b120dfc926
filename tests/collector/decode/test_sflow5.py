"""sFlow version 5: flow samples, by the headers in them."""

import struct

import pytest

from caudal.collector.flowrecords import ABSENT, ASSUMED, EVENT, RECORD, TRAFFIC, FlowRecords

from ..builders import (
    NOW_MS,
    address,
    bench,
    ethernet,
    expanded_sample,
    flow_sample,
    gateway,
    ip,
    raw_header,
    sample,
    sflow,
    udp4,
)

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
    }


def test_bytes_are_those_of_ip_not_of_the_frame() -> None:
    record = raw_header(ethernet(PACKET) + bytes(4), frame=1418)
    assert bench().decode(sflow(flow_sample(record))).bytes.tolist() == [1400]


def test_without_extended_gateway_the_as_numbers_are_absent() -> None:
    assert absent(bench().decode(sflow(flow_sample(HEADER)))) == {"template", "source_as", "destination_as"}


def test_a_gateway_without_a_path_is_the_routers_own_as() -> None:
    flows = bench().decode(sflow(flow_sample(gateway(64496), HEADER)))
    assert (flows.source_as.tolist(), flows.destination_as.tolist()) == ([64496], [64500])


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


@pytest.mark.parametrize("form", [(0, 0x3FFFFFFF), (0, 0xFFFFFFFF), (1, 256), (2, 3)])
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


def test_ipv6_agent() -> None:
    under = bench()
    flows = under.decode(*(sflow(flow_sample(HEADER), agent="2001:db8::9", sequence=n) for n in (1, 2, 5)))
    assert len(flows) == 3
    assert under.counts() == {"datagrams": 3, "received": 3, "decoded": 3, "lost_datagrams": 2}


def test_counters_samples_are_passed_over() -> None:
    under = bench()
    assert under.decode(sflow(COUNTERS, flow_sample(HEADER), COUNTERS)).bytes.tolist() == [1400]
    assert under.counts() == {"datagrams": 1, "received": 1, "decoded": 1}


@pytest.mark.parametrize("tags", [(0x8100,), (0x88A8, 0x8100)], ids=["VLAN", "QinQ"])
def test_vlan_headers(tags: tuple[int, ...]) -> None:
    flows = bench().decode(sflow(flow_sample(raw_header(ethernet(PACKET, *tags)))))
    assert (flows.bytes.tolist(), flows.destination_port.tolist()) == ([1400], [53])


def test_vxlan_is_counted_as_the_outer_packet() -> None:
    inner = ethernet(udp4("10.0.0.1", "10.0.0.2"))
    outer = udp4("198.18.0.1", "203.0.113.9", total=1464, ports=(50_000, 4789)) + bytes(8) + inner
    flows = bench().decode(sflow(flow_sample(raw_header(ethernet(outer)))))
    assert (flows.bytes.tolist(), flows.source_low.tolist()) == ([1464], [ip("198.18.0.1")])


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
def test_a_sample_without_ip_is_an_event_that_says_nothing_of_ip(record: bytes) -> None:
    under = bench()
    flows = under.decode(sflow(flow_sample(*([record] if record else []))))
    assert flows.kind.tolist() == [EVENT]
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
    lying = flow_sample(HEADER[:-30])
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
