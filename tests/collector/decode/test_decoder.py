"""From datagrams to flow records: templates and their data in any order, damage, and what is counted."""

import random
import struct
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.columns.flowrecords import ABSENT, NETFLOW9, FlowRecords
from caudal.collector.exporters.ledger import COUNT
from tests.support.builders import (
    BASIC,
    DESTINATION,
    NOW_MS,
    OCTETS,
    PACKETS,
    SECONDS,
    SOURCE,
    VARIABLE,
    Bench,
    a_set,
    basic,
    bench,
    flow_sample,
    ipfix,
    joined,
    netflow5,
    netflow9,
    options9,
    options10,
    raw_header,
    record5,
    rows,
    sflow,
    template,
    udp4,
    withdrawal,
)
from tests.support.effort import effort, growth

T9, T10 = template(256, *BASIC), template(256, *BASIC, ipfix=True)
DATA = a_set(256, basic())


def balanced(under: Bench) -> bool:
    count = under.count
    return count("received") == count("decoded") + count("waiting") + count("malformed") + count("filtered")


# Data before its template


def test_data_before_its_template_is_replayed_and_counted() -> None:
    under = bench()
    assert len(under.decode(netflow9(DATA, DATA, sequence=0))) == 0
    assert under.counts() == {"datagrams": 1, "received": 2, "waiting": 2}
    assert under.decode(netflow9(T9, sequence=1)).bytes.tolist() == [1000, 1000]
    assert under.counts() == {"datagrams": 2, "received": 2, "decoded": 2}


def test_replayed_data_keeps_its_own_clock() -> None:
    timed = template(256, (22, 4), (21, 4), OCTETS)
    under = bench()
    under.decode(
        netflow9(a_set(256, struct.pack(">III", 1_000, 2_000, 5)), uptime=3_000, seconds=SECONDS - 60)
    )
    flows = under.decode(netflow9(timed, uptime=63_000))
    assert flows.export_ms.tolist() == [NOW_MS - 60_000]
    assert (flows.start_ms.tolist(), flows.end_ms.tolist()) == ([NOW_MS - 62_000], [NOW_MS - 61_000])


def test_replay_is_entered_in_the_window_the_data_came_in() -> None:
    under = bench(window_ms=300_000)
    under.decode(netflow9(DATA, seconds=SECONDS - 600))
    under.decode(netflow9(T9))
    rows_ = under.ledger.take(None, lambda number: "x").to_pylist()
    assert [(row["window_start"].timestamp() - SECONDS, row["waiting"], row["decoded"]) for row in rows_] == [
        (-600, 0, 1),
        (0, 0, 0),
    ]


def test_data_waits_only_for_a_template_of_its_own_exporter_domain_and_protocol() -> None:
    under = bench()
    under.decode(netflow9(DATA, domain=1))
    under.decode(netflow9(T9, domain=2), ipfix(T10, domain=1), exporter=0)
    under.decode(netflow9(T9, domain=1), exporter=1)
    assert (under.count("waiting"), under.count("decoded")) == (1, 0)
    assert len(under.decode(netflow9(T9, domain=1))) == 1


def test_a_template_from_another_udp_port_serves_as_well() -> None:
    """Lots know exporters by address only."""
    under = bench()
    under.decode(netflow9(T9, sequence=5))
    assert len(under.decode(netflow9(DATA, sequence=90_000))) == 1


def test_options_data_before_its_template_is_no_flow() -> None:
    under = bench()
    under.decode(netflow9(a_set(300, struct.pack(">IBBI", 1, 1, 2, 100))))
    assert under.count("waiting") == 1
    assert len(under.decode(netflow9(options9(300, [(1, 4)], [(48, 1), (49, 1), (50, 4)])))) == 0
    assert under.counts() == {"datagrams": 2}
    flows = under.decode(netflow9(template(256, OCTETS, (48, 1)), a_set(256, struct.pack(">IB", 1, 1))))
    assert flows.sampling_rate.tolist() == [100]


