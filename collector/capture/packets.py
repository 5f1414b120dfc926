"""IP packets as columns: addresses, ports, protocol and IP bytes of every captured packet.

Bytes are those the IP header tells, not those on the wire or in the capture. Where the header tells none
(segments put together before the capture saw them), the length on the wire stands in.
"""

from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from caudal.collector.capture.gather import gather
from caudal.collector.capture.link import IS_IPV4, IS_IPV6, NOT_IP, find_ip
from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.flowrecords import I64, U8, U16, U64

Mask = npt.NDArray[np.bool_]

# TCP, UDP, DCCP, SCTP, UDP-Lite: those that begin with a source and a destination port.
PORTS_FIRST = np.zeros(256, np.bool_)
PORTS_FIRST[[6, 17, 33, 132, 136]] = True

_IPV4 = np.dtype(
    [
        ("version_length", "u1"),
        ("service", "u1"),
        ("total", ">u2"),
        ("identification", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("source", ">u4"),
        ("destination", ">u4"),
        ("source_port", ">u2"),
        ("destination_port", ">u2"),
    ]
)
_IPV6 = np.dtype(
    [
        ("version_class_label", ">u4"),
        ("payload", ">u2"),
        ("protocol", "u1"),
        ("hops", "u1"),
        ("source_high", ">u8"),
        ("source_low", ">u8"),
        ("destination_high", ">u8"),
        ("destination_low", ">u8"),
        ("source_port", ">u2"),
        ("destination_port", ">u2"),
    ]
)
_IPV4_HEADER, _IPV6_HEADER = 20, 40
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _NO_NEXT, _DESTINATION = 0, 43, 44, 51, 59, 60
_EXTENSION = np.zeros(256, np.bool_)
_EXTENSION[[_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION]] = True
_MOST_EXTENSIONS = 8


@dataclass(frozen=True)
class Packets:
    """The packets of one IP version, as columns.

    `frame` is the position of the packet in its chunk; `network`, `transport` and `end` are positions in its
    buffer: of the IP header, of what follows it and its extensions, and of the end of the packet (which may
    lie behind what was captured). Where `ports_known` is false (other protocols, later fragments, too short a
    capture) both ports are 0. `high` halves of IPv4 addresses are 0.
    """

    ip_version: int
    frame: I64
    time_ms: I64
    source_high: U64
    source_low: U64
    destination_high: U64
    destination_low: U64
    source_port: U16
    destination_port: U16
    ports_known: Mask
    ip_protocol: U8
    bytes: U64
    fragmented: Mask
    network: I64
    transport: I64
    end: I64

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, which: Mask) -> "Packets":
        """Return the packets that a mask selects."""
        columns = {field.name: getattr(self, field.name)[which] for field in fields(self)[1:]}
        return Packets(self.ip_version, **columns)


@dataclass
class PacketCounts:
    """Where packets went: `packets` = `ipv4` + `ipv6` + `not_ip` + `malformed`, always.

    `not_ip` are frames of other protocols, or of the link types in `unknown_link_types` (type: packets);
    `malformed` are frames whose link or IP header is cut short or contradicts itself.
    """

    packets: int = 0
    ipv4: int = 0
    ipv6: int = 0
    not_ip: int = 0
    malformed: int = 0
    unknown_link_types: dict[int, int] = field(default_factory=dict)

    @property
    def metered(self) -> int:
        """Packets that could be read: `ipv4` + `ipv6`."""
        return self.ipv4 + self.ipv6


def read_packets(chunk: PacketChunk, counts: PacketCounts) -> tuple[Packets, Packets]:
    """Return the IPv4 and the IPv6 packets of a chunk, and add to `counts` where every packet went."""
    frames = find_ip(chunk)
    ipv4 = _read_ipv4(chunk, np.flatnonzero(frames.holds == IS_IPV4), frames.network)
    ipv6 = _read_ipv6(chunk, np.flatnonzero(frames.holds == IS_IPV6), frames.network)
    not_ip = int(np.count_nonzero(frames.holds == NOT_IP))
    counts.packets += len(chunk)
    counts.ipv4 += len(ipv4)
    counts.ipv6 += len(ipv6)
    counts.not_ip += not_ip
    counts.malformed += len(chunk) - len(ipv4) - len(ipv6) - not_ip
    for link, packets in frames.unknown_link_types.items():
        counts.unknown_link_types[link] = counts.unknown_link_types.get(link, 0) + packets
    return ipv4, ipv6


