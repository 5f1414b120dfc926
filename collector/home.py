"""Home prefixes: which addresses are the operator's own subscribers and servers."""

import ipaddress
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from caudal.collector.flowrecords import U8, U64

Mask = npt.NDArray[np.bool_]
_ALL = (1 << 64) - 1
_FEW = 8  # up to so many ranges are compared one by one, which is faster than a search


class HomeError(ValueError):
    """A home prefix that cannot be read."""


class HomePrefixes:
    """Tells home addresses from others."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        networks4, networks6 = [], []
        for text in prefixes:
            try:
                network = ipaddress.ip_network(text)
            except ValueError as error:
                raise HomeError(
                    f"home prefix {text!r} does not parse: {error}; write it like 198.51.100.0/24 or 2001:db8::/32"
                ) from error
            if isinstance(network, ipaddress.IPv4Network):
                networks4.append(network)
            else:
                networks6.append(network)
        merged4 = list(ipaddress.collapse_addresses(networks4))
        # Boundaries at which an address enters (even position) or leaves (odd) the home ranges.
        edges = [edge for n in merged4 for edge in (int(n.network_address), int(n.broadcast_address) + 1)]
        self._edges4 = np.array(edges, np.uint64)
        self._masks6 = [
            tuple(
                np.uint64(part)
                for value in (int(n.netmask), int(n.network_address))
                for part in _split(value)
            )
            for n in ipaddress.collapse_addresses(networks6)
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
            for mask_high, mask_low, want_high, want_low in self._masks6:
                inside |= ((high & mask_high) == want_high) & ((low & mask_low) == want_low)
            found[six] = inside
        return found


def _split(value: int) -> tuple[int, int]:
    return value >> 64, value & _ALL
