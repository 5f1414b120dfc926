"""Home prefixes: which addresses are the operator's own subscribers and servers."""

import ipaddress
from collections.abc import Iterable

import numpy as np

from caudal.collector.columns.flowrecords import U8, U64, Mask
from caudal.collector.columns.kernel import kernel
from caudal.collector.errors import CollectorError
from caudal.reference.addresses.steps import Range, Version, flatten

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOWER_HALF = (1 << 64) - 1
_FEW = 16  # up to so many edges are compared one by one, which is faster than a search


class HomeError(CollectorError, ValueError):
    """A home prefix that cannot be read."""


class HomePrefixes:
    """Tells home addresses from others.

    `caches` are prefixes that are not home although they may lie inside it: caches of platforms in the
    operator's network are the far end of what subscribers fetch from them. The longest prefix counts, and
    of a home prefix and a cache that are the same, the cache.
    """

    def __init__(self, prefixes: Iterable[str], caches: Iterable[str] = ()) -> None:
        homes = {_network(text) for text in prefixes}
        away = {_network(text) for text in caches}
        homes -= away
        said = [(network, True) for network in homes] + [(network, False) for network in away]
        self._edges4 = np.array(_edges(said, 4), np.uint64)
        edges6 = _edges(said, 6)
        self._edges6_high = np.array([edge >> 64 for edge in edges6], np.uint64)
        self._edges6_low = np.array([edge & _LOWER_HALF for edge in edges6], np.uint64)

    def contains(self, ip_version: U8, high: U64, low: U64) -> Mask:
        """Return for each address whether it is a home address."""
        found: Mask = np.empty(len(low), bool)
        _contains(ip_version, high, low, self._edges4, self._edges6_high, self._edges6_low, found)
        return found


def _edges(said: Iterable[tuple[Network, bool]], version: Version) -> list[int]:
    """Return the addresses at which home ranges begin and end, in turn; the last may not end."""
    ranges = [
        Range(int(network.network_address), int(network.broadcast_address), "home" if home else "")
        for network, home in said
        if network.version == version
    ]
    steps = flatten(ranges, version)
    return steps.starts if steps.values[0] else steps.starts[1:]


@kernel
def _contains(
    ip_version: U8, high: U64, low: U64, edges4: U64, edges6_high: U64, edges6_low: U64, found: Mask
) -> None:
    """Write to `found` True for each address that lies inside a range, which is behind an odd number of edges."""
    for i in range(len(found)):
        inside = False
        if ip_version[i] == 4:
            # The edges before `first` are behind the address, those from `last` on are not.
            first, last = 0, len(edges4)
            while last - first > _FEW:
                middle = (first + last) >> 1
                if edges4[middle] <= low[i]:
                    first = middle + 1
                else:
                    last = middle
            inside = first & 1 == 1
            for e in range(first, last):
                inside ^= low[i] >= edges4[e]
        elif ip_version[i] == 6:
            first, last = 0, len(edges6_high)
            while last - first > _FEW:
                middle = (first + last) >> 1
                if edges6_high[middle] < high[i] or (
                    edges6_high[middle] == high[i] and edges6_low[middle] <= low[i]
                ):
                    first = middle + 1
                else:
                    last = middle
            inside = first & 1 == 1
            for e in range(first, last):
                inside ^= (high[i] > edges6_high[e]) | (
                    (high[i] == edges6_high[e]) & (low[i] >= edges6_low[e])
                )
        found[i] = inside


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise HomeError(
            f"home prefix {text!r} does not parse: {error}; write it like 198.51.100.0/24 or 2001:db8::/32"
        ) from error
