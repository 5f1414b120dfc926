"""One subscriber among five: attacks on what a sum says of one host, and what they learn."""

from ipaddress import IPv6Address
from typing import Any

import numpy as np
import pytest

from caudal.collector.aggregate.aggregate import Aggregator
from caudal.collector.aggregate.dominance import DOMINANCE_PERCENT, dominated
from caudal.collector.exporters.ledger import Ledger
from caudal.collector.locate.locate import Locator
from caudal.collector.pipeline.pipeline import Pipeline
from tests.support.builders import NOW_MS, SmallTable, flow_records

WINDOW_MS = 300_000

HOME = ("198.51.100.0/24", "2001:db8::/32")
VICTIM, SCANNED = 0xC633_6405, [0xC633_6400 + host for host in (20, 21, 22, 23)]
TABLE: Any = SmallTable(
    ("203.0.113.0/24", "CL", 3000, "database"),
    ("192.0.2.0/24", "CL", 3001, "database"),
    ("3fff::/20", "CL", 3000, "database"),
)
SCANNER, SERVER = 0xCB00_7107, 0xC000_0205


def pipeline(k: int = 5, percent: float = DOMINANCE_PERCENT) -> Pipeline:
    return Pipeline(economy="CL", home=HOME, table=TABLE, window_seconds=300, k=k, dominance_percent=percent)


def flows4(pairs: list[tuple[int, int, int]], **more: Any) -> Any:
    """Inbound IPv4 flows: (far end, local host, bytes)."""
    far, host, octets = zip(*pairs, strict=True)
    return flow_records(source_low=far, destination_low=host, bytes=octets, **more)


def told(one: Pipeline) -> dict[tuple[int, str], int]:
    """Bytes by AS number and country, folded cells under AS 0; windows added up."""
    sums: dict[tuple[int, str], int] = {}
    for row in one.take(None, str)[0].to_pylist():
        key = row["remote_asn"], row["remote_country"]
        assert row["folded"] == (key[0] == 0)
        sums[key] = sums.get(key, 0) + row["bytes"]
    return sums


def test_a_scanner_that_touches_four_addresses_unfolds_nobody() -> None:
    one = pipeline()
    one.flows(flows4([(SCANNER, VICTIM, 50_000_000), *((SCANNER + 1, host, 40) for host in SCANNED)]))
    assert told(one) == {(0, "ZZ"): 50_000_160}


def test_without_the_rule_he_would() -> None:
    one = pipeline(percent=100)
    one.flows(flows4([(SCANNER, VICTIM, 50_000_000), *((SCANNER + 1, host, 40) for host in SCANNED)]))
    assert told(one) == {(3000, "CL"): 50_000_160}


def test_nor_does_one_that_touches_the_whole_network() -> None:
    one = pipeline()
    one.flows(
        flows4([(SCANNER, VICTIM, 50_000_000), *((SCANNER, 0xC633_6400 + host, 400) for host in range(256))])
    )
    assert told(one) == {(0, "ZZ"): 50_102_400}


def test_what_is_folded_goes_where_others_of_its_country_hide_it() -> None:
    one = pipeline()
    many = [(SERVER, 0xC633_6400 + host, 1_000_000) for host in range(40, 43)]
    one.flows(flows4([(SCANNER, VICTIM, 2_000_000), *((SCANNER, host, 40) for host in SCANNED), *many]))
    assert told(one) == {(0, "CL"): 5_000_160}


def test_in_several_windows_none_tells_him_anything() -> None:
    one = pipeline()
    for minutes in (0, 5, 10, 15):
        at = NOW_MS - 3_600_000 + minutes * 60_000
        pairs = [(SCANNER, VICTIM, 1_000_000 + minutes), *((SCANNER, host, 40) for host in SCANNED)]
        one.flows(flows4(pairs, end_ms=[at] * 5, start_ms=[at] * 5))
    rows = one.take(None, str)[0].to_pylist()
    assert len(rows) == 4
    assert {(row["remote_asn"], row["remote_country"]) for row in rows} == {(0, "ZZ")}


