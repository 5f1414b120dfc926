"""Later fragments of datagrams whose inner packet is metered already: the first fragment told all of it.

What is kept are numbers made of addresses and identification, no addresses, and of the last few thousand only.
"""

import numpy as np

from caudal.collector.columns.flowrecords import U64
from caudal.collector.columns.gather import gather
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Mask, Packets

_MOST = 8_192
_UDP = 17
_IPV4_IDENTIFICATION, _IPV6_IDENTIFICATION = 4, -4
# Odd numbers without a pattern, so that different fragments seldom come to one number.
_FACTORS = tuple(
    np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)


class CarriedFragments:
    """Knows of which fragmented datagrams the inner packet was metered."""

    def __init__(self) -> None:
        self._opened: U64 = np.empty(0, np.uint64)

    def already_metered(self, chunk: PacketChunk, packets: Packets, opened: Mask) -> Mask:
        """Return a mask of the packets whose octets the inner packet of an earlier fragment has.

        `opened` are those of which the inner packet is metered: their later fragments are known from now on.
        """
        later: Mask = packets.fragmented & ~packets.ports_known & (packets.ip_protocol == _UDP)
        first = packets.fragmented & opened
        if first.any():
            self._opened = np.append(self._opened, _numbers(chunk, packets.take(first)))[-_MOST:]
        if later.any() and len(self._opened):
            later[later] = np.isin(_numbers(chunk, packets.take(later)), self._opened)
            return later
        return np.zeros(len(packets), np.bool_)


def _numbers(chunk: PacketChunk, packets: Packets) -> U64:
    """Return a number for the datagram that each fragment is of."""
    if packets.ip_version == 4:
        number = gather(chunk.buffer, packets.network + _IPV4_IDENTIFICATION, ">u2").astype(np.uint64)
    else:  # what follows the header of fragments is the transport
        number = gather(chunk.buffer, packets.transport + _IPV6_IDENTIFICATION, ">u4").astype(np.uint64)
    columns = (packets.source_high, packets.source_low, packets.destination_high, packets.destination_low)
    for column, factor in zip(columns, _FACTORS, strict=True):
        number = (number ^ column) * factor
    return number
