"""Direction and far end of flows."""

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.columns.cellcode import country_number, part_of_word
from caudal.collector.locate.locate import Located, Locator
from caudal.common.vocabulary import DIRECTIONS, LOCATION_RUNGS
from caudal.reference import AddressTable
from tests.support.builders import HOME, TABLE, SmallTable, flow_records, ip

LOCAL, LOCAL6 = "198.18.7.7", "2001:2::77"
ABROAD, ABROAD6, ELSEWHERE, NOWHERE = "203.0.113.9", "2001:db8::9", "192.0.2.5", "8.8.8.8"


def at(source: str, destination: str, source_as: int = 0, destination_as: int = 0) -> Located:
    version = 6 if ":" in source else 4
    flows = flow_records(
        ip_version=[version],
        source_high=[ip(source) >> 64],
        source_low=[ip(source) & (1 << 64) - 1],
        destination_high=[ip(destination) >> 64],
        destination_low=[ip(destination) & (1 << 64) - 1],
        source_as=[source_as],
        destination_as=[destination_as],
    )
    return Locator(HOME, TABLE, "UY").locate(flows)  # type: ignore[arg-type]


def told(located: Located) -> tuple[str, int, str, str]:
    number = int(part_of_word(located.code, "remote_country")[0])
    assert part_of_word(located.code, "direction")[0] == located.direction[0]
    return (
        DIRECTIONS[located.direction[0]],
        int(part_of_word(located.code, "remote_asn")[0]),
        chr(number >> 8) + chr(number & 255),
        LOCATION_RUNGS[int(part_of_word(located.code, "location_rung")[0])],
    )


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        (LOCAL, ABROAD, ("out", 64496, "US", "cloud")),
        (ABROAD, LOCAL, ("in", 64496, "US", "cloud")),
        (LOCAL, "198.18.0.9", ("internal", 64500, "UY", "operator")),
        (ABROAD, ELSEWHERE, ("transit", 0, "ZZ", "unknown")),
        (LOCAL6, ABROAD6, ("out", 64501, "CL", "database")),
        (ABROAD6, LOCAL6, ("in", 64501, "CL", "database")),
        (LOCAL6, LOCAL6, ("internal", 0, "UY", "operator")),
        (ABROAD6, ABROAD6, ("transit", 0, "ZZ", "unknown")),
        (LOCAL, NOWHERE, ("out", 0, "ZZ", "unknown")),
        (LOCAL, "100.64.0.1", ("out", 0, "ZZ", "disagreement")),
    ],
)
def test_direction_and_far_end(source: str, destination: str, expected: tuple[str, int, str, str]) -> None:
    assert told(at(source, destination)) == expected


def test_the_as_number_in_the_record_goes_before_the_tables() -> None:
    assert told(at(LOCAL, ABROAD, 1, 15169)) == ("out", 15169, "US", "cloud")
    assert told(at(ABROAD, LOCAL, 15169, 1)) == ("in", 15169, "US", "cloud")


@pytest.mark.parametrize("asn", [0, 23456, 64512, 65534, 65535, 4_200_000_000, 0xFFFF_FFFE, 0xFFFF_FFFF])
def test_as_numbers_that_name_nobody_are_as_good_as_none(asn: int) -> None:
    assert told(at(LOCAL, ABROAD, 0, asn))[1] == 64496


@pytest.mark.parametrize("asn", [1, 23455, 64511, 65536, 4_199_999_999])
def test_as_numbers_beside_them_are_taken(asn: int) -> None:
    assert told(at(LOCAL, ABROAD, 0, asn))[1] == asn


def test_of_transit_no_as_number_is_kept() -> None:
    assert told(at(ABROAD, ELSEWHERE, 15169, 2906))[1] == 0


def test_the_local_host_is_the_home_end() -> None:
    assert at(LOCAL, ABROAD).host.tolist() == [ip(LOCAL)]
    assert at(ABROAD, LOCAL).host.tolist() == [ip(LOCAL)]


def test_an_ipv6_host_is_its_56() -> None:
    hosts = [at(source, ABROAD6).host[0] for source in ("2001:2::1", "2001:2:0:ff::9", "2001:2:0:100::1")]
    assert hosts[0] == hosts[1] != hosts[2]


def test_versions_mixed() -> None:
    flows = flow_records(
        ip_version=[4, 6, 0],
        source_high=[0, ip(LOCAL6) >> 64, 0],
        source_low=[ip(LOCAL), ip(LOCAL6) & (1 << 64) - 1, 0],
        destination_high=[0, ip(ABROAD6) >> 64, 0],
        destination_low=[ip(ABROAD), 9, 0],
    )
    located = Locator(HOME, TABLE, "UY").locate(flows)  # type: ignore[arg-type]
    assert [DIRECTIONS[one] for one in located.direction] == ["out", "out", "transit"]
    assert part_of_word(located.code, "remote_asn").tolist() == [64496, 64501, 0]
    assert part_of_word(located.code, "remote_country").tolist() == [
        country_number(code) for code in ("US", "CL", "ZZ")
    ]


