"""Digests of flows: keyed numbers under which totals of flows are found, and which tell nothing of their ends.

They are kept over a restart, so a secret alone must stand between them and the addresses: SipHash-2-4 with 128 bits of
output, one of a key, rather than a mixture of numbers that can be turned back. Source: J.-P. Aumasson, D. J. Bernstein,
"SipHash: a fast short-input PRF", 2012, and the authors' variant of 128 bits.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import U64
from caudal.collector.columns.kernel import kernel

Words = npt.NDArray[np.uint64]  # a row for each flow

_PURPOSE: Final = b"caudal flows"
_V0, _V1 = np.uint64(0x736F_6D65_7073_6575), np.uint64(0x646F_7261_6E64_6F6D)
_V2, _V3 = np.uint64(0x6C79_6765_6E65_7261), np.uint64(0x7465_6462_7974_6573)
_LONG, _MIDDLE, _AGAIN = np.uint64(0xEE), np.uint64(0xEE), np.uint64(0xDD)


def secret_of(key: bytes) -> U64:
    """Return the secret of digests, two numbers, that follows from a key of up to 64 octets."""
    return np.frombuffer(hashlib.blake2b(_PURPOSE, key=key, digest_size=16).digest(), "<u8").astype(np.uint64)


def digests(secret: U64, words: Words) -> tuple[U64, U64]:
    """Return the digests of rows of numbers, as two numbers each.

    >>> digests(secret_of(b"key"), np.zeros((2, 3), np.uint64))[0].shape
    (2,)
    """
    first, second = (np.empty(len(words), np.uint64) for _ in range(2))
    _digest_all(secret[0], secret[1], words, first, second)
    return first, second


@kernel
def _digest_all(key0: np.uint64, key1: np.uint64, words: Words, first: U64, second: U64) -> None:
    count = words.shape[1]
    length = np.uint64((8 * count) & 0xFF) << np.uint64(56)
    for row in range(len(words)):
        v0, v1, v2, v3 = _V0 ^ key0, _V1 ^ key1 ^ _LONG, _V2 ^ key0, _V3 ^ key1
        for at in range(count + 1):
            word = words[row, at] if at < count else length
            v3 ^= word
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0 ^= word
        v2 ^= _MIDDLE
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        first[row] = v0 ^ v1 ^ v2 ^ v3
        v1 ^= _AGAIN
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        second[row] = v0 ^ v1 ^ v2 ^ v3


@kernel
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0 += v1
    v2 += v3
    v1 = _turn(v1, np.uint64(13)) ^ v0
    v3 = _turn(v3, np.uint64(16)) ^ v2
    v0 = _turn(v0, np.uint64(32))
    v2 += v1
    v0 += v3
    v1 = _turn(v1, np.uint64(17)) ^ v2
    v3 = _turn(v3, np.uint64(21)) ^ v0
    v2 = _turn(v2, np.uint64(32))
    return v0, v1, v2, v3


@kernel
def _turn(value: np.uint64, bits: np.uint64) -> np.uint64:
    return (value << bits) | (value >> (np.uint64(64) - bits))
