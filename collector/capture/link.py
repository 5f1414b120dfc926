"""Where the IP header of a captured frame is, by link type (numbers: tcpdump.org/linktypes.html)."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.capture.gather import gather
from caudal.collector.capture.packetchunk import NO_LINK_TYPE, PacketChunk
from caudal.collector.flowrecords import I64, U8, U16

NULL, ETHERNET, LOOP, SLL, MPLS, IPV4, IPV6, SLL2 = 0, 1, 108, 113, 219, 228, 229, 276
RAW = (12, 14, 101)

# What a frame holds: nothing of IP, a frame that cannot be read, or the version of IP.
NOT_IP, MALFORMED, IS_IPV4, IS_IPV6 = 0, 255, 4, 6

_IPV4, _IPV6, _PPPOE = 0x0800, 0x86DD, 0x8864
_VLAN = (0x8100, 0x88A8, 0x9100, 0x9200)
_LABELS = (0x8847, 0x8848)
_PPP_IPV4, _PPP_IPV6 = 0x0021, 0x0057
# Ethertypes that only wrap another are passed this often at most: QinQ, PPPoE and a stack of MPLS labels.
_MOST_WRAPPERS = 12
_AF_INET, _AF_INET6 = 2, (10, 23, 24, 26, 28, 30)


@dataclass(frozen=True)
class Frames:
    """For every packet of a chunk: what it `holds` (see above) and the position of its IP header."""

    holds: U8
    network: I64
    unknown_link_types: dict[int, int]


def find_ip(chunk: PacketChunk) -> Frames:
    """Find the IP header of every frame, behind VLAN tags, PPPoE and MPLS labels where there are any."""
    links = chunk.link_type
    if not len(links):
        return Frames(np.empty(0, np.uint8), np.empty(0, np.int64), {})
    end = chunk.offset + chunk.captured
    first = int(links[0])
    if (links == first).all():
        unknown: dict[int, int] = {}
        holds, network = _of_link(chunk.buffer, chunk.offset, end, first, unknown)
        return Frames(holds, network, unknown)
    holds, network, unknown = np.empty(len(links), np.uint8), np.empty(len(links), np.int64), {}
    for link in np.unique(links).tolist():
        which = np.flatnonzero(links == link)
        holds[which], network[which] = _of_link(chunk.buffer, chunk.offset[which], end[which], link, unknown)
    return Frames(holds, network, unknown)


def _of_link(buffer: U8, start: I64, end: I64, link: int, unknown: dict[int, int]) -> tuple[U8, I64]:
    if link == ETHERNET:
        return _ethertypes(buffer, start, end, header=14, type_at=12)
    if link == SLL:
        return _ethertypes(buffer, start, end, header=16, type_at=14)
    if link == SLL2:
        return _ethertypes(buffer, start, end, header=20, type_at=0)
    if link in RAW:
        return _by_version(buffer, start, end), start
    if link in (IPV4, IPV6):
        return np.full(len(start), IS_IPV4 if link == IPV4 else IS_IPV6, np.uint8), start
    if link == MPLS:
        return _unwrap(buffer, np.full(len(start), _LABELS[0], np.uint16), start.copy(), end)
    if link in (NULL, LOOP):
        return _families(buffer, start, end), np.minimum(start + 4, end)
    if link == NO_LINK_TYPE:
        return np.full(len(start), MALFORMED, np.uint8), start
    unknown[link] = len(start)
    return np.full(len(start), NOT_IP, np.uint8), start


def _by_version(buffer: U8, at: I64, end: I64) -> U8:
    version = buffer[at] >> 4
    known = (version == 4) | (version == 6)
    return np.where(known & (at < end), version, MALFORMED).astype(np.uint8)


def _families(buffer: U8, start: I64, end: I64) -> U8:
    """Read the address family, in whatever byte order the capturing machine had."""
    family = gather(buffer, start, "<u4").copy()
    swapped = family > 0xFFFF
    family[swapped] = family[swapped].byteswap()
    holds = np.where(family == _AF_INET, IS_IPV4, np.where(np.isin(family, _AF_INET6), IS_IPV6, NOT_IP))
    return np.where(start + 4 <= end, holds, MALFORMED).astype(np.uint8)


def _ethertypes(buffer: U8, start: I64, end: I64, header: int, type_at: int) -> tuple[U8, I64]:
    network = start + header
    short = network > end
    network[short] = end[short]
    kind: U16 = gather(buffer, start + type_at, ">u2").astype(np.uint16)
    kind[short] = 0
    ipv4, ipv6 = kind == _IPV4, kind == _IPV6
    other = np.flatnonzero(~(ipv4 | ipv6 | short))
    holds: U8 = np.multiply(ipv4, IS_IPV4, dtype=np.uint8) + np.multiply(ipv6, IS_IPV6, dtype=np.uint8)
    holds[short] = MALFORMED
    if len(other):
        holds[other], network[other] = _unwrap(buffer, kind[other], network[other], end[other])
    return holds, network


def _unwrap(buffer: U8, kind: U16, network: I64, end: I64) -> tuple[U8, I64]:
    """Pass VLAN tags, PPPoE and MPLS labels; frames that end inside one are malformed."""
    holds = np.zeros(len(kind), np.uint8)
    wrapped = np.flatnonzero(np.isin(kind, (*_VLAN, *_LABELS, _PPPOE)))
    for _ in range(_MOST_WRAPPERS):
        if not len(wrapped):
            break
        at, outer = network[wrapped], kind[wrapped]
        size = np.where(outer == _PPPOE, 8, 4)
        cut = at + size > end[wrapped]
        holds[wrapped[cut]] = MALFORMED
        wrapped, at, outer, size = wrapped[~cut], at[~cut], outer[~cut], size[~cut]
        inner = _inner(buffer, at, outer, end[wrapped])
        kind[wrapped] = inner
        network[wrapped] = at + size
        wrapped = wrapped[np.isin(inner, (*_VLAN, *_LABELS, _PPPOE))]
    holds[wrapped] = MALFORMED
    holds[(kind == _IPV4) & (holds != MALFORMED)] = IS_IPV4
    holds[(kind == _IPV6) & (holds != MALFORMED)] = IS_IPV6
    return holds, network


def _inner(buffer: U8, at: I64, outer: U16, end: I64) -> U16:
    """Return the ethertype of what stands behind each wrapper, 0 where it is not of interest."""
    label = np.isin(outer, _LABELS)
    inner: U16 = gather(buffer, at + 2, ">u2").astype(np.uint16)
    ppp = gather(buffer, at + 6, ">u2")
    inner = np.where(
        outer == _PPPOE, np.where(ppp == _PPP_IPV4, _IPV4, np.where(ppp == _PPP_IPV6, _IPV6, 0)), inner
    ).astype(np.uint16)
    if label.any():
        last = (buffer[at + 2] & 1) == 1
        # Behind the last label nothing names the protocol but its own first four bits.
        version = np.where(at + 4 < end, buffer[at + 4] >> 4, 0)
        behind = np.where(version == 4, _IPV4, np.where(version == 6, _IPV6, 0))
        inner = np.where(label, np.where(last, behind, outer), inner).astype(np.uint16)
    return inner
