"""Home prefixes: which addresses are the operator's own subscribers and servers."""

import ipaddress
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from caudal.collector.flowrecords import U8, U64
from caudal.reference.steps import Range, flatten

Mask = npt.NDArray[np.bool_]
_ALL = (1 << 64) - 1
_FEW = 8  # up to so many ranges are compared one by one, which is faster than a search


class HomeError(ValueError):
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
        ranges4 = [
            Range(int(network.network_address), int(network.broadcast_address), "home" if home else "")
            for network, home in said
            if network.version == 4
        ]
        steps = flatten(ranges4, 4)
        # Boundaries at which an address enters (even position) or leaves (odd) the home ranges.
        edges = steps.starts if steps.values[0] else steps.starts[1:]
        self._edges4 = np.array(edges + [1 << 32] * (len(edges) % 2), np.uint64)
        # From the shortest on, so that the last word is that of the longest.
        said6 = sorted((each for each in said if each[0].version == 6), key=lambda each: each[0].prefixlen)
        self._masks6 = [
            (_split(network.netmask), _split(network.network_address), home) for network, home in said6
        ]

    def contains(self, ip_version: U8, high: U64, low: U64) -> Mask:
        """Return for each address whether it is a home address."""
        if len(self._edges4) <= 2 * _FEW:
            found: Mask = np.zeros(len(low), bool)
            for start, end in self._edges4.reshape(-1, 2):
                found |= (low - start) < end - start
        else:
            found = (np.searchsorted(self._edges4, low, side="right") & 1).astype(bool)
        found &= ip_version == 4
        six = np.flatnonzero(ip_version == 6) if self._masks6 else ()
        if len(six):
            high, low = high[six], low[six]
            inside = np.zeros(len(six), bool)
            for (mask_high, mask_low), (want_high, want_low), home in self._masks6:
                inside[((high & mask_high) == want_high) & ((low & mask_low) == want_low)] = home
            found[six] = inside
        return found


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise HomeError(
            f"home prefix {text!r} does not parse: {error}; write it like 198.51.100.0/24 or 2001:db8::/32"
        ) from error


def _split(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[np.uint64, np.uint64]:
    return np.uint64(int(address) >> 64), np.uint64(int(address) & _ALL)
