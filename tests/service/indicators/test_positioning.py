"""P1 to P4 against months worked by hand."""

import math
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups import positioningmap
from caudal.service.indicators.groups.positioningmap import kappa
from caudal.service.indicators.statistics.montecarlo import DRAWS

Z = 1.959964


@pytest.fixture(scope="module")
def month(cell, cells):
    """In: search (stage 4) 300, cache (3) 100. Out: search 50, sensors (1) 150. Unknown operators: in 100, out 50."""
    return cells(
        [
            cell(300, "US", "operator", "search"),
            cell(100, "US", "operator", "cache"),
            cell(50, "US", "operator", "search", direction="out"),
            cell(150, "BR", "operator", "sensors", direction="out"),
            cell(100, "BR", "operator"),
            cell(50, "BR", "operator", direction="out"),
            cell(500, "CL", "operator", network_kind="access", control="CL"),
        ]
    )


def ways(answers):
    """The observations of P1 by the way of the payload."""
    return {each.dimension: each for each in answers}


def test_where_material_is_processed_and_whose_services_come_back(cell, cells, context):
    """To search 500,000 bytes in 500 packets, to the country's shop 100,000 in 100; from either, and from films."""
    month = cells(
        [
            cell(500_000, "US", "operator", "search", direction="out", packets=500),
            cell(100_000, "XA", "operator", "shop", direction="out", packets=100),
            cell(1_000_000, "US", "operator", "search", packets=1000),
            cell(200_000, "XA", "operator", "shop", packets=200),
            cell(800_000, "US", "operator", "films", packets=800),
            cell(60_000, "BR", "operator", direction="out", packets=60),
            cell(50_000, "CL", "operator", direction="out", network_kind="access", control="CL"),
        ]
    )
    found = ways(CATALOGUE["P1"].compute(month, context()))
    sent, delivered = found["sent"], found["delivered"]
    # Both are 1,000 bytes to a packet, so that the share of the payload is that of the bytes.
    assert sent.value == pytest.approx(5 / 6)
    assert sent.details["own_country"] == pytest.approx(1 / 6)
    # 900 octets of each packet outside at least, 972 of each in the region, and the 60 that nobody lists; the reverse.
    least = 500 * 900 / (500 * 900 + 160 * 972)
    greatest = 560 * 972 / (560 * 972 + 100 * 900)
    assert (sent.low, sent.high) == pytest.approx((least, greatest))
    assert sent.details["headers_low"] == pytest.approx(4500 / (4500 + 972))
    assert sent.details["unlisted"] == pytest.approx(60 / 710)
    # 1,000 packets of search, 500 acknowledged out: half of each packet's worth; films acknowledged by nobody seen.
    assert delivered.value == pytest.approx(
        (1_000_000 - 250 * 60 - 750 * 52 + 800_000 - 800 * 52)
        / (1_000_000 - 250 * 60 - 750 * 52 + 800_000 - 800 * 52 + 200_000 - 50 * 60 - 150 * 52)
    )
    assert delivered.details["without_video"] == pytest.approx(1_000 / 1_200)


def test_the_limits_hold_who_may_control_a_platform(cell, cells, context, companies):
    """shorts is of CN, incorporated in KY: outside whichever; a region with CN in it has it by attribution only."""
    shorts = {"control": "CN", "category": "social", "network_kind": "platform"}
    month = cells(
        [
            cell(1000, "US", "operator", direction="out", packets=1) | shorts | {"platform": "shorts"},
            cell(1000, "XA", "operator", "shop", direction="out", packets=1),
        ]
    )
    known = context(facts=companies, region_members=frozenset({"CN"}))
    sent = ways(CATALOGUE["P1"].compute(month, known))["sent"]
    assert sent.value == 0.0
    assert (sent.details["sole"], sent.details["reached"]) == pytest.approx((0.0, 0.5))
    assert sent.high == pytest.approx(972 / 1872)


def test_what_is_sent_without_payload_has_no_share(cell, cells, context):
    month = cells([cell(28_000, "US", "operator", "search", direction="out", packets=1000)])
    found = ways(CATALOGUE["P1"].compute(month, context()))
    assert found["sent"].reason.startswith("no byte of payload")
    assert found["delivered"].reason == "no byte in comes from a known platform"


