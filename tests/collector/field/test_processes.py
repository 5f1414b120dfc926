"""Several exporting processes behind one address: each decoded by what it announced itself."""

import struct
from collections import Counter
from pathlib import Path

import pytest

from caudal.collector.columns.flowrecords import ASSUMED, OPTIONS
from caudal.collector.files.inspection import Inspection
from caudal.collector.signs.signs import signs_of_decoding
from tests.support.builders import (
    BASIC,
    DESTINATION,
    OCTETS,
    PACKETS,
    SOURCE,
    Bench,
    a_set,
    basic,
    bench,
    ip,
    ipfix,
    netflow9,
    options9,
    options10,
    template,
)

FIELD = Path(__file__).parents[2] / "data" / "field"
TURNED = (OCTETS, PACKETS, DESTINATION, SOURCE)
ONE, OTHER, THIRD = 50_001, 50_002, 50_003


def turned(octets: int = 500) -> bytes:
    return struct.pack(">IIII", octets, 5, ip("203.0.113.9"), ip("198.18.0.77"))


def sources(under: Bench, port: int, *sets: bytes) -> list[tuple[int, int]]:
    flows = under.decode(netflow9(*sets), port=port)
    return list(zip(flows.source_low.tolist(), flows.bytes.tolist(), strict=True))


RIGHT, RIGHT_TURNED = [(ip("198.18.0.1"), 1000)], [(ip("198.18.0.77"), 500)]


def test_two_layouts_by_port() -> None:
    inspection = Inspection()
    octets: Counter[str] = Counter()
    for each in inspection.records(FIELD / "two_layouts_by_port.pcap"):
        octets[str(each["source"])] += int(str(each["bytes"]))
    assert octets == {"203.0.113.5": 60_000, "203.0.113.77": 120_000}
    totals = inspection.totals()
    assert (totals["lost"], totals["lost_datagrams"], totals["templates_redefined"]) == (0, 0, 1)


def test_it_is_said() -> None:
    for name, redefined in (("two_layouts_by_port", 1), ("two_sequences_by_port", 0)):
        inspection = Inspection()
        list(inspection.records(FIELD / f"{name}.pcap"))
        said = {sign.kind: sign for sign in signs_of_decoding(inspection.decoder, lambda _: "edge-1")}
        assert said["several_processes"].sentence.startswith("2 exporting processes send from this address")
        assert said["several_processes"].needs_attention
        assert [" once." in sign.sentence for sign in said.values()].count(True) == redefined
    under = bench()
    under.decode(*(netflow9(sequence=n, domain=n % 2) for n in range(9)))
    (only,) = signs_of_decoding(under.decoder, lambda _: "edge-2")
    assert (only.exporter, only.kind, only.needs_attention) == ("edge-2", "counts_otherwise", False)
    assert "whole router" in only.sentence


def test_each_port_by_its_own_layout_in_one_lot_and_after() -> None:
    under = bench()
    sent = [
        (ONE, netflow9(template(256, *BASIC))), (OTHER, netflow9(template(256, *TURNED))),
        (ONE, netflow9(a_set(256, basic()))), (OTHER, netflow9(a_set(256, turned()))),
    ]  # fmt: skip
    flows = under.decode(*(payload for _, payload in sent), port=[port for port, _ in sent])
    assert flows.source_low.tolist() == [ip("198.18.0.1"), ip("198.18.0.77")]
    for _ in range(3):  # announced again and again, which is no news
        assert sources(under, OTHER, template(256, *TURNED), a_set(256, turned())) == RIGHT_TURNED
        assert sources(under, ONE, template(256, *BASIC), a_set(256, basic())) == RIGHT
    assert under.count("templates_redefined") == 1


def test_three_processes() -> None:
    under = bench()
    longer = (*BASIC, (4, 1))
    for port, layout in ((ONE, BASIC), (OTHER, TURNED), (THIRD, longer)):
        sources(under, port, template(256, *layout))
    for _ in range(2):
        assert sources(under, THIRD, a_set(256, basic() + b"\6")) == RIGHT
        assert sources(under, ONE, a_set(256, basic())) == RIGHT
        assert sources(under, OTHER, a_set(256, turned())) == RIGHT_TURNED


