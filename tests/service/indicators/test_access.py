"""J7 against a month worked by hand, and against the shipped laws."""

import math

import polars as pl
import pytest

from caudal.reference import load_reference
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups.access import OWN, SCENARIOS

LAWS = "jurisdiction law kind year extraterritorial reaches_content in_force exposure_weight_proposal status"


@pytest.fixture(scope="module")
def facts(table):
    return {
        "access_laws": table(
            LAWS,
            ("US", "cloud", "national", 2018, "yes", True, "yes", 1.0, "verified"),
            ("CN", "data", "national", 2021, "partly", True, "yes", 0.8, "verified"),
            ("SE", "cables", "national", 2008, "no", True, "yes", 0.6, "verified"),
            ("XA", "subscribers", "national", 2010, "no", False, "yes", 0.4, "verified"),
            ("EU", "evidence", "union", 2023, "yes", True, "partly", 0.5, "verified"),
            ("CA", "bill", "national", 2026, "yes", False, "no", 0.9, "verified"),
            ("INT", "treaty", "treaty", 2022, "yes", False, "yes", 0.2, "verified"),
            ("BR", "later", "national", 2027, "yes", True, "yes", 1.0, "verified"),
        ),
        "country_groups": table("group_id country", ("EU", "SE"), ("EU", "DE")),
    }


@pytest.fixture(scope="module")
def month(cell, cells):
    """1,000 bytes: search in XA 400, shorts in SE 300, shop in XA 200, and 100 nowhere known of nobody known."""
    return cells(
        [
            cell(400, "XA", "operator", "search"),
            cell(300, "SE", "operator", "shorts"),
            cell(200, "XA", "operator", "shop"),
            cell(100, "ZZ", "unknown"),
        ]
    )


@pytest.fixture(scope="module")
def found(month, context, facts):
    return {a.dimension: a for a in CATALOGUE["J7"].compute(month, context(facts=facts))}


def test_the_heaviest_foreign_law_where_it_lies_or_over_who_holds_it(found):
    # The country is XA. search: w_US 1.0 over its operator; shorts: max(w_SE 0.6, w_CN 0.8 in part) = 0.8;
    # shop is under XA's own law only; unknown: 0
    proposal = found["proposal"]
    assert proposal.value == pytest.approx(0.4 * 1.0 + 0.3 * 0.8)
    # At least: the law that reaches abroad only in part does not, and SE's 0.6 remains. At most: unknown at 1.0.
    assert proposal.low == pytest.approx(0.4 * 1.0 + 0.3 * 0.6)
    assert proposal.high == pytest.approx(proposal.value + 0.1 * 1.0)
    assert proposal.details["undetermined_weight"] == pytest.approx(0.1)
    # With XA's own 0.4 on shop, as it was counted once.
    assert proposal.details["with_own"] == pytest.approx(proposal.value + 0.2 * 0.4)


def test_the_countrys_own_laws_stand_apart(found):
    own = found[OWN]
    # XA's law reaches what lies in XA: search 400 and shop 200, at 0.4; at most also the unlocated 100.
    assert (own.low, own.value, own.high) == pytest.approx((0.24, 0.24, 0.28))
    assert own.details == pytest.approx(
        {"own_equal": 0.6, "own_content_only": 0.0, "own_laws": 1, "undetermined_weight": 0.04}
    )


def test_a_country_whose_own_laws_nobody_listed_is_not_called_free_of_them(month, context, facts, country):
    elsewhere = context(country("CL"), facts=facts)
    found = {a.dimension: a for a in CATALOGUE["J7"].compute(month, elsewhere)}
    assert found[OWN].value is None
    assert found[OWN].reason.startswith("needs the laws of CL that compel access")
    assert "with_own" not in found["proposal"].details


def test_countries_compare_whatever_is_known_of_their_own_laws(month, context, facts, table):
    """More laws of XA move the exposure of others, and never the headline of XA itself."""
    harsh = table(LAWS, ("XA", "harsh", "national", 2020, "yes", True, "yes", 1.0, "verified"))
    more = {**facts, "access_laws": pl.concat([facts["access_laws"], harsh])}
    before, after = (
        {a.dimension: a for a in CATALOGUE["J7"].compute(month, context(facts=each))}
        for each in (facts, more)
    )
    for scenario in SCENARIOS:
        assert after[scenario].value == before[scenario].value
        assert after[scenario].high == before[scenario].high
    assert after[OWN].value > before[OWN].value


def test_every_scenario_stands_beside_the_others(found):
    # Equal: search under US, shorts under SE and CN. Content only: the same, as these laws reach content.
    assert found["equal"].value == pytest.approx(0.7)
    assert found["content_only"].value == pytest.approx(0.7)
    assert found["equal"].details["with_own"] == pytest.approx(0.9)


def test_the_number_of_foreign_regimes_that_reach_a_byte(found):
    # search: US; shorts: SE and CN, at most also EU. (1·400 + 2·300)/1,000
    details = found["equal"].details
    assert details["regimes"] == pytest.approx(1.0)
    assert details["regimes_low"] == pytest.approx(0.7)
    assert details["regimes_high"] == pytest.approx(1.3)


