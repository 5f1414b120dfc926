"""Chains of structures: many at once, and the same one by one."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.decode.sflow import xdr
from caudal.collector.decode.sflow.xdr import walk_structures


def structure(kind: int, body: bytes, *, fill: bool = True) -> bytes:
    return struct.pack(">II", kind, len(body)) + body + bytes(-len(body) % 4 if fill else 0)


def found(
    slices: list[bytes], counts: list[int], *, unit: int = 1
) -> tuple[list[tuple[int, ...]], list[bool]]:
    """(chain, place in its slice, length, kind) of every structure, and which chains are broken."""
    lengths = np.array([len(one) for one in slices], np.int64)
    at = np.cumsum(lengths) - lengths + 3
    buffer = np.frombuffer(b"\xff" * 3 + b"".join(slices) + b"\xff" * 8, np.uint8)
    structures, broken = walk_structures(buffer, at, at + lengths, np.array(counts, np.int64), unit=unit)
    places = structures.at - at[structures.chain]
    columns = (structures.chain, places, structures.length, structures.kind)
    return list(zip(*(column.tolist() for column in columns), strict=True)), broken.tolist()


def test_structures_in_the_order_of_their_chains() -> None:
    slices = [structure(1, b"abcd") + structure(2, b""), b"", structure(3, b"x" * 8)]
    assert found(slices, [2, 0, 1]) == (
        [(0, 8, 4, 1), (0, 20, 0, 2), (2, 8, 8, 3)],
        [False, False, False],
    )


def test_no_more_than_asked_for() -> None:
    assert found([structure(1, b"") * 3], [2]) == ([(0, 8, 0, 1), (0, 16, 0, 1)], [False])


def test_lengths_that_are_no_multiple_of_four_are_filled_up() -> None:
    slices = [structure(1, b"abcde") + structure(2, b"x", fill=False)]
    assert found(slices, [2]) == ([(0, 8, 5, 1), (0, 24, 1, 2)], [False])


def test_units_of_four_octets() -> None:
    assert found([struct.pack(">IIII", 2, 2, 7, 8)], [1], unit=4) == ([(0, 8, 8, 2)], [False])


@pytest.mark.parametrize("cut", [0, 7, 8, 11])
def test_a_chain_that_ends_early_is_broken(cut: int) -> None:
    whole = structure(5, b"") + structure(1, b"abcd")
    kept = [(0, 8, 0, 5)] if cut >= 8 else []
    assert found([whole[:cut], whole], [2, 2]) == ([*kept, (1, 8, 0, 5), (1, 16, 4, 1)], [True, False])


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 5)), max_size=40), st.sampled_from([1, 4]))
def test_many_at_once_and_one_by_one_find_the_same(chains: list[tuple[bytes, int]], unit: int) -> None:
    # Small numbers are likely lengths, so that chains go on.
    slices = [bytes(octet % 3 if octet < 200 else octet for octet in data) for data, _ in chains]
    answers = []
    for few in (1, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(xdr, "_FEW_CHAINS", few)
            answers.append(found(slices, [count for _, count in chains], unit=unit))
    assert answers[0] == answers[1]
