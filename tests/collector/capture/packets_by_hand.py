"""What a frame holds, read octet by octet in plain Python: slow, and nothing in common with the kernels."""

from dataclasses import dataclass

from caudal.collector.packets.link import ETHERNET, IPV4, IPV6, LOOP, MPLS, NULL, RAW, SLL, SLL2
from caudal.collector.packets.packetchunk import NO_LINK_TYPE

_TAGS = {0x8100: 4, 0x88A8: 4, 0x9100: 4, 0x9200: 4, 0x9300: 4, 0x8847: 4, 0x8848: 4, 0x8864: 8}
_VERSIONS = {4: 0x0800, 6: 0x86DD}
# The links that are read here.
LINKS = (NULL, ETHERNET, LOOP, SLL, MPLS, IPV4, IPV6, SLL2, *RAW, NO_LINK_TYPE)


@dataclass(frozen=True)
class Seen:
    """One packet: the columns of Packets, places counted from the frame's first octet."""

    version: int
    source: int
    destination: int
    ports: tuple[int, int] | None
    protocol: int
    octets: int
    fragmented: bool
    network: int
    transport: int


def read_frame(frame: bytes, link: int, original: int) -> Seen | str:
    """Return the packet in a frame, or 'malformed', 'not ip', 'unknown', or 'in labels' if there may be another frame in it."""
    found = _network(frame, link, original)
    if isinstance(found, str):
        return found
    version, at = found
    packet = (_four if version == 4 else _six)(frame[at:], at, original - at)
    # The check sequence of a frame is of its length or not.
    return packet if packet and packet.octets <= original - at + 4 else "malformed"


def _network(frame: bytes, link: int, original: int) -> tuple[int, int] | str:
    if link in RAW:
        version = frame[0] >> 4 if frame else 0
        return (version, 0) if version in _VERSIONS else "malformed"
    if link in (IPV4, IPV6):
        return 4 if link == IPV4 else 6, 0
    if link in (NULL, LOOP):
        if len(frame) < 4:
            return "malformed"
        family = min(int.from_bytes(frame[:4], order) for order in ("big", "little"))
        known = {2: 4} | dict.fromkeys((10, 23, 24, 26, 28, 30), 6)
        return (known[family], 4) if family in known else "not ip"
    if link == NO_LINK_TYPE:
        return "malformed"
    if link == MPLS:
        return _behind(frame, 0x8847, 0, original)
    header, type_at = {ETHERNET: (14, 12), SLL: (16, 14), SLL2: (20, 0)}.get(link, (0, 0))
    if not header:
        return "unknown"
    if len(frame) < header:
        return "malformed"
    return _behind(frame, int.from_bytes(frame[type_at : type_at + 2]), header, original)


def _behind(frame: bytes, kind: int, at: int, original: int) -> tuple[int, int] | str:
    for passed in range(100):
        if kind in (0x8847, 0x8848):
            return _labelled(frame, at, original)
        for version, ethertype in _VERSIONS.items():
            if kind == ethertype:
                return version, at
        if kind not in _TAGS:
            return "not ip"
        tag = frame[at : at + _TAGS[kind]]
        if len(tag) < _TAGS[kind] or passed == 12:
            return "malformed"
        at += len(tag)
        if kind == 0x8864:
            kind = {0x21: 0x0800, 0x57: 0x86DD}.get(int.from_bytes(tag[6:]), 0)
        else:
            kind = int.from_bytes(tag[2:])
    raise AssertionError


def _labelled(frame: bytes, at: int, original: int) -> tuple[int, int] | str:
    """IP behind labels, which is there if its header holds; Ethernet is not looked for."""
    for _ in range(12):
        label = frame[at : at + 4]
        if len(label) < 4:
            return "malformed"
        at += 4
        if label[2] & 1:
            found = holding(frame[at:], at, original - at)
            return "in labels" if isinstance(found, str) else found
    return "malformed"


def holding(data: bytes, at: int, wire: int) -> tuple[int, int] | str:
    if len(data) >= 20 and data[0] >> 4 == 4:
        header = data[0] % 16 * 4
        total = int.from_bytes(data[2:4])
        words = [int.from_bytes(data[n : n + 2]) for n in range(0, header, 2)]
        right = sum(words) > 0 and sum(words) % 0xFFFF == 0
        if header >= 20 and (header <= total or total == 0) and total <= wire + 4:
            untold = (len(data) < header or data[10:12] == b"\0\0") and total and wire - total <= 4
            if untold or (len(data) >= header and right):
                return 4, at
    if len(data) >= 40 and data[0] >> 4 == 6 and data[8] != 255:
        payload, behind = int.from_bytes(data[4:6]), wire - 40 - int.from_bytes(data[4:6])
        if (payload or data[6]) and data[6] in _NEXT and -4 <= behind <= 64:
            return 6, at
        if not payload and not data[6] and behind > 65_535:
            return 6, at
    return "not ip"


_NEXT = {0, 4, 6, 17, 33, 41, 43, 44, 46, 47, 50, 51, 58, 59, 60, 88, 89, 97, 98, 103, 108, 112, 115} | {
    124, 132, 135, 136, 137, 139, 140, 143,
}  # fmt: skip


def _ports(protocol: int, payload: bytes) -> tuple[int, int] | None:
    if protocol not in (6, 17, 33, 132, 136) or len(payload) < 4:
        return None
    return int.from_bytes(payload[:2]), int.from_bytes(payload[2:4])


def _four(data: bytes, at: int, wire: int) -> Seen | None:
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    length = data[0] % 16 * 4
    total = int.from_bytes(data[2:4]) or max(wire, length)
    if length < 20 or total < length:
        return None
    flags, place = divmod(int.from_bytes(data[6:8]), 1 << 13)
    return Seen(
        4,
        int.from_bytes(data[12:16]),
        int.from_bytes(data[16:20]),
        None if place else _ports(data[9], data[length:total]),
        data[9],
        total,
        bool(flags & 1 or place),
        at,
        at + length,
    )


def _six(data: bytes, at: int, wire: int) -> Seen | None:
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    total, protocol, place = 40 + int.from_bytes(data[4:6]), data[6], 40
    if total == 40 and protocol != 59:
        jumbo = protocol == 0 and data[42:44] == b"\xc2\x04" and len(data) >= 48
        total = 40 + int.from_bytes(data[44:48]) if jumbo else max(wire, 40)
    held = data[:total]
    fragmented = later = False
    for _ in range(8):
        header = held[place : place + 8]
        if protocol not in (0, 43, 44, 51, 60) or len(header) < 8 or later:
            break
        if protocol == 44:
            offset, more = int.from_bytes(header[2:4]) >> 3, header[3] & 1
            fragmented, later = fragmented or bool(offset or more), offset > 0
            size = 8
        else:
            size = (header[1] + 2) * 4 if protocol == 51 else (header[1] + 1) * 8
        place, protocol = place + size, header[0]
    return Seen(
        6,
        int.from_bytes(data[8:24]),
        int.from_bytes(data[24:40]),
        None if later else _ports(protocol, held[place:]),
        protocol,
        total,
        fragmented,
        at,
        at + place,
    )
