"""What protects operators from each other: factors, digits, and intervals that hold what they moved."""

import itertools
import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.reference import Reference
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE
from caudal.service.migration.migration import migrate
from caudal.service.perturbation.factors import Drawn, Factors
from caudal.service.perturbation.perturbation import PERTURBED, coarse, deviation_of, perturbed, reach_of
from caudal.service.reports.content.destinations import Moved, destinations_of
from caudal.service.store.store import Store
from tests.support.samples import NOW

PERCENT = 10.0
REACH = reach_of(PERCENT)


def test_what_remains_possible_is_as_wide_as_the_rule_demands() -> None:
    """Whatever the factor was: of all amounts that fit what is told, none is within 10 % of all the others."""
    for lot in (-1.0, -0.3, 0.0, 0.7, 1.0):
        told = 1000.0 * REACH**lot
        least, most = told / REACH, told * REACH
        assert least <= 1000 * (1 + 1e-12)
        assert most * (1 + 1e-12) >= 1000
        best = 2 * least * most / (least + most)
        assert max(best / least - 1, 1 - best / most) == pytest.approx(0.10)
    assert reach_of(0) == 1
    assert deviation_of(REACH) == pytest.approx(math.log(REACH) / math.sqrt(3))


@pytest.mark.parametrize(
    ("number", "nearest", "down", "up"),
    [
        (0.123456, 0.1235, 0.1234, 0.1235),
        (0.00004, 0.0, 0.0, 0.0001),
        (-0.00004, 0.0, -0.0001, 0.0),
        (1.0, 1.0, 1.0, 1.0),
        (12346.0, 12350.0, 12340.0, 12350.0),
        (1.23456e15, 1.235e15, 1.234e15, 1.235e15),
        (0.0, 0.0, 0.0, 0.0),
        (0.3, 0.3, 0.3, 0.3),
        (2024.0, 2024.0, 2024.0, 2024.0),
    ],
)
def test_digits(number: float, nearest: float, down: float, up: float) -> None:
    assert (coarse(number), coarse(number, -1), coarse(number, 1)) == (nearest, down, up)


@given(st.floats(-1e18, 1e18, allow_nan=False))
def test_rounding_is_on_the_safe_side_and_leaves_what_is_rounded(number: float) -> None:
    slack = 1e-9 * abs(number)
    assert coarse(number, -1) <= number + slack
    assert coarse(number, 1) >= number - slack
    for toward in (-1, 0, 1):
        once = coarse(number, toward)
        assert coarse(once, toward) == once
        assert abs(once - number) <= max(1e-4, abs(number) * 1e-3) * 1.001


def test_each_operator_has_one_factor() -> None:
    facts = pl.DataFrame(
        {
            "operator": ["a", "b", "c", "a"],
            "bytes": [100, 100, 100, 10],
            "packets": [10, 10, 10, 1],
            "flows": [1, 1, 1, 1],
            "bytes_variance": [4.0, 4.0, 4.0, 4.0],
        }
    )
    moved = perturbed(facts, {"a": 2.0, "b": 0.5})
    assert moved["bytes"].to_list() == [200, 50, 100, 20]
    assert moved["packets"].to_list() == [20, 5, 10, 2]
    assert moved["flows"].to_list() == [2, 0.5, 1, 2]
    assert moved["bytes_variance"].to_list() == [8, 2, 4, 8]
    assert perturbed(facts, {}) is facts