def test_waiting_sets_are_bounded_and_those_dropped_are_malformed() -> None:
    under = bench(waiting_octets=10 * (16 + 512))
    under.decode(*(netflow9(a_set(256, basic(octets=n)), sequence=n) for n in range(1, 26)))
    assert under.counts() == {"datagrams": 25, "received": 25, "waiting": 10, "malformed": 15}
    assert under.decode(netflow9(T9)).bytes.tolist() == list(range(16, 26))
    assert under.count("waiting") == 0
    assert balanced(under)


def test_data_too_old_to_wait_is_malformed() -> None:
    """Whose template has not come within half an hour, in the window the data came in."""
    under = bench(waiting_seconds=1800, window_ms=300_000)
    under.decode(netflow9(DATA))
    under.decode(netflow9(a_set(999, b"abcd"), seconds=SECONDS + 60), received_ms=NOW_MS + 60_000)
    under.decode(received_ms=NOW_MS + 1_800_000)
    assert under.count("waiting") == 2
    under.decode(b"anything", received_ms=NOW_MS + 1_800_001)
    assert (under.count("waiting"), under.count("malformed")) == (1, 2)
    assert balanced(under)
    first = under.ledger.take(None, lambda number: "x").to_pylist()[0]
    assert (first["received"], first["malformed"], first["waiting"]) == (2, 1, 1)


def test_waiting_sets_of_one_exporter_do_not_drive_out_those_of_others() -> None:
    under = bench(waiting_octets_per_exporter=5 * (16 + 512))
    under.decode(netflow9(DATA), exporter=1)
    under.decode(*(netflow9(DATA, domain=n) for n in range(20)))
    assert (under.count("waiting"), under.count("malformed")) == (6, 15)
    assert len(under.decode(netflow9(T9), exporter=1)) == 1


def test_waiting_set_that_does_not_fit_its_template_is_malformed() -> None:
    under = bench()
    under.decode(netflow9(a_set(256, bytes(7))))
    under.decode(netflow9(T9))
    assert under.counts() == {"datagrams": 2, "received": 1, "malformed": 1}


# Templates


def test_a_template_that_changes() -> None:
    """Data before the change is read by the old template, data behind it by the new one, in one lot."""
    other = template(256, OCTETS)
    flows = bench().decode(
        netflow9(T9, DATA), netflow9(DATA, other, a_set(256, struct.pack(">I", 7))), netflow9(T9, DATA)
    )
    assert flows.bytes.tolist() == [1000, 1000, 7, 1000]


def test_a_template_that_comes_again_and_again() -> None:
    under = bench()
    flows = under.decode(*(netflow9(T9, DATA) for _ in range(20)))
    assert len(flows) == 20


def test_a_template_back_to_what_it_was() -> None:
    """A set of templates seen before must not be taken for known when another has replaced it meanwhile."""
    under = bench()
    other = template(256, OCTETS)
    for sets, octets in ((T9 + DATA, 1000), (other + a_set(256, struct.pack(">I", 7)), 7), (T9 + DATA, 1000)):
        assert under.decode(netflow9(sets)).bytes.tolist() == [octets]


def test_withdrawal_of_one_template() -> None:
    under = bench()
    under.decode(ipfix(T10, template(257, OCTETS, ipfix=True), withdrawal(256)))
    assert [key.template for key in under.decoder.layouts] == [257]
    under.decode(ipfix(DATA, a_set(257, struct.pack(">I", 7))))
    assert (under.count("waiting"), under.count("decoded")) == (1, 1)


def test_withdrawal_of_all_templates_of_a_domain() -> None:
    under = bench()
    options = options10(300, [(302, 4)], [(50, 4)])
    under.decode(ipfix(T10, options), ipfix(T10, domain=1))
    under.decode(ipfix(withdrawal(2)))
    assert {(key.observation_domain, key.template) for key in under.decoder.layouts} == {(0, 300), (1, 256)}
    under.decode(ipfix(withdrawal(3, options=True)))
    assert {(key.observation_domain, key.template) for key in under.decoder.layouts} == {(1, 256)}


