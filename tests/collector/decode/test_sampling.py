"""Sampling rates: announced, configured, in the record itself; and where each is known from."""

import struct
from collections.abc import Callable

import numpy as np
import pytest

from caudal.collector.columns.flowrecords import ASSUMED, CONFIG, OPTIONS, RECORD, FlowRecords
from caudal.collector.decode.exporterstate import from_json, to_json
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.decode.template.origin import ObservationPoint
from tests.support.builders import (
    BASIC,
    OCTETS,
    ROUTER,
    VARIABLE,
    Field,
    a_set,
    basic,
    bench,
    ipfix,
    netflow5,
    netflow9,
    options9,
    options10,
    record5,
    template,
)

SAMPLER = (48, 1)
SAMPLERS9 = options9(300, [(1, 4)], [SAMPLER, (49, 1), (50, 4)])
DATA9 = template(256, *BASIC, SAMPLER)


def announce9(*samplers: tuple[int, int]) -> bytes:
    return a_set(300, b"".join(struct.pack(">IBBI", 1, number, 2, rate) for number, rate in samplers))


def data9(*samplers: int) -> bytes:
    return a_set(256, b"".join(basic() + bytes([number]) for number in samplers))


def known(flows: FlowRecords) -> list[tuple[float, int]]:
    return list(zip(flows.sampling_rate.tolist(), flows.sampling_from.tolist(), strict=True))


def test_options_record_before_the_data() -> None:
    flows = bench().decode(netflow9(SAMPLERS9, DATA9, announce9((1, 1000)), data9(1)))
    assert known(flows) == [(1000, OPTIONS)]


@pytest.mark.parametrize("configured", [{}, {ROUTER: 7}])
def test_a_rate_is_of_one_type_wherever_it_is_known_from(configured: dict[str, float]) -> None:
    """Of another type, kernels that take rates would be compiled in the middle of work."""
    for datagram in (
        netflow9(DATA9, data9(1)),
        netflow9(SAMPLERS9, DATA9, announce9((1, 1000)), data9(1)),
        netflow5([record5()]),
        # Records of no fixed length are read one by one.
        ipfix(template(256, *BASIC, (371, VARIABLE), ipfix=True), a_set(256, basic() + b"\x03abc")),
    ):
        assert bench(configured).decode(datagram).sampling_rate.dtype == np.float64


def test_options_record_after_the_data_takes_effect_after_it() -> None:
    """In one datagram: what comes first is not known of what follows, nor lost for want of it."""
    flows = bench().decode(netflow9(SAMPLERS9, DATA9, data9(1), announce9((1, 1000)), data9(1)))
    assert known(flows) == [(1, ASSUMED), (1000, OPTIONS)]


def test_a_rate_that_changes_within_one_lot() -> None:
    flows = bench().decode(
        netflow9(SAMPLERS9, DATA9, announce9((1, 100)), data9(1, 1)),
        netflow9(data9(1), announce9((1, 100)), data9(1)),
        netflow9(announce9((1, 200)), data9(1)),
    )
    assert known(flows) == [(100, OPTIONS)] * 4 + [(200, OPTIONS)]


def test_several_samplers_of_one_exporter() -> None:
    flows = bench().decode(netflow9(SAMPLERS9, DATA9, announce9((1, 1000), (2, 64)), data9(1, 2, 1, 3)))
    assert known(flows) == [(1000, OPTIONS), (64, OPTIONS), (1000, OPTIONS), (1, ASSUMED)]


def test_options_from_another_udp_port() -> None:
    """The exporter is its address: lots know no port, so templates, options and data meet."""
    under = bench()
    under.decode(netflow9(SAMPLERS9, announce9((1, 500)), sequence=10))
    assert known(under.decode(netflow9(DATA9, data9(1), sequence=70_000))) == [(500, OPTIONS)]


def test_options_in_another_observation_domain_of_the_exporter() -> None:
    flows = bench().decode(
        netflow9(SAMPLERS9, announce9((1, 500)), domain=1), netflow9(DATA9, data9(1), domain=2)
    )
    assert known(flows) == [(500, OPTIONS)]


def test_the_own_domain_goes_before_others() -> None:
    lots = (
        netflow9(SAMPLERS9, announce9((1, 500)), domain=1),
        netflow9(SAMPLERS9, announce9((1, 10)), domain=2),
        netflow9(DATA9, data9(1), domain=2),
    )
    assert known(bench().decode(*lots)) == [(10, OPTIONS)]


def test_domains_that_contradict_each_other_tell_a_third_nothing() -> None:
    lots = (
        netflow9(SAMPLERS9, announce9((1, 500)), domain=1),
        netflow9(SAMPLERS9, announce9((1, 10)), domain=2),
        netflow9(DATA9, data9(1), domain=3),
    )
    assert known(bench().decode(*lots)) == [(1, ASSUMED)]


