"""Packets inside of packets at mirror ports: the inner flows where they are asked for, the outer ones where not."""

import struct
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from caudal.collector.packets.tunnelkinds import TUNNEL_KINDS
from tests.support.builders import bench, flow_sample, raw_header, sflow

from ..capture.test_packets import write
from ..capture.test_tunnels import CARRIERS, ETHER, INNER, carried
from .balanced import FILES, metered

MIRROR = FILES / "gtpu_mirror.pcap"
INNER_OCTETS = 140


def test_a_mobile_core_at_a_mirror_port() -> None:
    """Five packets of 1,000 octets each, in packets of 1,036 between two addresses that nobody's traffic has."""
    assert metered(MIRROR)[0] == {"transit": 5 * 1_036}
    for tunnels in ("inner", ["gtpu"], frozenset(TUNNEL_KINDS)):
        bytes_of, ledger = metered(MIRROR, tunnels=tunnels)
        assert bytes_of == {"in": 5_000}
        assert (ledger["malformed"], ledger["filtered"], ledger["datagrams"]) == (0, 0, 5)
    assert metered(MIRROR, tunnels=["vxlan"])[0] == {"transit": 5 * 1_036}


@pytest.mark.parametrize("name", CARRIERS)
def test_every_tunnel_in_a_capture(tmp_path: Path, name: str) -> None:
    frames = [ETHER / CARRIERS[name](INNER)] * 3 + [ETHER / INNER] * 2
    path = write(tmp_path / "a", frames)
    outer, ledger = metered(path)
    carrier = len(frames[0]) - len(ETHER)
    assert sum(outer.values()) == 3 * carrier + 2 * INNER_OCTETS
    inner, ledger = metered(path, tunnels="inner")
    assert sum(inner.values()) == 5 * INNER_OCTETS
    assert ledger["datagrams"] == 5


@pytest.mark.parametrize("name", CARRIERS)
def test_every_tunnel_in_samples(name: str) -> None:
    frame = bytes(ETHER / CARRIERS[name](INNER))
    sample = flow_sample(raw_header(frame[:200], frame=len(frame) + 4))
    (told,) = bench().decode(sflow(sample)).bytes.tolist()
    assert told == len(frame) - len(ETHER)
    flows = bench(tunnels="inner").decode(sflow(sample))  # type: ignore[arg-type]
    assert (flows.bytes.tolist(), flows.source_port.tolist()) == ([INNER_OCTETS], [1234])


def test_tunnels_are_opened_so_deep_and_no_deeper(tmp_path: Path) -> None:
    def around(packet: bytes, times: int) -> bytes:
        for _ in range(times):
            packet = bytes(carried(2152, struct.pack(">BBHI", 0x30, 255, len(packet), 7), Raw(packet)))
        return packet

    for deep, told in ((4, INNER_OCTETS), (5, INNER_OCTETS + 36), (20, INNER_OCTETS + 16 * 36)):
        path = write(
            tmp_path / "a",
            [
                Ether(bytes(ETHER / Raw(around(bytes(INNER), deep)))[:12] + b"\x08\x00")
                / Raw(around(bytes(INNER), deep))
            ],
        )
        assert sum(metered(path, tunnels="inner")[0].values()) == told


def test_what_carries_no_packet_counts_itself(tmp_path: Path) -> None:
    echo = carried(2152, bytes.fromhex("3001000000000000"), Raw(bytes(10)))
    path = write(tmp_path / "a", [ETHER / echo])
    assert sum(metered(path, tunnels="inner")[0].values()) == len(echo)


@pytest.mark.parametrize(
    "outer", [IP(src="192.0.2.1", dst="192.0.2.2", id=7), IPv6(src="2001:db8::1", dst="2001:db8::2")]
)
def test_fragments_of_what_carries_a_packet_count_once(tmp_path: Path, outer: Packet) -> None:
    """The first fragment tells the inner packet with all its octets; the others are left out, but those of other traffic."""
    inner = IP(src="203.0.113.5", dst="198.51.100.10") / UDP(sport=1234, dport=443) / Raw(bytes(1_400))
    whole = (
        outer
        / UDP(sport=2152, dport=2152)
        / Raw(struct.pack(">BBHI", 0x30, 255, len(inner), 7) + bytes(inner))
    )
    if outer.version == 4:
        parts = fragment(IP(bytes(whole)), 600)
        other = IP(src="192.0.2.1", dst="192.0.2.2", id=8, frag=70, proto=17) / Raw(bytes(100))
    else:
        stack = outer / IPv6ExtHdrFragment(id=7) / whole[UDP]
        parts = fragment6(IPv6(bytes(stack)), 700)
        other = outer / IPv6ExtHdrFragment(id=8, offset=70, nh=17) / Raw(bytes(100))
    assert len(parts) > 2
    path = write(tmp_path / "a", [ETHER / part for part in (*parts, other)])
    sums, ledger = metered(path, tunnels="inner")
    assert sums.pop("in") == len(inner)
    assert sums == {"transit": len(other)}
    assert ledger["filtered"] == len(parts) - 1
