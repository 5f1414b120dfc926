"""Export datagrams made by hand, octet by octet, and short ways through the parts under test.

Nothing here uses the product's own knowledge of the protocols: what is written comes from RFC 3954,
RFC 7011, Cisco's description of NetFlow v5 and sFlow's of version 5.
"""

import ipaddress
import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caudal.collector.columns.datagrams import Datagrams, Exporters
from caudal.collector.columns.flowrecords import DTYPES, FlowRecords, concatenate
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.exporters.ledger import COUNT, Ledger
from caudal.common.vocabulary import LOCATION_RUNGS
from caudal.reference import SegmentSearch
from caudal.reference.addresses.steps import Range, Version, flatten

SECONDS = 1_767_225_600  # 2026-01-01 00:00:00 UTC
NOW_MS = SECONDS * 1000
ROUTER = "192.0.2.1"
VARIABLE = 65535

# Elements by the names that RFC 7012 and its registry give them: (number, octets).
OCTETS, PACKETS, PROTOCOL = (1, 4), (2, 4), (4, 1)
SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT = (8, 4), (12, 4), (7, 2), (11, 2)
SOURCE6, DESTINATION6 = (27, 16), (28, 16)
LAST, FIRST = (21, 4), (22, 4)
BASIC = (SOURCE, DESTINATION, OCTETS, PACKETS)

Field = tuple[int, int] | tuple[int, int, int]  # element, octets[, enterprise]


def ip(text: str) -> int:
    return int(ipaddress.ip_address(text))


def basic(
    source: str = "198.18.0.1", destination: str = "203.0.113.9", octets: int = 1000, packets: int = 10
) -> bytes:
    """A record of the template BASIC."""
    return struct.pack(">IIII", ip(source), ip(destination), octets, packets)


# NetFlow v5


def record5(
    source: str = "198.18.0.1",
    destination: str = "203.0.113.9",
    *,
    octets: int = 1000,
    packets: int = 10,
    first: int = 0,
    last: int = 0,
    protocol: int = 6,
    source_as: int = 0,
    destination_as: int = 0,
) -> bytes:
    return struct.pack(
        ">IIIHHIIIIHHBBBBHHBBH",
        ip(source), ip(destination), 0, 3, 4, packets, octets, first, last,
        1234, 443, 0, 0x18, protocol, 0, source_as, destination_as, 24, 24, 0,
    )  # fmt: skip


def netflow5(
    records: Sequence[bytes],
    *,
    count: int | None = None,
    uptime: int = 0,
    seconds: int = SECONDS,
    nanoseconds: int = 0,
    sequence: int = 0,
    engine: int = 0,
    sampling: int = 0,
) -> bytes:
    header = struct.pack(
        ">HHIIIIHH",
        5,
        len(records) if count is None else count,
        uptime,
        seconds,
        nanoseconds,
        sequence,
        engine,
        sampling,
    )
    return header + b"".join(records)


# NetFlow v7


def record7(
    source: str = "198.18.0.1",
    destination: str = "203.0.113.9",
    *,
    octets: int = 1000,
    packets: int = 10,
    first: int = 0,
    last: int = 0,
    ports: tuple[int, int] = (1234, 443),
    protocol: int = 6,
    input_: int = 3,
) -> bytes:
    return struct.pack(
        ">IIIHHIIIIHHBBBBHHBBHI",
        ip(source), ip(destination), 0, input_, 4, packets, octets, first, last,
        *ports, 0, 0, protocol, 0, 0, 0, 0, 0, 0, ip("192.0.2.254"),
    )  # fmt: skip


def netflow7(
    records: Sequence[bytes],
    *,
    count: int | None = None,
    uptime: int = 0,
    seconds: int = SECONDS,
    nanoseconds: int = 0,
    sequence: int = 0,
    reserved: int = 0,
) -> bytes:
    number = len(records) if count is None else count
    header = struct.pack(">HHIIIII", 7, number, uptime, seconds, nanoseconds, sequence, reserved)
    return header + b"".join(records)


# NetFlow v9 and IPFIX


def a_set(number: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">HH", number, len(body) + 4 if length is None else length) + body


def specifiers(fields: Iterable[Field]) -> bytes:
    out = b""
    for element, octets, *enterprise in fields:
        out += struct.pack(">HH", element | (0x8000 if enterprise else 0), octets)
        out += struct.pack(">I", enterprise[0]) if enterprise else b""
    return out


def template(number: int, *fields: Field, ipfix: bool = False) -> bytes:
    return a_set(2 if ipfix else 0, struct.pack(">HH", number, len(fields)) + specifiers(fields))


def options9(number: int, scope: Sequence[Field], fields: Sequence[Field]) -> bytes:
    head = struct.pack(">HHH", number, len(scope) * 4, len(fields) * 4)
    return a_set(1, head + specifiers(scope) + specifiers(fields))


def options10(number: int, scope: Sequence[Field], fields: Sequence[Field]) -> bytes:
    head = struct.pack(">HHH", number, len(scope) + len(fields), len(scope))
    return a_set(3, head + specifiers(scope) + specifiers(fields))


