"""C1 to C4 against months worked by hand."""

import math

import pytest

from caudal.service.indicators import CATALOGUE


@pytest.fixture(scope="module")
def month(cell, cells):
    """search 400, films 200, network 64500 300 (access) and 100 of a network that nobody lists."""
    return cells(
        [
            cell(400, "US", platform="search", remote_asn=15169),
            cell(200, "XA", platform="films", remote_asn=2906),
            cell(200, "XA", remote_asn=64500, network_kind="access", control="XA"),
            cell(100, "BR", remote_asn=64500, network_kind="access", control="XA"),
            cell(100, "BR", remote_asn=64999),
        ]
    )


def test_platform_concentration(month, context, only):
    answer = only(CATALOGUE["C1"].compute(month, context()))
    # 4/9, 3/9, 2/9: (16 + 9 + 4)/81
    assert answer.value == pytest.approx(29 / 81)
    assert answer.details["observed"] == pytest.approx(29 / 81)
    assert answer.details["providers"] == 3
    assert answer.details["provider_unknown"] == pytest.approx(0.1)
    # Atomised: 0.16 + 0.09 + 0.04; all with the largest: 0.25 + 0.09 + 0.04
    assert (answer.low, answer.high) == pytest.approx((0.29, 0.38))


def test_a_platform_is_one_provider_on_all_its_networks(cell, cells, context, only):
    spread = cells([cell(50, platform="search", remote_asn=asn) for asn in (15169, 36040, 0)])
    assert only(CATALOGUE["C1"].compute(spread, context())).value == 1.0


def test_sampling_is_taken_out_of_the_index_and_put_into_its_interval(cell, cells, context, only):
    # The example of herfindahl in test_uncertainty: 0.38 − 20.44e-4, variance 2.1888e-4
    sampled = cells(
        [
            cell(50, "US", platform="search", bytes_variance=25.0),
            cell(30, "US", platform="films", bytes_variance=9.0),
            cell(20, "XA", platform="shop", bytes_variance=4.0),
        ]
    )
    answer = only(CATALOGUE["C1"].compute(sampled, context()))
    assert answer.value == pytest.approx(0.377956)
    factor = math.exp(1.959964 * math.sqrt(2.1888e-4) / 0.377956)
    assert (answer.low, answer.high) == pytest.approx((0.377956 / factor, 0.377956 * factor), abs=1e-6)


def test_effective_number_is_the_inverse(month, context, only):
    index = only(CATALOGUE["C1"].compute(month, context()))
    number = only(CATALOGUE["C3"].compute(month, context()))
    assert (number.low, number.value, number.high) == pytest.approx((1 / 0.38, 81 / 29, 1 / 0.29))
    assert number.value == pytest.approx(1 / index.value)


def test_jurisdiction_concentration_is_that_of_the_control_shares(month, context, only):
    answer = only(CATALOGUE["C2"].compute(month, context()))
    shares = [a.value for a in CATALOGUE["J4"].compute(month, context())]
    assert answer.value == pytest.approx(sum(s**2 for s in shares)) == pytest.approx(0.6**2 + 0.3**2)
    assert answer.details["among_known"] == pytest.approx((36 + 9) / 81)
    assert (answer.low, answer.high) == pytest.approx((0.45, max(0.7**2 + 0.3**2, 45 / 81)))


def test_largest_providers(month, context):
    answers = CATALOGUE["C4"].compute(month, context())
    assert [a.dimension for a in answers] == ["largest_1", "largest_4", "largest_8"]
    assert [a.value for a in answers] == pytest.approx([4 / 9, 1, 1])
    assert (answers[0].low, answers[0].high) == pytest.approx((0.4, 0.5))
    assert answers[0].details["rank_certainty"] == 1.0
    assert "rank_certainty" not in answers[1].details


def test_a_rank_that_sampling_could_exchange_is_flagged(cell, cells, context):
    # 100 ± √50 against 95 ± √50: 5/10 standard deviations apart, certain to Φ(0.5) = 0.691
    close = cells(
        [
            cell(100, "US", platform="search", bytes_variance=50.0),
            cell(95, "US", platform="films", bytes_variance=50.0),
        ]
    )
    first = CATALOGUE["C4"].compute(close, context())[0]
    assert first.details["rank_certainty"] == pytest.approx(0.691462, abs=1e-6)
    assert first.flags == ("rank_unstable",)


@pytest.mark.parametrize("indicator", ["C1", "C2", "C3", "C4"])
def test_a_month_without_any_owner_is_insufficient(indicator, cell, cells, context, only):
    nobody = cells([cell(100, "BR", remote_asn=64999)])
    answer = only(CATALOGUE[indicator].compute(nobody, context()))
    assert answer.value is None
    assert answer.reason


def test_an_enormous_variance_leaves_every_answer_finite(cell, cells, context):
    wild = cells(
        [
            cell(100, "US", platform="search", bytes_variance=1e30),
            cell(90, "XA", platform="films", bytes_variance=1e30),
            cell(80, "ZZ", bytes_variance=1e30),
        ]
    )
    for indicator in ("C1", "C2", "C3", "C4"):
        for answer in CATALOGUE[indicator].compute(wild, context()):
            assert 0 < answer.low <= answer.value <= answer.high < math.inf or indicator == "C4"
            assert 0 <= answer.low <= answer.value <= answer.high < math.inf
