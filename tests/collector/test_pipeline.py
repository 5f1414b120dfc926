"""From datagrams to aggregates and ledger: every record is accounted for."""

import random
from collections import Counter
from itertools import pairwise
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.columns.flowrecords import FlowRecords
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.contract.batch import BALANCE, LEDGER_COUNTS
from tests.support.builders import (
    BASIC,
    HOME,
    NOW_MS,
    OCTETS,
    SECONDS,
    TABLE,
    SmallTable,
    a_set,
    basic,
    ethernet,
    flow_records,
    flow_sample,
    ip,
    ipfix,
    lot,
    netflow5,
    netflow9,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
)

T9, T10 = template(256, *BASIC), template(256, *BASIC, ipfix=True)
ROUTERS = ("192.0.2.1", "192.0.2.2", "2001:db8::3")


def pipeline(k: int = 1, sampling: dict[str, float] | None = None, **more: Any) -> Pipeline:
    made = Pipeline(
        economy="UY",
        home=HOME,
        window_seconds=300,
        k=k,
        sampling=sampling,
        **({"table": TABLE} | more),
    )
    for router in ROUTERS:
        made.exporters.number(router)
    return made


def name(number: int) -> str:
    return f"router-{number}"


def total(one: Pipeline, count: str) -> int:
    return int(one.ledger.totals[COUNT[count]])


def check(received: Any) -> None:
    assert received["received"] == sum(
        received[one] for one in ("decoded", "waiting", "malformed", "filtered")
    )
    assert received["decoded"] == sum(received[part] for part in BALANCE["decoded"])
    provenance = [one for one in LEDGER_COUNTS if one.startswith("sampling_")]
    assert received["decoded"] == sum(received[one] for one in provenance)


def check_totals(one: Pipeline) -> None:
    check({count: total(one, count) for count in LEDGER_COUNTS})


def test_totals_by_direction_are_those_sent() -> None:
    one = pipeline()
    flows = [
        ("198.18.0.1", "203.0.113.9", 100),
        ("203.0.113.9", "198.18.0.1", 70),
        ("198.18.0.1", "198.18.0.2", 5),
        ("8.8.8.8", "9.9.9.9", 3),
    ]
    one.datagrams(lot([netflow9(T9, a_set(256, b"".join(basic(s, d, octets=n) for s, d, n in flows)))]))
    table, _ = one.take(None, name)
    assert dict(zip(table["direction"].to_pylist(), table["bytes"].to_pylist(), strict=True)) == {
        "out": 100, "in": 70, "internal": 5, "transit": 3,
    }  # fmt: skip


def test_the_number_of_records_is_returned() -> None:
    one = pipeline()
    assert one.datagrams(lot([netflow9(T9)])) == 0
    assert one.datagrams(lot([netflow9(T9, a_set(256, basic() * 3)), netflow5([record5()])])) == 4


def test_configured_exporters_always_have_a_number() -> None:
    one = pipeline(sampling={"192.0.2.77": 64})
    assert one.exporters.addresses[0] == "192.0.2.77"


def test_a_configured_rate_is_applied() -> None:
    one = pipeline(sampling={"192.0.2.77": 64})
    one.datagrams(lot([netflow5([record5(octets=10)])], exporter=0))
    table, ledger = one.take(None, name)
    assert (table["bytes"].to_pylist(), table["sampling_from"].to_pylist()) == ([640], ["config"])
    assert ledger["sampling_config"].to_pylist() == [1]


def test_the_ledger_balances_per_exporter_and_window() -> None:
    one = pipeline()
    data = a_set(256, basic() + basic(octets=0, packets=0))
    payloads, exporters = [], []
    for number in range(30):
        when = SECONDS + number * 60
        payloads += [
            netflow9(T9 if number % 3 else b"", data, seconds=when, domain=number % 4),
            ipfix(T10, data[:-3], seconds=when),
            netflow5([record5()], count=1 + number % 2, seconds=when),
        ]
        exporters += [number % 3, (number + 1) % 3, 2]
    one.datagrams(lot(payloads[:40], exporters[:40], received_ms=NOW_MS + 1_800_000))
    _, first = one.take(NOW_MS + 600_000, name)
    one.datagrams(lot(payloads[40:], exporters[40:], received_ms=NOW_MS + 1_800_000))
    _, second = one.take(None, name)
    rows = Counter[tuple[str, Any, str]]()
    for row in pa.concat_tables([first, second]).to_pylist():
        for count in LEDGER_COUNTS:
            rows[row["exporter"], row["window_start"], count] += row[count]
    groups = {key[:2] for key in rows}
    assert len(groups) > 12
    for group in groups:
        check({count: rows[*group, count] for count in LEDGER_COUNTS})
    assert total(one, "waiting") > 0
    assert total(one, "malformed") > 0
    assert total(one, "events") > 0