def test_subscribers_of_ipv6_are_what_is_weighed_not_their_addresses() -> None:
    """A household of many addresses is one host, and four /56 with a packet each hide it no better."""
    far = int(IPv6Address("3fff::1"))
    household = int(IPv6Address("2001:db8:0:ff00::")) >> 64
    hosts = [household + address for address in range(100)] + [household + (n << 8) for n in (1, 2, 3, 4)]
    octets = [100_000] * 100 + [40] * 4
    one = pipeline()
    one.flows(
        flow_records(
            ip_version=[6] * 104, source_high=[far >> 64] * 104, source_low=[1] * 104,
            destination_high=hosts, destination_low=[1] * 104, bytes=octets,
        )
    )  # fmt: skip
    assert told(one) == {(0, "ZZ"): 10_000_160}


@pytest.mark.parametrize(("each", "is_told"), [(1_100_000, False), (1_200_000, True)])
def test_who_knows_the_setting_must_send_a_ninth_of_what_he_wants_to_learn(each: int, is_told: bool) -> None:
    """He then knows it, as all the rest is his own; docs/privacy.md says so. Less tells only that there is more."""
    one = pipeline()
    one.flows(flows4([(SCANNER, VICTIM, 40_000_000), *((SCANNER, host, each) for host in SCANNED)]))
    assert ((3000, "CL") in told(one)) is is_told


def test_a_lower_percentage_makes_that_dearer() -> None:
    one = pipeline(percent=50)
    one.flows(flows4([(SCANNER, VICTIM, 40_000_000), *((SCANNER, host, 9_000_000) for host in SCANNED)]))
    assert told(one) == {(0, "ZZ"): 76_000_000}


def test_a_part_that_comes_late_holds_by_itself() -> None:
    one = pipeline()
    at = NOW_MS - 3_600_000
    times = {"start_ms": [at] * 5, "end_ms": [at] * 5}
    one.flows(flows4([(SCANNER, VICTIM - host, 1000) for host in range(5)], **times))
    assert told(one) == {(3000, "CL"): 5000}
    one.flows(flows4([(SCANNER, VICTIM, 90_000), *((SCANNER, host, 40) for host in SCANNED)], **times))
    assert told(one) == {(0, "ZZ"): 90_160}


def test_a_window_that_is_closed_early_is_judged_by_what_is_in_it() -> None:
    one = Aggregator(Ledger(WINDOW_MS), WINDOW_MS, 2, most_cells=1)
    locator = Locator(HOME, TABLE, "CL")
    first = flows4([(SCANNER, VICTIM, 9000), (SCANNER, SCANNED[0], 40), (SERVER, VICTIM, 1)])
    one.add(first, locator.locate(first))
    assert one.crowded
    rows = one.take(0).to_pylist()  # crowded: goes although it is not over
    assert not any(row["remote_asn"] for row in rows)
    second = flows4([(SCANNER, SCANNED[1], 9000), (SCANNER, SCANNED[2], 9000)])
    one.add(second, locator.locate(second))
    assert [row["remote_asn"] for row in one.take(None).to_pylist()] == [3000]


def test_five_alike_are_told_and_so_is_one_of_half() -> None:
    one = pipeline()
    one.flows(flows4([(SCANNER, VICTIM, 4000), *((SCANNER, host, 1000) for host in SCANNED)]))
    one.flows(flows4([(SERVER, VICTIM, 1000), *((SERVER, host, 1000) for host in SCANNED)]))
    assert told(one) == {(3000, "CL"): 8000, (3001, "CL"): 5000}


def test_where_k_is_one_nothing_is_folded() -> None:
    one = pipeline(k=1)
    one.flows(flows4([(SCANNER, VICTIM, 4000)]))
    assert told(one) == {(3000, "CL"): 4000}


def test_totals_stay_exact_whatever_is_folded() -> None:
    chance = np.random.default_rng(1)
    far = chance.choice([SCANNER, SERVER], 2000)
    octets = (chance.pareto(0.7, 2000) * 1000).astype(np.int64)
    hosts = 0xC633_6400 + chance.integers(0, 9, 2000)
    ends = NOW_MS - chance.integers(0, 3_600_000, 2000)
    one = pipeline()
    one.flows(flow_records(source_low=far, destination_low=hosts, bytes=octets, end_ms=ends, start_ms=ends))
    sums = told(one)
    assert sum(sums.values()) == octets.sum()
    assert any(asn for asn, _ in sums)
    assert (0, "ZZ") in sums or (0, "CL") in sums


def test_the_share_is_compared_exactly() -> None:
    largest, octets = np.array([80, 81, 0, 1 << 62], np.uint64), np.array([100, 100, 0, 1 << 62], np.uint64)
    assert dominated(largest, octets, 80.0).tolist() == [False, True, False, True]
