"""Old and new values side by side: the world stays what it was, and every difference is explained."""

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.sidebyside.comparison import compare
from bench.sidebyside.compute import BEFORE, Value, Values, compute
from bench.sidebyside.page import PAGE, explanations, render, unexplained
from bench.sidebyside.world import COUNTRIES, FAR_ENDS, HOSTING_SHARE, KEYS, month_facts
from caudal import __version__
from caudal.service.indicators import CATALOGUE
from caudal.service.vocabulary.dimension import ID


@pytest.fixture(scope="module")
def before() -> Values:
    return Values.from_json(BEFORE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def now() -> Values:
    return compute(f"{__version__} now")


def test_the_world_is_the_same_each_time() -> None:
    for country in COUNTRIES:
        facts = month_facts(country)
        assert_frame_equal(facts, month_facts(country))
        assert facts.select(KEYS).is_unique().all()
        assert set(facts["operator"]) == {each.id for each in country.operators}
    assert sum(each.share for each in FAR_ENDS) + HOSTING_SHARE == pytest.approx(1, abs=0.05)


def test_operators_exchange_the_same_bytes_as_both_tell_them() -> None:
    (chile,) = (each for each in COUNTRIES if each.code == "CL")
    owners = {asn: each.id for each in chile.operators for asn in each.asns}
    inside = month_facts(chile).filter(pl.col("remote_asn").is_in(list(owners)))
    amounts = {
        (row["operator"], row["direction"], owners[row["remote_asn"]]): row["bytes"]
        for row in inside.iter_rows(named=True)
    }
    assert len(amounts) == 12
    for (operator, direction, other), amount in amounts.items():
        back = "in" if direction == "out" else "out"
        assert amounts[other, back, operator] == amount


def test_what_was_before_is_kept_whole(before: Values) -> None:
    assert len(before.methods) == 30
    assert {each.economy for each in before.values} == {each.code for each in COUNTRIES}
    assert Values.from_json(before.to_json()) == before


def test_every_indicator_is_computed_for_every_economy(now: Values) -> None:
    asked = {(each.economy, each.indicator) for each in now.values}
    assert asked == {(country.code, name) for country in COUNTRIES for name in CATALOGUE}


def test_every_dimension_is_an_id(now: Values) -> None:
    odd = {each.dimension for each in now.values if each.dimension and not ID.fullmatch(each.dimension)}
    assert not odd


def test_every_difference_is_explained_and_nothing_else(before: Values, now: Values) -> None:
    assert unexplained(compare(before, now), explanations()) == []


def test_the_page_is_of_now(before: Values, now: Values) -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == render(before, now, explanations()), "python -m bench.sidebyside.page writes it"


def test_a_difference_is_found_and_shown(before: Values) -> None:
    moved = tuple(
        replace(each, value=2 * each.value) if each.indicator == "C1" and each.value else each
        for each in before.values
    )
    methods = {
        name: "9" if name == "V9" else version for name, version in before.methods.items() if name != "P4"
    }
    gone = tuple(each for each in moved if each.indicator != "P4")
    compared = compare(before, replace(before, values=gone, methods=methods))
    differing = {each.indicator: each for each in compared if each.differs}
    assert differing.keys() == {"C1", "V9", "P4"}
    assert differing["C1"].median_change == pytest.approx(1.0)
    assert len(differing["C1"].changed) == len(COUNTRIES)
    assert unexplained(compared, {"C1": "twice", "J1": "no"}) == [
        "P4 differs, and nothing in explanations.toml says why",
        "V9 differs, and nothing in explanations.toml says why",
        "J1 is explained, and does not differ",
    ]
    text = render(before, replace(before, values=gone, methods=methods), {"C1": "Counted twice."})
    assert "| P4 " in text and "1 → withdrawn" in text
    assert "Counted twice." in text


def test_words_of_before_are_compared_with_the_ids_of_now() -> None:
    def values(dimension: str) -> Values:
        value = Value("CL", "C4", dimension, 0.5, 0.4, 0.6, None)
        return Values("x", "y", "2026-10", {"C4": "2"}, {"C4": "t"}, {"C4": "share"}, (value,))

    (found,) = compare(values("k=4"), values("largest_4"))
    assert not found.differs