def test_regional_capability(cell, cells, context, companies, only):
    rows = cells(
        [
            cell(500, "US", "operator", "search"),
            cell(300, "XA", "operator", "shop"),
            cell(200, "US", "operator", stage=4, network_kind="platform")
            | {"platform": "tenant", "control": "UY", "remote_asn": 16509},
            cell(400, "BR", "operator", "sensors"),
            cell(250, "BR", "operator"),
        ]
    )
    known = context(facts=companies, region_members=frozenset({"UY", "XA", "BR"}))
    answer = only(CATALOGUE["P2"].compute(rows, known))
    # Of 1,000 at stage 3 and above: shop 300 is the region's alone, the tenant's 200 also reached by the US.
    assert answer.value == pytest.approx(0.5)
    assert (answer.details["sole"], answer.details["reached"]) == pytest.approx((0.3, 0.5))
    assert answer.details["own_country"] == pytest.approx(0.3)
    # 250 more that nobody knows: outside 300/1,250, or the region's 750/1,250
    assert (answer.low, answer.high) == pytest.approx((0.24, 0.6))


@pytest.mark.parametrize("indicator", ["P1", "P2", "P3", "P4", "J8"])
def test_without_a_region_there_is_none(month, context, only, indicator):
    answer = only(CATALOGUE[indicator].compute(month, context(region_members=frozenset())))
    assert answer.reason.startswith("no country group is known as the region of XA")


@pytest.fixture(scope="module")
def abroad(cell, cells):
    """At home 500; abroad BR 200, CL 100, US 500; nowhere known 200."""
    return cells(
        [
            cell(500, "XA", "operator", "shop"),
            cell(200, "BR", "operator"),
            cell(100, "CL", "operator"),
            cell(500, "US", "operator", "search"),
            cell(200, "ZZ", "unknown"),
        ]
    )


def integration(month, context):
    return {a.dimension: a for a in CATALOGUE["P3"].compute(month, context)}


def test_integration_of_the_country_alone(abroad, context, accuracy):
    found = integration(abroad, context(accuracy=accuracy.clear()))
    # 300 of 800 abroad; the 200 could be anywhere: 300/1,000 to 500/1,000
    own = found["economy"]
    assert (own.low, own.value, own.high) == pytest.approx((0.3, 0.375, 0.5))
    assert own.details["location_unknown"] == pytest.approx(0.2)
    assert found["region"].value is None
    assert found["region"].reason.startswith("needs the flows of the other members")


def test_integration_of_the_region_with_a_member_that_does_not_report(abroad, context, table, accuracy):
    neighbours = table(
        "economy remote_country bytes bytes_variance flows",
        ("BR", "XA", 150, 0.0, 500),
        ("BR", "BR", 9000, 0.0, 500),
        ("BR", "US", 50, 0.0, 500),
        ("US", "BR", 7000, 0.0, 500),
    )
    economies = table("country internet_users", ("XA", 10), ("BR", 70), ("CL", 20), ("MX", None))
    known = context(
        accuracy=accuracy.clear(),
        region_flows=neighbours,
        region_members=frozenset({"BR", "CL"}),
        facts={"economies": economies},
    )
    region = integration(abroad, known)["region"]
    # XA 300 of 800, BR 150 of 200 (at home left out, the US is no member): 450/1,000; with XA's unknown 450 or 650 of 1,200
    assert region.value == pytest.approx(0.45)
    # CL, a fifth of the region's users, reports nothing: none or all of it.
    assert (region.low, region.high) == pytest.approx((450 / 1200 * 0.8, 650 / 1200 * 0.8 + 0.2))
    assert region.details["members"] == 3 and region.details["members_reporting"] == 2
    assert region.details["absent"] == pytest.approx(0.2)
    assert "members_missing" in region.flags


def test_a_bloc_that_gains_a_member_integrates_more(abroad, context, accuracy):
    """Bolivia joined Mercosur in July 2024: the same flows, another region."""
    flows = abroad.with_columns(pl.col("remote_country").replace({"CL": "BO"}))
    before, after = (
        integration(flows, context(accuracy=accuracy.clear(), region_members=members))["economy"].value
        for members in (frozenset({"AR", "BR", "XA"}), frozenset({"AR", "BR", "BO", "XA"}))
    )
    assert (before, after) == pytest.approx((200 / 800, 300 / 800))


