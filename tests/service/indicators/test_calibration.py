"""What is fitted on receipts, against receipts made by a known rule."""

from datetime import date

import numpy as np
import pytest

from caudal.reference import load_reference
from caudal.service.indicators.facts.calibration import GRID, Calibration, student
from caudal.service.indicators.facts.currencies import Currencies
from caudal.service.indicators.facts.earnings import Earnings
from caudal.service.indicators.facts.receipts import receipts
from caudal.service.indicators.statistics.montecarlo import band
from tests.service.indicators.world import economy, platform, revenue, table, world

USERS = 100
# Seven countries of products 2,000 to 54,000 a head.
PRODUCTS = {"CL": 2e3, "BR": 6e3, "MX": 1.8e4, "CA": 5.4e4, "DE": 2e3, "TR": 1.8e4, "NG": 5.4e4}
THETA, REACH = 1.3, 0.5


def receipt(country, amount, measure="levy", year=2026, **rest):
    return {
        "country": country,
        "period_start": date(year, 1, 1),
        "period_end": date(year, 12, 31),
        "measure": measure,
        "instrument": "DST",
        "scope": "advertising",
        "rate_percent": 10.0,
        "amount_m": amount,
        "currency": "USD",
        "bound": "exact",
        "counted": True,
        **rest,
    }


def facts(off=None, left_out=()):
    """A world whose one platform earns 1,000 m by users · product^1.3, of which a levy reaches half; `off` by country."""
    weights = {country: USERS * product**THETA for country, product in PRODUCTS.items()}
    whole = sum(weights.values())
    taxed = {
        country: 0.1 * REACH * 1000 * weight / whole * (off or {}).get(country, 1.0)
        for country, weight in weights.items()
    }
    return world(
        countries=table(*({"country": c, "region": "South America"} for c in PRODUCTS)),
        economies=table(*(economy(c, USERS, product) for c, product in PRODUCTS.items())),
        known_receipts=table(*(receipt(c, v) for c, v in taxed.items() if c not in left_out)),
        categories=table({"category": "search_ads", "levies": "advertising"}),
    )


@pytest.fixture(scope="module")
def calibrated(context, country):
    def make(files, of="CL"):
        return Calibration(context(country(country=of), month="2026-10", facts=files))

    return make


def test_the_rule_that_made_the_receipts_is_found(calibrated):
    noise = dict(zip(PRODUCTS, (1.1, 0.9, 1.05, 0.95, 0.9, 1.1, 1.0), strict=True))
    fit = calibrated(facts(noise)).fit("CL", own=False)
    assert band(fit.theta).low < THETA < band(fit.theta).high
    assert band(fit.theta).value == pytest.approx(THETA, abs=0.1)
    assert band(np.exp(fit.level["levy"])).value == pytest.approx(REACH, rel=0.1)
    assert 0.05 < band(fit.spread).value < 0.15
    assert fit.countries == set(PRODUCTS) - {"CL"}


def test_a_country_is_not_told_by_itself(calibrated):
    """Whatever Chile received, what the others say of it is the same."""
    noise = {"BR": 1.2, "CA": 0.9}
    usual, odd = (calibrated(facts({**noise, "CL": factor})).fit("CL", own=False) for factor in (1.0, 5.0))
    assert (usual.effect == odd.effect).all()
    assert (usual.base["levy"] == odd.base["levy"]).all()


def test_its_own_receipts_are_what_a_levy_raises_and_shift_what_it_earns_in_part(calibrated):
    noise = {"BR": 1.2, "CA": 0.9, "MX": 1.1, "DE": 0.85, "CL": 2.0}
    fit = calibrated(facts(noise)).fit("CL")
    assert fit.own == {"levy"}
    assert band(np.exp(fit.base["levy"])).value == pytest.approx(2 * REACH, rel=0.15)
    # between nothing and all of ln 2
    assert 0.1 < band(fit.effect).value < 0.65


def test_turnover_itself_is_what_is_said(calibrated):
    files = facts({"BR": 1.2, "CA": 0.9, "DE": 0.85}, left_out=("CL",))
    own = receipt("CL", 30.0, "revenue", rate_percent=None, scope="")
    rows = [*files["known_receipts"].iter_rows(named=True), own]
    fit = calibrated({**files, "known_receipts": table(*rows)}).fit("CL")
    share = PRODUCTS["CL"] ** band(fit.theta).value / sum(
        p ** band(fit.theta).value for p in PRODUCTS.values()
    )
    assert band(np.exp(fit.effect)).value == pytest.approx(30 / (1000 * share), rel=0.1)


