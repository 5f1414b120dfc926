"""Looking addresses up: known prefixes, the ladder, and arrays against one address at a time."""

import bisect
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.common.vocabulary import LOCATION_RUNGS
from caudal.reference import AddressError, AddressTable, RangeSource, build_addresses
from caudal.reference.files.catalogue import SPECIAL_ADDRESSES
from caudal.reference.reading.facts import load_facts

Value = TypeVar("Value")
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
DOCUMENTATION = "203.0.113.0/24"


@pytest.fixture(scope="module")
def table() -> AddressTable:
    return AddressTable.load()


@dataclass(frozen=True)
class Found:
    asn: int
    country: str
    rung: str


def look_up(table: AddressTable, address: str) -> Found:
    number = int(ipaddress.ip_address(address))
    if ":" in address:
        high, low = np.array([number >> 64], np.uint64), np.array([number & (1 << 64) - 1], np.uint64)
        segment = table.segments6(high, low)[0]
    else:
        segment = table.segments4(np.array([number], np.uint32))[0]
    country = int(table.country[segment])
    return Found(
        int(table.asn[segment]),
        chr(country >> 8) + chr(country & 0xFF),
        LOCATION_RUNGS[int(table.rung[segment])],
    )


@pytest.mark.parametrize(
    ("address", "asn", "country", "rung"),
    [
        ("8.8.8.8", 15169, "ZZ", "anycast"),
        ("2001:4860:4860::8888", 15169, "ZZ", "anycast"),
        ("104.16.1.1", 13335, "ZZ", "anycast"),  # all of Cloudflare
        ("52.67.1.1", 16509, "BR", "cloud"),  # sa-east-1
        ("34.95.128.1", 396982, "BR", "cloud"),  # southamerica-east1
        ("2600:1f1e::1", 16509, "BR", "cloud"),  # sa-east-1
        ("200.160.2.3", 22548, "BR", "database"),  # nic.br
        ("2001:12ff::1", 22548, "BR", "database"),
        ("10.0.0.1", 0, "ZZ", "unknown"),
        ("198.18.0.1", 0, "ZZ", "unknown"),
        ("0.0.0.0", 0, "ZZ", "unknown"),
        ("255.255.255.255", 0, "ZZ", "unknown"),
        ("::", 0, "ZZ", "unknown"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, "ZZ", "unknown"),
    ],
)
def test_known_addresses(table: AddressTable, address: str, asn: int, country: str, rung: str) -> None:
    assert look_up(table, address) == Found(asn, country, rung)


def test_rungs_are_those_of_the_batch() -> None:
    from caudal.common.vocabulary import LOCATION_RUNGS as OF_THE_BATCH

    assert LOCATION_RUNGS == OF_THE_BATCH


def test_only_cloud_and_database_and_operator_name_a_country(table: AddressTable) -> None:
    named = table.country != (ord("Z") << 8 | ord("Z"))
    for number, rung in enumerate(LOCATION_RUNGS):
        where = table.rung == number
        if rung in ("cloud", "database"):
            assert named[where].all(), rung
            assert where.any(), rung
        elif rung in ("anycast", "unknown"):
            assert not named[where].any(), rung
            assert where.any(), rung
        else:
            assert not where.any(), rung


