"""V1 and V2 against months worked by hand."""

import itertools
import json

import pytest
from scipy.stats import beta

from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups.value import ALL_BUT_VIDEO


@pytest.fixture(scope="module")
def month(cell, cells):
    gigabyte = 10**9
    return cells(
        [
            cell(30 * gigabyte, "US", platform="search", direction="out"),
            cell(70 * gigabyte, "US", platform="search"),
            cell(1000 * gigabyte, "US", platform="films"),
            cell(500 * gigabyte, "ZZ", "anycast", platform="cache"),
            cell(40 * gigabyte, "BR", platform="sensors", direction="out"),
            cell(20 * gigabyte, "US", platform="meter", direction="out", flows=99),
            cell(10 * gigabyte, "BR", direction="out"),
            cell(25 * gigabyte, "BR", remote_asn=64500, network_kind="access", control="BR"),
            cell(5 * gigabyte, "BR", direction="out", remote_asn=64500, network_kind="access", control="BR"),
        ]
    )


def test_flow_asymmetry_without_video_and_by_category(month, context):
    answers = {a.dimension: a for a in CATALOGUE["V1"].compute(month, context())}
    # out 30 + 40 + 20 + 10 + 5, in 70 + 25
    assert answers[ALL_BUT_VIDEO].value == pytest.approx(10 / 200)
    # categorised only: out 90, in 70
    assert answers[ALL_BUT_VIDEO].details["categorised_only"] == pytest.approx(20 / 160)
    # without a category: 10 out to an unknown network; 5 out, 25 in of AS64500. Greatest with the first alone,
    # least with the second alone
    assert answers[ALL_BUT_VIDEO].high == pytest.approx((100 - 70) / 170)
    assert answers[ALL_BUT_VIDEO].low == pytest.approx((95 - 95) / 190)
    assert answers[ALL_BUT_VIDEO].details["video_and_cdn"] == pytest.approx(1500 / 1700)
    assert answers["search_ads"].value == pytest.approx(-0.4)
    assert answers["video_streaming"].value == -1.0
    assert answers["telemetry"].value == 1.0
    assert list(answers) == [ALL_BUT_VIDEO, *sorted(set(answers) - {ALL_BUT_VIDEO})]


def test_sampling_of_an_asymmetry_is_that_of_the_share_that_goes_out(cell, cells, context):
    # 30 out with V 9, 70 in with V 49: S = 0.3, V = (0.7²·9 + 0.3²·49)/100² = 8.82e-4, as of 0.21/V = 238.1 units
    rows = cells(
        [
            cell(30, "US", platform="search", direction="out", bytes_variance=9.0),
            cell(70, "US", platform="search", bytes_variance=49.0),
        ]
    )
    found = {a.dimension: a for a in CATALOGUE["V1"].compute(rows, context())}["search_ads"]
    units = 0.21 / 8.82e-4
    low = beta.ppf(0.025, 0.3 * units, 0.7 * units + 1)
    high = beta.ppf(0.975, 0.3 * units + 1, 0.7 * units)
    assert found.value == pytest.approx(-0.4)
    assert (found.low, found.high) == pytest.approx((2 * low - 1, 2 * high - 1), abs=1e-6)


def test_a_category_with_too_few_flows_is_insufficient(month, context):
    (few,) = (a for a in CATALOGUE["V1"].compute(month, context()) if a.dimension == "audience_measurement")
    assert few.value is None
    assert few.reason == "needs at least 100 flow records, has 99"


def whole(answers):
    """The observation of all platforms together, which is without a dimension and comes first."""
    assert answers[0].dimension is None
    return answers[0]


def of(answers, dimension):
    (found,) = (each for each in answers if each.dimension == dimension)
    return found


