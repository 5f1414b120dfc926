"""What is remembered of flows that tell totals: bounded for each exporter and all, forgotten in time, never mixed up."""

import struct
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.decode.exporterstate import from_json, to_json
from caudal.collector.decode.records.toldflows import ToldFlows
from caudal.collector.memory.exportermemory import FILE, ExporterMemory
from tests.support.builders import NOW_MS, Bench, a_set, bench, ip, ipfix, template

T = template(300, (8, 4), (12, 4), (11, 2), (152, 8), (153, 8), (85, 8), (86, 8), (136, 1), ipfix=True)
GOES_ON, ENDED = 2, 3
HOUR_MS = 3_600_000


def told(port: int, octets: int, reason: int = GOES_ON, *, end: int = 1) -> bytes:
    ends = struct.pack(">IIH", ip("198.51.100.7"), ip("203.0.113.9"), port)
    return ends + struct.pack(">QQQQB", NOW_MS - 60_000, NOW_MS + end, octets, max(1, octets // 1000), reason)


def remembering(told_flows: ToldFlows) -> Bench:
    under = bench()
    under.decoder.told = told_flows
    for exporter in range(3):
        under.decode(ipfix(T), exporter=exporter)
    return under


def hear(under: Bench, records: Iterable[bytes], exporter: int = 0, at_ms: int = NOW_MS) -> int:
    """The octets that records come to; some hundred are in a message."""
    records = list(records)
    messages = [ipfix(a_set(300, b"".join(records[at : at + 500]))) for at in range(0, len(records), 500)]
    return int(under.decode(*messages, exporter=exporter, received_ms=at_ms).bytes.sum())


def test_an_exporter_has_no_more_than_its_share_and_costs_others_nothing() -> None:
    under = remembering(ToldFlows(most_flows=1024, most_of_one=512))
    assert hear(under, [told(1, 1000)], exporter=1) == 1000
    hear(under, (told(port, 10) for port in range(20_000)))
    assert len(under.decoder.told) <= 512 + 1
    assert hear(under, [told(1, 1500)], exporter=1) == 500
    (said,) = (each for each in under.decoder.told.tellings() if each.exporter == 0)
    assert said.given_up > 10_000


def test_where_all_have_taken_the_room_others_count_as_they_stand() -> None:
    under = remembering(ToldFlows(most_flows=128, most_of_one=64))
    for exporter in (0, 1):
        hear(under, (told(port, 10) for port in range(500)), exporter=exporter)
    assert hear(under, [told(1, 1000)], exporter=2) + hear(under, [told(1, 1500)], exporter=2) == 2500
    assert [each.no_room for each in under.decoder.told.tellings() if each.exporter == 2] == [2]
    # Room comes back when flows are forgotten.
    later = NOW_MS + 3 * HOUR_MS
    hear(under, [], at_ms=later)
    under.decode(ipfix(T), exporter=2, received_ms=later)
    assert hear(under, [told(1, 1000)], 2, later) + hear(under, [told(1, 1500)], 2, later) == 1500


def test_flows_that_ended_go_before_those_that_go_on() -> None:
    under = remembering(ToldFlows(most_flows=1024, most_of_one=256))
    hear(under, (told(port, 1000) for port in range(100)))
    hear(under, (told(port, 7, ENDED) for port in range(1000, 21_000)))
    assert hear(under, (told(port, 1500) for port in range(100))) == 100 * 500
    assert all(each.given_up == 0 for each in under.decoder.told.tellings())


def test_a_flow_is_forgotten_two_hours_after_it_was_told_last() -> None:
    under = remembering(ToldFlows())
    assert hear(under, [told(1, 1000)]) == 1000
    assert hear(under, [told(1, 1100)], at_ms=NOW_MS + 2 * HOUR_MS) == 100
    assert hear(under, [told(1, 1300)], at_ms=NOW_MS + 4 * HOUR_MS + 1) == 1300
    under.decode(b"", received_ms=NOW_MS + 7 * HOUR_MS)
    assert len(under.decoder.told) == 0


def test_who_is_forgotten_leaves_nothing() -> None:
    under = remembering(ToldFlows())
    hear(under, [told(1, 1000)])
    under.decoder.forget(0)
    assert (len(under.decoder.told), list(under.decoder.told.tellings())) == (0, [])


def test_records_that_tell_no_totals_make_nothing_to_remember() -> None:
    under = bench()
    under.decode(ipfix(template(256, (8, 4), (12, 4), (1, 4), (152, 8), ipfix=True), a_set(256, bytes(20))))
    assert under.decoder.told.state(0) == b""
    assert not under.decoder.told._tables


# Over a restart


def test_what_is_kept_is_read_again_and_holds_no_address() -> None:
    before = remembering(ToldFlows(b"a key"))
    hear(before, (told(port, 1000) for port in range(300)))
    state = before.decoder.state(0)
    written = to_json(state)
    assert from_json(written) == state
    for address in ("198.51.100.7", "203.0.113.9"):
        packed = struct.pack(">I", ip(address))
        assert packed not in state.told
        assert packed[::-1] not in state.told
    after = remembering(ToldFlows(b"a key"))
    after.decoder.restore(0, from_json(written))
    assert hear(after, (told(port, 1500) for port in range(300))) == 300 * 500
    # With another key nothing of it is found.
    other = remembering(ToldFlows(b"another"))
    other.decoder.restore(0, from_json(written))
    assert hear(other, [told(1, 1500)]) == 1500


@pytest.mark.parametrize("wrong", ['"told":"AAAA"', '"told":"?"', '"told":5', '"told":null'])
def test_what_is_kept_wrongly_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_json("[{" + wrong + "}]")


def test_what_is_kept_is_bounded() -> None:
    told_flows = ToldFlows(most_flows=1 << 20)
    under = remembering(told_flows)
    hear(under, (told(port, 10) for port in range(60_000)))
    assert len(told_flows.state(0)) == 60_000 * 64
    for exporter in (1, 2):
        hear(under, [told(1, 10)], exporter=exporter)
    assert len(told_flows.state(0)) == 60_000 * 64
    after = ToldFlows(most_flows=64)
    after.restore(0, told_flows.state(0))
    assert len(after) == 0  # more than there is room for


def test_it_is_written_a_minute_after_it_was_told_and_known_after_a_kill(tmp_path: Path) -> None:
    """What a kill leaves is of a minute ago: of what was told since, a part may count again, and never too little."""

    def start(elapsed: float) -> tuple[Bench, ExporterMemory]:
        under = bench()
        under.decoder.told = ToldFlows(b"a key")
        memory = ExporterMemory(
            tmp_path / FILE, under.exporters, under.decoder, under.ledger, str,
            clock=lambda: elapsed_of[0], wall=lambda: NOW_MS / 1000 + elapsed_of[0],
        )  # fmt: skip
        elapsed_of[0] = elapsed
        memory.__enter__()
        memory.recall()
        return under, memory

    elapsed_of = [0.0]
    under, memory = start(0)
    under.decode(ipfix(T))
    assert hear(under, [told(1, 1000)]) == 1000
    under.decode(ipfix(T), received_ms=NOW_MS + 61_000)
    elapsed_of[0] = 61
    memory.tick()
    memory._written(wait=True)
    assert hear(under, [told(1, 1200, end=2)], at_ms=NOW_MS + 62_000) == 200
    # Killed here.
    after, _ = start(120)
    assert hear(after, [told(1, 1500, end=3)], at_ms=NOW_MS + 120_000) == 500


# Any stream


@settings(max_examples=60)
@given(
    tellings=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 900)), max_size=60),
    lots=st.integers(1, 7),
)
def test_what_counts_of_growing_totals_is_the_last_of_each(
    tellings: list[tuple[int, int]], lots: int
) -> None:
    under = remembering(ToldFlows())
    totals: dict[int, int] = {}
    records = []
    for at, (port, more) in enumerate(tellings):
        totals[port] = totals.get(port, 0) + more
        records.append(told(port, totals[port], end=at + 1))
    assert sum(hear(under, records[at : at + lots]) for at in range(0, len(records), lots)) == sum(
        totals.values()
    )
