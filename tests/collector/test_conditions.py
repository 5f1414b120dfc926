"""How each exporter is: what is known of it, lately and since the start, and what is wrong with it."""

import struct
from collections.abc import Sequence

import pytest

from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.signs.condition import Condition, summary
from caudal.collector.signs.conditions import PERIOD_SECONDS, Conditions
from tests.support.builders import (
    BASIC,
    HOME,
    NOW_MS,
    TABLE,
    a_set,
    basic,
    ipfix,
    lot,
    netflow5,
    netflow9,
    options9,
    record5,
    template,
)

CORE, EDGE, SPARE = "192.0.2.1", "192.0.2.2", "2001:db8::3"
HOUR_SECONDS = 3600.0


class Place:
    """Three routers at a pipeline, one of which the operator told of and that never sends; clocks that a test sets."""

    def __init__(self, **settings: object) -> None:
        self.pipeline = Pipeline(
            economy="UY", home=HOME, table=TABLE, window_seconds=300, k=1, **settings  # type: ignore[arg-type]
        )  # fmt: skip
        self.attendance = ExporterActivity()
        self.seconds, self.now_ms = 1000.0, NOW_MS
        for address in (CORE, EDGE, SPARE):
            self.pipeline.exporters.keep(address)
        self.conditions = Conditions(
            self.pipeline,
            self.attendance,
            clock=lambda: self.seconds,
            wall=lambda: self.now_ms / 1000,
        )

    def send(self, *payloads: bytes, exporter: int | Sequence[int] = 0) -> None:
        datagrams = lot(payloads, exporter, self.now_ms)
        self.attendance.note(datagrams)
        self.pipeline.datagrams(datagrams)

    def later(self, seconds: float) -> None:
        self.seconds += seconds
        self.now_ms += int(seconds * 1000)
        self.conditions.tick()

    def look(self) -> dict[str, Condition]:
        known = {SPARE: None}
        addresses = self.pipeline.exporters.addresses
        found = self.conditions(self.conditions.numbers(known), addresses.__getitem__, known)
        return {each.name: each for each in found.values()}

    def kinds(self, name: str) -> dict[str, bool]:
        return {sign.kind: sign.needs_attention for sign in self.look()[name].signs}


