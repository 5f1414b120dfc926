"""Captures of exports made by hand: what a router sent, and when."""

import ipaddress
import struct
from collections.abc import Iterable
from pathlib import Path

from tests.support.builders import ROUTER

Sent = tuple[int, bytes]  # milliseconds since 1970, payload


def capture(path: Path, sent: Iterable[Sent], router: str = ROUTER) -> Path:
    """Write a pcap of export datagrams from a router."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)]  # raw IP
    for time_ms, payload in sent:
        udp = struct.pack(">HHHH", 5000, 2055, 8 + len(payload), 0) + payload
        ip4 = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
        packet = ip4 + ipaddress.ip_address(router).packed + ipaddress.ip_address("192.0.2.99").packed + udp
        out.append(
            struct.pack("<IIII", time_ms // 1000, time_ms % 1000 * 1000, len(packet), len(packet)) + packet
        )
    path.write_bytes(b"".join(out))
    return path
