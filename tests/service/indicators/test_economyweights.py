"""The weight of an economy in a region, by its users and its product per head."""

import numpy as np
import pytest

from caudal.reference import load_reference
from caudal.service.indicators.facts.economyweights import EconomyWeights
from caudal.service.indicators.statistics.montecarlo import band, between
from tests.service.indicators.world import economy, table, world

THETA = between("theta", 0.5, 1.0)
PAIR = frozenset({"CL", "BR"})


@pytest.fixture(scope="module")
def weights(context, country):
    def make(*economies, of="CL", **rest):
        return EconomyWeights(
            context(country(country=of), facts=world(economies=table(*economies)), **rest), THETA
        )

    return make


@pytest.fixture(scope="module")
def shipped(context, country):
    reference = load_reference()
    return EconomyWeights(
        context(country(country="CL"), month="2026-10", facts={"economies": reference.facts("economies")}),
        THETA,
    )


def test_with_equal_products_users_alone_decide(weights):
    # 25 of 125 users, each count ± 10 %: at most 27.5/(27.5 + 90), at least 22.5/(22.5 + 110)
    shares = weights(economy("CL", 25, 1e4), economy("BR", 100, 1e4)).shares("CL", PAIR)
    assert band(shares).value == pytest.approx(0.2, rel=0.01)
    assert shares.min() >= 22.5 / 132.5
    assert shares.max() <= 27.5 / 117.5


def test_theta_runs_from_a_half_to_one(weights):
    # four times the product: 25·4^0.5 = 50 of 150 to 25·4 = 100 of 200; at θ = 0.75, 70.71 of 170.71
    shares = weights(economy("CL", 25, 4e4), economy("BR", 100, 1e4)).shares("CL", PAIR)
    assert band(shares).value == pytest.approx(70.71 / 170.71, rel=0.01)
    assert shares.min() == pytest.approx(45 / (45 + 110), rel=0.02)
    assert shares.max() == pytest.approx(110 / (110 + 90), rel=0.02)


def test_shares_of_a_region_make_one(weights):
    made = weights(economy("CL", 25, 4e4), economy("BR", 100, 1e4), economy("MX", 80, None))
    region = frozenset({"CL", "BR", "MX"})
    total = np.sum([made.shares(each, region) for each in sorted(region)], axis=0)
    assert total == pytest.approx(np.ones_like(total))


def test_a_region_of_one_country_is_all_its_own(weights):
    assert (weights(economy("CL", 25, 4e4)).shares("CL", frozenset({"CL"})) == 1.0).all()


def test_countries_without_a_row_weigh_up_to_the_median_each(weights):
    # equal products; median of 25 and 100 is 62.5; two missing: 25/(125 + u·125), u in [0, 1]
    made = weights(economy("CL", 25, 1e4), economy("BR", 100, 1e4))
    shares = made.shares("CL", PAIR | {"MX", "CA"})
    assert band(shares).value == pytest.approx(25 / (125 + 62.5), rel=0.02)
    assert shares.min() >= 22.5 / (22.5 + 110 + 2 * (22.5 + 110) / 2)


def test_an_unusable_product_weighs_as_any_of_the_region(weights):
    made = weights(
        economy("CL", 25, 1e4), economy("BR", 100, 4e4), economy("MX", 25, 9e9, usable_as_weight=False)
    )
    assert made.head("MX").product is None
    shares = made.shares("CL", PAIR | {"MX"})
    # Mexico between 25 users at 10,000 and 25 at 40,000; Chile and Brazil at θ in [0.5, 1]
    assert shares.max() <= 27.5 / (27.5 + 90 * 2 + 22.5)
    assert shares.min() >= 22.5 / (22.5 + 110 * 4 + 27.5 * 4)


def test_a_made_up_economy_weighs_in_its_own_figures_only(weights):
    rows = economy("CL", 25, 1e4), economy("BR", 100, 1e4, status="synthetic")
    assert weights(*rows).known(PAIR) == ["CL"]
    assert weights(*rows, of="BR").known(PAIR) == ["BR", "CL"]


def test_old_counts_of_users_are_less_sure(weights):
    fresh = weights(economy("CL", 100, 1e4), month="2026-01").head("CL")
    assert fresh.users_bounds == pytest.approx((90.0, 110.0))
    # the end of 2016 to January 2027 is ten years: eight beyond the second, 3 points each
    old = weights(economy("CL", 100, 1e4, internet_year=2016), month="2027-01").head("CL")
    assert old.users_bounds == pytest.approx((66.0, 134.0), abs=0.05)
    assert "stale_facts" in old.flags
    assert "stale_facts" not in fresh.flags


def test_a_product_that_jumped_is_taken_between_the_two_figures(weights):
    # 12.7 bn after 10 bn: more than a fifth apart
    made = weights(economy("CL", 25, 1270.0, gdp_usd=12.7e9, gdp_usd_2023=10e9))
    assert made.head("CL").product_bounds == pytest.approx((1000.0, 1270.0))
    assert "weak_facts" in made.head("CL").flags
    steady = weights(economy("CL", 25, 1100.0, gdp_usd=11e9, gdp_usd_2023=10e9))
    assert steady.head("CL").product_bounds == (1100.0, 1100.0)


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        ("CU", {"weak_facts", "stale_facts"}),
        ("VE", {"weak_facts", "stale_facts"}),
        ("HT", {"weak_facts", "stale_facts"}),
        ("NG", {"weak_facts"}),
        ("BO", {"weak_facts"}),
        ("BB", {"weak_facts"}),
        ("JM", {"weak_facts"}),
        ("PA", {"weak_facts"}),
        ("GY", {"weak_facts"}),
        ("SR", {"weak_facts"}),
        ("CL", set()),
        ("BR", set()),
    ],
)
def test_what_the_shipped_economies_dispute_is_flagged(shipped, code, flags):
    assert shipped.head(code).flags == flags


def test_figures_that_the_shipped_economies_dispute_widen_the_bounds(shipped):
    assert shipped.head("CU").product is None
    venezuela = shipped.head("VE")
    assert venezuela.product_bounds == pytest.approx((venezuela.product / 2, venezuela.product * 2))
    bolivia = shipped.head("BO")
    assert bolivia.product_bounds == pytest.approx((bolivia.product, bolivia.product * 1.15))
    # 78 % by another vintage, 68.55 % by this one
    panama = shipped.head("PA")
    assert panama.users_bounds[1] == pytest.approx(panama.users * 78 / 68.55)


def test_a_note_changes_nothing(weights):
    said = weights(economy("CL", 25, 1e4, note="Do not use as a weight; estimates differ widely"))
    assert said.head("CL").product_bounds == (1e4, 1e4)


def test_the_middle_share_is_that_of_the_draws(weights):
    made = weights(economy("CL", 25, 4e4), economy("BR", 100, 1e4))
    # at θ = 1: 25·4 of 25·4 + 100
    assert made.middle_shares("CL", PAIR, np.array([0.0, 1.0])) == pytest.approx([0.2, 0.5])


def test_a_walled_country_is_reached_in_half_of_the_draws(context, country):
    facts = world(
        economies=table(economy("CL", 25, 1e4), economy("CN", 100, 1e4)),
        country_groups=table({"group_id": "WALLED", "country": "CN"}),
    )
    made = EconomyWeights(context(country(country="CL"), facts=facts), THETA)
    shares = made.shares("CL", frozenset({"CL", "CN"}))
    assert (shares == 1.0).mean() == pytest.approx(0.5, abs=0.01)
