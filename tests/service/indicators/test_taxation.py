"""V8, V9 and V10 against figures worked by hand."""

from datetime import date

import pytest

from caudal.reference import FILES, load_reference
from caudal.service.indicators.facts.digitaltax import digital_taxes
from caudal.service.indicators.facts.levies import Levies
from caudal.service.indicators.groups.taxation import INDICATORS
from caudal.service.indicators.groups.valuecaptured import ALL_PLATFORMS
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
        return digital_taxes(
            context(
                country(country=of),
                month=when,
                facts={"digital_taxes": table(*rows), "exchange_rates": RATES},
            )
        )

    return read


def dst(country="FR", rate=3.0, **rest):
    return {
        "country": country,
        "instrument": "DST",
        "rate_percent": rate,
        "in_force_from": date(2019, 1, 1),
        "in_force_to": None,
        "counted": True,
        "least_rate_percent": None,
        "in_force": "yes",
        "scope": "intermediation advertising user_data",
        "threshold_global_amount": 750e6,
        "threshold_global_currency": "EUR",
        "threshold_domestic_amount": 25e6,
        "threshold_domestic_currency": "EUR",
        "threshold_domestic_effect": "all",
        **rest,
    }


def threshold(world=None, home=None, effect="all"):
    """Thresholds in columns; each an amount and a currency, None for none."""
    (world_amount, world_currency), (home_amount, home_currency) = world or (None, ""), home or (None, "")
    return {
        "threshold_global_amount": world_amount,
        "threshold_global_currency": world_currency,
        "threshold_domestic_amount": home_amount,
        "threshold_domestic_currency": home_currency,
        "threshold_domestic_effect": effect if home_amount else "",
    }


def rate_of(currency, year, usual, least, greatest):
    return {
        "currency": currency,
        "year": year,
        "units_per_usd": usual,
        "least": least,
        "greatest": greatest,
    }


RATES = table(rate_of("EUR", 2019, 0.9, 1 / 1.25, 1 / 0.95))


# All of Chile's revenue, 1,000 m, is reported for Chile itself: the capture has no error but rounding.
CATEGORIES = table(
    {"category": "search_ads", "levies": "advertising user_data"},
    {"category": "social", "levies": "advertising user_data"},
    {"category": "cloud_saas", "levies": ""},
    {"category": "video_streaming", "levies": "streaming"},
)
ALONE = {
    "categories": CATEGORIES,
    "economies": table(economy("CL", 25, 1e4)),
    "regional_revenue": table(revenue("search", "CL", 1000), revenue("search", "WORLD", 9000)),
    "exchange_rates": RATES,
}


HOME_IT = {
    "categories": CATEGORIES,
    "countries": table({"country": "IT", "region": "Southern Europe"}),
    "economies": table(economy("IT", 25, 1e4)),
    "regional_revenue": table(revenue("search", "IT", 1000), revenue("search", "WORLD", 9000)),
    "exchange_rates": RATES,
}


def test_the_tax_is_its_rate_on_what_platforms_earn(observe):
    answer = observe(V8, digital_taxes=table(dst()), **ALONE)["FR-dst-3"]
    # 3 % of 1,000 m; without receipts a country differs by e^(±1.645·0.4), and a levy reaches all of it
    assert answer.value == pytest.approx(30e6, rel=0.01)
    assert (answer.low, answer.high) == pytest.approx((30e6 / 1.931, 30e6 * 1.931), rel=0.02)
    assert answer.details["rate"] == 0.03
    assert answer.details["platforms_surely_liable"] == 1
    # as the definition says of the rates of exchange
    assert answer.flags == ("from_memory",)


def test_a_service_that_the_scope_does_not_name_pays_nothing(observe):
    platforms = table(platform("search", category="video_streaming"))
    answer = observe(V8, digital_taxes=table(dst()), platforms=platforms, **ALONE)["FR-dst-3"]
    assert (answer.low, answer.value, answer.high) == (0.0, 0.0, 0.0)
    assert answer.details["platforms_in_base"] == 0
    content = observe(V8, digital_taxes=table(dst(scope="streaming")), platforms=platforms, **ALONE)
    assert content["FR-dst-3"].value > 0


def test_categories_of_the_facts_say_what_a_platform_provides(observe):
    categories = table({"category": "search_ads", "levies": "streaming"})
    answer = observe(V8, digital_taxes=table(dst(scope="streaming")), **{**ALONE, "categories": categories})
    assert answer["FR-dst-3"].details["platforms_in_base"] == 1
    other = observe(V8, digital_taxes=table(dst()), **{**ALONE, "categories": categories})["FR-dst-3"]
    assert other.value == 0