def test_samplers_of_another_exporter_are_of_no_account() -> None:
    flows = bench().decode(
        netflow9(SAMPLERS9, announce9((1, 500))), netflow9(DATA9, data9(1)), exporter=[0, 1]
    )
    assert known(flows) == [(1, ASSUMED)]


def test_records_without_sampler_take_the_rate_that_all_share() -> None:
    plain = template(257, *BASIC)
    flows = bench().decode(netflow9(SAMPLERS9, plain, announce9((1, 100), (2, 100)), a_set(257, basic())))
    assert known(flows) == [(100, OPTIONS)]
    flows = bench().decode(netflow9(SAMPLERS9, plain, announce9((1, 100), (2, 50)), a_set(257, basic())))
    assert known(flows) == [(1, ASSUMED)]


def test_configured_rate_where_the_exporter_is_silent() -> None:
    under = bench({ROUTER: 2048})
    assert known(under.decode(netflow9(DATA9, data9(1)))) == [(2048, CONFIG)]
    assert known(under.decode(netflow9(SAMPLERS9, announce9((1, 16)), data9(1)))) == [(16, OPTIONS)]


@pytest.mark.parametrize(
    ("fields", "values", "rate"),
    [
        ([(34, 4), (35, 1)], struct.pack(">IB", 512, 1), 512),
        ([(50, 4)], struct.pack(">I", 777), 777),
        ([(305, 4), (306, 4)], struct.pack(">II", 1, 999), 1000),
        ([(305, 4), (306, 4)], struct.pack(">II", 2, 5), 3.5),
        ([(306, 4), (305, 4)], struct.pack(">II", 999, 1), 1000),
        ([(309, 4), (310, 4)], struct.pack(">II", 2, 5), 2.5),
        ([(311, 8)], struct.pack(">d", 0.001), 1000),
        ([(311, 4)], struct.pack(">f", 0.25), 4),
    ],
    ids=["34", "50", "305/306", "305/306 fraction", "306/305", "309/310", "311 double", "311 float"],
)
def test_sampling_packet_interval_space_and_the_other_ways_to_say_it(
    fields: list[Field], values: bytes, rate: float
) -> None:
    options = options10(300, [(302, 4)], fields)
    data = template(256, OCTETS, (302, 4), ipfix=True)
    flows = bench().decode(
        ipfix(
            options, data, a_set(300, struct.pack(">I", 9) + values), a_set(256, struct.pack(">II", 100, 9))
        )
    )
    assert known(flows) == [(pytest.approx(rate), OPTIONS)]


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ([(305, 4)], struct.pack(">I", 100)),
        ([(305, 4), (306, 4)], struct.pack(">II", 0, 100)),
        ([(309, 4), (310, 4)], struct.pack(">II", 0, 0)),
        ([(311, 8)], struct.pack(">d", 0)),
        ([(311, 8)], struct.pack(">d", float("nan"))),
        ([(311, 8)], struct.pack(">d", 5e-324)),
        ([(311, 4)], b"\x7f\x80\0\1"),
        ([(311, 4)], struct.pack(">f", 1.5)),
        ([(50, 4)], bytes(4)),
        ([(50, 8)], b"\xff" * 8),
    ],
)
def test_what_states_no_rate_is_none(fields: list[Field], values: bytes) -> None:
    options = options10(300, [(302, 4)], fields)
    data = template(256, OCTETS, *fields, ipfix=True)
    flows = bench().decode(
        ipfix(
            options,
            data,
            a_set(300, struct.pack(">I", 9) + values),
            a_set(256, struct.pack(">I", 100) + values),
        )
    )
    assert known(flows) == [(1, ASSUMED)]


def test_a_rate_in_the_record_itself() -> None:
    data = template(256, OCTETS, (305, 4), (306, 4), ipfix=True)
    records = struct.pack(">III", 100, 1, 99) + struct.pack(">III", 100, 0, 0)
    flows = bench({ROUTER: 7}).decode(ipfix(data, a_set(256, records)))
    assert known(flows) == [(100, RECORD), (7, CONFIG)]


def test_options_with_a_name_of_variable_length() -> None:
    options = options10(300, [(302, 8)], [(335, VARIABLE), (305, 4), (306, 4)])
    record = struct.pack(">Q", 5) + b"\4edge" + struct.pack(">II", 1, 31)
    long = struct.pack(">Q", 6) + b"\xff\0\4core" + struct.pack(">II", 1, 63)
    data = template(256, OCTETS, (302, 8), ipfix=True)
    flows = bench().decode(
        ipfix(options, data, a_set(300, record + long), a_set(256, struct.pack(">IQIQ", 1, 5, 1, 6)))
    )
    assert known(flows) == [(32, OPTIONS), (64, OPTIONS)]


