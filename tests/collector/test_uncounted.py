"""What is said of exporters whose records count for nothing, or not as they are."""

import struct

from caudal.collector.exporters.ledger import COUNT
from caudal.collector.signs.signs import signs_of_decoding
from caudal.collector.signs.uncounted import uncounted
from tests.support.builders import (
    BASIC,
    NOW_MS,
    PACKETS,
    ROUTER,
    SOURCE,
    Bench,
    a_set,
    basic,
    bench,
    ethernet,
    flow_sample,
    ipfix,
    netflow9,
    raw_header,
    sflow,
    template,
    udp4,
)

ARP = raw_header(ethernet(bytes(28), kind=0x0806))
PACKET = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))


def after(*payloads: bytes) -> Bench:
    under = bench()
    under.ledger.add_records(under.decode(*payloads))
    return under


def kinds(under: Bench) -> dict[str, bool]:
    found = list(signs_of_decoding(under.decoder, under.exporters.addresses.__getitem__))
    assert {each.exporter for each in found} <= {ROUTER}
    return {each.kind: each.needs_attention for each in found}


def test_of_an_exporter_that_counts_nothing_is_said() -> None:
    assert kinds(after(netflow9(template(256, *BASIC), a_set(256, basic())))) == {}


def test_records_without_counters_need_attention_where_they_are_most() -> None:
    logs = (template(257, SOURCE), a_set(257, bytes(8)))
    under = after(netflow9(*logs))
    assert kinds(under) == {"without_counts": True}
    (found,) = uncounted(under.decoder, str)
    assert "2 of its 2 records tell neither octets nor packets" in found.sentences[0]
    assert found.plain["without_counts"] == 2
    assert kinds(after(netflow9(*logs, template(256, *BASIC), a_set(256, basic() * 9)))) == {
        "without_counts": False
    }


def test_packets_that_are_not_read() -> None:
    samples = [flow_sample(PACKET, sequence=n) for n in range(3)]
    assert kinds(after(sflow(*samples, flow_sample(ARP, sequence=9)))) == {"not_read": False}
    assert kinds(after(sflow(flow_sample(ARP)))) == {"not_read": True}


def test_octets_of_frames_are_said_with_their_template() -> None:
    record = struct.pack(">III", 1, 15_140, 10)
    under = after(ipfix(template(300, SOURCE, (352, 4), PACKETS, ipfix=True), a_set(300, record)))
    assert kinds(under) == {"octets_of_frames": False}
    (found,) = uncounted(under.decoder, str)
    assert "Template 300 tells octets of layer 2 only" in found.sentences[0]
    # Announced, but never used: nothing of it was worked out.
    assert kinds(after(ipfix(template(300, SOURCE, (352, 4), ipfix=True)))) == {}


def test_datagrams_captured_twice_are_good_to_know() -> None:
    under = after(netflow9(template(256, *BASIC), a_set(256, basic())))
    under.ledger.add_one(0, NOW_MS, duplicated_datagrams=4)
    assert kinds(under) == {"duplicated_datagrams": False}
    assert under.ledger.totals[COUNT["duplicated_datagrams"]] == 4