def sale(offer, millions, **rest):
    return revenue("search", "WORLD", millions, metric=f"revenue_{offer}", offer=offer, **rest)


def test_a_levy_on_one_kind_of_sale_leaves_the_others(observe):
    kinds = sale("advertising", 100), sale("seller_services", 500), sale("financial", 400)
    facts = {
        "platforms": table(platform("search", category="market")),
        "categories": table({"category": "market", "levies": "advertising intermediation digital_services"}),
        "regional_revenue": table(revenue("search", "LATAM", 1000), *kinds, sale("own_goods", 5000)),
    }
    scopes = {
        "advertising": 0.1,
        "advertising intermediation": 0.6,
        "digital_services": 1.0,
        "streaming": 0.0,
    }
    for scope, part in scopes.items():
        answer = observe(V8, digital_taxes=table(dst(scope=scope)), **{**ALONE, **facts})["FR-dst-3"]
        # 10, 60, 100 and 0 % of what is services
        assert answer.value == pytest.approx(part * answer_of_all(observe, facts), rel=0.05)


def answer_of_all(observe, facts):
    return observe(V8, digital_taxes=table(dst(scope="digital_services")), **{**ALONE, **facts})[
        "FR-dst-3"
    ].value


def test_brazil_levies_advertising_alone_on_a_tenth_of_a_market(shipped, context, country):
    levies = Levies(context(country(country="BR"), month="2026-10", facts=shipped))
    low, high = levies.part("mercadolibre", {"advertising"})
    assert low < 0.06 < high < 0.1
    assert levies.part("mercadolibre", {"digital_services"}) == (1.0, 1.0)
    assert levies.part("google", {"advertising"}) == (1.0, 1.0)
    assert levies.part("amazon_aws", {"advertising", "intermediation"}) is None


def test_a_company_with_a_platform_in_the_base_pays_on_less_than_a_quarter(observe):
    platforms = table(
        platform("search", category="cloud_saas", parent="Holding"),
        platform("net", category="social", parent="Holding"),
    )
    answer = observe(V8, digital_taxes=table(dst()), platforms=platforms, **ALONE)["FR-dst-3"]
    # φ in [0, 0.25]: 3.75 m in the middle
    assert answer.value == pytest.approx(3.75e6, rel=0.1)


def test_a_rate_that_is_less_for_a_part_lies_between_both(observe):
    tax = dst(rate=12.0, least_rate_percent=6.0)
    answer = observe(V8, digital_taxes=table(tax), **ALONE)["FR-dst-12"]
    assert answer.details["rate"] == pytest.approx(0.09, rel=1e-3)
    assert answer.value == pytest.approx(90e6, rel=0.03)


@pytest.mark.parametrize(
    ("columns", "liable"),
    [
        (threshold((750e6, "EUR")), 1.0),
        (threshold((20e9, "EUR")), 0.0),  # the company's 9,000 m are less at any rate
        (threshold(None, (999e6, "USD")), 1.0),
        (threshold(None, (1001e6, "USD")), 0.0),
        (threshold((1e9, "USD"), (2000e6, "EUR")), 0.0),
        (threshold(), 1.0),
    ],
)
def test_thresholds_decide_who_pays(observe, columns, liable):
    answer = observe(V8, digital_taxes=table(dst(**columns)), **ALONE)["FR-dst-3"]
    assert answer.details["platforms_liable"] == liable


def test_a_threshold_nearby_is_passed_in_a_part_of_the_draws(observe):
    # 1,000 m against EUR 920 m: passed below 1.087 USD, that is ln(1.087/0.95)/ln(1.25/0.95) = 49 % of the draws
    tax = dst(**threshold(None, (920e6, "EUR")))
    answer = observe(V8, digital_taxes=table(tax), **ALONE)["FR-dst-3"]
    assert answer.details["platforms_liable"] == pytest.approx(0.491, abs=0.005)
    assert answer.details["platforms_surely_liable"] == 0
    assert answer.low == 0.0 < answer.high


def test_where_only_the_excess_is_taxed_the_rest_is_free(observe):
    # 400 m of 1,000 m are free: 3 % of 600 m
    tax = dst(**threshold(None, (400e6, "USD"), "excess"))
    answer = observe(V8, digital_taxes=table(tax), **ALONE)["FR-dst-3"]
    assert answer.value == pytest.approx(18e6, rel=0.01)


