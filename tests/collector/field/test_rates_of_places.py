"""Rates announced for places of a router: interfaces, line cards, ports, observation points, templates, domains."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from caudal.collector.columns.flowrecords import ASSUMED, CONFIG, OPTIONS, RATE_DOUBTED
from caudal.collector.files.inspection import Inspection
from tests.support.builders import (
    BASIC,
    ROUTER,
    Bench,
    Field,
    a_set,
    basic,
    bench,
    ipfix,
    netflow9,
    options9,
    options10,
    template,
)

FIELD = Path(__file__).parents[2] / "data" / "field"
Known = list[tuple[float, int]]


def announced(*rates: tuple[int, int]) -> bytes:
    return a_set(300, b"".join(struct.pack(">II", *each) for each in rates))


def records(*places: int, number: int = 256) -> bytes:
    return a_set(number, b"".join(basic() + struct.pack(">I", place) for place in places))


def known(under: Bench, payload: bytes) -> Known:
    flows = under.decode(payload)
    return list(zip(flows.sampling_rate.tolist(), flows.sampling_from.tolist(), strict=True))


def export9(scope: int, field: Field, *sets: bytes, domain: int = 0) -> bytes:
    learnt = options9(300, [(scope, 4)], [(34, 4)]), template(256, *BASIC, field)
    return netflow9(*learnt, *sets, domain=domain)


def export10(element: int, field: Field, *sets: bytes, domain: int = 0) -> bytes:
    learnt = options10(300, [(element, 4)], [(34, 4)]), template(256, *BASIC, field, ipfix=True)
    return ipfix(*learnt, *sets, domain=domain)


def test_rates_by_interface() -> None:
    found = list(Inspection().records(FIELD / "rates_by_interface.pcap"))
    assert {(each["input"], each["sampling_rate"], each["bytes"]) for each in found} == {
        (10, 1000, 1_000_000),
        (20, 100, 100_000),
    }


@pytest.mark.parametrize(
    ("export", "scope", "element"),
    [
        (export9, 2, 10), (export9, 3, 141), (export10, 10, 10), (export10, 14, 14), (export10, 141, 141),
        (export10, 142, 142), (export10, 138, 138), (export10, 143, 143), (export10, 144, 144),
    ],
)  # fmt: skip
def test_each_record_by_its_own_field(export: Callable[..., bytes], scope: int, element: int) -> None:
    under = bench({ROUTER: 7})
    sets = announced((3, 1000), (4, 100)), records(3, 4, 5)
    assert known(under, export(scope, (element, 4), *sets)) == [(1000, OPTIONS), (100, OPTIONS), (7, CONFIG)]
    again = bench({ROUTER: 7})
    again.decoder.restore(0, under.decoder.state(0))
    assert known(again, export(scope, (element, 4), records(4))) == [(100, OPTIONS)], "after a restart"
    assert known(under, export(scope, (element, 4), announced((4, 200)), records(4))) == [(200, OPTIONS)]


@pytest.mark.parametrize(("export", "scope"), [(export9, 3), (export9, 4), (export10, 142), (export10, 138)])
def test_records_that_do_not_say_it_have_the_rate_of_all_or_none(
    export: Callable[..., bytes], scope: int
) -> None:
    """Never the rate that was announced last."""
    plain = (99, 4)
    under = bench()
    assert known(under, export(scope, plain, announced((3, 500), (4, 500)), records(1))) == [(500, OPTIONS)]
    assert known(under, export(scope, plain, announced((4, 100)), records(1))) == [(1, ASSUMED)]
    configured = bench({ROUTER: 9})
    assert known(configured, export(scope, plain, announced((3, 500), (4, 100)), records(4))) == [(9, CONFIG)]


@pytest.mark.parametrize(("export", "scope"), [(export9, 5), (export10, 145)])
def test_rates_of_templates(export: Callable[..., bytes], scope: int) -> None:
    other = template(257, *BASIC, (99, 4), ipfix=export is export10)
    sets = other, announced((256, 1000), (257, 100)), records(1), records(1, number=257)
    assert sorted(known(bench(), export(scope, (99, 4), *sets))) == [(100, OPTIONS), (1000, OPTIONS)]


def test_rates_of_observation_domains() -> None:
    """Announced in one domain for others, and by each domain for itself."""
    under = bench()
    under.decode(export10(149, (99, 4), announced((5, 1000), (6, 100)), domain=1))
    for domain, rate in ((5, 1000), (6, 100)):
        sets = template(256, *BASIC, (99, 4), ipfix=True), records(1)
        assert known(under, ipfix(*sets, domain=domain)) == [(rate, OPTIONS)]
    under = bench()
    for domain, rate in ((5, 1000), (6, 100)):
        assert known(under, export10(149, (99, 4), announced((domain, rate)), records(1), domain=domain)) == [(rate, OPTIONS)]  # fmt: skip
    assert known(under, ipfix(template(256, *BASIC, (99, 4), ipfix=True), records(1), domain=7)) == [
        (1, ASSUMED)
    ]


def test_line_card_and_interface_together() -> None:
    options = options10(300, [(141, 2), (10, 4)], [(34, 4)])
    data = template(256, *BASIC, (141, 2), (10, 4), ipfix=True)
    rates = a_set(300, b"".join(struct.pack(">HII", *each) for each in ((1, 10, 1000), (2, 10, 100))))
    body = a_set(256, b"".join(basic() + struct.pack(">HI", card, 10) for card in (1, 2, 3)))
    expected = [(1000, OPTIONS), (100, OPTIONS), (1, ASSUMED)]
    assert known(bench(), ipfix(options, data, rates, body)) == expected


def test_rates_by_direction() -> None:
    options = options10(300, [(10, 4), (61, 1)], [(34, 4)])
    data = template(256, *BASIC, (10, 4), (61, 1), ipfix=True)
    rates = a_set(300, b"".join(struct.pack(">IBI", *each) for each in ((10, 0, 1000), (10, 1, 100))))
    body = a_set(256, b"".join(basic() + struct.pack(">IB", 10, way) for way in (0, 1)))
    assert known(bench(), ipfix(options, data, rates, body)) == [(1000, OPTIONS), (100, OPTIONS)]


@pytest.mark.parametrize("scope", [10, 142])
def test_a_place_whose_rate_is_not_believed(scope: int) -> None:
    under = bench()
    flows = under.decode(export10(scope, (scope, 4), announced((3, 1000), (4, 0xFFFF_FFFF)), records(3, 4)))
    assert (flows.doubt & RATE_DOUBTED).tolist() == [0, RATE_DOUBTED]
    assert flows.sampling_rate.tolist()[0] == 1000


def test_interfaces_of_two_processes_behind_one_address() -> None:
    under = bench()
    for port, rate in ((50_001, 1000), (50_002, 100)):
        under.decode(export9(2, (10, 4), announced((3, rate))), port=port)
    for port, rate in ((50_001, 1000), (50_002, 100)):
        flows = under.decode(netflow9(records(3)), port=port)
        assert flows.sampling_rate.tolist() == [rate]
