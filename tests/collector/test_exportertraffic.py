"""Bytes by exporter and direction, rates and interfaces, whatever number an exporter has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.aggregate.exportertraffic import ExporterTraffic
from caudal.collector.columns.flowrecords import EVENT, IPFIX, NETFLOW5, TRAFFIC
from caudal.collector.decode.heard import NO_CLOCK, Heard
from caudal.collector.exporters.exportertotals import FIRST, ExporterTotals
from tests.support.builders import flow_records


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 63, 64, 65, 700]), st.integers(0, 3), st.booleans(), st.integers(1, 1000)
        ),
        min_size=1,
    )
)
def test_bytes_by_direction(records: list[tuple[int, int, bool, int]]) -> None:
    exporter, direction, is_event, octets = (np.array(column) for column in zip(*records, strict=True))
    flows = flow_records(
        exporter=exporter, bytes=octets, kind=np.where(is_event, EVENT, TRAFFIC), sampling_rate=100
    )
    traffic = ExporterTraffic()
    left_out = octets % 7 == 0
    for mask in (None, left_out):
        traffic.add(flows, direction.astype(np.uint8), mask)
    for number in np.unique(exporter):
        for at in range(4):
            of_it = (exporter == number) & (direction == at) & ~is_event
            expected = 100 * (octets[of_it].sum() + octets[of_it & ~left_out].sum())
            assert traffic.of(number).octets[at] == expected
    assert traffic.of(99_999).octets == (0, 0, 0, 0)


def test_what_is_looked_at_of_very_many() -> None:
    """Of a large lot a sample of records is looked at, for what changes rarely; bytes are those of all."""
    count = 20_000
    flows = flow_records(
        exporter=np.zeros(count), input=1 + np.arange(count) % 7, output=np.zeros(count), bytes=np.ones(count),
        sampling_rate=np.where(np.arange(count) % 2, 10, 1000),
    )  # fmt: skip
    traffic = ExporterTraffic()
    traffic.add(flows, np.zeros(count, np.uint8), None)
    found = traffic.of(0)
    assert (found.lowest_rate, found.highest_rate, found.interfaces, found.without_interface) == (
        10,
        1000,
        7,
        0,
    )
    assert sum(found.octets) == count // 2 * 1010
    traffic.add(flow_records(exporter=np.zeros(count)), np.zeros(count, np.uint8), None)
    assert traffic.of(0).without_interface == pytest.approx(count, rel=0.01)


def test_interfaces_of_usual_numbers_are_told_apart() -> None:
    traffic = ExporterTraffic()
    for first in range(0, 1024, 256):
        numbers = np.arange(first, first + 256)
        traffic.add(flow_records(exporter=np.zeros(256), input=numbers), np.zeros(256, np.uint8), None)
    assert traffic.of(0).interfaces == 1023, "0 is none"


def test_totals_hold_rows_of_any_exporter() -> None:
    totals = ExporterTotals(2)
    totals.add(np.array([-2, 5, -1, 5, 300], np.int32), np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]))
    opened = totals.with_open(np.array([900], np.int32), np.array([[11, 12]]))
    assert opened[[0, 1, FIRST + 5, FIRST + 300, FIRST + 900]].tolist() == [
        [1, 2],
        [5, 6],
        [10, 12],
        [9, 10],
        [11, 12],
    ]
    nothing = np.zeros((0, 2), np.int64)
    assert len(totals.with_open(np.zeros(0, np.int32), nothing)) < FIRST + 900
    totals.forget(5)
    totals.forget(100_000)
    assert totals.with_open(np.zeros(0, np.int32), nothing).sum(axis=0).tolist() == [15, 18]


def test_clocks_and_protocols_of_a_lot() -> None:
    heard = Heard()
    exporter = np.array([0, -2, 70, 0, 70], np.int32)
    offsets = np.array([5, NO_CLOCK, 90_000, 7, NO_CLOCK])
    heard.note(exporter, {NETFLOW5: np.array([0, 3]), IPFIX: np.array([2, 4])}, offsets)
    assert heard.protocols(0) == ["netflow5"]
    assert heard.protocols(70) == ["ipfix"]
    assert (heard.clock(0), heard.clock(1)) == (heard.clock(0), None)
    clock = heard.clock(0)
    assert clock is not None
    assert (clock.last_ms, clock.median_ms) == (7, 7)
    assert [number for number, _ in heard.off_by(60_000)] == [70]
    heard.forget(70)
    assert (list(heard.off_by(60_000)), heard.protocols(70)) == ([], [])
    heard.forget(10_000)


def test_one_late_datagram_is_no_wrong_clock() -> None:
    heard = Heard()
    for offset in [0, -3_600_000, 10, 20]:
        heard.note(np.zeros(1, np.int32), {}, np.array([offset]))
    assert list(heard.off_by(60_000)) == []
    clock = heard.clock(0)
    assert clock is not None
    assert (clock.last_ms, clock.median_ms) == (20, 5)