def withdrawal(number: int, *, options: bool = False) -> bytes:
    return a_set(3 if options else 2, struct.pack(">HH", number, 0))


def netflow9(
    *sets: bytes,
    seconds: int = SECONDS,
    uptime: int = 0,
    sequence: int = 0,
    domain: int = 0,
    count: int | None = None,
) -> bytes:
    return struct.pack(
        ">HHIIII", 9, len(sets) if count is None else count, uptime, seconds, sequence, domain
    ) + b"".join(sets)


def ipfix(
    *sets: bytes, seconds: int = SECONDS, sequence: int = 0, domain: int = 0, length: int | None = None
) -> bytes:
    body = b"".join(sets)
    return (
        struct.pack(">HHIII", 10, 16 + len(body) if length is None else length, seconds, sequence, domain)
        + body
    )


# sFlow v5


def address(text: str) -> bytes:
    packed = ipaddress.ip_address(text).packed
    return struct.pack(">I", 1 if len(packed) == 4 else 2) + packed


def sflow(
    *samples: bytes, agent: str = ROUTER, sub_agent: int = 0, sequence: int = 1, count: int | None = None
) -> bytes:
    head = struct.pack(">III", sub_agent, sequence, 1000)
    number = struct.pack(">I", len(samples) if count is None else count)
    return struct.pack(">I", 5) + address(agent) + head + number + b"".join(samples)


def sample(kind: int, body: bytes) -> bytes:
    return struct.pack(">II", kind, len(body)) + body


def flow_sample(
    *records: bytes,
    rate: int = 512,
    input_: int = 1,
    output: int = 2,
    sequence: int = 1,
    source: int = 7,
    drops: int = 0,
) -> bytes:
    head = struct.pack(">IIIIIIII", sequence, source, rate, 5000, drops, input_, output, len(records))
    return sample(1, head + b"".join(records))


def expanded_sample(
    *records: bytes,
    rate: int = 512,
    input_: tuple[int, int] = (0, 1),
    output: tuple[int, int] = (0, 2),
    sequence: int = 1,
    source: tuple[int, int] = (0, 7),
    drops: int = 0,
) -> bytes:
    head = struct.pack(">IIIIIIIIIII", sequence, *source, rate, 5000, drops, *input_, *output, len(records))
    return sample(3, head + b"".join(records))


def raw_header(header: bytes, *, protocol: int = 1, frame: int | None = None) -> bytes:
    """A sampled header; the frame was as long as frames of Ethernet may be, unless told otherwise."""
    padded = header + bytes(-len(header) % 4)
    length = max(len(header), 1518) if frame is None else frame
    return sample(1, struct.pack(">IIII", protocol, length, 0, len(header)) + padded)


def gateway(source_as: int, *path: int) -> bytes:
    return gateway_of(source_as, *([path] if path else []))


def gateway_of(source_as: int, *segments: Sequence[int], hop: str = "192.0.2.254") -> bytes:
    """An extended gateway record whose path has these segments."""
    path = struct.pack(">I", len(segments))
    for segment in segments:
        path += struct.pack(f">{2 + len(segment)}I", 2, len(segment), *segment)
    networks = struct.pack(">III", 64500, source_as, 64501)
    return sample(1003, address(hop) + networks + path + struct.pack(">II", 0, 100))


def udp4(source: str, destination: str, *, total: int = 1400, ports: tuple[int, int] = (1234, 53)) -> bytes:
    """An IPv4 and UDP header of a packet of `total` octets, without its payload."""
    fields = [
        0x4500,
        total,
        0,
        0,
        64 << 8 | 17,
        0,
        *divmod(ip(source), 1 << 16),
        *divmod(ip(destination), 1 << 16),
    ]
    folded = sum(fields) % 0xFFFF
    fields[5] = 0xFFFF - folded if folded else 0
    return struct.pack(">14H", *fields, *ports, total - 20, 0)


def ethernet(payload: bytes, *tags: int, kind: int = 0x0800) -> bytes:
    wrapped = b"".join(struct.pack(">HH", tag, 100) for tag in tags)
    return bytes(12) + wrapped + struct.pack(">H", kind) + payload


# Into the parts under test


def lot(
    payloads: Sequence[bytes],
    exporter: int | Sequence[int] = 0,
    received_ms: int = NOW_MS,
    port: int | Sequence[int] = 0,
) -> Datagrams:
    """Payloads as a lot of datagrams, behind one another in a buffer that begins and ends with other octets."""
    lengths = np.array([len(payload) for payload in payloads], np.int64)
    return Datagrams(
        np.frombuffer(b"\xff" * 7 + b"".join(payloads) + b"\xff" * 9, np.uint8),
        np.cumsum(lengths) - lengths + 7,
        lengths,
        np.full(len(payloads), exporter, np.int32)
        if isinstance(exporter, int)
        else np.array(exporter, np.int32),
        np.full(len(payloads), received_ms, np.int64),
        np.zeros(len(payloads), np.bool_),
        np.full(len(payloads), port, np.uint16) if isinstance(port, int) else np.array(port, np.uint16),
    )


