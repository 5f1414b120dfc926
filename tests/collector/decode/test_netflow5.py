"""NetFlow version 5: the fixed format."""

import numpy as np
import pytest

from caudal.collector.columns.flowrecords import ABSENT, CONFIG, EVENT, RECORD, TRAFFIC
from tests.support.builders import NOW_MS, ROUTER, SECONDS, bench, ip, netflow5, record5


def test_every_field_of_a_record() -> None:
    record = record5(octets=1500, packets=3, first=1_000, last=4_000, source_as=64496, destination_as=15169)
    flows = bench().decode(netflow5([record], uptime=10_000, nanoseconds=500_000_000, engine=0x0102))
    assert len(flows) == 1
    assert {name: getattr(flows, name)[0].item() for name in vars(flows)} == {
        "exporter": 0,
        "protocol": 0,
        "observation_domain": 0x0102,
        "template": 0,
        "export_ms": NOW_MS + 500,
        "start_ms": NOW_MS + 500 - 9_000,
        "end_ms": NOW_MS + 500 - 6_000,
        "ip_version": 4,
        "source_high": 0,
        "source_low": ip("198.18.0.1"),
        "destination_high": 0,
        "destination_low": ip("203.0.113.9"),
        "source_port": 1234,
        "destination_port": 443,
        "ip_protocol": 6,
        "bytes": 1500,
        "packets": 3,
        "sampling_rate": 1.0,
        "sampling_from": 3,
        "source_as": 64496,
        "destination_as": 15169,
        "input": 3,
        "output": 4,
        "kind": TRAFFIC,
        "absent": int(ABSENT["template"]),
        "flow_direction": 0,
        "tag": 0,
        "doubt": 0,
    }


@pytest.mark.parametrize("mode", [0b00, 0b01, 0b10, 0b11])
def test_v5_sampling_mode_bits_are_no_part_of_the_rate(mode: int) -> None:
    flows = bench().decode(netflow5([record5()], sampling=mode << 14 | 1000))
    assert flows.sampling_rate.tolist() == [1000]
    assert flows.sampling_from.tolist() == [RECORD]


def test_v5_mode_without_interval_is_no_rate() -> None:
    flows = bench({ROUTER: 256}).decode(netflow5([record5()], sampling=1 << 14))
    assert flows.sampling_rate.tolist() == [256]
    assert flows.sampling_from.tolist() == [CONFIG]


def test_v5_uptime_wrap_between_first_and_export() -> None:
    """The exporter's uptime passed 2^32 ms between the start of the flow and its export."""
    before_wrap = (1 << 32) - 7_000
    flows = bench().decode(netflow5([record5(first=before_wrap, last=2_000)], uptime=3_000))
    assert flows.start_ms.tolist() == [NOW_MS - 10_000]
    assert flows.end_ms.tolist() == [NOW_MS - 1_000]


def test_fewer_records_than_announced() -> None:
    under = bench()
    flows = under.decode(netflow5([record5(octets=7)], count=3), netflow5([record5(octets=8)]))
    assert flows.bytes.tolist() == [7, 8]
    assert under.counts() == {"datagrams": 2, "received": 4, "decoded": 2, "malformed": 2}


@pytest.mark.parametrize("cut", [4, 23, 24 + 47])
def test_cut_short(cut: int) -> None:
    under = bench()
    assert len(under.decode(netflow5([record5()])[:cut])) == 0
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_more_than_thirty_records_are_no_v5() -> None:
    under = bench()
    assert len(under.decode(netflow5([record5()] * 31))) == 0
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_no_records() -> None:
    under = bench()
    assert len(under.decode(netflow5([]))) == 0
    assert under.counts() == {"datagrams": 1}


def test_a_record_that_counts_nothing_is_an_event() -> None:
    flows = bench().decode(netflow5([record5(octets=0, packets=0), record5()]))
    assert flows.kind.tolist() == [EVENT, TRAFFIC]


def test_v5_sequence_counts_flows() -> None:
    under = bench()
    under.decode(netflow5([record5()] * 3, sequence=100), netflow5([record5()] * 2, sequence=103))
    assert under.count("lost") == 0
    under.decode(netflow5([record5()], sequence=115))
    assert under.count("lost") == 10
    assert under.count("lost_datagrams") == 0


def test_engines_have_sequences_of_their_own() -> None:
    under = bench()
    under.decode(
        *(netflow5([record5()], sequence=s, engine=e) for s, e in ((5, 1), (900, 2), (6, 1), (901, 2)))
    )
    assert under.count("lost") == 0


@pytest.mark.parametrize("seconds", [0, 731_000_000, SECONDS + 7_200])
def test_an_exporter_whose_clock_is_wrong_is_dated_by_receipt(seconds: int) -> None:
    """Never set (1970, 1993), or far ahead: the times of its flows are relative to the export, so they stay right."""
    flows = bench().decode(netflow5([record5(first=1_000, last=4_000)], uptime=5_000, seconds=seconds))
    assert flows.export_ms.tolist() == [NOW_MS]
    assert (flows.start_ms.tolist(), flows.end_ms.tolist()) == ([NOW_MS - 4_000], [NOW_MS - 1_000])


def test_old_exports_keep_their_time() -> None:
    flows = bench().decode(netflow5([record5()], seconds=SECONDS - 10 * 365 * 86_400))
    assert flows.export_ms.tolist() == [NOW_MS - 10 * 365 * 86_400_000]


def test_many_datagrams_at_once_keep_their_order() -> None:
    payloads = [netflow5([record5(octets=n * 10 + m) for m in range(n % 4)]) for n in range(50)]
    flows = bench().decode(*payloads)
    assert flows.bytes.tolist() == [n * 10 + m for n in range(50) for m in range(n % 4)]
    assert flows.bytes.dtype == np.uint64