def test_integration_is_corrected_for_misplaced_addresses(cell, cells, context):
    networks = [cell(2, "BR", "database", remote_asn=64500 + n) for n in range(100)]
    looked_up = cells([*networks, cell(800, "US", "database", "search")])
    own = integration(looked_up, context())["economy"]
    # p* = (0.2 − 0.002)/0.771; at most, with Sp = 1, 0.2/0.773, with the error of Se, measured on 3,000, and
    # that of 100 networks of 2 bytes found of about 129, at the upper limit of how many there are
    assert own.details["corrected"] == pytest.approx(0.198 / 0.771)
    error = 0.2 / 0.773**2 * math.sqrt(0.773 * 0.227 / 3000)
    by_network = math.sqrt(0.227 * 100 * 2**2) / (1000 * 0.773)
    by_network /= 1 - Z * math.sqrt(0.227 / (0.773 * 100))
    assert own.high == pytest.approx(0.2 / 0.773 + Z * math.hypot(error, by_network), abs=1e-6)
    assert own.low == pytest.approx(0.2)


def test_kappa_of_fleiss():
    # Two raters, two platforms, one agreement: P = (1 + 0)/2; by chance (3/4)² + (1/4)² = 0.625: (0.5 − 0.625)/0.375
    a, b = ("special", "custom"), ("commodity", "standard")
    assert kappa({"x": {"p": a, "q": a}, "y": {"p": a, "q": b}}) == pytest.approx(-1 / 3)
    assert kappa({"x": {"p": a, "q": b}, "y": {"p": a, "q": b}}) == pytest.approx(1.0)
    assert kappa({"x": {"p": a}}) is None
    assert kappa({"x": {"p": a}, "y": {"q": a}}) is None


@pytest.fixture
def captured(monkeypatch):
    """Two platforms of the region that earn 60 and 30, one abroad, and one in the region without a tag (10)."""

    def platform(name, amount, control):
        return SimpleNamespace(
            platform=name,
            draws=np.full(DRAWS, float(amount)),
            control=control,
            flags=frozenset(),
            cells=lambda month: month.equals("platform", "shop"),
        )

    found = SimpleNamespace(
        reason=None,
        platforms=(
            platform("shop", 60, "XA"),
            platform("bank", 30, "BR"),
            platform("search", 900, "US"),
            platform("films", 10, "CL"),
        ),
    )
    monkeypatch.setattr(positioningmap, "capture_of", lambda _: found)


def test_positioning_map(captured, cell, cells, context, table):
    month = cells([cell(100, "XA", "operator", "shop")])
    tags = table(
        "platform_id rater commodity_special standard_custom",
        ("shop", "one", "commodity", "standard"),
        ("shop", "two", "commodity", "standard"),
        ("bank", "one", "special", "custom"),
        ("bank", "two", "special", "standard"),
    )
    answers = {
        a.dimension: a for a in CATALOGUE["P4"].compute(month, context(facts={"platform_positions": tags}))
    }
    assert list(answers) == [
        "commodity_standard",
        "commodity_custom",
        "special_standard",
        "special_custom",
    ]
    # Of 90 tagged: 60 commodity-standard; 30 on which the raters differ, half each. 10 of 100 untagged.
    assert [a.value for a in answers.values()] == pytest.approx([60 / 90, 0, 15 / 90, 15 / 90], rel=1e-5)
    assert sum(a.value for a in answers.values()) == pytest.approx(1, abs=1e-5)
    custom = answers["special_custom"]
    assert (custom.low, custom.high) == pytest.approx((0.0, 0.4))
    assert answers["commodity_standard"].low == pytest.approx(0.6)
    # Agreement on one of two: P = 0.5; by chance (2² + 1² + 1²)/4² = 0.375: 0.125/0.625
    assert custom.details["kappa"] == pytest.approx(0.2)
    assert custom.details["untagged"] == pytest.approx(0.1)


def test_without_tags_the_map_says_what_it_needs(month, context, only):
    answer = only(CATALOGUE["P4"].compute(month, context()))
    assert answer.reason.startswith("needs rows in platform_positions.csv: platform_id, rater")