def test_withdrawn_and_announced_again() -> None:
    under = bench()
    for _ in range(3):
        assert len(under.decode(ipfix(T10, DATA, withdrawal(256)))) == 1
    under.decode(ipfix(DATA))
    assert under.count("waiting") == 1


def test_templates_are_bounded_per_exporter() -> None:
    under = bench(templates_per_exporter=3)
    under.decode(*(netflow9(template(300 + n, OCTETS), domain=n) for n in range(5)))
    assert len(under.decoder.layouts) == 3
    assert under.count("malformed") == 2
    under.decode(netflow9(T9), exporter=1)
    assert len(under.decoder.layouts) == 4


def test_a_withdrawal_makes_room_for_a_template() -> None:
    under = bench(templates_per_exporter=1)
    under.decode(ipfix(T10, withdrawal(256), template(257, OCTETS, ipfix=True)))
    assert [key.template for key in under.decoder.layouts] == [257]
    assert balanced(under)


def test_zero_length_template_and_zero_fields_are_malformed() -> None:
    under = bench()
    under.decode(
        netflow9(template(256, (1, 0), (2, 0)), sequence=0),
        netflow9(a_set(0, struct.pack(">HH", 257, 0)), sequence=1),
    )
    assert under.decoder.layouts == {}
    assert under.counts() == {"datagrams": 2, "received": 2, "malformed": 2}


# Many exporters in one lot


def test_records_of_many_exporters_keep_who_sent_them() -> None:
    """Same templates, the same fields in another order, others of variable length: together or not."""
    under = bench()
    kinds = [
        (template(256, *BASIC, ipfix=True), lambda n: basic(octets=n)),
        (template(256, *BASIC[::-1], ipfix=True), lambda n: struct.pack(">II", 1, n) + basic()[4:8] + basic()[:4]),
        (template(256, *BASIC, (9999, VARIABLE), ipfix=True), lambda n: basic(octets=n) + b"\2ab"),
        (template(256, *BASIC[:2], (9999, 3), *BASIC[2:], ipfix=True), lambda n: basic()[:8] + b"abc" + basic(octets=n)[8:]),
    ]  # fmt: skip
    payloads, exporters, expected = [], [], []
    for n in range(60):
        announce, record = kinds[n % 4]
        domain, exporter = n % 7, n % 3
        payloads.append(ipfix(announce, a_set(256, record(2 * n + 1) + record(2 * n + 2)), domain=domain))
        exporters.append(exporter)
        expected += [(exporter, domain, 2 * n + 1), (exporter, domain, 2 * n + 2)]
    everything = [*zip(exporters, payloads, strict=True)]
    flows = under.decode(*payloads, exporter=exporters)

    def told(found: FlowRecords) -> list[tuple[int, int, int]]:
        columns = (found.exporter, found.observation_domain, found.bytes)
        return sorted(zip(*(column.tolist() for column in columns), strict=True))

    assert told(flows) == sorted(expected)
    assert set(flows.source_low.tolist()) == {0xC612_0001}
    data_only = [(exporter, payload) for exporter, payload in everything[-21:]]
    again = under.decode(*(p for _, p in data_only), exporter=[e for e, _ in data_only])
    assert told(again) == sorted(expected[-42:])


