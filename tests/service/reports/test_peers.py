"""Peers and history of a store: what was published by then, of the same method, and nothing that was withheld."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caudal.collector.batch import decode_batch
from caudal.reference import Reference
from caudal.service.ingest import Ingest
from caudal.service.measures import Measures
from caudal.service.reports.content import Content
from caudal.service.reports.edition import Publication
from caudal.service.reports.forms import FORMS
from caudal.service.reports.reports import Reports
from caudal.service.settings import Confidentiality, ServiceSettings
from caudal.service.store import Store
from caudal.service.vintages import Vintages

from ..conftest import clear
from ..samples import NOW, batch

BEFORE, MONTH = "2026-09", "2026-10"
UNCHANGING = ("csv", "json", "html")


@dataclass
class World:
    """A store with metered months of several economies, published one after the other."""

    settings: ServiceSettings
    store: Store
    reference: Reference
    overlay: Path
    hours: int = 0
    sent: dict[str, int] = field(default_factory=dict)

    def parts(self) -> tuple[Reports, Vintages]:
        """The service's parts with nothing in memory, at a time that passes with what is published."""
        now: datetime = NOW + timedelta(hours=self.hours)
        measures = Measures(self.settings, self.store, self.reference, lambda: now)
        vintages = Vintages(self.store, self.reference, measures, lambda: now, self.overlay)
        return Reports(self.store, measures, lambda: now, Publication()), vintages

    def send(self, economy: str, month: str, home: int, abroad: int) -> None:
        """Send traffic that stays at home and that goes to the United States, with Google."""
        start = datetime.fromisoformat(f"{month}-12T10:00:00+00:00")
        flow: dict[str, Any] = {
            "window_start": start,
            "flows": 5000,
            "service": "google",
            "location_rung": "cloud",
        }
        rows = [
            {**flow, "remote_country": economy, "bytes": home, "direction": "in"},
            {**flow, "remote_country": "US", "bytes": abroad, "direction": "in"},
        ]
        self.sent[economy] = self.sent.get(economy, 0) + 1
        origin = {
            "collector": f"{economy.lower()}-1",
            "operator": f"{economy.lower()}-net",
            "economy": economy,
        }
        body = batch(rows, synthetic=economy == "XA", sequence=str(self.sent[economy]), **origin)
        Ingest(self.store).store_batch(decode_batch(body), body, NOW)

    def publish(self, economy: str, month: str, reason: str = "") -> None:
        self.hours += 1
        assert self.parts()[1].publish(economy, month, reason) is not None

    def content(self, economy: str, month: str = MONTH, vintage: str | None = None) -> Content:
        reports, _ = self.parts()
        return reports.content(economy, reports.months(economy, month), vintage)

    def bytes_of(self, economy: str, vintage: str) -> dict[str, bytes]:
        reports, _ = self.parts()
        months = reports.months(economy, MONTH)
        return {name: reports.render(economy, months, FORMS[name], "es", vintage)[0] for name in UNCHANGING}


@pytest.fixture
def world(settings: ServiceSettings, store: Store, reference: Reference, overlay: Path) -> Iterator[World]:
    open_to_all = settings.model_copy(
        update={"confidentiality": Confidentiality(minimum_operators=1, percent=0)}
    )
    yield World(open_to_all, store, reference, overlay)
    clear(store)
    store.command("TRUNCATE TABLE reference_file")


def told(content: Content, indicator: str = "J1") -> dict[str, float]:
    return {
        peer.economy: value.value
        for peer in content.peers
        for value in peer.values
        if value.indicator == indicator
    }


def test_only_what_was_published_by_then_is_a_peer(world: World) -> None:
    for economy, home in (("BR", 700), ("CL", 400), ("MX", 200)):
        world.send(economy, MONTH, home, 1000 - home)
    world.publish("BR", MONTH)
    world.publish("CL", MONTH)
    assert told(world.content("BR")) == {}
    assert told(world.content("CL")) == {"BR": pytest.approx(0.7)}
    # Of a month that is not published, the report is set beside all that is.
    assert told(world.content("MX")) == {"BR": pytest.approx(0.7), "CL": pytest.approx(0.4)}
    assert {peer.economy: (peer.region, peer.like) for peer in world.content("MX").peers} == {
        "BR": (True, True),
        "CL": (True, False),
    }


