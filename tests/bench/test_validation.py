"""The simulation in small: known traffic through the whole pipeline, and the intervals hold it as often as they claim."""

import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.machine import describe
from bench.validation import page
from bench.validation.coverage import INDICATORS, SCENARIOS, Scenario, Tallies, Tally, measure
from bench.validation.metering import SPECIFICITY, Places, measured_sensitivity
from bench.validation.world import ECONOMY, MONTH, NO_NETWORK, make_world
from caudal.reference import Reference, load_reference
from caudal.service.indicators import CATALOGUE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "validation.md"
SMALL = tuple(each for each in SCENARIOS if each.id in ("sampling-1000", "places", "missing"))
REPEATS = 24


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference().at(MONTH)


@pytest.fixture(scope="module")
def found() -> dict[str, Tallies]:
    return measure(SMALL, worlds=2, repeats=REPEATS, processes=2)


def chance_of_so_few(held: int, given: int, share: float) -> float:
    """Of so many draws with this chance, at most so many."""
    return sum(math.comb(given, k) * share**k * (1 - share) ** (given - k) for k in range(held + 1))


def rows(found: dict[str, Tallies], side: str = "reporting") -> dict[str, page.Row]:
    return {row.label: row for row in page.rows_of(found, side)}


def _of_the_economy(label: str) -> str:
    name, *part = label.split(", ")
    return ", ".join([f"{name} of the economy", *part])


# What is behind one value: several dimensions of a month go wrong together and are no separate draws.
SHARES = ("J1", "J2", "J3", "J5", "C1", "C2", "C3", "P1, sent", "P1, delivered", "P2", "P3")
ALONE = (*SHARES, "bytes out, total", "bytes in, total")


@pytest.mark.parametrize("label", [*ALONE, "J1 by sampling alone", "P1 by sampling alone, sent"])
def test_intervals_hold_the_truth_under_sampling(found: dict[str, Tallies], label: str) -> None:
    (tally,) = rows(found)[label].tallies["sampling-1000"].values()
    assert tally.given == tally.asked == 2 * REPEATS
    assert chance_of_so_few(tally.held, tally.given, 0.93) > 1e-4


def test_those_of_sampling_alone_do_not_always_hold_it(found: dict[str, Tallies]) -> None:
    """Were they far too wide, all would hold: 95 in a hundred of each dimension do, of thousands not 99.7."""
    share = rows(found)["J4"].share("sampling-1000")
    assert share is not None and 0.90 < share < 0.997


@pytest.mark.parametrize("label", ["J1", "J2", "J5", "P3"])
def test_intervals_hold_the_truth_where_places_are_wrong(found: dict[str, Tallies], label: str) -> None:
    (tally,) = rows(found)[label].tallies["places"].values()
    assert chance_of_so_few(tally.held, tally.given, 0.93) > 1e-4


def test_sampling_alone_does_not_explain_wrong_places(found: dict[str, Tallies]) -> None:
    """The simulation can tell: without the correction for misplaced addresses hardly an interval holds the truth."""
    tally = found["places"].reporting["J1 by sampling alone", ""]
    assert tally.given == 2 * REPEATS
    assert tally.held < 0.3 * tally.given


@pytest.mark.parametrize("label", [*(_of_the_economy(each) for each in SHARES), *ALONE[len(SHARES) :]])
def test_limits_of_the_economy_hold_where_operators_are_missing(
    found: dict[str, Tallies], label: str
) -> None:
    (tally,) = rows(found, "economy")[label].tallies["missing"].values()
    # In some months the packets sampled of three operators show no payload, and then no limits are told.
    assert tally.given >= (0.9 if label == "P1 of the economy, sent" else 1) * 2 * REPEATS
    assert chance_of_so_few(tally.held, tally.given, 0.93) > 1e-4


def test_those_of_the_networks_that_report_do_not(found: dict[str, Tallies]) -> None:
    (tally,) = rows(found, "economy")["C1"].tallies["missing"].values()
    assert tally.held < 0.7 * tally.given


def test_a_world_is_drawn_again_as_it_was(reference: Reference) -> None:
    one, again, other = (make_world(reference, seed, unknown=True) for seed in (1, 1, 2))
    assert one.facts().equals(again.facts())
    assert not one.facts().equals(other.facts())
    # What two operators exchange is in the world twice, and counts once.
    twice = one.other >= 0
    assert one.facts()["bytes"].sum() == one.bytes[~twice].sum() + one.bytes[twice].sum() / 2
    assert 0.02 < one.bytes[twice].sum() / one.bytes.sum() < 0.5


def test_of_an_exchange_that_one_side_reports_all_counts(reference: Reference) -> None:
    world = make_world(reference, 5, unknown=False)
    alone = world.of((2,))
    assert (alone.other >= 0).any()
    assert alone.facts()["bytes"].sum() == alone.bytes.sum()