def test_a_large_lot_is_decoded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of one octet: a datagram of 60 kB gives 60,000 flow records of over a hundred octets each."""
    monkeypatch.setattr("caudal.collector.pipeline.pipeline._MOST_OCTETS", 10_000)
    one = pipeline()
    big = [netflow9(template(256, (1, 1)), a_set(256, b"\1" * 4_000)) for _ in range(7)]
    meter, parts = one.flows, []

    def watched(flows: FlowRecords) -> None:
        parts.append(len(flows))
        meter(flows)

    one.flows = watched  # type: ignore[method-assign]
    assert one.datagrams(lot(big)) == 7 * 4_000
    assert parts == [8_000, 8_000, 8_000, 4_000]
    table, _ = one.take(None, name)
    assert table["bytes"].to_pylist() == [7 * 4_000]


def test_a_datagram_larger_than_a_part_is_a_part_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caudal.collector.pipeline.pipeline._MOST_OCTETS", 10)
    assert pipeline().datagrams(lot([netflow5([record5()]), b"", netflow5([record5()] * 2)])) == 3


def test_latest_is_the_newest_export_of_flows() -> None:
    one = pipeline()
    assert one.times.latest_ms is None
    one.datagrams(
        lot([netflow5([record5()], seconds=SECONDS - 10), netflow5([record5()], seconds=SECONDS - 20)])
    )
    assert one.times.latest_ms == NOW_MS - 10_000


FAR = (("203.0.113.0/24", "US", 64496, "cloud"),)
CACHES = SmallTable(("198.18.250.0/24", "UY", 0, "operator"), *FAR, caches={"198.18.250.0/24": "netflix"})


def served(one: Pipeline) -> set[tuple[str, str, int]]:
    table, _ = one.take(None, name)
    return set(zip(*(table[column].to_pylist() for column in ("direction", "service", "bytes")), strict=True))


def test_caches_and_tags_come_out_as_platforms() -> None:
    one = pipeline(table=CACHES, services=("", "disney"))
    assert one.services == ("", "disney", "google", "netflix")
    flows = (("198.18.250.9", "198.18.0.1", 100), ("203.0.113.9", "198.18.0.1", 70))
    one.datagrams(lot([netflow9(T9, a_set(256, b"".join(basic(s, d, octets=n) for s, d, n in flows)))]))
    tagged = flow_records(
        source_low=[ip("203.0.113.9")], destination_low=[ip("198.18.0.1")], bytes=[5], tag=[1]
    )
    one.flows(tagged)
    assert served(one) == {("in", "netflix", 100), ("in", "", 70), ("in", "disney", 5)}


def test_another_table_keeps_the_numbers_of_services() -> None:
    one = pipeline(table=CACHES)
    other = SmallTable(("198.18.250.0/24", "UY", 0, "operator"), caches={"198.18.250.0/24": "akamai"},
                       platforms=("", "akamai", "google"))  # fmt: skip
    data = netflow9(T9, a_set(256, basic("198.18.250.9", "198.18.0.1", octets=100)))
    one.datagrams(lot([data]))
    one.reconfigure(home=HOME, table=other)  # type: ignore[arg-type]
    one.datagrams(lot([data]))
    assert one.services == ("", "google", "netflix", "akamai")
    assert served(one) == {("in", "netflix", 100), ("in", "akamai", 100)}


def by_site(one: Pipeline) -> dict[str, int]:
    table, _ = one.take(None, name)
    return dict(zip(table["site"].to_pylist(), table["bytes"].to_pylist(), strict=True))


def test_the_site_is_that_of_the_exporter_or_of_the_longest_prefix_that_holds_it() -> None:
    told = {"192.0.2.1": "north", "192.0.2.0/24": "south", "2001:db8::/32": "west", "interface eth1": "tap"}
    one = pipeline(exporter_keys={"site": told})
    numbers = [one.exporters.number(each) for each in (*ROUTERS, "203.0.113.1", "interface eth1")]
    octets = [1, 2, 4, 8, 16]
    one.flows(flow_records(exporter=numbers, bytes=octets))
    assert by_site(one) == {"north": 1, "south": 2, "west": 4, "": 8, "tap": 16}


def test_sites_said_anew_are_those_of_what_comes_then() -> None:
    one = pipeline(exporter_keys={"site": {"192.0.2.1": "north"}})
    flows = flow_records(exporter=[0, 1], bytes=[1, 2])
    one.flows(flows)
    one.reconfigure(home=HOME, table=TABLE, exporter_keys={"site": {"192.0.2.2": "south"}})  # type: ignore[arg-type]
    one.flows(flows)
    one.reconfigure(home=HOME, table=TABLE)  # type: ignore[arg-type]
    one.flows(flows)
    assert by_site(one) == {"north": 1, "": 2 + 1 + 3, "south": 2}


def test_an_exporter_that_gets_the_number_of_another_gets_its_own_site() -> None:
    one = pipeline(exporter_keys={"site": {"192.0.2.2": "north", "192.0.2.9": "south"}})
    number = one.exporters.number("192.0.2.2")
    one.flows(flow_records(exporter=[number], bytes=[1]))
    one.exporters.free(number)
    assert one.exporters.number("192.0.2.9") == number
    one.flows(flow_records(exporter=[number], bytes=[2]))
    assert by_site(one) == {"north": 1, "south": 2}


STREAM = [
    payload
    for n in range(10)
    for payload in (
        netflow5([record5(octets=n)] * 2, sequence=n * 2, sampling=n % 3),
        netflow9(a_set(256, basic(octets=n) * 3), sequence=n, domain=n % 2, seconds=SECONDS + n * 50),
        netflow9(T9, a_set(257, basic()), sequence=n, domain=n % 2),
        ipfix(
            template(258, OCTETS, (1, 4, 29305), ipfix=True) if n == 5 else b"",
            a_set(258, bytes(7) + b"\1"),
            sequence=n,
        ),
        netflow9(T9, a_set(256, basic("203.0.113.9", "198.18.0.7", octets=n)))[: 60 - n],
    )
]


def summary(cuts: list[int], k: int) -> tuple[list[Any], list[int]]:
    one = pipeline(k)
    edges = [0, *sorted({cut % len(STREAM) for cut in cuts}), len(STREAM)]
    for first, last in pairwise(edges):
        one.datagrams(
            lot(STREAM[first:last], [n % 3 for n in range(first, last)], received_ms=NOW_MS + 3_600_000)
        )
        check_totals(one)
    table, _ = one.take(None, name)
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return sorted(rows, key=str), one.ledger.totals.tolist()


@settings(max_examples=20)
@given(st.lists(st.integers(0, 100), max_size=8), st.sampled_from([1, 3]))
def test_any_split_into_lots_gives_the_same_aggregates_and_ledger(cuts: list[int], k: int) -> None:
    assert summary(cuts, k) == summary([], k)


@settings(max_examples=80)
@given(st.randoms(use_true_random=False))
def test_the_ledger_balances_whatever_comes(chance: random.Random) -> None:
    one = pipeline()
    for _ in range(3):
        payloads = []
        for payload in chance.sample(STREAM, 6):
            octets = bytearray(payload)
            for _ in range(chance.randrange(4)):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
            payloads.append(bytes(octets[: chance.randrange(len(octets)) if chance.random() < 0.2 else None]))
        one.datagrams(lot(payloads, [chance.randrange(-1, 3) for _ in payloads]))
        check_totals(one)
    flows, ledger = one.take(None, name)
    assert (
        (pc.sum(flows["flows"]).as_py() or 0)
        == (pc.sum(ledger["aggregated"]).as_py() or 0)
        == total(one, "aggregated")
    )


@pytest.mark.parametrize(("tunnels", "octets"), [("outer", 1350), ("inner", 1300)])
def test_sampled_tunnels_count_as_the_settings_say(tunnels: Literal["outer", "inner"], octets: int) -> None:
    one = Pipeline(
        economy="UY",
        home=HOME,
        table=TABLE,  # type: ignore[arg-type]
        window_seconds=300,
        k=1,
        tunnels=tunnels,
    )
    one.exporters.number(ROUTERS[0])
    inner = ethernet(udp4("10.0.0.1", "203.0.113.9", total=1300))
    around = udp4("198.18.0.1", "203.0.113.9", total=1350, ports=(5, 4789))
    one.datagrams(
        lot([sflow(flow_sample(raw_header(ethernet(around + b"\x08" + bytes(7) + inner)), rate=1))])
    )
    flows, _ = one.take(None, name)
    assert flows["bytes"].to_pylist() == [octets]


def test_a_name_between_home_addresses_is_a_cache_that_is_not_listed() -> None:
    one = pipeline(table=CACHES, services=("", "netflix"), cache_prefixes=True)
    inside = {"source_low": [ip("198.18.7.9")], "destination_low": [ip("198.18.0.1")], "tag": [1]}
    one.flows(flow_records(**inside, bytes=[600], source_port=[443], destination_port=[50_000]))
    # From a cache that is listed, and from elsewhere.
    for source in ("198.18.250.9", "203.0.113.9"):
        one.flows(flow_records(**inside | {"source_low": [ip(source)]}, bytes=[200]))
    [cache] = one.unlisted_caches.found(one.services)
    assert (cache.platform, cache.home_bytes, cache.far_bytes) == ("netflix", 600, 400)
    assert cache.prefixes == ("198.18.7.0/24",)
    # The service learns platform and amount, as traffic inside the network.
    assert ("internal", "netflix", 600) in served(one)
