"""NAT64: far ends are located by the IPv4 address inside, whatever the length of the prefix."""

import ipaddress

import numpy as np
import pytest

from caudal.collector.columns.cellcode import part_of_word
from caudal.collector.columns.flowrecords import FlowRecords
from caudal.collector.locate.locate import Located, Locator
from caudal.collector.locate.nat64 import Nat64Error, Nat64Prefixes
from caudal.common.vocabulary import DIRECTIONS
from tests.support.builders import flow_records, ip

from .balanced import HOME, TABLE

SUBSCRIBER, SERVER = "2001:db8:1:2300::7", "203.0.113.9"


def inside(prefix: str, address: str) -> str:
    """The address of NAT64 for an IPv4 address, put together octet by octet (RFC 6052 §2.2)."""
    network = ipaddress.IPv6Network(prefix)
    octets, at = bytearray(network.network_address.packed), network.prefixlen // 8
    for octet in ipaddress.IPv4Address(address).packed:
        at += at == 8
        octets[at] = octet
        at += 1
    return str(ipaddress.IPv6Address(bytes(octets)))


def flows(source: str, destination: str, **columns: int) -> FlowRecords:
    low = (1 << 64) - 1
    return flow_records(
        ip_version=[6],
        source_high=[ip(source) >> 64],
        source_low=[ip(source) & low],
        destination_high=[ip(destination) >> 64],
        destination_low=[ip(destination) & low],
        **columns,
    )


def located(source: str, destination: str, *prefixes: str, **columns: int) -> Located:
    return Locator(HOME, TABLE, "CL", nat64=prefixes).locate(flows(source, destination, **columns))  # type: ignore[arg-type]


def told(found: Located) -> tuple[str, int, str]:
    number = int(part_of_word(found.code, "remote_country")[0])
    assert part_of_word(found.code, "direction")[0] == found.direction[0]
    return (
        DIRECTIONS[found.direction[0]],
        int(part_of_word(found.code, "remote_asn")[0]),
        chr(number >> 8) + chr(number & 255),
    )


def test_examples_of_the_rfc() -> None:
    """RFC 6052 §2.4 gives 192.0.2.33 in prefixes of all lengths."""
    for prefix, address in (
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ):
        assert ip(inside(prefix, "192.0.2.33")) == ip(address)
        high, low = (
            np.array([ip(address) >> 64], np.uint64),
            np.array([ip(address) & (1 << 64) - 1], np.uint64),
        )
        of_nat64, inner = Nat64Prefixes([prefix]).inside(high, low)
        assert (of_nat64.tolist(), inner.tolist()) == ([True], [ip("192.0.2.33")])


@pytest.mark.parametrize(
    "prefix", ["64:ff9b::/96", "2001:db8:1:64::/96", "2001:db8:1:6400::/56", "2001:db8:9:9::/64"]
)
def test_the_far_end_is_the_ipv4_address_inside(prefix: str) -> None:
    """Also where the prefix lies among the operator's own addresses."""
    away = inside(prefix, SERVER)
    out, back = located(SUBSCRIBER, away, prefix), located(away, SUBSCRIBER, prefix)
    assert (told(out), told(back)) == (("out", 64496, "US"), ("in", 64496, "US"))
    # The host is the IPv6 subscriber, as a /56.
    assert out.host.tolist() == back.host.tolist() == [ip(SUBSCRIBER) >> 72]


def test_a_prefix_that_is_not_named_is_as_any_other_address() -> None:
    assert told(located(SUBSCRIBER, inside("2001:db8:9:9::/64", SERVER))) == ("out", 64501, "CL")


def test_the_translators_as_number_is_not_the_far_ends() -> None:
    away = inside("64:ff9b::/96", SERVER)
    assert told(located(SUBSCRIBER, away, source_as=64500, destination_as=3320))[1] == 64496
    assert told(located(away, SUBSCRIBER, source_as=3320, destination_as=64500))[1] == 64496


def test_home_behind_the_translator_is_internal() -> None:
    assert told(located(SUBSCRIBER, inside("64:ff9b::/96", "198.51.100.10")))[0] == "internal"
    assert told(located("2001:db8:9::1", inside("64:ff9b::/96", SERVER)))[0] == "transit"


def test_ipv4_and_plain_ipv6_are_left_alone() -> None:
    plain = flows(SUBSCRIBER, "2001:db8:9::1")
    assert not len(Nat64Prefixes().find(plain))
    four = flow_records(ip_version=[4], source_low=[ip("198.51.100.1")], destination_low=[ip(SERVER)])
    assert not len(Nat64Prefixes().find(four))


@pytest.mark.parametrize("prefix", ["64:ff9b::/95", "192.0.2.0/24", "2001:db8::1/64", "x"])
def test_what_is_no_prefix_of_nat64_is_refused(prefix: str) -> None:
    with pytest.raises(Nat64Error, match="nat64: "):
        Nat64Prefixes([prefix])
