"""The test whether octets hold together as an IP packet, for places where no header before them says that they are one.

A version of IP is four bits, and the address of a network card begins with 4 or 6 as easily as with anything else. So a
packet is taken for one only if its header, its lengths and the frame that it came in agree.
"""

from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, signed

# Agents and capture files differ in whether a frame's length has its check sequence in it.
FRAME_CHECK: Final = 4
# How sure it is that these octets are an IPv4 packet.
NO_PACKET, LIKELY, SURE = range(3)

_IPV4_HEADER, _IPV6_HEADER = 20, 40
# Behind a packet there may be padding, and the trailers of taps and switches.
_MOST_TRAILER = 64
_HOP_BY_HOP, _MULTICAST = 0, 0xFF
# What stands behind an IPv6 header on the Internet: transports, tunnels, extensions, routing.
_NEXT_HEADERS = np.zeros(256, np.bool_)
_NEXT_HEADERS[
    [0, 4, 6, 17, 33, 41, 43, 44, 46, 47, 50, 51, 58, 59, 60, 88, 89, 97, 98, 103, 108, 112, 115]
] = True
_NEXT_HEADERS[[124, 132, 135, 136, 137, 139, 140, 143]] = True


@kernel
def ipv4_holds(buffer: U8, at: int, end: int, wire: int) -> int:
    """Return NO_PACKET, LIKELY or SURE, for an IPv4 packet that may begin at offset `at`.

    The frame was captured up to `end`, and ended at `wire` on the wire. SURE are packets whose header's checksum is
    right; LIKELY those whose checksum was not made yet (0) or not captured, but which end where their frame does.
    """
    if at + _IPV4_HEADER > end:
        return NO_PACKET
    first = signed(buffer[at])
    length, total = (first & 15) * 4, big16(buffer, at + 2)
    if first >> 4 != 4 or length < _IPV4_HEADER or total > wire - at + FRAME_CHECK:
        return NO_PACKET
    if total < length and total != 0:
        return NO_PACKET
    ends_there = total != 0 and wire - at - total <= FRAME_CHECK
    if at + length > end:
        return LIKELY if ends_there else NO_PACKET
    folded = 0
    for word in range(at, at + length, 2):
        folded += big16(buffer, word)
    folded = (folded & 0xFFFF) + (folded >> 16)
    folded = (folded & 0xFFFF) + (folded >> 16)
    if folded == 0xFFFF:
        return SURE
    return LIKELY if ends_there and big16(buffer, at + 10) == 0 else NO_PACKET


@kernel
def ipv6_holds(buffer: U8, at: int, end: int, wire: int) -> bool:
    """Return True if an IPv6 packet begins at offset `at` and ends where its frame does, but for a trailer."""
    if at + _IPV6_HEADER > end or buffer[at] >> 4 != 6 or buffer[at + 8] == _MULTICAST:
        return False
    payload, following = big16(buffer, at + 4), signed(buffer[at + 6])
    behind = wire - at - _IPV6_HEADER - payload
    if payload == 0 and following == _HOP_BY_HOP:
        return behind > 0xFFFF  # a jumbogram (RFC 2675), or segments that were not cut yet
    return bool(_NEXT_HEADERS[following]) and -FRAME_CHECK <= behind <= _MOST_TRAILER