def test_exporters_with_and_without_a_known_boot_time_in_one_lot() -> None:
    """Only records of those who said when they booted have times; the others' are absent."""
    options = options10(300, [(130, 4)], [(160, 8)])
    timed = template(256, (22, 4), (21, 4), OCTETS, ipfix=True)
    data = ipfix(a_set(256, struct.pack(">III", 1000, 2000, 5)))
    under = bench()
    said = [
        ipfix(options, timed, a_set(300, struct.pack(">IQ", 1, NOW_MS - ago))) for ago in (60_000, 90_000)
    ]
    under.decode(said[0], ipfix(timed), said[1], exporter=[0, 1, 2])
    flows = under.decode(data, data, data, exporter=[0, 1, 2])
    found = zip(
        flows.exporter.tolist(),
        flows.start_ms.tolist(),
        (flows.absent & ABSENT["start"]).tolist(),
        strict=True,
    )
    assert sorted(found) == [(0, NOW_MS - 59_000, 0), (1, 0, 1), (2, NOW_MS - 89_000, 0)]


def test_broken_sets_among_those_decoded_together() -> None:
    under = bench()
    other = template(256, *BASIC[::-1])
    flows = under.decode(
        netflow9(T9, DATA), netflow9(other, a_set(256, bytes(range(1, 17)))), netflow9(T9, a_set(256, b"short")),
        netflow9(other, a_set(256, b"")), exporter=[0, 1, 2, 1],
    )  # fmt: skip
    assert len(flows) == 2
    assert under.counts() == {"datagrams": 4, "received": 3, "decoded": 2, "malformed": 1}


def test_ten_thousand_templates_cost_no_more_than_a_thousand() -> None:
    """A record costs the same in a thousand exporters' data whether each has one template or ten."""

    def lot_of(templates: int) -> Callable[[], object]:
        under = bench()
        for n in range(1000):
            under.exporters.number(f"10.0.{n >> 8}.{n & 255}")
        orders = [BASIC[n % 4 :] + BASIC[: n % 4] + ((9000 + n, 1 + n),) for n in range(templates)]
        announce = netflow9(*(template(256 + n, *fields) for n, fields in enumerate(orders)))
        record = basic()[:16]
        data = [
            netflow9(a_set(256 + n % templates, (record + bytes(1 + n % templates)) * 24))
            for n in range(1000)
        ]
        exporters = list(range(1000))
        under.decode(*(announce for _ in exporters), exporter=exporters)
        assert len(under.decoder.templates) == 1000 * templates
        assert len(under.decode(*data, exporter=exporters)) == 24_000
        return lambda: under.decode(*data, exporter=exporters)

    assert effort(lot_of(10)) < 1.2 * effort(lot_of(1)) < 8 * 24_000


# Damage


def test_set_padding() -> None:
    under = bench()
    for padding in (1, 2, 3):
        assert len(under.decode(netflow9(T9, a_set(256, basic() + bytes(padding))))) == 1
    assert under.count("malformed") == 0


@pytest.mark.parametrize("zeros", [1, 3, 4, 5, 400])
def test_zero_filled_tail(zeros: int) -> None:
    under = bench()
    assert len(under.decode(netflow9(T9, DATA) + bytes(zeros))) == 1
    assert under.counts() == {"datagrams": 1, "received": 1, "decoded": 1}


@pytest.mark.parametrize("length", [0, 1, 3, 65535])
def test_bad_set_length_keeps_earlier_records(length: int) -> None:
    under = bench()
    bad = a_set(256, basic(), length=length)
    assert len(under.decode(netflow9(T9, DATA, bad, DATA))) == 1
    assert under.counts() == {"datagrams": 1, "received": 2, "decoded": 1, "malformed": 1}


def test_a_set_too_short_for_a_record_is_malformed() -> None:
    under = bench()
    assert len(under.decode(netflow9(T9, a_set(256, bytes(15)), DATA))) == 1
    assert under.counts() == {"datagrams": 1, "received": 2, "decoded": 1, "malformed": 1}


def test_an_empty_data_set_is_nothing() -> None:
    under = bench()
    assert len(under.decode(netflow9(T9, a_set(256, b"")))) == 0
    assert under.counts() == {"datagrams": 1}


def test_reserved_set_ids_are_counted() -> None:
    under = bench()
    under.decode(netflow9(a_set(17, bytes(8)), T9, DATA), ipfix(a_set(1, bytes(8)), T10, DATA))
    assert under.counts() == {"datagrams": 2, "received": 4, "decoded": 2, "malformed": 2}


