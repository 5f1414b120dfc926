"""The offset of the IP header in a captured frame, by link type (numbers: tcpdump.org/linktypes.html)."""

from typing import Final

from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32, signed
from caudal.collector.packets.firewalllog import AF_INET, AF_INET6, pass_nflog, pass_pflog
from caudal.collector.packets.packetchunk import NO_LINK_TYPE
from caudal.collector.packets.ppp import pass_cisco_hdlc, pass_ppp
from caudal.collector.packets.protocolnumbers import CUT, LABELS, LLC, OTHER, PPPOE
from caudal.collector.packets.protocolnumbers import IPV4 as _IPV4
from caudal.collector.packets.protocolnumbers import IPV6 as _IPV6
from caudal.collector.packets.wireless import little16, monitor_octets, pass_wireless, radiotap_octets
from caudal.collector.packets.wrappers import find_network

NULL, ETHERNET, LOOP, SLL, MPLS, IPV4, IPV6, SLL2 = 0, 1, 108, 113, 219, 228, 229, 276
RAW: Final = (12, 14, 101)
PPP, PPP_OVER_ETHERNET, CISCO_HDLC, PPP_WITH_DIRECTION, PPP_OF_PPPD = 9, 51, 104, 204, 166
_PPP: Final = (PPP, 50)
WIRELESS, PRISM, AVS, RADIOTAP, PPI, PKTAP = 105, 119, 163, 127, 192, 258
PFLOG, NFLOG, ENC, ATM_LLC, FRAME_RELAY = 117, 239, 109, 100, 107
LINKS: Final = (
    *(NULL, ETHERNET, LOOP, SLL, MPLS, IPV4, IPV6, SLL2, *RAW, NO_LINK_TYPE),
    *(*_PPP, PPP_OVER_ETHERNET, CISCO_HDLC, PPP_WITH_DIRECTION, PPP_OF_PPPD),
    *(WIRELESS, PRISM, AVS, RADIOTAP, PPI, PKTAP, PFLOG, NFLOG, ENC, ATM_LLC, FRAME_RELAY),
)

# What a frame holds: nothing of IP, a frame that cannot be read, a link type not known, or the version of IP.
NOT_IP, MALFORMED, UNKNOWN, IS_IPV4, IS_IPV6 = 0, 255, 1, 4, 6

_FRAME_RELAY_NLPID = 4
# Frames of these stand before frames of another link type, and are passed so often.
_MOST_OUTER_LINKS = 3


@kernel
def find_ip(buffer: U8, start: int, end: int, wire: int, link: int) -> tuple[int, int]:
    """Return the content of a frame (NOT_IP, MALFORMED, UNKNOWN, IS_IPV4 or IS_IPV6), and the offset of its IP header.

    The frame was captured from `start` to `end`, and ended at `wire` on the wire. What wrappers.py and ppp.py know is
    passed. Nothing is read outside of the frame, which must be inside the buffer; the header may begin at its end.
    """
    if link == ETHERNET:
        if start + 14 > end:
            return MALFORMED, start
        kind = big16(buffer, start + 12)
        # Nearly all frames end here.
        if kind == _IPV4:
            return IS_IPV4, start + 14
        if kind == _IPV6:
            return IS_IPV6, start + 14
        return _found(buffer, kind, start + 14, end, wire)
    if link in RAW:
        version = buffer[start] >> 4 if start < end else 0
        return version if version in (4, 6) else MALFORMED, start
    if link == IPV4:
        return IS_IPV4, start
    if link == IPV6:
        return IS_IPV6, start
    if link == MPLS:
        return _found(buffer, LABELS[0], start, end, wire)
    return _find_elsewhere(buffer, start, end, wire, link)


