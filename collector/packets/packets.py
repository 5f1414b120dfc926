"""IP packets as columns: addresses, ports, protocol and IP bytes of every captured packet.

Bytes are those the IP header tells, not those on the wire or in the capture. Where the header tells none
(segments put together before the capture saw them), the length on the wire stands in.
"""

from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I64, U8, U16, U64
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32, big64, signed
from caudal.collector.packets.holding import FRAME_CHECK
from caudal.collector.packets.link import IS_IPV4, IS_IPV6, LINKS, NFLOG, NOT_IP, UNKNOWN, find_ip
from caudal.collector.packets.packetchunk import PacketChunk

Mask = npt.NDArray[np.bool_]

# TCP, UDP, DCCP, SCTP, UDP-Lite: those that begin with a source and a destination port.
PORTS_FIRST = np.zeros(256, np.bool_)
PORTS_FIRST[[6, 17, 33, 132, 136]] = True

_IPV4_HEADER, _IPV6_HEADER = 20, 40
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _NO_NEXT, _DESTINATION = 0, 43, 44, 51, 59, 60
_EXTENSION = np.zeros(256, np.bool_)
_EXTENSION[[_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION]] = True
_MOST_EXTENSIONS = 8
_JUMBO_OPTION = 0xC204
_LONGEST_PACKET = 0xFFFF + _IPV6_HEADER


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
    """Counts of packets by where they went: `packets` = `ipv4` + `ipv6` + `not_ip` + `malformed`, always.

    `not_ip` are frames of other protocols, or of the link types in `unknown_link_types` (type: packets);
    `malformed` are frames whose link or IP header is cut short or contradicts itself, or tells of a packet that is longer
    than its frame was on the wire.
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


# Rows of the matrices that kernels write columns into, by the type of their elements.
_FRAME, _TIME_MS, _NETWORK, _TRANSPORT, _END = range(5)
_SOURCE_HIGH, _SOURCE_LOW, _DESTINATION_HIGH, _DESTINATION_LOW, _BYTES = range(5)
_SOURCE_PORT, _DESTINATION_PORT = range(2)
_PROTOCOL, _PORTS_KNOWN, _FRAGMENTED = range(3)
Matrices = tuple[I64, U64, U16, U8]


def read_packets(chunk: PacketChunk, counts: PacketCounts) -> tuple[Packets, Packets]:
    """Return the IPv4 and the IPv6 packets of a chunk, and add to `counts` where every packet went."""
    four, six = _matrices(len(chunk)), _matrices(len(chunk))
    ipv4, ipv6, not_ip, unknown = _read(
        chunk.buffer,
        np.ascontiguousarray(chunk.offset),
        np.ascontiguousarray(chunk.captured),
        np.ascontiguousarray(chunk.original),
        np.ascontiguousarray(chunk.time_ms),
        np.ascontiguousarray(chunk.link_type),
        four,
        six,
    )
    counts.packets += len(chunk)
    counts.ipv4 += ipv4
    counts.ipv6 += ipv6
    counts.not_ip += not_ip
    counts.malformed += len(chunk) - ipv4 - ipv6 - not_ip
    if unknown:
        for link, packets in zip(*np.unique(chunk.link_type, return_counts=True), strict=True):
            if link not in LINKS:
                known = counts.unknown_link_types.get(int(link), 0)
                counts.unknown_link_types[int(link)] = known + int(packets)
    return _packets(4, four, ipv4), _packets(6, six, ipv6)


def _matrices(count: int) -> Matrices:
    # Of memory that is not written to nothing is taken.
    return (
        np.empty((5, count), np.int64),
        np.empty((5, count), np.uint64),
        np.empty((2, count), np.uint16),
        np.empty((3, count), np.uint8),
    )


def _packets(ip_version: int, matrices: Matrices, count: int) -> Packets:
    places, numbers, ports, octets = (matrix[:, :count] for matrix in matrices)
    return Packets(
        ip_version,
        frame=places[_FRAME],
        time_ms=places[_TIME_MS],
        source_high=numbers[_SOURCE_HIGH],
        source_low=numbers[_SOURCE_LOW],
        destination_high=numbers[_DESTINATION_HIGH],
        destination_low=numbers[_DESTINATION_LOW],
        source_port=ports[_SOURCE_PORT],
        destination_port=ports[_DESTINATION_PORT],
        ports_known=octets[_PORTS_KNOWN].view(np.bool_),
        ip_protocol=octets[_PROTOCOL],
        bytes=numbers[_BYTES],
        fragmented=octets[_FRAGMENTED].view(np.bool_),
        network=places[_NETWORK],
        transport=places[_TRANSPORT],
        end=places[_END],
    )


@kernel
def _read(
    buffer: U8,
    offset: I64,
    captured: I64,
    original: I64,
    time_ms: I64,
    link_type: U16,
    four: Matrices,
    six: Matrices,
) -> tuple[int, int, int, int]:
    """Write the packets of either version; return how many there are, how many not IP, and of an unknown link.

    Frames are held to the buffer, whatever the columns say; nothing is read outside of its frame.
    """
    ipv4 = ipv6 = not_ip = unknown = 0
    for frame in range(len(offset)):
        start = offset[frame]
        end = min(start + captured[frame], len(buffer))
        if start < 0 or start > end:
            continue
        wire = start + original[frame]
        holds, network = find_ip(buffer, start, end, wire, link_type[frame])
        most = wire - network + FRAME_CHECK
        if link_type[frame] == NFLOG:
            most = _LONGEST_PACKET  # how much was logged of a packet says nothing about its length
        if holds == IS_IPV4:
            if _read_ipv4(buffer, network, end, wire, most, four, ipv4):
                four[0][_FRAME, ipv4], four[0][_TIME_MS, ipv4] = frame, time_ms[frame]
                ipv4 += 1
        elif holds == IS_IPV6:
            if _read_ipv6(buffer, network, end, wire, most, six, ipv6):
                six[0][_FRAME, ipv6], six[0][_TIME_MS, ipv6] = frame, time_ms[frame]
                ipv6 += 1
        elif holds == UNKNOWN:
            not_ip += 1
            unknown += 1
        elif holds == NOT_IP:
            not_ip += 1
    return ipv4, ipv6, not_ip, unknown


@kernel
def _read_ipv4(buffer: U8, network: int, end: int, wire: int, most: int, to: Matrices, row: int) -> bool:
    """Write one packet into a row; return whether it can be read.

    `wire` is where its frame ended on the wire, `most` how long a packet in that frame can be.
    """
    available = end - network
    if available < _IPV4_HEADER:
        return False
    first = buffer[network]
    length = signed(first & 15) * 4
    total = big16(buffer, network + 2)
    if total == 0:
        total = max(wire - network, length)
    if first < 0x45 or first > 0x4F or total < length or total > most:
        return False
    fragment = big16(buffer, network + 6)
    protocol = signed(buffer[network + 9])
    known = PORTS_FIRST[protocol] and fragment & 0x1FFF == 0 and min(available, total) >= length + 4
    _, numbers, _, octets = to
    numbers[_SOURCE_HIGH, row] = numbers[_DESTINATION_HIGH, row] = 0
    numbers[_SOURCE_LOW, row] = big32(buffer, network + 12)
    numbers[_DESTINATION_LOW, row] = big32(buffer, network + 16)
    octets[_FRAGMENTED, row] = fragment & 0x3FFF != 0
    _write_rest(buffer, network, network + length, total, protocol, known, to, row)
    return True


@kernel
def _read_ipv6(buffer: U8, network: int, end: int, wire: int, most: int, to: Matrices, row: int) -> bool:
    """Write one packet into a row; return whether it can be read. `wire` and `most` are as of IPv4."""
    available = end - network
    if available < _IPV6_HEADER or buffer[network] >> 4 != 6:
        return False
    total = big16(buffer, network + 4) + _IPV6_HEADER
    protocol = signed(buffer[network + 6])
    transport = network + _IPV6_HEADER
    if total == _IPV6_HEADER and protocol != _NO_NEXT:
        # Of packets whose header says 0 the jumbo option (RFC 2675) tells the length, else the wire.
        option = protocol == _HOP_BY_HOP and available >= _IPV6_HEADER + 8
        if option and big16(buffer, transport + 2) == _JUMBO_OPTION:
            total += big32(buffer, transport + 4)
        else:
            total = max(wire - network, _IPV6_HEADER)
    if total > most:
        return False
    end = network + min(available, total)
    fragmented = later = False
    # What is cut short stays where it is.
    for _ in range(_MOST_EXTENSIONS):
        if later or not _EXTENSION[protocol] or transport + 8 > end:
            break
        length = signed(buffer[transport + 1])
        size = (length + 1) * 8
        if protocol == _FRAGMENT:
            fragment = big16(buffer, transport + 2)
            fragmented |= fragment & 0xFFF9 != 0
            later = fragment & 0xFFF8 != 0
            size = 8
        elif protocol == _AUTHENTICATION:
            size = (length + 2) * 4
        protocol = signed(buffer[transport])
        transport += size
    known = PORTS_FIRST[protocol] and not later and transport + 4 <= end
    _, numbers, _, octets = to
    numbers[_SOURCE_HIGH, row] = big64(buffer, network + 8)
    numbers[_SOURCE_LOW, row] = big64(buffer, network + 16)
    numbers[_DESTINATION_HIGH, row] = big64(buffer, network + 24)
    numbers[_DESTINATION_LOW, row] = big64(buffer, network + 32)
    octets[_FRAGMENTED, row] = fragmented
    _write_rest(buffer, network, transport, total, protocol, known, to, row)
    return True


@kernel
def _write_rest(
    buffer: U8, network: int, transport: int, total: int, protocol: int, known: bool, to: Matrices, row: int
) -> None:
    places, numbers, ports, octets = to
    places[_NETWORK, row] = network
    places[_TRANSPORT, row] = transport
    places[_END, row] = network + total
    numbers[_BYTES, row] = total
    octets[_PROTOCOL, row] = protocol
    octets[_PORTS_KNOWN, row] = known
    ports[_SOURCE_PORT, row] = big16(buffer, transport) if known else 0
    ports[_DESTINATION_PORT, row] = big16(buffer, transport + 2) if known else 0
