"""What `caudal inspect` says: the shape of each object, and that absent is null."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.files.inspection import Inspection
from caudal.contract.batch import LEDGER_COUNTS
from tests.support.builders import (
    BASIC,
    NOW_MS,
    OCTETS,
    SECONDS,
    a_set,
    basic,
    ethernet,
    flow_sample,
    gateway,
    ip,
    ipfix,
    netflow5,
    netflow7,
    netflow9,
    options9,
    raw_header,
    record5,
    record7,
    sflow,
    template,
    udp4,
)

KEYS = [
    "exporter", "protocol", "observation_domain", "template", "start", "end", "source", "destination",
    "source_port", "destination_port", "ip_protocol", "sampled_bytes", "sampled_packets", "sampling_rate",
    "sampling_from", "bytes", "packets", "source_as", "destination_as", "input", "output", "kind", "not_believed",
]  # fmt: skip


def payloads(directory: Path, *datagrams: bytes) -> list[Path]:
    paths = []
    for number, datagram in enumerate(datagrams):
        paths.append(directory / f"{number}.dat")
        paths[-1].write_bytes(datagram)
    return paths


def inspect(paths: list[Path], **sampling: float) -> tuple[list[dict[str, Any]], dict[str, int]]:
    inspection = Inspection({name.replace("_", "."): rate for name, rate in sampling.items()})
    records = [record for path in paths for record in inspection.records(path)]
    for record in records:
        assert list(record) == KEYS
        json.dumps(record, allow_nan=False)
    return records, inspection.totals()


def capture(path: Path, *sent: tuple[str, bytes]) -> Path:
    packets = []
    for source, payload in sent:
        layer = IPv6(src=source, dst="2001:db8::f") if ":" in source else IP(src=source, dst="192.0.2.99")
        packet = (
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            / layer
            / UDP(sport=5000, dport=2055)
            / Raw(payload)
        )
        packet.time = SECONDS
        packets.append(packet)
    wrpcap(str(path), packets)
    return path


def test_a_record_with_everything(tmp_path: Path) -> None:
    fields = [*BASIC, (7, 2), (11, 2), (4, 1), (16, 4), (17, 4), (10, 4), (14, 4), (22, 4), (21, 4), (48, 1)]
    record = basic() + struct.pack(">HHBIIIIIIB", 1234, 443, 6, 64500, 15169, 3, 4, 1_000, 2_500, 1)
    sampler = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    rate = a_set(300, bytes(4) + b"\1" + (1000).to_bytes(4, "big"))
    datagram = netflow9(sampler, rate, template(260, *fields), a_set(260, record), uptime=5_000, domain=7)
    records, ledger = inspect([capture(tmp_path / "x.pcap", ("192.0.2.1", datagram))])
    assert records == [
        {
            "exporter": "192.0.2.1",
            "protocol": "netflow9",
            "observation_domain": 7,
            "template": 260,
            "start": "2025-12-31T23:59:56.000Z",
            "end": "2025-12-31T23:59:57.500Z",
            "source": "198.18.0.1",
            "destination": "203.0.113.9",
            "source_port": 1234,
            "destination_port": 443,
            "ip_protocol": 6,
            "sampled_bytes": 1000,
            "sampled_packets": 10,
            "sampling_rate": 1000,
            "sampling_from": "options",
            "bytes": 1_000_000,
            "packets": 10_000,
            "source_as": 64500,
            "destination_as": 15169,
            "input": 3,
            "output": 4,
            "kind": "traffic",
            "not_believed": [],
        }
    ]
    assert list(ledger) == list(LEDGER_COUNTS)
    assert {name: count for name, count in ledger.items() if count} == {
        "datagrams": 1, "received": 1, "decoded": 1, "aggregated": 1, "sampling_options": 1,
    }  # fmt: skip


def test_absent_values_are_null(tmp_path: Path) -> None:
    records, _ = inspect(
        payloads(tmp_path, ipfix(template(256, OCTETS, ipfix=True), a_set(256, struct.pack(">I", 5))))
    )
    assert {key: value for key, value in records[0].items() if value is not None} == {
        "protocol": "ipfix",
        "observation_domain": 0,
        "template": 256,
        "sampled_bytes": 5,
        "bytes": 5,
        "sampling_rate": 1,
        "sampling_from": "assumed",
        "kind": "traffic",
        "not_believed": [],
    }


def test_an_event_has_null_counters(tmp_path: Path) -> None:
    fields = template(256, (8, 4), (233, 1))
    records, ledger = inspect(payloads(tmp_path, netflow9(fields, a_set(256, struct.pack(">IB", 1, 1)))))
    assert (records[0]["kind"], records[0]["bytes"], records[0]["sampled_packets"]) == ("event", None, None)
    assert (ledger["events"], ledger["aggregated"]) == (1, 0)


def test_counters_of_zero_are_zero_not_null(tmp_path: Path) -> None:
    records, _ = inspect(payloads(tmp_path, netflow5([record5(octets=0, packets=0)])))
    assert (records[0]["bytes"], records[0]["packets"], records[0]["kind"]) == (0, 0, "event")


def test_netflow5_has_no_template(tmp_path: Path) -> None:
    records, _ = inspect(
        payloads(tmp_path, netflow5([record5(source_as=23456)], sampling=100, nanoseconds=250_000_000))
    )
    record = records[0]
    assert (record["template"], record["observation_domain"], record["sampling_from"]) == (None, 0, "record")
    assert (record["source_as"], record["destination_as"]) == (23456, 0)  # as sent
    assert record["end"] == "2026-01-01T00:00:00.250Z"


def test_netflow7_is_named(tmp_path: Path) -> None:
    records, _ = inspect(payloads(tmp_path, netflow7([record7("0.0.0.0")])))
    assert [records[0][name] for name in ("protocol", "source", "observation_domain", "bytes")] == [
        "netflow7", None, None, 1000,
    ]  # fmt: skip


def test_sflow_without_gateway_has_null_as_numbers(tmp_path: Path) -> None:
    header = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))
    records, _ = inspect(
        [
            capture(
                tmp_path / "x.pcap",
                ("2001:db8::7", sflow(flow_sample(header), flow_sample(header, gateway(64496, 15169)))),
            )
        ]
    )
    assert [(one["source_as"], one["destination_as"]) for one in records] == [(None, None), (64496, 15169)]
    assert {one["exporter"] for one in records} == {"2001:db8::7"}
    assert {one["start"] for one in records} == {"2026-01-01T00:00:00.000Z"}


def test_a_rate_that_is_no_whole_number(tmp_path: Path) -> None:
    data = template(256, OCTETS, (305, 4), (306, 4), ipfix=True)
    records, _ = inspect(payloads(tmp_path, ipfix(data, a_set(256, struct.pack(">III", 100, 2, 3)))))
    assert (records[0]["sampling_rate"], records[0]["bytes"], records[0]["sampling_from"]) == (
        2.5,
        250,
        "record",
    )


def test_files_are_one_stream(tmp_path: Path) -> None:
    """A template in one file serves the data in the next, and data before it waits."""
    data, known = netflow9(a_set(256, basic()), sequence=0), netflow9(template(256, *BASIC), sequence=1)
    records, ledger = inspect(payloads(tmp_path, data, known, data))
    assert [record["bytes"] for record in records] == [1000, 1000]
    assert (ledger["decoded"], ledger["waiting"]) == (2, 0)


def test_records_come_in_the_order_of_their_datagrams(tmp_path: Path) -> None:
    sent = [
        netflow9(template(256, *BASIC), a_set(256, basic(octets=1))),
        netflow5([record5(octets=2)]),
        ipfix(template(256, *BASIC, ipfix=True), a_set(256, basic(octets=3))),
        netflow9(a_set(256, basic(octets=4)), sequence=1),
    ]
    records, _ = inspect([capture(tmp_path / "x.pcap", *(("192.0.2.1", payload) for payload in sent))])
    assert [record["bytes"] for record in records] == [1, 2, 3, 4]


def test_a_configured_rate(tmp_path: Path) -> None:
    records, _ = inspect(
        [capture(tmp_path / "x.pcap", ("192.0.2.1", netflow5([record5()])))], **{"192_0_2_1": 64}
    )
    assert (records[0]["sampling_rate"], records[0]["sampling_from"]) == (64, "config")


def test_lots_give_the_same_as_records(tmp_path: Path) -> None:
    path = capture(
        tmp_path / "x.pcap",
        *(("192.0.2.1", netflow5([record5(octets=n)] * 3, sequence=3 * n)) for n in range(9)),
    )
    inspection = Inspection()
    flows = [octets for lot in inspection.flows(path) for octets in lot.bytes.tolist()]
    records, ledger = inspect([path])
    assert flows == [record["sampled_bytes"] for record in records]
    assert ledger == inspection.totals()


def test_times_out_of_all_bounds(tmp_path: Path) -> None:
    fields = template(256, (152, 8), (153, 8), OCTETS, ipfix=True)
    times = [(0, NOW_MS), (1 << 62, (1 << 64) - 1), ((1 << 63) - 1, 1 << 63)]
    data = a_set(256, b"".join(struct.pack(">QQI", *pair, 1) for pair in times))
    records, _ = inspect(payloads(tmp_path, ipfix(fields, data)))
    assert records[0]["start"] == "1970-01-01T00:00:00.000Z"
    assert len(records) == 3
    assert records[1]["start"] is None


def test_hostile_addresses(tmp_path: Path) -> None:
    """An IPv4 address of eight octets is none."""
    fields = template(256, (8, 8), (12, 4), OCTETS, ipfix=True)
    records, _ = inspect(payloads(tmp_path, ipfix(fields, a_set(256, b"\xff" * 12 + struct.pack(">I", 1)))))
    assert (records[0]["source"], records[0]["destination"]) == (None, "255.255.255.255")


def test_ipv6_is_written_short(tmp_path: Path) -> None:
    fields = template(256, (27, 16), (28, 16), OCTETS, ipfix=True)
    pair = ip("2001:db8::1").to_bytes(16, "big") + ip("fe80::2").to_bytes(16, "big")
    records, _ = inspect(payloads(tmp_path, ipfix(fields, a_set(256, pair + struct.pack(">I", 1)))))
    assert (records[0]["source"], records[0]["destination"]) == ("2001:db8::1", "fe80::2")


def test_a_capture_of_traffic_is_refused(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.pcap", ("192.0.2.1", b"GET / HTTP/1.1"))
    with pytest.raises(
        CaptureError, match=r"holds no export datagram .*; for a capture of traffic use `caudal meter`$"
    ):
        inspect([path])