@kernel
def _found(buffer: U8, kind: int, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return the content that an ethertype announces at offset `at`, and the offset of its IP header, as `find_ip` does."""
    kind, at = find_network(buffer, kind, at, end, wire)
    if kind == _IPV4:
        return IS_IPV4, at
    if kind == _IPV6:
        return IS_IPV6, at
    return NOT_IP if kind == OTHER else MALFORMED, at


@kernel
def _find_elsewhere(buffer: U8, start: int, end: int, wire: int, link: int) -> tuple[int, int]:
    """Return the content of a frame of the less usual links, as `find_ip` does, and the offset of its IP header."""
    at = start
    for _ in range(_MOST_OUTER_LINKS):
        if link in (RADIOTAP, PPI, PRISM, AVS, PKTAP):
            link, at = _pass_outer_link(buffer, at, end, link)
    if link == CUT:
        return MALFORMED, start
    kind = OTHER
    if link == ETHERNET:
        return _behind_header(buffer, at, end, wire, 14, 12)
    if link == SLL:
        return _behind_header(buffer, at, end, wire, 16, 14)
    if link == SLL2:
        return _behind_header(buffer, at, end, wire, 20, 0)
    if link in RAW:
        version = buffer[at] >> 4 if at < end else 0
        return version if version in (4, 6) else MALFORMED, at
    if link in (NULL, LOOP):
        return _family(buffer, at, end, 4)
    if link == ENC:
        return _family(buffer, at, end, 12)
    if link in _PPP:
        kind, at = pass_ppp(buffer, at, end)
    elif link in (PPP_WITH_DIRECTION, PPP_OF_PPPD):
        # One says the direction before PPP's header, the other in place of its first octet.
        skipped = 2 if link == PPP_OF_PPPD and at + 2 <= end and buffer[at + 1] == 3 else 1
        kind, at = pass_ppp(buffer, at + skipped, end)
    elif link == CISCO_HDLC:
        kind, at = pass_cisco_hdlc(buffer, at, end)
    elif link == PPP_OVER_ETHERNET:
        kind = PPPOE
    elif link == WIRELESS:
        kind, at = pass_wireless(buffer, at, end)
    elif link == PFLOG:
        kind, at = pass_pflog(buffer, at, end)
    elif link == NFLOG:
        kind, at = pass_nflog(buffer, at, end)
    elif link == ATM_LLC:
        kind = LLC
    elif link == FRAME_RELAY:
        kind, at = _pass_frame_relay(buffer, at, end)
    else:
        unknown = UNKNOWN if at == start else NOT_IP
        return MALFORMED if link == NO_LINK_TYPE else unknown, start
    return _found(buffer, kind, at, end, wire)


@kernel
def _pass_outer_link(buffer: U8, at: int, end: int, link: int) -> tuple[int, int]:
    """Return the link type behind a header that stands before frames of several, and where its frame begins."""
    inside, size = WIRELESS, -1
    if link == RADIOTAP:
        size = radiotap_octets(buffer, at, end)
    elif link in (PRISM, AVS):
        size = monitor_octets(buffer, at, end)
    elif link == PPI and at + 8 <= end:
        size, inside = little16(buffer, at + 2), _small_link(buffer, at + 4)
    elif link == PKTAP and at + 12 <= end:
        size, inside = little16(buffer, at), _small_link(buffer, at + 8)
    if size < 8 or at + size > end:
        return CUT, at
    return inside, at + size


@kernel
def _small_link(buffer: U8, at: int) -> int:
    """Return a link type of 32 bits, the lowest octet first; one that no capture has is none."""
    return little16(buffer, at) if little16(buffer, at + 2) == 0 else NO_LINK_TYPE


@kernel
def _family(buffer: U8, start: int, end: int, header: int) -> tuple[int, int]:
    """Read the address family, in whatever byte order the capturing machine had."""
    if start + header > end:
        return MALFORMED, start
    family = big32(buffer, start)
    if family > 0xFFFF:
        family = (family & 0xFF) << 24 | (family & 0xFF00) << 8 | family >> 8 & 0xFF00 | family >> 24
    if family == AF_INET:
        return IS_IPV4, start + header
    return IS_IPV6 if family in AF_INET6 else NOT_IP, start + header


@kernel
def _behind_header(buffer: U8, start: int, end: int, wire: int, header: int, type_at: int) -> tuple[int, int]:
    if start + header > end:
        return MALFORMED, start
    return _found(buffer, big16(buffer, start + type_at), start + header, end, wire)


@kernel
def _pass_frame_relay(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the ethertype in a frame of Frame Relay (RFC 2427, or with an ethertype as Cisco's), and its place."""
    if at + _FRAME_RELAY_NLPID > end:
        return CUT, at
    if buffer[at + 2] != 3:
        return big16(buffer, at + 2), at + 4
    protocol = signed(buffer[at + 3])
    if protocol == 0xCC:
        return _IPV4, at + 4
    if protocol == 0x8E:
        return _IPV6, at + 4
    # A SNAP header, after an octet that fills up to an even number.
    snap = at + 4 if protocol != 0 else at + 5
    if snap + 5 > end:
        return CUT, at
    if (buffer[snap - 1] != 0x80) or buffer[snap] != 0 or big16(buffer, snap + 1) != 0:
        return OTHER, at
    return big16(buffer, snap + 3), snap + 5
