"""Packets that are damaged, cut or in pieces, among whole ones: looking for names never raises, whatever comes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.names.domains import Domain, DomainList
from caudal.collector.names.tagger import Tagger
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import read_packets

from .messages import (
    ECH,
    KEY_SHARE,
    crypto,
    dns_answer,
    hello,
    quic_initial,
    real_hello,
    records,
    server_name,
)

DOMAINS = DomainList(
    [Domain("netflix.com", "netflix", registrable=True), Domain("edge.example", "cdn", carrier=True)]
)
HOME, FAR, RESOLVER = "198.18.0.1", "104.16.1.1", "198.18.9.9"
NOW_MS = 1_767_225_600_000
ETHERNET = 1


def packets() -> list[Packet]:
    """Everything that is looked at, and what only looks like it."""
    long = records(hello(server_name("www.netflix.com"), KEY_SHARE))
    quic = quic_initial(crypto(hello(server_name("www.netflix.com"))))
    name = "a.netflix.com"
    four = [
        IP(src=RESOLVER, dst=HOME) / UDP(sport=53, dport=4000) / Raw(dns_answer(name, FAR, aliases=["x.edge.example"])),
        IP(src=HOME, dst=FAR) / TCP(sport=5000, dport=443) / Raw(real_hello(name)),
        IP(src=HOME, dst=FAR) / TCP(sport=5001, dport=443, options=[("NOP", None)] * 8) / Raw(real_hello(name)),
        IP(src=HOME, dst=FAR) / TCP(sport=5002, dport=443, seq=1) / Raw(long[:700]),
        IP(src=HOME, dst=FAR) / TCP(sport=5002, dport=443, seq=701) / Raw(long[700:]),
        IP(src=HOME, dst=FAR) / TCP(sport=5003, dport=443) / Raw(records(hello(server_name(name), ECH))),
        IP(src=HOME, dst=FAR) / UDP(sport=6000, dport=443) / Raw(quic),
        IP(src=FAR, dst=HOME) / TCP(sport=443, dport=5000) / Raw(bytes(300)),
        IP(src=HOME, dst=FAR, flags="MF") / TCP(sport=5004, dport=443) / Raw(real_hello(name)),
        IP(src=HOME, dst=FAR, frag=3) / TCP(sport=5005, dport=443) / Raw(bytes(40)),
        IP(src=HOME, dst=FAR, options=[b"\x94\4\0\0"]) / TCP(sport=5006, dport=443) / Raw(real_hello(name)),
    ]  # fmt: skip
    six = IPv6(src="2001:2::1", dst="2001:db8::9") / TCP(sport=5000, dport=443) / Raw(real_hello(name))
    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    return [*(ether / packet for packet in (*four, six)), ether / Dot1Q(vlan=7) / four[1]]


FRAMES = [bytes(packet) for packet in packets()]


class Network:
    """A tagger and a meter beside it."""

    def __init__(self) -> None:
        self.tagger = Tagger(DOMAINS, bits=8)
        self.meter = PacketMeter(300_000)
        self.now_ms = NOW_MS

    def sees(self, frames: list[tuple[bytes, int]]) -> None:
        """Look at frames, each with its length on the wire, as one chunk."""
        length = np.array([len(frame) for frame, _ in frames], np.int64)
        self.now_ms += 10
        chunk = PacketChunk(
            np.frombuffer(b"".join(frame for frame, _ in frames) + bytes(64), np.uint8),
            np.cumsum(length) - length,
            length,
            np.array([wire for _, wire in frames], np.int64),
            np.full(len(frames), self.now_ms, np.int64),
            np.full(len(frames), ETHERNET, np.uint16),
        )
        lots = list(read_packets(chunk, self.meter.counts))
        for lot in lots:
            self.tagger.look(chunk, lot)
        self.meter.add_packets(lots)

    def tags(self) -> dict[int, str]:
        """End all flows; return the service of each by its source port."""
        flows = self.meter.flush()
        tags = self.tagger.tag(flows).tolist()
        return {
            port: DOMAINS.services[tag] for port, tag in zip(flows.source_port.tolist(), tags, strict=True)
        }


def test_a_fragment_among_hellos_takes_no_name_from_the_others() -> None:
    """Of the first fragment of a hello the end is missing: it is passed over, alone or beside others."""
    network = Network()
    network.sees([(frame, len(frame)) for frame in FRAMES])
    tags = network.tags()
    assert {port: tags[port] for port in (5000, 5001, 5002, 5003, 5006, 6000)} == dict.fromkeys(
        (5000, 5001, 5002, 5003, 5006, 6000), "netflix"
    )
    assert network.tagger.counts.unreadable == 0


faults = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=4)
frame = st.tuples(st.sampled_from(FRAMES), faults, st.one_of(st.none(), st.integers(1, 200)))


@settings(max_examples=150)
@given(st.lists(st.lists(frame, min_size=1, max_size=8), min_size=1, max_size=3))
def test_damaged_packets_never_raise_and_every_flow_has_an_outcome(
    chunks: list[list[tuple[bytes, list[tuple[int, int]], int | None]]],
) -> None:
    network = Network()
    for frames in chunks:
        seen = []
        for octets, changes, cut in frames:
            changed = bytearray(octets)
            for at, value in changes:
                changed[at % len(changed)] = value
            seen.append((bytes(changed[:cut]), len(changed)))
        network.sees(seen)
    flows = network.meter.flush()
    network.tagger.tag(flows)
    assert sum(network.tagger.counts.flows.values()) == len(flows)
