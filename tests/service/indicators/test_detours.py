"""J8 from supplied paths, from the adjacent AS of flow export, and without any."""

import polars as pl
import pytest

from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.facts.paths import paths, read_paths
from caudal.service.indicators.model.errors import SuppliedError


@pytest.fixture(scope="module")
def month(cell, cells):
    """Regional 1,000 of 1,500 bytes: BR by 64510 400, CL by 64511 300, CL by 64512 200, XA by 64513 100."""
    return cells(
        [
            cell(400, "BR", "operator", remote_asn=64510),
            cell(300, "CL", "operator", remote_asn=64511),
            cell(200, "CL", "operator", remote_asn=64512),
            cell(100, "XA", "operator", remote_asn=64513),
            cell(500, "US", "operator", "search", remote_asn=64514),
        ]
    )


def answers(month, context):
    return {a.dimension: a for a in CATALOGUE["J8"].compute(month, context)}


def test_traceroutes_tell_where_a_path_passes(month, context, table):
    supplied = paths(
        table(
            "remote_asn remote_country countries share",
            (64510, "BR", "XA US BR", 3.0),
            (64510, "BR", "XA BR", 1.0),
            (64511, "CL", "XA CL", 1.0),
            (64512, "", "XA ZZ CL", 1.0),
        )
    )
    found = answers(month, context(paths=supplied))
    # Three quarters of the 400 pass the US; 300 stay; of 64512 a hop is not placed, of 64513 nothing is known.
    place = found["place"]
    assert place.details == pytest.approx({"path_known": 0.7, "share_of_bytes": 1000 / 1500})
    assert place.value == pytest.approx(300 / 700)
    assert (place.low, place.high) == pytest.approx((0.3, 0.6))
    assert found["place_US"].value == pytest.approx(300 / 700)
    assert found["network"].value is None
    assert found["network"].reason.startswith("needs AS paths, or the adjacent AS of IPFIX")


def test_the_adjacent_network_of_flow_export_tells_who_carries_it(month, context, companies, table):
    supplied = paths(
        table(
            "remote_asn adjacent_asn bytes",
            (64510, 3356, 900),
            (64510, 64501, 100),
            (64511, 64501, 10),
            (64512, 0, 10),
            (64513, 64999, 10),
        )
    )
    found = answers(month, context(paths=supplied, facts=companies))
    # 3356 is controlled from the US: 0.9 of 400; 64501 from XA; of 64512 not known; 64999 nobody lists.
    network = found["network"]
    assert network.details["path_known"] == pytest.approx(0.7)
    assert network.value == pytest.approx(360 / 700)
    assert (network.low, network.high) == pytest.approx((0.36, 0.66))
    assert found["network_US"].value == pytest.approx(360 / 700)
    assert found["place"].reason.startswith("needs paths with the countries of their hops")


def test_networks_that_meet_directly_make_no_detour(month, context, companies, table):
    supplied = paths(table("remote_asn as_path", (64510, "-"), (64511, "64501 3356"), (64512, "64501")))
    network = answers(month, context(paths=supplied, facts=companies))["network"]
    assert network.value == pytest.approx(300 / 900)


def test_a_path_may_pass_two_countries(month, context, table):
    supplied = paths(table("remote_asn countries", (64510, "US GB BR"), (64511, "GB CL")))
    found = answers(month, context(paths=supplied))
    assert found["place"].value == pytest.approx(1.0)
    assert found["place_GB"].value == pytest.approx(1.0)
    assert found["place_US"].value == pytest.approx(400 / 700)


def test_without_paths_it_is_insufficient_and_says_what_cures_it(month, context):
    found = answers(month, context())
    assert set(found) == {"place", "network"}
    assert all(
        a.value is None and a.reason.startswith("needs ") and "paths" in a.reason for a in found.values()
    )


def test_paths_to_other_places_do_not_help(month, context, table):
    supplied = paths(table("remote_asn countries", (1, "US BR")))
    assert answers(month, context(paths=supplied))["place"].value is None


def test_a_file_of_paths_is_read(tmp_path):
    file = tmp_path / "paths.csv"
    file.write_text("remote_asn,remote_country,adjacent_asn,bytes\n64510,NA,3356,7\n64511,,0,3\n")
    assert read_paths(file).rows() == [(64510, "NA", "", "3356", 7.0), (64511, "", "", "", 3.0)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("remote_asn,countries\n64510,us\n", "line 2: countries"),
        ("remote_asn,countries\n64510,US\nx,US\n", "line 3: remote_asn"),
        ("remote_asn,as_path\n64510,3356>1\n", "line 2: as_path"),
        ("remote_asn,as_path,share\n64510,3356,-1\n", "line 2: share"),
        ("remote_asn,remote_country,as_path\n64510,Brazil,3356\n", "line 2: remote_country"),
        ("remote_asn\n1\n", "needs remote_asn, and countries"),
        ("", "cannot be read"),
    ],
)
def test_a_fault_in_a_file_of_paths_is_named(tmp_path, text, fault):
    file = tmp_path / "paths.csv"
    file.write_text(text)
    with pytest.raises(SuppliedError, match=fault):
        read_paths(file)


def test_the_order_of_the_paths_does_not_matter(month, context, table):
    supplied = paths(
        table("remote_asn countries", (64510, "US BR"), (64510, "BR"), (64511, "CL"), (64512, "US"))
    )
    backwards = supplied.reverse()
    assert answers(month, context(paths=supplied)) == answers(month, context(paths=backwards))
    assert isinstance(backwards, pl.DataFrame)