# Services

CACHE = "198.18.250.10"
WITH_CACHE = SmallTable(
    ("198.18.250.0/24", "UY", 0, "operator"),
    ("203.0.113.0/24", "US", 64496, "cloud"),
    caches={"198.18.250.0/24": "netflix"},
)
SERVICES = ("", "disney", "netflix", "google")


def served(source: str, destination: str, tag: int = 0, table: SmallTable = WITH_CACHE) -> tuple[str, str]:
    flows = flow_records(
        ip_version=[4], source_low=[ip(source)], destination_low=[ip(destination)], tag=[tag]
    )
    located = Locator(HOME, table, "UY", SERVICES).locate(flows)  # type: ignore[arg-type]
    return DIRECTIONS[located.direction[0]], SERVICES[int(part_of_word(located.code, "service")[0])]


@pytest.mark.parametrize(
    ("source", "destination", "tag", "expected"),
    [
        (CACHE, LOCAL, 0, ("in", "netflix")),  # inside home, and yet the far end
        (LOCAL, CACHE, 0, ("out", "netflix")),
        (CACHE, LOCAL, 1, ("in", "disney")),  # the name in the flow goes before whose cache it is
        (LOCAL, ABROAD, 3, ("out", "google")),
        (LOCAL, ABROAD, 0, ("out", "")),
        (LOCAL, "198.18.0.9", 3, ("internal", "google")),
        (ABROAD, CACHE, 0, ("transit", "")),  # filling the cache is no subscriber's traffic
        (ABROAD, ELSEWHERE, 3, ("transit", "")),
    ],
)
def test_services(source: str, destination: str, tag: int, expected: tuple[str, str]) -> None:
    assert served(source, destination, tag) == expected


def test_where_a_cache_stands_is_what_the_operator_says() -> None:
    flows = flow_records(ip_version=[4], source_low=[ip(CACHE)], destination_low=[ip(LOCAL)])
    located = Locator(HOME, WITH_CACHE, "UY", SERVICES).locate(flows)  # type: ignore[arg-type]
    assert told(located) == ("in", 0, "UY", "operator")


# Against the rules written down plainly

PLACES = (
    ("203.0.113.0/24", "US", 64496, "cloud"),
    ("203.0.113.128/25", "BR", 64497, "database"),
    ("198.18.0.0/16", "UY", 64500, "database"),
    ("198.18.250.0/24", "UY", 0, "operator"),
    ("2001:db8::/32", "CL", 64501, "database"),
    ("2001:db8:0:1::8/126", "AR", 64502, "anycast"),
    ("2001:2::/48", "PY", 0, "database"),
)
CACHES = {"198.18.250.0/24": "netflix"}
CACHED = SmallTable(*PLACES, caches=CACHES)
NEAR = sorted(
    {
        (network.version, int(edge) + step)
        for network in (ipaddress.ip_network(prefix) for prefix in (*HOME, *(row[0] for row in PLACES)))
        for edge in (network.network_address, network.broadcast_address)
        for step in (-1, 0, 1)
    }
)
NUMBERS = {
    4: st.sampled_from([at for version, at in NEAR if version == 4]) | st.integers(0, (1 << 32) - 1),
    6: st.sampled_from([at for version, at in NEAR if version == 6]) | st.integers(0, (1 << 128) - 1),
    0: st.just(0),
}
ASN = st.sampled_from([0, 1, 23455, 23456, 23457, 64511, 64512, 65535, 65536, 4_199_999_999, 4_200_000_000])
FLOW = st.sampled_from([4, 4, 6, 0]).flatmap(
    lambda version: st.tuples(
        st.just(version), NUMBERS[version], NUMBERS[version], ASN, ASN, st.integers(0, len(SERVICES) - 1)
    )
)


def longest(version: int, number: int, prefixes: list[str]) -> str:
    address = (ipaddress.IPv6Address if version == 6 else ipaddress.IPv4Address)(number)
    holding = [each for each in map(ipaddress.ip_network, prefixes) if address in each]
    return str(max(holding, key=lambda each: each.prefixlen)) if holding else ""


def is_home(version: int, number: int) -> bool:
    return version != 0 and longest(version, number, [*HOME, *CACHES]) in HOME


