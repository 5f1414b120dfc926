"""A packet socket's ring: blocks of packets that the kernel fills and the collector empties (TPACKET_V3).

Format: the kernel's Documentation/networking/packet_mmap.rst and linux/if_packet.h.
"""

import mmap
import socket
import struct
from types import TracebackType
from typing import Self

import numpy as np

from caudal.collector.capture.capturefile import SPARE
from caudal.collector.capture.gather import gather
from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.flowrecords import I64

_SOL_PACKET, _RX_RING, _STATISTICS, _VERSION, _V3 = 263, 5, 6, 10, 2
BLOCK_OCTETS = 1 << 20
_FRAME_OCTETS = 1 << 11
# A block that is not full is given away after so long, so that quiet links are not kept waiting.
_PATIENCE_MS = 50
_STATUS_AT, _OURS, _THEIRS = 8, 1, 0
_BLOCK = struct.Struct("=8xIIII")  # status, packets, place of the first, octets used
_NEXT = struct.Struct("=I")
_HEADER = np.dtype(
    {
        "names": ["seconds", "nanoseconds", "captured", "original", "frame", "kind"],
        "formats": ["u4", "u4", "u4", "u4", "u2", "u1"],
        # The link-layer address, with what kind of packet it is, follows the header of 48 octets.
        "offsets": [4, 8, 12, 16, 24, 48 + 10],
        "itemsize": 68,
    }
)
_OUTGOING = 4


class PacketRing:
    """The ring of one packet socket; a context manager. What it gives is copied out, and its own at once again."""

    def __init__(self, of: socket.socket, octets: int, link_type: int, *, incoming_only: bool) -> None:
        self._socket = of
        self._blocks = max(octets // BLOCK_OCTETS, 2)
        self._link_type = link_type
        self._incoming_only = incoming_only
        self._at = 0

    def __enter__(self) -> Self:
        size = self._blocks * BLOCK_OCTETS
        request = struct.pack(
            "=7I", BLOCK_OCTETS, self._blocks, _FRAME_OCTETS, size // _FRAME_OCTETS, _PATIENCE_MS, 0, 0
        )
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _V3)
        self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
        self._memory = mmap.mmap(self._socket.fileno(), size, mmap.MAP_SHARED)
        self.new_drops()  # those from before there was a ring are none
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.close()

    def receive(self) -> PacketChunk | None:
        """Return the packets in the blocks that are full, at most one turn of the ring, or None; never blocks."""
        parts: list[bytes] = []
        starts: list[int] = []
        base = 0
        for _ in range(self._blocks):
            block = self._at * BLOCK_OCTETS
            status, packets, first, used = _BLOCK.unpack_from(self._memory, block)
            if not status & _OURS:
                break
            part = self._memory[block : block + used]
            self._memory[block + _STATUS_AT : block + _STATUS_AT + 4] = _NEXT.pack(_THEIRS)
            self._at = (self._at + 1) % self._blocks
            at = first
            for _ in range(packets):
                starts.append(base + at)
                at += _NEXT.unpack_from(part, at)[0]
            parts.append(part)
            base += used
        if not starts:
            return None
        parts.append(bytes(SPARE + _HEADER.itemsize))
        return self._chunk(b"".join(parts), np.array(starts, np.int64))

    def _chunk(self, data: bytes, starts: I64) -> PacketChunk:
        buffer = np.frombuffer(data, np.uint8)
        header = gather(buffer, starts, _HEADER)
        if self._incoming_only:
            incoming = header["kind"] != _OUTGOING
            header, starts = header[incoming], starts[incoming]
        return PacketChunk(
            buffer,
            starts + header["frame"],
            header["captured"].astype(np.int64),
            header["original"].astype(np.int64),
            header["seconds"].astype(np.int64) * 1_000 + header["nanoseconds"] // 1_000_000,
            np.full(len(starts), self._link_type, np.uint16),
        )

    def new_drops(self) -> int:
        """Return how many packets the kernel has dropped since the last call, because the ring was full."""
        _, drops, _ = struct.unpack("=III", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        return int(drops)
