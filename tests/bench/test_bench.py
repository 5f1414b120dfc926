"""Each benchmark runs at a tiny size and says something sane; nothing is asserted of how fast."""

import json
import subprocess
import sys
from dataclasses import replace
from math import isfinite
from pathlib import Path

import numpy as np
import pytest

from bench import decoding, endtoend, metering, page, storing
from bench.exports import FORMATS, SAMPLING, Format, make_exports
from bench.figure import Figure, Section, alone, beside
from bench.machine import describe

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
    assert len(figures) == len(FORMATS)
    assert {figure.peer_name for figure in figures.values()} == {"netflume"}


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
    for figure in decoding.measure(datagrams=4, rounds=1).figures:
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
    assert figures["Highest rate without loss"].caudal > 0
    steps = [*section.details["steps"], section.details["sustained"]]
    for step in steps:
        assert step["sent"] > 0
        assert step["received"] + step["lost"] == step["sent"]
        assert 0 <= step["records"] <= 30 * step["received"]
    # Of every format something was decoded: 15 to 30 records a datagram.
    assert steps[0]["records"] > 15 * steps[0]["received"] * 0.9


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


def test_command_refuses_parts_it_does_not_have() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "there is no part nothing; there are decode, endtoend, capture, store" in ran.stderr
