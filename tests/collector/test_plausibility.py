"""What exporters state is believed only as far as IP traffic can be so: rates, counters, times, clocks."""

import os
import struct
from pathlib import Path

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.columns.flowrecords import (
    ASSUMED,
    CONFIG,
    IMPLAUSIBLE,
    IPFIX,
    NETFLOW9,
    OPTIONS,
    RATE_DOUBTED,
    RECORD,
    TIME_DOUBTED,
    TRAFFIC,
    FlowRecords,
)
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.decode.sampling.statedrates import PATIENCE_MS, turned_round
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.exporters.plausibility import Plausibility
from caudal.collector.files.inspection import Inspection
from caudal.collector.files.meterfiles import meter_captures
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.signs.disbelief import Disbelief, disbeliefs
from caudal.reference import AddressTable
from tests.support.builders import (
    BASIC,
    NOW_MS,
    OCTETS,
    PACKETS,
    ROUTER,
    SECONDS,
    Bench,
    a_set,
    basic,
    bench,
    ethernet,
    flow_records,
    flow_sample,
    ipfix,
    lot,
    netflow5,
    netflow9,
    options9,
    options10,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
)

CASES = Path(os.environ.get("CAUDAL_CORPUS", "/nowhere")).parent / "cases" / "exports"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside CAUDAL_CORPUS")

RATED = template(256, OCTETS, PACKETS, (34, 4))
RATED10 = template(256, OCTETS, PACKETS, (34, 4), ipfix=True)


def rated(*rates: int, octets: int = 1500) -> bytes:
    return a_set(256, b"".join(struct.pack(">III", octets, 1, rate) for rate in rates))


def taken(flows: FlowRecords) -> list[tuple[float, int, bool]]:
    """Rate, where it is from, and whether another was stated that is not believed."""
    doubted = (flows.doubt & RATE_DOUBTED) != 0
    columns = flows.sampling_rate, flows.sampling_from, doubted
    return list(zip(*(column.tolist() for column in columns), strict=True))


def said(under: Bench) -> str:
    found = disbeliefs(under.decoder, under.exporters.addresses.__getitem__)
    return "\n".join(sentence for each in found for sentence in each.sentences)


# Rates


@pytest.mark.parametrize("rate", [2_919_759_872, 0xFFFF_FFFF, 1_000_001, 65_536, 0x0E80_0000])
@pytest.mark.parametrize("configured", [None, 500])
def test_a_rate_in_a_record_that_no_router_has(rate: int, configured: int | None) -> None:
    """Beyond one in a million, or with its octets the wrong way round: the configured one, or none."""
    for payload in (netflow9(RATED, rated(rate)), ipfix(RATED10, rated(rate))):
        under = bench({ROUTER: configured} if configured else None)
        flows = under.decode(payload)
        under.ledger.add_records(flows)
        assert taken(flows) == [(configured or 1, CONFIG if configured else ASSUMED, True)]
        assert under.count("rate_implausible") == 1
        assert f"It states sampling 1:{rate}" in said(under)
        assert ("The rate of the settings was taken" in said(under)) == bool(configured)


@pytest.mark.parametrize("rate", [1, 2, 1000, 65_535, 65_537, 1_000_000])
def test_a_rate_that_a_router_may_have(rate: int) -> None:
    assert taken(bench().decode(netflow9(RATED, rated(rate)))) == [(rate, RECORD, False)]


def test_what_is_turned_round_is_named() -> None:
    assert (turned_round(2_919_759_872), turned_round(65_536), turned_round(1000)) == (2222, 256, None)
    under = bench()
    under.decode(netflow9(RATED, rated(2_919_759_872)))
    assert "which is 1:2222 with its octets the wrong way round" in said(under)


def test_an_override_ends_the_doubt() -> None:
    under = bench({ROUTER: 700})
    under.decoder.rates.configure({ROUTER: 700}, [ROUTER])
    flows = under.decode(netflow9(RATED, rated(2_919_759_872)))
    assert taken(flows) == [(700, CONFIG, False)]


@pytest.mark.parametrize(("make", "options"), [(netflow9, options9), (ipfix, options10)])
def test_an_announced_rate_that_no_router_has(make: object, options: object) -> None:
    """Options records of all kinds, with a sampler and without."""
    is_ipfix = make is ipfix
    announced = options(300, [(130 if is_ipfix else 1, 4)], [(48, 1), (50, 4)])  # type: ignore[operator]
    data = template(256, *BASIC, (48, 1), ipfix=is_ipfix)
    record = a_set(300, struct.pack(">IBI", 1, 4, 0xD00_0000))
    under = bench({ROUTER: 300})
    flows = under.decode(make(announced, data, record, a_set(256, basic() + b"\4")))  # type: ignore[operator]
    assert taken(flows) == [(300, CONFIG, True)]
    # Another sampler of the same router is believed.
    flows = under.decode(
        make(a_set(300, struct.pack(">IBI", 1, 5, 128)), a_set(256, basic() + b"\5" + basic() + b"\4"))  # type: ignore[operator]
    )
    assert taken(flows) == [(128, OPTIONS, False), (300, CONFIG, True)]