def test_a_factor_is_drawn_once_and_for_good(tmp_path: Path) -> None:
    lots = itertools.cycle([1.0, -1.0, 0.5, 0.25])
    with Store(f"chdb://{tmp_path}/store") as store:
        migrate(store, lambda: NOW)
        factors = Factors(store, lambda: NOW, lambda: next(lots))
        first = factors.of("UY", ["a", "b"], PERCENT)
        assert first == Drawn(
            {"a": pytest.approx(REACH), "b": pytest.approx(1 / REACH)}, pytest.approx(REACH)
        )
        assert factors.of("UY", ["b"], PERCENT).factors == {"b": first.factors["b"]}
        assert Factors(store, lambda: NOW).of("UY", ["a", "b"], PERCENT) == first
        # Of another economy it is another contributor; a smaller p needs none anew, a larger one does.
        assert factors.of("PY", ["a"], PERCENT).factors["a"] == pytest.approx(REACH**0.5)
        assert factors.of("UY", ["a"], 5.0).factors == {"a": first.factors["a"]}
        wider = factors.of("UY", ["a"], 20.0)
        moved = first.factors["a"] * (reach_of(20) / REACH) ** 0.25
        assert wider == Drawn({"a": pytest.approx(moved)}, pytest.approx(reach_of(20)))
        assert Factors(store, lambda: NOW).of("UY", ["a"], PERCENT) == wider
        assert factors.of("UY", ["a"], 0.0) == Drawn()
        assert store.value("SELECT count() FROM perturbation") == 4


def test_factors_are_secret_numbers_and_even() -> None:
    """The default lot: different each time, spread over ±1."""
    from caudal.service.perturbation import factors

    lots = [factors._even_lot() for _ in range(2000)]
    assert len(set(lots)) == 2000
    assert min(lots) < -0.9
    assert max(lots) > 0.9
    assert abs(sum(lots) / 2000) < 0.1


# Operators that differ as they do: in size, in where their traffic goes.
CONTROLS = ((15169, "US", "google"), (64500, "UY", ""), (32934, "BR", "meta"), (2906, "NA", "netflix"))


def month_facts(lot: random.Random, operators: int) -> pl.DataFrame:
    rows = []
    for number in range(operators):
        size = lot.uniform(1, 6) * 1e13
        weights = [lot.gammavariate(2, 1) for _ in range(len(CONTROLS) * 2)]
        for position, ((asn, country, _), direction) in enumerate(itertools.product(CONTROLS, ("out", "in"))):
            amount = round(size * weights[position] / sum(weights))
            rows.append(
                {
                    "operator": f"net-{number}",
                    "direction": direction,
                    "remote_asn": asn,
                    "remote_country": country,
                    "location_rung": "operator",
                    "service": "",
                    "sampling_from": "unsampled",
                    "folded": False,
                    "bytes": amount,
                    "packets": amount // 1000,
                    "flows": 5000,
                    "bytes_variance": 0.0,
                }
            )
    return pl.DataFrame(
        rows, schema_overrides={"remote_asn": pl.UInt32, "bytes": pl.UInt64, "flows": pl.UInt64}
    )


# Of each kind one, and those of them whose intervals are counted.
INDICATORS = ("J1", "J3", "J4", "J9", "C1", "C2", "C4", "P2", "V1", "V2")
COUNTED = ("J3", "J4", "C2", "V2")


def measured(
    reference: Reference,
    facts: pl.DataFrame,
    factors: dict[str, float],
    rule: Rule,
    indicators: tuple[str, ...] = INDICATORS,
) -> MonthMeasures:
    operators = tuple(sorted(facts["operator"].unique()))
    inputs = MonthInputs(
        "UY",
        "2026-09",
        operators,
        dict.fromkeys(operators, (400000, "2026-06-30")),
        frozenset({PERTURBED}) if factors else frozenset(),
        rule,
        factors=factors,
        reach=REACH if factors else 1.0,
    )
    return evaluate(inputs, facts, reference, [CATALOGUE[name] for name in indicators])


