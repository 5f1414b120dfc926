"""What a flow is: timeouts, windows and directions, the same however packets come in chunks; bounded memory."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from caudal.collector.columns.flowrecords import FlowRecords, concatenate
from caudal.collector.metering.flowtable import FlowTable, Timing
from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Packets

START_MS = 1_767_225_600_000
FRAMES = [
    bytes(IP(src="198.18.0.1", dst="192.0.2.1") / UDP(sport=1, dport=2)),
    bytes(IP(src="192.0.2.1", dst="198.18.0.1") / UDP(sport=2, dport=1)),
    bytes(IP(src="198.18.0.1", dst="192.0.2.1") / UDP(sport=1, dport=3)),
    bytes(IPv6(src="2001:2::1", dst="2001:db8::1") / UDP(sport=1, dport=2)),
]
# (time, which of FRAMES)
Seen = tuple[int, int]
# (which, start, end, packets)
Flow = tuple[int, int, int, int]


def chunk(packets: list[Seen]) -> PacketChunk:
    frames = [FRAMES[which] for _, which in packets]
    length = np.array([len(frame) for frame in frames], np.int64)
    return PacketChunk(
        np.frombuffer(b"".join(frames) + bytes(64), np.uint8),
        np.cumsum(length) - length,
        length,
        length,
        np.array([START_MS + time for time, _ in packets], np.int64),
        np.full(len(frames), 101, np.uint16),
    )


def flows_of(records: FlowRecords) -> list[Flow]:
    which = {(4, 1, 2): 0, (4, 2, 1): 1, (4, 1, 3): 2, (6, 1, 2): 3}
    columns = (records.ip_version, records.source_port, records.destination_port)
    keys = [which[key] for key in zip(*(column.tolist() for column in columns), strict=True)]
    sums = [records.start_ms - START_MS, records.end_ms - START_MS, records.packets]
    return sorted(zip(keys, *(column.tolist() for column in sums), strict=True))


def meter(packets: list[Seen], cuts: list[int], window_ms: int = 300_000, **timeouts: int) -> list[Flow]:
    packet_meter = PacketMeter(window_ms, **timeouts)
    parts = [packet_meter.add(chunk(packets[a:b])) for a, b in pairwise([0, *cuts, len(packets)]) if a < b]
    for part in parts:
        assert len(part) == 0, "so few packets wait"
    late = [packet_meter.pass_time(START_MS + packets[-1][0])] if packets else []
    return flows_of(concatenate([*parts, *late, packet_meter.flush()]))


def one_by_one(packets: list[Seen], window_ms: int, active_ms: int, idle_ms: int) -> list[Flow]:
    """What the module says a flow is, in the plainest way."""
    done: list[Flow] = []
    is_open: dict[int, Flow] = {}
    for time, which in packets:
        flow = is_open.get(which)
        if flow is not None:
            _, start, end, count = flow
            first, last = min(start, time), max(end, time)
            if (
                start - idle_ms <= time <= end + idle_ms
                and last - first < active_ms
                and (START_MS + last) // window_ms == (START_MS + first) // window_ms
            ):
                is_open[which] = (which, first, last, count + 1)
                continue
            done.append(flow)
        is_open[which] = (which, time, time, 1)
    return sorted([*done, *is_open.values()])


def test_a_pause_longer_than_the_idle_timeout_ends_a_flow() -> None:
    packets = [(0, 0), (15_000, 0), (30_001, 0), (30_500, 0)]
    assert meter(packets, []) == [(0, 0, 15_000, 2), (0, 30_001, 30_500, 2)]


def test_a_flow_is_cut_at_the_active_timeout() -> None:
    packets = [(500 + 1_000 * second, 0) for second in range(150)]
    expected = [(0, 500, 59_500, 60), (0, 60_500, 119_500, 60), (0, 120_500, 149_500, 30)]
    assert meter(packets, []) == meter(packets, list(range(0, 150, 7))) == expected


def test_a_flow_is_cut_where_a_window_ends() -> None:
    assert meter([(9_990, 0), (10_010, 0)], [], 10_000) == [(0, 9_990, 9_990, 1), (0, 10_010, 10_010, 1)]


def test_directions_are_flows_of_their_own() -> None:
    assert meter([(0, 0), (1, 1), (2, 3), (3, 0)], []) == [(0, 0, 3, 2), (1, 1, 1, 1), (3, 2, 2, 1)]


@settings(max_examples=150)
@given(
    gaps=st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 900), st.integers(0, 3)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    looked_at=st.booleans(),
    window_ms=st.sampled_from([10_000, 60_000, 300_000]),
    active_ms=st.sampled_from([1_000, 7_000, 60_000]),
    idle_ms=st.sampled_from([1_000, 5_000, 15_000]),
)
def test_the_same_flows_however_packets_are_cut(
    gaps: list[tuple[int, int, int]],
    cuts: list[int],
    looked_at: bool,
    window_ms: int,
    active_ms: int,
    idle_ms: int,
) -> None:
    """Packets come up to 900 ms behind the newest, which the meter allows for."""
    now, packets = 1_000, []
    for gap, late, which in gaps:
        now += gap
        packets.append((now - late, which))
    packet_meter = PacketMeter(window_ms, active_ms=active_ms, idle_ms=idle_ms)
    parts = []
    for first, last in pairwise([0, *sorted(min(cut, len(packets)) for cut in cuts), len(packets)]):
        if first < last:
            parts.append(packet_meter.add(chunk(packets[first:last])))
            assert len(parts[-1]) == 0, "so few packets wait"
            if looked_at:
                newest = max(time for time, _ in packets[:last])
                parts.append(packet_meter.pass_time(START_MS + newest))
    found = flows_of(concatenate([*parts, packet_meter.flush()]))
    assert found == one_by_one(packets, window_ms, active_ms, idle_ms)


def test_the_same_flows_however_often_they_are_looked_at_also_out_of_order() -> None:
    choose = random.Random(11)
    times = sorted(choose.randrange(400_000) for _ in range(3_000))
    packets = [(time, choose.randrange(4)) for time in times]
    shuffled = sorted(packets, key=lambda seen: seen[0] + choose.randrange(900))
    packet_meter = PacketMeter(60_000, active_ms=20_000, idle_ms=2_000)
    parts = []
    most_open = 0
    for at in range(0, len(shuffled), 50):
        lot = shuffled[at : at + 50]
        parts += [packet_meter.add(chunk(lot)), packet_meter.pass_time(START_MS + max(lot)[0])]
        most_open = max(most_open, packet_meter.open_flows)
    assert sum(map(len, parts)) > 100, "flows are given on as soon as they are complete"
    assert most_open < 100
    assert flows_of(concatenate([*parts, packet_meter.flush()])) == one_by_one(
        shuffled, 60_000, 20_000, 2_000
    )


def test_packets_later_than_expected_are_counted_all_the_same() -> None:
    packet_meter = PacketMeter(10_000)
    parts = [packet_meter.add(chunk([(500_000, 0)])), packet_meter.pass_time(START_MS + 600_000)]
    parts += [packet_meter.add(chunk([(100, 0), (400_000, 0)])), packet_meter.pass_time(START_MS + 600_000)]
    expected = Counter({(0, 500_000, 500_000, 1): 1, (0, 100, 100, 1): 1, (0, 400_000, 400_000, 1): 1})
    assert Counter(flows_of(concatenate(parts))) == expected
    assert packet_meter.open_flows == 0


def test_many_open_flows_are_emitted_early() -> None:
    packet_meter = PacketMeter(300_000, open_flows=2)
    records = packet_meter.add(chunk([(0, which) for which in range(4)]))
    assert (len(records), packet_meter.counts.split, packet_meter.open_flows) == (4, 4, 0)
    assert packet_meter.counts.flows == 4


def packets_of(choose: np.random.Generator, count: int, version: int) -> Packets:
    """Packets of few values in every column, so that keys differ in one of them only."""
    few = np.array([0, 1, 1 << 31], np.uint64)

    def column() -> npt.NDArray[np.uint64]:
        return choose.choice(few, count)

    high = [column() << np.uint64(32) | column() for _ in range(2)] if version == 6 else [column() * 0] * 2
    ports = [choose.integers(0, 4, count).astype(np.uint16) for _ in range(2)]
    none = np.zeros(count, np.int64)
    return Packets(
        version,
        none,
        START_MS + np.arange(count, dtype=np.int64) * 2_000 // count,
        high[0],
        column(),
        high[1],
        column(),
        ports[0],
        ports[1],
        choose.integers(0, 2, count) == 1,
        choose.integers(0, 3, count).astype(np.uint8),
        choose.integers(20, 9_000, count).astype(np.uint64),
        none == 1,
        none,
        none,
        none,
    )


@pytest.mark.parametrize("colliding", [False, True])
def test_sums_by_tuple_in_a_table_that_grows_and_collides(colliding: bool) -> None:
    choose = np.random.default_rng(3)
    table = FlowTable(Timing(1 << 60, 1 << 60, 1 << 60))
    if colliding:  # all keys at one place
        table._secret[:] = 0
    count = 1_500 if colliding else 60_000
    truth: dict[tuple[int, ...], list[int]] = {}
    for version in (4, 6, 4):
        packets = packets_of(choose, count, version)
        table.add(packets)
        names = ("source_high", "source_low", "destination_high", "destination_low")
        rest = ("source_port", "destination_port", "ip_protocol", "ports_known")
        columns = [getattr(packets, name).tolist() for name in (*names, *rest, "bytes", "time_ms")]
        for *key, octets, time_ms in zip(*columns, strict=True):
            sums = truth.setdefault((version, *key), [time_ms, time_ms, 0, 0])
            sums[:] = [min(sums[0], time_ms), max(sums[1], time_ms), sums[2] + octets, sums[3] + 1]
    assert len(table) == len(truth) > 1_000
    found = {}
    for *ends, packed, start, end, octets, number in table.take(None).tolist():
        ports = (packed >> 16 & 0xFFFF, packed & 0xFFFF, packed >> 32 & 0xFF, bool(packed >> 40 & 1))
        found[6 if packed >> 41 else 4, *ends, *ports] = [start, end, octets, number]
    assert found == truth
    assert len(table) == 0


@pytest.mark.parametrize(
    "wrong", [{"active_ms": 999}, {"idle_ms": 0}, {"reordering_ms": -1}, {"open_flows": 0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="take at least"):
        PacketMeter(300_000, **wrong)
    with pytest.raises(ValueError, match="take at least"):
        PacketMeter(0)