def test_ipfix_message_cut_short() -> None:
    under = bench()
    whole = ipfix(T10, DATA, DATA)
    assert len(under.decode(whole[:-5])) == 1
    assert (under.count("decoded"), under.count("malformed") > 0, balanced(under)) == (1, True, True)


def test_ipfix_message_shorter_than_its_header() -> None:
    under = bench()
    under.decode(ipfix(T10, DATA, length=8))
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_what_follows_an_ipfix_message_is_counted() -> None:
    under = bench()
    assert len(under.decode(ipfix(T10, DATA) + ipfix(DATA))) == 1
    assert under.counts() == {"datagrams": 1, "received": 2, "decoded": 1, "malformed": 1}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0",
        b"\0\x09",
        b"\0\x09\0\1",
        netflow9(T9)[:19],
        ipfix(T10)[:15],
        b"\0\6" + bytes(40),
        b"\0\0\0\4",
        b"GET /",
    ],
)
def test_payloads_that_are_nothing_known(payload: bytes) -> None:
    under = bench()
    assert len(under.decode(payload)) == 0
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_exporters_beyond_the_list_are_filtered() -> None:
    under = bench()
    assert len(under.decode(netflow9(T9, DATA), netflow9(T9, DATA), exporter=[-1, 0])) == 1
    assert under.counts() == {"datagrams": 2, "received": 2, "decoded": 1, "filtered": 1}


def test_variable_length_records_in_a_lot() -> None:
    fields = template(256, (9999, VARIABLE), OCTETS, ipfix=True)
    good = a_set(256, b"\3abc" + struct.pack(">I", 1) + b"\xff\1\0" + bytes(256) + struct.pack(">I", 2))
    cut = a_set(256, b"\1a" + struct.pack(">I", 3) + b"\x50abcdef")
    under = bench()
    assert under.decode(ipfix(fields, good), ipfix(cut), ipfix(good)).bytes.tolist() == [1, 2, 3, 1, 2]
    assert (under.count("received"), under.count("decoded"), under.count("malformed")) == (6, 5, 1)


def test_an_empty_lot() -> None:
    under = bench()
    assert len(under.decode()) == 0
    assert under.counts() == {}


# Sequence numbers by protocol (how they are followed: test_sequence)


def test_v9_sequence_counts_datagrams() -> None:
    under = bench()
    under.decode(*(netflow9(T9, DATA, DATA, sequence=n) for n in (4, 5, 9)))
    assert (under.count("lost_datagrams"), under.count("lost")) == (3, 0)


def test_ipfix_sequence_counts_data_records_before_the_message() -> None:
    """Options records are data records too; template records are not."""
    options = options10(300, [(302, 4)], [(50, 4)])
    record = struct.pack(">II", 1, 100)
    under = bench()
    under.decode(
        ipfix(T10, options, sequence=10),
        ipfix(DATA, a_set(300, record * 2), a_set(256, basic() * 3), sequence=10),
        ipfix(DATA, sequence=16),
        ipfix(DATA, sequence=20),
    )
    assert (under.count("lost"), under.count("lost_datagrams")) == (3, 0)


def test_ipfix_biflows_count_once_in_the_sequence() -> None:
    fields = template(256, OCTETS, (1, 4, 29305), ipfix=True)
    data = a_set(256, struct.pack(">II", 5, 6))
    under = bench()
    assert len(under.decode(ipfix(fields, data, sequence=0), ipfix(data, sequence=1))) == 4
    assert under.count("lost") == 0


def test_ipfix_sets_that_wait_leave_the_sequence_open() -> None:
    """How many records they hold cannot be told, so nothing is called lost behind them."""
    under = bench()
    under.decode(ipfix(DATA, sequence=10), ipfix(T10, sequence=25), ipfix(DATA, sequence=25))
    assert under.count("lost") == 0


