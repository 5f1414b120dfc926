"""Lines of the log about exporters: each thing is said once, and when it is over."""

import logging
import struct

import pytest

from caudal.collector.signs.news import News
from tests.support.builders import a_set, basic, netflow5, record5

from .test_conditions import CORE, DATA, EDGE, RATED, Place, v9

NAMES = {CORE: "core-1", EDGE: "edge-1"}


class Told:
    """What the log says of exporters, each time it is asked."""

    def __init__(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        self._place, self._caplog = place, caplog
        caplog.set_level(logging.INFO, "caudal.collector.signs.news")
        self.news = News(
            place.pipeline.decoder,
            place.attendance,
            self._name,
            lambda: place.conditions(place.conditions.numbers({}), self._name),
            clock=lambda: place.seconds,
        )

    def _name(self, number: int) -> str:
        return NAMES.get(self._place.pipeline.exporters.addresses[number], f"exporter-{number}")

    def __call__(self, seconds: float = 20) -> list[str]:
        self._caplog.clear()
        self._place.later(seconds)
        self.news.tick()
        return [record.getMessage() for record in self._caplog.records]


def rated(place: Place, rate: int, sequence: int = 0) -> bytes:
    return v9(place, RATED, a_set(257, basic() + struct.pack(">I", rate)), sequence=sequence)


def test_who_is_heard_first(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    assert told(0) == []
    place.send(v9(place, DATA))
    place.send(netflow5([record5()]), exporter=1)
    assert told(0) == [
        "core-1 is heard for the first time since the start: it sends netflow9",
        "edge-1 is heard for the first time since the start: it sends netflow5",
    ]
    place.send(v9(place, DATA, sequence=1))
    assert told(0) == []


def test_very_many_at_once_are_not_told_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    for number in range(3, 300):
        place.pipeline.exporters.number(f"192.0.2.{number}")
        place.send(v9(place, DATA), exporter=number)
    assert len(told(0)) == 20
    place.pipeline.exporters.number("192.0.3.1")
    place.send(v9(place, DATA), exporter=300)
    assert told(0) == []
    assert told() == ["and 278 more exporters are heard for the first time"]
    place.pipeline.exporters.number("192.0.3.2")
    place.send(v9(place, DATA), exporter=301)
    assert len(told(0)) == 1


def test_a_rate_that_is_learnt_and_one_that_changes(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    place.send(rated(place, 1000))
    assert told()[1:] == ["core-1 samples 1:1,000 (its records say so)"]
    assert told() == []
    place.send(rated(place, 2000, sequence=1))
    assert told() == ["core-1 samples 1:2,000 now (its records say so)"]
    assert told() == []


def test_a_rate_that_is_not_believed_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    place.send(rated(place, 2_919_759_872))
    (line,) = told()[1:]
    assert line.startswith("core-1: It states sampling 1:2919759872, which is 1:2222 with its octets")
    assert caplog.records[-1].levelno == logging.WARNING
    place.send(rated(place, 2_919_759_872, sequence=1))
    assert told() == []


def test_a_clock_that_is_off_and_right_again(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    place.send(v9(place, DATA, ahead_seconds=300))
    (line,) = told()[1:]
    assert line.startswith("core-1: Its clock is 5 minutes ahead of the time at which")
    assert told() == []
    for sequence in range(1, 20):
        place.send(v9(place, DATA, sequence=sequence))
    assert told() == ["core-1: no longer: clock off"]
    assert told() == []


def test_another_that_gets_the_number_is_told_of_anew(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    place.send(rated(place, 1000))
    assert len(told()) == 2
    for part in (told.news, place.attendance, place.conditions, place.pipeline):
        part.forget([0])  # type: ignore[attr-defined]
    place.pipeline.decoder.forget(0)
    place.send(rated(place, 1000))
    assert len(told()) == 2


def test_no_address_is_told(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    told = Told(place, caplog)
    for number in range(3):
        place.send(v9(place, a_set(256, basic()), b"\0", sequence=9 * number), exporter=number)
    place.send(v9(place, a_set(256, basic())))
    lines = told(1) + told(700) + told(700)
    assert len(lines) > 5
    assert not [
        line for line in lines if CORE in line or EDGE in line or "2001:db8" in line or "198.18" in line
    ]


def test_what_cannot_be_said_stops_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place()
    told = Told(place, caplog)
    monkeypatch.setattr("caudal.collector.signs.conditions.signs", lambda *_: 1 // 0)
    assert told() == ["what is new of exporters cannot be said"]
    monkeypatch.undo()
    place.send(v9(place, DATA, ahead_seconds=300))
    assert len(told()) == 2
