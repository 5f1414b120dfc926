"""NetFlow version 7: what Catalyst switches export."""

import numpy as np
import pytest

from caudal.collector.columns.flowrecords import ABSENT, ASSUMED, CONFIG, NETFLOW7, PROTOCOLS, TRAFFIC
from tests.support.builders import NOW_MS, ROUTER, bench, ip, netflow5, netflow7, record5, record7


def absent(bits: int) -> set[str]:
    return {name for name, bit in ABSENT.items() if bits & int(bit)}


def test_every_field_of_a_record() -> None:
    record = record7(octets=1500, packets=3, first=1_000, last=4_000)
    flows = bench().decode(netflow7([record], uptime=10_000, nanoseconds=500_000_000))
    assert len(flows) == 1
    assert {name: getattr(flows, name)[0].item() for name in vars(flows)} == {
        "exporter": 0,
        "protocol": NETFLOW7,
        "observation_domain": 0,
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
        "sampling_from": ASSUMED,
        "source_as": 0,
        "destination_as": 0,
        "input": 3,
        "output": 4,
        "kind": TRAFFIC,
        "absent": sum(
            int(ABSENT[name]) for name in ("template", "observation_domain", "source_as", "destination_as")
        ),
        "flow_direction": 0,
        "tag": 0,
        "doubt": 0,
    }
    assert PROTOCOLS[NETFLOW7] == "netflow7"


def test_v7_records_have_52_octets() -> None:
    flows = bench().decode(netflow7([record7(octets=n) for n in range(1, 29)]))
    assert flows.bytes.tolist() == list(range(1, 29))
    assert set(flows.destination_low.tolist()) == {ip("203.0.113.9")}


def test_what_a_destination_flow_mask_leaves_out_is_absent() -> None:
    flows = bench().decode(netflow7([record7("0.0.0.0", ports=(0, 0), protocol=0, input_=0)]))
    assert absent(int(flows.absent[0])) >= {
        "source",
        "source_port",
        "destination_port",
        "ip_protocol",
        "input",
    }
    assert "destination" not in absent(int(flows.absent[0]))


def test_the_reserved_field_is_neither_engine_nor_sampling() -> None:
    flows = bench({ROUTER: 256}).decode(netflow7([record7()], reserved=0x0102_4064))
    assert (flows.observation_domain.tolist(), flows.sampling_rate.tolist()) == ([0], [256])
    assert flows.sampling_from.tolist() == [CONFIG]


def test_v7_sequence_counts_flows_apart_from_those_of_v5() -> None:
    under = bench()
    under.decode(
        netflow7([record7()] * 3, sequence=100),
        netflow5([record5()], sequence=9_000),
        netflow7([record7()] * 2, sequence=103),
        netflow5([record5()], sequence=9_001),
    )
    assert under.count("lost") == 0
    under.decode(netflow7([record7()], sequence=115))
    assert (under.count("lost"), under.count("lost_datagrams")) == (10, 0)


def test_fewer_records_than_announced_and_something_behind() -> None:
    under = bench()
    flows = under.decode(
        netflow7([record7(octets=7)], count=3), netflow7([record7(octets=8)]) + b"x", netflow7([])
    )
    assert flows.bytes.tolist() == [7, 8]
    assert under.counts() == {"datagrams": 3, "received": 5, "decoded": 2, "malformed": 3}


@pytest.mark.parametrize("cut", [4, 23, 24 + 51])
def test_cut_short(cut: int) -> None:
    under = bench()
    assert len(under.decode(netflow7([record7()])[:cut])) == 0
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_more_than_thirty_records_are_no_v7() -> None:
    under = bench()
    assert len(under.decode(netflow7([record7()] * 31))) == 0
    assert under.counts() == {"datagrams": 1, "received": 1, "malformed": 1}


def test_v5_and_v7_in_one_lot() -> None:
    flows = bench().decode(
        *(
            netflow5([record5(octets=n)]) if n % 2 else netflow7([record7(octets=n), record7(octets=n)])
            for n in range(1, 9)
        )
    )
    assert sorted(flows.bytes.tolist()) == [1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8]
    assert flows.bytes.dtype == np.uint64
