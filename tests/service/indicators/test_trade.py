"""V6 and V7 against figures worked by hand."""

import pytest

from caudal.reference import load_reference
from caudal.service.indicators.trade import APPLIED, BOUND, DEMAND, INDICATORS, moratorium_in_force
from tests.service.indicators.world import table

V6, V7 = INDICATORS


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
    note = "series flat for years in the source: likely imputed"
    sure = table(traded("export", "DDS", 2026, 300.0), traded("import", "DDS", 2026, 700.0))
    guess = table(traded("export", "DDS", 2026, 300.0, note=note), traded("import", "DDS", 2026, 700.0))
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


def test_no_trade_at_all_says_what_it_needs(observe):
    (answer,) = observe(V6).values()
    assert "services_trade.csv" in answer.reason


def line(hs6, **rest):
    return {"hs6": hs6, "in_un_list_of_49": "yes", **rest}


def imported(hs6, year, millions, **rest):
    return {
        "country": "CL",
        "year": year,
        "hs6": hs6,
        "hs_revision": "HS2022",
        "value_usd_m": millions,
        **rest,
    }


def rate(hs6, kind, percent, year=2012, **rest):
    return {
        "country": "CL",
        "year": year,
        "hs6": hs6,
        "hs_revision": "HS2022",
        "rate": kind,
        "percent": percent,
        **rest,
    }


EVENTS = table(
    {"date": "1998-05-20", "kind": "event", "what": "Moratorium adopted"},
    {"date": "2024-03-01", "kind": "event", "what": "MC13: extended to MC14"},
    {"date": "2026-03-30", "kind": "event", "what": "MC14 ended without renewal; lapsed"},
    {"date": "2019", "kind": "estimate", "what": "a loss, since adopted"},
)


@pytest.fixture(scope="module")
def tariffs():
    """One line: 100 m in 2008, 121 m in 2010 (10 % a year), 50 m in 2012. Applied 10 %, bound 30 %."""
    return {
        "tariff_lines": table(line("490110"), line("852380", in_un_list_of_49="no")),
        "product_imports": table(
            *(
                imported("490110", year, value)
                for year, value in ((2008, 100.0), (2010, 121.0), (2012, 50.0))
            ),
            *(imported("852380", year, 1e6) for year in (2008, 2010, 2012)),
        ),
        "tariff_rates": table(
            rate("490110", "mfn_applied", 10.0),
            rate("490110", "mfn_applied", 99.0, year=2001),
            rate("490110", "bound", 30.0),
            rate("852380", "mfn_applied", 50.0),
        ),
        "moratorium": EVENTS,
    }


def test_duty_is_on_what_no_longer_comes_on_carriers(observe, tariffs):
    answers = observe(V7, when="2012-06", **tariffs)
    assert list(answers) == [APPLIED, BOUND, DEMAND]
    # no growth: 121 − 50 = 71 m; full growth: 121 · 1.1² − 50 = 96.41 m; half: 121 · 1.05² − 50 = 83.40 m
    applied = answers[APPLIED]
    assert applied.details["no_growth"] == pytest.approx(7.1e6)
    assert applied.details["full_growth"] == pytest.approx(9.641e6)
    assert applied.value == pytest.approx(8.340e6, rel=0.01)
    assert 7.1e6 <= applied.low < applied.value < applied.high <= 9.641e6
    assert answers[BOUND].value == pytest.approx(3 * applied.value, rel=1e-4)
    assert applied.details["lines"] == 1
    assert (applied.details["year"], applied.details["rates_year"]) == (2012, 2012)


def test_demand_and_vat_leave_less(observe, tariffs):
    answers = observe(V7, **tariffs)
    # at ε = 1: imports fall by 1/1.1 and VAT on them with duty stays: 10/1.1 = 9.09 %; ± what ε and VAT move
    ratio = answers[DEMAND].value / answers[APPLIED].value
    assert ratio == pytest.approx(1 / 1.1, rel=0.02)
    assert ratio < 1


def test_one_year_of_growth_is_compounded_over_the_years_known(observe):
    lines = table(line("490110"))
    rates = table(rate("490110", "mfn_applied", 100.0))
    series = table(*(imported("490110", y, v) for y, v in ((2000, 50.0), (2010, 100.0), (2020, 40.0))))
    answer = observe(V7, tariff_lines=lines, tariff_rates=rates, product_imports=series)[APPLIED]
    # doubled in ten years, so doubling again in ten: 200 − 40 = 160; without growth 100 − 40 = 60
    assert answer.details["full_growth"] == pytest.approx(160e6)
    assert answer.details["no_growth"] == pytest.approx(60e6)
    assert "moratorium_in_force" not in answer.details


def test_imports_that_grew_on_lose_nothing(observe):
    facts = {
        "tariff_lines": table(line("490110")),
        "tariff_rates": table(rate("490110", "mfn_applied", 100.0)),
        "product_imports": table(
            *(imported("490110", y, v) for y, v in ((2009, 9.0), (2010, 9.0), (2020, 80.0)))
        ),
    }
    answer = observe(V7, **facts)[APPLIED]
    assert (answer.low, answer.value, answer.high) == (0.0, 0.0, 0.0)


def test_a_scenario_without_its_rates_is_insufficient_alone(observe, tariffs):
    rates = table(rate("490110", "mfn_applied", 10.0))
    answers = observe(V7, **{**tariffs, "tariff_rates": rates})
    assert answers[APPLIED].value is not None
    assert answers[BOUND].value is None
    assert answers[BOUND].reason.startswith("needs bound rates of duty of CL")


@pytest.mark.parametrize(
    ("month", "in_force"),
    [
        ("1998-04", None),
        ("1998-05", True),
        ("2024-02", True),
        ("2026-02", True),
        ("2026-03", False),
        ("2026-10", False),
    ],
)
def test_the_moratorium_is_as_on_the_months_last_day(context, country, month, in_force):
    here = context(country(country="CL"), month=month, facts={"moratorium": EVENTS})
    assert moratorium_in_force(here) is in_force


def test_the_shipped_history_of_the_moratorium_is_understood(context, country):
    shipped = {"moratorium": load_reference().facts("moratorium")}
    states = [
        moratorium_in_force(context(country(country="CL"), month=month, facts=shipped))
        for month in ("1998-04", "2010-01", "2026-02", "2026-03", "2026-11")
    ]
    assert states == [None, True, True, False, False]


def test_after_the_lapse_the_figure_is_policy_space(observe, tariffs):
    before, after = (observe(V7, when=month, **tariffs)[APPLIED] for month in ("2026-02", "2026-04"))
    assert before.details["moratorium_in_force"] == 1
    assert "moratorium_lapsed" not in before.flags
    assert after.details["moratorium_in_force"] == 0
    assert "moratorium_lapsed" in after.flags


def test_as_shipped_it_says_what_it_needs_and_lines_from_memory_are_flagged(observe, tariffs):
    reference = load_reference()
    shipped = {name: reference.facts(name) for name in ("tariff_lines", "moratorium")}
    (answer,) = observe(V7, **shipped).values()
    assert answer.value is None
    assert "tariff_rates.csv" in answer.reason
    assert "product_imports.csv" in answer.reason
    with_lines = observe(V7, **{**tariffs, "tariff_lines": shipped["tariff_lines"]})[APPLIED]
    assert "from_memory" in with_lines.flags
    # the shipped list has both subheadings as candidates
    assert with_lines.details["lines"] == 2


def test_rates_of_another_country_are_not_taken(observe, tariffs):
    (answer,) = observe(V7, of="BR", **tariffs).values()
    assert "rates of duty of BR" in answer.reason
