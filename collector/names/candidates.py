"""The few packets that are worth a closer look, found among all in one pass."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import I64, U8, U16, U64
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32, signed
from caudal.collector.names.keys import Keys, connection_key
from caudal.collector.names.quic import VERSIONS
from caudal.collector.names.request import METHODS
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Mask, Packets

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
# Plain HTTP: its own port, and those that proxies, CDNs and appliances use beside it.
HTTP_PORTS: Final = (80, 2052, 2082, 2086, 2095, 3128, 8000, 8008, 8080, 8081, 8880)
_IS_TLS: Mask = np.zeros(1 << 16, np.bool_)
_IS_TLS[list(TLS_PORTS)] = True
_IS_QUIC: Mask = np.zeros(1 << 16, np.bool_)
_IS_QUIC[list(QUIC_PORTS)] = True
_IS_HTTP: Mask = np.zeros(1 << 16, np.bool_)
_IS_HTTP[list(HTTP_PORTS)] = True
_VERSIONS = tuple(sorted(VERSIONS))
_METHODS = tuple(sorted(int.from_bytes(method) for method in METHODS))


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
        """Return the candidates that a mask, bool (candidates,), or positions, int64, select."""
        return Candidates(self.which[mask], self.start[mask], self.end[mask], self.whole[mask])


@dataclass(frozen=True)
class Worth:
    """DNS answers, QUIC Initials of clients, TCP segments that begin with a ClientHello or a request of HTTP, and others.

    `segments` are those with payload towards a port of TLS: one may go on with a hello that began before.
    """

    answers: Candidates
    initials: Candidates
    hellos: Candidates
    requests: Candidates
    segments: Candidates


_ANSWER, _INITIAL, _HELLO, _REQUEST = range(4)
_WHICH, _START, _END, _WHOLE, _KIND = range(5)


def worth_a_look(chunk: PacketChunk, packets: Packets) -> Worth:
    """Return the packets of a chunk that may hold a name."""
    found, segments = np.empty((5, len(packets)), np.int64), np.empty((5, len(packets)), np.int64)
    count, others = _find(
        chunk.buffer,
        np.ascontiguousarray(chunk.offset),
        np.ascontiguousarray(chunk.captured),
        packets.frame,
        packets.ip_protocol,
        packets.source_port,
        packets.destination_port,
        packets.ports_known,
        packets.fragmented,
        packets.bytes,
        packets.transport,
        packets.end,
        found,
        segments,
    )
    found = found[:, :count]
    of_kind = [found[:, found[_KIND] == kind] for kind in (_ANSWER, _INITIAL, _HELLO, _REQUEST)]
    return Worth(*map(_candidates, (*of_kind, segments[:, :others])))


def _candidates(found: I64) -> Candidates:
    return Candidates(found[_WHICH], found[_START], found[_END], found[_WHOLE] == 1)


def awaited(packets: Packets, segments: Candidates, keys: Keys, marks: U16) -> Candidates:
    """Return the segments of connections marked where the last bits of their key say (see Hellos.marks)."""
    return segments.take(
        _is_marked(
            keys.secret,
            marks,
            segments.which,
            packets.source_high,
            packets.source_low,
            packets.source_port,
            packets.destination_high,
            packets.destination_low,
            packets.destination_port,
        )
    )


@kernel
def _find(
    buffer: U8,
    offset: I64,
    captured: I64,
    frame: I64,
    protocol: U8,
    source_port: U16,
    destination_port: U16,
    ports_known: Mask,
    fragmented: Mask,
    octets: U64,
    transport: I64,
    end: I64,
    found: I64,
    segments: I64,
) -> tuple[int, int]:
    """Write candidates with their kind, and other segments; return how many there are of each.

    Either has room for all packets. What is read of a payload lies inside of its frame and of the buffer.
    """
    count = others = 0
    for packet in range(len(frame)):
        udp, tcp = protocol[packet] == _UDP, protocol[packet] == _TCP
        port = destination_port[packet]
        answer = udp and source_port[packet] == DNS_PORT
        initial = udp and not answer and _IS_QUIC[port] and octets[packet] >= np.uint64(_LEAST_INITIAL)
        if not (answer or initial or (tcp and (_IS_TLS[port] or _IS_HTTP[port]))):
            continue
        # Of later fragments and of what is cut before its ports these hold too little to be taken for anything.
        if not ports_known[packet] or fragmented[packet]:
            continue
        at = transport[packet]
        stop = min(offset[frame[packet]] + captured[frame[packet]], len(buffer))
        if at < 0 or at + _LEAST_TCP_HEADER > stop:
            continue
        header = signed(buffer[at + 12] >> 4) * 4 if tcp else _UDP_HEADER
        start, whole = at + header, end[packet] <= stop
        stop = min(stop, end[packet])
        if stop - start < (1 if tcp else _LEAST_DNS) or (tcp and header < _LEAST_TCP_HEADER):
            continue
        if initial and not _is_initial(buffer, start):
            continue
        if tcp and _IS_HTTP[port]:
            if stop - start < 4 or big32(buffer, start) not in _METHODS:
                continue
            found[_WHICH, count], found[_START, count] = packet, start
            found[_END, count], found[_WHOLE, count] = stop, whole
            found[_KIND, count] = _REQUEST
            count += 1
            continue
        if tcp and not (stop - start > 5 and buffer[start + 5] == 1 and big16(buffer, start) == 0x1603):
            segments[_WHICH, others], segments[_START, others] = packet, start
            segments[_END, others], segments[_WHOLE, others] = stop, whole
            others += 1
            continue
        found[_WHICH, count], found[_START, count] = packet, start
        found[_END, count], found[_WHOLE, count] = stop, whole
        found[_KIND, count] = _HELLO if tcp else _INITIAL if initial else _ANSWER
        count += 1
    return count, others


@kernel
def _is_initial(buffer: U8, start: int) -> bool:
    """Return True if five octets begin a QUIC Initial of a known version."""
    version = big32(buffer, start + 1)
    # Version 1 has another number for Initial than version 2 (RFC 9369, section 3.2).
    return version in _VERSIONS and buffer[start] & 0xF0 == (0xC0 if version == 1 else 0xD0)


@kernel
def _is_marked(
    secret: U64,
    marks: U16,
    which: I64,
    source_high: U64,
    source_low: U64,
    source_port: U16,
    destination_high: U64,
    destination_low: U64,
    destination_port: U16,
) -> Mask:
    marked = np.zeros(len(which), np.bool_)
    for at in range(len(which)):
        packet = which[at]
        key = connection_key(
            secret,
            _TCP,
            source_high[packet],
            source_low[packet],
            source_port[packet],
            destination_high[packet],
            destination_low[packet],
            destination_port[packet],
        )
        marked[at] = marks[np.int64(key & np.uint64(len(marks) - 1))] != 0
    return marked