def test_what_people_send_is_counted_by_who_gets_it_and_not_by_the_stage_of_a_platform(
    cell, cells, context, country
):
    """A Brazilian operator of a million users sends 500 TB to the academic network and 1,000 TB to Google and Meta."""
    terabyte = 10**12
    packet, headers = 1000, 60

    def sent(size, platform, **rest):
        return cell(size * terabyte, "BR", "operator", direction="out", packets=size * terabyte // packet) | {
            "platform": platform, "network_kind": "platform", **rest}  # fmt: skip

    month = cells(
        [
            sent(500, "rnp", category="research_network", stage=2, control="BR"),
            sent(700, "google", category="search_ads", stage=4, control="US"),
            sent(300, "meta", category="social", stage=4, control="US"),
        ]
    )
    known = context(country(country="BR"), covered_users=1e6, region_members=frozenset({"BR"}))
    answers = CATALOGUE["V2"].compute(month, known)
    answer = whole(answers)
    # 1 GB a user with headers, of which 60 octets of each thousand: what a meter of contents would have seen.
    truth = 1 - headers / packet
    assert answer.low < truth < answer.high
    assert answer.value == pytest.approx(truth, rel=0.01)
    assert (answer.details["headers_low"], answer.details["headers_high"]) == pytest.approx((0.9, 0.972))
    assert answer.details["bytes_elsewhere"] == pytest.approx(1.0)
    assert answer.details["total_outflow"] == pytest.approx(1.5)
    # Google and Meta live on observing people; the academic network is none of the platforms.
    assert answer.details["to_observers"] == pytest.approx(answer.value)
    assert of(answers, "finds_answers").value == pytest.approx(0.7 * answer.value)
    assert of(answers, "hosts_expression").details["share_of_payload"] == pytest.approx(0.3)
    assert of(answers, "US").value == pytest.approx(answer.value)
    assert "BR" not in {each.dimension for each in answers}
    # All of what is sent to platforms is processed outside the region.
    (processed,) = (a for a in CATALOGUE["P1"].compute(month, known) if a.dimension == "sent")
    assert processed.value == 1.0


def test_payload_sent_per_user_without_counts_of_packets(month, context):
    """Of cells without packets all is possible: none of the bytes, all of them, and half as the estimate."""
    answer = whole(CATALOGUE["V2"].compute(month, context()))
    # 30 to search, 40 to sensors, 20 to meter, over 400,000 users; at most with 10 to a network that nobody lists.
    assert answer.value == pytest.approx(45 / 400_000)
    assert (answer.low, answer.high) == pytest.approx((0.0, 100 / 360_000))
    assert answer.details["headers_high"] == pytest.approx(90 / 400_000)
    assert answer.details["packets_unknown"] == pytest.approx(90 / 105)
    assert answer.details["total_outflow"] == pytest.approx(105 / 400_000)
    assert answer.details["to_observers"] == pytest.approx(25 / 400_000)
    assert answer.details["per_day"] == pytest.approx(45 / 400_000 / 30)
    assert answer.flags == ()


def test_payload_by_function_and_by_jurisdiction_adds_up(month, context):
    answers = CATALOGUE["V2"].compute(month, context())
    functions = {"finds_answers": 15, "computes_and_stores": 20, "observes_people": 10}
    assert [each.dimension for each in answers] == [
        None,
        "observes_people",
        "finds_answers",
        "computes_and_stores",
        "US",
        "BR",
    ]
    for name, half in functions.items():
        assert of(answers, name).value == pytest.approx(half / 400_000)
    assert sum(of(answers, name).value for name in ("US", "BR")) == pytest.approx(whole(answers).value)
    # A network that nobody lists may be controlled from anywhere, and of no known function.
    assert of(answers, "US").high == pytest.approx((30 + 20 + 10) / 360_000)
    assert of(answers, "observes_people").high == pytest.approx(20 / 360_000)


def test_control_that_readings_dispute_is_in_the_interval(cell, cells, context, companies):
    """The tenant is of UY by control and of US by incorporation and host: elsewhere by every reading, US by two."""
    tenant = {"platform": "tenant", "category": "marketplace", "control": "UY", "network_kind": "platform"}
    rows = cells([cell(10**12, "US", direction="out", remote_asn=16509, packets=10**9) | tenant])
    answers = CATALOGUE["V2"].compute(rows, context(facts=companies))
    assert of(answers, "UY").low == 0.0
    assert (of(answers, "US").value, of(answers, "US").high) == pytest.approx((0.0, 972 / 360_000))


