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
from caudal.collector.columns.chain import word32
from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.packets.packetchunk import PacketChunk

_SOL_PACKET, _RX_RING, _STATISTICS, _VERSION, _V3 = 263, 5, 6, 10, 2
BLOCK_OCTETS = 1 << 20
_FRAME_OCTETS = 1 << 11
# A block that is not full is given away after so long, so that quiet links are not kept waiting.
_PATIENCE_MS = 50
_STATUS_AT, _OURS, _THEIRS = 8, 1, 0
_BLOCK = struct.Struct("=8xIIII")  # status, packets, place of the first, octets used
_NEXT = struct.Struct("=I")
# Of a packet's header: where the next one is, its time, its lengths, where its frame begins; and behind the
# header, in the link-layer address, what kind of packet it is.
_NEXT_AT, _SECONDS_AT, _NANOSECONDS_AT, _CAPTURED_AT, _ORIGINAL_AT, _FRAME_AT, _KIND_AT = (
    0,
    4,
    8,
    12,
    16,
    24,
    58,
)
_HEADER = 68
_OUTGOING = 4


class PacketRing:
    """The ring of one packet socket; a context manager. Packets are copied out, and their slots are the kernel's again at once."""

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
        self._ring = np.frombuffer(self._memory, np.uint8)
        self.new_drops()  # those from before there was a ring are none
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._ring  # which keeps the memory from being closed
        self._memory.close()

    def receive(self) -> PacketChunk | None:
        """Return the packets in the blocks that are full, at most one turn of the ring, or None; never blocks."""
        blocks: list[tuple[int, int, int, int]] = []
        for turn in range(self._blocks):
            block = (self._at + turn) % self._blocks * BLOCK_OCTETS
            status, packets, first, used = _BLOCK.unpack_from(self._memory, block)
            if not status & _OURS:
                break
            blocks.append((block, packets, first, min(used, BLOCK_OCTETS)))
        packets = sum(count for _, count, _, _ in blocks)
        buffer = np.empty(sum(used for _, _, _, used in blocks) + SPARE, np.uint8)
        columns, base, found = np.empty((4, packets), np.int64), 0, 0
        for block, count, first, used in blocks:
            end = base + used
            buffer[base:end] = self._ring[block : block + used]
            self._memory[block + _STATUS_AT : block + _STATUS_AT + 4] = _NEXT.pack(_THEIRS)
            found = _read_block(buffer, base, base + first, end, count, self._incoming_only, columns, found)
            base = end
        self._at = (self._at + len(blocks)) % self._blocks
        buffer[base:] = 0
        if not packets:
            return None
        offset, captured, original, time_ms = columns[:, :found]
        return PacketChunk(
            buffer, offset, captured, original, time_ms, np.full(found, self._link_type, np.uint16)
        )

    def new_drops(self) -> int:
        """Return the number of packets that the kernel has dropped since the last call, because the ring was full."""
        _, drops, _ = struct.unpack("=III", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        return int(drops)


@kernel
def _read_block(
    buffer: U8, base: int, at: int, end: int, packets: int, incoming_only: bool, columns: I64, found: int
) -> int:
    """Write place, lengths and time of a block's packets from column `found` on; return how many there are now.

    Numbers are in the order of this machine, which is that of x86 and ARM. A packet that is not wholly in the
    block from `base` to `end` ends it.
    """
    for _ in range(packets):
        if at < base or at + _HEADER > end:
            break
        frame = at + (word32(buffer, at + _FRAME_AT, False) & 0xFFFF)
        captured = word32(buffer, at + _CAPTURED_AT, False)
        if frame + captured > end:
            break
        if not (incoming_only and buffer[at + _KIND_AT] == _OUTGOING):
            seconds = word32(buffer, at + _SECONDS_AT, False)
            columns[0, found], columns[1, found] = frame, captured
            columns[2, found] = word32(buffer, at + _ORIGINAL_AT, False)
            columns[3, found] = seconds * 1_000 + word32(buffer, at + _NANOSECONDS_AT, False) // 1_000_000
            found += 1
        following = word32(buffer, at + _NEXT_AT, False)
        if following == 0:
            break
        at += following
    return found