@dataclass
class Bench:
    """A decoder with its ledger; each call of `decode` is one lot."""

    decoder: Decoder
    ledger: Ledger
    exporters: Exporters

    def decode(
        self,
        *payloads: bytes,
        exporter: int | Sequence[int] = 0,
        received_ms: int = NOW_MS,
        port: int | Sequence[int] = 0,
    ) -> FlowRecords:
        return self.decoder.decode(lot(payloads, exporter, received_ms, port))

    def counts(self) -> dict[str, int]:
        """The ledger's totals that are not zero."""
        return {name: int(total) for name, at in COUNT.items() if (total := self.ledger.totals[at])}

    def count(self, name: str) -> int:
        return int(self.ledger.totals[COUNT[name]])


def bench(sampling: Mapping[str, float] | None = None, window_ms: int = 300_000, **limits: Any) -> Bench:
    exporters = Exporters()
    for address_ in (ROUTER, "192.0.2.2", "2001:db8::3"):
        exporters.number(address_)
    ledger = Ledger(window_ms)
    rates = SamplingRates(exporters.addresses, sampling or {})
    return Bench(Decoder(ledger, rates, **limits), ledger, exporters)


def flow_records(**columns: Any) -> FlowRecords:
    """Flow records with these columns (of one length); what is left out is a plain TCP flow of 1000 bytes."""
    count = next(len(value) for value in columns.values() if not isinstance(value, (int, float)))
    default = {
        "export_ms": NOW_MS, "end_ms": NOW_MS, "start_ms": NOW_MS, "ip_version": 4, "ip_protocol": 6,
        "bytes": 1000, "packets": 10, "sampling_rate": 1,
    }  # fmt: skip
    return FlowRecords(
        **{
            name: np.array(
                value
                if not isinstance(value := columns.get(name, default.get(name, 0)), (int, float))
                else [value] * count
            ).astype(dtype)
            for name, dtype in DTYPES.items()
        }
    )


def rows(flows: FlowRecords) -> list[tuple[Any, ...]]:
    """Flow records as sorted tuples, to be compared as a multiset."""
    return sorted(zip(*(getattr(flows, name).tolist() for name in vars(flows)), strict=True))


def joined(parts: Iterable[FlowRecords]) -> FlowRecords:
    return concatenate(list(parts))


VERSIONS: tuple[Version, ...] = (4, 6)


class SmallTable:
    """An address table with few prefixes: (prefix, country, AS number, rung of LOCATION_RUNGS).

    `caches` are prefixes among them, and the platforms whose caches they are.
    """

    def __init__(
        self,
        *prefixes: tuple[str, str, int, str],
        caches: Mapping[str, str] | None = None,
        platforms: tuple[str, ...] = ("", "google", "netflix"),
    ) -> None:
        whose = caches or {}
        starts: dict[int, list[int]] = {}
        rows = []  # of every segment, IPv4 then IPv6
        for version in VERSIONS:
            networks = [(ipaddress.ip_network(row[0]), str(at)) for at, row in enumerate(prefixes)]
            steps = flatten(
                [
                    Range(int(one.network_address), int(one.broadcast_address), at)
                    for one, at in networks
                    if one.version == version
                ],
                version,
            )
            starts[version] = steps.starts
            rows += [prefixes[int(at)] if at else ("", "ZZ", 0, "unknown") for at in steps.values]
        self.search = SegmentSearch.of(
            np.array(starts[4], np.uint32),
            np.array([start >> 64 for start in starts[6]], np.uint64),
            np.array([start & (1 << 64) - 1 for start in starts[6]], np.uint64),
        )
        self.country = np.array([ord(row[1][0]) << 8 | ord(row[1][1]) for row in rows], np.uint16)
        self.asn = np.array([row[2] for row in rows], np.uint32)
        self.rung = np.array([LOCATION_RUNGS.index(row[3]) for row in rows], np.uint8)
        self.platforms = platforms
        self.platform = np.array([platforms.index(whose.get(row[0], "")) for row in rows], np.uint16)
        self.caches = tuple(whose)

    def segments4(self, addresses: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the segments of IPv4 addresses, as an AddressTable does."""
        return np.searchsorted(self.search.starts4, addresses, "right") - 1

    def segments6(self, high: np.ndarray[Any, Any], low: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the segments of IPv6 addresses, as an AddressTable does."""
        starts = list(zip(self.search.high6.tolist(), self.search.low6.tolist(), strict=True))
        found = [bisect_right(starts, each) - 1 for each in zip(high.tolist(), low.tolist(), strict=True)]
        return len(self.search.starts4) + np.array(found, np.int64)


HOME = ("198.18.0.0/16", "2001:2::/48")
TABLE = SmallTable(
    ("203.0.113.0/24", "US", 64496, "cloud"),
    ("192.0.2.0/24", "BR", 64499, "database"),
    ("198.18.0.0/16", "UY", 64500, "database"),
    ("2001:db8::/32", "CL", 64501, "database"),
    ("100.64.0.0/10", "ZZ", 0, "disagreement"),
)
