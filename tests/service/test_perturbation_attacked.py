"""Attacks by arithmetic: sampled packets are whole and of known rates, counts are whole, factors are drawn anew."""

import itertools
import math
import random
from pathlib import Path

import polars as pl
import pytest

from caudal.reference import Reference
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.confidentiality.publicaggregates import AGGREGATE_KEYS, aggregates
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.indicators.model.observation import ECONOMY_HIGH, ECONOMY_LOW
from caudal.service.migration.migration import migrate
from caudal.service.perturbation.factors import Factors
from caudal.service.perturbation.perturbation import as_told, coarse_count, perturbed
from caudal.service.store.store import Store
from caudal.service.vocabulary.reason import reason
from tests.support.samples import NOW

from .test_perturbation import REACH, measured, month_facts

RATE = 1000
FACTORS = {"net-0": 0.97, "net-1": 1.06, "net-2": 0.93}


def sampled(operators: int, cells: dict[int, int]) -> pl.DataFrame:
    """So many sampled packets of a kilobyte by each operator from each network, one flow record each."""
    rows = [
        {
            "operator": f"net-{operator}",
            "direction": "in",
            "remote_asn": network,
            "remote_country": "US",
            "location_rung": "operator",
            "service": "",
            "sampling_from": "options",
            "folded": False,
            "bytes": packets * RATE * 1000.0,
            "packets": float(packets * RATE),
            "flows": float(packets),
            "bytes_variance": packets * RATE * (RATE - 1) * 1e6,
        }
        for operator, (network, packets) in itertools.product(range(operators), cells.items())
    ]
    return pl.DataFrame(rows)


CELLS = {64500: 10**6, 64501: 10**6, 64502: 1, 64503: 2, 64504: 5}


def test_cells_of_few_sampled_packets_are_told_in_the_rest_only() -> None:
    """Of one sampled packet each, 1000·(f₁ + f₂ + f₃) packets: a few such cells tell the factors."""
    shown = aggregates(perturbed(sampled(3, CELLS), FACTORS), Rule(), moved=True)
    assert shown.objection is None
    assert set(shown.rows["remote_asn"]) == {0, 64501}
    [rest] = shown.rows.filter(pl.col("remote_asn") == 0).iter_rows(named=True)
    assert (rest["cells"], rest["packets"]) == (4, 2_960_000_000)


def test_a_rest_of_few_flow_records_has_no_sums() -> None:
    shown = aggregates(perturbed(sampled(3, {64502: 1, 64503: 2}), FACTORS), Rule(), moved=True)
    [rest] = shown.rows.iter_rows(named=True)
    assert (rest["cells"], rest["bytes"], rest["packets"], rest["flows"]) == (2, None, None, None)


def test_shares_of_few_sampled_packets_are_told_in_the_rest_only() -> None:
    """Of one operator, the share of one packet is that packet over all its traffic, whatever the factor."""
    shown = aggregates(perturbed(sampled(1, CELLS), FACTORS), Rule(), moved=True)
    assert shown.objection is not None
    assert sorted(shown.rows["cells"]) == [1, 1, 3]
    assert shown.rows.columns[: len(AGGREGATE_KEYS)] == list(AGGREGATE_KEYS)
    assert shown.rows["bytes"].to_list() == [None, None, None]
    bare = aggregates(sampled(1, CELLS), Rule())
    assert bare.rows.height == len(CELLS)


@pytest.mark.parametrize("operators", [1, 3])
def test_more_traffic_sampled_at_the_same_rate_looks_the_same(reference: Reference, operators: int) -> None:
    """The sampling variance of c times the traffic is c times as large: intervals do not tell which it is."""
    facts = month_facts(random.Random(4), operators).with_columns(
        pl.col("bytes", "packets", "flows").cast(pl.Float64), bytes_variance=pl.col("bytes") * 1024e6
    )
    more = pl.when(pl.col("operator") == "net-0").then(9 / 8).otherwise(1.0)
    other = facts.with_columns(pl.col("bytes", "packets", "flows", "bytes_variance") * more)
    factors = {f"net-{number}": 1.0 for number in range(operators)}
    one = measured(reference, facts, {**factors, "net-0": 135 / 128}, Rule())
    two = measured(reference, other, {**factors, "net-0": 15 / 16}, Rule())
    assert one == two
    [told, *_] = one.observations["J4"]
    assert told.high - told.low > 0.001, "sampling must show for this to show anything"


