"""Direction and far end of flows."""

import pytest

from caudal.collector.batch import DIRECTIONS, LOCATION_RUNGS
from caudal.collector.cellcode import country_number, part
from caudal.collector.locate import Located, Locator

from .builders import HOME, TABLE, SmallTable, flow_records, ip

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
    number = int(part(located.code, "country")[0])
    assert part(located.code, "direction")[0] == located.direction[0]
    return (
        DIRECTIONS[located.direction[0]],
        int(part(located.code, "asn")[0]),
        chr(number >> 8) + chr(number & 255),
        LOCATION_RUNGS[int(part(located.code, "rung")[0])],
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
    assert part(located.code, "asn").tolist() == [64496, 64501, 0]
    assert part(located.code, "country").tolist() == [country_number(code) for code in ("US", "CL", "ZZ")]


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
    return DIRECTIONS[located.direction[0]], SERVICES[int(part(located.code, "service")[0])]


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
