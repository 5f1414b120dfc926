"""Big-endian numbers and slices, many at once."""

import numpy as np

from caudal.collector.columns.wire import join, surplus, unsigned16, unsigned32

BUFFER = np.frombuffer(bytes.fromhex("00ff0102fffffffe0000"), np.uint8)


def at(*positions: int) -> np.ndarray:
    return np.array(positions, np.int64)


def test_numbers() -> None:
    assert unsigned16(BUFFER, at(0, 1, 4)).tolist() == [0x00FF, 0xFF01, 0xFFFF]
    assert unsigned32(BUFFER, at(0, 4)).tolist() == [0x00FF0102, 0xFFFFFFFE]


def test_join() -> None:
    assert join(BUFFER, at(2), at(2)) == b"\1\2"
    assert join(BUFFER, at(2, 0, 5), at(2, 0, 1)) == b"\1\2\xff"
    assert join(BUFFER, at(), at()) == b""


def test_surplus_is_what_follows_and_is_not_zero() -> None:
    assert surplus(BUFFER, at(8, 7, 4, 4), at(10, 10, 4, 3)) == [1]
