"""J1 to J5 and J9 against a month worked by hand."""

import math

import pytest
from scipy.stats import beta

from caudal.service.indicators import CATALOGUE

Z = 1.959964


@pytest.fixture(scope="module")
def month(cell, cells):
    """1,000 bytes of economy XA, no sampling; in brackets location (rung) and control.

    shop 100 [XA (operator), XA], films 200 [XA (database), US] in 200 networks of a byte each, search 300 [US, US],
    shorts 150 [BR, CN], unattributed 50 [BR, ?], cache 150 [anycast, US], and 50 [?, ?]. Internal traffic is left out.
    """
    return cells(
        [
            cell(100, "XA", "operator", "shop", direction="out"),
            *(cell(1, "XA", "database", "films", remote_asn=64500 + n, flows=5) for n in range(200)),
            cell(300, "US", "database", "search"),
            cell(150, "BR", "database", "shorts", direction="out"),
            cell(50, "BR", "database"),
            cell(150, "ZZ", "anycast", "cache"),
            cell(50, "ZZ", "unknown"),
            cell(10**9, "XA", "operator", "shop", direction="internal"),
            cell(10**9, "ZZ", "unknown", direction="transit"),
        ]
    )


def test_domestic_location_share(month, context, only):
    answer = only(CATALOGUE["J1"].compute(month, context()))
    assert answer.value == pytest.approx(300 / 800)
    assert answer.flows == 5000
    details = answer.details
    assert (details["bound_low"], details["bound_high"]) == pytest.approx((0.3, 0.5))
    assert (details["sampling_low"], details["sampling_high"]) == pytest.approx((0.375, 0.375))
    # Of 700 bytes located by the database 200 are domestic: p* = (200/700 − 0.002) / 0.771
    corrected = (200 / 700 - 0.002) / 0.771
    assert details["corrected"] == pytest.approx((100 + 700 * corrected) / 800)
    assert details["database_share"] == pytest.approx(700 / 800)
    # Low end: no unlocated byte inside. High end: all 200 of them, Sp = 1, the error of Se itself, and that of
    # 200 networks found of about 259, at the upper limit of how many there are.
    assert answer.low == pytest.approx(0.3)
    most = (200 / 700) / 0.773
    error = most / 0.773 * math.sqrt(0.773 * 0.227 / 3000)
    by_network = math.sqrt(0.227 * 200) / (700 * 0.773) / (1 - Z * math.sqrt(0.227 / (0.773 * 200)))
    half = Z * 0.7 * math.hypot(error, by_network)
    assert answer.high == pytest.approx((100 + 700 * most + 200) / 1000 + half, abs=1e-6)
    assert answer.flags == ("accuracy_extrapolated", "from_memory")
    assert details["from_memory_location_share"] == pytest.approx(0.15)


