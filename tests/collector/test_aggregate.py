"""Aggregation by window and cell: exact totals, folding, times, sampling variance."""

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.aggregate.aggregate import Aggregator
from caudal.collector.columns.cellcode import MOST_SERVICES, country_number, pack, word
from caudal.collector.columns.flowrecords import EVENT
from caudal.collector.exporters.ledger import COUNT, Ledger
from caudal.collector.locate.locate import Located
from caudal.common.vocabulary import DIRECTIONS, LOCATION_RUNGS, SAMPLING_FROM
from caudal.contract.batch import FLOWS, schema
from caudal.contract.column import Word
from tests.support.builders import NOW_MS, flow_records

WINDOW_MS = 300_000
KEYS = (
    "direction",
    "remote_asn",
    "remote_country",
    "location_rung",
    "ip_version",
    "transport",
    "sampling_from",
)
SUMS = ("bytes", "packets", "flows", "bytes_variance")


def located(**columns: Any) -> Located:
    count = len(next(iter(columns.values())))
    default = {"direction": 0, "remote_asn": 64496, "remote_country": country_number("US"), "rung": 3,
               "service": 0, "host": 1}  # fmt: skip
    given = {name: np.array(columns.get(name, [value] * count), np.uint64) for name, value in default.items()}
    code = pack(
        location_rung=given["rung"],
        **{name: given[name] for name in ("direction", "remote_asn", "remote_country", "service")},
    )
    return Located(given["direction"].astype(np.uint8), code[:, Word.far_end].copy(), given["host"])


SERVICES = ("google", "netflix")


def aggregator(k: int = 1, **more: int) -> Aggregator:
    return Aggregator(Ledger(WINDOW_MS), WINDOW_MS, k, services=SERVICES, **more)


def aggregate(k: int = 1, *, place: dict[str, Any] | None = None, **columns: Any) -> list[dict[str, Any]]:
    flows = flow_records(**columns)
    one = aggregator(k)
    one.add(flows, located(**(place or {"host": [1] * len(flows)})))
    table = one.take(None)
    assert table.schema.equals(schema(FLOWS))
    return table.to_pylist()


def test_a_cell_has_all_its_columns() -> None:
    (row,) = aggregate(
        bytes=[100, 50], packets=[2, 1], ip_protocol=[17, 17], sampling_rate=[10, 10], sampling_from=[1, 1]
    )
    assert row.pop("window_start").timestamp() * 1000 == NOW_MS
    assert row == {
        "window_seconds": 300,
        "direction": "out",
        "remote_asn": 64496,
        "remote_country": "US",
        "location_rung": "database",
        "service": "",
        "ip_version": 4,
        "transport": "udp",
        "sampling_from": "options",
        "folded": False,
        "site": "",
        "bytes": 1500,
        "packets": 30,
        "flows": 2,
        # Of 100 octets in two packets the squares are at most 1540·100 − 60000·2; those of 50 in one are known.
        "bytes_variance": 10 * 9 * (34_000 + 50 * 50),
    }


def test_services_are_cells_of_their_own() -> None:
    rows = aggregate(bytes=[1, 2, 4], place={"host": [1, 1, 1], "service": [2, 0, 2]})
    assert {row["service"]: row["bytes"] for row in rows} == {"netflix": 5, "": 2}


def test_folding_drops_the_service() -> None:
    rows = aggregate(2, bytes=[1, 2, 4], place={"host": [1, 2, 3], "service": [1, 2, 0]})
    assert [(row["service"], row["bytes"], row["folded"], row["remote_country"]) for row in rows] == [
        ("", 7, True, "US")
    ]


def test_the_last_service_a_code_has_room_for() -> None:
    services = [f"platform-{number}" for number in range(1, MOST_SERVICES)]
    one = Aggregator(Ledger(WINDOW_MS), WINDOW_MS, 1, services=services)
    one.add(flow_records(bytes=[9]), located(service=[MOST_SERVICES - 1], remote_asn=[0xFFFF_FFFF]))
    (row,) = one.take(None).to_pylist()
    assert (row["service"], row["remote_asn"], row["direction"]) == (services[-1], 0xFFFF_FFFF, "out")
    with pytest.raises(ValueError, match="1025 services; a cell's code has room for 1024"):
        Aggregator(Ledger(WINDOW_MS), WINDOW_MS, 1, services=[*services, "one-more"])