def _read_ipv4(chunk: PacketChunk, frame: I64, networks: I64) -> Packets:
    whole = len(frame) == len(chunk)
    network = networks if whole else networks[frame]
    offset, captured, original = chunk.offset, chunk.captured, chunk.original
    if not whole:
        offset, captured, original = offset[frame], captured[frame], original[frame]
    available = offset + captured - network
    header = gather(chunk.buffer, network, _IPV4)
    first = header["version_length"]
    length = (first & 15).astype(np.int64) * 4
    total = header["total"].astype(np.int64)
    if not total.all():
        total = np.where(total == 0, np.maximum(offset + original - network, length), total)
    good = (available >= _IPV4_HEADER) & (first >= 0x45) & (first <= 0x4F) & (total >= length)
    if not good.all():
        return _read_ipv4(chunk, frame[good], networks)
    fragment = header["fragment"].astype(np.uint16)
    protocol = header["protocol"].copy()
    known = PORTS_FIRST[protocol]
    known &= (fragment & 0x1FFF) == 0
    known &= np.minimum(available, total) >= length + 4
    source_port = header["source_port"].astype(np.uint16)
    destination_port = header["destination_port"].astype(np.uint16)
    transport = network + length
    options = np.flatnonzero(known & (first != 0x45))
    if len(options):
        ports = gather(chunk.buffer, transport[options], [("source", ">u2"), ("destination", ">u2")])
        source_port[options], destination_port[options] = ports["source"], ports["destination"]
    source_port *= known
    destination_port *= known
    none = np.broadcast_to(np.uint64(0), len(frame))
    return Packets(
        4,
        frame,
        chunk.time_ms if whole else chunk.time_ms[frame],
        none,
        header["source"].astype(np.uint64),
        none,
        header["destination"].astype(np.uint64),
        source_port,
        destination_port,
        known,
        protocol,
        total.view(np.uint64),
        (fragment & 0x3FFF) != 0,
        network,
        transport,
        network + total,
    )


def _read_ipv6(chunk: PacketChunk, frame: I64, networks: I64) -> Packets:
    network, offset = networks[frame], chunk.offset[frame]
    available = offset + chunk.captured[frame] - network
    header = gather(chunk.buffer, network, _IPV6)
    good = (available >= _IPV6_HEADER) & (header["version_class_label"] >> 28 == 6)
    if not good.all():
        return _read_ipv6(chunk, frame[good], networks)
    total = header["payload"].astype(np.int64) + _IPV6_HEADER
    protocol = header["protocol"].copy()
    zero = np.flatnonzero((total == _IPV6_HEADER) & (protocol != _NO_NEXT))
    if len(zero):
        wire = (offset + chunk.original[frame] - network)[zero]
        total[zero] = _length_of_large(chunk.buffer, network[zero], available[zero], protocol[zero], wire)
    transport = network + _IPV6_HEADER
    end = np.minimum(available, total) + network
    fragmented = np.zeros(len(frame), np.bool_)
    later = np.zeros(len(frame), np.bool_)
    if _EXTENSION[protocol].any():
        _pass_extensions(chunk.buffer, protocol, transport, end, fragmented, later)
    known = PORTS_FIRST[protocol] & ~later & (transport + 4 <= end)
    ports = gather(chunk.buffer, np.minimum(transport, end), [("source", ">u2"), ("destination", ">u2")])
    return Packets(
        6,
        frame,
        chunk.time_ms[frame],
        header["source_high"].astype(np.uint64),
        header["source_low"].astype(np.uint64),
        header["destination_high"].astype(np.uint64),
        header["destination_low"].astype(np.uint64),
        ports["source"].astype(np.uint16) * known,
        ports["destination"].astype(np.uint16) * known,
        known,
        protocol,
        total.view(np.uint64),
        fragmented,
        network,
        transport,
        network + total,
    )


def _length_of_large(buffer: U8, network: I64, available: I64, protocol: U8, wire: I64) -> I64:
    """Return the IP length of packets whose header says 0: from the jumbo option (RFC 2675), else the wire."""
    option = gather(buffer, network + _IPV6_HEADER, [("head", ">u4"), ("jumbo", ">u4")])
    jumbo = (protocol == _HOP_BY_HOP) & (option["head"] & 0xFFFF == 0xC204) & (available >= _IPV6_HEADER + 8)
    return np.where(jumbo, option["jumbo"].astype(np.int64) + _IPV6_HEADER, np.maximum(wire, _IPV6_HEADER))


def _pass_extensions(
    buffer: U8, protocol: U8, transport: I64, end: I64, fragmented: Mask, later: Mask
) -> None:
    """Walk extension headers, all packets one header at a time; what is cut short stays where it is."""
    walking = np.flatnonzero(_EXTENSION[protocol])
    for _ in range(_MOST_EXTENSIONS):
        walking = walking[transport[walking] + 8 <= end[walking]]
        if not len(walking):
            return
        at, kind = transport[walking], protocol[walking]
        head = gather(buffer, at, [("next", "u1"), ("length", "u1"), ("fragment", ">u2")])
        length = head["length"].astype(np.int64)
        is_fragment = kind == _FRAGMENT
        size = np.where(is_fragment, 8, np.where(kind == _AUTHENTICATION, (length + 2) * 4, (length + 1) * 8))
        transport[walking] = at + size
        protocol[walking] = head["next"]
        fragmented[walking] |= is_fragment & (head["fragment"] & 0xFFF9 != 0)
        is_later = is_fragment & (head["fragment"] & 0xFFF8 != 0)
        later[walking] |= is_later
        walking = walking[_EXTENSION[head["next"]] & ~is_later]