@pytest.mark.parametrize(
    "row",
    [
        dst(**threshold((750e6, "EUR"), (20e6, "TRY"))),  # no rate of exchange
        dst(counted=False),
        dst(scope=""),
        dst(rate=0.0),
        dst(in_force_to=date(2026, 9, 30)),
        dst(in_force_from=date(2026, 11, 1)),
        dst(in_force_from=None),
        dst(in_force="no"),
    ],
)
def test_designs_that_cannot_be_read_or_are_not_in_force_are_left_out(taxes, row):
    assert taxes(row) == []


def test_a_tax_holds_from_and_to_its_days(taxes):
    row = dst(in_force_from=date(2024, 6, 28), in_force_to=date(2025, 6, 29))
    assert [len(taxes(row, when=month)) for month in ("2024-05", "2024-06", "2025-06", "2025-07")] == [
        0,
        1,
        1,
        0,
    ]


def test_the_economys_own_tax_comes_first_and_proposals_count(taxes):
    proposal = dst("CL", 5.0, instrument="CIDE-Digital (bill)", in_force="no", in_force_from=None)
    first, second = taxes(dst(), proposal)
    assert (first.country, first.in_force) == ("CL", False)
    assert (second.country, second.in_force) == ("FR", True)


def test_of_two_rates_of_one_name_the_one_in_force_is_taken(taxes):
    (tax,) = taxes(
        dst("CL", in_force_from=date(2027, 1, 1), **threshold((1e9, "USD"))),
        dst("CL", in_force_from=date(2020, 1, 1), **threshold((750e6, "USD"))),
    )
    assert set(tax.world) == {750e6}


@pytest.fixture(scope="module")
def shipped():
    reference = load_reference().at("2026-10")
    return {file.name: reference.facts(file.name) for file in FILES}


def test_every_levy_in_force_is_a_design_and_the_own_one_stands_first(context, country, shipped):
    def names(of):
        return [
            tax.name for tax in digital_taxes(context(country(country=of), month="2026-10", facts=shipped))
        ]

    assert names("CO")[0] == "CO-sep-3"
    assert names("UY")[0] == "UY-irnr_on_digital_services-12"
    assert names("PY")[0] == "PY-inr_on_digital_services_of_non_residents-4_5"
    assert [name for name in names("BR") if name.startswith("BR-")] == names("BR")[:3]
    europe = {"AT-dst-5", "ES-dst-3", "FR-dst-3", "GB-dst-2", "IT-dst-3", "TR-dst-5"}
    assert europe <= set(names("CL"))
    # a prepayment of the resident's own tax, and VAT, are no levies on platforms
    assert not any(name.startswith(("AR-", "PE-", "MX-", "CL-")) for name in names("AR"))


def test_of_designs_of_others_the_one_of_middle_yield_stands_first(observe):
    designs = table(dst("AT", 1.0), dst("FR", 3.0), dst("IT", 5.0))
    assert next(iter(observe(V8, digital_taxes=designs, **ALONE))) == "FR-dst-3"
    assert next(iter(observe(V8, of="IT", digital_taxes=designs, **HOME_IT))) == "IT-dst-5"


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


def test_without_profit_reported_in_the_country_it_is_anything_up_to_the_margin_abroad(observe):
    # abroad: (2,700 − 2,100) m of (9,000 − 3,000) m: a margin of 0.1, where the whole has 0.3
    profits = table(profit("WORLD", 2700.0, 9000.0), profit("US", 2100.0, 3000.0))
    answer = observe(V9, platform_profits=profits, corporate_taxes=RATE, **ALONE)["search"]
    # 27 % of (0.3 − 0.05) · 1,000 m in the middle
    assert answer.value == pytest.approx(0.27 * 0.25 * 1000e6, rel=0.01)
    assert answer.details["margin_abroad"] == pytest.approx(0.1)
    assert "reported_profit" not in answer.details


def test_firms_book_profits_differently_and_are_told_apart(observe, shipped):
    answers = observe(V9, of="CL", **shipped)
    abroad = {name: each.details.get("margin_abroad") for name, each in answers.items()}
    assert abroad["google"] < 0.1 < 0.25 < abroad["apple"]


@pytest.mark.parametrize("of", ["BR", "CL", "MX", "CO", "AR", "PE", "UY", "CR"])
def test_tax_on_profits_is_answered_in_latin_america(observe, shipped, of):
    for indicator in (V8, V9, V10):
        answer = next(iter(observe(indicator, of=of, **shipped).values()))
        assert answer.low < answer.value < answer.high


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