def test_a_share_found_in_one_network_says_little(cell, cells, context, only):
    """What if its other networks, of the same size, were all placed elsewhere? What was found is there all the same."""
    few, many = (
        cells(
            [cell(200 // n, "XA", "database", "films", remote_asn=64500 + k) for k in range(n)]
            + [cell(800, "US", "database", "search")]
        )
        for n in (1, 200)
    )
    narrow, wide = (only(CATALOGUE["J1"].compute(each, context())) for each in (many, few))
    assert narrow.value == wide.value == pytest.approx(0.2)
    assert narrow.low == pytest.approx(0.2)
    # but for what was placed there wrongly: 0.002 of all
    assert wide.low == pytest.approx(0.198, abs=1e-4)
    assert narrow.high < 0.35 < 0.99 < wide.high


def test_locations_by_exact_rungs_are_not_corrected(cell, cells, context, only):
    exact = cells([cell(300, "XA", "operator", "shop"), cell(700, "US", "cloud", "search")])
    answer = only(CATALOGUE["J1"].compute(exact, context()))
    assert (answer.low, answer.value, answer.high) == pytest.approx((0.3, 0.3, 0.3))
    assert answer.details["corrected"] == pytest.approx(0.3)


def test_an_anycast_address_has_no_location_whatever_country_it_is_given(cell, cells, context, only):
    odd = cells([cell(100, "XA", "anycast", "cache"), cell(100, "US", "database", "search")])
    answer = only(CATALOGUE["J1"].compute(odd, context()))
    assert answer.value == 0.0
    assert answer.details["bound_high"] == pytest.approx(0.5)


def test_sampling_widens_a_location_share_to_that_of_as_many_units_as_tell_it_that_well(
    cell, cells, context, accuracy, only
):
    # S = 0.25 of 400: V = ((0.75)²·100 + (0.25)²·800) / 400² = 106.25/160 000, as of S(1 − S)/V = 282.35 units,
    # 70.59 of them inside (Korn & Graubard 1998, limits of Clopper & Pearson 1934)
    sampled = cells(
        [
            cell(100, "XA", "operator", "shop", bytes_variance=100.0),
            cell(300, "US", "cloud", "search", bytes_variance=800.0),
        ]
    )
    answer = only(CATALOGUE["J1"].compute(sampled, context(accuracy=accuracy.clear())))
    units = 0.25 * 0.75 * 160_000 / 106.25
    inside, outside = units / 4, units * 3 / 4
    limits = beta.ppf(0.025, inside, outside + 1), beta.ppf(0.975, inside + 1, outside)
    assert (answer.low, answer.high) == pytest.approx(limits, abs=1e-6)


def test_without_a_measured_accuracy_nothing_is_corrected(month, context, country, only):
    answer = only(CATALOGUE["J1"].compute(month, context(country("US"), region_members=frozenset({"US"}))))
    assert "accuracy_unmeasured" in answer.flags
    assert "sensitivity" not in answer.details
    assert answer.details["corrected"] == pytest.approx(answer.value)


def test_regional_location_share_counts_the_country_and_its_neighbours(month, context, only):
    answer = only(CATALOGUE["J2"].compute(month, context()))
    assert answer.value == pytest.approx(500 / 800)
    without_itself = context(region_members=frozenset({"BR", "CL", "CO", "MX"}))
    assert only(CATALOGUE["J2"].compute(month, without_itself)).value == pytest.approx(500 / 800)


def test_regional_location_share_needs_a_region(month, context, only):
    answer = only(CATALOGUE["J2"].compute(month, context(region_members=frozenset(), region_group="")))
    assert answer.value is None
    assert "no country group" in answer.reason


def test_domestic_control_share_is_bounded_by_unknown_operators(month, context, only):
    answer = only(CATALOGUE["J3"].compute(month, context()))
    assert (answer.low, answer.value, answer.high) == pytest.approx((0.1, 0.1, 0.2))
    assert answer.details == pytest.approx({"operator_unknown": 0.1, "sole": 0.1, "reached": 0.1})


def test_control_by_jurisdiction_is_sorted_and_adds_up(month, context):
    answers = CATALOGUE["J4"].compute(month, context())
    assert [(a.dimension, a.value) for a in answers] == [
        ("US", pytest.approx(0.65)),
        ("CN", pytest.approx(0.15)),
        ("XA", pytest.approx(0.1)),
    ]
    assert [a.high for a in answers] == pytest.approx([0.75, 0.25, 0.2])
    assert sum(a.value for a in answers) + answers[0].details["operator_unknown"] == pytest.approx(1)
    domestic = CATALOGUE["J3"].compute(month, context())[0]
    assert (answers[2].low, answers[2].value, answers[2].high) == (
        domestic.low,
        domestic.value,
        domestic.high,
    )


def test_location_control_gap(month, context, only):
    answer = only(CATALOGUE["J5"].compute(month, context()))
    assert answer.value == pytest.approx(0.2)
    details = answer.details
    assert details["conditional"] == pytest.approx(200 / 300)
    # DLS 0.3 and foreign control 0.8 of all bytes allow 0.1 to 0.3.
    assert (details["frechet_low"], details["frechet_high"]) == pytest.approx((0.1, 0.3))
    # Could belong to it: the cache (no location) and the bytes with neither; not the 50 located in BR.
    assert (details["bound_low"], details["bound_high"]) == pytest.approx((0.2, 0.4))
    # films 200 of the 650 bytes that the database located and that are under foreign control
    corrected = 650 * (200 / 650 - 0.002) / 0.771 / 1000
    assert details["corrected"] == pytest.approx(corrected)
    assert answer.low == pytest.approx(0.2)
    assert answer.high > details["bound_high"]


def test_undetermined_share_counts_each_byte_once(month, context, only):
    answer = only(CATALOGUE["J9"].compute(month, context()))
    assert answer.value == pytest.approx(0.25)
    assert answer.undetermined == answer.value
    assert answer.details == pytest.approx(
        {
            "location_unknown": 0.05,
            "anycast": 0.15,
            "operator_unknown": 0.1,
            "both_unknown": 0.05,
            "from_memory_location_share": 0.15,
        }
    )
    parts = answer.details
    together = parts["location_unknown"] + parts["anycast"] + parts["operator_unknown"]
    assert together - parts["both_unknown"] == pytest.approx(answer.value)


def test_undetermined_share_of_a_small_sample_is_shown_all_the_same(cell, cells, context, only):
    few = cells([cell(10, "ZZ", "unknown", flows=2)])
    assert only(CATALOGUE["J9"].compute(few, context())).value == 1.0


def test_a_month_without_any_location_has_no_location_share(cell, cells, context, only):
    nowhere = cells([cell(10, "ZZ", "anycast", "cache")])
    answer = only(CATALOGUE["J1"].compute(nowhere, context()))
    assert answer.value is None
    assert answer.reason == "needs at least 100 flow records, has 0"
    assert answer.undetermined == 1.0
