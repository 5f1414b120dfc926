"""C1 to C4 against months worked by hand."""

import math

import pytest

from caudal.service.indicators import CATALOGUE


def within(answers):
    return {each.dimension: each for each in answers if each.dimension is not None}


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


def test_platform_concentration(month, context, whole):
    answers = CATALOGUE["C1"].compute(month, context())
    answer = whole(answers)
    # 2/3, 1/3; the 300 of an access network are no platform's
    assert answer.value == pytest.approx(5 / 9)
    assert answer.details["observed"] == pytest.approx(5 / 9)
    assert answer.details["providers"] == 2
    assert answer.details["provider_unknown"] == pytest.approx(1 / 7)
    # Of 700: atomised (16 + 4)/49; all with the largest (25 + 4)/49
    assert (answer.low, answer.high) == pytest.approx((20 / 49, 29 / 49))
    # All functions together are no market: no scale is applied to them.
    assert answer.flags == ()
    assert list(within(answers)) == ["finds_answers", "carries_video", "connects"]
    assert [each.value for each in within(answers).values()] == [1.0, 1.0, 1.0]


def test_within_a_function_an_index_is_read_by_the_scale_of_an_authority_by_company(
    cell, cells, context, table
):
    """Six marketplaces of 100 each, of six companies and then of two; and the access networks beside them."""
    rows = [
        cell(100, "US", "operator", direction="out")
        | {"platform": f"shop{n}", "category": "marketplace", "control": "US", "network_kind": "platform"}
        for n in range(6)
    ]
    rows += [cell(900, "CL", remote_asn=64500, network_kind="access", control="CL")]
    owned = table("platform_id parent", *((f"shop{n}", f"company {n % 2}") for n in range(6)))
    many, two = (
        within(CATALOGUE["C1"].compute(cells(rows), context(facts=facts)))
        for facts in ({}, {"platforms": owned})
    )
    # 1/6 is 1,667 points; two companies with half each are 5,000.
    assert many["sells"].value == two["sells"].value == pytest.approx(1 / 6)
    assert many["sells"].flags == ("concentrated_moderately",)
    assert two["sells"].details["by_company"] == pytest.approx(0.5)
    assert two["sells"].flags == ("concentrated_highly",)
    assert (two["sells"].details["providers"], two["sells"].details["companies"]) == (6, 2)
    # Whom the country's networks exchange traffic with is no market of access: no scale.
    assert many["connects"].value == 1.0 and many["connects"].flags == ()
    number = within(CATALOGUE["C3"].compute(cells(rows), context(facts={"platforms": owned})))["sells"]
    assert (number.value, number.details["by_company"]) == pytest.approx((6, 2))
    largest = within(CATALOGUE["C4"].compute(cells(rows), context(facts={"platforms": owned})))
    assert largest["sells-largest_4"].value == pytest.approx(4 / 6)
    assert largest["sells-largest_1"].details["by_company"] == pytest.approx(0.5)


def test_an_interval_across_a_line_of_the_scale_has_no_flag(cell, cells, context):
    """Six shops, 60 and five times 100, each ± 30: about 1,700 points, and perhaps more than 1,800."""
    sampled = [
        cell(100 if n else 60, "US", "operator", direction="out", bytes_variance=900.0)
        | {"platform": f"shop{n}", "category": "marketplace", "control": "US", "network_kind": "platform"}
        for n in range(6)
    ]
    index = within(CATALOGUE["C1"].compute(cells(sampled), context()))["sells"]
    assert index.details["by_company_low"] < 0.18 < index.details["by_company_high"]
    assert index.flags == ()


def test_without_any_platform_there_is_no_index_of_platforms(cell, cells, context, whole):
    carried = cells([cell(100, "CL", remote_asn=64500, network_kind="transit", control="CL")])
    answers = CATALOGUE["C1"].compute(carried, context())
    assert whole(answers).reason == "none of the bytes has a known provider"
    assert within(answers)["connects"].value == 1.0


def test_a_platform_is_one_provider_on_all_its_networks(cell, cells, context, whole):
    spread = cells([cell(50, platform="search", remote_asn=asn) for asn in (15169, 36040, 0)])
    assert whole(CATALOGUE["C1"].compute(spread, context())).value == 1.0


def test_sampling_is_taken_out_of_the_index_and_put_into_its_interval(cell, cells, context, whole):
    # The example of herfindahl in test_uncertainty: 0.38 − 20.44e-4, variance 2.1888e-4
    sampled = cells(
        [
            cell(50, "US", platform="search", bytes_variance=25.0),
            cell(30, "US", platform="films", bytes_variance=9.0),
            cell(20, "XA", platform="shop", bytes_variance=4.0),
        ]
    )
    answer = whole(CATALOGUE["C1"].compute(sampled, context()))
    assert answer.value == pytest.approx(0.377956)
    factor = math.exp(1.959964 * math.sqrt(2.1888e-4) / 0.377956)
    assert (answer.low, answer.high) == pytest.approx((0.377956 / factor, 0.377956 * factor), abs=1e-6)


def test_effective_number_is_the_inverse(month, context):
    index = CATALOGUE["C1"].compute(month, context())
    number = CATALOGUE["C3"].compute(month, context())
    assert [each.dimension for each in number] == [each.dimension for each in index]
    for one, other in zip(index, number, strict=True):
        assert (other.low, other.value, other.high) == pytest.approx(
            (1 / one.high, 1 / one.value, 1 / one.low)
        )


def test_jurisdiction_concentration_is_that_of_the_control_shares(month, context, whole):
    answers = CATALOGUE["C2"].compute(month, context())
    answer = whole(answers)
    shares = [a.value for a in CATALOGUE["J4"].compute(month, context())]
    assert answer.value == pytest.approx(sum(s**2 for s in shares)) == pytest.approx(0.6**2 + 0.3**2)
    assert answer.details["among_known"] == pytest.approx((36 + 9) / 81)
    assert (answer.low, answer.high) == pytest.approx((0.45, max(0.7**2 + 0.3**2, 45 / 81)))
    assert {name: each.value for name, each in within(answers).items()} == {
        "finds_answers": 1.0,
        "carries_video": 1.0,
        "connects": 1.0,
    }


def test_largest_providers(month, context):
    answers = CATALOGUE["C4"].compute(month, context())
    assert [a.dimension for a in answers][:4] == [
        "largest_1",
        "largest_4",
        "largest_8",
        "finds_answers-largest_1",
    ]
    assert [a.value for a in answers][:3] == pytest.approx([2 / 3, 1, 1])
    assert (answers[0].low, answers[0].high) == pytest.approx((4 / 7, 5 / 7))
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


def test_an_operators_network_that_no_list_knows_is_no_platform(cell, cells, context, whole):
    platforms = [cell(300, "US", platform="search"), cell(100, "XA", platform="films")]
    exchanged = cell(600, "XA", "operator", remote_asn=64999) | {"exchange": True}
    answers = CATALOGUE["C1"].compute(cells([*platforms, exchanged]), context())
    # 9/16 + 1/16, and nothing that could be anybody's
    assert (whole(answers).low, whole(answers).high) == pytest.approx((10 / 16, 10 / 16))
    # What networks of the country exchange is in no function.
    assert "connects" not in within(answers)
