"""Metering a capture file: how many packets a second, and how many times scapy's reader.

`generate` writes a capture of synthetic traffic, `measure` times reading it; run as a script it does both:
`python -m bench.capture [packets]`. Every figure is taken in this run, on this machine, over the same file.
"""

import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.names import NAMES, client_hello, dns_answer, quic_initial
from caudal.collector.capture.capture import Capture
from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.packets.packets import PacketCounts, read_packets

_PIECE = 200_000
_WINDOW_MS = 300_000
_SCAPY_SLICE = 20_000
_FLOWS = 50_000
_NAMED = 0.01
_START_SECONDS = 1_767_225_600  # 2026-01-01


def generate(path: Path, packets: int, seed: int = 1) -> Path:
    """Write a pcap file of Ethernet frames cut to 96 bytes: a tenth IPv6, TCP and UDP, 50,000 skewed 5-tuples.

    One packet in a hundred is whole and holds a name: a ClientHello, a QUIC Initial or a DNS answer, after the
    ports of its 5-tuple; an answer comes from port 53 the other way. Addresses are of the documentation and
    benchmarking ranges; about 100,000 packets fill a second.
    """
    random = np.random.default_rng(seed)
    flow = _flows(random)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 96, 1))
        for first in range(0, packets, _PIECE):
            count = min(_PIECE, packets - first)
            which = np.minimum(random.zipf(1.15, count) - 1, 1 << 40) % _FLOWS
            file.write(_frames(random, flow, which, first))
    return path


def _flows(random: np.random.Generator) -> dict[str, npt.NDArray[np.int64]]:
    return {
        "version": np.where(random.random(_FLOWS) < 0.1, 6, 4),
        "source": random.integers(0, 1 << 17, _FLOWS) + (198 << 24 | 18 << 16),
        "destination": random.integers(0, 1 << 24, _FLOWS) + (100 << 24),
        "protocol": np.where(random.random(_FLOWS) < 0.6, 6, 17),
        "source_port": random.integers(1_024, 65_536, _FLOWS),
        "destination_port": np.where(random.random(_FLOWS) < 0.8, 443, 53),
    }