@pytest.mark.parametrize("country", ["AA", "AZ", "ZA", "ZZ", "UY", "XA"])
def test_every_country_comes_out_as_it_went_in(country: str) -> None:
    (row,) = aggregate(bytes=[9], place={"remote_country": [country_number(country)]})
    assert row["remote_country"] == country


# Variance


@pytest.mark.parametrize(
    ("octets", "packets", "rate", "variance"),
    [
        (1500, 1, 1000, 1000 * 999 * 1500**2),
        (3000, 2, 1000, 1000 * 999 * 3000**2 / 2),  # two packets of 1500: twice the variance of one
        (1500, 1, 1, 0),
        (1540, 2, 10, 10 * 9 * (40**2 + 1500**2)),  # the least and the largest: no sizes are further apart
        (1000, 10, 2, 2 * 1 * (1540 * 1000 - 60_000 * 10)),
        (18_000, 2, 10, 10 * 9 * 9000**2 * 2),  # jumbo frames: as if all of one size
        (20, 2, 10, 10 * 9 * 10**2 * 2),  # smaller than any packet: the same
        (700, 0, 10, 10 * 9 * 700**2),  # packets not told: as if one
        (131_070, 0, 10, 10 * 9 * 65_535**2 * 2),  # … or as many as hold these octets
    ],
)
def test_variance_of_sampled_bytes(octets: int, packets: int, rate: float, variance: float) -> None:
    (row,) = aggregate(bytes=[octets], packets=[packets], sampling_rate=[rate])
    assert row["bytes_variance"] == pytest.approx(variance)


@pytest.mark.parametrize(
    ("octets", "told", "packets"),
    [(65_535, 0, 1), (65_536, 0, 2), (200_000, 1, 4), (1 << 52, 0, 68_720_525_329), (65_535, 3, 3)],
)
def test_packets_that_are_not_told_are_the_fewest_that_hold_the_octets(
    octets: int, told: int, packets: int
) -> None:
    (row,) = aggregate(bytes=[octets], packets=[told])
    assert (row["bytes"], row["packets"]) == (octets, packets)


def test_the_variance_is_that_of_an_estimate_from_sampled_packets() -> None:
    """10,000 packets of 100 or 1500 bytes, each sampled 1:10: the spread of estimates is what the formula says."""
    chance = np.random.default_rng(1)
    sizes = chance.choice([100, 1500], 10_000)
    estimates, variances = [], []
    for _ in range(300):
        sampled = sizes[chance.random(len(sizes)) < 0.1]
        estimates.append(10 * sampled.sum())
        variances.append(sum(10 * 9 * size**2 for size in sampled.tolist()))
    assert np.mean(variances) == pytest.approx(np.var(estimates), rel=0.25)
    assert np.mean(estimates) == pytest.approx(sizes.sum(), rel=0.01)


