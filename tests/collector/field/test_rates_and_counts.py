"""Rates and counts that cannot be: not believed, in no sum at face value, and said."""

import struct
from pathlib import Path

import pytest

from caudal.collector.columns.flowrecords import ASSUMED, CONFIG, IMPLAUSIBLE, RATE_DOUBTED, RECORD, TRAFFIC
from caudal.collector.files.inspection import Inspection
from caudal.collector.signs.disbelief import disbeliefs
from tests.support.builders import (
    BASIC,
    ROUTER,
    Bench,
    a_set,
    basic,
    bench,
    ethernet,
    flow_sample,
    ipfix,
    netflow5,
    netflow9,
    options9,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
)

FIELD = Path(__file__).parents[2] / "data" / "field"
REVERSED = 2_919_759_872  # 2222
SAMPLE = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))


def in_records(*rates: int) -> bytes:
    body = b"".join(basic() + struct.pack(">I", rate) for rate in rates)
    return netflow9(template(256, *BASIC, (34, 4)), a_set(256, body))


def in_options(rate: int) -> bytes:
    announced = a_set(300, struct.pack(">II", 0, rate))
    return netflow9(options9(300, [(1, 4)], [(34, 4)]), announced, template(256, *BASIC), a_set(256, basic()))


def in_samples(rate: int, sequence: int = 1) -> bytes:
    return sflow(flow_sample(SAMPLE, rate=rate, sequence=sequence), sequence=sequence)


def taken(under: Bench, payload: bytes) -> tuple[float, int, bool]:
    flows = under.decode(payload)
    return float(flows.sampling_rate[0]), int(flows.sampling_from[0]), bool(flows.doubt[0] & RATE_DOUBTED)


def test_rate_reversed() -> None:
    inspection = Inspection()
    found = list(inspection.records(FIELD / "rate_reversed.pcap"))
    assert [(each["bytes"], each["not_believed"]) for each in found] == [(1500, ["rate"])] * 2
    assert inspection.totals()["rate_implausible"] == 2
    (said,) = disbeliefs(inspection.decoder, lambda _: "edge-1")
    assert "give the true rate" in said.sentences[0]
    configured = Inspection({"192.0.2.1": 2222})
    assert [each["bytes"] for each in configured.records(FIELD / "rate_reversed.pcap")] == [1500 * 2222] * 2


@pytest.mark.parametrize("rate", [REVERSED, 0xFFFF_FFFF, 2_000_000])
@pytest.mark.parametrize("how", [in_records, in_options, in_samples])
def test_wherever_it_is_stated(how: object, rate: int) -> None:
    assert callable(how)
    assert taken(bench(), how(rate)) == (1, ASSUMED, True)
    assert taken(bench({ROUTER: 50}), how(rate)) == (50, CONFIG, True)


def test_the_header_of_version_5_has_too_few_bits_for_a_reversed_rate_but_jumps() -> None:
    under = bench()
    assert taken(under, netflow5([record5()], sampling=0x4000 | 100)) == (100, RECORD, False)
    assert taken(under, netflow5([record5()], sampling=0x4000 | 0x3FFF, sequence=1)) == (100, RECORD, True)


def test_samples_of_sflow_whose_rate_jumps_or_is_none() -> None:
    under = bench()
    assert taken(under, in_samples(512)) == (512, RECORD, False)
    assert taken(under, in_samples(512 * 200, 2)) == (512, RECORD, True)
    assert taken(under, in_samples(0, 3))[:2] == (1, ASSUMED)


@pytest.mark.parametrize("again", [100 * 200, REVERSED])
def test_a_jump_is_seen_across_a_restart(again: int) -> None:
    before, after = bench(), bench()
    assert taken(before, in_records(100)) == (100, RECORD, False)
    assert before.decoder.changed == {0}
    after.decoder.restore(0, before.decoder.state(0))
    assert after.decoder.state(0) == before.decoder.state(0)
    assert taken(after, in_records(again)) == (100, RECORD, True)
    assert taken(after, in_records(120)) == (120, RECORD, False)


def test_huge_counts() -> None:
    inspection = Inspection()
    found = list(inspection.records(FIELD / "huge_counts.pcap"))
    assert [each["kind"] for each in found].count("implausible") == 2
    totals = inspection.totals()
    assert (totals["decoded"], totals["aggregated"], totals["counts_implausible"]) == (3, 1, 2)
    (said,) = disbeliefs(inspection.decoder, lambda _: "edge-1")
    assert said.counts == 2


@pytest.mark.parametrize(("octets", "packets"), [(4 << 40, 1), ((1 << 64) - 1, 10), (65_536, 1)])
def test_more_octets_than_packets_hold(octets: int, packets: int) -> None:
    fields = template(256, (8, 4), (12, 4), (1, 8), (2, 8), ipfix=True)
    body = struct.pack(">IIQQ", 0xC612_0001, 0xCB00_7109, octets, packets)
    assert bench().decode(ipfix(fields, a_set(256, body))).kind.tolist() == [IMPLAUSIBLE]


def test_what_packets_hold_at_most_is_believed() -> None:
    fields = template(256, (8, 4), (12, 4), (1, 8), (2, 8), ipfix=True)
    body = struct.pack(">IIQQ", 0xC612_0001, 0xCB00_7109, 65_535, 1)
    assert bench().decode(ipfix(fields, a_set(256, body))).kind.tolist() == [TRAFFIC]
