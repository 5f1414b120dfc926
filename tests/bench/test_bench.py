"""Each benchmark runs at a tiny size and says something sane; nothing is asserted of how fast."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_network
from math import isfinite
from pathlib import Path

import numpy as np
import pytest

from bench import (
    capturepeers,
    decoding,
    endtoend,
    exportpeers,
    growth,
    indicators,
    metering,
    page,
    process,
    soak,
    storing,
)
from bench.daemons import CaudalCollect, Left, Nfacctd, Nfcapd, Sfacctd, free_port, write_networks
from bench.exportpeers import Run, Step
from bench.exports import FORMATS, SAMPLING, Format, make_exports
from bench.figure import Figure, Section, alone, beside
from bench.machine import describe
from bench.samples import SAMPLES, SFLOW, make_samples
from caudal.reference import AddressTable

STEP = Step("Caudal", "NetFlow v5", 1.0, 1.0, 1, 0, 30, 1.0, 1)
ROOT = Path(__file__).resolve().parents[2]


def sane(section: Section) -> dict[str, Figure]:
    assert section.title
    assert section.method
    for figure in section.figures:
        assert figure.status == "ok", figure
        assert isfinite(figure.caudal)
        assert 0 <= figure.low <= figure.caudal <= figure.high
        assert (figure.ratio is None) == (figure.peer is None)
        assert figure.ratio is None or figure.ratio > 0
    return {figure.what: figure for figure in section.figures}


@pytest.mark.parametrize("kind", FORMATS.values(), ids=lambda kind: kind.name)
def test_exports_are_what_they_say(kind: Format) -> None:
    exports = make_exports(kind, 70)
    again = make_exports(kind, 70)
    assert np.array_equal(exports.octets, again.octets)
    payloads = list(exports.datagrams())
    assert len(payloads) == 70 + (kind.version != 5)
    assert max(map(len, payloads)) <= 1_472
    decoded = decoding.decode_with_caudal(payloads)
    assert (decoded.records, decoded.bytes, decoded.sampling) == (
        70 * kind.records,
        exports.bytes_total,
        SAMPLING,
    )


def test_decode() -> None:
    figures = sane(decoding.measure(datagrams=40, rounds=2))
    assert len(figures) == len(FORMATS) + 1
    # There is no peer for sFlow.
    assert [figure.peer_name for figure in figures.values()] == ["netflume"] * len(FORMATS) + [""]


def test_decoders_that_disagree_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = decoding.decode_with_caudal
    monkeypatch.setattr(
        decoding,
        "decode_with_caudal",
        lambda *given: replace(right(*given), bytes=right(*given).bytes + 1),
    )
    for figure in decoding.measure(datagrams=4, rounds=1).figures:
        assert figure.status == "FAILED"
        assert figure.ratio is None
        assert "Caudal finds" in figure.note


def test_missing_peer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netflume", None)
    for figure in decoding.measure(datagrams=4, rounds=1).figures[: len(FORMATS)]:
        assert (figure.status, figure.peer, figure.ratio) == ("missing", None, None)
        assert figure.caudal > 0


def test_turns_alternate() -> None:
    order: list[str] = []

    def run(name: str, rate: float) -> float:
        order.append(name)
        return rate * (1 + order.count(name))

    figure = beside("x", "1/s", lambda: run("ours", 6.0), "peer", lambda: run("peer", 2.0), 3)
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert (figure.caudal, figure.peer, figure.ratio) == (18.0, 6.0, 3.0)
    assert (figure.low, figure.high) == (12.0, 24.0)


def test_end_to_end() -> None:
    section = endtoend.measure(
        step_seconds=0.2, sustained_seconds=0.4, datagrams=64, first_rate=500, most_steps=2, warm_up=False
    )
    figures = sane(section)
    assert figures["Highest rate without loss"].caudal >= 0
    steps = [*section.details["steps"], section.details["sustained"]]
    for step in steps:
        assert step["sent"] > 0
        assert step["received"] + step["lost"] == step["sent"]
        assert 0 <= step["records"] <= 30 * step["received"]
    # Of every format something was decoded: 15 to 30 records a datagram.
    assert steps[0]["records"] > 15 * steps[0]["received"] * 0.9


def test_samples_are_what_they_say() -> None:
    samples = make_samples(70)
    payloads = [bytes(row) for row in samples.octets]
    assert max(map(len, payloads)) <= 1_472
    decoded = decoding.decode_with_caudal(payloads)
    assert (decoded.records, decoded.bytes, decoded.sampling) == (70 * SAMPLES, samples.bytes_total, SAMPLING)


def test_peers_of_exports_agree_with_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exportpeers, "_FLOW_DAEMONS", (CaudalCollect, Nfcapd, Nfacctd))
    costs, losses, memory = exportpeers.measure(
        common_rate=500, rates=(), seconds=0.3, datagrams=64, formats=("NetFlow v9",)
    )
    assert losses.figures == []
    assert [figure.peer_name for figure in costs.figures] == ["nfcapd", "nfacctd"]
    for figure in costs.figures:
        assert figure.status in ("ok", "missing"), figure
        assert figure.caudal > 0
    assert all(10 < figure.caudal < 4_000 for figure in memory.figures)
    assert all(step["lost"] == 0 and step["records"] > 0 for step in costs.details["steps"])


def test_a_peer_that_takes_samples_agrees_with_what_was_sent() -> None:
    if not Sfacctd.installed():
        pytest.skip("sfacctd is not installed (Debian package pmacct)")
    ran = exportpeers.run(Sfacctd, SFLOW, [300.0], 0.2, 32)
    assert not ran.wrong
    assert ran.left.bytes > 0


def test_a_peer_that_left_something_else_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Nfcapd.installed():
        pytest.skip("nfcapd is not installed (Debian package nfdump)")
    monkeypatch.setattr(Nfcapd, "read", lambda _: (7, 7))
    ran = exportpeers.run(Nfcapd, "NetFlow v5", [300.0], 0.2, 32)
    assert "7 records were stored" in ran.wrong


def test_missing_daemons_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for daemon in (Nfcapd, Nfacctd):
        monkeypatch.setattr(daemon, "program", "no-such-program")
    monkeypatch.setattr(exportpeers, "run", lambda *_: Run([STEP], Left(1, 1, 1.0, 1), ""))
    costs, losses, memory = exportpeers.measure(rates=(), formats=("NetFlow v5",))
    assert [figure.status for figure in costs.figures] == ["missing"] * 3
    assert losses.figures == memory.figures == []


def test_peers_of_captures() -> None:
    figures = capturepeers.measure(packets=3_000, rounds=1).figures
    assert [figure.peer_name for figure in figures] == ["nfpcapd", "pmacctd", "softflowd", ""]
    assert figures[-1].what.endswith("without looking for names")
    for figure in figures:
        assert figure.status in ("ok", "missing"), figure
        assert figure.caudal > 0


def test_growth() -> None:
    (figure,) = growth.measure(points=((3, 2),), lots=1).figures
    assert figure.what == "3 exporters × 2 templates"
    assert figure.caudal > 0


def test_soak() -> None:
    section = soak.measure(minutes=1.5 / 60, rate=500, step_seconds=0.4, window_seconds=10)
    figures = sane(section)
    # How much is lost, and how often it looks, is for the machine to say.
    assert 0 <= figures["Lost"].caudal <= sum(look["sent"] for look in section.details["looks"])
    assert 50 < figures["Resident memory"].caudal < 4_000
    assert section.details["looks"]
    assert section.details["left"]["records"] or figures["Shipped"].caudal


def test_what_a_process_uses_is_read() -> None:
    before = process.cpu_seconds(os.getpid())
    child = "import time; until = time.process_time() + 0.3\nwhile time.process_time() < until: pass"
    subprocess.run([sys.executable, "-c", child], check=True)
    assert process.cpu_seconds(os.getpid()) - before >= 0.25
    assert process.memory_bytes(os.getpid()) >= process.memory_bytes(os.getpid(), "VmRSS") > 10 << 20


def test_what_waits_at_a_port_and_what_was_dropped_is_read() -> None:
    assert process.udp_port(free_port(socket.SOCK_DGRAM)) is None
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as full,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        full.bind(("127.0.0.1", 0))
        for _ in range(100):
            sender.sendto(bytes(1_000), full.getsockname())
        state = process.udp_port(full.getsockname()[1])
    assert state is not None
    waiting, dropped = state
    assert waiting > 0
    assert 0 < dropped < 100


def test_networks_are_those_of_the_table(tmp_path: Path) -> None:
    lines = write_networks(tmp_path / "networks").read_text("ascii").splitlines()
    table = AddressTable.load()
    number, prefix = lines[len(lines) // 2].split(",")
    network = ip_network(prefix)
    ends = np.array([int(network.network_address), int(network.broadcast_address)], np.uint32)
    assert table.asn[table.segments4(ends[:1])].tolist() == [int(number)]
    assert len(lines) > 100_000


def test_collector_ships_to_the_service_it_is_given(tmp_path: Path) -> None:
    collector = CaudalCollect(tmp_path, service="http://127.0.0.1:9")
    collector.command()
    assert 'url = "http://127.0.0.1:9"' in (tmp_path / "collector.toml").read_text()


def test_capture() -> None:
    section = metering.measure(packets=3_000, raw_packets=500, dissected_packets=50, rounds=1)
    assert len(sane(section)) == 1
    assert [figure.peer_name for figure in section.figures] == ["scapy RawPcapReader", "scapy PcapReader"]


def test_store() -> None:
    section = storing.measure(rows=500, batches=1, answers=1)
    figures = sane(section)
    assert figures["Ingest"].caudal > 0
    assert section.details["rows"] == 1_000


def test_page_and_json() -> None:
    sections = [
        Section("One", "How.", [alone("a", "rows/s", [1_234_567.0], "why"), alone("b", "ms", [0.5, 0.7])]),
        Section("Two", "How.", [beside("c", "x/s", lambda: 10.0, "peer", lambda: 4.0, 1)]),
    ]
    text = page.as_page(describe(), sections)
    assert "shared with other work" in text
    assert "| a | 1.23M rows/s |  |  |  |" in text
    assert "- a: why." in text
    assert "| c | 10 x/s |  | peer 4 | 2.50× |" in text
    assert json.loads(json.dumps(page.as_json(describe(), sections)))["sections"][0]["title"] == "One"


def test_what_an_earlier_run_kept_is_taken_in() -> None:
    sections = [Section("One", "How.", [alone("x", "y/s", [1.0, 2.0])], {"more": 3})]
    kept = json.loads(json.dumps(page.as_json(replace(describe(), date="2026-01-02"), sections)))
    (found,) = page.from_json(kept)
    assert found.method.startswith("How. Measured on 2026-01-02, load average ")
    assert replace(found, method="How.") == sections[0]


def test_command_refuses_parts_it_does_not_have() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert (
        "there is no part nothing; there are decode, endtoend, peers, growth, capture, store, indicators, floods, soak"
        in ran.stderr
    )


def test_indicators_of_a_month() -> None:
    section = indicators.measure(rows=3_000, rounds=1, growth=(1.0,), fewer_months=())
    figures = sane(section)
    assert [name for name in figures if "3,000 rows in 12 months" in name and "indicators" in name]
    assert section.details["rows"] == 3_000