def test_payload_combines_sampling_and_users(cell, cells, context):
    sampled = cells(
        [cell(10**12, "BR", platform="sensors", direction="out", bytes_variance=1e20, packets=10**9)]
    )
    answer = whole(CATALOGUE["V2"].compute(sampled, context()))
    # 900 to 972 GB, ± 1.959964 · 10 GB, over 400,000 ± 10 %
    assert answer.value == pytest.approx(948 / 400_000)
    assert answer.low == pytest.approx((900 - 19.59964) / 440_000)
    assert answer.high == pytest.approx((972 + 19.59964) / 360_000)
    assert answer.details["metered_low"] == pytest.approx((948 - 19.59964) / 440_000)


def test_without_declared_users_it_divides_by_all_and_says_so(month, context, country):
    undeclared = context(country(status="verified_area_from_memory_users"), covered_users=None)
    answer = whole(CATALOGUE["V2"].compute(month, undeclared))
    assert answer.value == pytest.approx(45 / 1_000_000)
    assert answer.flags == ("coverage_undeclared", "from_memory")


def test_payload_is_of_the_counted_users_only(cell, cells, context):
    """net declared its 400,000 subscribers, other none: its 60 GB and 20 GB of nobody's are not theirs."""
    gigabyte = 10**9
    month = cells(
        [
            cell(40 * gigabyte, "BR", platform="sensors", direction="out", packets=40 * 10**6),
            cell(
                60 * gigabyte, "BR", platform="sensors", direction="out", operator="other", packets=60 * 10**6
            ),
            cell(20 * gigabyte, "BR", direction="out", operator="other"),
            cell(80 * gigabyte, "XA", platform="shop", direction="out", packets=80 * 10**6),
        ]
    )
    answer = whole(CATALOGUE["V2"].compute(month, context(covered_operators=frozenset({"net"}))))
    assert answer.value == pytest.approx(40 * 0.948 / 400_000)
    assert (answer.low, answer.high) == pytest.approx((40 * 0.9 / 440_000, 40 * 0.972 / 360_000))
    assert answer.details["total_outflow"] == pytest.approx(120 / 400_000)
    # 80 of the 200 GB that went out
    assert answer.details["left_out"] == pytest.approx(0.4)
    assert answer.flags == ("undeclared_operators",)
    assert answer.flows == 2000
    both = whole(CATALOGUE["V2"].compute(month, context(covered_operators=frozenset({"net", "other"}))))
    assert both.value == pytest.approx(100 * 0.948 / 400_000)
    assert both.flags == () and "left_out" not in both.details


def test_payload_of_nobody_knows_how_many_is_insufficient(month, context, country, only):
    answer = only(CATALOGUE["V2"].compute(month, context(country(internet_users=None), covered_users=None)))
    assert answer.value is None
    assert "number of users" in answer.reason


def test_answers_are_plain_numbers(month, context):
    for indicator in ("V1", "V2"):
        for answer in CATALOGUE[indicator].compute(month, context()):
            json.dumps([answer.value, answer.low, answer.high, answer.flows, answer.details], allow_nan=False)


def test_the_bounds_of_the_asymmetry_hold_every_choice_of_networks(cell, cells, context):
    """Four networks without a category, each video or not: all sixteen choices by hand, beside 60 out and 40 in."""
    networks = {64501: (1, 99), 64502: (50, 10), 64503: (30, 31), 64504: (5, 0)}
    rows = [cell(60, "US", platform="search", direction="out"), cell(40, "US", platform="search")]
    for asn, (outward, inward) in networks.items():
        rows += [cell(outward, direction="out", remote_asn=asn), cell(inward, remote_asn=asn)]
    (answer,) = (a for a in CATALOGUE["V1"].compute(cells(rows), context()) if a.dimension == ALL_BUT_VIDEO)
    choices = []
    for kept in itertools.product((False, True), repeat=4):
        pairs = [pair for keep, pair in zip(kept, networks.values(), strict=True) if keep]
        outward, inward = 60 + sum(o for o, _ in pairs), 40 + sum(i for _, i in pairs)
        choices.append((outward - inward) / (outward + inward))
    assert answer.low == pytest.approx(min(choices))
    assert answer.high == pytest.approx(max(choices))
