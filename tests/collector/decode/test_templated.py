"""Data sets of NetFlow v9 and IPFIX: what becomes a flow record, and of what."""

import struct

import pytest

from caudal.collector.columns.flowrecords import (
    ABSENT,
    EVENT,
    IMPLAUSIBLE,
    METERED_EGRESS,
    TRAFFIC,
    WAY_BACK,
    FlowRecords,
)
from tests.support.builders import (
    BASIC,
    DESTINATION,
    DESTINATION6,
    DESTINATION_PORT,
    NOW_MS,
    OCTETS,
    PACKETS,
    PROTOCOL,
    SOURCE,
    SOURCE6,
    SOURCE_PORT,
    Field,
    a_set,
    basic,
    bench,
    ip,
    ipfix,
    netflow9,
    template,
)

REVERSE = 29305


def of(fields: list[Field], record: bytes, *, v9: bool = False) -> FlowRecords:
    """The flow records of one data record."""
    sets = (template(256, *fields, ipfix=not v9), a_set(256, record))
    under = bench()
    flows = under.decode(netflow9(*sets) if v9 else ipfix(*sets))
    assert under.count("received") == under.count("decoded") == len(flows)
    return flows


def absent(flows: FlowRecords) -> set[str]:
    return {name for name, bit in ABSENT.items() if flows.absent[0] & bit}


def high(text: str) -> int:
    return ip(text) >> 64


def low(text: str) -> int:
    return ip(text) & (1 << 64) - 1


def test_every_field_of_a_record() -> None:
    fields = [
        *BASIC,
        SOURCE_PORT,
        DESTINATION_PORT,
        PROTOCOL,
        (16, 4),
        (17, 2),
        (10, 4),
        (14, 2),
        (152, 8),
        (153, 8),
        (61, 1),
    ]
    record = basic() + struct.pack(
        ">HHBIHIHQQB", 1234, 443, 6, 4_200_000_001, 15169, 70_000, 9, NOW_MS - 7, NOW_MS - 3, 1
    )
    flows = of(fields, record)
    assert {name: getattr(flows, name)[0].item() for name in vars(flows)} == {
        "exporter": 0,
        "protocol": 2,
        "observation_domain": 0,
        "template": 256,
        "export_ms": NOW_MS,
        "start_ms": NOW_MS - 7,
        "end_ms": NOW_MS - 3,
        "ip_version": 4,
        "source_high": 0,
        "source_low": ip("198.18.0.1"),
        "destination_high": 0,
        "destination_low": ip("203.0.113.9"),
        "source_port": 1234,
        "destination_port": 443,
        "ip_protocol": 6,
        "bytes": 1000,
        "packets": 10,
        "sampling_rate": 1.0,
        "sampling_from": 3,
        "source_as": 4_200_000_001,
        "destination_as": 15169,
        "input": 70_000,
        "output": 9,
        "kind": TRAFFIC,
        "absent": 0,
        "flow_direction": METERED_EGRESS,
        "tag": 0,
        "doubt": 0,
    }


def test_what_was_not_sent_is_marked_absent() -> None:
    assert absent(of([OCTETS], struct.pack(">I", 5))) == set(ABSENT) - {
        "bytes",
        "template",
        "observation_domain",
    }


def test_ports_by_their_transport_protocol() -> None:
    flows = of([OCTETS, (180, 2), (181, 2)], struct.pack(">IHH", 5, 53, 5353))
    assert (flows.source_port.tolist(), flows.destination_port.tolist()) == ([53], [5353])


# Which counter


@pytest.mark.parametrize(
    ("fields", "values", "taken"),
    [
        ([(1, 4), (23, 4), (85, 4)], (100, 90, 5000), 100),
        ([(85, 4), (1, 4)], (5000, 100), 100),
        ([(23, 4), (1, 4)], (90, 0), 90),
        ([(23, 4)], (90,), 90),
        ([(85, 4)], (5000,), 5000),
        ([(1, 4), (85, 4)], (0, 5000), 0),
        ([(231, 4)], (70,), 70),
    ],
    ids=[
        "delta",
        "delta behind total",
        "post where delta is 0",
        "post",
        "total",
        "no delta but a total",
        "initiator",
    ],
)
def test_of_delta_post_and_total_one_is_taken(
    fields: list[Field], values: tuple[int, ...], taken: int
) -> None:
    assert of(fields, struct.pack(f">{len(values)}I", *values)).bytes.tolist() == [taken]


