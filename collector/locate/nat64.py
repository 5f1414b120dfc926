"""NAT64: IPv6 addresses that stand for the IPv4 address inside, by which their far end is located (RFC 6052).

A subscriber who has IPv6 only talks to 64:ff9b::203.0.113.9, or to the same in a prefix of the operator's own. In the address
space of IPv6 that is nowhere, or the operator's own network; the traffic is with 203.0.113.9.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import I64, U8, U64, FlowRecords, Mask
from caudal.collector.columns.kernel import kernel
from caudal.collector.errors import CollectorError

WELL_KNOWN: Final = "64:ff9b::/96"
_LENGTHS: Final = (32, 40, 48, 56, 64, 96)
_LOWER_HALF: Final = (1 << 64) - 1


class Nat64Error(CollectorError, ValueError):
    """A prefix that no NAT64 can have."""


class Nat64Prefixes:
    """Finds addresses of NAT64 in flow records: those of `prefixes`, and of the well-known prefix in any case.

    Raises Nat64Error.
    """

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        networks = sorted({_network(text) for text in (WELL_KNOWN, *prefixes)})
        rows = [
            [
                int(network.netmask) >> 64,
                int(network.netmask) & _LOWER_HALF,
                int(network.network_address) >> 64,
                int(network.network_address) & _LOWER_HALF,
                network.prefixlen,
            ]
            for network in networks
        ]
        self._prefixes: U64 = np.array(rows, np.uint64)

    def find(self, flows: FlowRecords) -> I64:
        """Return the positions of records of which one end is an address of NAT64."""
        which: I64 = np.empty(len(flows), np.int64)
        count = _find(
            flows.ip_version, flows.source_high, flows.source_low, flows.destination_high, flows.destination_low,
            self._prefixes, which,
        )  # fmt: skip
        return which[:count]

    def inside(self, high: U64, low: U64) -> tuple[Mask, U64]:
        """Return which IPv6 addresses, given by their halves, are of NAT64, and the IPv4 addresses inside (else 0)."""
        of_nat64: Mask = np.zeros(len(high), np.bool_)
        inner: U64 = np.zeros(len(high), np.uint64)
        for mask_high, mask_low, first_high, first_low, length in self._prefixes:
            these = ~of_nat64 & (high & mask_high == first_high) & (low & mask_low == first_low)
            inner[these] = _inner(high[these], low[these], int(length))
            of_nat64 |= these
        return of_nat64, inner


def _network(text: str) -> ipaddress.IPv6Network:
    try:
        network = ipaddress.IPv6Network(text)
    except ValueError as error:
        raise Nat64Error(
            f"nat64: {text!r} is no IPv6 prefix ({error}); give one such as {WELL_KNOWN}"
        ) from error
    if network.prefixlen not in _LENGTHS:
        lengths = ", ".join(f"/{length}" for length in _LENGTHS)
        raise Nat64Error(
            f"nat64: a NAT64 prefix is one of {lengths}, {text} is none; give that of the translator"
        )
    return network


def _inner(high: U64, low: U64, length: int) -> U64:
    """Return the IPv4 address inside: right behind the prefix, but for bits 64 to 71, which are passed over (RFC 6052 §2.2)."""
    if length == 96:
        return low & np.uint64(0xFFFF_FFFF)
    above = length - 32  # so many bits of the address stand in the lower half
    upper = high & np.uint64((1 << (32 - above)) - 1)
    lower = (low >> np.uint64(56 - above)) & np.uint64((1 << above) - 1)
    return upper << np.uint64(above) | lower


@kernel
def _find(
    ip_version: U8,
    source_high: U64,
    source_low: U64,
    destination_high: U64,
    destination_low: U64,
    prefixes: U64,
    which: I64,
) -> int:
    count = 0
    for i in range(len(ip_version)):
        if ip_version[i] != 6:
            continue
        ends = 0
        for prefix in range(len(prefixes)):
            high, low = prefixes[prefix, 0], prefixes[prefix, 1]
            first_high, first_low = prefixes[prefix, 2], prefixes[prefix, 3]
            ends += source_high[i] & high == first_high and source_low[i] & low == first_low
            ends += destination_high[i] & high == first_high and destination_low[i] & low == first_low
        if ends == 1:
            which[count] = i
            count += 1
    return count
