"""The allow list: addresses and prefixes whose export datagrams are taken, all others being left out."""

import ipaddress
import socket
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import U8, U64

Mask = npt.NDArray[np.bool_]

_HALF = (1 << 64) - 1
_IPV4 = (1 << 32) - 1
_MAPPED = 0xFFFF  # what stands before the IPv4 address of an IPv4-mapped one


class AllowList:
    """Addresses within some prefixes."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
        # Version, and mask and value of the address as two halves.
        self._halves = [_halves(network) for network in self._networks]

    def __contains__(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self._networks)

    def of_socket_names(self, names: U8) -> Mask:
        """Return which socket addresses, as the kernel writes them (one a row), are within."""
        family = names[:, :2].copy().view(np.uint16)[:, 0]
        high, low = _big_endian(names[:, 8:16]), _big_endian(names[:, 16:24])
        is4 = family == socket.AF_INET
        mapped = ~is4 & (high == 0) & ((low >> np.uint64(32)) == _MAPPED)
        low4 = _big_endian(np.concatenate([np.zeros_like(names[:, :4]), names[:, 4:8]], axis=1))
        low = np.where(is4, low4, np.where(mapped, low & np.uint64(_IPV4), low))
        is4 |= mapped
        high[is4] = 0
        found = np.zeros(len(names), bool)
        for version, high_mask, high_value, low_mask, low_value in self._halves:
            within = ((high & high_mask) == high_value) & ((low & low_mask) == low_value)
            found |= within & (is4 if version == 4 else ~is4)
        return found


def _halves(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> tuple[int, np.uint64, np.uint64, np.uint64, np.uint64]:
    value, mask = int(network.network_address), int(network.netmask)
    high_mask, high, low_mask, low = (
        np.uint64(part) for part in (mask >> 64, value >> 64, mask & _HALF, value & _HALF)
    )
    return network.version, high_mask, high, low_mask, low


def _big_endian(octets: U8) -> U64:
    return np.ascontiguousarray(octets).view(">u8")[:, 0].astype(np.uint64)
