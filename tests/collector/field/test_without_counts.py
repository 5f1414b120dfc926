"""Records without counters: events only where the record says what happened, never in silence."""

import struct

import pytest

from caudal.collector.columns.flowrecords import EVENT, NOT_READ, TRAFFIC, WITHOUT_COUNTS, FlowRecords
from tests.support.builders import (
    BASIC,
    DESTINATION,
    OCTETS,
    PACKETS,
    SOURCE,
    SOURCE_PORT,
    VARIABLE,
    Field,
    a_set,
    basic,
    bench,
    ethernet,
    flow_sample,
    ipfix,
    netflow9,
    raw_header,
    sflow,
    template,
)

REVERSE = 29305


def of(fields: list[Field], record: bytes, *, v9: bool = False) -> FlowRecords:
    sets = (template(256, *fields, ipfix=not v9), a_set(256, record))
    return bench().decode((netflow9 if v9 else ipfix)(*sets))


@pytest.mark.parametrize("v9", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        [SOURCE, DESTINATION],
        [SOURCE, (152, 8), (153, 8)],
        [SOURCE, (22, 4), (21, 4), (323, 8)],
        [SOURCE, (460, 4)],
        [(460, 4)],
    ],
)
def test_traffic_whose_counters_are_left_out_is_no_event(fields: list[Field], v9: bool) -> None:
    flows = of(fields, bytes(sum(field[1] for field in fields)), v9=v9)
    assert flows.kind.tolist() == [WITHOUT_COUNTS]


def test_records_of_variable_length_without_counters_are_no_events() -> None:
    assert of([SOURCE, (460, VARIABLE)], bytes(4) + b"\3abc").kind.tolist() == [WITHOUT_COUNTS]
    assert of([SOURCE, (230, 1), (460, VARIABLE)], bytes(5) + b"\3abc").kind.tolist() == [EVENT]


@pytest.mark.parametrize(
    ("fields", "v9"),
    [
        ([SOURCE, (230, 1)], False),  # natEvent
        ([SOURCE, DESTINATION, (233, 1)], True),  # firewallEvent
        ([SOURCE, DESTINATION, (40005, 1)], True),  # the same of early firewalls of Cisco's
        ([SOURCE, DESTINATION, (33002, 2)], True),
        ([SOURCE, (225, 4), (323, 8)], False),  # a NAT log that names the translated address
        ([SOURCE, (361, 2), (362, 2)], False),  # or the block of ports
        ([SOURCE, DESTINATION, SOURCE_PORT, (323, 8)], False),  # something was observed
        ([SOURCE, DESTINATION, (148, 8), (152, 8)], False),  # a session began
        ([SOURCE, DESTINATION, (148, 8), (153, 8), (136, 1)], False),  # and ended
        ([SOURCE, DESTINATION, (21, 4)], True),
    ],
)
def test_what_happened_is_an_event(fields: list[Field], v9: bool) -> None:
    flows = of(fields, bytes(sum(field[1] for field in fields)), v9=v9)
    assert flows.kind.tolist() == [EVENT]


def test_a_record_of_an_event_that_counts_is_traffic() -> None:
    """Some firewalls send firewallEvent with every record."""
    assert of([*BASIC, (233, 1)], basic() + b"\2").kind.tolist() == [TRAFFIC]


def test_counters_of_zero_say_that_nothing_was_carried() -> None:
    for fields in ([OCTETS], [PACKETS], [OCTETS, PACKETS], [(352, 4)], [(85, 4)]):
        assert of([SOURCE, *fields], bytes(4 + 4 * len(fields))).kind.tolist() == [EVENT]


def test_nothing_there_and_something_back() -> None:
    flows = of([SOURCE, DESTINATION, (1, 4, REVERSE)], struct.pack(">III", 1, 2, 9))
    assert sorted(zip(flows.kind.tolist(), flows.bytes.tolist(), strict=True)) == [(TRAFFIC, 9), (EVENT, 0)]


def test_a_sampled_packet_of_another_protocol_is_not_read() -> None:
    under = bench()
    flows = under.decode(sflow(flow_sample(raw_header(ethernet(bytes(28), kind=0x0806)))))
    assert flows.kind.tolist() == [NOT_READ]
    under.ledger.add_records(flows)
    assert (under.count("not_read"), under.count("events")) == (1, 0)


def test_the_ledger_says_it() -> None:
    under = bench()
    flows = under.decode(ipfix(template(256, SOURCE, ipfix=True), a_set(256, bytes(12))))
    under.ledger.add_records(flows)
    assert (under.count("without_counts"), under.count("decoded"), under.count("events")) == (3, 3, 0)