def sampled_records(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and variances of 2,000 flows of these packets, each sampled 1:10 and told as one record."""
    drawn = np.random.default_rng(4).random((2_000, len(sizes))) < 0.1
    octets, packets = drawn @ sizes, drawn.sum(axis=1)
    seen = packets > 0
    one = aggregator()
    flows = flow_records(
        bytes=octets[seen].tolist(), packets=packets[seen].tolist(), sampling_rate=[10] * int(seen.sum())
    )
    asns = np.flatnonzero(seen).tolist()
    one.add(flows, located(host=[1] * len(asns), remote_asn=asns))
    table = one.take(None)
    estimates, variances = np.zeros(len(seen)), np.zeros(len(seen))
    at = table["remote_asn"].to_numpy()
    estimates[at], variances[at] = table["bytes"].to_numpy(), table["bytes_variance"].to_numpy()
    return estimates, variances


@pytest.mark.parametrize(
    "sizes",
    [[40] * 60 + [1500] * 40, [40] * 99 + [1500], [64] * 50 + [576] * 30 + [1500] * 20, [700] * 100],
    ids=["half and half", "one full", "three sizes", "one size"],
)
def test_of_packets_of_many_sizes_the_variance_is_never_too_small(sizes: list[int]) -> None:
    """True: N − 1 = 9 times the squares over all packets. One size for all of a record would say less of a mixture."""
    estimates, variances = sampled_records(np.array(sizes))
    true = 9 * float((np.array(sizes, float) ** 2).sum())
    assert np.var(estimates) == pytest.approx(true, rel=0.15)
    # The mean of 2,000 has an error of its own.
    error = float(np.std(variances)) / np.sqrt(len(variances))
    assert np.mean(variances) >= true - 3 * error


def test_of_full_packets_the_variance_is_neither_too_small_nor_too_large() -> None:
    _, variances = sampled_records(np.full(100, 1500))
    error = float(np.std(variances)) / np.sqrt(len(variances))
    assert np.mean(variances) == pytest.approx(9 * 100 * 1500**2, abs=3 * error)


def test_rates_that_are_no_whole_number() -> None:
    (row,) = aggregate(bytes=[1001], packets=[3], sampling_rate=[2.5])
    assert (row["bytes"], row["packets"]) == (2502, 8)  # rounded half to even


def test_huge_counters_add_up_exactly() -> None:
    most = (1 << 53) - 1
    (row,) = aggregate(bytes=[most, most, most, 1], packets=[1, 1, 1, 1])
    assert row["bytes"] == 3 * most + 1


# Times


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        (-400, -301, -600),
        (-400, -300, -300),
        (-100, -1, -300),
        (-100, 0, 0),
        (0, 299, 0),  # up to five minutes ahead of the export is believed
        (-7_200, -7_000, -7_200),
    ],
)
def test_windows_by_the_end_of_the_flow(start: int, end: int, window: int) -> None:
    (row,) = aggregate(start_ms=[NOW_MS + start * 1000], end_ms=[NOW_MS + end * 1000])
    assert row["window_start"].timestamp() - NOW_MS // 1000 == window


@pytest.mark.parametrize(
    "end_ms", [NOW_MS - 25 * 3_600_000, NOW_MS + 301_000, 5, (1 << 62), -(1 << 62), -1], ids=str
)
def test_ends_that_cannot_be_are_taken_as_the_export(end_ms: int) -> None:
    (row,) = aggregate(start_ms=[0], end_ms=[end_ms])
    assert row["window_start"].timestamp() * 1000 == NOW_MS


def test_without_an_end_the_start_and_without_both_the_export() -> None:
    first, second = aggregate(start_ms=[NOW_MS - 600_000, 0], end_ms=[0, 0])
    assert (second["window_start"] - first["window_start"]).seconds == 600


def test_windows_are_taken_when_they_end_and_once() -> None:
    one = aggregator()
    flows = flow_records(end_ms=[NOW_MS, NOW_MS + 1, NOW_MS - 300_000])
    one.add(flows, located(host=[1, 1, 1]))
    assert one.take(NOW_MS + 299_999)["flows"].to_pylist() == [1]
    assert one.take(NOW_MS + 299_999).num_rows == 0
    assert one.take(NOW_MS + 300_000)["flows"].to_pylist() == [2]
    one.add(flows, located(host=[1, 1, 1]))
    assert one.take(None)["flows"].to_pylist() == [1, 2]


def test_more_windows_than_the_bound_go_oldest_first() -> None:
    one = aggregator(most_windows=2)
    for minutes in (0, 5, 10, 15):
        assert one.crowded is (minutes == 15)
        flows = flow_records(end_ms=[NOW_MS - 3_600_000 + minutes * 60_000])
        one.add(flows, located(host=[1]))
    assert one.crowded
    assert one.take(0).num_rows == 2
    assert not one.crowded


def test_more_cells_than_the_bound_go_oldest_window_first() -> None:
    one = aggregator(most_cells=10)
    for asns, minutes in ((4, 0), (4, 5), (4, 10)):
        assert not one.crowded
        flows = flow_records(end_ms=[NOW_MS - 3_600_000 + minutes * 60_000] * asns)
        one.add(flows, located(host=[1] * asns, remote_asn=range(asns)))
    assert one.crowded
    first = one.take(0)
    assert (first.num_rows, len(set(first["window_start"].to_pylist()))) == (4, 1)
    assert not one.crowded
    many = flow_records(end_ms=[NOW_MS] * 11)
    one.add(many, located(host=[1] * 11, remote_asn=range(11)))
    assert sorted(one.take(0)["flows"].to_pylist()) == [1] * 19  # the newest alone is more than the bound
    one.add(many, located(host=[1] * 11, remote_asn=range(11)))
    assert one.take(None).num_rows == 11


def test_windows_to_be_kept_stay() -> None:
    one = aggregator()
    one.add(flow_records(end_ms=[NOW_MS, NOW_MS - 300_000]), located(host=[1, 1]))
    kept = NOW_MS // WINDOW_MS - 1
    assert one.take(NOW_MS + 300_000, keep={kept}).num_rows == 1
    assert one.windows == {kept}
    assert one.take(None).num_rows == 1
    assert one.windows == set()


# Events


def test_events_are_entered_in_the_ledger_and_nowhere_else() -> None:
    ledger = Ledger(WINDOW_MS)
    one = Aggregator(ledger, WINDOW_MS, 1)
    one.add(flow_records(kind=[EVENT, 0, EVENT]), located(host=[1, 2, 3]))
    assert one.take(None)["flows"].to_pylist() == [1]
    assert (ledger.totals[COUNT["events"]], ledger.totals[COUNT["aggregated"]]) == (2, 1)
    one.add(flow_records(kind=[EVENT]), located(host=[1]))
    assert one.take(None).num_rows == 0


def test_what_is_left_out_is_filtered_and_nothing_else() -> None:
    ledger = Ledger(WINDOW_MS)
    one = Aggregator(ledger, WINDOW_MS, 1)
    flows = flow_records(kind=[EVENT, 0, 0, 0], bytes=[1, 2, 4, 8])
    one.add(flows, located(host=[1, 2, 3, 4]), np.array([False, True, False, True]))
    assert one.take(None)["bytes"].to_pylist() == [4]
    counts = {name: ledger.totals[at] for name, at in COUNT.items() if ledger.totals[at]}
    assert counts == {"decoded": -2, "filtered": 2, "aggregated": 1, "events": 1, "sampling_record": 2}


# Folding


def hosts(count: int) -> list[int]:
    return list(range(1, count + 1))


def test_a_cell_of_k_hosts_stays() -> None:
    (row,) = aggregate(5, bytes=[10] * 5, place={"host": hosts(5)})
    assert (row["folded"], row["remote_asn"], row["transport"], row["ip_version"]) == (False, 64496, "tcp", 4)


def test_one_host_often_is_one_host() -> None:
    (row,) = aggregate(2, bytes=[10] * 50, place={"host": [7] * 50})
    assert (row["folded"], row["remote_country"], row["flows"]) == (True, "ZZ", 50)


def test_small_cells_of_a_country_are_folded_into_its_rest() -> None:
    rows = aggregate(
        3,
        bytes=[1, 2, 4, 8, 16, 32],
        ip_protocol=[6, 17, 6, 6, 6, 6],
        place={"host": [1, 2, 3, 1, 2, 3], "remote_asn": [1, 2, 3, 9, 9, 9]},
    )
    assert [(row["remote_asn"], row["remote_country"], row["folded"], row["bytes"]) for row in rows] == [
        (0, "US", True, 7),
        (9, "US", False, 56),
    ]
    rest = rows[0]
    assert (rest["transport"], rest["ip_version"], rest["location_rung"], rest["direction"]) == (
        "any",
        0,
        "database",
        "out",
    )


def test_what_is_still_small_goes_to_the_rest_of_the_network() -> None:
    rows = aggregate(
        3,
        bytes=[1, 2, 4],
        sampling_from=[0, 1, 2],
        place={"host": [1, 2, 3], "remote_country": [country_number(code) for code in ("US", "BR", "CL")]},
    )
    (row,) = rows
    assert (row["remote_country"], row["location_rung"], row["sampling_from"], row["remote_asn"]) == (
        "ZZ",
        "unknown",
        "mixed",
        0,
    )
    assert (row["bytes"], row["folded"]) == (7, True)


def test_the_rest_of_the_network_stays_even_below_k() -> None:
    """Totals must be exact. It says no more than a direction and how much."""
    (row,) = aggregate(5, bytes=[99], place={"host": [1]})
    assert (row["bytes"], row["folded"], row["remote_country"], row["direction"]) == (99, True, "ZZ", "out")


def test_directions_are_not_mixed() -> None:
    rows = aggregate(5, bytes=[1, 2], place={"host": [1, 2], "direction": [0, 1]})
    assert {row["direction"]: row["bytes"] for row in rows} == {"out": 1, "in": 2}


def test_the_same_host_in_two_small_cells_is_one_host_of_their_rest() -> None:
    (row,) = aggregate(2, bytes=[1, 2], place={"host": [7, 7], "remote_asn": [1, 2]})
    assert (row["remote_country"], row["folded"]) == ("ZZ", True)


RECORD = st.tuples(
    st.integers(0, 1_000_000),  # bytes
    st.integers(1, 1000),  # packets
    st.sampled_from([1, 2.5, 1000]),
    st.integers(0, 3),  # sampling_from
    st.sampled_from([6, 17, 47]),
    st.sampled_from([4, 6]),
    st.integers(0, 3),  # direction
    st.sampled_from([0, 64496, 0xFFFF_FFFF]),
    st.sampled_from(["US", "BR", "ZZ"]),
    st.integers(0, 5),  # rung
    st.integers(0, 6),  # host
    st.integers(-2, 2),  # window
)


@settings(max_examples=60)
@given(st.lists(RECORD, min_size=1, max_size=40), st.integers(1, 4), st.integers(1, 3))
def test_totals_are_exact_and_no_cell_is_below_k_but_the_rest(records: list[Any], k: int, lots: int) -> None:
    one = aggregator(k)
    for lot in range(lots):
        part = records[lot::lots]
        if not part:
            continue
        columns = list(zip(*part, strict=True))
        names = ("bytes", "packets", "sampling_rate", "sampling_from", "ip_protocol", "ip_version")
        flows = flow_records(
            **dict(zip(names, columns, strict=False)), end_ms=[NOW_MS + w * WINDOW_MS for w in columns[11]]
        )
        place = {"direction": columns[6], "remote_asn": columns[7], "rung": columns[9], "host": columns[10]}
        one.add(flows, located(**place, remote_country=[country_number(code) for code in columns[8]]))
    table: pa.Table = one.take(None)

    cells: dict[Any, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    behind: dict[Any, set[int]] = defaultdict(set)
    totals: dict[int, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for (
        octets,
        packets,
        rate,
        origin,
        protocol,
        version,
        direction,
        asn,
        country,
        rung,
        host,
        window,
    ) in records:
        # An end up to five minutes ahead of the export is believed, more is not.
        start = NOW_MS // 1000 + (window if window <= 1 else 0) * 300
        transport = {6: "tcp", 17: "udp"}.get(protocol, "other")
        key = (
            start,
            DIRECTIONS[direction],
            asn,
            country,
            LOCATION_RUNGS[rung],
            version,
            transport,
            SAMPLING_FROM[origin],
        )
        counted = max(packets, -(-octets // 65_535))
        squares = octets**2 / counted
        if counted > 1:
            squares = max(squares, octets * 1540 - counted * 60_000)
        # numpy and Python round half to even alike
        values = (round(octets * rate), round(counted * rate), 1, rate * (rate - 1) * squares)
        for sums in (cells[key], totals[start]):
            for at, value in enumerate(values):
                sums[at] += value
        behind[key].add(host)

    found: dict[int, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    whole = set()
    for row in table.to_pylist():
        start = int(row["window_start"].timestamp())
        for at, name in enumerate(SUMS):
            found[start][at] += row[name]
        key = (start, *(row[name] for name in KEYS))
        if not row["folded"]:
            whole.add(key)
            assert len(behind[key]) >= k
            assert [row[name] for name in SUMS] == pytest.approx(cells[key])
        elif row["sampling_from"] != "mixed":
            rest = set().union(
                *(
                    who
                    for cell, who in behind.items()
                    if len(who) < k
                    and (cell[0], cell[1], cell[3], cell[4], cell[7])
                    == (
                        start,
                        row["direction"],
                        row["remote_country"],
                        row["location_rung"],
                        row["sampling_from"],
                    )
                )
            )
            assert len(rest) >= k
    assert whole == {key for key, who in behind.items() if len(who) >= k}
    assert {start: sums[:3] for start, sums in found.items()} == {
        start: sums[:3] for start, sums in totals.items()
    }
    for start, sums in totals.items():
        assert found[start][3] == pytest.approx(sums[3])


def test_what_finds_no_room_when_cells_are_folded_is_in_the_ledger() -> None:
    octets = np.array([1 << 62] * 3, np.uint64)
    one = aggregator(k=5)
    one.add(flow_records(bytes=octets), located(host=[1, 2, 3], remote_asn=[64496, 64497, 64498]))
    assert one.ledger.totals[COUNT["sums_saturated"]] == 0
    (row,) = one.take(None).to_pylist()
    assert row["bytes"] == (1 << 63) - 1
    assert one.ledger.totals[COUNT["sums_saturated"]] == 2
    assert sum(one.ledger.take(None, str)["sums_saturated"].to_pylist()) == 2


# Sites


def sited(rows: list[tuple[str, int, int]], k: int, **more: Any) -> list[dict[str, Any]]:
    """Aggregates of flows of one AS, each given as its site, its host and its bytes."""
    one = aggregator(k, **more)
    sites = sorted({site for site, _, _ in rows})
    words = word("site", np.array([one.number("site", site) for site in sites], np.uint64))
    flows = flow_records(
        exporter=[sites.index(site) for site, _, _ in rows], bytes=[octets for *_, octets in rows]
    )
    one.add(flows, located(host=[host for _, host, _ in rows]), None, words)
    return one.take(None).to_pylist()


def told(rows: list[dict[str, Any]]) -> list[tuple[str, int, bool, int]]:
    return [(row["site"], row["remote_asn"], row["folded"], row["bytes"]) for row in rows]


def test_sites_are_cells_of_their_own() -> None:
    rows = sited([("north", 1, 1), ("south", 1, 2), ("", 1, 4), ("north", 2, 8)], 1)
    assert {(site, octets) for site, _, _, octets in told(rows)} == {("", 4), ("north", 9), ("south", 2)}


def test_sites_of_few_hosts_are_added_up_before_the_far_end_is_given_up() -> None:
    rows = sited([("north", 1, 1), ("north", 2, 2), ("south", 1, 4), ("west", 2, 8)], 2)
    assert told(rows) == [("", 64496, False, 12), ("north", 64496, False, 3)]


def test_what_sites_of_few_hosts_add_up_to_joins_what_has_no_site() -> None:
    """No cell comes twice in a window."""
    rows = sited([("", 1, 1), ("", 2, 2), ("south", 3, 4)], 2)
    assert told(rows) == [("", 64496, False, 7)]


def test_sites_that_add_up_to_few_hosts_are_folded_as_cells_without_sites_are() -> None:
    rows = sited([("north", 1, 1), ("south", 1, 2), ("south", 2, 4)], 3)
    assert told(rows) == [("", 0, True, 7)]


def test_a_site_that_one_host_dominates_is_added_up_with_others() -> None:
    rows = [("north", host, 10) for host in range(5)] + [("north", 9, 100_000)]
    rows += [("south", host, 30_000) for host in range(20, 25)]
    # Over all sites that host dominates them still; so the far end is given up, and then the country.
    assert told(sited(rows, 5)) == [("", 0, True, 100_050), ("south", 64496, False, 150_000)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 6), st.integers(1, 1000)), max_size=40
    ),
    st.integers(1, 5),
)
def test_with_sites_totals_are_exact_and_no_cell_comes_twice(
    rows: list[tuple[str, int, int]], k: int
) -> None:
    if not rows:
        return
    cells = sited(rows, k)
    assert sum(row["bytes"] for row in cells) == sum(octets for *_, octets in rows)
    keys = [tuple(row[c.name] for c in FLOWS if c.kind == "key") for row in cells]
    assert len(set(keys)) == len(keys)
    for row in cells:
        if row["site"]:
            assert len({host for site, host, _ in rows if site == row["site"]}) >= k


def test_an_exporter_that_is_not_told_of_has_no_site() -> None:
    one = aggregator(1)
    words = word("site", np.array([one.number("site", "north")], np.uint64))
    one.add(flow_records(bytes=[1, 2, 4], exporter=[0, 1, -1]), located(host=[1, 1, 1]), None, words)
    assert {row["site"]: row["bytes"] for row in one.take(None).to_pylist()} == {"north": 1, "": 6}
