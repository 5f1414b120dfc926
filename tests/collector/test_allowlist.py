"""Whose datagrams are taken: by text and by the socket addresses the kernel writes, with the same answer."""

import ipaddress
import socket
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.columns.allowlist import AllowList

PREFIXES = ("192.0.2.0/24", "198.51.100.7/32", "2001:db8::/33", "2001:db8:ffff::1/128")


def socket_name(address: str) -> bytes:
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return struct.pack("=HH4s24x", socket.AF_INET, 0, parsed.packed)
    return struct.pack("=HHI16sI4x", socket.AF_INET6, 0, 0, parsed.packed, 2)


def of(allow: AllowList, *addresses: str) -> list[bool]:
    names = np.frombuffer(b"".join(map(socket_name, addresses)), np.uint8).reshape(len(addresses), 32)
    return list(allow.of_socket_names(names).tolist())


def test_edges() -> None:
    allow = AllowList(PREFIXES)
    inside = ["192.0.2.0", "192.0.2.255", "198.51.100.7", "2001:db8::", "2001:db8:7fff::", "2001:db8:ffff::1"]
    outside = ["192.0.1.255", "192.0.3.0", "198.51.100.8", "2001:db8:8000::", "2001:db8:ffff::2", "::1"]
    assert of(allow, *inside) == [address in allow for address in inside] == [True] * 6
    assert of(allow, *outside) == [address in allow for address in outside] == [False] * 6


def test_ipv4_on_an_ipv6_socket() -> None:
    assert of(AllowList(PREFIXES), "::ffff:192.0.2.9", "::ffff:192.0.3.9", "::192.0.2.9") == [
        True,
        False,
        False,
    ]


@given(
    st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str),
    st.integers(0, 32),
)
def test_both_ways_agree(address: str, prefix: str, length: int) -> None:
    allow = AllowList([str(ipaddress.ip_network(f"{prefix}/{length}", strict=False))])
    mapped = getattr(ipaddress.ip_address(address), "ipv4_mapped", None)
    if mapped is None:
        assert of(allow, address) == [address in allow]