def expected(
    version: int, source: int, destination: int, source_as: int, destination_as: int, tag: int
) -> tuple[str, int, str, str, str, int]:
    from_home, to_home = is_home(version, source), is_home(version, destination)
    direction = {(1, 0): "out", (0, 1): "in", (1, 1): "internal", (0, 0): "transit"}[from_home, to_home]
    far, host, asn = source, destination, source_as
    if direction != "in":
        far, host, asn = destination, source, destination_as
    if version == 6:
        host >>= 72
    if direction == "transit":
        return direction, 0, "ZZ", "unknown", "", host
    prefix = longest(version, far, [row[0] for row in PLACES])
    _, country, of_table, rung = next((row for row in PLACES if row[0] == prefix), ("", "ZZ", 0, "unknown"))
    if direction == "internal":
        country, rung = "UY", "operator"
    if asn in (0, 23456) or 64512 <= asn < 65536 or asn >= 4_200_000_000:
        asn = of_table
    return direction, asn, country, rung, SERVICES[tag] or CACHES.get(prefix, ""), host


@given(st.lists(FLOW, min_size=1, max_size=20))
def test_agrees_with_the_rules_record_by_record(flows: list[tuple[int, ...]]) -> None:
    version, source, destination, source_as, destination_as, tag = zip(*flows, strict=True)
    lower = (1 << 64) - 1
    located = Locator(HOME, CACHED, "UY", SERVICES).locate(  # type: ignore[arg-type]
        flow_records(
            ip_version=version,
            source_high=np.array([each >> 64 for each in source], np.uint64),
            source_low=np.array([each & lower for each in source], np.uint64),
            destination_high=np.array([each >> 64 for each in destination], np.uint64),
            destination_low=np.array([each & lower for each in destination], np.uint64),
            source_as=source_as,
            destination_as=destination_as,
            tag=tag,
        )
    )
    assert part_of_word(located.code, "direction").tolist() == located.direction.tolist()
    found = [
        (
            DIRECTIONS[way],
            asn,
            chr(country >> 8) + chr(country & 255),
            LOCATION_RUNGS[rung],
            SERVICES[service],
            host,
        )
        for way, asn, country, rung, service, host in zip(
            located.direction.tolist(),
            *(
                part_of_word(located.code, name).tolist()
                for name in ("remote_asn", "remote_country", "location_rung", "service")
            ),
            located.host.tolist(),
            strict=True,
        )
    ]
    assert found == [expected(*flow) for flow in flows]


def test_finds_the_segments_that_the_table_finds() -> None:
    """Also where segments divide a /24 or a /64, and in more records than are looked up at once."""
    table = AddressTable.load(
        [("8.8.8.8/32", "AR", 1), ("255.255.255.255/32", "BR", 2), ("2001:4860:4860::8888/128", "CL", 3)]
        + [(f"2a00:1450:4000::{at:x}/128", "PY", at) for at in range(10, 40, 2)]
    )
    random = np.random.default_rng(20261121)
    search = table.search
    four = np.concatenate([search.starts4, search.starts4 - np.uint32(1), random.integers(0, 1 << 32, 5000)])
    high = np.concatenate([search.high6, search.high6, random.integers(0, 1 << 64, 5000, np.uint64)])
    low = np.concatenate(
        [search.low6, search.low6 - np.uint64(1), random.integers(0, 1 << 64, 5000, np.uint64)]
    )
    chosen4, chosen6 = random.permutation(len(four))[:50_000], random.permutation(len(high))[:50_000]
    ours = np.flatnonzero(search.starts4 == 0x08080808), np.flatnonzero(search.high6 == 0x2A00_1450_4000_0000)
    four, high, low = (
        np.append(four[chosen4], four[ours[0]]).astype(np.uint32),
        np.append(high[chosen6], high[ours[1]]),
        np.append(low[chosen6], low[ours[1]]),
    )
    segments = np.concatenate([table.segments4(four), table.segments6(high, low)])
    version = np.repeat(np.array([4, 6], np.uint8), [len(four), len(high)])
    shuffled = random.permutation(len(version))
    flows = flow_records(
        ip_version=version,
        source_low=np.where(version == 4, ip(LOCAL), ip(LOCAL6) & (1 << 64) - 1).astype(np.uint64),
        source_high=np.where(version == 4, 0, ip(LOCAL6) >> 64).astype(np.uint64),
        destination_high=np.append(np.zeros(len(four), np.uint64), high),
        destination_low=np.append(four.astype(np.uint64), low),
    ).take(shuffled)
    segments = segments[shuffled]
    for _ in ("searched", "looked up"):
        located = Locator((LOCAL, LOCAL6), table, "UY").locate(flows)
        out = located.direction == DIRECTIONS.index("out")
        assert np.count_nonzero(~out) <= 2
        for name, key in (("asn", "remote_asn"), ("country", "remote_country"), ("rung", "location_rung")):
            expected_ = getattr(table, name)[segments]
            np.testing.assert_array_equal(part_of_word(located.code, key)[out], expected_[out])
        table.accelerate()
