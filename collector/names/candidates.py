"""The few packets that are worth a closer look, found among all by comparing columns."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector.capture.gather import gather
from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packets import Mask, Packets
from caudal.collector.flowrecords import I64, U8
from caudal.collector.names.quic import VERSIONS

_TCP, _UDP, _UDP_HEADER, _LEAST_TCP_HEADER = 6, 17, 8, 20
DNS_PORT: Final = 53
_LEAST_DNS = 12
# A client's Initial fills its datagram up to this (RFC 9000, section 14.1).
_LEAST_INITIAL = 1_200
# TLS from its first octet: HTTPS, SMTP, NNTP, LDAP, DNS, FTP, IMAP, POP3, SIP, push and the usual others.
TLS_PORTS: Final = (
    443, 465, 563, 636, 853, 990, 993, 995, 1443, 2083, 2087, 2096, 4443, 4460, 5061, 5223, 5228, 5229, 5230,
    5671, 6443, 7443, 8443, 8883, 9443, 10443,
)  # fmt: skip
QUIC_PORTS: Final = (443, 8443, 853)
_IS_TLS: Mask = np.zeros(1 << 16, np.bool_)
_IS_TLS[list(TLS_PORTS)] = True
_IS_QUIC: Mask = np.zeros(1 << 16, np.bool_)
_IS_QUIC[list(QUIC_PORTS)] = True
_VERSIONS = np.array(sorted(VERSIONS), np.uint32)


@dataclass(frozen=True)
class Candidates:
    """Positions among packets of one IP version, and where the payload of each begins and ends in the buffer.

    `whole` says whether the payload was captured to its end.
    """

    which: I64
    start: I64
    end: I64
    whole: Mask

    def __len__(self) -> int:
        return len(self.which)

    def take(self, mask: Mask | I64) -> "Candidates":
        """Return those that a mask or positions select."""
        return Candidates(self.which[mask], self.start[mask], self.end[mask], self.whole[mask])


def dns_answers(chunk: PacketChunk, packets: Packets) -> Candidates:
    """Return UDP packets from the port of DNS."""
    which = np.flatnonzero((packets.source_port == DNS_PORT) & (packets.ip_protocol == _UDP))
    found = _payloads(chunk, packets, which, _UDP_HEADER)
    return found.take(found.end - found.start >= _LEAST_DNS)


def initials(chunk: PacketChunk, packets: Packets) -> Candidates:
    """Return UDP packets that begin with a QUIC Initial of a known version, from a client."""
    size = packets.bytes >= _LEAST_INITIAL
    which = np.flatnonzero(size & _IS_QUIC[packets.destination_port] & (packets.ip_protocol == _UDP))
    found = _payloads(chunk, packets, which, _UDP_HEADER)
    found = found.take(found.end - found.start >= _LEAST_DNS)
    head = gather(chunk.buffer, found.start, [("first", "u1"), ("version", ">u4")])
    known = np.isin(head["version"], _VERSIONS)
    # Version 1 has another number for Initial than version 2 (RFC 9369, section 3.2).
    kind = np.where(head["version"] == 1, 0xC0, 0xD0)
    return found.take(known & (head["first"] & 0xF0 == kind))


def tls_segments(chunk: PacketChunk, packets: Packets) -> Candidates:
    """Return TCP packets with payload towards a port of TLS."""
    which = np.flatnonzero(_IS_TLS[packets.destination_port] & (packets.ip_protocol == _TCP))
    transport = packets.transport[which]
    header = (_at(chunk.buffer, transport + 12) >> 4).astype(np.int64) * 4
    found = _payloads(chunk, packets, which, header)
    return found.take((found.end > found.start) & (header >= _LEAST_TCP_HEADER))


def begins_hello(chunk: PacketChunk, segments: Candidates) -> Mask:
    """Return which segments begin with a TLS record of a ClientHello."""
    head = gather(chunk.buffer, segments.start, [("type", ">u2"), ("rest", "V3"), ("handshake", "u1")])
    long_enough = segments.end - segments.start > 5
    hello: Mask = (head["type"] == 0x1603) & (head["handshake"] == 1) & long_enough
    return hello


def _payloads(chunk: PacketChunk, packets: Packets, which: I64, header: int | I64) -> Candidates:
    frame = packets.frame[which]
    captured = chunk.offset[frame] + chunk.captured[frame]
    start = np.minimum(packets.transport[which] + header, captured)
    end = packets.end[which]
    # Of later fragments and of what is cut before its ports these hold too little to be taken for anything.
    usable = packets.ports_known[which] & ~packets.fragmented[which]
    found = Candidates(which, start, np.minimum(end, captured), end <= captured)
    return found if usable.all() else found.take(usable)


def _at(buffer: U8, position: I64) -> U8:
    return buffer[np.minimum(position, len(buffer) - 1)]