def test_an_operators_own_list_is_the_top_rung_and_its_longest_prefix_wins() -> None:
    table = AddressTable.load(
        [
            ("8.8.0.0/16", "AR", 0),
            ("8.8.8.0/25", "CL", 64500),
            ("2001:4860:4860::8888/128", "PY", 0),
            ("52.67.0.0/24", "ZZ", 0),
        ]
    )
    assert look_up(table, "8.8.8.8") == Found(64500, "CL", "operator")
    assert look_up(table, "8.8.8.200") == Found(15169, "AR", "operator")
    assert look_up(table, "8.8.4.4") == Found(15169, "AR", "operator")
    assert look_up(table, "8.9.0.1").rung != "operator"
    assert look_up(table, "2001:4860:4860::8888") == Found(15169, "PY", "operator")
    assert look_up(table, "2001:4860:4860::8887") == Found(15169, "ZZ", "anycast")
    assert look_up(table, "52.67.0.1") == Found(16509, "ZZ", "operator")
    assert look_up(table, "52.67.1.1") == Found(16509, "BR", "cloud")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (("8.8.8.8/16", "AR", 0), r"entry 2 \(8\.8\.8\.8/16\): is not a prefix: .* has host bits set"),
        (("8.8.0.0/16", "Argentina", 0), "'Argentina' is not an ISO 3166-1 alpha-2 code"),
        (("8.8.0.0/16", "QX", 0), "'QX' is not an ISO 3166-1 alpha-2 code"),
        (("8.8.0.0/16", "AR", -1), "-1 is not an AS number"),
        ((DOCUMENTATION, "AR", 0), "is given twice; first as entry 1"),
    ],
)
def test_a_wrong_entry_of_an_operators_list_is_named(entry: tuple[str, str, int], says: str) -> None:
    with pytest.raises(AddressError, match=says):
        AddressTable.load([(DOCUMENTATION, "BR", 0), entry])


def test_a_reference_overlay_corrects_where_a_cloud_region_is(tmp_path: Path) -> None:
    (tmp_path / "cloud_regions.csv").write_text(
        "provider,region,country,location,source,as_of,status\naws,sa-east-1,UY,region,test,2026-11-01,synthetic\n",
        encoding="utf-8",
    )
    assert look_up(AddressTable.load(reference_overlay=tmp_path), "52.67.1.1").country == "UY"


def test_the_direct_table_answers_as_the_search_does() -> None:
    table = AddressTable.load(
        [("198.51.100.7/32", "BR", 0), ("255.255.255.255/32", "BR", 0), ("0.0.0.0/32", "BR", 0)]
    )
    rng = np.random.default_rng(20261121)
    starts = table.search.starts4
    addresses = np.concatenate(
        [
            rng.integers(0, 1 << 32, 300_000, dtype=np.uint32),
            starts,
            starts - np.uint32(1),
            starts | np.uint32(0xFF),
            starts & np.uint32(0xFFFFFF00),
        ]
    )
    searched = table.segments4(addresses)
    table.accelerate()
    looked_up = table.segments4(addresses)
    assert looked_up.dtype == searched.dtype == np.int32
    np.testing.assert_array_equal(looked_up, searched)
    assert look_up(table, "198.51.100.7").rung == "operator"
    assert look_up(table, "255.255.255.255").rung == "operator"


def in_special_addresses(**having: str) -> list[tuple[IPNetwork, str]]:
    rows = [row.values for row in load_facts(SPECIAL_ADDRESSES).rows.values()]
    return [
        (ipaddress.ip_network(str(row["prefix"])), str(row["place"]))
        for row in rows
        if all(row[name] == value for name, value in having.items())
    ]


