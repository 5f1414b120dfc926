"""Packets inside of packets: what VXLAN, Geneve, GRE (also in UDP) and IP in IP carry."""

import numpy as np

from caudal.collector.capture.gather import gather
from caudal.collector.capture.link import ETHERNET, IPV4, IPV6, MPLS
from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packets import Packets
from caudal.collector.flowrecords import I64, U8, U16

# An address behind more headers than this is that of the last one passed.
MOST_TUNNELS = 4

_UDP, _UDP_HEADER, _GRE = 17, 8, 47
_GRE_IN_UDP, _VXLAN, _GENEVE = 4754, 4789, 6081
_IP_IN_IP = {4: IPV4, 41: IPV6}
_LINK_OF_ETHERTYPE = {0x0800: IPV4, 0x86DD: IPV6, 0x6558: ETHERNET, 0x8847: MPLS, 0x8848: MPLS}
_HEAD = np.dtype([("flags", ">u2"), ("kind", ">u2")])
_VXLAN_HAS_NETWORK = 0x0800
_GRE_HEADER, _GRE_FORM, _GRE_OPTIONS = 4, 0x4007, (0x8000, 0x2000, 0x1000)
_SHIM_HEADER, _GENEVE_VERSION, _GENEVE_OPTIONS = 8, 0xC000, 0x3F00


def tunnelled(chunk: PacketChunk, packets: Packets) -> tuple[PacketChunk, I64]:
    """Return the frames or packets inside of `packets` of a chunk, and in which of them each is.

    What is inside of a fragment is known only of a first one of UDP. Where nothing is known to be inside, or
    the headers are not all there, there is none. Sources: RFC 7348, 8926, 2784 and 2890, 8086, 2003, 4213.
    """
    protocol = packets.ip_protocol
    udp = (protocol == _UDP) & packets.ports_known
    gre = (protocol == _GRE) & ~packets.fragmented
    candidates = udp & np.isin(packets.destination_port, (_GRE_IN_UDP, _VXLAN, _GENEVE)) | gre
    for number in _IP_IN_IP:
        candidates |= (protocol == number) & ~packets.fragmented
    which = np.flatnonzero(candidates)
    inner = packets.transport[which] + np.where(udp[which], _UDP_HEADER, 0)
    frame = packets.frame[which]
    end = np.minimum(chunk.offset[frame] + chunk.captured[frame], packets.end[which])
    link = np.zeros(len(which), np.uint16)
    for number, of_packet in _IP_IN_IP.items():
        link[protocol[which] == number] = of_packet
    port = np.where(udp[which], packets.destination_port[which], 0)
    is_gre = gre[which] | (port == _GRE_IN_UDP)
    for header, read, these in (
        (_GRE_HEADER, _pass_gre, is_gre),
        (_SHIM_HEADER, _pass_vxlan, port == _VXLAN),
        (_SHIM_HEADER, _pass_geneve, port == _GENEVE),
    ):
        at = np.flatnonzero(these & (inner + header <= end))
        if len(at):
            link[at], inner[at] = read(chunk.buffer, inner[at])
    inside = np.flatnonzero((link != 0) & (inner < end))
    which, frame, inner = which[inside], frame[inside], inner[inside]
    return PacketChunk(
        buffer=chunk.buffer,
        offset=inner,
        captured=end[inside] - inner,
        original=packets.end[which] - inner,
        time_ms=chunk.time_ms[frame],
        link_type=link[inside],
    ), which


def _pass_gre(buffer: U8, at: I64) -> tuple[U16, I64]:
    head = gather(buffer, at, _HEAD)
    inner = at + _GRE_HEADER
    for option in _GRE_OPTIONS:
        inner += np.where(head["flags"] & option, 4, 0)
    return np.where(head["flags"] & _GRE_FORM, 0, _link(head["kind"])).astype(np.uint16), inner


def _pass_vxlan(buffer: U8, at: I64) -> tuple[U16, I64]:
    flags = gather(buffer, at, _HEAD)["flags"]
    return np.where(flags & _VXLAN_HAS_NETWORK, ETHERNET, 0).astype(np.uint16), at + _SHIM_HEADER


def _pass_geneve(buffer: U8, at: I64) -> tuple[U16, I64]:
    head = gather(buffer, at, _HEAD)
    options = (head["flags"] & _GENEVE_OPTIONS).astype(np.int64) >> 6
    known = head["flags"] & _GENEVE_VERSION == 0
    return np.where(known, _link(head["kind"]), 0).astype(np.uint16), at + _SHIM_HEADER + options


def _link(ethertype: U16) -> U16:
    link = np.zeros(len(ethertype), np.uint16)
    for kind, number in _LINK_OF_ETHERTYPE.items():
        link[ethertype == kind] = number
    return link
