"""Packets of a pcapng file: sections of either byte order, any number of interfaces and link types.

Format: draft-ietf-opsawg-pcapng. The enhanced, the simple and the obsolete packet block are read; other
blocks are passed over. A simple packet block has no time: its packet takes that of the packet before.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.collector.capture.capturefile import CaptureError, CaptureFile
from caudal.collector.capture.interfaceblock import CapturedInterface, milliseconds, read_interface
from caudal.collector.columns.chain import ChainLayout, follow
from caudal.collector.columns.flowrecords import I64, U8, U64
from caudal.collector.columns.gather import gather
from caudal.collector.packets.packetchunk import NO_LINK_TYPE, CaptureCounts, PacketChunk

_SECTION, _INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
PCAPNG_MAGIC = struct.pack("<I", _SECTION)
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_BLOCK_HEADER = 12
_PACKET_HEADER, _SIMPLE_HEADER = 28, 12
_LONGEST_BLOCK = 16 << 20
_MOST_INTERFACES = 65_536


@dataclass
class _Section:
    """The state that blocks of a section leave to those that follow."""

    order: str = "<"
    interfaces: list[CapturedInterface] = field(default_factory=list)
    last_ms: int = 0


@dataclass(frozen=True)
class _Run:
    """Blocks of one section; `end` is where the first block not read starts, `reason` says if it is damaged."""

    starts: I64
    header: npt.NDArray[Any]
    end: int
    reason: str
    opens_section: bool


def read_pcapng(source: CaptureFile, data: U8, filled: int, counts: CaptureCounts) -> Iterator[PacketChunk]:
    """Yield the packets of a pcapng file that begins with `data`; raise CaptureError if it does not begin well."""
    if bytes(data[8:12]) not in _ORDERS or filled < 28:
        raise CaptureError(
            f"{source.path}: the first block of this pcapng file is not a whole section header; "
            "copy or capture it again"
        )
    section = _Section()
    base = 0
    while True:
        at, reason = 0, ""
        parts: list[PacketChunk] = []
        while True:
            run = _run(data, at, filled, section)
            part = _packets(data, run, section)
            if len(part):
                parts.append(part)
            at, reason = run.end, run.reason
            if not run.opens_section:
                break
        if parts:
            chunk = _together(parts)
            counts.packets += len(chunk)
            yield chunk
        base += at
        if reason:
            counts.damage = f"{source.path}: the block at byte {base} {reason}; reading ended there"
            return
        if source.ended:
            counts.truncated += bool(filled > at or source.damage)
            counts.damage = source.damage or (
                f"{source.path}: the file ends inside the block at byte {base}" if filled > at else ""
            )
            return
        data, filled = source.more(data[at:filled])


def _run(data: U8, at: int, filled: int, section: _Section) -> _Run:
    """Follow blocks up to the end of data, to damage, or to a section header in the other byte order."""
    if filled - at >= _BLOCK_HEADER and bytes(data[at : at + 4]) == PCAPNG_MAGIC:
        section.order = _ORDERS.get(bytes(data[at + 8 : at + 12]), section.order)
    order = section.order
    layout = ChainLayout(_BLOCK_HEADER, 4, 0, _BLOCK_HEADER, _LONGEST_BLOCK, order == ">")
    chain = follow(data, at, filled, layout)
    word = order + "u4"
    header = gather(data, chain.starts, [("type", word), ("length", word), ("first", word)])
    length = header["length"].astype(np.int64)
    trailer = gather(data, chain.starts + length - 4, word)
    other_order = (header["type"] == _SECTION) & (header["first"] != 0x1A2B3C4D)
    stops = np.flatnonzero(other_order | (trailer != header["length"]))
    count, end, reason = len(chain.starts), chain.end, "has an impossible length" if chain.damaged else ""
    if len(stops):
        count = int(stops[0])
        end, reason = int(chain.starts[count]), "has two different lengths"
    opens = False
    if filled - end >= _BLOCK_HEADER and bytes(data[end : end + 4]) == PCAPNG_MAGIC:
        found = _ORDERS.get(bytes(data[end + 8 : end + 12]))
        if found is None:
            reason = "is a section header without a byte order"
        elif found != order:
            opens, reason = True, ""
    return _Run(chain.starts[:count], header[:count], end, reason, opens)


def _packets(data: U8, run: _Run, section: _Section) -> PacketChunk:
    kind = run.header["type"]
    parts = []
    edges = np.flatnonzero(kind == _SECTION)
    for first, after in zip([0, *edges.tolist()], [*edges.tolist(), len(kind)], strict=True):
        if first < after:
            if kind[first] == _SECTION:
                section.interfaces = []
            parts.append(_packets_of_section(data, run.starts[first:after], run.header[first:after], section))
    return _together([part for part in parts if len(part)])


def _packets_of_section(data: U8, starts: I64, header: npt.NDArray[Any], section: _Section) -> PacketChunk:
    kind = header["type"]
    before = len(section.interfaces)
    described = np.flatnonzero(kind == _INTERFACE)[: max(_MOST_INTERFACES - before, 0)]
    for position in described.tolist():
        at = int(starts[position])
        block = bytes(data[at : at + int(header["length"][position])])
        section.interfaces.append(read_interface(block, section.order))
    which = np.flatnonzero((kind == _ENHANCED) | (kind == _SIMPLE) | (kind == _OBSOLETE))
    known = before + np.searchsorted(described, which)
    return _read_packets(data, starts[which], kind[which], known, section)


def _read_packets(
    data: U8, starts: I64, kind: npt.NDArray[Any], known: I64, section: _Section
) -> PacketChunk:
    word = section.order + "u4"
    names = ("type", "length", "interface", "high", "low", "captured", "original")
    block = gather(data, starts, [(name, word) for name in names])
    length = block["length"].astype(np.int64)
    interface = block["interface"].astype(np.int64)
    captured = np.clip(length - (_PACKET_HEADER + 4), 0, block["captured"].astype(np.int64))
    original = block["original"].astype(np.int64)
    offset = starts + _PACKET_HEADER
    ticks: U64 = block["high"].astype(np.uint64) << np.uint64(32) | block["low"].astype(np.uint64)
    obsolete, simple = kind == _OBSOLETE, kind == _SIMPLE
    if obsolete.any():
        # Two 16-bit fields, interface and drops, stand where later blocks have the interface.
        number = gather(data, starts[obsolete] + 8, section.order + "u2")
        interface[obsolete] = number
    if simple.any():
        interface[simple] = 0
        original[simple] = block["interface"][simple]
        offset[simple] = starts[simple] + _SIMPLE_HEADER
        snap = section.interfaces[0].snap_length if section.interfaces else 0
        room = np.minimum(length[simple] - (_SIMPLE_HEADER + 4), original[simple])
        captured[simple] = np.minimum(room, snap) if snap else room
    valid = (interface < known) & (simple | (length >= _PACKET_HEADER + 4))
    if valid.all():
        times, links = milliseconds(ticks, interface, section.interfaces)
    else:
        captured[~valid] = 0
        times = np.zeros(len(starts), np.int64)
        links = np.full(len(starts), NO_LINK_TYPE, np.uint16)
        times[valid], links[valid] = milliseconds(ticks[valid], interface[valid], section.interfaces)
    _fill_times(times, simple | ~valid, section)
    return PacketChunk(data, offset, captured, original, times, links)


def _fill_times(times: I64, unknown: npt.NDArray[np.bool_], section: _Section) -> None:
    """Give packets without a time that of the packet before."""
    if unknown.any():
        last = np.maximum.accumulate(np.where(unknown, -1, np.arange(len(times))))
        times[:] = np.where(last < 0, section.last_ms, times[last])
    if len(times):
        section.last_ms = int(times[-1])


def _together(parts: list[PacketChunk]) -> PacketChunk:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.empty(0, np.int64)
        return PacketChunk(np.empty(0, np.uint8), none, none, none, none, none.astype(np.uint16))
    return PacketChunk(
        parts[0].buffer,
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.captured for part in parts]),
        np.concatenate([part.original for part in parts]),
        np.concatenate([part.time_ms for part in parts]),
        np.concatenate([part.link_type for part in parts]),
    )
