"""V8, V9 and V10 against figures worked by hand."""

from datetime import date

import pytest

from caudal.reference import load_reference
from caudal.service.indicators.captured import ALL_PLATFORMS
from caudal.service.indicators.digitaltax import digital_taxes
from caudal.service.indicators.taxation import INDICATORS
from tests.service.indicators.world import economy, platform, revenue, table, world

V8, V9, V10 = INDICATORS


@pytest.fixture(scope="module")
def observe(cell, cells, context, country):
    month = cells([cell(100, platform="search")])

    def ask(indicator, of="CL", when="2026-10", **facts):
        found = indicator.compute(month, context(country(country=of), month=when, facts=world(**facts)))
        return {answer.dimension: answer for answer in found}

    return ask


@pytest.fixture(scope="module")
def taxes(context, country):
    def read(*rows, of="CL", when="2026-10"):
        return digital_taxes(context(country(country=of), month=when, facts={"digital_taxes": table(*rows)}))

    return read


def dst(country="FR", rate=3.0, **rest):
    return {
        "country": country,
        "instrument": "DST",
        "rate_percent": rate,
        "in_force_from": date(2019, 1, 1),
        "in_force_to": None,
        "base": "intermediation, targeted ads, data transmission",
        "threshold": "global EUR 750m, domestic EUR 25m",
        "state": "in_force",
        **rest,
    }


# All of Chile's revenue, 1,000 m, is reported for Chile itself: the capture has no error but rounding.
ALONE = {
    "economies": table(economy("CL", 25, 1e4)),
    "regional_revenue": table(revenue("search", "CL", 1000), revenue("search", "WORLD", 9000)),
}


def test_the_tax_is_its_rate_on_the_part_of_the_value_in_its_base(observe):
    answer = observe(V8, digital_taxes=table(dst()), **ALONE)["FR-dst-3"]
    # 3 % of 1,000 m times φ in [0.5, 1]: 15 m to 30 m; P5, P50, P95 at φ = 0.525, 0.75, 0.975
    assert (answer.low, answer.value, answer.high) == pytest.approx((15.75e6, 22.5e6, 29.25e6), rel=1e-3)
    assert answer.details["rate"] == 0.03
    assert answer.details["platforms_surely_liable"] == 1
    assert answer.flags == ("from_memory",)


def test_a_category_that_the_base_does_not_name_pays_nothing(observe):
    platforms = table(platform("search", category="video_streaming"))
    answer = observe(V8, digital_taxes=table(dst()), platforms=platforms, **ALONE)["FR-dst-3"]
    assert (answer.low, answer.value, answer.high) == (0.0, 0.0, 0.0)
    assert answer.details["platforms_in_base"] == 0
    content = observe(V8, digital_taxes=table(dst(base="ads, content")), platforms=platforms, **ALONE)
    assert content["FR-dst-3"].value > 0


def test_a_company_with_a_platform_in_the_base_pays_on_less_than_half(observe):
    platforms = table(
        platform("search", category="cloud_saas", parent="Holding"),
        platform("net", category="social", parent="Holding"),
    )
    answer = observe(V8, digital_taxes=table(dst()), platforms=platforms, **ALONE)["FR-dst-3"]
    # φ in [0, 0.5]
    assert (answer.low, answer.value, answer.high) == pytest.approx((0.75e6, 7.5e6, 14.25e6), rel=1e-2)


@pytest.mark.parametrize(
    ("threshold", "liable"),
    [
        ("global EUR 750m", 1.0),
        ("global EUR 20bn", 0.0),  # the company's 9,000 m are less at any rate
        ("domestic USD 999m", 1.0),
        ("domestic USD 1001m", 0.0),
        ("global USD 1bn, domestic EUR 2000m", 0.0),
        ("USD 100m in CL and 1m active users", 1.0),
    ],
)
def test_thresholds_decide_who_pays(observe, threshold, liable):
    answer = observe(V8, digital_taxes=table(dst(threshold=threshold)), **ALONE)["FR-dst-3"]
    assert answer.details["platforms_liable"] == liable


def test_a_threshold_nearby_is_passed_in_a_part_of_the_draws(observe):
    # 1,000 m against EUR 920 m: passed below 1.087 USD, that is ln(1.087/0.95)/ln(1.25/0.95) = 49 % of the draws
    answer = observe(V8, digital_taxes=table(dst(threshold="domestic EUR 920m")), **ALONE)["FR-dst-3"]
    assert answer.details["platforms_liable"] == pytest.approx(0.491, abs=0.005)
    assert answer.details["platforms_surely_liable"] == 0
    assert answer.low == 0.0 < answer.high


@pytest.mark.parametrize(
    "row",
    [
        dst(threshold="global EUR 750m, domestic TRY 20m"),
        dst(threshold=""),
        dst(threshold="31,300 UVT and (300,000 users)"),
        dst(instrument="SEP"),
        dst(instrument="IGV on digital services (VAT)"),
        dst(rate=0.0),
        dst(in_force_to=date(2026, 9, 30)),
        dst(in_force_from=date(2026, 11, 1)),
        dst(in_force_from=None),
        dst(state="suspended (paused)"),
        dst(in_force="no"),
        dst(instrument="CIDE-Digital (bill)", state="proposal", in_force_from=None),
    ],
)
def test_designs_that_cannot_be_read_or_are_not_in_force_are_left_out(taxes, row):
    assert taxes(row) == []


def test_a_tax_holds_from_and_to_its_days(taxes):
    row = dst(in_force_from=date(2024, 6, 28), in_force_to=date(2025, 6, 29), state="rescinded")
    assert [len(taxes(row, when=month)) for month in ("2024-05", "2024-06", "2025-06", "2025-07")] == [
        0,
        1,
        1,
        0,
    ]


