"""Metering a capture file: packets a second from the file to aggregates, beside scapy only reading it."""

import tempfile
import time
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

import pyarrow.compute as pc

from bench.capture import generate
from bench.figure import Figure, Section, beside, failed
from caudal.collector.files.meterfiles import meter_captures
from caudal.collector.names.domains import DomainList
from caudal.collector.names.tagger import Tagger
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.reference import AddressTable, load_reference

_HOME = ("198.18.0.0/15",)
_UNIT = "packets/s"
_METHOD = (
    "A generated pcap file (50,000 flows, frames cut to 96 bytes, one in a hundred whole with a name in DNS, TLS or QUIC) on one pinned core, by CPU "
    "time, the file in the page cache. Caudal reads, meters flows, looks for names and tags flows by them, locates them and aggregates by window and cell, all of the file; scapy's readers only read and do nothing with "
    "the packets: RawPcapReader gives octets, PcapReader dissects. They get the first packets of the same file, "
    "because dissecting all of it would take minutes. It is checked that the packets in Caudal's aggregates are "
    "those generated."
)


def measure(
    packets: int = 2_000_000, raw_packets: int = 100_000, dissected_packets: int = 10_000, rounds: int = 5
) -> Section:
    """Return the figures for a capture of so many packets; scapy gets the first of them."""
    table = AddressTable.load()
    table.accelerate()
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as directory:
        path = generate(Path(directory) / "bench.pcap", packets)
        _, found = metered(path, table)  # the first time loads libraries, too
        if found != packets:
            wrong = f"aggregates hold {found} packets, generated were {packets}"
            return Section("Capture files", _METHOD, [failed(_what(packets), _UNIT, "scapy", wrong)])
        figures = [
            _figure(path, table, packets, "RawPcapReader", min(raw_packets, packets), rounds),
            _figure(path, table, packets, "PcapReader", min(dissected_packets, packets), rounds),
        ]
        details = {"file_bytes": path.stat().st_size}
    return Section("Capture files", _METHOD, figures, details)


def _figure(
    path: Path, table: AddressTable, packets: int, reader: str, peer_packets: int, rounds: int
) -> Figure:
    def ours() -> float:
        seconds, _ = metered(path, table)
        return packets / seconds

    return beside(
        _what(packets),
        _UNIT,
        ours,
        f"scapy {reader}",
        _scapy(path, reader, peer_packets),
        rounds,
        f"{reader} on the first {peer_packets:,}",
    )


def _what(packets: int) -> str:
    return f"{packets:,} packets"


@cache
def _domains() -> DomainList:
    return DomainList.of(load_reference())


def metered(path: Path, table: AddressTable, *, names: bool = True) -> tuple[float, int]:
    """Meter a capture, looking for names or not; return CPU seconds and the packets found in the aggregates."""
    tagger = Tagger(_domains()) if names else None
    pipeline = Pipeline(
        economy="XA",
        home=_HOME,
        table=table,
        window_seconds=300,
        k=5,
        services=_domains().services if names else ("",),
    )
    began = time.process_time()
    found = sum(
        pc.sum(flows["packets"]).as_py() or 0 for flows, _ in meter_captures([path], pipeline, tagger=tagger)
    )
    return time.process_time() - began, found


def _scapy(path: Path, name: str, packets: int) -> Callable[[], float] | None:
    try:
        # The layers register the link types with the readers when imported.
        from scapy import utils
        from scapy.layers import inet, inet6, l2  # noqa: F401
    except ImportError:
        return None
    make = getattr(utils, name)

    def run() -> float:
        began = time.process_time()
        reader = make(str(path))
        try:
            read = sum(1 for _ in islice(reader, packets))
        finally:
            reader.close()
        return read / (time.process_time() - began)

    return run