def test_whatever_the_factor_every_count_could_be_told() -> None:
    """In whole products of whole numbers gaps show: by a factor of 1.1 no 5 comes of anything."""
    counts = range(0, 3000)
    for factor in (1 / REACH, 0.95, 1.0, 1.03, REACH):
        told = {coarse_count(factor * count) for count in counts}
        assert set(range(0, 2000, 10)) <= told
        assert all(each % 10 == 0 for each in told)
    assert [coarse_count(each) for each in (0.0, 4.9, 37.0, 123456.0)] == [0, 0, 40, 123500]


def test_too_few_flow_records_are_told_in_tens() -> None:
    definition = CATALOGUE["J4"].definition
    assert definition.minimum_flows == 100
    few = Observation(
        "J4", "US", None, None, None, 0.1, None, 97, (), reason("too_few_flows", minimum=100, flows=97), {}
    )
    told = as_told(few, definition)
    assert (told.flows, told.reason) == (90, "needs at least 100 flow records, has 90")


def test_limits_of_the_economy_are_rounded_outwards() -> None:
    details = {ECONOMY_LOW: 0.12348, ECONOMY_HIGH: 0.45672}
    whole = Observation("J4", "US", 0.3, 0.12348, 0.45672, 0.1, 0.5, 5000, (), None, details)
    told = as_told(whole, CATALOGUE["J4"].definition)
    assert told.details == {ECONOMY_LOW: 0.1234, ECONOMY_HIGH: 0.4568}
    assert (told.low, told.high) == (0.1234, 0.4568)


def test_a_factor_for_a_larger_percent_leaves_what_the_smaller_left(tmp_path: Path) -> None:
    """Drawn apart, the two amounts that are told could have one single traffic in common."""
    lots = itertools.cycle([1.0, -1.0, -1.0, 1.0])
    with Store(f"chdb://{tmp_path}/store") as store:
        migrate(store, lambda: NOW)
        factors = Factors(store, lambda: NOW, lambda: next(lots))
        before = [factors.of("UY", ["a", "b"], 10.0), factors.of("UY", ["a", "b"], 20.0)]
        for name in ("a", "b"):
            least = max(each.factors[name] / each.reach for each in before)
            most = min(each.factors[name] * each.reach for each in before)
            assert most / least >= REACH**2 * (1 - 1e-9)
            assert least <= 1 + 1e-9
            assert most >= 1 - 1e-9


@pytest.mark.parametrize("operators", [2, 3, 12])
def test_intervals_hold_the_bounds_as_well_as_the_value(reference: Reference, operators: int) -> None:
    """Where the unknown were all here, or all there, the exact bound is the truth: 95 % of these are meant as well."""
    lot = random.Random(f"bounds {operators}")
    held = counted = 0
    for _ in range(20):
        facts = month_facts(lot, operators)
        dark = pl.when(pl.col("remote_asn") == 64500).then(pl.lit("ZZ")).otherwise("remote_country")
        facts = facts.with_columns(remote_country=dark)
        factors = {name: REACH ** lot.uniform(-1, 1) for name in sorted(facts["operator"].unique())}
        moved = measured(reference, facts, factors, Rule(1, 0.0))
        truth = measured(reference, facts, {}, Rule(1, 0.0))
        for name in ("J3", "J4", "C1", "C4"):
            for true, told in zip(truth.observations[name], moved.observations[name], strict=False):
                if true.dimension == told.dimension and true.low is not None and told.low is not None:
                    held += told.low <= true.low + 1e-9 and told.high >= true.high - 1e-9
                    counted += 1
    assert held / counted > 0.9


def test_a_small_second_operator_makes_no_wide_interval(reference: Reference) -> None:
    """One carries a hundred times as much: its shares stand nearly still, though without it they were others."""
    facts = month_facts(random.Random(7), 2)
    size = pl.when(pl.col("operator") == "net-0").then(pl.col("bytes") * 100).otherwise("bytes")
    facts = facts.with_columns(bytes=size)
    moved = measured(reference, facts, {"net-0": 1.05, "net-1": 0.95}, Rule(1, 0.0))
    truth = measured(reference, facts, {}, Rule(1, 0.0))
    for name in ("J3", "C2"):
        [true, *_], [told, *_] = truth.observations[name], moved.observations[name]
        assert (told.high - told.low) - (true.high - true.low) < 0.005, name
        assert math.isclose(told.value, true.value, abs_tol=0.002)