def test_the_economys_own_tax_comes_first_and_proposals_count(taxes):
    proposal = dst("CL", 5.0, instrument="CIDE-Digital (bill)", state="proposal", in_force_from=None)
    first, second = taxes(dst(), proposal)
    assert (first.country, first.in_force) == ("CL", False)
    assert (second.country, second.in_force) == ("FR", True)


def test_of_two_rates_of_one_name_the_one_in_force_is_taken(taxes):
    (tax,) = taxes(
        dst("CL", in_force_from=date(2027, 1, 1), threshold="global EUR 1bn"),
        dst("CL", in_force_from=date(2020, 1, 1)),
    )
    assert tax.world.amount == 750e6


def test_the_shipped_taxes_are_read(context, country):
    shipped = {"digital_taxes": load_reference().facts("digital_taxes")}
    names = [
        tax.name for tax in digital_taxes(context(country(country="BR"), month="2026-10", facts=shipped))
    ]
    assert names[:2] == ["BR-cide_digital_bill_pl_2358_2020-5", "BR-cide_digital_bill_plp_173_2025-5"]
    assert names[2:] == ["AT-dst-5", "ES-dst-3", "FR-dst-3", "GB-dst-2", "IT-dst-3"]


def test_without_a_design_it_says_what_it_needs(observe):
    (answer,) = observe(V8, **ALONE).values()
    assert answer.value is None
    assert "digital_taxes.csv" in answer.reason


def profit(region, millions, revenue_m=None, year=2025, **rest):
    return {
        "platform_id": "search",
        "reporter": "Search Inc.",
        "period_end": date(year, 12, 31),
        "region": region,
        "revenue_usd_m": revenue_m,
        "profit_before_tax_usd_m": millions,
        **rest,
    }


RATE = table({"country": "CL", "year": 2025, "rate_percent": 27.0})


def test_the_gap_is_tax_on_the_margin_less_the_profit_reported(observe):
    profits = table(profit("WORLD", 2700.0, 9000.0), profit("CL", 100.0))
    answers = observe(V9, platform_profits=profits, corporate_taxes=RATE, **ALONE)
    answer = answers["search"]
    # 27 % of (30 % of 1,000 m − 100 m) = 54 m; the margin in 0.3 ± 0.06: 37.8 m to 70.2 m
    assert answer.value == pytest.approx(54e6, rel=0.005)
    assert (answer.low, answer.high) == pytest.approx((54e6 - 0.9 * 16.2e6, 54e6 + 0.9 * 16.2e6), rel=0.005)
    assert answer.details["margin"] == pytest.approx(0.3)
    assert answer.details["reported_profit"] == 100e6
    assert answers[ALL_PLATFORMS].value == answer.value


def test_margins_of_several_years_widen_the_gap(observe):
    profits = table(
        profit("WORLD", 2700.0, 9000.0), profit("WORLD", 900.0, 9000.0, 2024), profit("CL", 100.0)
    )
    answer = observe(V9, platform_profits=profits, corporate_taxes=RATE, **ALONE)["search"]
    # 0.1 − 0.06 to 0.3 + 0.06; the middle is 0.2
    assert answer.value == pytest.approx(0.27 * (0.2 * 1000e6 - 100e6), rel=0.01)
    assert answer.low < 0


@pytest.mark.parametrize(
    ("profits", "rates", "needed"),
    [
        ([profit("WORLD", 2700.0, 9000.0)], [RATE], "profit it reports in CL"),
        ([profit("CL", 100.0)], [RATE], "platform_profits.csv"),
        ([], [], "corporate_taxes.csv"),
        (
            [profit("WORLD", 2700.0, 9000.0, 2027), profit("CL", 100.0, year=2027)],
            [RATE],
            "platform_profits.csv",
        ),
    ],
)
def test_without_accounts_or_rate_the_gap_says_what_it_needs(observe, profits, rates, needed):
    facts = {"platform_profits": table(*profits)} if profits else {}
    (answer,) = observe(V9, **facts, **({"corporate_taxes": rates[0]} if rates else {}), **ALONE).values()
    assert answer.value is None
    assert needed in answer.reason


def test_amount_a_taxes_a_quarter_of_the_profit_beyond_a_tenth(observe):
    profits = table(profit("WORLD", 2700.0, 9000.0))
    answer = observe(V10, platform_profits=profits, corporate_taxes=RATE, **ALONE)["search"]
    # 0.25 · (2,700 − 900) m · 1,000/9,000 · 27 % = 13.5 m
    assert answer.value == pytest.approx(13.5e6, rel=1e-4)
    assert answer.low < answer.value < answer.high
    assert "from_memory" in answer.flags


def test_a_company_of_thin_margin_owes_no_amount_a(observe):
    profits = table(profit("WORLD", 500.0, 9000.0))
    answer = observe(V10, platform_profits=profits, corporate_taxes=RATE, **ALONE)["search"]
    assert (answer.low, answer.value, answer.high) == (0.0, 0.0, 0.0)


def test_amount_a_needs_accounts_and_a_rate(observe):
    (answer,) = observe(V10, **ALONE).values()
    assert "platform_profits.csv" in answer.reason
    assert "corporate_taxes.csv" in answer.reason


def test_accounts_from_memory_are_flagged(observe):
    profits = table(profit("WORLD", 2700.0, 9000.0, status="from_memory"), profit("CL", 100.0))
    assert (
        "from_memory" in observe(V9, platform_profits=profits, corporate_taxes=RATE, **ALONE)["search"].flags
    )
