"""AS numbers that are not those of the other end: of default routes, and of neighbours."""

import struct
from typing import Any

import pytest

from caudal.collector.columns.flowrecords import AS_DOUBTED, FlowRecords
from caudal.collector.files.inspection import Inspection
from caudal.collector.signs.disbelief import disbeliefs
from caudal.collector.signs.signs import Sign, signs
from tests.support.builders import (
    ROUTER,
    SmallTable,
    a_set,
    address,
    bench,
    ethernet,
    flow_sample,
    gateway,
    ipfix,
    netflow5,
    netflow9,
    raw_header,
    record5,
    sample,
    sflow,
    template,
    udp4,
)

from .balanced import FILES, inspected
from .stream import Stream

FIELDS = ((8, 4), (12, 4), (16, 4), (17, 4), (9, 1), (13, 1), (1, 4), (2, 4))
FIELDS6 = ((27, 16), (28, 16), (16, 4), (17, 4), (29, 1), (30, 1), (1, 4), (2, 4))
ENDS = bytes((198, 51, 100, 10, 8, 8, 8, 8))


def lengths(source: int, destination: int, *, ends: bytes = ENDS) -> bytes:
    return ends + struct.pack(">IIBBII", 64500, 2914, source, destination, 1000, 1)


def v9(source: int, destination: int) -> FlowRecords:
    return bench().decode(netflow9(template(256, *FIELDS), a_set(256, lengths(source, destination))))


def ipv6(source: int, destination: int) -> FlowRecords:
    record = lengths(source, destination, ends=bytes(15) + b"\1" + bytes(15) + b"\2")
    return bench().decode(ipfix(template(256, *FIELDS6, ipfix=True), a_set(256, record)))


def by_template(source: int, destination: int) -> FlowRecords:
    """A biflow, whose records the kernel does not read."""
    fields = (*FIELDS, (1, 4, 29305))
    record = lengths(source, destination) + bytes(4)
    return bench().decode(ipfix(template(256, *fields, ipfix=True), a_set(256, record)))


def v5(source: int, destination: int) -> FlowRecords:
    record = record5("198.51.100.10", "8.8.8.8", source_as=64500, destination_as=2914)
    return bench().decode(netflow5([record[:44] + bytes((source, destination)) + record[46:]]))


def switched(source: int, destination: int) -> FlowRecords:
    """sFlow: gateway and router records beside a header."""
    router = sample(1002, address("192.0.2.254") + struct.pack(">II", source, destination))
    header = raw_header(ethernet(udp4("198.51.100.10", "8.8.8.8")))
    return bench().decode(sflow(flow_sample(header, router, gateway(64500, 3356, 2914))))


def networks(flows: FlowRecords) -> tuple[int, int, bool]:
    """The AS numbers of the one record there is, and whether one is not believed."""
    return int(flows.source_as[0]), int(flows.destination_as[0]), bool(flows.doubt[0] & AS_DOUBTED)


@pytest.mark.parametrize("told", [v9, ipv6, by_template, v5, switched])
def test_the_as_of_a_default_route_is_the_transit_providers(told: Any) -> None:
    assert networks(told(24, 0)) == (64500, 0, True)
    assert networks(told(0, 24)) == (0, 2914, True)


@pytest.mark.parametrize("told", [v9, ipv6, by_template, v5, switched])
def test_exporters_that_fill_in_no_lengths_are_believed(told: Any) -> None:
    assert networks(told(0, 0)) == (64500, 2914, False)
    assert networks(told(24, 16)) == (64500, 2914, False)


def test_one_length_alone_tells_nothing() -> None:
    fields = tuple(field for field in FIELDS if field[0] != 9)
    record = ENDS + struct.pack(">IIBII", 64500, 2914, 0, 1000, 1)
    assert networks(bench().decode(netflow9(template(256, *fields), a_set(256, record)))) == (
        64500,
        2914,
        False,
    )


def test_the_capture() -> None:
    (record,), counts, _ = inspected(FILES / "default_route_as.pcap")
    assert (record["destination_as"], record["not_believed"], record["bytes"]) == (0, ["as"], 1_000_000)
    assert counts["aggregated"] == 1
    inspection = Inspection()
    assert len(list(inspection.flows(FILES / "default_route_as.pcap"))) == 1
    assert list(disbeliefs(inspection.decoder, str)) == []  # it is of no rate, count or time


FAR = SmallTable(
    ("198.51.100.0/24", "CL", 64500, "database"),
    *((f"203.0.{third}.0/24", "US", 1000 + third, "database") for third in range(64)),
)


def exporting(stated: Any, records: int = 60, **options: Any) -> tuple[Stream, list[Sign]]:
    """A router that states such AS numbers for prefixes of as many ASes, and what is said of it."""
    stream = Stream(**options)
    stream.pipeline.reconfigure(
        home=["198.51.100.0/24"], table=FAR, as_from_tables=options.get("as_from_tables", ())
    )  # type: ignore[arg-type]
    sent = [
        record5("198.51.100.10", f"203.0.{third}.1", source_as=0, destination_as=stated(third))
        for third in range(records)
    ]
    for first in range(0, records, 30):
        stream.hear(netflow5(sent[first : first + 30]))
    return stream, [each for each in signs(stream.pipeline, str) if each.kind == "as_disagrees"]


def test_neighbours_in_the_place_of_destinations_are_said() -> None:
    _, (said,) = exporting(lambda third: 3356)
    assert said.needs_attention
    assert said.sentence.startswith(
        "Its AS numbers are not those of the tables for 100% of its traffic, and few:"
    )
    assert "origin-as" in said.sentence


def test_numbers_that_are_others_and_many_are_said_in_another_way() -> None:
    _, (said,) = exporting(lambda third: 2000 + third)
    assert "and few" not in said.sentence and "asn_tables" in said.sentence


@pytest.mark.parametrize(
    "stated",
    [lambda third: 1000 + third, lambda third: 3356 if third % 3 == 0 else 1000 + third, lambda third: 0,
     lambda third: 64512],
)  # fmt: skip
def test_who_agrees_mostly_or_names_nobody_is_not_accused(stated: Any) -> None:
    assert exporting(stated)[1] == []


def test_few_records_tell_nothing() -> None:
    assert exporting(lambda third: 3356, records=10)[1] == []


def test_the_tables_go_first_where_the_operator_says_so() -> None:
    for from_tables, far in (((), {3356}), ((ROUTER,), {1000 + third for third in range(60)})):
        stream, said = exporting(lambda third: 3356, as_from_tables=from_tables)
        flows, _ = stream.pipeline.take(None, str)
        assert set(flows["remote_asn"].to_pylist()) == far
        assert bool(said) != bool(from_tables)


def test_an_exporter_is_forgotten_with_its_number() -> None:
    stream, _ = exporting(lambda third: 3356)
    stream.pipeline.as_numbers.forget(stream.exporter)
    assert not [each for each in signs(stream.pipeline, str) if each.kind == "as_disagrees"]
