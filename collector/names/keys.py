"""Endpoints as keyed numbers of 64 bits: what is remembered of a connection or an address is such a number."""

import secrets

import numpy as np

from caudal.collector.flowrecords import U8, U16, U64

# Odd constants of the finisher of splitmix64.
_FIRST, _SECOND = np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB)
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)


class Keys:
    """Makes keys; another secret for each process, so that nobody can choose what collides.

    Two ends give the same key in either order, so that both directions of a connection have one.
    """

    def __init__(self) -> None:
        self._secret = np.array([secrets.randbits(64) for _ in range(4)], np.uint64)

    def of_connection(self, protocol: U8, one: tuple[U64, U64, U16], other: tuple[U64, U64, U16]) -> U64:
        """Return the keys of connections between two ends: (high half, low half of the address, port)."""
        ends = _mix(self._port(one)) + _mix(self._port(other))
        return _mix(ends ^ self._secret[0] ^ protocol.astype(np.uint64) * _GOLDEN)

    def of_pair(self, one: tuple[U64, U64], other: tuple[U64, U64]) -> U64:
        """Return the keys of pairs of hosts: (high half, low half of the address)."""
        return _mix((self._address(*one) + self._address(*other)) ^ self._secret[1])

    def of_address(self, high: U64, low: U64) -> U64:
        """Return the keys of addresses."""
        return _mix(self._address(high, low) ^ self._secret[2])

    def _address(self, high: U64, low: U64) -> U64:
        return _mix(_mix(high ^ self._secret[3]) ^ low)

    def _port(self, end: tuple[U64, U64, U16]) -> U64:
        high, low, port = end
        return self._address(high, low) + port.astype(np.uint64) * _GOLDEN


def _mix(value: U64) -> U64:
    value = (value ^ value >> np.uint64(30)) * _FIRST
    value = (value ^ value >> np.uint64(27)) * _SECOND
    return value ^ value >> np.uint64(31)
