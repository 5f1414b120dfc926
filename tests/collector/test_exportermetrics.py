"""Metrics of each exporter: by its name, bounded, and such that Prometheus reads them."""

import struct

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from caudal.collector.daemon.metrics import _build_info
from caudal.collector.signs.conditions import Conditions
from caudal.collector.signs.exportermetrics import exporter_metrics
from tests.support.builders import a_set, basic, netflow5, record5

from .test_conditions import CORE, DATA, EDGE, RATED, SPARE, Place, v9

NAMES = {CORE: "core-1", EDGE: "edge-1", SPARE: "spare-1"}


class Scraped:
    """What Prometheus reads: values by name of the metric and its labels' values in order of their names."""

    def __init__(
        self, place: Place, numbers: list[int] | None = None, names: dict[str, str] | None = None
    ) -> None:
        self._place, self._names = place, names or NAMES
        conditions: Conditions = place.conditions
        self._look = conditions(
            conditions.numbers({SPARE: None}) if numbers is None else numbers, self._name, {SPARE: None}
        )
        registry = CollectorRegistry()
        registry.register(self)  # type: ignore[arg-type]
        self.text = generate_latest(registry).decode()
        self.values: dict[tuple[str, ...], float] = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                name = sample.name.removeprefix("caudal_collector_exporter_")
                key = (name, *(value for _, value in sorted(sample.labels.items())))
                assert key not in self.values, "a series that is told twice is refused by Prometheus"
                self.values[key] = sample.value

    def _name(self, number: int) -> str:
        address = self._place.pipeline.exporters.addresses[number]
        return self._names.get(address, f"exporter-{number}")

    def collect(self) -> object:
        pipeline = self._place.pipeline
        yield _build_info()
        yield from exporter_metrics(self._look, pipeline.ledger, pipeline.traffic.octets)


def test_what_is_told_of_an_exporter() -> None:
    place = Place()
    rated = a_set(257, basic("198.18.0.1", "203.0.113.9", octets=100) + struct.pack(">I", 1000))
    place.send(v9(place, RATED, rated), v9(place, sequence=3), b"?")
    place.send(v9(place, DATA, a_set(256, basic(octets=0, packets=0)), ahead_seconds=-7200), exporter=1)
    found = Scraped(place).values
    expected = {
        ("datagrams_total", "core-1"): 3, ("datagrams_total", "edge-1"): 1, ("datagrams_total", "spare-1"): 0,
        ("lost_datagrams", "core-1"): 2, ("waiting", "core-1"): 0, ("malformed_total", "core-1"): 1,
        ("records_total", "core-1", "aggregated"): 1, ("records_total", "core-1", "events"): 0,
        ("traffic_bytes_total", "out", "core-1"): 100_000, ("traffic_bytes_total", "in", "core-1"): 0,
        ("sampling_rate", "lowest", "core-1"): 1000, ("sampling_rate", "highest", "core-1"): 1000,
        ("attention", "core-1", "lost"): 1, ("attention", "core-1", "malformed"): 1,
        ("attention", "edge-1", "clock_off"): 1, ("attention", "edge-1", "nothing_counted"): 1,
        ("last_heard_timestamp_seconds", "core-1"): place.now_ms / 1000,
    }  # fmt: skip
    assert {key: found.get(key) for key in expected} == expected
    assert found["clock_offset_seconds", "edge-1"] < -7000
    assert ("sampling_rate", "lowest", "edge-1") not in found
    assert {value for key, value in found.items() if key[0] == "caudal_build_info"} == {1}
    assert CORE not in Scraped(place).text
    assert not [key for key in found if "other" in key]


def test_those_without_a_label_are_added_up() -> None:
    place = Place()
    for number in range(3):
        place.send(netflow5([record5()] * (number + 1), seconds=place.now_ms // 1000), exporter=number)
    found = Scraped(place, [0]).values
    assert found["records_total", "core-1", "aggregated"] == 1
    assert found["records_total", "other", "aggregated"] == 2 + 3
    assert found["traffic_bytes_total", "out", "other"] == 5 * 1000
    everyone = Scraped(place).values
    assert sum(value for key, value in everyone.items() if key[0] == "datagrams_total") == 3
    assert sum(value for key, value in found.items() if key[0] == "datagrams_total") == 3


def test_exporters_of_one_name_are_added_up() -> None:
    place = Place()
    for number in range(2):
        place.send(netflow5([record5()], seconds=place.now_ms // 1000), exporter=number)
    found = Scraped(place, names={CORE: "core", EDGE: "core"}).values
    assert found["records_total", "core", "aggregated"] == 2
    assert found["datagrams_total", "core"] == 2


def test_counters_stay_when_windows_are_taken_away() -> None:
    place = Place()
    place.send(netflow5([record5()] * 4, seconds=place.now_ms // 1000))
    before = Scraped(place).values
    place.pipeline.take(None, str)
    assert Scraped(place).values == before


def test_what_nobody_is_known_of_is_told_of_as_other() -> None:
    """Datagrams of sources that are not allowed have no exporter: they are in no series of one."""
    place = Place(allow=["192.0.2.1/32"])
    place.send(netflow5([record5()]), exporter=-2)
    assert Scraped(place).values["datagrams_total", "spare-1"] == 0
