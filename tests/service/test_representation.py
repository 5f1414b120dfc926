"""Limits of a value for the whole economy: a jackknife over operators, worked by hand."""

import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from caudal.service.indicators import CATALOGUE, Context, Observation
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.observation import ECONOMY_HIGH, ECONOMY_LOW
from caudal.service.national.jackknife import Jackknife
from caudal.service.national.nonreporting import with_economy_limits

from .indicators.conftest import Country, frame

J3 = CATALOGUE["J3"]


def context(coverage: float | None) -> Context:
    return Context(
        economy=Country(),
        month="2026-09",
        region_members=frozenset({"XA", "BR"}),
        region_group="CELAC",
        coverage=coverage,
        covered_users=None if coverage is None else coverage * 1e6,
        accuracy=pl.DataFrame(),
        days_in_month=30,
    )


def cells(*shares: float) -> pl.DataFrame:
    """Operators of 1,000 bytes each, of which such a share is under domestic control; unsampled."""
    rows: list[dict[str, Any]] = []
    for number, share in enumerate(shares):
        for amount, control in ((round(1000 * share), "XA"), (round(1000 * (1 - share)), "US")):
            rows.append(
                {
                    "operator": f"net-{number}",
                    "bytes": amount,
                    "control": control,
                    "remote_country": control,
                    "location_rung": "database",
                }
            )
    return frame(rows).with_columns(pl.lit(1.0).alias("counted"))


def limits(coverage: float | None, *shares: float, indicator: str = "J3") -> Observation:
    where, month = context(coverage), cells(*shares)
    chosen = {indicator: CATALOGUE[indicator]}
    read = MonthCells.read(month, where)
    observed = {indicator: CATALOGUE[indicator].observe(read)}
    return with_economy_limits(observed, Jackknife(observed, chosen, month, read))[indicator][0]


def test_limits_by_hand() -> None:
    """Shares 0.1, 0.2, 0.3, 0.4 of operators of one size; half of the people are covered.

    The share is 0.25. Without one operator after the other it is 0.3, 0.26667, 0.23333, 0.2: mean 0.25, squares of the deviations
    0.0025 + 0.000278 + 0.000278 + 0.0025 = 0.005556. Jackknife variance 3/4 · 0.005556 = 0.0041667, which for a mean is s²/n =
    0.016667/4. Half of it counts; the root is 0.045644, times Student's t of 3 degrees of freedom (3.182446) 0.145258.
    """
    answer = limits(0.5, 0.1, 0.2, 0.3, 0.4)
    assert answer.value == pytest.approx(0.25)
    assert answer.low == answer.high == pytest.approx(0.25)
    reach = 3.182446 * math.sqrt(0.5 * 0.75 * 2 * (0.05**2 + (1 / 60) ** 2))
    assert reach == pytest.approx(0.145258, abs=1e-6)
    assert answer.details[ECONOMY_LOW] == pytest.approx(0.25 - reach, abs=1e-5)
    assert answer.details[ECONOMY_HIGH] == pytest.approx(0.25 + reach, abs=1e-5)


def test_what_is_exchanged_with_networks_that_do_not_report_is_less_of_the_economy() -> None:
    """Of 1,000 bytes 200 are exchanged and count whole: 0.2 is domestic. Were all to report, 100 of 900: 0.0889 less."""
    where = context(0.5)
    month = cells(0.2, 0.2, 0.2).with_columns(exchange=pl.col("control") == "XA")
    chosen = {"J3": CATALOGUE["J3"]}
    for counted, moved in ((1.0, 0.2 - 100 / 900), (0.5, 0.0)):
        frame_of = month.with_columns(
            counted=pl.when("exchange").then(counted).otherwise(1.0),
            bytes=pl.col("bytes") * pl.when("exchange").then(counted).otherwise(1.0),
        )
        read = MonthCells.read(frame_of, where)
        observed = {"J3": CATALOGUE["J3"].observe(read)}
        (told,) = with_economy_limits(observed, Jackknife(observed, chosen, frame_of, read))["J3"]
        assert told.value is not None
        assert told.details[ECONOMY_LOW] == pytest.approx(told.value - moved, abs=1e-5)
        assert told.details[ECONOMY_HIGH] == pytest.approx(told.value + moved, abs=1e-5)


def test_of_operators_all_alike_the_economy_is_like_them() -> None:
    answer = limits(0.2, 0.3, 0.3, 0.3)
    assert (answer.details[ECONOMY_LOW], answer.details[ECONOMY_HIGH]) == pytest.approx((0.3, 0.3))


@pytest.mark.parametrize("coverage", [1.0, 1.3])
def test_where_all_people_are_covered_the_limits_are_those_of_the_value(coverage: float) -> None:
    answer = limits(coverage, 0.1, 0.2, 0.6)
    assert answer.details[ECONOMY_LOW] == answer.low
    assert answer.details[ECONOMY_HIGH] == answer.high


def test_less_coverage_makes_them_wider() -> None:
    wide, narrow = limits(0.1, 0.1, 0.2, 0.3), limits(0.9, 0.1, 0.2, 0.3)
    assert wide.details[ECONOMY_LOW] < narrow.details[ECONOMY_LOW] < wide.value  # type: ignore[operator]
    assert wide.details[ECONOMY_HIGH] > narrow.details[ECONOMY_HIGH] > wide.value  # type: ignore[operator]


def test_they_stay_in_the_range_of_the_indicator() -> None:
    answer = limits(0.1, 0.0, 0.02, 0.9)
    assert answer.details[ECONOMY_LOW] == 0.0
    assert answer.details[ECONOMY_HIGH] == 1.0


