"""The offset of link control in a frame of IEEE 802.11, and the length of the headers that radios put before the frame.

What is read is what was captured in the clear: frames that are encrypted, fragments, and several packets in one frame are
other protocols here.
"""

from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32, signed
from caudal.collector.packets.protocolnumbers import CUT, LLC, OTHER

_HEADER, _FOURTH_ADDRESS, _QUALITY, _THROUGHPUT = 24, 6, 2, 4
_TYPE, _DATA, _EMPTY, _WITH_QUALITY = 0x0C, 0x08, 0x40, 0x80
_BOTH_WAYS, _PROTECTED, _ORDER, _SEVERAL, _FRAGMENT = 0x03, 0x40, 0x80, 0x80, 0x0F
_SNAP = 0xAAAA
_AVS, _AVS_VERSION = 0x80211000, 0xFFFFF000


@kernel
def pass_wireless(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return LLC and where it begins in the frame at a place; or OTHER, or CUT."""
    if at + _HEADER > end:
        return CUT, at
    about, flags = buffer[at], buffer[at + 1]
    if about & 3 or about & _TYPE != _DATA or about & _EMPTY or flags & _PROTECTED:
        return OTHER, at
    if buffer[at + 22] & _FRAGMENT or flags & 4:
        return OTHER, at
    size = _HEADER
    if flags & _BOTH_WAYS == _BOTH_WAYS:
        size += _FOURTH_ADDRESS
    if about & _WITH_QUALITY:
        if at + size + _QUALITY > end:
            return CUT, at
        if buffer[at + size] & _SEVERAL:
            return OTHER, at
        size += _QUALITY
        if flags & _ORDER:
            size += _THROUGHPUT
    # Some radios fill the header up to a multiple of four octets.
    at += size
    padding = -size & 3
    filled = padding != 0 and at + padding + 2 <= end and big16(buffer, at) != _SNAP
    if filled and big16(buffer, at + padding) == _SNAP:
        at += padding
    return LLC, at


@kernel
def radiotap_octets(buffer: U8, at: int, end: int) -> int:
    """Return the length of a radiotap header in octets, or −1."""
    if at + 8 > end or buffer[at] != 0:
        return -1
    return max(little16(buffer, at + 2), 8)


@kernel
def monitor_octets(buffer: U8, at: int, end: int) -> int:
    """Return the length in octets of the header that drivers of Prism or AVS put before a frame, or −1."""
    if at + 8 > end:
        return -1
    if big32(buffer, at) & _AVS_VERSION == _AVS:
        return big32(buffer, at + 4)
    return little16(buffer, at + 4)


@kernel
def little16(buffer: U8, at: int) -> int:
    """Return the 16 bits at a place, the lower octet first."""
    return signed(buffer[at]) | signed(buffer[at + 1]) << 8
