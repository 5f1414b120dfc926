"""Endpoints as keyed numbers of 64 bits, under which verdicts on connections and addresses are kept."""

import secrets

import numpy as np

from caudal.collector.columns.flowrecords import U8, U16, U64
from caudal.collector.columns.kernel import kernel

# Odd constants of the finisher of splitmix64.
_FIRST, _SECOND = np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB)
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)


class Keys:
    """Makes keys; another secret for each process, so that nobody can choose what collides.

    Two ends give the same key in either order, so that both directions of a connection have one.
    """

    def __init__(self) -> None:
        self.secret: U64 = np.array([secrets.randbits(64) for _ in range(4)], np.uint64)

    def of_connection(self, protocol: U8, one: tuple[U64, U64, U16], other: tuple[U64, U64, U16]) -> U64:
        """Return the keys of connections between two ends: (high half, low half of the address, port)."""
        return _of_connections(self.secret, protocol, *one, *other)

    def of_pair(self, one: tuple[U64, U64], other: tuple[U64, U64]) -> U64:
        """Return the keys of pairs of hosts: (high half, low half of the address)."""
        return _of_pairs(self.secret, *one, *other)

    def of_address(self, high: U64, low: U64) -> U64:
        """Return the keys of addresses."""
        return _of_addresses(self.secret, high, low)


@kernel
def connection_key(
    secret: U64,
    protocol: int,
    one_high: np.uint64,
    one_low: np.uint64,
    one_port: int,
    other_high: np.uint64,
    other_low: np.uint64,
    other_port: int,
) -> np.uint64:
    """Return the key of one connection."""
    one = _mix(_address(secret, one_high, one_low) + np.uint64(one_port) * _GOLDEN)
    other = _mix(_address(secret, other_high, other_low) + np.uint64(other_port) * _GOLDEN)
    return _mix((one + other) ^ secret[0] ^ np.uint64(protocol) * _GOLDEN)


@kernel
def _address(secret: U64, high: np.uint64, low: np.uint64) -> np.uint64:
    return _mix(_mix(high ^ secret[3]) ^ low)


@kernel
def _mix(value: np.uint64) -> np.uint64:
    value = (value ^ value >> np.uint64(30)) * _FIRST
    value = (value ^ value >> np.uint64(27)) * _SECOND
    return value ^ value >> np.uint64(31)


@kernel
def _of_connections(
    secret: U64,
    protocol: U8,
    one_high: U64,
    one_low: U64,
    one_port: U16,
    other_high: U64,
    other_low: U64,
    other_port: U16,
) -> U64:
    keys = np.empty(len(protocol), np.uint64)
    for at in range(len(protocol)):
        keys[at] = connection_key(
            secret,
            protocol[at],
            one_high[at],
            one_low[at],
            one_port[at],
            other_high[at],
            other_low[at],
            other_port[at],
        )
    return keys


@kernel
def _of_pairs(secret: U64, one_high: U64, one_low: U64, other_high: U64, other_low: U64) -> U64:
    keys = np.empty(len(one_low), np.uint64)
    for at in range(len(one_low)):
        ends = _address(secret, one_high[at], one_low[at]) + _address(secret, other_high[at], other_low[at])
        keys[at] = _mix(ends ^ secret[1])
    return keys


@kernel
def _of_addresses(secret: U64, high: U64, low: U64) -> U64:
    keys = np.empty(len(low), np.uint64)
    for at in range(len(low)):
        keys[at] = _mix(_address(secret, high[at], low[at]) ^ secret[2])
    return keys
