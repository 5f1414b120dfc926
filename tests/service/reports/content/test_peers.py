"""Peers and history of a store: what was published by then, of the same method, and nothing that was withheld."""

import pytest

from caudal.service.reports.content import Content

from ..world import BEFORE, MONTH, World


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
