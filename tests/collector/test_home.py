"""Home prefixes."""

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.locate.home import HomeError, HomePrefixes

V4 = st.integers(0, (1 << 32) - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, (1 << 128) - 1).map(ipaddress.IPv6Address)


def network(value: int, bits: int, length: int) -> str:
    kind = ipaddress.IPv4Network if bits == 32 else ipaddress.IPv6Network
    return str(kind((value, length), strict=False))


NETWORKS = st.builds(network, st.integers(0, (1 << 32) - 1), st.just(32), st.integers(0, 32)) | st.builds(
    network, st.integers(0, (1 << 128) - 1), st.just(128), st.integers(0, 128)
)


def contains(
    prefixes: list[str], addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address]
) -> list[bool]:
    numbers = [int(address) for address in addresses]
    return (
        HomePrefixes(prefixes)
        .contains(
            np.array([address.version for address in addresses], np.uint8),
            np.array([number >> 64 for number in numbers], np.uint64),
            np.array([number & (1 << 64) - 1 for number in numbers], np.uint64),
        )
        .tolist()
    )


@given(st.lists(NETWORKS, min_size=1, max_size=6), st.lists(V4 | V6, max_size=10))
def test_agrees_with_ipaddress_also_at_the_edges(
    prefixes: list[str], addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address]
) -> None:
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    for one in networks:
        kind = type(one.network_address)
        for number in (int(one.network_address), int(one.broadcast_address)):
            near = [at for at in (number - 1, number, number + 1) if 0 <= at < 1 << one.max_prefixlen]
            addresses.extend(map(kind, near))
    expected = [any(a.version == n.version and a in n for n in networks) for a in addresses]
    assert contains(prefixes, addresses) == expected


def test_the_low_half_of_an_ipv6_address_is_no_ipv4_address() -> None:
    assert contains(["198.18.0.0/16"], [ipaddress.ip_address("2001:db8::198.18.0.1")]) == [False]


def test_an_address_of_no_version_is_nobodys() -> None:
    zero = np.zeros(1, np.uint64)
    assert not HomePrefixes(["0.0.0.0/0", "::/0"]).contains(np.zeros(1, np.uint8), zero, zero).any()


@given(
    st.lists(NETWORKS, min_size=1, max_size=5), st.lists(NETWORKS, max_size=4), st.lists(V4 | V6, max_size=10)
)
def test_of_home_prefixes_and_caches_the_longest_counts(
    prefixes: list[str], caches: list[str], addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address]
) -> None:
    said = [(ipaddress.ip_network(prefix), True) for prefix in prefixes]
    said += [(ipaddress.ip_network(prefix), False) for prefix in caches]
    for network_, _ in said:
        kind = type(network_.network_address)
        addresses += [kind(int(network_.network_address)), kind(int(network_.broadcast_address))]
    expected = []
    for one in addresses:
        holding = [(n.prefixlen, not home, home) for n, home in said if n.version == one.version and one in n]
        expected.append(max(holding, default=(0, True, False))[2])
    numbers = [int(one) for one in addresses]
    found = HomePrefixes(prefixes, caches).contains(
        np.array([one.version for one in addresses], np.uint8),
        np.array([number >> 64 for number in numbers], np.uint64),
        np.array([number & (1 << 64) - 1 for number in numbers], np.uint64),
    )
    assert found.tolist() == expected


def test_a_cache_inside_home_is_not_home_and_a_home_inside_a_cache_is() -> None:
    home = HomePrefixes(["198.18.0.0/16", "198.18.7.128/28"], ["198.18.7.0/24"])
    low = np.array(
        [int(ipaddress.ip_address(f"198.18.{at}")) for at in ("6.1", "7.1", "7.129", "8.1")], np.uint64
    )
    assert home.contains(np.full(4, 4, np.uint8), low * 0, low).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    "prefix", ["198.18.0.1/16", "198.18/16", "home", "", "198.18.0.0/33", "2001:db8::1/32"]
)
def test_a_bad_prefix_is_named(prefix: str) -> None:
    with pytest.raises(HomeError) as caught:
        HomePrefixes(["198.18.0.0/16", prefix])
    message = str(caught.value)
    assert message.startswith(f"home prefix {prefix!r} does not parse: ")
    assert message.endswith("; write it like 198.51.100.0/24 or 2001:db8::/32")
    assert "\n" not in message