def test_what_is_verified_of_special_addresses_is_what_the_standard_library_says() -> None:
    verified = [network for network, place in in_special_addresses(status="verified")]
    assert len(verified) > 25
    for network in verified:
        for address in (network[0], network[-1], network[network.num_addresses // 2]):
            site_local = address.version == 6 and address.is_site_local
            assert not address.is_global or address.is_multicast or site_local, network


def test_special_addresses_have_neither_country_nor_network(table: AddressTable) -> None:
    """Whatever the databases say of them: they name the registry's country for some."""
    places = in_special_addresses()
    for address in edges([str(network) for network, _ in places]):
        place = longest(address, {str(network): place for network, place in places})
        found = look_up(table, address)
        if place == "nowhere":
            assert found == Found(0, "ZZ", "unknown"), address
        elif place == "anycast":
            assert (found.country, found.rung) == ("ZZ", "anycast"), address


def test_no_address_that_is_not_global_has_a_country(table: AddressTable) -> None:
    """Asked of the standard library, not of our own list, at one of each 20 segments."""
    for number in table.search.starts4[::20].tolist():
        address = ipaddress.IPv4Address(number)
        if not address.is_global or address.is_multicast:
            assert look_up(table, str(address)) == Found(0, "ZZ", "unknown"), address


@pytest.mark.parametrize(
    ("address", "rung"),
    [
        ("172.16.0.1", "unknown"),
        ("192.168.255.255", "unknown"),
        ("100.64.0.1", "unknown"),
        ("198.51.100.1", "unknown"),
        ("203.0.113.1", "unknown"),
        ("2001:db8::1", "unknown"),
        ("192.0.0.1", "unknown"),
        ("192.0.0.9", "anycast"),  # globally reachable within 192.0.0.0/24, and nearer than anybody knows
        ("2001:1::1", "anycast"),
        ("2001:20::1", "unknown"),
        ("2002:c8a0:203::1", "unknown"),
        ("64:ff9b::c8a0:203", "unknown"),
        ("ff02::1", "unknown"),
        ("224.0.0.1", "unknown"),
    ],
)
def test_special_addresses(table: AddressTable, address: str, rung: str) -> None:
    found = look_up(table, address)
    assert (found.country, found.rung) == ("ZZ", rung)


def test_the_anycast_service_that_has_a_network_keeps_it(table: AddressTable) -> None:
    assert look_up(table, "192.175.48.1") == Found(112, "ZZ", "anycast")


def test_what_the_operator_says_of_special_addresses_holds(tmp_path: Path) -> None:
    feed, routes = tmp_path / "geofeed.csv", tmp_path / "routes.csv"
    feed.write_text("172.16.0.0/12,BR,,,\n", encoding="utf-8")
    routes.write_text("172.16.0.0/16,64501\n", encoding="utf-8")
    table = AddressTable.load([("192.168.4.0/24", "UY", 64500)], geofeeds=[feed], asn_tables=[routes])
    assert look_up(table, "192.168.4.1") == Found(64500, "UY", "operator")
    assert look_up(table, "192.168.5.1") == Found(0, "ZZ", "unknown")
    assert look_up(table, "172.16.0.1") == Found(64501, "BR", "operator")
    assert look_up(table, "172.17.0.1") == Found(0, "BR", "operator")


def test_a_reference_overlay_corrects_what_is_special(tmp_path: Path) -> None:
    (tmp_path / "special_addresses.csv").write_text(
        "prefix,name,place,source,as_of,status\n200.160.2.0/24,test,nowhere,test,2026-11-01,synthetic\n",
        encoding="utf-8",
    )
    table = AddressTable.load(reference_overlay=tmp_path)
    assert look_up(table, "200.160.2.3") == Found(0, "ZZ", "unknown")
    assert look_up(table, "203.0.113.1").rung == "unknown"


# A small world: prefixes that nest, touch and split /24s and /64s, for every layer of the ladder.
prefixes4 = st.builds(
    lambda bits, length: ipaddress.ip_network((0xC8A00200 ^ bits, length), strict=False),
    st.integers(0, 0xFFF),
    st.integers(20, 32),
)
prefixes6 = st.builds(
    lambda high, low, length: ipaddress.ip_network(
        (0x28000DB8 << 96 | high << 60 | low, length), strict=False
    ),
    st.integers(0, 0xFF),
    st.integers(0, 0xFF),
    st.sampled_from([48, 60, 62, 63, 64, 65, 96, 120, 126, 127, 128]),
)
prefix = st.one_of(prefixes4, prefixes6).map(str)
countries = st.sampled_from(["AR", "BR", "CL"])
asns = st.integers(1, 5)
regions = st.sampled_from(["aws/sa-east-1", "aws/us-east-1", "cloudflare/all", "gcp/europe-west15"])


@settings(max_examples=25)
@given(
    database=st.dictionaries(prefix, countries, min_size=1, max_size=8),
    systems=st.dictionaries(prefix, asns, min_size=1, max_size=8),
    clouds=st.dictionaries(prefix, regions, min_size=1, max_size=6),
    own=st.dictionaries(prefix, st.tuples(countries, st.integers(0, 3)), max_size=5),
)
def test_arrays_answer_as_a_walk_down_the_ladder_does(
    tmp_path_factory: pytest.TempPathFactory,
    database: dict[str, str],
    systems: dict[str, int],
    clouds: dict[str, str],
    own: dict[str, tuple[str, int]],
) -> None:
    directory = tmp_path_factory.mktemp("world")
    layers = {"country": database, "asn": systems, "cloud": clouds}
    sources = {}
    for name, layer in layers.items():
        sources[name] = RangeSource(directory / f"{name}.csv")
        lines = [f"{cidr},{value}\n" for cidr, value in layer.items()]
        sources[name].path.write_text("".join(lines), encoding="utf-8")
    build_addresses(directory, asn=sources["asn"], country=sources["country"], cloud=sources["cloud"])
    overlay = [(cidr, country, asn) for cidr, (country, asn) in own.items()]
    table = AddressTable.load(overlay, directory=directory)
    accelerated = AddressTable.load(overlay, directory=directory)
    accelerated.accelerate()
    for address in edges([*database, *systems, *clouds, *own]):
        expected = walk(address, database, systems, clouds, own)
        assert look_up(table, address) == expected, address
        assert look_up(accelerated, address) == expected, address


def edges(cidrs: list[str]) -> list[str]:
    networks = [ipaddress.ip_network(cidr) for cidr in cidrs]
    found = set()
    for network in networks:
        first, last = int(network.network_address), int(network.broadcast_address)
        make = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
        numbers = (first - 1, first, (first + last) // 2, last, last + 1)
        found |= {str(make(number)) for number in numbers if 0 <= number < 1 << network.max_prefixlen}
    return sorted(found)


def walk(
    address: str,
    database: dict[str, str],
    systems: dict[str, int],
    clouds: dict[str, str],
    own: dict[str, tuple[str, int]],
) -> Found:
    asn = longest(address, {cidr: number for cidr, (_, number) in own.items() if number})
    asn = asn or longest(address, systems) or 0
    if mine := longest(address, own):
        return Found(asn, mine[0], "operator")
    match longest(address, clouds):
        case "aws/sa-east-1":
            return Found(asn, "BR", "cloud")
        case "aws/us-east-1":
            return Found(asn, "US", "cloud")
        case "cloudflare/all":
            return Found(asn, "ZZ", "anycast")
    if country := longest(address, database):
        return Found(asn, country, "database")
    return Found(asn, "ZZ", "unknown")


def longest(address: str, layer: dict[str, Value]) -> Value | None:
    number = ipaddress.ip_address(address)
    around = [ipaddress.ip_network(cidr) for cidr in layer]
    inside = [network for network in around if network.version == number.version and number in network]
    return layer[str(max(inside, key=lambda network: network.prefixlen))] if inside else None


def test_ipv6_lookups_search_within_a_64() -> None:
    own = [(f"2001:db8::{number:x}/128", country, 0) for number, country in ((1, "AR"), (3, "BR"), (4, "CL"))]
    table = AddressTable.load(own)
    starts = [(1, "AR"), (2, "?"), (3, "BR"), (4, "CL"), (5, "?")]
    for number in range(8):
        found = look_up(table, f"2001:db8::{number:x}")
        position = bisect.bisect_right([start for start, _ in starts], number) - 1
        expected = starts[position][1] if position >= 0 else "?"
        assert (found.country if found.rung == "operator" else "?") == expected, number