def test_a_port_that_announced_nothing_waits_where_the_others_do_not_agree() -> None:
    under = bench()
    for port, layout in ((ONE, BASIC), (OTHER, TURNED)):
        sources(under, port, template(256, *layout))
    sources(under, ONE, a_set(256, basic()))
    assert sources(under, THIRD, a_set(256, turned())) == []
    assert under.count("waiting") == 1
    sources(under, THIRD, template(300, *BASIC))
    assert sources(under, ONE, a_set(300, basic())) == RIGHT, "what only one announced holds for all"


def test_one_process_that_begins_anew_from_another_port_with_another_layout() -> None:
    under = bench()
    assert sources(under, ONE, template(256, *BASIC), a_set(256, basic())) == RIGHT
    under.decode(netflow9(template(256, *TURNED)), port=OTHER, received_ms=1_767_225_700_000)
    flows = under.decode(netflow9(a_set(256, turned())), port=THIRD, received_ms=1_767_225_701_000)
    assert flows.source_low.tolist() == [ip("198.18.0.77")], "the old one was not heard since"
    assert under.count("templates_redefined") == 1


def test_a_layout_changed_by_one_process_is_counted_and_splits_nothing() -> None:
    under = bench()
    sources(under, ONE, template(256, *BASIC))
    assert sources(under, ONE, template(256, *TURNED), a_set(256, turned())) == RIGHT_TURNED
    assert sources(under, OTHER, a_set(256, turned())) == RIGHT_TURNED, (
        "templates from one port, data from another"
    )
    assert under.count("templates_redefined") == 1
    assert 0 not in under.decoder.processes


def test_rates_of_two_processes() -> None:
    under = bench()
    announcing = options9(300, [(1, 4)], [(34, 4)]), template(256, *BASIC)

    def rate(port: int, *sets: bytes) -> list[tuple[float, int]]:
        flows = under.decode(netflow9(*sets, a_set(256, basic())), port=port)
        return list(zip(flows.sampling_rate.tolist(), flows.sampling_from.tolist(), strict=True))

    rate(ONE, *announcing, a_set(300, struct.pack(">II", 0, 100)))
    rate(OTHER, *announcing, a_set(300, struct.pack(">II", 0, 500)))
    assert rate(ONE) == [(100, OPTIONS)]
    assert rate(OTHER) == [(500, OPTIONS)]
    assert rate(THIRD) == [(1, ASSUMED)], "never the last announced"


def test_boot_times_of_two_processes() -> None:
    under = bench()
    announcing = options10(300, [(149, 4)], [(160, 8)]), template(256, *BASIC, (22, 4), ipfix=True)

    def start(port: int, *sets: bytes) -> list[int]:
        flows = under.decode(ipfix(*sets, a_set(256, basic() + struct.pack(">I", 5000))), port=port)
        return flows.start_ms.tolist()  # type: ignore[no-any-return]

    boots = {ONE: 1_767_225_000_000, OTHER: 1_767_225_100_000}
    for port, boot_ms in boots.items():
        start(port, *announcing, a_set(300, struct.pack(">IQ", 0, boot_ms)))
    assert {port: start(port) for port in boots} == {port: [boot + 5000] for port, boot in boots.items()}


def test_it_outlives_a_restart_and_is_forgotten_with_the_exporter() -> None:
    before, after = bench(), bench()
    for port, layout in ((ONE, BASIC), (OTHER, TURNED)):
        sources(before, port, template(256, *layout))
    kept = before.decoder.state(0)
    after.decoder.restore(0, kept)
    assert after.decoder.state(0) == kept
    assert sources(after, OTHER, a_set(256, turned())) == RIGHT_TURNED
    assert sources(after, ONE, a_set(256, basic())) == RIGHT
    after.decoder.forget(0)
    assert 0 not in after.decoder.processes
    assert sources(after, ONE, a_set(256, basic())) == []


@pytest.mark.parametrize("layouts", [1, 2, 7])
def test_ports_are_bounded(layouts: int) -> None:
    under = bench(templates_per_exporter=100)
    for n in range(500):
        fields = (*BASIC, *[(4, 1)] * (n % layouts))
        record = basic() + bytes(n % layouts)
        assert sources(under, 1024 + n * 101 % 60_000, template(256, *fields), a_set(256, record)) == RIGHT
    assert len(under.decoder.templates) <= 16
