"""Wrappers between an ethertype and the IP header: tags, link control, PPPoE, backbones, labels, and Ethernet in all of them.

Nothing but an ethertype is believed to say what follows. Behind MPLS labels nothing says it, so it is decided by what
holds together (`holding.py`): IP, or Ethernet with or without a control word (RFC 4448) that leads to IP.
"""

from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, signed
from caudal.collector.packets.holding import NO_PACKET, SURE, ipv4_holds, ipv6_holds
from caudal.collector.packets.ppp import pass_ppp
from caudal.collector.packets.protocolnumbers import (
    BRIDGE_PORT_TAG,
    CISCO_METADATA,
    CUT,
    ETHERNET,
    FABRICPATH,
    HSR,
    IPV4,
    IPV6,
    LABELS,
    LONG_LLC,
    MACSEC,
    MOST_LLC,
    NSH,
    OTHER,
    PPPOE,
    PROVIDER_BACKBONE,
    TRILL,
    VLAN,
    VN_TAG,
)

# Wrappers of a frame are passed this often at most, and this many labels of a stack.
MOST_WRAPPERS = 12
# Ethernet behind labels may hold labels again.
_MOST_STACKS = 3
_CONTROL_WORD = 4
_ETHERNET_HEADER = 14
_SNAP, _IP_SAPS, _ISO_SAPS = 0xAAAA, 0x0606, 0xFEFE
_UNNUMBERED, _NLPID_IPV4, _NLPID_IPV6 = 3, 0xCC, 0x8E
_MACSEC_HIDDEN, _MACSEC_CHANNEL = 0x0C, 0x20
_NSH_NEXT = (OTHER, IPV4, IPV6, ETHERNET, OTHER, LABELS[0])


