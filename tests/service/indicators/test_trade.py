"""V6 against figures worked by hand."""

import pytest

from caudal.reference import load_reference
from caudal.service.indicators.groups.trade import INDICATORS
from tests.service.indicators.world import table

(V6,) = INDICATORS


@pytest.fixture(scope="module")
def observe(cell, cells, context, country):
    month = cells([cell(100, platform="search")])

    def ask(indicator, of="CL", when="2026-10", **facts):
        answers = indicator.compute(month, context(country(country=of), month=when, facts=facts))
        return {answer.dimension: answer for answer in answers}

    return ask


def traded(flow, item, year, millions, **rest):
    return {"country": "CL", "year": year, "flow": flow, "item": item, "value_usd_m": millions, **rest}


def test_the_balance_is_of_the_last_year_with_both(observe):
    services = table(
        traded("export", "DDS", 2026, 300.0),
        traded("import", "DDS", 2026, 700.0),
        traded("export", "DDS", 2025, 1.0),
        traded("import", "DDS", 2025, 1.0),
        traded("export", "DDS", 2027, 9.0),
    )
    answer = observe(V6, services_trade=services)["DDS"]
    # 300 − 700 = −400 m; −400/1,000 = −0.4; each ± 10 %: −400 ± at most 100 m
    assert answer.value == pytest.approx(-400e6, rel=0.01)
    assert -500e6 < answer.low < answer.value < answer.high < -300e6
    assert answer.details["normalised"] == pytest.approx(-0.4, rel=0.01)
    assert answer.details["normalised_low"] < -0.4 < answer.details["normalised_high"]
    assert (answer.details["exports"], answer.details["imports"]) == (300e6, 700e6)
    assert answer.details["year"] == 2026
    assert answer.flags == ()


def test_an_item_with_one_side_says_which_is_missing(observe):
    services = table(traded("export", "SI", 2024, 300.0), traded("import", "SH", 2024, 700.0))
    answers = observe(V6, services_trade=services)
    assert answers["SI"].value is None
    assert answers["SI"].reason.startswith("needs imports of SI of CL")
    assert answers["SH"].reason.startswith("needs exports of SH of CL")


def test_two_sides_of_different_years_are_no_balance(observe):
    services = table(traded("export", "SI", 2024, 300.0), traded("import", "SI", 2023, 700.0))
    assert observe(V6, services_trade=services)["SI"].reason.startswith("needs both flows of one year")


def test_an_old_balance_is_wider_by_its_own_history(observe):
    def history(change):
        return table(
            *(traded("export", "DDS", 2016 + n, 300.0 * change**n) for n in range(5)),
            *(traded("import", "DDS", 2016 + n, 700.0 * change**n) for n in range(5)),
        )

    calm = observe(V6, services_trade=history(1.0))["DDS"]
    wild = observe(V6, services_trade=history(1.3))["DDS"]
    assert "stale_facts" in calm.flags
    assert calm.details["year"] == 2020
    assert (wild.high - wild.low) / abs(wild.value) > 2 * (calm.high - calm.low) / abs(calm.value)


def test_an_imputed_series_is_weak_and_wider(observe):
    sure = table(traded("export", "DDS", 2026, 300.0), traded("import", "DDS", 2026, 700.0))
    guess = table(traded("export", "DDS", 2026, 300.0, imputed=True), traded("import", "DDS", 2026, 700.0))
    first, second = (observe(V6, services_trade=each)["DDS"] for each in (sure, guess))
    assert second.high - second.low > first.high - first.low
    assert "weak_facts" in second.flags


def test_the_shipped_trade_answers_for_brazil_and_not_for_venezuela(observe):
    services = load_reference().facts("services_trade")
    brazil = observe(V6, of="BR", services_trade=services)
    # 25,731 m out and 47,156 m in, in 2023
    assert brazil["DDS"].details["exports"] == 25_731e6
    assert brazil["DDS"].low < 25_731e6 - 47_156e6 < brazil["DDS"].high
    assert brazil["SI"].value is None
    assert observe(V6, of="VE", services_trade=services)["DDS"].reason.startswith(
        "needs imports of DDS of VE"
    )


@pytest.mark.parametrize("of", ["BR", "CL", "MX", "CO", "AR", "PE", "UY", "CR"])
def test_charges_for_intellectual_property_are_shipped_both_ways(observe, of):
    answer = observe(V6, of=of, services_trade=load_reference().facts("services_trade"))["SH"]
    assert answer.details["year"] == 2024
    assert answer.high < 0


def test_a_note_changes_nothing(observe):
    plain = table(traded("export", "DDS", 2026, 300.0), traded("import", "DDS", 2026, 700.0))
    noted = table(
        traded("export", "DDS", 2026, 300.0, note="likely imputed"), traded("import", "DDS", 2026, 700.0)
    )
    assert observe(V6, services_trade=noted) == observe(V6, services_trade=plain)


def test_no_trade_at_all_says_what_it_needs(observe):
    (answer,) = observe(V6).values()
    assert "services_trade.csv" in answer.reason