def test_how_the_rate_was_known_is_in_the_ledger() -> None:
    """Per record, when it is counted as aggregated; see test_pipeline."""
    under = bench()
    flows = under.decode(netflow9(SAMPLERS9, DATA9, announce9((1, 10)), data9(1, 1, 2)))
    under.ledger.add_records(flows)
    assert (under.count("sampling_options"), under.count("sampling_assumed")) == (2, 1)


POINT, OTHER = ObservationPoint(0, 1, 1), ObservationPoint(0, 1, 2)


def test_announcing_again_is_no_news() -> None:
    rates = SamplingRates([ROUTER], {})
    assert rates.is_news(POINT, 1, 10)
    assert rates.announce(POINT, 1, 10)
    assert not rates.is_news(POINT, 1, 10)
    assert not rates.announce(POINT, 1, 10)
    assert rates.is_news(POINT, 1, 20)


def test_a_rate_replaced_is_forgotten_everywhere() -> None:
    rates = SamplingRates([ROUTER], {})
    rates.announce(POINT, 1, 10)
    rates.announce(POINT, 1, 20)
    assert rates.lookup(OTHER, 1)[:2] == (20, OPTIONS)
    assert rates.lookup(POINT, None)[:2] == (20, OPTIONS)


def test_samplers_of_an_exporter_are_bounded() -> None:
    rates = SamplingRates([ROUTER], {}, samplers_per_exporter=3)
    for sampler in range(5):
        rates.announce(POINT, sampler, 10 + sampler)
    assert [rates.lookup(POINT, sampler)[0] for sampler in range(5)] == [10, 11, 12, 1, 1]
    assert not rates.is_news(POINT, 4, 99)
    rates.announce(POINT, 0, 99)
    assert rates.lookup(POINT, 0)[:2] == (99, OPTIONS)


def test_samplers_are_bounded_in_all() -> None:
    rates = SamplingRates([ROUTER, "192.0.2.2"], {}, samplers=3)
    for exporter in (0, 1):
        for sampler in (1, 2):
            rates.announce(ObservationPoint(exporter, 1, 0), sampler, 10)
    assert rates.announced == 3
    rates.forget(0)
    assert rates.announced == 1
    assert rates.announce(ObservationPoint(1, 1, 0), 2, 10)


def test_a_number_forgotten_means_another_exporter() -> None:
    addresses = [ROUTER]
    rates = SamplingRates(addresses, {ROUTER: 7, "192.0.2.2": 9})
    rates.announce(POINT, 1, 10)
    assert (rates.lookup(POINT, 1)[:2], rates.lookup(POINT, 2)[:2]) == ((10, OPTIONS), (7, CONFIG))
    rates.forget(0)
    addresses[0] = "192.0.2.2"
    assert rates.lookup(POINT, 1)[:2] == (9, CONFIG)


def test_configured_by_prefix_the_longest_counts() -> None:
    under = bench({"192.0.2.0/24": 100, "192.0.2.2/31": 200, ROUTER: 300, "::/0": 400})
    lots = [netflow9(DATA9, data9(1)) for _ in range(3)]
    assert known(under.decode(*lots, exporter=[0, 1, 2])) == [(300, CONFIG), (200, CONFIG), (400, CONFIG)]


def test_configuration_over_what_the_exporter_says() -> None:
    """In the record (v5, IPFIX), in options records, and only of the exporters it is said for."""
    under = bench({ROUTER: 50, "192.0.2.2": 60})
    under.decoder.rates.configure({ROUTER: 50, "192.0.2.2": 60}, [ROUTER])
    data = template(256, OCTETS, (34, 4), ipfix=True)
    lots = [
        netflow9(SAMPLERS9, DATA9, announce9((1, 1000)), data9(1)),
        ipfix(data, a_set(256, struct.pack(">II", 100, 8))),
        netflow5([record5()], sampling=0x4000 | 9),
    ]
    assert sorted(known(under.decode(*lots))) == [(50, CONFIG)] * 3
    assert sorted(known(under.decode(*lots, exporter=1))) == [(8, RECORD), (9, RECORD), (1000, OPTIONS)]