def test_an_announced_rate_for_an_interface() -> None:
    options = options9(300, [(2, 4)], [(34, 4)])
    under = bench({ROUTER: 300})
    flows = under.decode(
        netflow9(
            options,
            template(256, *BASIC),
            a_set(300, struct.pack(">II", 10, 0xFFFF_FFFF)),
            a_set(256, basic()),
        )
    )
    assert taken(flows) == [(300, CONFIG, True)]


def test_an_announcement_that_is_not_believed_leaves_the_one_before() -> None:
    options = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    data = template(256, *BASIC, (48, 1))
    under = bench()

    def announce(rate: int, after_seconds: int = 0) -> FlowRecords:
        at = SECONDS + after_seconds
        sets = options, data, a_set(300, struct.pack(">IBI", 1, 4, rate)), a_set(256, basic() + b"\4")
        return under.decode(netflow9(*sets, seconds=at), received_ms=at * 1000)

    assert taken(announce(1000)) == [(1000, OPTIONS, False)]
    assert taken(announce(0xFFFF_FFFF)) == [(1000, OPTIONS, True)]
    assert taken(announce(1000)) == [(1000, OPTIONS, False)]
    assert taken(announce(200_000)) == [(1000, OPTIONS, True)], "two hundred times what it was"
    assert taken(announce(200_000, 14 * 60)) == [(1000, OPTIONS, True)]
    assert taken(announce(200_000, 16 * 60)) == [(200_000, OPTIONS, False)], "somebody changed it"


def test_samples_of_sflow() -> None:
    record = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))
    under = bench({ROUTER: 400})
    flows = under.decode(
        *(
            sflow(flow_sample(record, rate=rate, sequence=n + 1), sequence=n + 1)
            for n, rate in enumerate([512, 0xFFFF_FFFF, 0, 65_536 * 2])
        )
    )
    assert taken(flows) == [
        (512, RECORD, False),
        (400, CONFIG, True),
        (400, CONFIG, False),
        (400, CONFIG, True),  # a power of two is none that is turned round, but 256 times the one before
    ]
    assert taken(bench().decode(sflow(flow_sample(record, rate=131_072)))) == [(131_072, RECORD, False)]


def test_a_rate_that_jumps() -> None:
    """In the records of one sampler; what it stated before holds, until the new rate has stood for a quarter of an hour."""
    under = bench()

    def stated(rate: int, after_ms: int = 0) -> tuple[float, int, bool]:
        at = SECONDS + after_ms // 1000
        (answer,) = taken(under.decode(netflow9(RATED, rated(rate), seconds=at), received_ms=at * 1000))
        return answer

    assert stated(1000) == (1000, RECORD, False)
    assert stated(90_000) == (90_000, RECORD, False), "less than a hundred times"
    assert stated(1) == (1, RECORD, False), "nothing is sampled"
    assert stated(5) == (1000, RECORD, True)
    assert stated(5, PATIENCE_MS - 1000) == (1000, RECORD, True)
    assert "a hundred times what it stated before or a hundredth" in said(under)
    assert stated(5, PATIENCE_MS) == (5, RECORD, False)


def test_who_gets_a_number_begins_anew() -> None:
    rates = SamplingRates([ROUTER], {})
    point = ObservationPoint(0, NETFLOW9, 0)
    assert rates.stated.believe(point, None, 10, 0)
    assert not rates.stated.believe(point, None, 10_000, 0)
    rates.forget(0)
    assert rates.stated.believe(point, None, 10_000, 0)
    assert not list(rates.stated.doubted())


def test_rates_known_before_a_restart_are_judged_again() -> None:
    """A state file of an earlier version may hold what is not believed any more."""
    rates = SamplingRates([ROUTER], {ROUTER: 9})
    rates.announce(ObservationPoint(0, IPFIX, 0), 1, 2_919_759_872.0)
    assert rates.lookup(ObservationPoint(0, IPFIX, 0), 1) == (9, CONFIG, True)


# Counters


def judged(capacities: dict[str, float] | None = None, **columns: object) -> list[int]:
    flows = flow_records(**columns)
    return Plausibility([ROUTER], 300_000, capacities).judge(flows).kind.tolist()


