"""C6 from routes, C7 from the functions of services: worked by hand."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta

from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.facts.routing import ROUTES, read_routes
from caudal.service.indicators.groups.dependency import trimmed_influence, trimmed_mean
from caudal.service.indicators.model.errors import SuppliedError

Z = 1.959964


@pytest.fixture(scope="module")
def mrt():
    """The maker of RIB dumps of the tests of the reference."""
    spec = importlib.util.spec_from_file_location("mrt", Path(__file__).parents[2] / "reference" / "mrt.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def month(cell, cells):
    return cells([cell(100, "XA", "operator", "shop")])


def routes(*rows):
    """Routes of (viewpoint, path, addresses); the origin is the last of the path."""
    return pl.DataFrame(
        [(viewpoint, path[-1], list(path), float(n)) for viewpoint, path, n in rows],
        schema=ROUTES,
        orient="row",
    )


def ten_viewpoints():
    """To 64500 seven of ten viewpoints go through 3356, one of these for half its addresses; to 64501 none do."""
    rows = []
    for viewpoint in range(1, 11):
        through = [3356] if viewpoint <= 7 else [174]
        share = 50 if viewpoint == 7 else 100
        rows.append((viewpoint, (viewpoint, *through, 64500), share))
        if viewpoint == 7:
            rows.append((viewpoint, (viewpoint, 174, 64500), 50))
        rows.append((viewpoint, (viewpoint, 6939, 64501), 100))
    return routes(*rows)


def test_trimmed_mean_leaves_out_a_tenth_at_either_end():
    # Of ten: 0 and 9 go, (1 + … + 8)/8 = 4.5; of nine nothing goes.
    assert trimmed_mean(np.array([[9.0, 0, 1, 2, 3, 4, 5, 6, 7, 8]])) == pytest.approx([4.5])
    assert trimmed_mean(np.arange(9.0)[None, :]) == pytest.approx([4.0])


def test_the_error_of_a_trimmed_mean_is_the_winsorised_one():
    # 0 … 9 winsorised: 1 1 2 … 7 8 8, mean 4.5, squares 2·(12.25 + 12.25 + 6.25 + 2.25 + 0.25) = 66.5
    # variance s_w²/(0.8²·n) = (66.5/9)/(0.64·10) = 1.15451
    influence = trimmed_influence(np.arange(10.0)[None, :])
    assert float((influence**2).sum()) / (10 * 9) == pytest.approx(66.5 / 9 / 6.4)


def test_hegemony_of_a_network_over_the_country(month, context, companies):
    found = {
        a.dimension: a
        for a in CATALOGUE["C6"].compute(month, context(facts=companies, routes=ten_viewpoints()))
    }
    # 64500 has 3,000 of 4,000 addresses. Through 3356: 1 ×6, 0.5, 0 ×3; without one 1 and one 0: 5.5/8 = 0.6875.
    carrier = found["AS3356"]
    assert carrier.value == pytest.approx(0.75 * 0.6875)
    # Winsorised, nothing moves: mean 0.65, squares 6·0.35² + 0.15² + 3·0.65² = 2.025; variance 2.025/9/(0.64·10)
    half = Z * 0.75 * math.sqrt(2.025 / 9 / 6.4)
    assert (carrier.low, carrier.high) == pytest.approx(
        (carrier.value - half, carrier.value + half), abs=1e-6
    )
    # Through 6939 all go to 64501; and 174 has the rest of 64500: 0 ×6, 0.5, 1 ×3 is 2.5/8.
    assert found["AS6939"].value == pytest.approx(0.25)
    assert found["AS6939"].low == pytest.approx(0.25)
    assert found["AS174"].value == pytest.approx(0.75 * 0.3125)
    # A viewpoint lies on its own paths only, and is trimmed; the origin does not count as a dependency of itself.
    assert found["AS1"].value == 0.0
    assert "AS64500" not in found
    assert carrier.details == {"viewpoints": 10, "weight_reached": 1}


def test_networks_that_nobody_reaches_widen_the_interval_upwards(month, context, companies):
    seen = ten_viewpoints().filter(pl.col("origin") == 64500)
    (carrier,) = (
        a
        for a in CATALOGUE["C6"].compute(month, context(facts=companies, routes=seen))
        if a.dimension == "AS3356"
    )
    assert carrier.details["weight_reached"] == 0.75
    assert carrier.value == pytest.approx(0.6875)
    half = Z * 0.75 * math.sqrt(2.025 / 9 / 6.4)
    assert carrier.low == pytest.approx(0.75 * 0.6875 - half, abs=1e-6)
    assert carrier.high == pytest.approx(min(1.0, 0.75 * 0.6875 + half + 0.25), abs=1e-6)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "needs a table of routes: a RIB dump"),
        ({"routes": "facts"}, "needs rows in access_networks.csv for XA"),
        ({"routes": "few"}, "needs routes of at least 10 viewpoints to XA, has 3"),
    ],
)
def test_hegemony_says_what_it_needs(month, context, companies, only, given, reason):
    facts = {} if given.get("routes") == "facts" else companies
    table = None if not given else ten_viewpoints()
    if given.get("routes") == "few":
        table = table.filter(pl.col("viewpoint") <= 3)
    answer = only(CATALOGUE["C6"].compute(month, context(facts=facts, routes=table)))
    assert answer.value is None and answer.reason.startswith(reason)


def test_routes_are_read_from_a_dump_of_a_route_collector(tmp_path, mrt):
    dump = tmp_path / "rib.mrt"
    dump.write_bytes(
        mrt.peers(3)
        + mrt.rib("198.51.100.0/24", [64500, 3356, 3356, 64999], [64501, 174, 64999], [64502, 65000])
        + mrt.rib("203.0.113.0/25", [64500, 3356, 64999])
        + mrt.rib("0.0.0.0/0", [64500, 64999])
        + mrt.rib("192.0.2.0/24", [(2, [64500]), (1, [64999, 64998])])
        + mrt.rib("2001:db8::/32", [64500, 3356, 64999])
    )
    read = read_routes(dump, [64999])
    assert read.schema == pl.Schema(ROUTES)
    assert read.rows() == [
        (64500, 64999, [64500, 3356, 64999], 256.0 + 128.0),
        (64501, 64999, [64501, 174, 64999], 256.0),
    ]
    assert read_routes(dump, []).is_empty()


def test_what_is_no_dump_is_refused(tmp_path):
    file = tmp_path / "rib.mrt"
    file.write_bytes(b"prefix,asn\n" * 9)
    with pytest.raises(SuppliedError, match="is no MRT dump"):
        read_routes(file, [1])
    with pytest.raises(SuppliedError, match=r"cannot be read|is no MRT dump"):
        read_routes(tmp_path / "missing", [1])


@pytest.fixture(scope="module")
def services(cell, cells):
    """Services 900: films 300 of US and 100 of CN, search 200 of US, shop 300 of the country; 100 nobody knows, and access."""
    return cells(
        [
            cell(300, "US", "operator", "films"),
            cell(100, "US", "operator", "shorts", category="video_streaming"),
            cell(200, "US", "operator", "search"),
            cell(300, "XA", "operator", "shop"),
            cell(100, "BR", "operator"),
            cell(500, "BR", "operator", network_kind="access", control="BR"),
        ]
    )


def losses(month, context):
    return {a.dimension: a for a in CATALOGUE["C7"].compute(month, context)}


def test_what_would_be_lost_if_a_jurisdiction_refused(services, context):
    found = losses(services, context())
    us, cn = found["US"], found["CN"]
    assert us.value == pytest.approx(500 / 900)
    assert cn.value == pytest.approx(100 / 900)
    assert list(found)[:2] == ["US", "CN"]
    # An access network is no service that could be refused, and the country refuses itself nothing.
    assert not {"XA", "BR"} & found.keys()
    # The 100 nobody knows: services of others, or all of the US.
    assert (us.low, us.high) == pytest.approx((500 / 1000, 600 / 1000))
    assert us.details["unlisted"] == pytest.approx(100 / 1500)
    assert us.details["share_of_services"] == pytest.approx(900 / 1500)
    # Of video it has 300 of 400, of search all: nothing known here carries as much. CN has the smaller part of video.
    assert us.details["without_substitute"] == pytest.approx(500 / 900)
    assert cn.details["without_substitute"] == 0.0


def test_what_would_be_lost_of_each_function(services, context):
    found = losses(services, context())
    assert found["US-carries_video"].value == pytest.approx(0.75)
    assert found["US-finds_answers"].value == 1.0
    assert found["CN-carries_video"].value == pytest.approx(0.25)
    # It sells nothing here that could be lost.
    assert "US-sells" not in found
    assert (found["US-carries_video"].low, found["US-carries_video"].high) == pytest.approx((0.75, 0.75))


def test_the_share_lost_is_sampled_as_a_proportion(cell, cells, context):
    # x = 0.4 of 100: V = (0.6²·16 + 0.4²·36)/100², and as of n = x(1 − x)/V units (Korn & Graubard 1998).
    sampled = cells(
        [
            cell(40, "US", "operator", "search", bytes_variance=16.0),
            cell(60, "XA", "operator", "shop", bytes_variance=36.0),
        ]
    )
    answer = losses(sampled, context())["US"]
    units = 0.4 * 0.6 / ((0.36 * 16 + 0.16 * 36) / 100**2)
    held = 0.4 * units
    low, high = beta.ppf(0.025, held, units - held + 1), beta.ppf(0.975, held + 1, units - held)
    assert answer.value == pytest.approx(0.4)
    assert (answer.low, answer.high) == pytest.approx((low, high), abs=1e-6)


def test_dual_control_can_be_refused_by_both(cell, cells, context, companies):
    rows = cells(
        [
            cell(50, "US", "operator", category="social")
            | {"platform": "shorts", "control": "CN", "network_kind": "platform"},
            cell(50, "XA", "operator", "shop"),
        ]
    )
    found = losses(rows, context(facts=companies))
    assert (found["CN"].low, found["CN"].value, found["CN"].high) == pytest.approx((0.0, 0.5, 0.5))
    assert (found["KY"].low, found["KY"].value, found["KY"].high) == pytest.approx((0.0, 0.0, 0.5))


def test_a_country_that_serves_itself_has_nothing_to_be_denied(cell, cells, context, only):
    own = cells([cell(100, "XA", "operator", "shop")])
    answer = only(CATALOGUE["C7"].compute(own, context()))
    assert answer.reason == "no byte of a categorised service is controlled from abroad"
