"""J7 against a month worked by hand, and against the shipped laws."""

import math

import pytest

from caudal.reference import load_reference
from caudal.service.indicators import CATALOGUE

LAWS = "jurisdiction law year extraterritorial scope in_force exposure_weight_proposal status"


@pytest.fixture(scope="module")
def facts(table):
    return {
        "access_laws": table(
            LAWS,
            ("US", "cloud", 2018, "yes", "content+metadata", "yes", 1.0, "verified"),
            ("CN", "data", 2021, "partly", "any", "yes", 0.8, "verified"),
            ("SE", "cables", 2008, "no", "signals", "yes", 0.6, "verified"),
            ("XA", "subscribers", 2010, "no", "subscriber data", "yes", 0.4, "verified"),
            ("EU", "evidence", 2023, "yes", "content", "partly", 0.5, "verified"),
            ("CA", "bill", 2026, "yes", "subscriber data", "no", 0.9, "verified"),
            ("INT", "treaty", 2022, "yes", "subscriber", "yes", 0.2, "verified"),
            ("BR", "later", 2027, "yes", "content", "yes", 1.0, "verified"),
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


def test_the_heaviest_law_where_it_lies_or_over_who_holds_it(found):
    # search: max(w_XA 0.4 where it lies, w_US 1.0 over its operator) = 1.0
    # shorts: max(w_SE 0.6, w_CN 0.8 in part) = 0.8; shop: 0.4, as XA's law reaches nobody abroad; unknown: 0
    proposal = found["proposal"]
    assert proposal.value == pytest.approx(0.4 * 1.0 + 0.3 * 0.8 + 0.2 * 0.4)
    # At least: the law that reaches abroad only in part does not, and SE's 0.6 remains. At most: unknown at 1.0.
    assert proposal.low == pytest.approx(0.4 * 1.0 + 0.3 * 0.6 + 0.2 * 0.4)
    assert proposal.high == pytest.approx(proposal.value + 0.1 * 1.0)
    assert proposal.details["undetermined_weight"] == pytest.approx(0.1)


def test_every_scenario_stands_beside_the_others(found):
    # Equal: every located byte is under some law. Content only: XA's law reaches subscribers, so shop is free.
    assert found["equal"].value == pytest.approx(0.9)
    assert found["content_only"].value == pytest.approx(0.7)
    assert found["proposal"].details["foreign"] == pytest.approx(0.4 + 0.3 * 0.8)


def test_the_number_of_regimes_that_reach_a_byte(found):
    # search: XA and US; shorts: SE and CN, at most also EU; shop: XA. (2·400 + 2·300 + 1·200)/1,000
    details = found["equal"].details
    assert details["regimes"] == pytest.approx(1.6)
    assert details["regimes_low"] == pytest.approx(1.3)
    assert details["regimes_high"] == pytest.approx(1.9)
    assert details["regimes_foreign"] == pytest.approx(0.4 + 0.6)


def test_the_vector_and_its_weights_are_published(found):
    assert list(found)[3:] == ["CN", "EU", "SE", "US", "XA"]
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
        ("CN", "data", 2021, "yes", "any", "yes", 0.8, "verified"),
        ("KY", "code", 2010, "yes", "any", "yes", 0.3, "verified"),
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
    assert proposal.value == pytest.approx(0.4 * 0.6 + 0.3 * 1.0 + 0.3 * 0.4)
    # Less by the US' 1.0 on each; no more, as no law is heavier than the US'.
    assert (proposal.value - proposal.low, proposal.high) == pytest.approx((wrong, proposal.value), abs=1e-6)
    assert (us.low, us.value, us.high) == pytest.approx((0.3 - wrong, 0.3, 0.3 + rarely), abs=1e-6)
    assert (se.low, se.value, se.high) == pytest.approx((0.4 - rarely, 0.4, 0.4 + wrong), abs=1e-6)


def test_without_laws_it_says_what_it_needs(month, context, only):
    answer = only(CATALOGUE["J7"].compute(month, context()))
    assert answer.reason.startswith("needs rows in access_laws.csv: jurisdiction, year")


def test_of_the_shipped_laws_no_bill_and_no_treaty_counts(month, context):
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("access_laws", "country_groups")}
    answers = {a.dimension: a for a in CATALOGUE["J7"].compute(month, context(facts=facts))}
    assert {"proposal", "equal", "content_only", "US", "CN", "SE"} <= set(answers)
    assert "INT" not in answers and "CA" not in answers
    assert answers["US"].value == pytest.approx(0.4)
    assert all("from_memory" in a.flags for a in answers.values())
