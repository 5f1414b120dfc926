"""Digests of flows: SipHash-2-4 with 128 bits of output, as its authors publish it."""

import numpy as np
import pytest

from caudal.collector.decode.records.flowdigest import digests, secret_of

_MASK = (1 << 64) - 1
KEY = np.frombuffer(bytes(range(16)), "<u8").astype(np.uint64)


def turned(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def by_hand(key: tuple[int, int], words: list[int]) -> tuple[int, int]:
    """The same in plain numbers, written from the description."""
    v = [key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D ^ 0xEE]
    v += [key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573]

    def rounds(count: int) -> None:
        for _ in range(count):
            for a, b, c, d, left, right in ((0, 1, 2, 3, 13, 16), (2, 1, 0, 3, 17, 21)):
                v[a] = (v[a] + v[b]) & _MASK
                v[c] = (v[c] + v[d]) & _MASK
                v[b], v[d] = turned(v[b], left) ^ v[a], turned(v[d], right) ^ v[c]
                v[a] = turned(v[a], 32)

    for word in (*words, (8 * len(words) & 0xFF) << 56):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xEE
    rounds(4)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return first, v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_first_of_the_vectors_that_its_authors_publish() -> None:
    first, second = digests(KEY, np.zeros((1, 0), np.uint64))
    octets = int(first[0]).to_bytes(8, "little") + int(second[0]).to_bytes(8, "little")
    assert octets.hex() == "a3817f04ba25a8e66df67214c7550293"


@pytest.mark.parametrize("words", [[0], [1, 2, 3], [_MASK] * 8, list(range(8))])
def test_it_is_what_the_description_gives(words: list[int]) -> None:
    first, second = digests(KEY, np.array([words], np.uint64))
    assert (int(first[0]), int(second[0])) == by_hand((int(KEY[0]), int(KEY[1])), words)


def test_another_key_gives_other_digests() -> None:
    words = np.arange(8, dtype=np.uint64).reshape(1, 8)
    one, other = (digests(secret_of(key), words)[0][0] for key in (b"one", b"other"))
    assert one != other
    assert one == digests(secret_of(b"one"), words)[0][0]
