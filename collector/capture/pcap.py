"""Packets of a pcap file: either byte order, micro- or nanoseconds, and the patched variant of old Linux.

Format: draft-ietf-opsawg-pcap. The patched variant (magic 0xa1b2cd34) has eight more bytes per record.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from caudal.collector.capture.capturefile import CaptureError, CaptureFile
from caudal.collector.capture.chain import Chain, Guess, Layout, follow
from caudal.collector.capture.gather import gather
from caudal.collector.capture.packetchunk import LAST_MS, CaptureCounts, PacketChunk

_FILE_HEADER = 24
# What libpcap itself allows a packet to be; a longer one means that the chain of records is broken.
_LONGEST_PACKET = 262_144
_DAY_SECONDS = 86_400
_GUESSES = 16


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


def read_pcap(
    source: CaptureFile, data: bytearray, filled: int, counts: CaptureCounts
) -> Iterator[PacketChunk]:
    """Yield the packets of a pcap file that begins with `data`; raise CaptureError if its header is bad."""
    variant = _MAGICS[bytes(data[:4])]
    link_type = _link_type(source, data, filled, variant)
    layout = Layout(variant.record_header, 8, variant.record_header, 0, _LONGEST_PACKET, variant.big_endian)
    at, base = _FILE_HEADER, 0
    while True:
        chain = follow(data, at, filled, layout, _guess(data, at, layout))
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


def _link_type(source: CaptureFile, data: bytearray, filled: int, variant: _Variant) -> int:
    order = ">" if variant.big_endian else "<"
    if filled < _FILE_HEADER:
        raise CaptureError(
            f"{source.path}: a pcap file has a header of {_FILE_HEADER} bytes, this one ends after {filled}; "
            "copy or capture it again"
        )
    major, minor, link = struct.unpack_from(order + "HH12xI", data, 4)
    if major != 2:
        raise CaptureError(
            f"{source.path}: pcap version {major}.{minor} is not known, only 2.x is; convert it with editcap"
        )
    # The upper half of the field is the length of the frame check sequence, not part of the link type.
    return int(link & 0xFFFF)


def _chunk(data: bytearray, chain: Chain, variant: _Variant, link_type: int) -> PacketChunk:
    order = ">" if variant.big_endian else "<"
    header = gather(
        data,
        chain.starts,
        [(name, order + "u4") for name in ("seconds", "ticks", "captured", "original")],
    )
    time_ms = header["seconds"].astype(np.int64) * 1_000 + header["ticks"] // variant.ticks_per_ms
    return PacketChunk(
        np.frombuffer(data, np.uint8),
        chain.starts + variant.record_header,
        header["captured"].astype(np.int64),
        header["original"].astype(np.int64),
        np.minimum(time_ms, LAST_MS),
        np.full(len(chain.starts), link_type, np.uint16),
    )


def _guess(data: bytearray, at: int, layout: Layout) -> Guess:
    """Return a search for record headers by the upper three bytes of the time, which change every 256 s."""
    order = ">" if layout.big_endian else "<"
    header = struct.Struct(order + "IIII").unpack_from
    reference = bytes(data[at : at + 3] if layout.big_endian else data[at + 1 : at + 4])
    lead = 0 if layout.big_endian else 1
    reference_seconds = int.from_bytes(reference, "big" if layout.big_endian else "little") << 8

    def guess(data: bytearray, start: int, stop: int) -> int:
        for _ in range(_GUESSES):
            found = data.find(reference, start + lead, stop)
            if found < 0:
                return -1
            start = found - lead
            _, ticks, captured, original = header(data, start)
            following = start + layout.added + captured
            if (
                ticks < 1_000_000_000
                and captured <= min(original, layout.longest)
                and following + layout.header <= len(data)
                and abs(header(data, following)[0] - reference_seconds) < _DAY_SECONDS
            ):
                return start
            start += 1
        return -1

    return guess
