"""J6 against months worked by hand, and against the shipped decisions."""

import math
from datetime import date

import polars as pl
import pytest

from caudal.reference import load_reference
from caudal.service.indicators import CATALOGUE

ADEQUACY = "regime country covers level date expires status"
GROUPS = "group_id country"


@pytest.fixture(scope="module")
def month(cell, cells):
    """1,000 bytes located exactly: BR 400 (shop, XA), US 300 (search, US), AR 100 (shorts, CN), ZZ 100, CL 100 (?)."""
    return cells(
        [
            cell(400, "BR", "operator", "shop"),
            cell(300, "US", "operator", "search"),
            cell(100, "AR", "operator", "shorts"),
            cell(100, "ZZ", "unknown", "shop"),
            cell(100, "CL", "operator"),
        ]
    )


@pytest.fixture(scope="module")
def facts(table):
    since = date(2020, 1, 1)
    return {
        "adequacy": table(
            ADEQUACY,
            ("EU", "BR", "country", "adequate", since, None, "verified"),
            ("EU", "AR", "country", "adequate", since, None, "from_memory"),
            ("EU", "US", "country", "adequate_partial", since, None, "verified"),
            ("EU", "*", "organisation", "adequate", since, None, "verified"),
            ("XA", "CL", "country", "adequate", since, None, "verified"),
        ),
        "country_groups": table(GROUPS, ("EU", "DE"), ("EU", "FR"), ("EEA_EFTA", "NO")),
    }


def answers(month, context):
    return {a.dimension: a for a in CATALOGUE["J6"].compute(month, context)}


def test_by_its_own_regime_and_by_that_of_the_union(month, context, facts, accuracy):
    found = answers(month, context(facts=facts, accuracy=accuracy.clear()))
    assert list(found) == ["XA", "XA_strict", "EU", "EU_strict"]
    # BR 400 and AR 100 of 1,000; US 300 only for certified companies; 100 nowhere known.
    assert (found["EU"].low, found["EU"].value, found["EU"].high) == pytest.approx((0.5, 0.5, 0.9))
    assert found["EU"].details == pytest.approx(
        {"partial": 0.3, "location_unknown": 0.1, "countries": 5, "countries_partial": 1}
    )
    assert "from_memory" in found["EU"].flags
    # The country's own list names CL; its own territory has nothing.
    assert (found["XA"].low, found["XA"].value, found["XA"].high) == pytest.approx((0.1, 0.1, 0.2))
    assert "from_memory" not in found["XA"].flags


def test_strictly_the_controller_must_be_adequate_too(month, context, facts, accuracy):
    found = answers(month, context(facts=facts, accuracy=accuracy.clear()))
    # BR under XA counts (j = c); AR under CN does not. At most also: US under US, and the unlocated 100 under XA.
    strict = found["EU_strict"]
    assert (strict.low, strict.value, strict.high) == pytest.approx((0.4, 0.4, 0.8))
    # CL of an unknown operator may count: the unlocated 100 may too.
    own = found["XA_strict"]
    assert (own.low, own.value, own.high) == pytest.approx((0.0, 0.0, 0.2))


def test_wrong_locations_point_to_the_united_states(cell, cells, context, table, accuracy):
    """With US on the list the bytes outside it are corrected, without it those inside."""
    networks = [cell(2, "BR", "database", "shop", remote_asn=64500 + n) for n in range(300)]
    looked_up = cells([cell(400, "US", "database", "search"), *networks])
    listed = {
        "adequacy": table(ADEQUACY, ("XA", "US", "country", "adequate", date(2020, 1, 1), None, "verified"))
    }
    found = answers(looked_up, context(facts=listed))["XA"]
    # Outside 0.6, Se 0.815: truly 0.6/0.815 = 0.736 with Sp = 1, so at least 0.264 in the US, with the error of Se,
    # and with the error of 300 networks of 2 bytes found of about 368, at the upper limit of how many there are.
    outside = 0.6 / 0.815
    error = outside / 0.815 * math.sqrt(0.815 * 0.185 / 3000)
    by_network = math.sqrt(0.185 * 300 * 2**2) / (1000 * 0.815)
    by_network /= 1 - 1.959964 * math.sqrt(0.185 / (0.815 * 300))
    assert found.value == pytest.approx(0.4)
    assert found.low == pytest.approx(1 - outside - 1.959964 * math.hypot(error, by_network), abs=1e-6)
    # At most what is seen, less nothing: with Sp = 0.998 outside would be (0.6 − 0.002)/0.813 > 0.6.
    assert found.high == pytest.approx(0.4)


def test_a_decision_that_changes_within_the_month_counts_for_the_interval_only(month, context, facts, table):
    within = table(
        ADEQUACY,
        ("EU", "BR", "country", "adequate", date(2026, 9, 10), None, "verified"),
        ("EU", "AR", "country", "adequate", date(2020, 1, 1), date(2026, 9, 20), "verified"),
        ("EU", "CL", "country", "adequate", date(2020, 1, 1), None, "verified"),
        ("EU", "US", "country", "adequate", date(2020, 1, 1), date(2026, 8, 31), "verified"),
    )
    found = answers(month, context(facts={**facts, "adequacy": within}))["EU"]
    # CL holds all month (100); BR 400 and AR 100 for a part; the US no more.
    assert found.value == pytest.approx(0.1)
    assert found.details["partial"] == pytest.approx(0.5)
    assert found.details["countries_partial"] == 2