def _frames(
    random: np.random.Generator,
    flow: dict[str, npt.NDArray[np.int64]],
    which: npt.NDArray[np.int64],
    first: int,
) -> bytes:
    count = len(which)
    size = random.choice([40, 60, 84, 580, 1_280, 1_500], count, p=[0.25, 0.1, 0.1, 0.1, 0.1, 0.35])
    flow = {name: values[which] for name, values in flow.items()}
    six, tcp = flow["version"] == 6, flow["protocol"] == 6
    size[six] = np.maximum(size[six], 60)
    headers = np.where(six, 40, 20) + np.where(tcp, 20, 8)
    named, messages = _named(random, flow)
    size[named] = headers[named] + [len(message) for message in messages]
    captured = np.minimum(size + 14, 96)
    captured[named] = size[named] + 14
    offset = np.concatenate(([0], np.cumsum(captured + 16)))
    out = np.zeros(offset[-1], np.uint8)
    number = np.arange(first, first + count)

    def put(at: npt.NDArray[np.int64], values: npt.NDArray[np.int64], kind: str) -> None:
        raw = np.ascontiguousarray(values, kind).view(np.uint8).reshape(len(at), -1)
        for byte in range(raw.shape[1]):
            out[at + byte] = raw[:, byte]

    start = offset[:-1]
    put(start, _START_SECONDS + number // 100_000, "<u4")
    put(start + 4, number % 100_000 * 10, "<u4")
    put(start + 8, captured, "<u4")
    put(start + 12, size + 14, "<u4")
    put(start + 28, np.where(six, 0x86DD, 0x0800), ">u2")
    network, four = start + 30, ~six
    put(network[four], np.full(int(four.sum()), 0x45), "u1")
    put(network[four] + 2, size[four], ">u2")
    put(network[four] + 9, flow["protocol"][four], "u1")
    put(network[four] + 12, flow["source"][four], ">u4")
    put(network[four] + 16, flow["destination"][four], ">u4")
    put(network[six], np.full(int(six.sum()), 0x60), "u1")
    put(network[six] + 4, size[six] - 40, ">u2")
    put(network[six] + 6, flow["protocol"][six], "u1")
    put(network[six] + 8, np.full(int(six.sum()), 0x20010DB8), ">u4")
    put(network[six] + 20, flow["source"][six], ">u4")
    put(network[six] + 24, np.full(int(six.sum()), 0x20010DB8), ">u4")
    put(network[six] + 36, flow["destination"][six], ">u4")
    transport = network + np.where(six, 40, 20)
    put(transport, flow["source_port"], ">u2")
    put(transport + 2, flow["destination_port"], ">u2")
    # What other readers look at before they believe a packet: UDP's length, TCP's header length and flags.
    put(transport[~tcp] + 4, (size - np.where(six, 40, 20))[~tcp], ">u2")
    put(transport[tcp] + 12, np.full(int(tcp.sum()), 0x5010), ">u2")
    for at, message in zip((network + headers)[named].tolist(), messages, strict=True):
        out[at : at + len(message)] = np.frombuffer(message, np.uint8)
    return out.tobytes()


def _named(
    random: np.random.Generator, flow: dict[str, npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.intp], list[bytes]]:
    """Choose packets that hold a name, and turn those of DNS around; return which, and their payloads."""
    tcp, dns = flow["protocol"] == 6, flow["destination_port"] == 53
    named = np.flatnonzero((random.random(len(tcp)) < _NAMED) & ~(tcp & dns))
    kind = np.where(dns[named], "dns", np.where(tcp[named], "tls", "quic")).tolist()
    variant = random.integers(0, 1 << 30, len(named)).tolist()
    made = _messages()
    answers = named[dns[named]]
    for one, other in (("source", "destination"), ("source_port", "destination_port")):
        flow[one][answers], flow[other][answers] = flow[other][answers], flow[one][answers]
    return named, [made[each][number % len(made[each])] for each, number in zip(kind, variant, strict=True)]


@cache
def _messages() -> dict[str, list[bytes]]:
    ids = [number.to_bytes(8) for number in range(64)]
    return {
        "dns": [dns_answer(name) for name in NAMES],
        "tls": [client_hello(name) for name in NAMES],
        "quic": [quic_initial(name, connection) for connection in ids for name in NAMES],
    }


def measure(path: Path, scapy_packets: int = _SCAPY_SLICE) -> dict[str, float]:
    """Return packets per second of each stage on `path`, and the whole as a multiple of scapy's two readers.

    Keys: packets, walk, columns (walk and headers), meter (all), scapy_raw and scapy (on the first
    `scapy_packets` packets, without any metering), ratio_raw, ratio. Medians of three.
    """
    packets = sum(len(chunk) for chunk in Capture(path).chunks())
    result = {
        "packets": float(packets),
        "walk": packets / _median(lambda: _walk(path)),
        "columns": packets / _median(lambda: _columns(path)),
        "meter": packets / _median(lambda: _meter(path)),
    }
    sliced = min(packets, scapy_packets)
    result["scapy_raw"] = sliced / _median(lambda: _scapy(path, sliced, raw=True))
    result["scapy"] = sliced / _median(lambda: _scapy(path, sliced, raw=False), times=1)
    result["ratio_raw"] = result["meter"] / result["scapy_raw"]
    result["ratio"] = result["meter"] / result["scapy"]
    return result


def _median(run: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return sorted(taken)[times // 2]


def _walk(path: Path) -> None:
    for _ in Capture(path).chunks():
        pass


def _columns(path: Path) -> None:
    counts = PacketCounts()
    for chunk in Capture(path).chunks():
        read_packets(chunk, counts)


def _meter(path: Path) -> int:
    meter = PacketMeter(_WINDOW_MS)
    flows = sum(len(meter.add(chunk)) for chunk in Capture(path).chunks())
    return flows + len(meter.flush())


def _scapy(path: Path, packets: int, raw: bool) -> None:
    # The layers register the link types with the reader when imported.
    from scapy.layers import inet, inet6, l2  # noqa: F401
    from scapy.utils import PcapReader, RawPcapReader

    reader = (RawPcapReader if raw else PcapReader)(str(path))
    try:
        _use(islice(reader, packets))
    finally:
        reader.close()


def _use(packets: Iterator[object]) -> None:
    for _ in packets:
        pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
        for name, value in measure(generate(Path(directory) / "bench.pcap", count)).items():
            print(f"{name:>10} {value:>14,.1f}")