def test_a_packet_holds_65535_octets() -> None:
    assert judged(bytes=[65_535, 65_536, 131_070, 131_071, 1], packets=[1, 1, 2, 2, 0]) == [
        TRAFFIC, IMPLAUSIBLE, TRAFFIC, IMPLAUSIBLE, IMPLAUSIBLE,
    ]  # fmt: skip


def test_an_exporter_that_tells_no_packets_is_not_held_to_them() -> None:
    under = bench()
    flows = under.decode(netflow9(template(256, OCTETS), a_set(256, struct.pack(">I", 1 << 30))))
    assert flows.kind.tolist() == [TRAFFIC]


@pytest.mark.parametrize(
    ("lasted_ms", "octets", "kind"),
    [
        (0, 7_500_000_000, TRAFFIC),  # a minute of a gigabit per second
        (0, 7_600_000_000, IMPLAUSIBLE),
        (600_000, 75_000_000_000, TRAFFIC),
        (600_000, 76_000_000_000, IMPLAUSIBLE),
    ],
)
def test_no_flow_exceeds_the_capacity(lasted_ms: int, octets: int, kind: int) -> None:
    packets = octets // 1000
    start = NOW_MS - lasted_ms
    found = judged({ROUTER: 1.0}, bytes=[octets], packets=[packets], start_ms=[start])
    assert found == [kind]
    assert judged({"192.0.2.0/24": 1.0}, bytes=[octets], packets=[packets], start_ms=[start]) == [kind]
    assert judged(bytes=[octets], packets=[packets], start_ms=[start]) == [TRAFFIC], "no router carries less"


def test_packets_have_octets() -> None:
    """A capacity bounds the packets as well, whatever octets the record states."""
    assert judged({ROUTER: 1.0}, bytes=[1], packets=[1 << 40]) == [IMPLAUSIBLE]


def test_one_sampled_packet_stands_for_many_however_small_the_router() -> None:
    assert judged({ROUTER: 0.1}, bytes=[1500], packets=[1], sampling_rate=[1_000_000]) == [TRAFFIC]


def test_records_together_do_not_exceed_the_capacity() -> None:
    """Each for itself would be possible: a router of 1 Gbit/s carries 262.5 GB in the window and half an hour before."""
    kinds = judged({ROUTER: 1.0}, bytes=[7_000_000_000] * 50, packets=[7_000_000] * 50)
    assert kinds == [TRAFFIC] * 37 + [IMPLAUSIBLE] * 13
    # The next window begins anew, and honest records after forged ones count.
    exported = [NOW_MS] * 50 + [NOW_MS + 300_000]
    kinds = judged(
        {ROUTER: 1.0},
        bytes=[7_000_000_000] * 51,
        packets=[7_000_000] * 51,
        export_ms=exported,
        end_ms=exported,
    )
    assert kinds[-1] == TRAFFIC


def test_what_is_implausible_is_in_the_ledger_and_in_no_sum() -> None:
    pipeline = a_pipeline()
    data = struct.pack(">IIQQ", 0xC612_0001, 0xCB00_7109, 10, 1) + struct.pack(
        ">IIQQ", 0xC612_0001, 0xCB00_7109, 4 * 10**12, 1
    )
    fields = template(256, (8, 4), (12, 4), (1, 8), (2, 8))
    pipeline.datagrams(lot([netflow9(fields, a_set(256, data))], pipeline.exporters.number(ROUTER)))
    flows, ledger = pipeline.take(None, str)
    assert (pc.sum(flows["bytes"]).as_py(), pc.sum(flows["flows"]).as_py()) == (10, 1)
    (row,) = ledger.to_pylist()
    assert (row["decoded"], row["aggregated"], row["counts_implausible"]) == (2, 1, 1)


def test_sixty_three_forged_datagrams_take_nothing_from_honest_ones() -> None:
    """In one cell and window, each record within what its packets hold: the sum neither wraps nor drowns the rest."""
    pipeline = a_pipeline()
    fields = template(256, (8, 4), (12, 4), (1, 8), (2, 8))

    def record(octets: int, packets: int) -> bytes:
        return a_set(256, struct.pack(">IIQQ", 0xC612_0001, 0xCB00_7109, octets, packets))

    forged = record((1 << 64) - 65_536, (1 << 64) - 1) + record(1 << 52, 1 << 40)
    payloads = [netflow9(fields, forged, sequence=n) for n in range(63)]
    payloads.append(netflow9(fields, record(10_000_000, 10_000), sequence=63))
    number = pipeline.exporters.number(ROUTER)
    pipeline.datagrams(lot([payloads[-1], *payloads[:-1]], number))
    flows, ledger = pipeline.take(None, str)
    octets = pc.sum(flows["bytes"]).as_py()
    assert octets >= 10_000_000
    assert (octets - 10_000_000) % (1 << 52) == 0
    assert octets < 1 << 58
    assert pc.sum(ledger["counts_implausible"]).as_py() > 63