def test_a_published_report_stays_whatever_others_publish(world: World) -> None:
    for economy, home in (("BR", 700), ("CL", 400), ("MX", 200)):
        world.send(economy, BEFORE, home, 1000 - home)
        world.send(economy, MONTH, home, 1000 - home)
    world.publish("BR", BEFORE)
    world.publish("BR", MONTH)
    world.publish("CL", MONTH)
    kept = world.bytes_of("CL", "CL-2026-10-v1")
    world.publish("MX", MONTH)
    world.send("BR", MONTH, 9000, 10)
    world.publish("BR", MONTH, "came late")
    world.publish("CL", BEFORE)
    assert world.bytes_of("CL", "CL-2026-10-v1") == kept
    assert told(world.content("CL")) == {"BR": pytest.approx(0.7)}
    world.send("CL", MONTH, 10, 10)
    world.publish("CL", MONTH, "came late")
    assert set(told(world.content("CL"))) == {"BR", "MX"}
    assert told(world.content("CL"))["BR"] > 0.9


def test_whoever_has_not_published_the_month_is_there_with_the_month_before(world: World) -> None:
    world.send("BR", BEFORE, 600, 400)
    world.send("CL", MONTH, 400, 600)
    world.publish("BR", BEFORE)
    world.publish("CL", MONTH)
    assert [(peer.economy, peer.month) for peer in world.content("CL").peers] == [("BR", BEFORE)]


def test_made_up_and_metered_are_no_peers(world: World) -> None:
    world.send("XA", MONTH, 600, 400)
    world.send("CL", MONTH, 400, 600)
    world.publish("XA", MONTH)
    world.publish("CL", MONTH)
    assert world.content("CL").peers == () == world.content("XA").peers


def test_another_method_is_no_peer(world: World) -> None:
    world.send("BR", MONTH, 600, 400)
    world.send("CL", MONTH, 400, 600)
    world.publish("BR", MONTH)
    world.publish("CL", MONTH)
    assert "BR" in told(world.content("CL"))
    world.store.command(
        "ALTER TABLE indicator_value UPDATE method_version = 'of old' WHERE economy = 'BR' AND indicator = 'J1' "
        "SETTINGS mutations_sync = 2"
    )
    assert "BR" not in told(world.content("CL"))
    assert "BR" in told(world.content("CL"), "J4")


def test_what_others_publish_is_asked_for_anew_while_a_month_is_not_published(world: World) -> None:
    """A client that has the answer would be told that nothing is new."""
    world.send("BR", MONTH, 700, 300)
    world.send("CL", MONTH, 400, 600)
    reports, _ = world.parts()
    before = reports.months("CL", MONTH).state
    world.publish("BR", MONTH)
    reports, _ = world.parts()
    after = reports.months("CL", MONTH).state
    assert after != before
    world.publish("CL", MONTH)
    published = world.parts()[0].months("CL", MONTH).state
    world.send("BR", MONTH, 9000, 10)
    world.publish("BR", MONTH, "came late")
    assert world.parts()[0].months("CL", MONTH).state == published


def test_history_is_what_was_published_by_then_month_by_month(world: World) -> None:
    for month, home in (("2026-06", 100), ("2026-08", 300), ("2026-09", 400), ("2026-10", 500)):
        world.send("CL", month, home, 1000 - home)
    for month in ("2026-06", "2026-08", "2026-10"):
        world.publish("CL", month)
    world.publish("CL", "2026-09")
    [series] = [each for each in world.content("CL").history if each.indicator == "J1"]
    assert [(each.month, each.value and round(each.value, 2)) for each in series.points] == [
        ("2026-06", 0.1),
        ("2026-07", None),
        ("2026-08", 0.3),
        ("2026-09", None),
        ("2026-10", 0.5),
    ]
    assert series.points[0].vintage == "CL-2026-06-v1"
    # Another month that is running is set beside all of them.
    world.send("CL", "2026-11", 600, 400)
    [series] = [each for each in world.content("CL", "2026-11").history if each.indicator == "J1"]
    assert [each.value is None for each in series.points] == [False, True, False, False, False, False]
    assert series.points[-1].vintage is None
