"""Exporters that tell totals of a flow, again at each timeout: only what is new counts, where nothing begins anew."""

import struct
from typing import Any

import pytest

from caudal.collector.decode.records.toldflows import ToldFlows
from caudal.collector.signs.repetition import repetitions
from tests.support.builders import NOW_MS, SECONDS, Field, a_set, bench, ip, ipfix, netflow9, template

from .balanced import FILES, inspected, metered
from .stream import Stream

FAR, HERE = "203.0.113.5", "198.51.100.10"
REVERSE = 29305
ENDS: tuple[Field, ...] = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1))
TIMES: tuple[Field, ...] = ((152, 8), (153, 8))
T = template(300, *ENDS, *TIMES, (85, 8), (86, 8), ipfix=True)
START_MS = NOW_MS - 300_000


def ends(port: int = 63) -> bytes:
    return struct.pack(">IIHHB", ip(FAR), ip(HERE), port, 5000, 17)


def told(octets: int, packets: int, minute: int = 0, *, port: int = 63, start_ms: int = START_MS) -> bytes:
    times = struct.pack(">QQ", start_ms, NOW_MS + minute * 60_000)
    return ends(port) + times + struct.pack(">QQ", octets, packets)


def message(minute: int, *records: bytes, sets: bytes = b"") -> bytes:
    body = sets + (a_set(300, b"".join(records)) if records else b"")
    return ipfix(body, seconds=SECONDS + minute * 60, sequence=minute)


def heard(*records: bytes, fields: bytes = T, **options: Any) -> Stream:
    """A stream that heard records, one a minute."""
    stream = Stream(**options)
    stream.hear(message(0, sets=fields))
    for minute, record in enumerate(records):
        stream.hear(message(minute, record), seconds=60 * minute)
    return stream


def came_to(*records: bytes, fields: bytes = T) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    return heard(*records, fields=fields).sums()


def test_totals_told_again_count_by_what_is_new() -> None:
    assert metered(FILES / "totals_told_again.pcap")[0] == {"in": 12_148}
    records, _, _ = inspected(FILES / "totals_told_again.pcap")
    assert sum(record["bytes"] for record in records) == 12_148
    assert sum(record["packets"] for record in records) == 8


def test_a_total_that_says_nothing_new_is_repeated() -> None:
    carried, counts = came_to(told(1000, 10), told(1000, 10, 1), told(1000, 10, 2), told(1500, 11, 3))
    assert carried == {"in": (1500, 11)}
    assert (counts["repeated"], counts["aggregated"]) == (2, 2)


@pytest.mark.parametrize("element", [353, 419, 420])
def test_totals_of_octets_of_frames(element: int) -> None:
    fields = template(300, *ENDS, *TIMES, (element, 8), (86, 8), ipfix=True)
    records = [told(1014 + 500 * each, 1 + each, each) for each in (0, 1, 1)]
    carried, counts = came_to(*records, fields=fields)
    assert carried == {"in": (1514 - 2 * 14, 2)}
    assert counts["repeated"] == 1


def test_totals_of_both_directions() -> None:
    fields = template(300, *ENDS, *TIMES, (85, 4), (86, 4), (85, 4, REVERSE), (86, 4, REVERSE), ipfix=True)

    def both(minute: int, *counts: int) -> bytes:
        return ends() + struct.pack(">QQIIII", START_MS, NOW_MS + minute * 60_000, *counts)

    carried, counts = came_to(
        both(0, 100, 1, 0, 0), both(1, 300, 3, 40, 1), both(2, 300, 3, 90, 2), fields=fields
    )
    assert carried == {"in": (300, 3), "out": (90, 2)}
    assert counts["repeated"] == 1


def test_flows_that_begin_anew_at_each_export_count_whole() -> None:
    """As YAF's do: the same ends, and the start moves."""
    records = [told(1000 + minute, 10, minute, start_ms=START_MS + minute * 60_000) for minute in range(4)]
    assert came_to(*records)[0] == {"in": (4006, 40)}


def test_a_total_that_falls_begins_anew() -> None:
    carried, _ = came_to(told(5000, 50), told(7000, 70, 1), told(300, 3, 2), told(400, 4, 3))
    assert carried == {"in": (7400, 74)}


def test_a_total_that_comes_late_is_no_new_one() -> None:
    carried, counts = came_to(told(5000, 50), told(7000, 70, 2), told(6000, 60, 1), told(8000, 80, 3))
    assert carried == {"in": (8000, 80)}
    assert counts["repeated"] == 1


def test_an_exporter_whose_totals_fall_again_and_again_begins_anew_each_time() -> None:
    """Its start stays, its counters do not: once that is seen, all it tells is new, whether more or less."""
    falling = [told(octets, 1, minute) for minute, octets in enumerate((900, 800, 700, 600, 500))]
    stream = heard(*falling, told(800, 1, 5), told(800, 1, 6), told(900, 1, 7))
    assert stream.sums()[0] == {"in": (3500 + 2500, 8)}
    (said,) = repetitions(stream.pipeline.decoder, str)
    assert said.begins_anew
    assert "begin anew" in " ".join(said.sentences)


def test_two_flows_of_the_same_ends_take_turns() -> None:
    other = START_MS + 7
    carried, _ = came_to(
        told(100, 1), told(50, 5, 1, start_ms=other), told(300, 3, 2), told(60, 6, 3, start_ms=other), told(500, 5, 4)
    )  # fmt: skip
    assert carried == {"in": (560, 11)}


