"""The fictional economy: its facts load, and it takes nobody's addresses or numbers."""

import ipaddress

import numpy as np
import polars as pl

from caudal.common.vocabulary import LOCATION_RUNGS
from caudal.demo.traffic.destinations import CATALOGUE, GLOBAL
from caudal.demo.traffic.economy import ECONOMY, HOME, locations
from caudal.demo.traffic.endpoints import Endpoint
from caudal.reference import AddressTable, Reference

# RFC 2544 (benchmarking) and RFC 3849 (documentation); RFC 5398 (documentation AS numbers).
RESERVED = [ipaddress.ip_network(prefix) for prefix in ("198.18.0.0/15", "2001:db8::/32")]
RESERVED_AS = range(64496, 64512)


def inside_reserved(prefix: str) -> bool:
    network = ipaddress.ip_network(prefix)
    return any(network.version == r.version and network.subnet_of(r) for r in RESERVED)


def test_the_overlay_loads_and_says_synthetic(demo_reference: Reference) -> None:
    economy = demo_reference.economy(ECONOMY)
    assert demo_reference.synthetic
    assert economy.status == "synthetic"
    assert "synthetic" in economy.name_en
    assert ECONOMY in demo_reference.group(economy.region_group)
    assert "BR" in demo_reference.group(economy.region_group)


def test_home_and_listed_prefixes_are_reserved_and_apart() -> None:
    listed = [prefix for prefix, _, _ in locations()]
    assert all(inside_reserved(prefix) for prefix in [*HOME, *listed])
    networks = [ipaddress.ip_network(prefix) for prefix in [*HOME, *listed]]
    for number, one in enumerate(networks):
        for other in networks[number + 1 :]:
            assert one.version != other.version or not one.overlaps(other), (one, other)


def test_listed_networks_are_fictional_or_caches_of_platforms_in_the_catalogue(
    demo_reference: Reference,
) -> None:
    networks = demo_reference.networks
    cached = [d.platform for d in GLOBAL if "home" in d.sites]
    platforms = networks.filter(pl.col("platform_id").is_in(cached))["asn"].to_list()
    for prefix, country, asn in locations():
        assert country == ECONOMY
        assert asn in RESERVED_AS or asn in platforms, prefix
    synthetic = networks.filter(pl.col("status") == "synthetic")
    assert all(asn in RESERVED_AS for asn in synthetic["asn"])
    assert set(synthetic["control_country"]) == {ECONOMY}


def test_about_forty_platforms_answer_from_where_the_table_says(
    demo_endpoints: list[Endpoint], demo_table: AddressTable
) -> None:
    platforms = {e.destination.platform for e in demo_endpoints if e.asn not in RESERVED_AS} - {""}
    assert 40 <= len(platforms) <= 60
    assert {e.destination.name for e in demo_endpoints} == {d.name for d in CATALOGUE}
    for endpoint in demo_endpoints:
        assert _answers(endpoint, demo_table) == {(endpoint.asn, endpoint.country, endpoint.rung)}, endpoint


def test_far_ends_are_at_home_in_the_region_abroad_and_unknown(
    demo_endpoints: list[Endpoint], demo_reference: Reference
) -> None:
    real = [e for e in demo_endpoints if e.rung != "operator"]
    countries = {e.country for e in real}
    assert len(countries & demo_reference.group("CELAC")) >= 6
    assert {"US", "CN", "ZZ"} <= countries
    assert {e.rung for e in demo_endpoints} >= {"operator", "cloud", "anycast", "database"}
    assert {e.ip_version for e in real} == {4, 6}
    assert all(ipaddress.ip_address(e.low).is_global for e in real if e.ip_version == 4)


def _answers(endpoint: Endpoint, table: AddressTable) -> set[tuple[int, str, str]]:
    if endpoint.ip_version == 4:
        ends = np.array([endpoint.low, endpoint.low + endpoint.size - 1], np.uint32)
        segments = table.segments4(ends)
    else:
        high = np.array([endpoint.high, endpoint.high + endpoint.size - 1], np.uint64)
        segments = table.segments6(high, np.array([0, 2**64 - 1], np.uint64))
    return {
        (
            int(table.asn[s]),
            chr(table.country[s] >> 8) + chr(table.country[s] & 255),
            LOCATION_RUNGS[table.rung[s]],
        )
        for s in segments
    }
