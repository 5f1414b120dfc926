"""Sequence numbers of several exporting processes behind one address, or of several ports and domains with one count."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from caudal.collector.files.inspection import Inspection
from tests.support.builders import (
    BASIC,
    Bench,
    a_set,
    basic,
    bench,
    ipfix,
    netflow5,
    netflow9,
    options10,
    record5,
    template,
)

FIELD = Path(__file__).parents[2] / "data" / "field"
Sent = tuple[int, bytes]  # UDP source port, datagram


def nine(sequence: int, domain: int = 0, port: int = 50_001) -> Sent:
    sets = template(256, *BASIC), a_set(256, basic())
    return port, netflow9(*sets, sequence=sequence % (1 << 32), domain=domain)


def received(sent: Iterable[Sent], at_once: int = 1) -> Bench:
    under, waiting = bench(), list(sent)
    for first in range(0, len(waiting), at_once):
        some = waiting[first : first + at_once]
        under.decode(*(payload for _, payload in some), port=[port for port, _ in some])
    return under


def lost(under: Bench) -> tuple[int, int]:
    return under.count("lost"), under.count("lost_datagrams")


def in_turn(*starts: int, rounds: int = 20) -> Iterator[Sent]:
    for n in range(rounds):
        for process, start in enumerate(starts):
            if process == 0 or n % (process + 1) == 0:
                yield nine(start + (n // (process + 1)), port=50_001 + process)


AT_ONCE = pytest.mark.parametrize("at_once", [1, 7, 100])


def test_two_processes_behind_one_address() -> None:
    inspection = Inspection()
    assert len(list(inspection.records(FIELD / "two_sequences_by_port.pcap"))) == 67
    totals = inspection.totals()
    assert (totals["datagrams"], totals["lost"], totals["lost_datagrams"]) == (67, 0, 0)
    assert inspection.decoder.sequences.processes(0) == (50_001, 50_002)


@AT_ONCE
@pytest.mark.parametrize(
    "starts", [(1000, 3000), (0, 0), (500, 503), (1000, 90_000_000, 7), ((1 << 32) - 3, 10, 4_000)]
)
def test_processes_that_begin_anywhere(starts: tuple[int, ...], at_once: int) -> None:
    under = received(in_turn(*starts), at_once)
    assert lost(under) == (0, 0)
    assert len(under.decoder.sequences.processes(0)) == len(starts)


@AT_ONCE
def test_what_one_of_two_processes_lost_is_counted(at_once: int) -> None:
    sent = list(in_turn(1000, 300_000))
    del sent[20], sent[7]
    assert lost(received(sent, at_once)) == (0, 2)


@AT_ONCE
def test_one_process_that_moves_its_port(at_once: int) -> None:
    sent = [nine(n, port=40_000 + n // 20) for n in range(100)]
    under = received(sent, at_once)
    assert lost(under) == (0, 0)
    assert under.decoder.sequences.processes(0) == ()
    del sent[50]
    assert lost(received(sent, at_once)) == (0, 1)


def test_one_process_that_begins_anew_from_another_port() -> None:
    sent = [nine(90_000 + n) for n in range(20)] + [nine(n, port=50_002) for n in range(20)]
    assert lost(received(sent)) == (0, 0)


@AT_ONCE
def test_one_process_that_sends_each_datagram_from_another_port(at_once: int) -> None:
    sent = [nine(n, port=1024 + n * 7919 % 60_000) for n in range(400)]
    under = received(sent, at_once)
    assert lost(under) == (0, 0)
    assert under.decoder.sequences.processes(0) == ()
    assert len(under.decoder.sequences) <= 17, "ports are bounded"
    del sent[200:205], sent[100]
    assert lost(received(sent, at_once)) == (0, 6)


@AT_ONCE
def test_four_ports_of_one_process_in_turn(at_once: int) -> None:
    sent = [nine(n, port=50_000 + n * n % 4) for n in range(200)]
    assert lost(received(sent, at_once)) == (0, 0)


@AT_ONCE
@pytest.mark.parametrize("domains", [2, 5])
def test_v9_that_counts_for_the_device_over_several_domains(domains: int, at_once: int) -> None:
    sent = [nine(1000 + n, domain=n * n % domains) for n in range(200)]
    under = received(sent, at_once)
    assert lost(under) == (0, 0)
    assert list(under.decoder.sequences.manners()) == [(0, "domains")]
    del sent[120:123]
    assert lost(received(sent, at_once)) == (0, 3)


@AT_ONCE
def test_v9_that_counts_by_domain_as_it_should(at_once: int) -> None:
    sent = [nine(1000 * (n % 3) + n // 3, domain=n % 3) for n in range(150)]
    del sent[100], sent[70]
    under = received(sent, at_once)
    assert lost(under) == (0, 2)
    assert list(under.decoder.sequences.manners()) == []


def test_v5_that_counts_for_the_device_over_its_engines() -> None:
    sent = [(50_001, netflow5([record5()] * 3, sequence=3 * n, engine=n % 2)) for n in range(40)]
    assert lost(received(sent)) == (0, 0)
    del sent[20]
    assert lost(received(sent)) == (3, 0)


def messages(kind: str) -> Iterator[Sent]:
    """IPFIX that counts data records and something else besides."""
    number = 100
    for n in range(60):
        sets, records, others = [], 1 + n % 4, 0
        if n % 5 == 0:
            sets += [template(256, *BASIC, ipfix=True), options10(300, [(149, 4)], [(34, 4)])]
            others = 2
        sets.append(a_set(256, basic() * records))
        yield 50_001, ipfix(*sets, sequence=number)
        number += {"templates": records + others, "messages": 1, "records": records}[kind]


@AT_ONCE
@pytest.mark.parametrize("kind", ["records", "templates", "messages"])
def test_ipfix_that_counts_otherwise(kind: str, at_once: int) -> None:
    sent = list(messages(kind))
    under = received(sent, at_once)
    assert lost(under) == (0, 0)
    assert list(under.decoder.sequences.manners()) == ([] if kind == "records" else [(0, kind)])
    del sent[52]
    assert lost(received(sent, at_once))[0] == (1 if kind == "messages" else 1 + 52 % 4)


def test_a_flood_of_ports_makes_no_loss_and_stays_small() -> None:
    numbers = [(n * 2_654_435_761) % (1 << 32) for n in range(3000)]
    under = received((nine(number, port=number % 65_000 + 1) for number in numbers), 500)
    assert under.count("lost_datagrams") < 100, "numbers without any order are no losses"
    assert len(under.decoder.sequences) <= 17


def test_what_was_known_of_ports_outlives_a_restart() -> None:
    before = received(in_turn(1000, 3000))
    after = bench()
    after.decoder.restore(0, before.decoder.state(0, stopping=True))
    for number, port in ((1020, 50_001), (3010, 50_002), (1024, 50_001)):
        after.decode(nine(number, port=port)[1], port=port)
    assert lost(after) == (0, 3)
    hopping = received(nine(n, port=1024 + n) for n in range(50))
    after = bench()
    after.decoder.restore(0, hopping.decoder.state(0, stopping=True))
    after.decode(nine(60)[1], port=7)
    assert lost(after) == (0, 10), "sent while no collector ran"
