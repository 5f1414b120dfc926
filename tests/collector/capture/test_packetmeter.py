"""What a flow is: timeouts, windows and directions, the same however packets come in chunks; bounded memory."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packetmeter import PacketMeter
from caudal.collector.flowrecords import FlowRecords, concatenate

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
    for time, which in sorted(packets):
        flow = is_open.get(which)
        if flow is not None:
            _, start, end, count = flow
            if (
                time - end <= idle_ms
                and time // 1000 - start // 1000 < active_ms // 1000
                and (START_MS + time) // window_ms == (START_MS + start) // window_ms
            ):
                is_open[which] = (which, start, time, count + 1)
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


@settings(max_examples=100, deadline=None)
@given(
    gaps=st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 3)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    window_ms=st.sampled_from([10_000, 60_000, 300_000]),
    active_ms=st.sampled_from([1_000, 7_000, 60_000]),
    idle_ms=st.sampled_from([1_000, 5_000, 15_000]),
)
def test_the_same_flows_however_packets_are_cut(
    gaps: list[tuple[int, int]], cuts: list[int], window_ms: int, active_ms: int, idle_ms: int
) -> None:
    now, packets = 0, []
    for gap, which in gaps:
        now += gap
        packets.append((now, which))
    timeouts = {"active_ms": active_ms, "idle_ms": idle_ms}
    whole = sorted(min(cut, len(packets)) for cut in cuts)
    found = meter(packets, whole, window_ms, **timeouts)
    assert found == one_by_one(packets, window_ms, active_ms, idle_ms)


def test_the_same_flows_however_often_they_are_looked_at_and_a_little_out_of_order() -> None:
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
    assert flows_of(concatenate([*parts, packet_meter.flush()])) == one_by_one(packets, 60_000, 20_000, 2_000)


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


@pytest.mark.parametrize(
    "wrong", [{"active_ms": 999}, {"idle_ms": 0}, {"reordering_ms": -1}, {"open_flows": 0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="take at least"):
        PacketMeter(300_000, **wrong)
    with pytest.raises(ValueError, match="take at least"):
        PacketMeter(0)
