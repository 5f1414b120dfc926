"""Packets inside of packets: where the inner one begins, of the kinds of tunnels that are to be opened.

What a tunnel carries is taken from its header. L2TPv3 says nothing of its own: of it, what holds together.
Sources: RFC 2003, 4213 (IP in IP), 2784, 2890, 8086 (GRE), 2637 (PPTP), 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe,
8926 (Geneve), 2661, 3931 (L2TP), 3GPP TS 29.281 (GTP-U), draft-foschiano-erspan, Wireshark's description of TZSP.
"""

from collections.abc import Collection
from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import I64, U8, U16
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32, signed
from caudal.collector.packets.holding import NO_PACKET, SURE, ipv4_holds, ipv6_holds
from caudal.collector.packets.link import ETHERNET, IPV4, IPV6, MPLS, PPP, WIRELESS
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Mask, Packets
from caudal.collector.packets.ppp import pass_ppp
from caudal.collector.packets.protocolnumbers import ETHERNET as ETHERNET_TYPE
from caudal.collector.packets.protocolnumbers import IPV4 as IPV4_TYPE
from caudal.collector.packets.protocolnumbers import IPV6 as IPV6_TYPE
from caudal.collector.packets.protocolnumbers import LABELS, NSH, OTHER
from caudal.collector.packets.tunnelkinds import TUNNEL_KINDS
from caudal.collector.packets.wrappers import find_network, ip_at

# An address behind more headers than this is that of the last one passed.
MOST_TUNNELS: Final = 4

# A bit for each kind of tunnel, in the order of the kinds.
_IPIP, _GRE, _PPTP, _ERSPAN, _VXLAN, _GENEVE, _GTPU, _L2TP, _TZSP = (1 << at for at in range(9))
_BITS = dict(zip(TUNNEL_KINDS, (1 << at for at in range(9)), strict=True))

_IP4_PROTOCOL, _UDP_PROTOCOL, _IP6_PROTOCOL, _GRE_PROTOCOL, _L2TP_PROTOCOL = 4, 17, 41, 47, 115
_UDP_HEADER = 8
_GRE_PORT, _VXLAN_PORTS, _GPE_PORT, _GENEVE_PORT = 4754, (4789, 8472), 4790, 6081
_GTPU_PORT, _L2TP_PORT, _TZSP_PORT = 2152, 1701, 37008

_GRE_VERSION, _GRE_ROUTING, _PPTP_VERSION = 0x0007, 0x4000, 1
_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE, _GRE_ACKNOWLEDGE = 0x8000, 0x2000, 0x1000, 0x0080
_PPP_TYPE, _ERSPAN_TYPE, _ERSPAN3_TYPE, _WCCP_TYPE = 0x880B, 0x88BE, 0x22EB, 0x883E
_GPE_NEXT = (0, IPV4_TYPE, IPV6_TYPE, ETHERNET_TYPE, NSH, LABELS[0])
_GTPU_VERSION, _GTPU_PACKET, _GTPU_EXTENSIONS, _MOST_EXTENSIONS = 0x30, 255, 0x04, 8
_L2TP_CONTROL, _L2TP_LENGTH, _L2TP_SEQUENCE, _L2TP_OFFSET = 0x8000, 0x4000, 0x0800, 0x0200
_TZSP_ETHERNET, _TZSP_WIRELESS, _TZSP_PADDING, _TZSP_END, _MOST_TAGS = 1, 18, 0, 1, 64


def tunnelled(chunk: PacketChunk, packets: Packets, kinds: Collection[str]) -> tuple[PacketChunk, I64]:
    """Return the frames or packets inside of `packets` of a chunk, and in which of them each is.

    Only tunnels of `kinds` (words of TUNNEL_KINDS) are opened. What is inside of a fragment is known only of a first one of
    UDP. Where nothing is known to be inside, or the headers are not all there, there is none.
    """
    bits = sum(_BITS[kind] for kind in kinds)
    count = len(packets)
    places, links = np.empty((4, count), np.int64), np.empty(count, np.uint16)
    found = _find(
        bits,
        chunk.buffer,
        np.ascontiguousarray(chunk.offset),
        np.ascontiguousarray(chunk.captured),
        packets.frame,
        packets.ip_protocol,
        packets.destination_port,
        packets.source_port,
        packets.ports_known,
        packets.fragmented,
        packets.transport,
        packets.end,
        places,
        links,
    )
    which, inner, end, wire = places[:, :found]
    return PacketChunk(
        buffer=chunk.buffer,
        offset=inner,
        captured=end - inner,
        original=wire - inner,
        time_ms=packets.time_ms[which],
        link_type=links[:found],
    ), which