def test_sequences_are_apart_by_domain_and_exporter() -> None:
    under = bench()
    under.decode(
        netflow9(T9, sequence=1, domain=1),
        netflow9(T9, sequence=900, domain=2),
        netflow9(T9, sequence=2, domain=1),
    )
    under.decode(netflow9(T9, sequence=77, domain=1), exporter=1)
    assert under.count("lost_datagrams") == 0


def test_an_exporter_dated_wrongly_is_dated_by_receipt() -> None:
    for payload in (netflow9(T9, DATA, seconds=0), ipfix(T10, DATA, seconds=SECONDS + 86_400)):
        assert bench().decode(payload).export_ms.tolist() == [NOW_MS]


# What hostile input may cost


def test_a_datagram_full_of_withdrawals_costs_by_its_size() -> None:
    def work(size: int) -> Callable[[], object]:
        under = bench()
        under.decode(
            *(netflow9(*(template(256 + n, OCTETS) for n in range(900)), domain=d) for d in range(4))
        )
        payload = ipfix(a_set(2, struct.pack(">HH", 2, 0) * size))
        return lambda: under.decode(payload)

    assert growth(work, 4_000) < 5


def test_options_and_data_in_turns_cost_by_their_number() -> None:
    options = options10(300, [(302, 4)], [(50, 4)])

    def work(size: int) -> Callable[[], object]:
        under = bench()
        turns = [a_set(300, struct.pack(">II", 1, 2 + n)) + a_set(1000 + n, b"x") for n in range(size)]
        return lambda: under.decode(ipfix(options, *turns))

    assert growth(work, 750) < 5


def test_thousands_of_samplers_cost_by_their_number() -> None:
    def work(size: int) -> Callable[[], object]:
        under = bench()
        under.decode(ipfix(options10(300, [(302, 4)], [(50, 4)])))
        announced = [
            ipfix(a_set(300, b"".join(struct.pack(">II", d << 16 | n, 2 + n) for n in range(size))))
            for d in range(3)
        ]
        return lambda: under.decode(*announced)

    assert growth(work, 2_000) < 5


def test_domains_without_end_do_not_pile_up() -> None:
    under = bench(waiting_octets=100_000, templates_per_exporter=50)
    for lot in range(5):
        under.decode(*(netflow9(T9, DATA, a_set(999, b""), domain=lot * 1000 + n) for n in range(1000)))
    assert len(under.decoder.layouts) == 50
    assert under.count("waiting") < 200
    assert balanced(under)


# Any split into lots gives the same; nothing raises


def stream() -> list[tuple[int, bytes]]:
    """Datagrams of three exporters and four protocols, with everything in them that depends on order."""
    chance = random.Random(7)
    sampler = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    sampled = template(257, *BASIC, (48, 1))
    biflow = template(258, OCTETS, (1, 4, 29305), (9999, VARIABLE), ipfix=True)
    out: list[tuple[int, bytes]] = []
    for n in range(12):
        rate = a_set(300, struct.pack(">IBI", 1, n % 2, 10 + n))
        data = a_set(257, b"".join(basic(octets=n * 100 + m) + bytes([m % 3]) for m in range(4)))
        out += [
            (0, netflow5([record5(octets=n + 1)] * (n % 3), sequence=n * 5, engine=n % 2)),
            (0, netflow9(data, sequence=n, domain=n % 2)),
            (1, netflow9(rate, data, data, sequence=n, domain=7)),
            (1, ipfix(a_set(258, struct.pack(">II", n, n % 2) + b"\2ab"), sequence=n)),
            (
                2,
                sflow(
                    flow_sample(raw_header(b"\0" * 12 + b"\x08\0" + udp4("198.18.0.1", "203.0.113.9"))),
                    sequence=n,
                ),
            ),
            (
                2,
                netflow9(
                    T9 if n % 4 else template(256, OCTETS, PACKETS, SOURCE, DESTINATION), DATA, sequence=n * 2
                ),
            ),
        ]
        if n % 5 == 3:
            out += [
                (0, netflow9(sampled, sampler, rate, domain=n % 2)),
                (1, netflow9(sampled, domain=7)),
                (1, ipfix(biflow)),
            ]
        if n == 9:
            out.append((1, ipfix(withdrawal(258))))
        if n % 6 == 5:
            out.append((chance.randrange(3), chance.randbytes(50)))
    return out