@pytest.mark.parametrize("operators", [2, 3, 5, 12])
def test_intervals_hold_what_the_factors_moved(reference: Reference, operators: int) -> None:
    """Of traffic that is known to the byte: nine in ten at least, where 95 are meant (binomial tail below 1e-4)."""
    lot = random.Random(f"caudal {operators}")
    held = counted = 0
    narrow = 0
    for _ in range(25):
        facts = month_facts(lot, operators)
        names = sorted(facts["operator"].unique())
        factors = {name: REACH ** lot.uniform(-1, 1) for name in names}
        moved = measured(reference, facts, factors, Rule(1, 0.0), COUNTED)
        truth = measured(reference, facts, {}, Rule(1, 0.0), COUNTED)
        for name in COUNTED:
            [true, *_], [told, *_] = truth.observations[name], moved.observations[name]
            assert told.value is not None
            assert true.value is not None
            held += told.low <= true.value <= told.high
            narrow += abs(told.value - true.value) <= 1e-4
            counted += 1
        for true_total, told_total in zip(truth.totals, moved.totals, strict=True):
            assert true_total.observed is not None
            assert told_total.observed is not None
            held += told_total.observed.low <= true_total.observed.value <= told_total.observed.high
            counted += 1
    assert held / counted > 0.92
    assert narrow < counted / 3, "the factors must move something for this to show anything"


def test_shares_of_one_operator_are_what_they_were(reference: Reference) -> None:
    facts = month_facts(random.Random(1), 1)
    moved = measured(reference, facts, {"net-0": 1.1}, Rule())
    bare = measured(reference, facts, {}, Rule())
    for name in ("J3", "J4", "C1", "C4", "P2", "V1"):
        for one, other in zip(moved.observations[name], bare.observations[name], strict=True):
            assert one.dimension == other.dimension
            assert one.value == pytest.approx(other.value, abs=1e-4)
            assert one.high - one.low <= other.high - other.low + 3e-4
            assert PERTURBED in one.flags
    assert all(total.observed is None for total in moved.totals)


def test_nothing_that_is_evaluated_tells_more_than_the_products(reference: Reference) -> None:
    """Nine times the traffic over eight by one factor, eight over nine by the other: the same to the last digit."""
    facts = month_facts(random.Random(2), 4).with_columns(
        (pl.col(name) // 8 * 8).cast(pl.UInt64) for name in ("bytes", "packets", "flows")
    )
    more = pl.when(pl.col("operator") == "net-2").then(pl.lit(9)).otherwise(pl.lit(8))
    other = facts.with_columns(
        (pl.col(name) // 8 * more).cast(pl.UInt64) for name in ("bytes", "packets", "flows")
    )
    factors = {"net-0": 1.0625, "net-1": 0.9375, "net-2": 135 / 128, "net-3": 1.0}
    moved = {**factors, "net-2": 15 / 16}
    assert 1 / REACH < 15 / 16 < 135 / 128 < REACH
    one = measured(reference, facts, factors, Rule())
    two = measured(reference, other, moved, Rule())
    assert one == two
    bare = replace(one, computed_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert bare != measured(reference, other, factors, Rule())


def test_limits_of_shares_by_hand() -> None:
    """Two operators of 100 each: one all to the US, the other half. A factor moves 0.75 by 0.125 of its deviation."""
    rows = [("a", "US", 100.0), ("b", "US", 50.0), ("b", "BR", 50.0)]
    frame = pl.DataFrame(rows, schema=["operator", "location", "bytes"], orient="row").with_columns(
        pl.lit("out").alias("border"),
        pl.col("location").alias("control"),
        pl.lit(0.0).alias("bytes_variance"),
        pl.lit(1e6).alias("flows"),
    )
    moved = Moved(frame, 0.06)
    expected = 0.06 * math.sqrt(0.125**2 + 0.125**2)
    assert moved.deviations("location", ["US", "BR"]) == {
        "US": (pytest.approx(expected), pytest.approx(expected)),
        "BR": (pytest.approx(expected), pytest.approx(expected)),
    }
    summed = frame.group_by("border", "location", "control", maintain_order=True).agg(
        pl.col("bytes", "bytes_variance", "flows").sum()
    )
    us = destinations_of(summed, moved).locations[0]
    assert (us.key, us.value) == ("US", 0.75)
    assert us.low == coarse(0.75 - 1.959964 * expected, -1)
    assert us.high == coarse(0.75 + 1.959964 * expected, 1)