def v9(place: Place, *sets: bytes, sequence: int = 0, ahead_seconds: int = 0) -> bytes:
    return netflow9(*sets, seconds=place.now_ms // 1000 + ahead_seconds, sequence=sequence)


DATA = template(256, *BASIC)
RATED = template(257, *BASIC, (34, 4))


def test_what_is_known_of_one() -> None:
    place = Place()
    place.later(60)
    place.send(
        v9(place, DATA, a_set(256, basic("198.18.0.1", "203.0.113.1", octets=1000))),
        v9(place, a_set(256, basic("203.0.113.1", "198.18.0.1", octets=3000)), sequence=1),
    )
    place.later(20)
    seen = place.look()[CORE]
    assert (seen.protocols, seen.templates, seen.datagrams) == (["netflow9"], 1, 2)
    assert seen.direction_bytes == {"out": 1000, "in": 3000, "internal": 0, "transit": 0}
    assert (seen.lowest_rate, seen.highest_rate, seen.rate_from) == (1, 1, "assumed")
    assert seen.lately_seconds == 80
    assert seen.mbit_per_second == pytest.approx(4000 * 8 / 1e6 / 80)
    assert seen.records_per_second == pytest.approx(2 / 80)
    assert seen.clock_seconds is not None
    assert abs(seen.clock_seconds) < 1
    assert (seen.interfaces, seen.without_interface) == (0, 2)
    assert not seen.needs_attention
    assert place.kinds(CORE) == {"rate_assumed": False}


def test_bytes_are_corrected_by_the_rate_and_rates_of_late_are_told() -> None:
    place = Place()
    place.send(v9(place, RATED, a_set(257, basic(octets=100) + struct.pack(">I", 1000))))
    seen = place.look()[CORE]
    assert sum(seen.direction_bytes.values()) == 100_000
    assert (seen.lowest_rate, seen.highest_rate, seen.rate_from) == (1000, 1000, "record")
    place.send(v9(place, a_set(257, basic(octets=100) + struct.pack(">I", 2000)), sequence=1))
    assert (place.look()[CORE].lowest_rate, place.look()[CORE].highest_rate) == (1000, 2000)
    place.later(PERIOD_SECONDS)
    place.later(PERIOD_SECONDS)
    assert (place.look()[CORE].lowest_rate, place.look()[CORE].rate_from) == (0, "")


def test_what_came_lately_is_what_came_since_the_period_before() -> None:
    """Counts since the start stay whole when windows are taken away."""
    place = Place()
    place.send(netflow5([record5()] * 3, seconds=NOW_MS // 1000))
    place.later(PERIOD_SECONDS)
    assert place.look()[CORE].lately["decoded"] == 3
    place.pipeline.take(None, str)
    place.later(PERIOD_SECONDS)
    seen = place.look()[CORE]
    assert (seen.counts["decoded"], seen.lately["decoded"], seen.mbit_per_second) == (3, 0, 0)
    place.send(netflow5([record5()] * 2, seconds=NOW_MS // 1000, sequence=3))
    seen = place.look()[CORE]
    assert (seen.counts["decoded"], seen.lately["decoded"]) == (5, 2)


def test_interfaces_are_counted_and_the_records_that_name_none() -> None:
    place = Place()
    records = b"".join(
        basic() + struct.pack(">II", came, left) for came, left in [(1, 2), (2, 1), (700, 2), (0, 0)]
    )
    place.send(v9(place, template(258, *BASIC, (10, 4), (14, 4)), a_set(258, records)))
    seen = place.look()[CORE]
    assert (seen.interfaces, seen.without_interface) == (3, 1)


def test_the_sick_come_first() -> None:
    place = Place()
    for number in (0, 1):
        place.send(
            v9(
                place,
                DATA,
                a_set(256, basic(octets=10**5 if number == 0 else 10)),
                ahead_seconds=-7200 * number,
            ),
            exporter=number,
        )
    assert list(place.look()) == [EDGE, CORE, SPARE]
    assert place.kinds(EDGE) == {"clock_off": True, "rate_assumed": False}
    assert place.look()[EDGE].signs[0].sentence.startswith("Its clock is 2 hours behind the time at which")
    found = list(place.look().values())
    assert summary(found) == f"1 of 3 routers needs attention: {EDGE} (clock off)."
    assert summary(found[1:]) == "None of 2 routers needs attention."
    assert summary([]) == "No router was heard yet."


@pytest.mark.parametrize("ahead", [-61, 61, 86_400, -1_700_000_000])
def test_a_clock_that_is_off(ahead: int) -> None:
    place = Place()
    place.send(v9(place, DATA, ahead_seconds=ahead))
    assert place.kinds(CORE).get("clock_off") is True
    for sequence in range(1, 20):
        place.send(v9(place, DATA, sequence=sequence))
    assert "clock_off" not in place.kinds(CORE)


@pytest.mark.parametrize("ahead", [-59, 0, 59])
def test_a_clock_that_is_right_enough(ahead: int) -> None:
    place = Place()
    place.send(v9(place, DATA, ahead_seconds=ahead), ipfix(seconds=place.now_ms // 1000 + ahead))
    assert "clock_off" not in place.kinds(CORE)


def test_who_is_silent_and_who_never_sent() -> None:
    place = Place()
    place.send(v9(place, DATA))
    place.later(HOUR_SECONDS)
    place.send(v9(place, DATA), exporter=1)
    assert place.kinds(CORE) == {"silent": True}
    assert "for 60 minutes" in place.look()[CORE].signs[0].sentence
    assert place.kinds(SPARE) == {"silent": True}
    assert "since the collector started" in place.look()[SPARE].signs[0].sentence
    assert "silent" not in place.kinds(EDGE)
    place.send(v9(place, DATA, sequence=1))
    assert "silent" not in place.kinds(CORE)


def test_what_never_arrived_counts_as_long_as_it_is_new() -> None:
    place = Place()
    for sequence in (0, 1, 3, 4):
        place.send(v9(place, DATA, sequence=sequence))
    seen = place.look()[CORE]
    assert (seen.lost_share, place.kinds(CORE)["lost"]) == (1 / 5, True)
    place.later(PERIOD_SECONDS)
    place.later(PERIOD_SECONDS)
    place.send(v9(place, DATA, sequence=5))
    assert place.look()[CORE].counts["lost_datagrams"] == 1
    assert "lost" not in place.kinds(CORE)


def test_a_template_that_does_not_come() -> None:
    place = Place()
    place.send(v9(place, a_set(256, basic())))
    assert "template_waiting" not in place.kinds(CORE)
    place.later(180)
    place.send(v9(place, a_set(256, basic()), sequence=1))
    assert place.kinds(CORE)["template_waiting"] is True
    place.send(v9(place, DATA, sequence=2))
    assert place.look()[CORE].waiting_sets == 0
    assert "template_waiting" not in place.kinds(CORE)


def test_what_cannot_be_read_and_what_does_not_count() -> None:
    place = Place()
    place.send(b"\0\x09 nothing", b"?")
    assert place.kinds(CORE)["malformed"] is True
    place.send(v9(place, DATA, a_set(256, basic(octets=0, packets=0))), exporter=1)
    assert place.kinds(EDGE)["nothing_counted"] is True


def test_traffic_of_others_only() -> None:
    place = Place()
    place.send(v9(place, DATA, a_set(256, basic("192.0.2.9", "203.0.113.9"))))
    assert place.kinds(CORE)["transit"] is True
    place.send(v9(place, a_set(256, basic("198.18.0.1", "203.0.113.9", octets=10**5)), sequence=1))
    assert "transit" not in place.kinds(CORE)


def test_what_is_over_needs_no_attention() -> None:
    """A rate that was not believed, once the router states one that is, for a while."""
    place = Place()
    place.send(v9(place, RATED, a_set(257, basic() + struct.pack(">I", 0xFFFF_FFFF))))
    assert place.kinds(CORE) == {"rate_not_believed": True}, "and not that it states none"
    for sequence in range(1, 4):
        place.later(PERIOD_SECONDS)
        place.send(v9(place, RATED, a_set(257, basic() + struct.pack(">I", 500)), sequence=sequence))
    assert place.kinds(CORE)["rate_not_believed"] is False


def test_a_number_that_another_gets_begins_anew() -> None:
    place = Place()
    place.send(v9(place, RATED, a_set(257, basic() + struct.pack(">I", 500)), ahead_seconds=-7200))
    place.later(PERIOD_SECONDS)
    place.pipeline.take(None, str)
    place.pipeline.decoder.forget(0)
    for part in (place.pipeline, place.conditions, place.attendance):
        part.forget([0])  # type: ignore[attr-defined]
    assert list(place.look()) == [SPARE]
    place.send(netflow5([record5()], seconds=place.now_ms // 1000))
    seen = place.look()[CORE]
    assert (seen.protocols, seen.counts["decoded"], seen.lately["decoded"]) == (["netflow5"], 1, 1)
    assert (seen.datagrams, seen.templates, seen.lowest_rate) == (1, 0, 1)


def test_of_very_many_those_that_the_operator_named_and_the_busiest() -> None:
    place = Place()
    for number in range(3, 40):
        place.pipeline.exporters.number(f"192.0.2.{number + 1}")
    for number in range(40):
        place.send(*(netflow5([record5()], sequence=at) for at in range(number)), exporter=number)
    found = place.conditions.busiest({SPARE: None}, 3)
    assert [place.pipeline.exporters.addresses[number] for number in found] == [
        SPARE,
        "192.0.2.40",
        "192.0.2.39",
    ]


def test_options_are_told_as_the_source_of_a_rate() -> None:
    place = Place()
    sampler = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    sampled = template(259, *BASIC, (48, 1))
    place.send(
        v9(
            place,
            sampler,
            sampled,
            a_set(300, bytes(4) + b"\1" + (100).to_bytes(4)),
            a_set(259, basic() + b"\1"),
        )
    )
    seen = place.look()[CORE]
    assert (seen.lowest_rate, seen.rate_from, seen.needs_attention) == (100, "options", False)


def test_datagrams_of_sources_that_are_not_allowed() -> None:
    place = Place(allow=["192.0.2.0/24"])
    place.send(netflow5([record5()]), netflow5([record5()]), exporter=-2)
    place.send(netflow5([record5()]), exporter=0)
    assert place.conditions.not_allowed_datagrams() == 2
    place.pipeline.take(None, str)
    assert place.conditions.not_allowed_datagrams() == 2
    assert set(place.look()) == {CORE, SPARE}
