"""Chains of records: where each record starts, when each says only how long it is."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big32


@dataclass(frozen=True)
class ChainLayout:
    """The layout of chained records: a 32-bit length stands `length_at` bytes into a header of `header` bytes.

    The next record starts `length + added` bytes on; lengths outside `shortest` … `longest` are damage.
    """

    header: int
    length_at: int
    added: int
    shortest: int
    longest: int
    big_endian: bool

    def __post_init__(self) -> None:
        if not (0 <= self.length_at <= self.header - 4 and self.header <= self.added + self.shortest):
            raise ValueError(f"{self}: the length must be in the header, and the header in the record")


@dataclass(frozen=True)
class Chain:
    """The offsets of the complete records, int64 (records,), the offset of the first incomplete one, and whether that is damage."""

    starts: I64
    end: int
    damaged: bool


def follow(data: U8, start: int, end: int, layout: ChainLayout) -> Chain:
    """Follow the records of `data` from `start`, as far as they lie wholly before `end`."""
    end = min(end, len(data))
    starts = np.empty(max(end - start, 0) // layout.header + 1, np.int64)
    count, at, damaged = _follow(
        data,
        max(start, 0),
        end,
        layout.header,
        layout.length_at,
        layout.added,
        layout.shortest,
        layout.longest,
        layout.big_endian,
        starts,
    )
    return Chain(starts[:count], at, damaged)


@kernel
def word32(data: U8, at: int, big_endian: bool) -> int:
    """Return the 32 bits at a position, which must be at least four octets from the end."""
    word = big32(data, at)
    if big_endian:
        return word
    return (word & 0xFF) << 24 | (word & 0xFF00) << 8 | word >> 8 & 0xFF00 | word >> 24


@kernel
def _follow(
    data: U8,
    at: int,
    end: int,
    header: int,
    length_at: int,
    added: int,
    shortest: int,
    longest: int,
    big_endian: bool,
    starts: I64,
) -> tuple[int, int, bool]:
    """Write the starts of records; a record has at least `header` bytes, so that there is room for all."""
    count = 0
    while at + header <= end:
        length = word32(data, at + length_at, big_endian)
        if length < shortest or length > longest:
            return count, at, True
        following = at + added + length
        if following > end:
            break
        starts[count] = at
        count += 1
        at = following
    return count, at, False