def test_packets_are_chosen_the_same_way() -> None:
    flows = of([(86, 4), (24, 4), (2, 4), OCTETS], struct.pack(">IIII", 9, 8, 7, 100))
    assert flows.packets.tolist() == [7]


def test_each_record_takes_the_post_counter_only_where_its_delta_is_zero() -> None:
    sets = (template(256, (1, 4), (23, 4)), a_set(256, struct.pack(">IIIIII", 5, 4, 0, 6, 0, 0)))
    assert bench().decode(netflow9(*sets)).bytes.tolist() == [5, 6, 0]


@pytest.mark.parametrize("octets", range(1, 9))
def test_reduced_size_counters(octets: int) -> None:
    most = min((1 << 8 * octets) - 1, (1 << 53) - 1)
    flows = of([(1, octets), (2, 3)], most.to_bytes(octets, "big") + (3).to_bytes(3, "big"))
    assert (flows.bytes.tolist(), flows.packets.tolist()) == ([most], [3])


def test_a_count_no_flow_can_have_is_implausible() -> None:
    under = bench()
    fields = template(256, (1, 8))
    flows = under.decode(netflow9(fields, a_set(256, struct.pack(">QQQ", 1, 1 << 53, 2))))
    assert flows.kind.tolist() == [TRAFFIC, IMPLAUSIBLE, TRAFFIC]
    assert under.counts() == {"datagrams": 1, "received": 3, "decoded": 3}


# Traffic or event


def test_nsel_without_counters_is_an_event() -> None:
    """Firewall events: flow created (233 = 1) has no counters, flow deleted has."""
    created = of([SOURCE, DESTINATION, (233, 1)], struct.pack(">IIB", 1, 2, 1), v9=True)
    assert (created.kind.tolist(), absent(created) >= {"bytes", "packets"}) == ([EVENT], True)
    deleted = of([SOURCE, DESTINATION, (233, 1), (85, 4)], struct.pack(">IIBI", 1, 2, 2, 900), v9=True)
    assert (deleted.kind.tolist(), deleted.bytes.tolist()) == ([TRAFFIC], [900])


def test_nat_event_without_counters_is_an_event() -> None:
    flows = of([SOURCE, (225, 4), (230, 1)], struct.pack(">IIB", 1, 2, 1))
    assert flows.kind.tolist() == [EVENT]


def test_counters_of_zero_are_an_event() -> None:
    assert of([OCTETS, PACKETS], bytes(8)).kind.tolist() == [EVENT]
    assert of([OCTETS, PACKETS], struct.pack(">II", 0, 1)).kind.tolist() == [TRAFFIC]


# Biflows


def biflow(octets: int, packets: int) -> FlowRecords:
    fields: list[Field] = [
        *BASIC, SOURCE_PORT, DESTINATION_PORT, (16, 4), (17, 4), (10, 4), (14, 4), (61, 1), (1, 4, REVERSE), (2, 4, REVERSE),
    ]  # fmt: skip
    return of(fields, basic() + struct.pack(">HHIIIIBII", 1, 2, 3, 4, 5, 6, 1, octets, packets))


def test_rfc5103_biflow_is_two_directions() -> None:
    flows = biflow(77, 7)
    assert flows.bytes.tolist() == [1000, 77]
    assert flows.packets.tolist() == [10, 7]
    source, destination = ip("198.18.0.1"), ip("203.0.113.9")
    assert flows.source_low.tolist() == [source, destination]
    assert flows.destination_low.tolist() == [destination, source]
    for name, value in (("port", [1, 2]), ("as", [3, 4])):
        assert getattr(flows, f"source_{name}").tolist() == value
        assert getattr(flows, f"destination_{name}").tolist() == value[::-1]
    assert (flows.input.tolist(), flows.output.tolist()) == ([5, 6], [6, 5])
    # Both are of one record, and counted or left out together.
    assert flows.flow_direction.tolist() == [METERED_EGRESS, METERED_EGRESS | WAY_BACK]


def test_rfc5103_empty_reverse_is_none() -> None:
    assert biflow(0, 0).bytes.tolist() == [1000]