@kernel
def _find(
    bits: int,
    buffer: U8,
    offset: I64,
    captured: I64,
    frame: I64,
    ip_protocol: U8,
    destination_port: U16,
    source_port: U16,
    ports_known: Mask,
    fragmented: Mask,
    transport: I64,
    packet_end: I64,
    places: I64,
    links: U16,
) -> int:
    """Write which packets hold another, where that begins and ends, and its link; return how many there are.

    Frames are held to the buffer; nothing is read outside of them.
    """
    found = 0
    for packet in range(len(frame)):
        protocol = signed(ip_protocol[packet])
        udp = protocol == _UDP_PROTOCOL and ports_known[packet]
        if not udp and (
            fragmented[packet]
            or protocol not in (_IP4_PROTOCOL, _IP6_PROTOCOL, _GRE_PROTOCOL, _L2TP_PROTOCOL)
        ):
            continue
        wire = packet_end[packet]
        end = min(offset[frame[packet]] + captured[frame[packet]], len(buffer), wire)
        at = transport[packet]
        if at < 0 or at >= end:
            continue
        if udp:
            if fragmented[packet]:  # of which the first says how long all are together
                wire = at + (big16(buffer, at + 4) if at + 6 <= end else 0)
            link, inner = _in_udp(
                bits, buffer, signed(source_port[packet]), signed(destination_port[packet]), at, end, wire
            )
        elif protocol == _GRE_PROTOCOL:
            link, inner = _pass_gre(bits, buffer, at, end)
        elif protocol == _L2TP_PROTOCOL:
            link, inner = _pass_l2tp_session(buffer, at, end, wire) if bits & _L2TP else (0, at)
        else:
            link, inner = IPV4 if protocol == _IP4_PROTOCOL else IPV6, at
            if not bits & _IPIP:
                link = 0
        if link != 0 and inner < end:
            places[0, found], places[1, found] = packet, inner
            places[2, found], places[3, found] = end, wire
            links[found] = link
            found += 1
    return found


