"""Octets of frames only (352, 353 and what else they are called): IP bytes are worked out, never 0, never negative."""

import struct

import pytest

from caudal.collector.columns.flowrecords import OCTETS_DOUBTED, TRAFFIC, FlowRecords
from tests.support.builders import (
    DESTINATION,
    PACKETS,
    SOURCE,
    Field,
    a_set,
    bench,
    ipfix,
    netflow9,
    template,
)

REVERSE = 29305


def of(fields: list[Field], *values: int, v9: bool = False) -> FlowRecords:
    sizes = {1: "B", 2: "H", 4: "I", 8: "Q"}
    form = ">" + "".join(sizes[octets] for _, octets, *_ in fields)
    record = struct.pack(form, *values)
    sets = (template(256, *fields, ipfix=not v9), a_set(256, record))
    return bench().decode((netflow9 if v9 else ipfix)(*sets))


@pytest.mark.parametrize("element", [352, 353, 416, 417, 419, 420])
@pytest.mark.parametrize("v9", [False, True])
def test_octets_of_frames_less_their_headers(element: int, v9: bool) -> None:
    flows = of([SOURCE, DESTINATION, (element, 8), PACKETS], 1, 2, 15_140, 10, v9=v9)
    assert (flows.bytes.tolist(), flows.packets.tolist(), flows.kind.tolist()) == ([15_000], [10], [TRAFFIC])
    assert flows.doubt.tolist() == [OCTETS_DOUBTED]


def test_octets_of_ip_go_before_those_of_frames() -> None:
    flows = of([SOURCE, (1, 4), (352, 8), PACKETS], 1, 900, 15_140, 10)
    assert (flows.bytes.tolist(), flows.doubt.tolist()) == ([900], [0])
    assert of([SOURCE, (352, 8), (85, 4), PACKETS], 1, 15_140, 900, 10).bytes.tolist() == [900]


@pytest.mark.parametrize(
    ("fields", "values", "octets"),
    [
        ([(243, 2)], [7], 15_000 - 40),
        ([(243, 2)], [0], 15_000),
        ([(58, 2), (243, 2)], [7, 7], 15_000 - 40),
        ([(243, 2), (245, 2)], [7, 8], 15_000 - 80),
        ([(70, 4), (71, 4), (72, 4)], [99, 98, 0], 15_000 - 80),
    ],
)
def test_tags_and_labels_are_no_ip(fields: list[Field], values: list[int], octets: int) -> None:
    flows = of([SOURCE, *fields, (352, 8), PACKETS], 1, *values, 15_140, 10)
    assert flows.bytes.tolist() == [octets]


def test_without_packets_frames_are_taken_to_be_full() -> None:
    assert of([SOURCE, (352, 8)], 1, 1_514_000).bytes.tolist() == [1_514_000 - 14 * 1001]
    assert of([SOURCE, (352, 8)], 1, 60).bytes.tolist() == [46]


@pytest.mark.parametrize("octets", [0, 1, 13, 33, 34, 60, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("packets", [0, 1, 2, 1 << 20, (1 << 32) - 1])
def test_never_negative_never_more(octets: int, packets: int) -> None:
    for fields, values in (([PACKETS], [packets]), ([], [])):
        (bytes_,) = of([SOURCE, (352, 8), *fields], 1, octets, *values).bytes.tolist()
        assert 0 <= bytes_ <= octets
        assert (bytes_ == 0) == (octets == 0)


def test_both_ways() -> None:
    fields: list[Field] = [SOURCE, DESTINATION, (352, 8), PACKETS, (352, 8, REVERSE), (2, 4, REVERSE)]
    flows = of(fields, 1, 2, 15_140, 10, 1_514, 1)
    assert sorted(zip(flows.source_low.tolist(), flows.bytes.tolist(), strict=True)) == [
        (1, 15_000),
        (2, 1_500),
    ]
    assert flows.doubt.tolist() == [OCTETS_DOUBTED] * 2
    # One way may be told by IP and the other by frames.
    fields = [SOURCE, DESTINATION, (1, 4), PACKETS, (352, 8, REVERSE)]
    flows = of(fields, 1, 2, 900, 10, 1_514)
    assert sorted(zip(flows.bytes.tolist(), flows.doubt.tolist(), strict=True)) == [(900, 0), (1_486, 4)]