def test_biflows_beside_uniflows_of_one_template() -> None:
    sets = (
        template(256, OCTETS, (1, 4, REVERSE), ipfix=True),
        a_set(256, struct.pack(">IIIIII", 10, 0, 20, 21, 30, 31)),
    )
    under = bench()
    assert sorted(under.decode(ipfix(*sets)).bytes.tolist()) == [10, 20, 21, 30, 31]
    assert under.counts() == {"datagrams": 1, "received": 5, "decoded": 5}


def test_reverse_totals() -> None:
    flows = of([(85, 4), (85, 4, REVERSE), (86, 4), (86, 4, REVERSE)], struct.pack(">IIII", 172, 92, 4, 2))
    assert (flows.bytes.tolist(), flows.packets.tolist()) == ([172, 92], [4, 2])


def test_initiator_and_responder_are_two_directions() -> None:
    flows = of(
        [SOURCE, DESTINATION, (231, 4), (232, 4), (298, 4), (299, 4)],
        struct.pack(">IIIIII", 1, 2, 81, 763, 5, 6),
    )
    assert (flows.bytes.tolist(), flows.packets.tolist()) == ([81, 763], [5, 6])
    assert flows.source_low.tolist() == [1, 2]


def test_a_responder_counter_without_the_initiators_is_none() -> None:
    """Huawei NetStream sends an element 232 of its own, of two octets."""
    flows = of([OCTETS, PACKETS, (232, 2)], struct.pack(">IIH", 200, 4, 77), v9=True)
    assert flows.bytes.tolist() == [200]


# Addresses


def test_ipv4_and_ipv6_in_one_template_the_all_zero_pair_is_ignored() -> None:
    fields = [SOURCE, DESTINATION, SOURCE6, DESTINATION6, OCTETS]
    four = struct.pack(">II", ip("198.18.0.1"), ip("203.0.113.9")) + bytes(32) + struct.pack(">I", 1)
    six = (
        bytes(8)
        + ip("2001:db8::1").to_bytes(16, "big")
        + ip("2001:db8::2").to_bytes(16, "big")
        + struct.pack(">I", 2)
    )
    sets = (template(256, *fields, ipfix=True), a_set(256, four + six))
    flows = bench().decode(ipfix(*sets))
    assert flows.ip_version.tolist() == [4, 6]
    assert flows.source_high.tolist() == [0, high("2001:db8::1")]
    assert flows.source_low.tolist() == [ip("198.18.0.1"), 1]
    assert flows.destination_low.tolist() == [ip("203.0.113.9"), 2]


def test_ipv4_mapped_ipv6_is_ipv4() -> None:
    record = b"".join(ip(text).to_bytes(16, "big") for text in ("::ffff:198.18.0.1", "::ffff:203.0.113.9"))
    flows = of([SOURCE6, DESTINATION6, OCTETS], record + struct.pack(">I", 1))
    assert flows.ip_version.tolist() == [4]
    assert (flows.source_high.tolist(), flows.destination_high.tolist()) == ([0], [0])
    assert (flows.source_low.tolist(), flows.destination_low.tolist()) == (
        [ip("198.18.0.1")],
        [ip("203.0.113.9")],
    )


def test_one_mapped_address_does_not_make_a_flow_ipv4() -> None:
    record = ip("::ffff:198.18.0.1").to_bytes(16, "big") + ip("2001:db8::2").to_bytes(16, "big")
    flows = of([SOURCE6, DESTINATION6, OCTETS], record + struct.pack(">I", 1))
    assert flows.ip_version.tolist() == [6]
    assert flows.source_low.tolist() == [low("::ffff:198.18.0.1")]


def test_ipv6_addresses() -> None:
    record = ip("2001:db8::1").to_bytes(16, "big") + ip("fe80::ffff:ffff:ffff:ffff").to_bytes(16, "big")
    flows = of([SOURCE6, DESTINATION6, OCTETS], record + struct.pack(">I", 1))
    assert flows.source_high.tolist() == [high("2001:db8::1")]
    assert flows.destination_low.tolist() == [low("fe80::ffff:ffff:ffff:ffff")]


def test_records_without_addresses() -> None:
    flows = of([OCTETS], struct.pack(">I", 5))
    assert flows.ip_version.tolist() == [0]
    assert flows.kind.tolist() == [TRAFFIC]


def test_as_numbers_are_shown_as_sent() -> None:
    """Which of them name nobody is for the one who locates (test_locate)."""
    assert of([OCTETS, (16, 2), (17, 2)], struct.pack(">IHH", 5, 23456, 64512)).source_as.tolist() == [23456]
