"""Who can command a byte: dual control, split companies, tenants on clouds."""

import pytest

from caudal.reference import load_reference
from caudal.service.indicators import CATALOGUE


@pytest.fixture(scope="module")
def month(cell, cells):
    """1,000 bytes: shorts 300 (KY, CN), shorts_us 100 (US), tenant 200 of UY on the cloud's network, shop 400 (XA)."""
    return cells(
        [
            cell(300, "US", "cloud") | {"platform": "shorts", "control": "CN", "remote_asn": 138699},
            cell(100, "US", "cloud") | {"platform": "shorts_us", "control": "US"},
            cell(200, "US", "cloud") | {"platform": "tenant", "control": "UY", "remote_asn": 16509},
            cell(400, "XA", "operator", "shop"),
        ]
    )


def by_jurisdiction(month, context):
    return {
        a.dimension: (a.low, a.value, a.high, a.details["sole"], a.details["reached"])
        for a in CATALOGUE["J4"].compute(month, context)
    }


def test_dual_control_is_an_interval(month, context, companies):
    answers = by_jurisdiction(month, context(facts=companies))
    # CN runs the 300, KY could order its company: neither alone commands them.
    assert answers["CN"] == pytest.approx((0.0, 0.3, 0.3, 0.0, 0.3))
    assert answers["KY"] == pytest.approx((0.0, 0.0, 0.3, 0.0, 0.3))
    # The part in the US is the US's own, and so what UY's tenant has there: by incorporation and by its host.
    assert answers["US"] == pytest.approx((0.1, 0.1, 0.3, 0.1, 0.3))
    assert answers["UY"] == pytest.approx((0.0, 0.2, 0.2, 0.0, 0.2))
    assert answers["XA"] == pytest.approx((0.4, 0.4, 0.4, 0.4, 0.4))
    assert sum(each[1] for each in answers.values()) == pytest.approx(1)


def test_without_facts_about_companies_the_attribution_is_all_there_is(month, context):
    answers = by_jurisdiction(month, context())
    assert set(answers) == {"XA", "CN", "UY", "US"}
    assert all(low == value == high for low, value, high, _, _ in answers.values())


def test_a_cloud_of_ones_own_country_widens_its_domestic_control(month, context, companies, country, only):
    answer = only(CATALOGUE["J3"].compute(month, context(country("US"), facts=companies)))
    assert (answer.low, answer.value, answer.high) == pytest.approx((0.1, 0.1, 0.3))


def test_what_the_country_could_command_by_some_reading_is_not_certain_to_be_abroad(
    cell, cells, context, companies, country, only
):
    # 250 of 1,000 lie at home, run from UY and incorporated in the US; as much is plainly the country's own.
    home = cells(
        [
            cell(250, "US", "operator") | {"platform": "tenant", "control": "UY"},
            cell(250, "US", "operator") | {"platform": "shorts_us", "control": "US"},
            cell(500, "XA", "operator", "shop"),
        ]
    )
    united = context(country("US"), region_members=frozenset({"US"}), facts=companies)
    answer = only(CATALOGUE["J5"].compute(home, united))
    assert (answer.low, answer.value, answer.high) == pytest.approx((0.0, 0.25, 0.25))


def test_concentration_by_jurisdiction_covers_every_reading(month, context, companies, whole):
    answer = whole(CATALOGUE["C2"].compute(month, context(facts=companies)))
    # attributed: XA 0.4, CN 0.3, UY 0.2, US 0.1: 0.16 + 0.09 + 0.04 + 0.01
    assert answer.value == pytest.approx(0.30)
    # incorporation: XA 0.4, KY 0.3, US 0.3; by host: XA 0.4, CN 0.3, US 0.3
    assert answer.details["by_incorporation"] == pytest.approx(0.34)
    assert answer.details["by_headquarters"] == pytest.approx(0.30)
    assert answer.details["by_host"] == pytest.approx(0.34)
    assert (answer.low, answer.high) == pytest.approx((0.30, 0.34))


def test_platforms_of_one_company_count_apart_and_beside_it_together(cell, cells, context, companies, whole):
    # 40, 30, 30 of 100 apart: 0.16 + 0.09 + 0.09; Amazon's two together: 0.16 + 0.36
    owned = cells(
        [
            cell(30, "US", "cloud") | {"platform": "cloud", "control": "US"},
            cell(30, "US", "cloud") | {"platform": "retail", "control": "US"},
            cell(40, "XA", "operator", "shop"),
        ]
    )
    answer = whole(CATALOGUE["C1"].compute(owned, context(facts=companies)))
    assert answer.value == pytest.approx(0.34)
    assert answer.details["by_company"] == pytest.approx(0.52)
    assert (answer.details["providers"], answer.details["companies"]) == (3, 2)


def test_the_shipped_facts_hold_the_cases_of_dual_control(cell, cells, context):
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("platforms", "platform_asns", "access_networks")}
    rows = [
        cell(100, "US", "cloud") | {"platform": name, "control": control}
        for name, control in (
            ("bytedance", "CN"),
            ("tiktok_usds", "US"),
            ("mercadolibre", "UY"),
            ("temu", "CN"),
        )
    ]
    answers = by_jurisdiction(cells(rows), context(facts=facts))
    # ByteDance (KY, CN) and Temu (KY, IE, CN) are dual; TikTok U.S. is the US's alone; MercadoLibre is US and UY.
    assert answers["CN"] == pytest.approx((0.0, 0.5, 0.5, 0.0, 0.5))
    assert answers["KY"] == pytest.approx((0.0, 0.0, 0.5, 0.0, 0.5))
    assert answers["IE"] == pytest.approx((0.0, 0.0, 0.25, 0.0, 0.25))
    assert answers["US"] == pytest.approx((0.25, 0.25, 0.5, 0.25, 0.5))
    assert answers["UY"] == pytest.approx((0.0, 0.25, 0.25, 0.0, 0.25))