def a_pipeline() -> Pipeline:
    return Pipeline(economy="CL", home=["198.18.0.0/15"], table=AddressTable.load(), window_seconds=300, k=1)


# Times


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "doubted"),
    [
        (NOW_MS - 5000, NOW_MS, False),
        (0, 0, False),  # not told
        (NOW_MS - 90_000_000, NOW_MS - 90_000_000, True),
        (NOW_MS, NOW_MS + 400_000, True),
        (NOW_MS + 2000, NOW_MS, True),  # began after it ended
        (NOW_MS + 500, NOW_MS, False),
        (NOW_MS - 90_000_000, 0, True),
    ],
)
def test_times_that_cannot_be(start_ms: int, end_ms: int, doubted: bool) -> None:
    judge = Plausibility([ROUTER], 300_000)
    flows = judge.judge(flow_records(start_ms=[start_ms], end_ms=[end_ms]))
    assert (flows.doubt.tolist(), flows.kind.tolist()) == ([int(TIME_DOUBTED) * doubted], [TRAFFIC])
    assert [each.time for each in judge.doubts()] == [1] * doubted


def test_an_export_time_that_cannot_be_is_counted() -> None:
    under = bench()
    under.decode(
        netflow5([record5()], seconds=0),
        netflow9(template(256, *BASIC), a_set(256, basic()), seconds=SECONDS + 86_400),
        ipfix(template(256, *BASIC, ipfix=True), a_set(256, basic())),
    )
    assert under.count("clock_implausible") == 2


# What is said


def test_every_sentence_says_what_to_do() -> None:
    assert Disbelief("edge-1", 0, 0, 0, 0.0, False).sentences == []
    said_of_all = Disbelief("edge-1", 1, 2, 3, 0xFFFF_FFFF, False).sentences
    assert len(said_of_all) == 3
    assert "give the true rate as `sampling`" in said_of_all[0]
    assert "`capacity_gbit_per_second`" in said_of_all[1]
    assert "NTP" in said_of_all[2]


# Of anything at all


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 32) - 1)
        ),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_is_stated_the_ledger_balances_and_no_sum_wraps(records: list[tuple[int, int, int]]) -> None:
    pipeline = a_pipeline()
    fields = template(256, (8, 4), (12, 4), (1, 8), (2, 8), (34, 4))
    body = b"".join(struct.pack(">IIQQI", 0xC612_0001, 0xCB00_7109, *each) for each in records)
    pipeline.datagrams(lot([netflow9(fields, a_set(256, body))], pipeline.exporters.number(ROUTER)))
    flows, ledger = pipeline.take(None, str)
    (row,) = ledger.to_pylist()
    assert row["decoded"] == row["aggregated"] + row["events"] + row["counts_implausible"] == len(records)
    octets, packets, count = (sum(flows[name].to_pylist()) for name in ("bytes", "packets", "flows"))
    assert count == row["aggregated"]
    assert octets <= (packets + count) * 65_535
    assert octets < 1 << 58


# The cases


def metered(name: str) -> tuple[int, dict[str, int]]:
    """Bytes of home, and the ledger."""
    pipeline = Pipeline(
        economy="CL", home=["198.51.100.0/24"], table=AddressTable.load(), window_seconds=300, k=1
    )
    parts = list(meter_captures([CASES / name], pipeline))
    octets = sum(pc.sum(flows["bytes"]).as_py() or 0 for flows, _ in parts)
    counts = {
        column: sum(pc.sum(ledger[column]).as_py() or 0 for _, ledger in parts)
        for column in ("decoded", "aggregated", "rate_implausible", "counts_implausible", "sampling_assumed")
    }
    return octets, counts


@needs_cases
def test_case_05_rates_that_cannot_be() -> None:
    octets, counts = metered("05_rate.pcap")
    assert octets == 3000
    assert (counts["rate_implausible"], counts["sampling_assumed"]) == (2, 2)
    inspection = Inspection()
    records = list(inspection.records(CASES / "05_rate.pcap"))
    assert [record["not_believed"] for record in records] == [["rate"], ["rate"]]
    (found,) = disbeliefs(inspection.decoder, inspection.exporters.addresses.__getitem__)
    assert found.rate == 2
    configured = Inspection({"192.0.2.1": 2222})
    assert [record["bytes"] for record in configured.records(CASES / "05_rate.pcap")] == [1500 * 2222] * 2


@needs_cases
def test_case_09_counts_that_cannot_be() -> None:
    octets, counts = metered("09_huge.pcap")
    assert octets == 10
    assert (counts["decoded"], counts["aggregated"], counts["counts_implausible"]) == (3, 1, 2)