def test_a_delta_goes_before_the_total() -> None:
    fields = template(300, *ENDS, *TIMES, (85, 8), (1, 4), (86, 8), (2, 4), ipfix=True)
    records = [
        ends() + struct.pack(">QQQIQI", START_MS, NOW_MS, total, delta, total // 100, delta // 100)
        for total, delta in ((1000, 1000), (1500, 500), (1500, 0), (2500, 1000))
    ]
    assert came_to(*records, fields=fields)[0] == {"in": (2500, 25)}


def test_octets_by_total_and_packets_by_delta() -> None:
    fields = template(300, *ENDS, *TIMES, (85, 8), (2, 4), ipfix=True)
    records = [
        ends() + struct.pack(">QQQI", START_MS, NOW_MS + at * 1000, total, delta)
        for at, (total, delta) in enumerate(((1000, 10), (1500, 5), (1500, 0)))
    ]
    carried, counts = came_to(*records, fields=fields)
    assert carried == {"in": (1500, 15)}
    assert counts["repeated"] == 1


def test_ipv6_and_totals_behind_the_device() -> None:
    """Elements 171 and 172, where nothing else is told."""
    fields = template(300, (27, 16), (28, 16), *TIMES, (171, 8), (172, 8), ipfix=True)
    six = ip("2001:db8:2::1").to_bytes(16, "big") + ip("2001:db8:1::7").to_bytes(16, "big")
    records = [
        six + struct.pack(">QQQQ", START_MS, NOW_MS + total, total, total // 10) for total in (10, 40, 90)
    ]
    assert came_to(*records, fields=fields)[0] == {"in": (90, 9)}


def test_the_start_is_compared_as_it_was_sent() -> None:
    """NetFlow v9: of an uptime and the seconds of a header, times come out up to a second apart."""
    stream = Stream()
    stream.hear(netflow9(template(300, *ENDS, (22, 4), (21, 4), (85, 4), (86, 4))))
    for minute in range(4):
        uptime = 1_000_000 + minute * 60_000 + minute * 300
        record = ends() + struct.pack(">IIII", 900_000, uptime, 100 + 50 * minute, 1 + minute)
        stream.hear(
            netflow9(a_set(300, record), seconds=SECONDS + 60 * minute, uptime=uptime, sequence=minute + 1)
        )
    assert stream.sums()[0] == {"in": (250, 4)}


def test_counters_of_four_octets_begin_at_0_again() -> None:
    fields = template(300, *ENDS, *TIMES, (85, 4), (86, 4), ipfix=True)
    records = [
        ends() + struct.pack(">QQII", START_MS, NOW_MS + minute * 60_000, octets % (1 << 32), octets // 1000)
        for minute, octets in enumerate((4_000_000_000, 4_500_000_000, 5_000_000_000))
    ]
    assert came_to(*records, fields=fields)[0] == {"in": (5_000_000_000, 5_000_000)}


def test_of_sampled_totals_the_difference_is_multiplied() -> None:
    stream = heard(told(1000, 10), told(1500, 15, 1), sampling={"192.0.2.1": 100})
    assert stream.sums()[0] == {"in": (150_000, 1500)}


def test_without_a_start_totals_count_as_they_stand_and_it_is_said() -> None:
    fields = template(300, *ENDS, (85, 8), (86, 8), ipfix=True)
    records = [ends() + struct.pack(">QQ", octets, 1) for octets in (100, 200)]
    stream = heard(*records, fields=fields)
    carried, counts = stream.sums()
    assert carried == {"in": (300, 2)}
    assert "repeated" not in counts
    (said,) = repetitions(stream.pipeline.decoder, str)
    assert said.no_flow == 2
    assert "start" in said.sentences[0]


def test_what_was_told_is_known_after_a_restart() -> None:
    before = bench()
    before.decoder.told = ToldFlows(b"key of this collector")
    before.decode(message(0, told(1000, 10), sets=T))
    after = bench()
    after.decoder.told = ToldFlows(b"key of this collector")
    after.decoder.restore(0, before.decoder.state(0))
    assert after.decode(message(1, told(1500, 15, 1))).bytes.tolist() == [500]


def test_what_waited_for_its_template_counts_in_its_turn() -> None:
    stream = Stream()
    stream.hear(message(0, told(1000, 10)), message(1, told(1500, 15, 1)))
    stream.hear(message(1, sets=T))
    stream.hear(message(2, told(1500, 15, 2)))
    carried, counts = stream.sums()
    assert carried == {"in": (1500, 15)}
    assert counts["repeated"] == 1


def test_exporters_have_flows_of_their_own() -> None:
    stream = Stream()
    other = stream.pipeline.exporters.number("192.0.2.2")
    for number in (stream.exporter, other):
        stream.hear(message(0, told(1000, 10), sets=T), exporter=number)
        stream.hear(message(1, told(1500, 15, 1)), exporter=number)
    assert stream.sums()[0] == {"in": (3000, 30)}


@pytest.mark.parametrize("octets", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_no_total_makes_a_sum_wrap(octets: int) -> None:
    stream = heard(told(octets, 1), told(3, 1, 1), told(octets, octets, 2), told(10, 4, 3))
    carried, _ = stream.sums()
    assert all(0 <= count < 1 << 40 for pair in carried.values() for count in pair)