def test_a_world_without_the_unknown_has_none(reference: Reference) -> None:
    world = make_world(reference, 3, unknown=False)
    assert not world.servers["unlocated"].any()
    assert (world.servers["asn"] == world.servers["true_asn"]).all()
    strange = make_world(reference, 3, unknown=True)
    assert strange.servers["unlocated"].any() and (strange.servers["asn"] == NO_NETWORK).any()
    listed = strange.facts(listed=True)
    assert listed.filter(pl.col("location_rung") == "unknown")["remote_country"].unique().to_list() == ["ZZ"]
    assert listed["bytes"].sum() == strange.facts()["bytes"].sum()


def test_addresses_are_misplaced_as_often_as_was_measured(reference: Reference) -> None:
    world = make_world(reference, 4, unknown=False)
    places = Places(world, reference)
    right = places.addresses(np.random.default_rng(0), misplaced=False)
    segments = places.table.segments4(right.astype(np.uint32))
    told = [chr(code >> 8) + chr(code & 255) for code in places.table.country[segments].tolist()]
    assert told == world.servers["country"].to_list()
    assert places.table.asn[segments].tolist() == world.servers["asn"].to_list()

    sensitivity, ranges = measured_sensitivity(reference, ECONOMY)
    by_table = (~world.servers["exact"] & (world.servers["country"] == ECONOMY)).to_numpy()
    draws = [places.addresses(np.random.default_rng(seed), misplaced=True) != right for seed in range(200)]
    missed = np.array([each[by_table].mean() for each in draws])
    error = math.sqrt(sensitivity * (1 - sensitivity) / ranges / len(draws)) + missed.std() / math.sqrt(
        len(draws)
    )
    assert abs(missed.mean() - (1 - sensitivity)) < 4 * error
    exact = world.servers["exact"].to_numpy()
    assert not any(each[exact].any() for each in draws)
    registered = (~world.servers["exact"] & (world.servers["country"] == "US")).to_numpy()
    assert np.mean([each[registered].mean() for each in draws]) == pytest.approx(1 - SPECIFICITY, abs=0.001)


def test_a_country_that_was_not_measured_takes_the_row_of_all_others(reference: Reference) -> None:
    assert measured_sensitivity(reference, "PE")[0] == measured_sensitivity(reference, "FR")[0]
    assert measured_sensitivity(reference, "BR") != measured_sensitivity(reference, "PE")


def test_a_tally_counts() -> None:
    tally = Tally()
    for low, high in ((0.1, 0.3), (0.2, 0.4), (None, None), (0.0, 0.1)):
        tally.add(low, high, 0.15)
    assert (tally.asked, tally.given, tally.held, tally.below) == (4, 3, 1, 1)
    other = Tally()
    other.add(0.0, 1.0, 0.5)
    tally.merge(other)
    assert (tally.asked, tally.held) == (5, 2)


def made_up(share: float, scenario: Scenario) -> Tallies:
    """Tallies in which every interval held so often."""
    tallies = Tallies()
    for name in INDICATORS:
        tallies.reporting[name, ""] = Tally(1000, 1000, round(1000 * share), 10.0)
        tallies.economy[f"{name} of the economy", ""] = Tally(1000, 1000, round(1000 * share), 10.0)
        tallies.economy[name, ""] = Tally(1000, 1000, 500, 10.0)
    return tallies


@pytest.mark.parametrize("share", [0.5, 0.929, 0.93, 0.95, 0.97, 0.971, 1.0])
def test_what_is_outside_has_a_reason_and_what_is_inside_none(share: float) -> None:
    text = page.as_page({each.id: made_up(share, each) for each in SCENARIOS}, describe(), 10, 100)
    marks = set(re.findall(r"<sup>(\w)</sup>", text))
    given = set(re.findall(r"^- \*\*(\w)\*\* ", text, re.MULTILINE))
    assert marks == given
    assert bool(marks) == (not 0.93 <= share <= 0.97)
    cells = [
        cell for line in text.splitlines() if line.startswith("| J3 |") for cell in line.split("|")[2:-1]
    ]
    assert len(cells) == len(SCENARIOS) + sum(each.reporting is not None for each in SCENARIOS)
    assert all(f"{100 * share:.1f}" in cell for cell in cells)


def test_the_page_is_of_these_methods() -> None:
    """Who changes a method must run the simulation again: `python -m bench.validation --write docs/validation.md`."""
    text = PAGE.read_text("utf-8")
    versions = re.search(r"method versions: ([^.]*)\.", text)
    assert versions is not None
    assert versions[1].replace("\n", " ").split(", ") == [
        f"{each} {CATALOGUE[each].definition.method_version}" for each in INDICATORS
    ]
    for scenario in SCENARIOS:
        assert scenario.title in text
