"""Writes exports.pcap.gz: what softflowd really sends for a small made-up capture, as NetFlow v5, v9 and IPFIX.

Run once, by hand, where softflowd is installed:  python tests/data/make_exports.py
The traffic is synthetic (seed below); the export datagrams are those of softflowd 1.1.0, recorded from a
UDP socket, one source address for each protocol.
"""

import random
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

LINK = Ether(
    src="02:00:00:00:00:01", dst="02:00:00:00:00:02"
)  # named, so that scapy asks no network for them
HERE = Path(__file__).parent
BEGAN = (
    1_794_326_400  # 2026-11-10T16:00:00Z; recorded on 2026-11-21, within the 24 days that v5 and v9 can tell
)
# Google, Meta, Netflix, Cloudflare, Amazon, ByteDance; two that are nobody's.
REMOTES4 = (
    "142.250.78.14",
    "157.240.12.35",
    "45.57.9.1",
    "104.16.132.229",
    "52.95.110.1",
    "71.18.1.1",
    "192.0.2.9",
)
REMOTES6 = ("2800:3f0:4001:80a::200e", "2a03:2880:f12f:83:face:b00c:0:25de", "2001:db8:ffff::9")
VERSIONS = {5: "192.0.2.5", 9: "192.0.2.59", 10: "192.0.2.10"}


def traffic(seed: int) -> list[Packet]:
    """Return packets of 40 subscribers, IPv4 and IPv6, both ways, within 10 minutes."""
    chance = random.Random(seed)
    packets = []
    for _ in range(700):
        host, six = chance.randrange(40), chance.random() < 0.25
        local = f"2001:db8:20:{host:x}00::7" if six else f"10.20.{host // 16}.{host % 16 + 1}"
        remote = chance.choice(REMOTES6 if six else REMOTES4)
        port, tcp = chance.randrange(1024, 65_536), chance.random() < 0.7
        began = BEGAN + chance.random() * 590
        for number in range(chance.randrange(1, 6)):
            out = chance.random() < 0.4
            network = IPv6 if six else IP
            ip = network(src=local if out else remote, dst=remote if out else local)
            layer = TCP if tcp else UDP
            transport = layer(sport=port, dport=443) if out else layer(sport=443, dport=port)
            if not six and chance.random() < 0.02:
                transport = ICMP()
            packet = LINK / ip / transport / Raw(bytes(chance.randrange(0, 1_200)))
            packet.time = began + number * 0.2
            packets.append(packet)
    return sorted(packets, key=lambda packet: packet.time)


def main() -> None:
    """Write traffic.pcap.gz (the truth) and exports.pcap.gz (what softflowd said of it)."""
    packets = traffic(seed=20)
    wrpcap(str(HERE / "traffic.pcap.gz"), packets, gz=True)
    datagrams: list[Packet] = []
    with tempfile.TemporaryDirectory() as place:
        plain = Path(place) / "traffic.pcap"
        wrpcap(str(plain), packets)
        for version, address in VERSIONS.items():
            for payload in exported(plain, version, Path(place)):
                udp = UDP(sport=50_000 + version, dport=2055)
                frame = LINK / IP(src=address, dst="192.0.2.250") / udp / payload
                frame.time = BEGAN + 600 + len(datagrams) * 0.01
                datagrams.append(frame)
    wrpcap(str(HERE / "exports.pcap.gz"), datagrams, gz=True)


def exported(capture: Path, version: int, place: Path) -> Iterator[bytes]:
    """Yield the datagrams by which softflowd exports a capture."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as recorder:
        recorder.bind(("127.0.0.1", 0))
        recorder.settimeout(2)
        port = recorder.getsockname()[1]
        command = ["softflowd", "-r", str(capture), "-n", f"127.0.0.1:{port}", "-v", str(version), "-d", "-6"]
        command += ["-p", f"{place}/pid", "-c", "none"]
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, timeout=20, stdout=quiet, stderr=quiet)
        while True:
            try:
                yield recorder.recv(65_535)
            except TimeoutError:
                return


if __name__ == "__main__":
    main()