@pytest.mark.parametrize(("coverage", "shares"), [(0.5, (0.1, 0.9)), (None, (0.1, 0.2, 0.3))])
def test_two_operators_tell_nothing_nor_does_anybody_undeclared(
    coverage: float | None, shares: tuple[float, ...]
) -> None:
    answer = limits(coverage, *shares)
    assert ECONOMY_LOW not in answer.details
    assert ECONOMY_HIGH not in answer.details


def test_an_operator_without_traffic_out_or_in_is_none() -> None:
    where, month = context(0.5), cells(0.1, 0.2, 0.3)
    silent = month.with_columns(
        pl.when(pl.col("operator") == "net-2")
        .then(pl.lit("internal"))
        .otherwise("direction")
        .alias("direction")
    )
    more = pl.concat([month, silent.filter(direction="internal").with_columns(operator=pl.lit("net-9"))])
    told = {}
    for name, frame_of in (("three", month), ("two", silent), ("and one silent", more)):
        read = MonthCells.read(frame_of, where)
        observed = {"J3": J3.observe(read)}
        told[name] = with_economy_limits(observed, Jackknife(observed, {"J3": J3}, frame_of, read))["J3"][
            0
        ].details
    assert ECONOMY_LOW not in told["two"]
    assert told["and one silent"] == told["three"]
    assert ECONOMY_LOW in told["three"]


def test_what_only_one_operator_carries_has_none() -> None:
    """Without it there is no value to compare with."""
    where = context(0.5)
    month = pl.concat([cells(0.0, 0.0, 0.5).filter(pl.col("bytes") > 0)])
    read = MonthCells.read(month, where)
    observed = {"J4": CATALOGUE["J4"].observe(read)}
    answers = with_economy_limits(observed, Jackknife(observed, {"J4": CATALOGUE["J4"]}, month, read))["J4"]
    by_jurisdiction = {each.dimension: each.details for each in answers}
    assert ECONOMY_LOW in by_jurisdiction["US"]
    assert ECONOMY_LOW not in by_jurisdiction["XA"]


def test_money_and_what_is_insufficient_have_none() -> None:
    where, month = context(0.5), cells(0.1, 0.2, 0.3)
    chosen = {name: CATALOGUE[name] for name in ("V2", "V4", "J8", "C6", "J3")}
    read = MonthCells.read(month, where)
    observed = {name: each.observe(read) for name, each in chosen.items()}
    answers = with_economy_limits(observed, Jackknife(observed, chosen, month, read))
    told = {name for name, each in answers.items() if any(ECONOMY_LOW in one.details for one in each)}
    assert told == {"J3"}


def test_many_operators_are_left_out_in_ten_groups() -> None:
    """Of twenty operators of one size the first and the eleventh by name go together, and so on.

    With shares that repeat after ten, the groups have the shares 0.1 … 0.28; leaving one out moves the mean 0.19 by a ninth of the
    group's deviation: squares add up to Σ(d/9)² = 0.033/81, times 9/10, half of it counts; t of 9 degrees of freedom is 2.262157.
    """
    order = sorted(range(20), key=lambda number: f"net-{number}")
    shares = {number: 0.1 + 0.02 * (place % 10) for place, number in enumerate(order)}
    answer = limits(0.5, *(shares[number] for number in range(20)))
    reach = 2.262157 * math.sqrt(0.5 * 0.9 * 0.033 / 81)
    assert answer.details[ECONOMY_LOW] == pytest.approx(0.19 - reach, abs=1e-6)
    assert answer.details[ECONOMY_HIGH] == pytest.approx(0.19 + reach, abs=1e-6)


def test_what_is_left_without_an_operator_is_what_the_others_carry() -> None:
    """The quick way, taking away from the cells, and the long one, reading the others', say the same."""
    where, month = context(0.5), cells(0.1, 0.25, 0.5, 0.9)
    read = MonthCells.read(month, where)
    group = pl.col("operator").replace_strict({f"net-{n}": n for n in range(4)}, return_dtype=pl.Int64)
    for number, quick in enumerate(read.without_each(month, group)):
        long = MonthCells.read(month.filter(pl.col("operator") != f"net-{number}"), where)
        for name in ("J1", "J3", "J4", "J7", "J9", "C1", "C2", "C4", "C7", "P3"):
            one, other = (
                {each.dimension: (each.value, each.low, each.high) for each in CATALOGUE[name].observe(of)}
                for of in (quick, long)
            )
            assert {key: pytest.approx(value) for key, value in other.items()} == one


def test_networks_that_nobody_lists_need_not_be_told_apart() -> None:
    """With and without the ways that traffic takes, for which they are, the limits are the same."""
    month = cells(0.1, 0.25, 0.5).with_columns(
        pl.Series("remote_asn", [64500, 15169, 64501, 15169, 64502, 64500]),
        pl.Series("network_kind", ["", "platform", "", "platform", "", ""]),
        pl.Series("platform", ["", "search", "", "search", "", ""]),
    )
    told = []
    for paths in (None, pl.DataFrame()):
        where = replace(context(0.5), paths=paths)
        read = MonthCells.read(month, where)
        chosen = {
            name: CATALOGUE[name] for name in ("J1", "J3", "J4", "J7", "J9", "C1", "C2", "C3", "C4", "P3")
        }
        observed = {name: each.observe(read) for name, each in chosen.items()}
        told.append(with_economy_limits(observed, Jackknife(observed, chosen, month, read)))
    assert told[0] == told[1]
    assert ECONOMY_LOW in told[0]["C1"][0].details
