"""Capture files: pcap and pcapng, plain or gzip'ed, recognised by their first octets and read in chunks.

A chunk is one buffer of about 4 MB with the places of its packets, so that files of any size are read in
bounded memory. Damage in the middle or a missing end costs what follows it, never what came before.
"""

from collections.abc import Generator
from pathlib import Path

from caudal.collector.capture.capturefile import CHUNK_BYTES, CaptureError, CaptureFile
from caudal.collector.capture.pcap import PCAP_MAGICS, read_pcap
from caudal.collector.capture.pcapng import PCAPNG_MAGIC, read_pcapng
from caudal.collector.packets.packetchunk import CaptureCounts, PacketChunk

__all__ = ["Capture", "CaptureCounts", "CaptureError", "PacketChunk"]


class Capture:
    """A capture file; each call of `chunks` reads it anew and sets `counts`."""

    def __init__(self, path: Path, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.path = path
        self.counts = CaptureCounts()
        self._chunk_bytes = chunk_bytes

    def chunks(self) -> Generator[PacketChunk, None, None]:
        """Yield the packets of the file in order; raise CaptureError if it is no capture or cannot be read."""
        self.counts = CaptureCounts()
        with CaptureFile(self.path, self._chunk_bytes) as source:
            data, filled = source.more()
            magic = bytes(data[:4])
            if magic in PCAP_MAGICS:
                yield from read_pcap(source, data, filled, self.counts)
            elif magic == PCAPNG_MAGIC:
                yield from read_pcapng(source, data, filled, self.counts)
            else:
                raise CaptureError(_not_a_capture(source, filled))


def _not_a_capture(source: CaptureFile, filled: int) -> str:
    if source.damage:
        return f"{source.damage}; copy it again"
    if not filled:
        return f"{source.path}: the file is empty; give a pcap or pcapng capture"
    return f"{source.path}: neither pcap nor pcapng (nor either of them gzip'ed); give a capture file"
