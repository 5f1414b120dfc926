"""Metering capture files through the pipeline."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.files.meterfiles import meter_captures
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.contract.batch import BALANCE, LEDGER_COUNTS
from tests.support.builders import (
    BASIC,
    HOME,
    SECONDS,
    TABLE,
    a_set,
    basic,
    netflow5,
    netflow9,
    record5,
    template,
)

ROUTER = "10.99.88.77"


def capture(path: Path, *packets: Packet, step: float = 1.0) -> Path:
    for number, packet in enumerate(packets):
        packet.time = SECONDS + number * step
    wrpcap(str(path), list(packets))
    return path


def ethernet(packet: Packet) -> Packet:
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet


def traffic(source: str, destination: str, size: int) -> Packet:
    return ethernet(IP(src=source, dst=destination) / TCP(sport=5, dport=443) / Raw(bytes(size)))


def export(payload: bytes) -> Packet:
    return ethernet(IP(src=ROUTER, dst="192.0.2.99") / UDP(sport=5000, dport=2055) / Raw(payload))


def run(*paths: Path, **options: Any) -> tuple[pa.Table, dict[str, int]]:
    pipeline = Pipeline(economy="UY", home=HOME, table=TABLE, window_seconds=300, k=1)  # type: ignore[arg-type]
    parts = list(meter_captures(paths, pipeline, **options))
    ledger = pa.concat_tables([rows for _, rows in parts])
    assert set(ledger["exporter"].to_pylist()) <= {"capture"}
    counts = {name: pc.sum(ledger[name]).as_py() or 0 for name in LEDGER_COUNTS}
    assert counts["received"] == sum(counts[one] for one in ("decoded", "waiting", "malformed", "filtered"))
    assert counts["decoded"] == sum(counts[part] for part in BALANCE["decoded"])
    return pa.concat_tables([flows for flows, _ in parts]), counts


def by_direction(flows: pa.Table) -> dict[str, int]:
    sums = flows.group_by("direction").aggregate([("bytes", "sum")])
    return dict(zip(sums["direction"].to_pylist(), sums["bytes_sum"].to_pylist(), strict=True))


def test_packets(tmp_path: Path) -> None:
    path = capture(
        tmp_path / "x.pcap",
        traffic("198.18.0.1", "203.0.113.9", 100),
        traffic("203.0.113.9", "198.18.0.1", 1000),
        traffic("198.18.0.1", "203.0.113.9", 60),
        ethernet(ARP()),
        Ether(bytes(ethernet(IP()))[:20]),
    )
    flows, counts = run(path)
    assert by_direction(flows) == {"out": 100 + 60 + 80, "in": 1040}
    assert {name: count for name, count in counts.items() if count} == {
        "datagrams": 5, "received": 4, "decoded": 2, "filtered": 1, "malformed": 1, "aggregated": 2,
        "sampling_unsampled": 2,
    }  # fmt: skip


def test_exports_are_recognised(tmp_path: Path) -> None:
    path = capture(
        tmp_path / "x.pcap",
        export(netflow9(template(256, *BASIC), a_set(256, basic() * 2))),
        export(netflow5([record5()])),
    )
    flows, counts = run(path)
    assert by_direction(flows) == {"out": 3000}
    assert (counts["datagrams"], counts["decoded"], counts["sampling_assumed"]) == (2, 3, 3)


def test_what_it_is_taken_for_can_be_said(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.pcap", export(netflow5([record5()])))
    flows, _ = run(path, read_as="packets")
    assert by_direction(flows) == {"transit": 20 + 8 + 72}
    with pytest.raises(CaptureError, match="holds no export datagram; leave out --as exports"):
        run(capture(tmp_path / "y.pcap", traffic("198.18.0.1", "203.0.113.9", 1)), read_as="exports")


def test_files_of_every_kind_together(tmp_path: Path) -> None:
    raw = tmp_path / "z.dat"
    raw.write_bytes(netflow5([record5(octets=5)]))
    paths = [
        capture(tmp_path / "x.pcap", export(netflow5([record5(octets=7)]))),
        raw,
        capture(tmp_path / "y.pcap", traffic("198.18.0.1", "203.0.113.9", 60)),
    ]
    flows, _ = run(*paths)
    assert by_direction(flows) == {"out": 5 + 7 + 100}


def test_a_wrong_file_is_named_before_anything_is_read(tmp_path: Path) -> None:
    good = capture(tmp_path / "x.pcap", traffic("198.18.0.1", "203.0.113.9", 60))
    bad = tmp_path / "notes.txt"
    bad.write_text("these are notes")
    read: list[int] = []
    with pytest.raises(CaptureError, match=r"notes\.txt: neither a capture"):
        run(good, bad, progress=read.append)
    assert read == []


def test_windows_are_given_away_as_they_end(tmp_path: Path) -> None:
    packets = [traffic("198.18.0.1", "203.0.113.9", 60) for _ in range(30)]
    path = capture(tmp_path / "x.pcap", *packets, step=60)
    read: list[int] = []
    flows, counts = run(path, progress=read.append)
    assert len(set(flows["window_start"].to_pylist())) == 6
    assert pc.sum(flows["packets"]).as_py() == sum(read) == counts["datagrams"] == 30


def test_no_address_is_in_the_tables(tmp_path: Path) -> None:
    flows, _ = run(capture(tmp_path / "x.pcap", export(netflow5([record5()]))))
    assert ROUTER not in repr(flows.to_pylist())