@kernel
def _in_udp(bits: int, buffer: U8, source: int, port: int, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return the link type of what a UDP datagram carries, 0 for none, and where that begins."""
    inner = at + _UDP_HEADER
    if port == _GTPU_PORT and bits & _GTPU:
        return _pass_gtpu(buffer, inner, end, wire)
    if port in _VXLAN_PORTS and bits & _VXLAN:
        return _pass_vxlan(buffer, inner, end)
    if port == _GPE_PORT and bits & _VXLAN:
        return _pass_gpe(buffer, inner, end, wire)
    if port == _GENEVE_PORT and bits & _GENEVE:
        return _pass_geneve(buffer, inner, end)
    if port == _GRE_PORT:
        return _pass_gre(bits, buffer, inner, end)
    if _L2TP_PORT in (port, source) and bits & _L2TP:
        return _pass_l2tp(buffer, inner, end, wire)
    if port == _TZSP_PORT and bits & _TZSP:
        return _pass_tzsp(buffer, inner, end)
    return 0, inner


@kernel
def _link(ethertype: int) -> int:
    if ethertype == IPV4_TYPE:
        return IPV4
    if ethertype == IPV6_TYPE:
        return IPV6
    if ethertype == ETHERNET_TYPE:
        return ETHERNET
    return MPLS if ethertype in LABELS else 0


@kernel
def _pass_gre(bits: int, buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the kind and offset of the packet in GRE: plain, PPP in its version 1, or a mirrored frame behind ERSPAN's header."""
    if at + 4 > end:
        return 0, at
    flags, kind = big16(buffer, at), big16(buffer, at + 2)
    at += 4
    for option in (_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE):
        if flags & option:
            at += 4
    version = flags & _GRE_VERSION
    if version == _PPTP_VERSION:
        if flags & _GRE_ACKNOWLEDGE:
            at += 4
        # Without a number an acknowledgement alone was sent.
        carries = kind == _PPP_TYPE and flags & _GRE_SEQUENCE != 0 and bits & _PPTP != 0
        return PPP if carries else 0, at
    if version != 0 or flags & _GRE_ROUTING:
        return 0, at
    if kind in (_ERSPAN_TYPE, _ERSPAN3_TYPE):
        if not bits & _ERSPAN:
            return 0, at
        return _pass_erspan(buffer, kind, flags & _GRE_SEQUENCE != 0, at, end)
    return _link(kind) if bits & _GRE else 0, at


@kernel
def _pass_erspan(buffer: U8, kind: int, numbered: bool, at: int, end: int) -> tuple[int, int]:
    """Return the frame that ERSPAN mirrors. Type I has no header, and no number in that of GRE."""
    if kind == _ERSPAN_TYPE:
        if not numbered:
            return ETHERNET, at
        return ETHERNET if at + 8 <= end and buffer[at] >> 4 == 1 else 0, at + 8
    if at + 12 > end or buffer[at] >> 4 != 2:
        return 0, at
    about = big16(buffer, at + 10)
    frame_type = about >> 10 & 31
    inner = at + (20 if about & 1 else 12)
    if frame_type == 0:
        return ETHERNET, inner
    if frame_type != 2 or inner + 1 > end:
        return 0, inner
    return IPV6 if buffer[inner] >> 4 == 6 else IPV4, inner


@kernel
def _pass_vxlan(buffer: U8, at: int, end: int) -> tuple[int, int]:
    known = at + 8 <= end and buffer[at] & 0x08 != 0
    return ETHERNET if known else 0, at + 8


@kernel
def _pass_gpe(buffer: U8, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return the kind and offset of the packet in VXLAN-GPE: Ethernet, or what its next protocol says."""
    if at + 8 > end or buffer[at] & 0x08 == 0:
        return 0, at
    following = signed(buffer[at + 3])
    if buffer[at] & 0x04 == 0:
        return ETHERNET, at + 8
    if following >= len(_GPE_NEXT):
        return 0, at + 8
    kind, at = _GPE_NEXT[following], at + 8
    if kind == NSH:
        kind, at = find_network(buffer, kind, at, end, wire)
    return _link(kind), at


@kernel
def _pass_geneve(buffer: U8, at: int, end: int) -> tuple[int, int]:
    if at + 8 > end or buffer[at] >> 6 != 0:
        return 0, at
    return _link(big16(buffer, at + 2)), at + 8 + signed(buffer[at] & 0x3F) * 4


@kernel
def _pass_gtpu(buffer: U8, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return the kind and offset of the packet in a G-PDU, whose header does not tell it; echo and end messages hold none."""
    if at + 8 > end or buffer[at] & 0xF0 != _GTPU_VERSION or buffer[at + 1] != _GTPU_PACKET:
        return 0, at
    flags = buffer[at]
    inner = at + 8
    if flags & 0x07:  # any of them brings the fields of all
        inner += 4
        following = signed(buffer[at + 11]) if at + 12 <= end and flags & _GTPU_EXTENSIONS else 0
        for _ in range(_MOST_EXTENSIONS):
            if following == 0:
                break
            size = signed(buffer[inner]) * 4 if inner < end else 0
            if size == 0 or inner + size > end:
                return 0, inner
            following = signed(buffer[inner + size - 1])
            inner += size
        if following != 0:
            return 0, inner
    return _whatever_holds(buffer, inner, end, wire), inner


@kernel
def _pass_l2tp(buffer: U8, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return the kind and offset of the packet in L2TP over UDP: PPP in version 2, a session's frame in version 3."""
    if at + 6 > end:
        return 0, at
    flags = big16(buffer, at)
    if flags & _L2TP_CONTROL:
        return 0, at
    if flags & 0x0F == 3:
        return _pass_l2tp_session(buffer, at + 4, end, wire)
    if flags & 0x0F != 2:
        return 0, at
    inner = at + 6 + (2 if flags & _L2TP_LENGTH else 0)
    if flags & _L2TP_SEQUENCE:
        inner += 4
    if flags & _L2TP_OFFSET:
        if inner + 2 > end:
            return 0, inner
        inner += 2 + big16(buffer, inner)
    return PPP, inner


@kernel
def _pass_l2tp_session(buffer: U8, at: int, end: int, wire: int) -> tuple[int, int]:
    """Return the kind and offset of the packet behind an L2TPv3 session number; session 0 is of control.

    How long its cookie is, and what it carries, only the two ends know: it is tried where IP or Ethernet, in that order,
    holds together.
    """
    if at + 4 > end or big32(buffer, at) == 0:
        return 0, at
    # A cookie of 0, 4 or 8 octets, and 4 octets of a sublayer or none.
    for place in range(at + 4, at + 20, 4):
        link = _whatever_holds(buffer, place, end, wire)
        if link != 0:
            return link, place
    return 0, at


@kernel
def _whatever_holds(buffer: U8, at: int, end: int, wire: int) -> int:
    """Return the link type by which what begins at a place leads to an IP packet that holds together, 0 for none."""
    four = ipv4_holds(buffer, at, end, wire)
    if four == SURE:
        return IPV4
    kind, inner = find_network(buffer, ETHERNET_TYPE, at, end, wire)
    if kind != OTHER and ip_at(buffer, inner, end, wire) == kind:
        return ETHERNET
    if four != NO_PACKET:
        return IPV4
    if ipv6_holds(buffer, at, end, wire):
        return IPV6
    kind, inner = pass_ppp(buffer, at, end)
    return PPP if kind != OTHER and ip_at(buffer, inner, end, wire) == kind else 0


@kernel
def _pass_tzsp(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the frame behind TZSP's tagged fields."""
    if at + 4 > end or buffer[at] != 1 or buffer[at + 1] > 1:
        return 0, at
    carried = big16(buffer, at + 2)
    link = ETHERNET if carried == _TZSP_ETHERNET else WIRELESS if carried == _TZSP_WIRELESS else 0
    at += 4
    for _ in range(_MOST_TAGS):
        if at + 1 > end:
            return 0, at
        if buffer[at] == _TZSP_END:
            return link, at + 1
        if buffer[at] == _TZSP_PADDING:
            at += 1
        elif at + 2 > end:
            return 0, at
        else:
            at += 2 + signed(buffer[at + 1])
    return 0, at