def test_the_vector_and_its_weights_are_published(found):
    assert list(found)[3:] == [OWN, "CN", "EU", "SE", "US", "XA"]
    assert found["US"].value == pytest.approx(0.4)
    assert found["US"].high == pytest.approx(0.5)
    assert found["CN"].low == 0.0
    # In steps: the regulation of the union may reach SE, and does not for sure.
    assert (found["EU"].low, found["EU"].value, found["EU"].high) == pytest.approx((0.0, 0.0, 0.4))
    assert found["SE"].details == pytest.approx(
        {"weight_proposal": 0.6, "weight_equal": 1.0, "weight_content_only": 1.0}
    )
    assert found["XA"].details["weight_content_only"] == 0.0


def test_a_parent_under_dual_control_is_reached_by_both(cell, cells, context, facts, companies, table):
    laws = table(
        LAWS,
        ("CN", "data", "national", 2021, "yes", True, "yes", 0.8, "verified"),
        ("KY", "code", "national", 2010, "yes", True, "yes", 0.3, "verified"),
    )
    rows = cells([cell(100, "XA", "operator") | {"platform": "shorts", "control": "CN"}])
    known = context(facts={**facts, **companies, "access_laws": laws})
    found = {a.dimension: a for a in CATALOGUE["J7"].compute(rows, known)}
    assert found["equal"].details["regimes"] == pytest.approx(2)
    assert found["equal"].details["regimes_low"] == pytest.approx(1)
    assert (found["KY"].low, found["KY"].value) == pytest.approx((0.0, 1.0))


def test_bytes_placed_in_the_united_states_may_lie_under_other_laws(cell, cells, context, facts):
    """1,000 bytes of shop: SE 400 in 200 networks of 2, US 300, both by a database, XA 300 exactly."""
    networks = [cell(2, "SE", "database", "shop", remote_asn=64500 + n) for n in range(200)]
    rows = cells(
        [*networks, cell(300, "US", "database", "shop"), cell(300, "XA", "operator", "shop")],
    )
    found = {a.dimension: a for a in CATALOGUE["J7"].compute(rows, context(facts=facts))}
    # Of SE 400/0.815 bytes are there, 400·0.185/0.815 of them placed in the US: with the error of Se (3,000) and
    # of 200 networks found of about 245, at the upper limit of how many there are.
    error = 0.4 / 0.815**2 * math.sqrt(0.815 * 0.185 / 3000)
    by_network = math.sqrt(0.185 * 200 * 2**2) / (1000 * 0.815)
    by_network /= 1 - 1.959964 * math.sqrt(0.185 / (0.815 * 200))
    wrong = 0.4 * 0.185 / 0.815 + 1.959964 * math.hypot(error, by_network)
    rarely = 0.002 * 0.7  # placed outside the US, and yet in it: 1 − Sp of what a database placed
    proposal, us, se = (found[name] for name in ("proposal", "US", "SE"))
    assert proposal.value == pytest.approx(0.4 * 0.6 + 0.3 * 1.0)
    # Less by the US' 1.0 on each; no more, as no law is heavier than the US'.
    assert (proposal.value - proposal.low, proposal.high) == pytest.approx((wrong, proposal.value), abs=1e-6)
    assert (us.low, us.value, us.high) == pytest.approx((0.3 - wrong, 0.3, 0.3 + rarely), abs=1e-6)
    assert (se.low, se.value, se.high) == pytest.approx((0.4 - rarely, 0.4, 0.4 + wrong), abs=1e-6)


def test_without_laws_it_says_what_it_needs(month, context, only):
    answer = only(CATALOGUE["J7"].compute(month, context()))
    assert answer.reason.startswith("needs rows in access_laws.csv: jurisdiction, kind, year")


def test_of_the_shipped_laws_no_bill_and_no_treaty_counts(month, context):
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("access_laws", "country_groups")}
    answers = {a.dimension: a for a in CATALOGUE["J7"].compute(month, context(facts=facts))}
    assert {"proposal", "equal", "content_only", "US", "CN", "SE"} <= set(answers)
    assert "INT" not in answers and "CA" not in answers
    assert answers["US"].value == pytest.approx(0.4)
    assert all("from_memory" in a.flags for a in answers.values())


LISTED = ("BR", "CL", "MX", "CO", "AR", "PE", "UY", "CR", "EC", "PA", "DO", "PY", "GT", "BO")


@pytest.mark.parametrize("of", LISTED)
def test_the_own_laws_of_the_region_are_shipped(cell, cells, context, country, of):
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("access_laws", "country_groups")}
    rows = cells([cell(100, of, "operator", "shop"), cell(100, "US", "operator", "search")])
    found = {a.dimension: a for a in CATALOGUE["J7"].compute(rows, context(country(of), facts=facts))}
    # Half lies in the country, under its own laws and under no foreign one; half under those of the United States.
    assert found["proposal"].value == pytest.approx(0.5)
    assert 0 < found[OWN].value <= 0.5
    assert found[OWN].details["own_laws"] >= 1


def test_laws_that_were_struck_down_do_not_count(cell, cells, context, country):
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("access_laws", "country_groups")}
    rows = cells([cell(100, "AR", "operator", "shop"), cell(100, "DO", "operator", "shop")])
    laws = {a.dimension: a for a in CATALOGUE["J7"].compute(rows, context(country("AR"), facts=facts))}
    # Of Argentina only the law of 2025 is in force (0.3 on half of the bytes); of the Dominican Republic that of 2007.
    assert laws[OWN].value == pytest.approx(0.15)
    assert laws["DO"].details["weight_proposal"] == pytest.approx(0.2)
