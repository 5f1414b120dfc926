"""Where the IP header of a captured frame is, by link type (numbers: tcpdump.org/linktypes.html)."""

from typing import Final

from caudal.collector.capture.bigendian import big16, big32
from caudal.collector.capture.packetchunk import NO_LINK_TYPE
from caudal.collector.flowrecords import U8
from caudal.collector.kernel import kernel

NULL, ETHERNET, LOOP, SLL, MPLS, IPV4, IPV6, SLL2 = 0, 1, 108, 113, 219, 228, 229, 276
RAW: Final = (12, 14, 101)
LINKS: Final = (NULL, ETHERNET, LOOP, SLL, MPLS, IPV4, IPV6, SLL2, *RAW, NO_LINK_TYPE)

# What a frame holds: nothing of IP, a frame that cannot be read, a link type not known, or the version of IP.
NOT_IP, MALFORMED, UNKNOWN, IS_IPV4, IS_IPV6 = 0, 255, 1, 4, 6

_IPV4, _IPV6, _PPPOE = 0x0800, 0x86DD, 0x8864
_VLAN = (0x8100, 0x88A8, 0x9100, 0x9200)
_LABELS = (0x8847, 0x8848)
_PPP_IPV4, _PPP_IPV6 = 0x0021, 0x0057
# Ethertypes that only wrap another are passed this often at most: QinQ, PPPoE and a stack of MPLS labels.
_MOST_WRAPPERS = 12
_AF_INET, _AF_INET6 = 2, (10, 23, 24, 26, 28, 30)


@kernel
def find_ip(buffer: U8, start: int, end: int, link: int) -> tuple[int, int]:
    """Return what the frame from `start` to `end` holds (see above), and where its IP header begins.

    VLAN tags, PPPoE and MPLS labels are passed. Nothing is read outside of the frame, which must be inside
    the buffer; the header may begin at its end.
    """
    if link == ETHERNET:
        return _ethertype(buffer, start, end, 14, 12)
    if link == SLL:
        return _ethertype(buffer, start, end, 16, 14)
    if link == SLL2:
        return _ethertype(buffer, start, end, 20, 0)
    if link in RAW:
        version = buffer[start] >> 4 if start < end else 0
        return version if version in (4, 6) else MALFORMED, start
    if link == IPV4:
        return IS_IPV4, start
    if link == IPV6:
        return IS_IPV6, start
    if link == MPLS:
        return _unwrap(buffer, _LABELS[0], start, end)
    if link in (NULL, LOOP):
        return _family(buffer, start, end)
    return MALFORMED if link == NO_LINK_TYPE else UNKNOWN, start


@kernel
def _family(buffer: U8, start: int, end: int) -> tuple[int, int]:
    """Read the address family, in whatever byte order the capturing machine had."""
    if start + 4 > end:
        return MALFORMED, start
    family = big32(buffer, start)
    if family > 0xFFFF:
        family = (family & 0xFF) << 24 | (family & 0xFF00) << 8 | family >> 8 & 0xFF00 | family >> 24
    if family == _AF_INET:
        return IS_IPV4, start + 4
    return IS_IPV6 if family in _AF_INET6 else NOT_IP, start + 4


@kernel
def _ethertype(buffer: U8, start: int, end: int, header: int, type_at: int) -> tuple[int, int]:
    network = start + header
    if network > end:
        return MALFORMED, start
    return _unwrap(buffer, big16(buffer, start + type_at), network, end)


@kernel
def _unwrap(buffer: U8, kind: int, at: int, end: int) -> tuple[int, int]:
    """Pass VLAN tags, PPPoE and MPLS labels; frames that end inside one are malformed."""
    for _ in range(_MOST_WRAPPERS + 1):
        if kind == _IPV4:
            return IS_IPV4, at
        if kind == _IPV6:
            return IS_IPV6, at
        size = 8 if kind == _PPPOE else 4
        if kind != _PPPOE and kind not in _VLAN and kind not in _LABELS:
            return NOT_IP, at
        if at + size > end:
            return MALFORMED, at
        if kind == _PPPOE:
            ppp = big16(buffer, at + 6)
            kind = _IPV4 if ppp == _PPP_IPV4 else _IPV6 if ppp == _PPP_IPV6 else 0
        elif kind in _VLAN:
            kind = big16(buffer, at + 2)
        elif buffer[at + 2] & 1:  # the last label: nothing names the protocol but its own first four bits
            version = buffer[at + 4] >> 4 if at + 4 < end else 0
            kind = _IPV4 if version == 4 else _IPV6 if version == 6 else 0
        at += size
    return MALFORMED, at