def test_without_receipts_nothing_is_fitted(calibrated):
    fit = calibrated(world()).fit("CL")
    assert (fit.theta.min(), fit.theta.max()) == pytest.approx((0.5, 1.5), abs=0.001)
    assert set(fit.spread) == {0.4}
    assert not fit.countries


def test_the_shipped_receipts_tell_of_seven_countries_with_a_levy(calibrated):
    reference = load_reference()
    names = (
        "known_receipts",
        "exchange_rates",
        "economies",
        "countries",
        "country_groups",
        "filing_regions",
        "platforms",
        "categories",
        "regional_revenue",
    )
    made = calibrated({name: reference.facts(name) for name in names})
    kinds = {(each.country, each.measure) for each in made.known}
    assert {country for country, measure in kinds if measure == "levy"} == {
        "AT",
        "ES",
        "FR",
        "GB",
        "IN",
        "IT",
        "KE",
    }
    assert {country for country, measure in kinds if measure == "vat"} == {"CL", "CO", "CR", "EC", "PE", "UY"}
    fit = made.fit("BR")
    assert 1.0 < band(fit.theta).low < band(fit.theta).high < 1.6
    # at the θ that is likely, the levies of seven countries lie within a fifth of each other
    near = int(np.argmin(abs(GRID - band(fit.theta).value)))
    levies = [each.mean[near] for each in made.known if each.measure == "levy"]
    assert np.std(levies, ddof=1) < 0.2
    # filings by country: Amazon's three, Mercado Libre's three
    assert len(made.firms) == 6


def test_students_t_has_its_quantiles():
    # P95 of t with 4 degrees of freedom is 2.132
    assert np.quantile(student("a test", 4), 0.95) == pytest.approx(2.132, rel=0.03)


def test_receipts_are_turned_into_turnover_a_year(context):
    rows = table(
        receipt("CL", 121.0, period_start=date(2020, 6, 1), period_end=date(2020, 12, 31), rate_percent=19.0),
        receipt("CL", 50.0, "mixed"),
        receipt("CL", 50.0, rate_percent=None),
        receipt("CL", 50.0, currency="XXX"),
        receipt("CL", 5000.0, currency="CLP", instrument="IVA"),
    )
    rates = table(
        {"currency": "CLP", "year": 2025, "units_per_usd": 950.0, "least": 900.0, "greatest": 1000.0}
    )
    made = context(facts={"known_receipts": rows, "exchange_rates": rates})
    first, second = receipts(made)
    # USD 121 m of 19 % in 214 days
    assert first.base == pytest.approx(121e6 / 0.19 * 365.25 / 214)
    assert first.month == "2020-09"
    assert second.amount == pytest.approx(5000e6 / 950)


def test_a_rate_of_exchange_is_that_of_the_year_or_the_last_before(context):
    rates = table(
        {"currency": "EUR", "year": 2020, "units_per_usd": 0.8, "least": 0.7, "greatest": 0.9},
        {"currency": "EUR", "year": 2024, "units_per_usd": 0.9, "least": None, "greatest": None},
    )
    currencies = Currencies(context(facts={"exchange_rates": rates}))
    assert currencies.usd("EUR", 2022) == 1 / 0.8
    assert currencies.usd("EUR", 2026) == 1 / 0.9
    assert currencies.usd("EUR", 2019) is None
    assert currencies.usd("USD", 2019) == 1.0
    draws = currencies.usd_draws("EUR", 2021)
    assert (draws.min(), draws.max()) == pytest.approx((1 / 0.9, 1 / 0.7), rel=1e-3)


def test_kinds_of_sale_go_to_their_platforms_and_own_goods_to_none(context, country):
    def offer(name, of, millions, kind, sold_in=""):
        return revenue(
            of, "WORLD", millions, reporter="shop", metric=f"revenue_{name}", offer=kind, sold_in=sold_in
        )

    files = world(
        platforms=table(platform("shop", parent="Shop"), platform("cloud", parent="Shop")),
        country_groups=table({"group_id": "STORES", "country": "BR"}),
        regional_revenue=table(
            revenue("shop", "LATAM", 1000),
            offer("goods", "shop", 50.0, "own_goods", "STORES"),
            offer("fees", "shop", 30.0, "seller_services", "STORES"),
            offer("cloud", "cloud", 20.0, "cloud"),
        ),
    )
    earnings = Earnings(context(country(country="CL"), month="2026-10", facts=files))
    (cloud,) = earnings.of("CL")
    assert (cloud.platform, cloud.countries) == ("cloud", {"CL", "BR"})
    assert cloud.middle == pytest.approx(200e6)
    names = {each.platform: each for each in earnings.of("BR")}
    assert names["shop"].middle == pytest.approx(300e6)
    assert names["shop"].countries == {"BR"}
