"""Rates announced for places: each record by its own (of all kinds of places: field/test_rates_of_places)."""

import struct

import pytest

from caudal.collector.columns.flowrecords import ASSUMED, CONFIG, OPTIONS, RATE_DOUBTED
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

INPUT, OUTPUT, WAY = (10, 4), (14, 4), (61, 1)
OF_INTERFACE9 = options9(300, [(2, 4)], [(34, 4)])


def announced(*rates: tuple[int, int]) -> bytes:
    return a_set(300, b"".join(struct.pack(">II", *each) for each in rates))


def records(*ways: tuple[int, int]) -> bytes:
    return a_set(256, b"".join(basic() + struct.pack(">II", *way) for way in ways))


def known(under: Bench, payload: bytes) -> list[tuple[float, int]]:
    flows = under.decode(payload)
    return list(zip(flows.sampling_rate.tolist(), flows.sampling_from.tolist(), strict=True))


DATA9 = template(256, *BASIC, INPUT, OUTPUT)


def test_each_record_by_the_interface_it_came_in_by() -> None:
    under = bench({ROUTER: 7})
    sets = OF_INTERFACE9, DATA9, announced((10, 1000), (20, 100)), records((10, 20), (20, 10), (30, 40))
    assert known(under, netflow9(*sets)) == [(1000, OPTIONS), (100, OPTIONS), (7, CONFIG)]
    # Another observation domain of the same router, and what follows a change.
    assert known(under, netflow9(DATA9, records((20, 10)), domain=5)) == [(100, OPTIONS)]
    assert known(under, netflow9(announced((20, 200)), records((20, 10)))) == [(200, OPTIONS)]


@pytest.mark.parametrize(("element", "way"), [(10, (20, 5)), (14, (5, 20))])
def test_ipfix_scopes(element: int, way: tuple[int, int]) -> None:
    """Interfaces where packets come in, and where they go out."""
    scope: Field = (element, 4)
    sets = (
        options10(300, [scope], [(34, 4)]), template(256, *BASIC, INPUT, OUTPUT, ipfix=True),
        announced((10, 1000), (20, 100)), records(way, (5, 5)),
    )  # fmt: skip
    assert known(bench(), ipfix(*sets)) == [(100, OPTIONS), (1, ASSUMED)]


def test_a_record_that_says_it_was_metered_on_its_way_out() -> None:
    data = template(256, *BASIC, INPUT, OUTPUT, WAY)
    body = b"".join(basic() + struct.pack(">IIB", 10, 20, way) for way in (0, 1))
    sets = OF_INTERFACE9, data, announced((10, 1000), (20, 100)), a_set(256, body)
    assert known(bench(), netflow9(*sets)) == [(1000, OPTIONS), (100, OPTIONS)]


def test_a_line_card_is_no_interface() -> None:
    sets = options9(300, [(3, 4)], [(34, 4)]), DATA9, announced((10, 1000), (20, 100)), records((10, 20))
    assert known(bench(), netflow9(*sets)) == [(1, ASSUMED)]


def test_one_interface_that_is_not_believed() -> None:
    under = bench()
    sets = (
        OF_INTERFACE9,
        DATA9,
        announced((10, 1000), (20, 0xFFFF_FFFF), (30, 500)),
        records((10, 1), (20, 1)),
    )
    flows = under.decode(netflow9(*sets))
    assert flows.sampling_rate.tolist() == [1000, 1]
    assert (flows.doubt & RATE_DOUBTED).tolist() == [0, RATE_DOUBTED]


def test_it_outlives_a_restart_and_is_forgotten_with_its_exporter() -> None:
    before, after = bench(), bench()
    known(before, netflow9(OF_INTERFACE9, DATA9, announced((10, 1000), (20, 100))))
    after.decoder.restore(0, before.decoder.state(0))
    assert known(after, netflow9(records((20, 10)))) == [(100, OPTIONS)]
    after.decoder.forget(0)
    assert known(after, netflow9(DATA9, records((20, 10)))) == [(1, ASSUMED)]
