"""Chains of XDR structures, each a kind, a length and so many octets, in many slices of one buffer at once."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.gather import gather

Mask = npt.NDArray[np.bool_]

HEAD = 8
_HEAD = np.dtype([("kind", ">u4"), ("length", ">u4")])
# Of fewer chains it is quicker to follow one after the other.
_FEW_CHAINS = 24


@dataclass(frozen=True)
class Structures:
    """Structures in the order of their chains: position of the chain, place and length of the octets, kind."""

    chain: I64
    at: I64
    length: I64
    kind: I64

    def __len__(self) -> int:
        return len(self.chain)

    def take(self, which: I64 | Mask) -> "Structures":
        """Return the structures that `which` (a mask or positions) selects."""
        return Structures(self.chain[which], self.at[which], self.length[which], self.kind[which])


def walk_structures(buffer: U8, at: I64, end: I64, count: I64, *, unit: int = 1) -> tuple[Structures, Mask]:
    """Find `count` structures from each `at` on, and which chains end, by `end`, before they have so many.

    A length counts in units of so many octets. The next structure begins at a multiple of four octets behind
    it (RFC 4506 §3); behind the last one of a slice the filling may be missing.
    """
    broken = np.zeros(len(at), np.bool_)
    chain = np.arange(len(at))
    found: list[tuple[I64, I64, I64, I64]] = []
    while True:
        chain, at, end, count = _only(count > 0, chain, at, end, count)
        if len(chain) < _FEW_CHAINS:
            break
        inside = at + HEAD <= end
        broken[chain[~inside]] = True
        chain, at, end, count = _only(inside, chain, at, end, count)
        head = gather(buffer, at, _HEAD)
        length = head["length"].astype(np.int64) * unit
        at = at + HEAD
        whole = length <= end - at
        broken[chain[~whole]] = True
        kind = head["kind"].astype(np.int64)
        chain, at, end, count, length, kind = _only(whole, chain, at, end, count, length, kind)
        found.append((chain, at, length, kind))
        at = at + (length + 3 & ~3)
        count = count - 1
    found += _one_by_one(buffer, chain, at, end, count, unit, broken)
    if not found:
        nothing = np.zeros(0, np.int64)
        return Structures(nothing, nothing, nothing, nothing), broken
    if len(found) == 1:
        return Structures(*found[0]), broken
    structures = Structures(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    return structures.take(np.argsort(structures.chain, kind="stable")), broken


def _only(which: Mask, *columns: I64) -> tuple[I64, ...]:
    return columns if which.all() else tuple(column[which] for column in columns)


def _one_by_one(
    buffer: U8, chain: I64, at: I64, end: I64, count: I64, unit: int, broken: Mask
) -> list[tuple[I64, I64, I64, I64]]:
    unpack, data = struct.Struct(">II").unpack_from, buffer.data
    rows: list[tuple[int, int, int, int]] = []
    for one, place, last, left in zip(chain.tolist(), at.tolist(), end.tolist(), count.tolist(), strict=True):
        for _ in range(left):
            if place + HEAD > last:
                broken[one] = True
                break
            kind, length = unpack(data, place)
            length *= unit
            place += HEAD  # noqa: PLW2901
            if length > last - place:
                broken[one] = True
                break
            rows.append((one, place, length, kind))
            place += length + 3 & ~3  # noqa: PLW2901
    if not rows:
        return []
    columns = np.array(rows, np.int64).T
    return [(columns[0], columns[1], columns[2], columns[3])]
