"""sFlow version 5 read octet by octet, one datagram after the other: what the columnar decoder must agree with.

It shares nothing with it but the reading of packets, which has tests of its own.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, read_packets


class Short(Exception):
    """Octets end before they should."""


class Record(NamedTuple):
    """What a flow sample says; None where it does not."""

    rate: int
    input: int | None
    output: int | None
    source_as: int | None
    destination_as: int | None
    packet: tuple[int, ...] | None  # IP version, addresses, ports, protocol, bytes


class Octets:
    """Big-endian numbers from a slice of octets, and no further."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.data):
            raise Short
        self.at += length
        return self.data[self.at - length : self.at]

    def structure(self) -> tuple[int, "Octets"]:
        kind, length = self.number(), self.number()
        body = Octets(self.take(length))
        self.at += -length & 3
        return kind, body

    def address(self) -> None:
        kind = self.number()
        if kind > 2:
            raise Short
        self.take((0, 4, 16)[kind])


def read(payload: bytes) -> tuple[list[Record], int]:
    """Return the records of a datagram and how much of it is malformed."""
    octets = Octets(payload)
    records: list[Record] = []
    malformed = 0
    try:
        octets.number()
        octets.address()
        octets.take(12)
        for _ in range(octets.number()):
            kind, body = octets.structure()
            if kind in (1, 3):
                try:
                    records.append(_flow_sample(body, expanded=kind == 3))
                except Short:
                    malformed += 1
    except Short:
        malformed += 1
    return records, malformed


def _flow_sample(sample: Octets, *, expanded: bool) -> Record:
    sample.take(12 if expanded else 8)
    rate = sample.number()
    sample.take(8)
    interfaces: list[int | None] = []
    for _ in range(2):
        form, value = (sample.number(), sample.number()) if expanded else divmod(sample.number(), 1 << 30)
        interfaces.append(None if form or value in (0, 0x3FFF_FFFF, 0xFFFF_FFFF) else value)
    networks: tuple[int | None, int | None] = (None, None)
    header: tuple[int, bytes, int] | None = None
    fields: tuple[int, ...] | None = None
    routed: list[tuple[int, int]] = []
    wrong = False
    by_kind: dict[int, list[tuple[int, ...]]] = {3: [], 4: []}
    for kind, body in list(_records(sample)):
        try:
            if kind == 1:
                protocol, frame, stripped, size = (body.number() for _ in range(4))
                start = body.take(size)
                if size and protocol in (1, 11, 12, 13):
                    header = protocol, start, max(frame - stripped, size)
            elif kind in (3, 4):
                by_kind[kind].append(_sampled(body, version=4 if kind == 3 else 6))
            elif kind == 1003:
                networks = _gateway(body)
            elif kind == 1002:
                body.address()
                routed.append((body.number(), body.number()))
        except Short:
            wrong = True
    if wrong:
        raise Short
    for ends in routed:
        # Where one end alone is routed by a prefix of length 0, that is the default route.
        networks = tuple(  # type: ignore[assignment]
            0 if asn and not mine and other else asn
            for asn, mine, other in zip(networks, ends, ends[::-1], strict=True)
        )
    for kind in (3, 4):
        fields = by_kind[kind][-1] if by_kind[kind] else fields
    packet = fields if header is None else _packet(*header) or fields
    return Record(rate, interfaces[0], interfaces[1], *networks, packet)


def _records(sample: Octets) -> Iterator[tuple[int, Octets]]:
    for _ in range(sample.number()):
        yield sample.structure()


def _sampled(body: Octets, *, version: int) -> tuple[int, ...]:
    length, protocol = body.number(), body.number() & 0xFF
    size = 4 if version == 4 else 16
    source, destination = (int.from_bytes(body.take(size), "big") for _ in range(2))
    ports = [body.number() & 0xFFFF for _ in range(2)]
    if protocol not in (6, 17, 33, 132, 136):
        ports = [0, 0]
    return version, source, destination, *ports, protocol, min(length, 0xFFFF)


def _gateway(body: Octets) -> tuple[int, int]:
    body.address()
    own, source = body.number(), body.number()
    body.number()
    destination = own
    for _ in range(body.number()):
        body.number()
        for _ in range(body.number()):
            destination = body.number()
    return source, destination


def _packet(protocol: int, header: bytes, original: int) -> tuple[int, ...] | None:
    chunk = PacketChunk(
        buffer=np.frombuffer(header + bytes(64), np.uint8),
        offset=np.zeros(1, np.int64),
        captured=np.array([len(header)]),
        original=np.array([original]),
        time_ms=np.zeros(1, np.int64),
        link_type=np.array([{1: 1, 11: 228, 12: 229, 13: 219}[protocol]], np.uint16),
    )
    for packets in read_packets(chunk, PacketCounts()):
        if len(packets):
            source, destination = (
                int(getattr(packets, f"{end}_high")[0]) << 64 | int(getattr(packets, f"{end}_low")[0])
                for end in ("source", "destination")
            )
            ports = int(packets.source_port[0]), int(packets.destination_port[0])
            return (
                packets.ip_version, source, destination, *ports,
                int(packets.ip_protocol[0]), int(packets.bytes[0]),
            )  # fmt: skip
    return None