def test_rates_of_many_exporters_whose_records_are_decoded_together() -> None:
    """One layout, two exporters and two domains: each record has the rate of its own sampler there."""
    lots, exporters = [], []
    for exporter in (0, 1):
        for domain in (1, 2):
            rate = 10 * exporter + domain
            lots.append(netflow9(SAMPLERS9, DATA9, announce9((1, rate), (2, 100 + rate)), domain=domain))
            exporters.append(exporter)
    under = bench()
    under.decode(*lots, exporter=exporters)
    data = [netflow9(data9(1, 2, 1), domain=domain) for domain in (1, 2, 1, 2)]
    flows = under.decode(*data, exporter=exporters)
    found = list(zip(flows.exporter.tolist(), flows.observation_domain.tolist(), known(flows), strict=True))
    assert found == [
        (exporter, domain, (10 * exporter + domain + more, OPTIONS))
        for exporter in (0, 1)
        for domain in (1, 2)
        for more in (0, 100, 0)
    ]


PLAIN = template(257, *BASIC)
BY_INTERFACE9 = options9(300, [(2, 4)], [(34, 4), (35, 1)])
BY_INTERFACE10 = options10(300, [(10, 4)], [(34, 4), (35, 1)])


def at_interfaces(*rates: tuple[int, int]) -> bytes:
    return a_set(300, b"".join(struct.pack(">IIB", interface, rate, 1) for interface, rate in rates))


@pytest.mark.parametrize("export", [netflow9, ipfix])
def test_rates_of_interfaces_hold_for_all_only_where_they_are_one(export: Callable[..., bytes]) -> None:
    """Without a sampler's name nobody knows whose records were sampled how."""
    ipfix_too = export is ipfix
    options, plain = BY_INTERFACE10 if ipfix_too else BY_INTERFACE9, template(257, *BASIC, ipfix=ipfix_too)
    for configured, otherwise in (({}, (1, ASSUMED)), ({ROUTER: 7}, (7, CONFIG))):
        under = bench(configured)
        first = export(options, plain, at_interfaces((1, 100), (2, 100)), a_set(257, basic()))
        assert known(under.decode(first)) == [(100, OPTIONS)]
        for announced, told in (
            ([(1, 1000)], otherwise),
            ([(1, 1000), (2, 100)], otherwise),
            ([(2, 1000)], (1000, OPTIONS)),
        ):
            lot = export(at_interfaces(*announced), a_set(257, basic()))
            assert known(under.decode(lot)) == [told]


def test_a_rate_of_all_that_changes() -> None:
    options = options9(300, [(1, 4)], [(34, 4), (35, 1)])
    under = bench()
    under.decode(netflow9(options, PLAIN, at_interfaces((1, 100)), a_set(257, basic())))
    assert known(under.decode(netflow9(at_interfaces((1, 1000)), a_set(257, basic())))) == [(1000, OPTIONS)]


def test_rates_of_interfaces_are_kept_over_a_restart() -> None:
    under, after = bench(), bench()
    under.decode(netflow9(BY_INTERFACE9, PLAIN, at_interfaces((1, 100), (2, 1000))))
    after.decoder.restore(0, from_json(to_json(under.decoder.state(0))))
    assert known(after.decode(netflow9(a_set(257, basic())))) == [(1, ASSUMED)]
    assert known(after.decode(netflow9(at_interfaces((1, 1000)), a_set(257, basic())))) == [(1000, OPTIONS)]


@pytest.mark.parametrize("restated", [False, True], ids=["options", "records"])
@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ([(34, 4), (305, 4), (306, 4)], [(0, 1, 99, 100), (50, 1, 99, 50), (0, 0, 0, 0)]),
        ([(50, 4), (34, 4)], [(0, 100, 100), (20, 100, 20), (0, 0, 0)]),
        ([(305, 4), (309, 4), (310, 4)], [(9, 2, 100, 50)]),
        ([(306, 4), (305, 4), (309, 4), (310, 4)], [(99, 0, 2, 100, 50), (99, 1, 2, 100, 100)]),
    ],
    ids=["34, 305/306", "50, 34", "305 alone, 309/310", "305/306, 309/310"],
)
def test_the_first_element_that_is_a_rate_counts(
    fields: list[Field], rows: list[tuple[int, ...]], restated: bool
) -> None:
    expected = [(rate, RECORD if restated else OPTIONS) if rate else (1, ASSUMED) for *_, rate in rows]
    values = [struct.pack(f">{len(fields)}I", *row[:-1]) for row in rows]
    if restated:
        data = template(256, OCTETS, *fields, ipfix=True)
        flows = bench().decode(
            ipfix(data, a_set(256, b"".join(struct.pack(">I", 100) + each for each in values)))
        )
    else:
        data = template(256, OCTETS, (302, 4), ipfix=True)
        announced = b"".join(struct.pack(">I", number) + each for number, each in enumerate(values))
        named = b"".join(struct.pack(">II", 100, number) for number in range(len(values)))
        options = options10(300, [(302, 4)], fields)
        flows = bench().decode(ipfix(options, data, a_set(300, announced), a_set(256, named)))
    assert known(flows) == expected
