"""Live capture on a pair of virtual interfaces: what the kernel lets through, how much of it, and what it drops."""

import os
import secrets
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.receive.livecapture import LiveCapture, own_addresses
from caudal.collector.receive.socketfilter import HEADERS_OCTETS, program
from caudal.common.errors import ListenError
from tests.support.patience import PATIENCE_SECONDS

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
MARK = 0x88B5  # an Ethertype for experiments: packets that say that all before them were seen


def may_capture() -> str:
    """Say why packets cannot be captured here, or nothing."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except PermissionError:
        return "needs CAP_NET_RAW"
    made = subprocess.run(["ip", "link", "help"], capture_output=True, check=False)
    return "needs ip" if made.returncode not in (0, 255) else ""


NEEDS = pytest.mark.skipif(bool(may_capture()), reason=may_capture() or "-")
NEEDS_LIBPCAP = pytest.mark.skipif(find_library("pcap") is None, reason="a filter needs libpcap")


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[str, str]]:
    one, other = (f"ca{secrets.token_hex(3)}{end}" for end in "ab")
    add = ["ip", "link", "add", one, "type", "veth", "peer", "name", other]
    if subprocess.run(add, capture_output=True, check=False).returncode:
        pytest.skip("needs CAP_NET_ADMIN for a pair of interfaces")
    try:
        for name in (one, other):
            # Without IPv6 the kernel says nothing of its own on them.
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield one, other
    finally:
        subprocess.run(["ip", "link", "del", one], check=True)


@pytest.fixture
def send(pair: tuple[str, str]) -> Iterator[Callable[[Sequence[Packet | bytes]], None]]:
    with closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as sender:
        sender.bind((pair[1], 0))

        def send_all(packets: Sequence[Packet | bytes]) -> None:
            for packet in packets:
                sender.send(bytes(packet))

        yield send_all


def until(capture: LiveCapture, count: int) -> list[PacketChunk]:
    """Receive until so many packets came; blocks of the ring are given away after 50 ms at the latest."""
    chunks: list[PacketChunk] = []
    poll = select.poll()
    poll.register(capture.fileno())
    while sum(map(len, chunks)) < count and poll.poll(PATIENCE_SECONDS * 1000):
        chunk = capture.receive()
        if chunk is not None:
            chunks.append(chunk)
    return chunks


def octets(chunks: list[PacketChunk]) -> list[bytes]:
    return [
        chunk.buffer[at : at + size].tobytes()
        for chunk in chunks
        for at, size in zip(chunk.offset.tolist(), chunk.captured.tolist(), strict=True)
    ]


@NEEDS
def test_packets_as_they_were_sent(pair: tuple[str, str], send: Callable[[Sequence[Packet]], None]) -> None:
    packets = [ETHER / IP(src="198.18.0.1", dst="192.0.2.1") / UDP(sport=n, dport=9) for n in range(100)]
    with LiveCapture(pair[0]) as capture:
        assert capture.receive() is None
        began = int(time.time() * 1000)
        send(packets)
        chunks = until(capture, 100)
    assert octets(chunks) == [bytes(packet) for packet in packets]
    assert {int(link) for chunk in chunks for link in chunk.link_type} == {1}
    times = np.concatenate([chunk.time_ms for chunk in chunks])
    assert (np.diff(times) >= 0).all()
    ended = int(time.time() * 1000)
    assert began - 1 <= times[0] <= times[-1] <= ended + 1
    for chunk in chunks:
        assert len(chunk.buffer) >= int((chunk.offset + chunk.captured).max()) + 64


LONG = Raw(bytes(1_000))
SIZES = [
    # What may hold a name is taken whole, of all else the headers.
    (IP(src="9.9.9.9", dst="198.18.0.1") / UDP(sport=53, dport=4_000) / LONG, True),
    (IP(src="198.18.0.1", dst="9.9.9.9") / UDP(sport=4_000, dport=53) / LONG, False),
    (IP() / UDP(sport=4_000, dport=443) / Raw(b"\xc0" + bytes(999)), True),
    (IP() / UDP(sport=4_000, dport=443) / Raw(b"\x40" + bytes(999)), False),
    (IP() / UDP(sport=443, dport=4_000) / Raw(b"\xc0" + bytes(999)), False),
    (IP() / TCP(sport=4_000, dport=443) / LONG, True),
    (IP() / TCP(sport=443, dport=4_000) / LONG, False),
    (IP(options=b"\x01" * 4) / TCP(sport=4_000, dport=8443) / LONG, True),
    (IP(frag=10, proto=6) / LONG, False),
    (IPv6() / UDP(sport=53, dport=4_000) / LONG, True),
    (IPv6() / TCP(sport=4_000, dport=443) / LONG, True),
    (IPv6() / TCP(sport=443, dport=4_000) / LONG, False),
    # Of plain HTTP a request, and nothing else of what goes there; what has no payload is not lost.
    (IP() / TCP(sport=4_000, dport=80) / Raw(b"GET / HTTP/1.1\r\n" + bytes(999)), True),
    (
        IP(options=b"\x01" * 4)
        / TCP(sport=4_000, dport=8080, options=[("NOP", None)] * 8)
        / Raw(b"POST" + bytes(999)),
        True,
    ),
    (IPv6() / TCP(sport=4_000, dport=80) / Raw(b"HEAD" + bytes(999)), True),
    (IP() / TCP(sport=4_000, dport=80) / Raw(b"SSH-" + bytes(999)), False),
    (IP() / TCP(sport=80, dport=4_000) / Raw(b"GET " + bytes(999)), False),
    (IP() / TCP(sport=4_000, dport=80, options=[("NOP", None)] * 40) / Raw(bytes(999)), False),
    (IPv6(nh=89) / LONG, False),
    (ARP() / LONG, False),
]


@NEEDS
def test_only_packets_that_may_hold_a_name_are_taken_whole(
    pair: tuple[str, str], send: Callable[[Sequence[Packet]], None]
) -> None:
    packets = [ETHER / packet for packet, _ in SIZES]
    with LiveCapture(pair[0], snap_length=800) as capture:
        send(packets)
        chunks = until(capture, len(packets))
    captured = np.concatenate([chunk.captured for chunk in chunks]).tolist()
    assert captured == [800 if whole else HEADERS_OCTETS for _, whole in SIZES]
    original = np.concatenate([chunk.original for chunk in chunks]).tolist()
    assert original == [len(bytes(packet)) for packet in packets]


@NEEDS
def test_a_segment_of_http_without_payload_is_not_lost(
    pair: tuple[str, str], send: Callable[[Sequence[Packet]], None]
) -> None:
    bare = [
        ETHER / kind() / TCP(sport=4_000, dport=80, flags="A") / Raw(bytes(n))
        for kind in (IP, IPv6)
        for n in (0, 1, 3)
    ]
    with LiveCapture(pair[0], snap_length=800) as capture:
        send(bare)
        chunks = until(capture, len(bare))
    assert octets(chunks) == [bytes(packet) for packet in bare]


@NEEDS
@NEEDS_LIBPCAP
def test_a_filter_chooses_and_the_lengths_stay(
    pair: tuple[str, str], send: Callable[[Sequence[Packet]], None]
) -> None:
    wanted = ETHER / IP(src="192.0.2.1") / TCP(sport=4_000, dport=443) / LONG
    other = ETHER / IP(src="192.0.2.2") / TCP(sport=4_000, dport=443) / LONG
    end = ETHER / IP(src="192.0.2.1") / UDP(sport=4_000, dport=9) / LONG
    with LiveCapture(pair[0], packet_filter="src host 192.0.2.1", snap_length=500) as capture:
        send([other, wanted, other, Ether(type=MARK), end])
        chunks = until(capture, 2)
    assert octets(chunks) == [bytes(wanted)[:500], bytes(end)[:HEADERS_OCTETS]]


@NEEDS
def test_what_the_ring_has_no_room_for_is_counted_once(
    pair: tuple[str, str], send: Callable[[Sequence[bytes]], None]
) -> None:
    frame = bytes(ETHER / IP() / TCP(sport=4_000, dport=443) / Raw(bytes(1_400)))
    with LiveCapture(pair[0], buffer_bytes=2 << 20) as capture:
        send([frame] * 3_000)
        drops = capture.new_drops()
        kept = sum(map(len, until(capture, 3_000 - drops)))
        assert drops > 500
        assert kept + drops == 3_000
        assert capture.new_drops() == 0
        send([frame] * 10)
        assert sum(map(len, until(capture, 10))) == 10, "the ring turns"


@NEEDS
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interface": "nowhere0"}, r"cannot capture on nowhere0: .*; correct `interfaces`"),
        pytest.param(
            {"interface": "lo", "packet_filter": "bananas ++"},
            r"cannot capture on lo: filter 'bananas \+\+': .*pcap-filter",
            marks=NEEDS_LIBPCAP,
        ),
    ],
)
def test_what_cannot_be_captured_is_said_in_a_line(options: dict[str, str], message: str) -> None:
    with pytest.raises(ListenError, match=message) as raised, LiveCapture(**options):  # type: ignore[arg-type]
        pass
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to be somebody else for a moment")
def test_without_the_right_it_says_which_is_missing() -> None:
    code = (
        "import os\n"
        "from scapy.arch.linux import L2ListenSocket\n"
        "from caudal.collector.receive.livecapture import LiveCapture\n"
        "from caudal.common.errors import ListenError\n"
        "os.setuid(65534)\n"
        "try:\n    LiveCapture('lo').__enter__()\nexcept ListenError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "cannot capture on lo: Operation not permitted; give the collector CAP_NET_RAW\n"


def test_the_addresses_of_this_machine() -> None:
    assert (0, struct.unpack(">I", socket.inet_aton("127.0.0.1"))[0]) in own_addresses()


def test_the_program_is_one_the_kernel_takes() -> None:
    for ethernet in (True, False):
        for snap in (128, 2_048):
            lines = program(
                snap, ethernet=ethernet, chosen=[(0x28, 0, 0, 12), (0x06, 0, 0, 9), (0x06, 0, 0, 0)]
            )
            assert all(
                at + 1 + max(true, false, jump if code == 0x05 else 0) < len(lines) or code == 0x06
                for at, (code, true, false, jump) in enumerate(lines)
            )
            assert lines[1] == (0x05, 0, 0, 1)
            assert lines[2] == (0x06, 0, 0, 0)


@pytest.mark.parametrize("octets", [128, 256])
def test_headers_are_as_long_as_asked_for(octets: int) -> None:
    lengths = {line[3] for line in program(2_048, ethernet=True, headers_octets=octets) if line[0] == 0x06}
    assert lengths == {octets, 2_048}