def test_a_list_that_rows_name_in_part_gives_no_answer(month, context, facts, table):
    open_list = table(
        ADEQUACY,
        ("XA", "CL", "country", "adequate", date(2020, 1, 1), None, "verified"),
        ("XA", "*", "rest", "adequate", date(2020, 1, 1), None, "verified"),
    )
    for name in ("XA", "XA_strict"):
        found = answers(month, context(facts={**facts, "adequacy": open_list}))[name]
        assert found.value is None
        assert found.reason.startswith("needs the whole list of XA in adequacy.csv")


def test_without_decisions_it_says_what_it_needs(month, context):
    for answer in CATALOGUE["J6"].compute(month, context()):
        assert answer.value is None
        assert answer.reason.startswith("needs rows in adequacy.csv")


@pytest.mark.parametrize("level", ["none", "pending"])
def test_a_law_without_a_list_is_not_asked_for_one(month, context, facts, table, level):
    unlisted = table(ADEQUACY, ("XA", "*", "rest", level, date(2020, 1, 1), None, "verified"))
    found = answers(
        month,
        context(
            facts={
                **facts,
                "adequacy": pl.concat([unlisted, facts["adequacy"].filter(pl.col("regime") == "EU")]),
            }
        ),
    )
    for name in ("XA", "XA_strict"):
        assert found[name].value is None
        assert found[name].reason.startswith("the law of XA has no list of countries")
    assert found["EU"].value == pytest.approx(0.5)


def test_what_one_secondary_document_says_is_weak(month, context, facts, table):
    weak = table(ADEQUACY, ("EU", "BR", "country", "adequate", date(2020, 1, 1), None, "verified_weak"))
    assert "weak_facts" in answers(month, context(facts={**facts, "adequacy": weak}))["EU"].flags


def test_a_member_of_the_union_has_its_regime_and_its_territory(month, context, facts, country, cell, cells):
    german = context(country("DE"), region_members=frozenset({"DE", "FR"}), facts=facts)
    at_home = cells([cell(60, "FR", "operator", "shop"), cell(40, "CL", "operator", "shop")])
    found = answers(at_home, german)
    assert list(found) == ["EU", "EU_strict"]
    assert found["EU"].value == pytest.approx(0.6)


def test_the_shipped_decisions_of_brazil_and_the_union(cell, cells, context, country, accuracy):
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("adequacy", "country_groups")}
    rows = cells([cell(100, place, "operator", "shop") for place in ("BR", "DE", "US", "AR", "CN")])
    brazil = context(country("BR"), month="2026-10", days_in_month=31, facts=facts, accuracy=accuracy.clear())
    found = answers(rows, brazil)
    # Brazil's resolution of January 2026 names the EU: itself and DE. The EU: DE, AR, and since then BR; US in part.
    assert found["BR"].value == pytest.approx(0.4)
    assert (found["EU"].value, found["EU"].high) == pytest.approx((0.6, 0.8))
    before = context(country("BR"), month="2025-12", days_in_month=31, facts=facts, accuracy=accuracy.clear())
    assert answers(rows, before)["EU"].value == pytest.approx(0.4)


@pytest.fixture(scope="module")
def shipped():
    reference = load_reference()
    return {name: reference.facts(name) for name in ("adequacy", "country_groups")}


@pytest.mark.parametrize(
    ("of", "inside", "outside"),
    [
        # The circular names Mexico, the United States and the Union, and takes in who the Union finds adequate: Brazil
        # since January 2026. Chile, China and Liechtenstein are not on it.
        ("CO", ("CO", "US", "MX", "DE", "BR", "AR"), ("CL", "CN", "LI")),
        ("UY", ("UY", "DE", "AR", "GB", "JP"), ("BR", "CO", "CN", "CL")),
        ("EC", ("EC", "CO", "PE", "BO"), ("BR", "DE", "US")),
    ],
)
def test_the_shipped_lists_are_whole(cell, cells, context, country, shipped, accuracy, of, inside, outside):
    rows = cells([cell(100, place, "operator", "shop") for place in (*inside, *outside)])
    there = context(country(of), month="2026-10", days_in_month=31, facts=shipped, accuracy=accuracy.clear())
    found = answers(rows, there)[of]
    assert found.value == pytest.approx(len(inside) / (len(inside) + len(outside)))


def test_uruguay_lets_data_go_to_canada_and_the_united_states_in_part(
    cell, cells, context, country, shipped, accuracy
):
    """Canada: the private sector only; the United States: organisations on the framework's list."""
    rows = cells([cell(100, place, "operator", "shop") for place in ("UY", "CA", "US", "CN")])
    there = context(
        country("UY"), month="2026-10", days_in_month=31, facts=shipped, accuracy=accuracy.clear()
    )
    found = answers(rows, there)["UY"]
    assert (found.low, found.value, found.high) == pytest.approx((0.25, 0.25, 0.75))


@pytest.mark.parametrize("of", ["PE", "MX", "CR", "PA"])
def test_laws_without_lists_say_so(cell, cells, context, country, shipped, of):
    rows = cells([cell(100, "DE", "operator", "shop")])
    found = answers(rows, context(country(of), month="2026-10", days_in_month=31, facts=shipped))
    assert found[of].reason.startswith(f"the law of {of} has no list")
    assert found["EU"].value == pytest.approx(1.0)


def test_more_countries_on_the_list_never_lower_the_share(month, context, facts, table):
    smaller = facts["adequacy"].filter(pl.col("country") != "AR")
    less = answers(month, context(facts={**facts, "adequacy": smaller}))["EU"]
    more = answers(month, context(facts=facts))["EU"]
    assert less.value <= more.value and less.low <= more.low and less.high <= more.high
