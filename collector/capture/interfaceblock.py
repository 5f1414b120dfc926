"""Interfaces of a pcapng file, and the time their ticks tell."""

import struct
from dataclasses import dataclass

import numpy as np

from caudal.collector.columns.flowrecords import I64, U16, U64
from caudal.collector.packets.packetchunk import LAST_MS, NO_LINK_TYPE

_TIME_RESOLUTION, _TIME_OFFSET = 9, 14
_OPTIONS = 16
_SHORTEST_BLOCK = 20
# More bits of a second than this do not change its milliseconds, and would overflow when multiplied.
_SECOND_BITS = 53
_LONGEST_OFFSET_SECONDS = 1 << 33


@dataclass(frozen=True)
class CapturedInterface:
    """An interface of a capture, and how its ticks become milliseconds: `ticks >> drop` has a fraction of a second in its low `bits`;
    the rest is turned to milliseconds by `// divisor * factor + offset_ms`.
    """

    link_type: int
    snap_length: int = 0
    divisor: int = 1_000
    factor: int = 1
    drop: int = 0
    bits: int = 0
    offset_ms: int = 0


def read_interface(block: bytes, order: str) -> CapturedInterface:
    """Return the interface of an interface description block; one too short has no link type."""
    if len(block) < _SHORTEST_BLOCK:
        return CapturedInterface(NO_LINK_TYPE)
    link_type, snap_length = struct.unpack_from(order + "HxxI", block, 8)
    resolution, offset_seconds = 6, 0
    at = _OPTIONS
    while at + 4 <= len(block) - 4:
        code, length = struct.unpack_from(order + "HH", block, at)
        value = block[at + 4 : min(at + 4 + length, len(block) - 4)]
        if code == 0:
            break
        if code == _TIME_RESOLUTION and len(value) == 1:
            resolution = value[0]
        elif code == _TIME_OFFSET and len(value) == 8:
            (offset_seconds,) = struct.unpack(order + "q", value)
        at += 4 + (length + 3) // 4 * 4
    offset_ms = max(-_LONGEST_OFFSET_SECONDS, min(offset_seconds, _LONGEST_OFFSET_SECONDS)) * 1_000
    divisor, factor, drop, bits = _resolution(resolution)
    return CapturedInterface(link_type, snap_length, divisor, factor, drop, bits, offset_ms)


def _resolution(code: int) -> tuple[int, int, int, int]:
    exponent = code & 0x7F
    if code & 0x80:
        drop = max(exponent - _SECOND_BITS, 0)
        return (1, 1_000, drop, exponent - drop) if drop < 64 else (1, 0, 63, 0)
    if exponent < 3:
        return 1, 10 ** (3 - exponent), 0, 0
    # 64 bits of ticks finer than 10^-22 s do not last a millisecond.
    return (10 ** (exponent - 3), 1, 0, 0) if exponent <= 22 else (1, 0, 0, 0)


def milliseconds(ticks: U64, number: I64, interfaces: list[CapturedInterface]) -> tuple[I64, U16]:
    """Return the time in ms since 1970 UTC, and the link type, of packets with these ticks and interfaces."""
    if not len(ticks):
        return np.empty(0, np.int64), np.empty(0, np.uint16)
    if len(interfaces) == 1:
        one = interfaces[0]
        time_ms = _convert(ticks, *(np.uint64(v) for v in (one.divisor, one.factor, one.drop, one.bits)))
        return np.clip(time_ms + one.offset_ms, 0, LAST_MS), np.full(len(ticks), one.link_type, np.uint16)
    columns = [
        np.array([getattr(one, name) for one in interfaces], np.uint64)[number]
        for name in ("divisor", "factor", "drop", "bits")
    ]
    offset_ms = np.array([one.offset_ms for one in interfaces], np.int64)[number]
    links = np.array([one.link_type for one in interfaces], np.uint16)[number]
    return np.clip(_convert(ticks, *columns) + offset_ms, 0, LAST_MS), links


def _convert(
    ticks: U64,
    divisor: U64 | np.uint64,
    factor: U64 | np.uint64,
    drop: U64 | np.uint64,
    bits: U64 | np.uint64,
) -> I64:
    if not np.any(bits) and not np.any(drop):
        plain: I64 = (np.minimum(ticks // divisor, np.uint64(LAST_MS)) * factor).astype(np.int64)
        return plain
    dropped = ticks >> drop
    whole = np.minimum((dropped >> bits) // divisor, np.uint64(LAST_MS)) * factor
    fraction = dropped & ((np.uint64(1) << bits) - np.uint64(1))
    time_ms: I64 = (whole + (fraction * np.uint64(1_000) >> bits)).astype(np.int64)
    return time_ms