@kernel
def find_network(buffer: U8, kind: int, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return IPV4, IPV6, OTHER or CUT, and where the IP header begins, of what ethertype `kind` names at `at`.

    The frame was captured up to `end` and ended at `wire` on the wire. Nothing is read outside of the frame.
    """
    for _ in range(_MOST_STACKS):
        kind, at = pass_wrappers(buffer, kind, at, end)
        if kind not in LABELS:
            return kind, at
        at = _pass_labels(buffer, at, end)
        if at < 0:
            return CUT, end
        kind, at = _behind_labels(buffer, at, end, wire)
        if kind != ETHERNET:
            return kind, at
    return OTHER, at


@kernel
def pass_wrappers(buffer: U8, kind: int, at: int, end: int) -> tuple[int, int]:
    """Return the content behind tags and other wrappers (IPV4, IPV6, one of LABELS, OTHER or CUT), and its offset."""
    for _ in range(MOST_WRAPPERS + 1):
        if kind in (IPV4, IPV6, OTHER, CUT) or kind in LABELS:
            return kind, at
        if kind in VLAN:
            kind, at = _following(buffer, at, 2, end)
        elif kind == ETHERNET:
            kind, at = _following(buffer, at, _ETHERNET_HEADER - 2, end)
        elif kind <= MOST_LLC or kind == LONG_LLC:
            kind, at = _pass_llc(buffer, at, end)
        elif kind == PPPOE:
            if at + 6 > end:
                return CUT, at
            kind, at = pass_ppp(buffer, at + 6, end)
        elif kind in (CISCO_METADATA, BRIDGE_PORT_TAG):
            kind, at = _following(buffer, at, 6, end)
        elif kind in (VN_TAG, HSR):
            kind, at = _following(buffer, at, 4, end)
        elif kind == PROVIDER_BACKBONE:
            kind, at = ETHERNET, at + 4
        elif kind == FABRICPATH:
            kind, at = ETHERNET, at + 2
        elif kind == TRILL:
            if at + 2 > end:
                return CUT, at
            kind, at = ETHERNET, at + 6 + (big16(buffer, at) >> 6 & 31) * 4
        elif kind == MACSEC:
            kind, at = _pass_macsec(buffer, at, end)
        elif kind == NSH:
            kind, at = _pass_nsh(buffer, at, end)
        else:
            return OTHER, at
    return CUT, at


@kernel
def _following(buffer: U8, at: int, before: int, end: int) -> tuple[int, int]:
    """Return the ethertype `before` octets further on, and the place behind it."""
    if at + before + 2 > end:
        return CUT, at
    return big16(buffer, at + before), at + before + 2


@kernel
def _pass_llc(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Pass logical link control: of IP itself, of a protocol of ISO's numbers, or with SNAP before an ethertype."""
    if at + 3 > end:
        return CUT, at
    access_points = big16(buffer, at)
    if buffer[at + 2] != _UNNUMBERED:
        return OTHER, at
    if access_points == _IP_SAPS:
        return IPV4, at + 3
    if access_points == _ISO_SAPS:
        if at + 4 > end:
            return CUT, at
        protocol = signed(buffer[at + 3])
        return IPV4 if protocol == _NLPID_IPV4 else IPV6 if protocol == _NLPID_IPV6 else OTHER, at + 4
    if access_points != _SNAP:
        return OTHER, at
    if at + 8 > end:
        return CUT, at
    # The numbers of Ethernet (RFC 1042), also as bridges write them (IEEE 802.1H).
    if buffer[at + 3] != 0 or buffer[at + 4] != 0 or buffer[at + 5] not in (0, 0xF8):
        return OTHER, at
    kind = big16(buffer, at + 6)
    return kind if kind > MOST_LLC else OTHER, at + 8


@kernel
def _pass_macsec(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Pass MACsec (IEEE 802.1AE) where it protects frames without encrypting them."""
    if at + 6 > end:
        return CUT, at
    if buffer[at] & _MACSEC_HIDDEN:
        return OTHER, at
    return _following(buffer, at, 14 if buffer[at] & _MACSEC_CHANNEL else 6, end)


@kernel
def _pass_nsh(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Pass a network service header (RFC 8300)."""
    if at + 8 > end:
        return CUT, at
    size, following = (big16(buffer, at) & 0x3F) * 4, signed(buffer[at + 3])
    if size < 8:
        return OTHER, at
    return _NSH_NEXT[following] if following < len(_NSH_NEXT) else OTHER, at + size


@kernel
def _pass_labels(buffer: U8, at: int, end: int) -> int:
    """Return the offset behind the last label of a stack, −1 where the stack does not end."""
    for _ in range(MOST_WRAPPERS):
        if at + 4 > end:
            return -1
        at += 4
        if buffer[at - 2] & 1:
            return at
    return -1


@kernel
def _behind_labels(buffer: U8, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return IPV4, IPV6, ETHERNET or OTHER, whichever holds together, and where it begins."""
    four = ipv4_holds(buffer, at, end, wire)
    if four == SURE:
        return IPV4, at
    # A control word begins with four bits of 0, which no packet does, but many addresses of network cards do.
    worded = at < end and buffer[at] >> 4 == 0
    if _leads_to_ip(buffer, ETHERNET, at, end, wire):
        return ETHERNET, at
    if worded and _leads_to_ip(buffer, ETHERNET, at + _CONTROL_WORD, end, wire):
        return ETHERNET, at + _CONTROL_WORD
    if ipv6_holds(buffer, at, end, wire):
        return IPV6, at
    if four != NO_PACKET:
        return IPV4, at
    if worded:
        kind = ip_at(buffer, at + _CONTROL_WORD, end, wire)
        if kind != OTHER:
            return kind, at + _CONTROL_WORD
    # Pseudowires of PPP and HDLC (RFC 4618).
    for skipped in (0, _CONTROL_WORD):
        kind, inside = pass_ppp(buffer, at + skipped, end)
        if kind in (IPV4, IPV6) and ip_at(buffer, inside, end, wire) == kind:
            return kind, inside
    return OTHER, at


@kernel
def _leads_to_ip(buffer: U8, kind: int, at: int, end: int, wire: int) -> bool:
    """Return True if a frame leads to an IP packet that holds, by ethertypes and at most one more stack of labels."""
    kind, at = pass_wrappers(buffer, kind, at, end)
    if kind in LABELS:
        at = _pass_labels(buffer, at, end)
        return at >= 0 and ip_at(buffer, at, end, wire) != OTHER
    return kind in (IPV4, IPV6) and ip_at(buffer, at, end, wire) == kind


@kernel
def ip_at(buffer: U8, at: int, end: int, wire: int) -> int:
    """Return IPV4 or IPV6, whichever packet begins at a place and holds together, or OTHER."""
    if ipv4_holds(buffer, at, end, wire) != NO_PACKET:
        return IPV4
    return IPV6 if ipv6_holds(buffer, at, end, wire) else OTHER
