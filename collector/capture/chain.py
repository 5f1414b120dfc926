"""Chains of records: where each record starts, when each says only how long it is.

Following such a chain is sequential: 3-4 million steps a second in Python. Where a chunk holds many small
records it is cut into lanes instead, each guessed to begin at a record, and all lanes are followed at once
with numpy. A guess is used only if the lane before it ends exactly there; else the lane is followed again,
one by one. The answer is therefore always that of the sequential walk, whatever the bytes are.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from caudal.collector.flowrecords import I64

_PROBE_RECORDS = 64
_MINIMUM_RECORDS = 4_096
_LANES = 256
_FEW_LANES = 32

# Returns a likely start of a record at or after the first position and before the second, or -1.
Guess = Callable[[bytearray, int, int], int]


@dataclass(frozen=True)
class Layout:
    """How records are chained: a 32-bit length, `length_at` bytes into a header of `header` bytes.

    The next record starts `length + added` bytes on; lengths outside `shortest` … `longest` are damage.
    """

    header: int
    length_at: int
    added: int
    shortest: int
    longest: int
    big_endian: bool


@dataclass(frozen=True)
class Chain:
    """Where the complete records start, where the first incomplete one does, and whether that is damage."""

    starts: I64
    end: int
    damaged: bool


def follow(data: bytearray, start: int, end: int, layout: Layout, guess: Guess | None = None) -> Chain:
    """Follow the records of `data` from `start`, as far as they lie wholly before `end`."""
    probe: list[int] = []
    at, damaged = _step(data, start, end, end, layout, probe, _PROBE_RECORDS)
    if len(probe) < _PROBE_RECORDS or guess is None:
        if len(probe) == _PROBE_RECORDS:
            at, damaged = _step(data, at, end, end, layout, probe)
        return Chain(np.array(probe, np.int64), at, damaged)
    if (end - at) * _PROBE_RECORDS < (at - start) * _MINIMUM_RECORDS:
        at, damaged = _step(data, at, end, end, layout, probe)
        return Chain(np.array(probe, np.int64), at, damaged)
    parts, at, damaged = _follow_lanes(data, at, end, layout, guess)
    return Chain(np.concatenate([np.array(probe, np.int64), *parts]), at, damaged)


def _step(
    data: bytearray, at: int, bound: int, end: int, layout: Layout, starts: list[int], limit: int = 1 << 62
) -> tuple[int, bool]:
    """Append the starts of records from `at` on; stop at `bound`, at `limit` starts, or where none is complete."""
    unpack = struct.Struct(">I" if layout.big_endian else "<I").unpack_from
    length_at, added, shortest, longest = layout.length_at, layout.added, layout.shortest, layout.longest
    append = starts.append
    last_header = min(end - layout.header, bound - 1)
    while at <= last_header and len(starts) < limit:
        (length,) = unpack(data, at + length_at)
        if not shortest <= length <= longest:
            return at, True
        following = at + added + length
        if following > end:
            break
        append(at)
        at = following
    return at, False


def _follow_lanes(
    data: bytearray, start: int, end: int, layout: Layout, guess: Guess
) -> tuple[list[I64], int, bool]:
    width = (end - start) // _LANES
    lanes = [start]
    for lane in range(1, _LANES):
        found = guess(data, start + lane * width, min(start + (lane + 1) * width, end - layout.header))
        if found > lanes[-1]:
            lanes.append(found)
    first = np.array(lanes, np.int64)
    bound = np.append(first[1:], end)
    starts, taken, reached = _race(data, first, bound, end, layout)
    return _join(data, end, layout, first, bound, starts, taken, reached)


def _race(
    data: bytearray, first: I64, bound: I64, end: int, layout: Layout
) -> tuple[I64, npt.NDArray[np.bool_], I64]:
    """Step all lanes together until few still run; rows of the results are lanes, columns steps."""
    word = np.dtype(">u4" if layout.big_endian else "<u4")
    lengths = np.ndarray((len(data) - 3,), word, data, strides=(1,))
    at = first
    starts: list[I64] = []
    taken: list[npt.NDArray[np.bool_]] = []
    bound = np.minimum(bound, end - layout.header + 1)
    while True:
        length = lengths[np.minimum(at + layout.length_at, len(lengths) - 1)].astype(np.int64)
        following = at + (length + layout.added)
        runs = (at < bound) & (length >= layout.shortest) & (length <= layout.longest) & (following <= end)
        if np.count_nonzero(runs) < _FEW_LANES:
            break
        starts.append(at)
        taken.append(runs)
        at = np.where(runs, following, at)
    if not starts:
        return np.empty((len(first), 0), np.int64), np.empty((len(first), 0), np.bool_), at
    return np.stack(starts, axis=1), np.stack(taken, axis=1), at


def _join(
    data: bytearray,
    end: int,
    layout: Layout,
    first: I64,
    bound: I64,
    starts: I64,
    taken: npt.NDArray[np.bool_],
    reached: I64,
) -> tuple[list[I64], int, bool]:
    """Put the lanes together that meet, and follow again those that do not."""
    parts: list[I64] = []
    at, damaged = int(first[0]), False
    for lane, (begins, stops) in enumerate(zip(first.tolist(), bound.tolist(), strict=True)):
        if at >= stops:
            continue
        if begins == at:
            parts.append(starts[lane][taken[lane]])
            at = int(reached[lane])
        if at < stops:
            rest: list[int] = []
            at, damaged = _step(data, at, stops, end, layout, rest)
            parts.append(np.array(rest, np.int64))
            if at < stops:
                break
    return parts, at, damaged
