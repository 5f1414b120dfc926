"""Packets of a pcap file: either byte order, micro- or nanoseconds, and the patched variant of old Linux.

Format: draft-ietf-opsawg-pcap. The patched variant (magic 0xa1b2cd34) has eight more bytes per record.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from caudal.collector.capture.capturefile import CaptureError, CaptureFile
from caudal.collector.columns.chain import Chain, ChainLayout, follow, word32
from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.packets.packetchunk import LAST_MS, CaptureCounts, PacketChunk

_FILE_HEADER = 24
# What libpcap itself allows a packet to be; a longer one means that the chain of records is broken.
_LONGEST_PACKET = 262_144


@dataclass(frozen=True)
class _Variant:
    big_endian: bool
    ticks_per_ms: int
    record_header: int


_MAGICS: dict[bytes, _Variant] = {
    struct.pack(order + "I", magic): _Variant(order == ">", ticks, header)
    for order in "<>"
    for magic, ticks, header in (
        (0xA1B2C3D4, 1_000, 16),
        (0xA1B23C4D, 1_000_000, 16),
        (0xA1B2CD34, 1_000, 24),
    )
}
PCAP_MAGICS = frozenset(_MAGICS)


def read_pcap(source: CaptureFile, data: U8, filled: int, counts: CaptureCounts) -> Iterator[PacketChunk]:
    """Yield the packets of a pcap file that begins with `data`; raise CaptureError if its header is bad."""
    variant = _MAGICS[bytes(data[:4])]
    link_type = _link_type(source, data, filled, variant)
    layout = ChainLayout(
        variant.record_header, 8, variant.record_header, 0, _LONGEST_PACKET, variant.big_endian
    )
    at, base = _FILE_HEADER, 0
    while True:
        chain = follow(data, at, filled, layout)
        if len(chain.starts):
            counts.packets += len(chain.starts)
            yield _chunk(data, chain, variant, link_type)
        base += chain.end
        if chain.damaged:
            counts.damage = (
                f"{source.path}: the packet at byte {base} has an impossible length; reading ended there"
            )
            return
        rest = filled - chain.end
        if source.ended:
            counts.truncated += bool(rest or source.damage)
            counts.damage = source.damage or (
                f"{source.path}: the file ends inside the packet at byte {base}" if rest else ""
            )
            return
        data, filled = source.more(data[chain.end : filled])
        at = 0


def _link_type(source: CaptureFile, data: U8, filled: int, variant: _Variant) -> int:
    order = ">" if variant.big_endian else "<"
    if filled < _FILE_HEADER:
        raise CaptureError(
            f"{source.path}: a pcap file has a header of {_FILE_HEADER} bytes, this one ends after {filled}; "
            "copy or capture it again"
        )
    major, minor, link = struct.unpack_from(order + "HH12xI", data.data, 4)
    if major != 2:
        raise CaptureError(
            f"{source.path}: pcap version {major}.{minor} is not known, only 2.x is; convert it with editcap"
        )
    # The upper half of the field is the length of the frame check sequence, not part of the link type.
    return int(link & 0xFFFF)


def _chunk(data: U8, chain: Chain, variant: _Variant, link_type: int) -> PacketChunk:
    count = len(chain.starts)
    columns = np.empty((4, count), np.int64)
    _read_headers(
        data, chain.starts, variant.record_header, variant.ticks_per_ms, variant.big_endian, LAST_MS, columns
    )
    offset, captured, original, time_ms = columns
    return PacketChunk(data, offset, captured, original, time_ms, np.full(count, link_type, np.uint16))


@kernel
def _read_headers(
    data: U8, starts: I64, header: int, ticks_per_ms: int, big_endian: bool, last_ms: int, columns: I64
) -> None:
    """Write place, captured and original length, and time of the packets whose complete records start so."""
    for record in range(len(starts)):
        at = starts[record]
        seconds = word32(data, at, big_endian)
        ticks = word32(data, at + 4, big_endian)
        columns[0, record] = at + header
        columns[1, record] = word32(data, at + 8, big_endian)
        columns[2, record] = word32(data, at + 12, big_endian)
        columns[3, record] = min(seconds * 1_000 + ticks // ticks_per_ms, last_ms)