STREAM = stream()


def decoded(cuts: list[int]) -> tuple[list[tuple[object, ...]], dict[str, int]]:
    under = bench()
    edges = [0, *sorted({cut % (len(STREAM) + 1) for cut in cuts}), len(STREAM)]
    parts = []
    for first, last in pairwise(edges):
        lot = STREAM[first:last]
        parts.append(under.decode(*(payload for _, payload in lot), exporter=[number for number, _ in lot]))
        assert balanced(under)
    return rows(joined(parts)), under.counts()


ONE_BY_ONE = decoded(list(range(len(STREAM))))


def test_the_stream_has_something_of_everything() -> None:
    flows, counts = ONE_BY_ONE
    assert {flow[1] for flow in flows} == {0, 1, 2, 3}
    assert counts["malformed"] >= 2
    assert counts["waiting"] > 0
    assert counts["lost"] > 0


@settings(max_examples=30)
@given(st.lists(st.integers(0, 1000), max_size=12))
def test_any_split_into_lots_gives_the_same_records_and_ledger(cuts: list[int]) -> None:
    assert decoded(cuts) == ONE_BY_ONE


@settings(max_examples=150)
@given(st.data())
def test_mutated_datagrams_never_raise_and_the_ledger_balances(data: st.DataObject) -> None:
    under = bench(waiting_octets=20_000, templates_per_exporter=8)
    for _ in range(data.draw(st.integers(1, 3))):
        payloads, exporters = [], []
        for number in data.draw(st.lists(st.integers(0, len(STREAM) - 1), max_size=8)):
            exporter, payload = STREAM[number]
            octets = bytearray(payload)
            for at, value in data.draw(
                st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4)
            ):
                octets[at % len(octets)] = value
            payloads.append(
                bytes(octets[: data.draw(st.integers(0, len(octets)))]) if number % 3 == 0 else bytes(octets)
            )
            exporters.append(exporter)
        flows = under.decode(*payloads, exporter=exporters or 0)
        assert balanced(under)
        assert (
            under.ledger.totals[[COUNT[n] for n in ("received", "decoded", "waiting", "malformed")]] >= 0
        ).all()
        assert (flows.sampling_rate >= 1).all()


@settings(max_examples=150)
@given(
    st.lists(
        st.builds(
            lambda head, tail: head + tail,
            st.sampled_from([b"\0\5", b"\0\x09", b"\0\x0a", b"\0\0\0\5\0\0\0\1", b""]),
            st.binary(max_size=120),
        ),
        max_size=6,
    )
)
def test_random_octets_never_raise_and_the_ledger_balances(payloads: list[bytes]) -> None:
    under = bench()
    under.decode(*payloads)
    assert balanced(under)
    assert under.count("datagrams") == len(payloads)


def test_records_of_a_replayed_set_are_counted_as_those_of_any_other() -> None:
    early, late = bench(), bench()
    early.decode(netflow9(T9, sequence=0), netflow9(DATA, DATA, sequence=1))
    late.decode(netflow9(DATA, DATA, sequence=0), netflow9(T9, sequence=1))
    assert early.counts() == late.counts()


def test_flow_records_name_protocol_template_and_domain() -> None:
    flows = bench().decode(netflow9(T9, DATA, domain=0xFFFF_FFFF))
    assert (flows.protocol.tolist(), flows.template.tolist()) == ([NETFLOW9], [256])
    assert flows.observation_domain.tolist() == [0xFFFF_FFFF]
    assert flows.observation_domain.dtype == np.uint32
