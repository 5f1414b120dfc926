"""What must hold of any month."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.service.indicators import CATALOGUE, compute_all
from caudal.service.indicators.facts.paths import paths
from caudal.service.indicators.facts.routing import ROUTES
from caudal.service.indicators.groups.centralisation import emd
from caudal.service.indicators.groups.dependency import trimmed_influence, trimmed_mean
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.functions import FUNCTIONS

COUNTRIES = ("XA", "BR", "US", "ZZ")
RUNGS = ("operator", "cloud", "anycast", "database", "disagreement", "unknown")
PLATFORMS = ("", "", "search", "films", "cache", "shorts", "shop", "sensors", "meter")
WIDENED = [name for name in CATALOGUE if name != "J9"]

rows = st.lists(
    st.fixed_dictionaries(
        {
            "bytes_": st.integers(0, 10**12).map(lambda n: 2 * n),
            "country": st.sampled_from(COUNTRIES),
            "rung": st.sampled_from(RUNGS),
            "platform": st.sampled_from(PLATFORMS),
            "direction": st.sampled_from(("out", "in", "in", "internal")),
            "remote_asn": st.sampled_from((0, 64500, 64501, 64502)),
            "sampling_from": st.sampled_from(("options", "assumed", "unsampled")),
            "flows": st.integers(0, 500).map(lambda n: 2 * n),
            "packets": st.sampled_from((0, 2, 10**4, 10**7, 10**9, 10**10)),
            "relative_deviation": st.sampled_from((0.0, 0.0, 0.01, 0.3, 5.0)),
            "listed": st.booleans(),
        }
    ),
    min_size=1,
    max_size=25,
)
quick = settings(max_examples=40)


@pytest.fixture(scope="module")
def build(cell, cells):
    def make(drawn, sampled=True):
        made = []
        for one in drawn:
            row = dict(one)
            deviation, listed = row.pop("relative_deviation"), row.pop("listed")
            row["bytes_variance"] = (deviation * row["bytes_"]) ** 2 if sampled else 0.0
            if listed and not row["platform"] and row["remote_asn"]:
                row |= {"network_kind": "access", "control": "BR"}
            made.append(cell(**row))
        return cells(made)

    return make


def same(first, second):
    """Whether two sets of observations are equal up to the order of summation."""
    assert [(a.indicator, a.dimension, a.reason, a.flows, a.flags) for a in first] == [
        (a.indicator, a.dimension, a.reason, a.flows, a.flags) for a in second
    ]
    for a, b in zip(first, second, strict=True):
        if a.value is not None:
            assert (a.low, a.value, a.high) == pytest.approx((b.low, b.value, b.high), rel=1e-9, abs=1e-9)
            assert a.details == pytest.approx(b.details, rel=1e-9, abs=1e-9)
    return True


@quick
@given(drawn=rows)
def test_answers_are_finite_ordered_and_in_range(build, context, drawn):
    for answer in compute_all(build(drawn), context()):
        if answer.value is None:
            assert answer.reason
            assert answer.low is None and answer.high is None
            continue
        definition = CATALOGUE[answer.indicator].definition
        least, greatest = definition.range
        assert answer.reason is None
        assert answer.flows >= definition.minimum_flows
        assert least - 1e-9 <= answer.low <= answer.value <= answer.high
        assert answer.high <= (math.inf if greatest is None else greatest + 1e-9)
        assert answer.high < math.inf
        assert all(math.isfinite(number) for number in answer.details.values())
        assert 0 <= answer.undetermined <= 1


@quick
@given(drawn=rows)
def test_control_shares_and_the_unknown_make_one(build, context, drawn):
    answers = [a for a in CATALOGUE["J4"].compute(build(drawn), context()) if a.value is not None]
    if answers:
        total = sum(a.value for a in answers) + answers[0].details["operator_unknown"]
        assert total == pytest.approx(1)


@quick
@given(drawn=rows)
def test_the_index_lies_between_equal_shares_and_one_owner(build, context, drawn):
    indices = CATALOGUE["C1"].compute(build(drawn), context())
    numbers = CATALOGUE["C3"].compute(build(drawn), context())
    for answer, number in zip(indices, numbers, strict=True):
        assert answer.dimension == number.dimension
        if answer.value is not None:
            assert 1 / answer.details["providers"] - 1e-9 <= answer.value <= 1 + 1e-9
            assert (
                answer.value <= answer.details["by_company"] + 1e-9 or answer.details["provider_unknown"] > 0
            )
            assert 1 - 1e-9 <= number.value <= answer.details["providers"] + 1e-9


@quick
@given(drawn=rows)
def test_payload_to_elsewhere_adds_up_and_is_no_more_than_what_left(build, context, drawn):
    answers = [a for a in CATALOGUE["V2"].compute(build(drawn), context()) if a.value is not None]
    if answers:
        whole, parts = answers[0], answers[1:]
        functions = [a for a in parts if a.dimension in FUNCTIONS]
        assert sum(a.value for a in functions) == pytest.approx(whole.value, abs=1e-12)
        assert sum(a.value for a in parts if a not in functions) == pytest.approx(whole.value, abs=1e-12)
        assert whole.details["headers_low"] <= whole.value * (1 + 1e-9)
        assert whole.value <= whole.details["headers_high"] * (1 + 1e-9)
        assert whole.details["headers_high"] <= whole.details["bytes_elsewhere"] * (1 + 1e-9)
        assert whole.details["bytes_elsewhere"] <= whole.details["total_outflow"] * (1 + 1e-9)
        assert whole.details["to_observers"] <= whole.value * (1 + 1e-9)


@quick
@given(drawn=rows)
def test_what_a_refusal_loses_of_the_functions_is_what_it_loses_of_all(build, context, drawn):
    found = CATALOGUE["C7"].compute(build(drawn), context())
    answers = {a.dimension: a for a in found if a.dimension is not None and a.value is not None}
    for code in [name for name in answers if len(name) == 2]:
        own = [a for a in found if (a.dimension or "").startswith(f"{code}-")]
        if own and all(a.value is not None for a in own):
            whole = answers[code]
            lost = sum(a.value * a.details["share_of_services"] for a in own)
            assert lost == pytest.approx(whole.value * whole.details["share_of_services"])
            assert whole.details["without_substitute"] <= whole.value + 1e-9


@quick
@given(drawn=rows)
def test_the_gap_keeps_the_frechet_bounds(build, context, drawn):
    (answer,) = CATALOGUE["J5"].compute(build(drawn), context())
    if answer.value is not None:
        assert answer.details["frechet_low"] - 1e-9 <= answer.value <= answer.details["frechet_high"] + 1e-9


@quick
@given(drawn=rows)
def test_the_region_holds_at_least_the_country(build, context, drawn):
    (country,) = CATALOGUE["J1"].compute(build(drawn), context())
    (region,) = CATALOGUE["J2"].compute(build(drawn), context())
    if country.value is not None:
        assert region.value >= country.value - 1e-9


@quick
@given(drawn=rows, random=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(build, context, drawn, random):
    shuffled = list(drawn)
    random.shuffle(shuffled)
    assert compute_all(build(drawn), context()) == compute_all(build(shuffled), context())


@quick
@given(drawn=rows)
def test_the_split_of_the_cells_does_not_matter(build, context, drawn):
    whole = build(drawn)
    half = whole.with_columns(
        pl.col("bytes", "packets", "flows") // 2, pl.col("bytes_variance") / 2, operator=pl.lit("other")
    )
    assert same(compute_all(whole, context()), compute_all(pl.concat([half, half]), context()))


@quick
@given(drawn=rows, more=st.integers(1, 10**12))
def test_intervals_widen_as_the_undetermined_share_grows(build, cell, cells, context, accuracy, drawn, more):
    """Without sampling error, of packets or of the accuracy measured: those shrink as the whole grows."""
    month = build(drawn, sampled=False)
    unknown = cells([cell(more, "ZZ", "unknown", direction="out", flows=100)])
    exact = context(accuracy=accuracy.clear())
    before = {(a.indicator, a.dimension): a for a in compute_all(month, exact)}
    for after in compute_all(pl.concat([month, unknown]), exact):
        earlier = before.get((after.indicator, after.dimension))
        if after.indicator not in WIDENED or earlier is None or earlier.value is None:
            continue
        slack = 1e-9 * max(1.0, earlier.high)
        assert after.undetermined >= earlier.undetermined - 1e-9
        assert after.low <= earlier.low + slack
        assert after.high >= earlier.high - slack


@quick
@given(drawn=rows, more=st.integers(1, 10**12))
def test_more_traffic_under_domestic_control_raises_its_share(build, cell, cells, context, drawn, more):
    month = build(drawn)
    national = cells([cell(more, "XA", "operator", "shop", direction="out", flows=100)])
    (before,) = CATALOGUE["J3"].compute(month, context())
    (after,) = CATALOGUE["J3"].compute(pl.concat([month, national]), context())
    if before.value is not None:
        assert after.value >= before.value - 1e-9


# What needs facts, paths or routes besides the flows, or reads who could command a cell from them.
INFORMED = ("J3", "J4", "J5", "J6", "J7", "J8", "C1", "C2", "C5", "C6", "C7", "P1", "P2", "P3")


@pytest.fixture(scope="module")
def informed(context, companies, table):
    """A context that holds everything a deployment could supply."""
    laws = table(
        "jurisdiction kind year extraterritorial reaches_content in_force exposure_weight_proposal status",
        ("US", "national", 2018, "yes", True, "yes", 1.0, "verified"),
        ("CN", "national", 2021, "partly", True, "yes", 0.8, "verified"),
        ("BR", "national", 2014, "yes", False, "partly", 0.5, "from_memory"),
        ("XA", "national", 2014, "partly", True, "yes", 0.3, "verified"),
    )
    decisions = table(
        "regime country covers level date expires",
        ("XA", "BR", "country", "adequate", date(2020, 1, 1), None),
        ("XA", "US", "country", "adequate_partial", date(2020, 1, 1), None),
        ("EU", "US", "country", "adequate", date(2020, 1, 1), None),
    )
    neighbours = table(
        "economy remote_country bytes bytes_variance flows",
        ("BR", "XA", 10**9, 1e12, 900),
        ("BR", "US", 10**9, 1e12, 900),
        ("BR", "ZZ", 10**8, 0.0, 900),
    )
    ways = table("remote_asn countries as_path", (64500, "US BR", "3356"), (64501, "BR ZZ", "64501 64777"))
    table_of_routes = pl.DataFrame(
        [(v, 64500, [v, 3356 if v % 3 else 174, 64500], 100.0) for v in range(1, 13)],
        schema=ROUTES,
        orient="row",
    )
    counts = table("country unit provider count", ("XA", "domains", "A", 40), ("XA", "domains", "B", 9))
    return lambda **rest: context(
        facts={**companies, "access_laws": laws, "adequacy": decisions, "provider_counts": counts},
        paths=paths(ways),
        routes=table_of_routes,
        region_flows=neighbours,
        **rest,
    )


def answered(frame, known):
    month = MonthCells.read(frame, known)
    return [answer for name in INFORMED for answer in CATALOGUE[name].observe(month)]


@quick
@given(drawn=rows)
def test_informed_answers_are_finite_ordered_and_in_range(build, informed, drawn):
    for answer in answered(build(drawn), informed()):
        if answer.value is None:
            assert answer.reason
            continue
        least, greatest = CATALOGUE[answer.indicator].definition.range
        assert least - 1e-9 <= answer.low <= answer.value <= answer.high <= greatest + 1e-9
        assert all(math.isfinite(number) for number in answer.details.values())


@quick
@given(drawn=rows, random=st.randoms(use_true_random=False))
def test_informed_answers_know_neither_order_nor_split(build, informed, drawn, random):
    whole = build(drawn)
    shuffled = list(drawn)
    random.shuffle(shuffled)
    first = answered(whole, informed())
    assert first == answered(build(shuffled), informed())
    half = whole.with_columns(pl.col("bytes", "packets", "flows") // 2, pl.col("bytes_variance") / 2)
    assert same(first, answered(pl.concat([half, half]), informed()))


@quick
@given(drawn=rows)
def test_facts_about_companies_move_no_value_and_narrow_no_interval(build, context, companies, drawn):
    """Without sampling error: more bytes that could be reached may be known better than fewer."""
    frame = build(drawn, sampled=False)
    for name in ("J3", "J4", "J5", "C2", "C7", "P2"):
        plain = {a.dimension: a for a in CATALOGUE[name].compute(frame, context())}
        known = {a.dimension: a for a in CATALOGUE[name].compute(frame, context(facts=companies))}
        for dimension, before in plain.items():
            if before.value is not None:
                after = known[dimension]
                assert after.value == pytest.approx(before.value)
                assert after.low <= before.low + 1e-9 and after.high >= before.high - 1e-9


@quick
@given(drawn=rows)
def test_control_by_readings_is_nested_and_adds_up(build, context, companies, drawn):
    answers = [
        a for a in CATALOGUE["J4"].compute(build(drawn), context(facts=companies)) if a.value is not None
    ]
    for answer in answers:
        assert answer.details["sole"] <= answer.value + 1e-9 <= answer.details["reached"] + 2e-9
    if answers:
        assert sum(a.value for a in answers) + answers[0].details["operator_unknown"] == pytest.approx(1)
        assert sum(a.details["sole"] for a in answers) <= 1 + 1e-9


@quick
@given(drawn=rows, more=st.integers(1, 10**12))
def test_traffic_of_a_foreign_power_raises_its_exposure_and_its_denial(
    build, cell, cells, informed, drawn, more
):
    """More bytes that the heaviest law reaches never lower the exposure."""
    month = build(drawn)
    reached = cells([cell(more, "US", "operator", "search", direction="out", flows=100)])
    for scenario in ("proposal", "equal", "content_only"):
        before, after = (
            next((a for a in CATALOGUE["J7"].compute(each, informed()) if a.dimension == scenario), None)
            for each in (month, pl.concat([month, reached]))
        )
        if before is not None and before.value is not None:
            assert after.value >= before.value - 1e-9


@quick
@given(counts=st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_centralisation_lies_between_equal_parts_and_one_provider(counts):
    found = emd(np.array(counts, dtype=float))
    total = sum(counts)
    assert 1 / len(counts) - 1 / total - 1e-9 <= found.value <= 1 - 1 / total + 1e-9
    assert found.variance >= 0


@quick
@given(
    shares=st.lists(st.floats(0, 1), min_size=10, max_size=40),
    shift=st.floats(0, 0.5),
    random=st.randoms(use_true_random=False),
)
def test_a_trimmed_mean_is_monotone_and_knows_no_order(shares, shift, random):
    values = np.array([shares])
    mixed = list(shares)
    random.shuffle(mixed)
    (mean,) = trimmed_mean(values)
    assert min(shares) - 1e-12 <= mean <= max(shares) + 1e-12
    assert trimmed_mean(np.array([mixed]))[0] == pytest.approx(mean)
    assert trimmed_mean(values + shift)[0] == pytest.approx(mean + shift)
    assert abs(float(trimmed_influence(values).sum())) < 1e-9
