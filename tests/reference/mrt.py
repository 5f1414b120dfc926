"""RIB dumps made by hand, octet by octet, after RFC 6396."""

import ipaddress
import struct
from collections.abc import Iterable, Sequence

TABLE_DUMP_V2, BGP4MP = 13, 16
PEER_INDEX_TABLE, RIB_IPV4_UNICAST, RIB_IPV6_UNICAST = 1, 2, 4
AS_SET, AS_SEQUENCE = 1, 2

Segment = tuple[int, Sequence[int]]


def record(kind: int, subtype: int, body: bytes) -> bytes:
    return struct.pack(">IHHI", 1_767_225_600, kind, subtype, len(body)) + body


def peers(count: int = 3) -> bytes:
    entries = b"".join(struct.pack(">BIII", 2, at + 1, 0xC0000201 + at, 64500 + at) for at in range(count))
    return record(TABLE_DUMP_V2, PEER_INDEX_TABLE, struct.pack(">IHH", 0xC0000201, 0, count) + entries)


def attributes(segments: Iterable[Segment]) -> bytes:
    path = b"".join(
        struct.pack(">BB", kind, len(numbers)) + b"".join(struct.pack(">I", number) for number in numbers)
        for kind, numbers in segments
    )
    return b"\x40\x01\x01\x00" + struct.pack(">BBB", 0x40, 2, len(path)) + path


def rib(prefix: str, *paths: Sequence[int] | list[Segment]) -> bytes:
    """One prefix, with a route from a peer for each path: AS numbers, or whole segments."""
    network = ipaddress.ip_network(prefix)
    octets = network.network_address.packed[: (network.prefixlen + 7) // 8]
    entries = b""
    for at, path in enumerate(paths):
        segments = path if path and isinstance(path[0], tuple) else [(AS_SEQUENCE, path)] if path else []
        about = attributes(segments)  # type: ignore[arg-type]
        entries += struct.pack(">HIH", at, 1_767_000_000, len(about)) + about
    subtype = RIB_IPV4_UNICAST if network.version == 4 else RIB_IPV6_UNICAST
    head = struct.pack(">IB", 0, network.prefixlen) + octets + struct.pack(">H", len(paths))
    return record(TABLE_DUMP_V2, subtype, head + entries)
