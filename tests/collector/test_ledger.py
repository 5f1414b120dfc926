"""The ledger: sums per exporter and window, given away once."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.columns.flowrecords import EVENT
from caudal.collector.exporters.ledger import COUNT, Ledger, tally
from caudal.common.vocabulary import SAMPLING_FROM
from caudal.contract.batch import LEDGER, schema
from tests.support.builders import NOW_MS, flow_records

START = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def name(number: int) -> str:
    return f"router-{number}"


def test_a_tally_goes_to_its_exporters_and_windows() -> None:
    ledger = Ledger(300_000)
    counts = tally(4)
    counts[COUNT["received"]] = [1, 2, 3, 4]
    exporter = np.array([0, 1, 0, 0], np.int32)
    ledger.add(counts, exporter, np.array([0, 0, 299_999, 300_000], np.int64) + NOW_MS)
    table = ledger.take(None, name)
    assert table.schema.equals(schema(LEDGER))
    found = [
        (row["exporter"], (row["window_start"] - START).seconds, row["received"]) for row in table.to_pylist()
    ]
    assert found == [("router-0", 0, 4), ("router-1", 0, 2), ("router-0", 300, 4)]
    assert ledger.totals[COUNT["received"]] == 10


def test_what_no_exporter_sent_has_a_name_too() -> None:
    ledger = Ledger(300_000)
    ledger.add_one(-1, NOW_MS, kernel_drops=5)
    ledger.add_one(0, NOW_MS, received=1)
    assert {row["exporter"]: row["kernel_drops"] for row in ledger.take(None, name).to_pylist()} == {
        "router--1": 5,
        "router-0": 0,
    }


def test_windows_are_taken_when_they_end_and_once() -> None:
    ledger = Ledger(300_000)
    for window in (0, 1, 2):
        ledger.add_one(0, NOW_MS + window * 300_000, received=1)
    assert ledger.take(NOW_MS + 299_999, name).num_rows == 0
    assert ledger.take(NOW_MS + 600_000, name).num_rows == 2
    assert ledger.take(NOW_MS + 600_000, name).num_rows == 0
    assert ledger.take(None, name).num_rows == 1


def test_what_is_learnt_late_is_a_further_row_that_may_be_negative() -> None:
    ledger = Ledger(300_000)
    ledger.add_one(0, NOW_MS, received=1, waiting=1)
    first = ledger.take(None, name).to_pylist()
    ledger.add_one(0, NOW_MS, waiting=-1, received=4, decoded=5)
    second = ledger.take(None, name).to_pylist()
    for count, total in (("received", 5), ("waiting", 0), ("decoded", 5)):
        assert first[0][count] + second[0][count] == total == ledger.totals[COUNT[count]]


def test_records_are_counted_with_how_their_rate_was_known() -> None:
    ledger = Ledger(300_000)
    ledger.add_records(flow_records(exporter=[0, 0, 1, 0], sampling_from=[0, 1, 2, 3]))
    ledger.add_records(flow_records(exporter=[1], sampling_from=[4], kind=[EVENT]))
    wanted = (
        "aggregated",
        "events",
        "sampling_record",
        "sampling_options",
        "sampling_config",
        "sampling_assumed",
        "sampling_unsampled",
    )
    found = {row["exporter"]: [row[one] for one in wanted] for row in ledger.take(None, name).to_pylist()}
    assert found == {"router-0": [3, 0, 1, 1, 0, 1, 0], "router-1": [1, 1, 0, 0, 1, 0, 1]}


def test_an_empty_ledger_is_an_empty_table() -> None:
    ledger = Ledger(300_000)
    ledger.add(tally(0), np.empty(0, np.int32), np.empty(0, np.int64))
    ledger.add_records(flow_records(exporter=[]))
    assert ledger.take(None, name).schema.equals(schema(LEDGER))
    assert ledger.take(None, name).num_rows == 0


RECORDS = st.lists(
    st.tuples(
        st.integers(-1, 3),  # exporter
        st.sampled_from([0, 1, 299_999, 300_000, -1, 300_000_000]),  # of export, from NOW_MS on
        st.integers(0, 4),  # how the rate was known
        st.booleans(),  # an event
        st.booleans(),  # left out
        st.integers(1, 3),  # so many alike
    ),
    max_size=30,
)


@given(RECORDS, st.integers(1, 3))
def test_records_are_counted_as_a_dictionary_counts_them(records: list[tuple[int, ...]], lots: int) -> None:
    ledger = Ledger(300_000)
    expected: Counter[tuple[int, int, str]] = Counter()
    for lot in range(lots):
        part = [row[:5] for row in records[lot::lots] for _ in range(row[5])]
        exporter, since, known_from, event, left_out = zip(*part, strict=True) if part else [()] * 5
        export_ms = [NOW_MS + each for each in since]
        flows = flow_records(exporter=exporter, export_ms=export_ms, sampling_from=known_from, kind=event)
        ledger.add_records(flows, np.array(left_out, bool))
        for number, ms, origin, kind, out in zip(
            exporter, export_ms, known_from, event, left_out, strict=True
        ):
            if out:
                changes = {"decoded": -1, "filtered": 1}
            else:
                changes = {"events" if kind else "aggregated": 1, f"sampling_{SAMPLING_FROM[origin]}": 1}
            for name_, change in changes.items():
                expected[number, ms // 300_000 * 300, name_] += change
    totals: Counter[str] = Counter()
    for (_, _, count), value in expected.items():
        totals[count] += value
    assert {each: ledger.totals[at] for each, at in COUNT.items() if ledger.totals[at]} == totals
    assert found(ledger) == {key: value for key, value in expected.items() if value}


def found(ledger: Ledger) -> dict[tuple[int, int, str], int]:
    return {
        (int(row["exporter"]), int(row["window_start"].timestamp()), count): row[count]
        for row in ledger.take(None, str).to_pylist()
        for count in COUNT
        if row[count]
    }


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3), st.integers(-5, 5)), max_size=30),
    st.integers(1, 3),
)
def test_tallies_add_up_as_in_a_dictionary(columns: list[tuple[int, int, int]], lots: int) -> None:
    ledger = Ledger(300_000)
    expected: Counter[tuple[int, int, str]] = Counter()
    for lot in range(lots):
        part = columns[lot::lots]
        counts = tally(len(part))
        for at, (number, window, count) in enumerate(part):
            counts[COUNT["received"], at] = count
            counts[COUNT["lost"], at] = 2 * count
            expected[number, NOW_MS // 1000 + window * 300, "received"] += count
            expected[number, NOW_MS // 1000 + window * 300, "lost"] += 2 * count
        exporter = np.array([number for number, _, _ in part], np.int32)
        ledger.add(counts, exporter, np.array([NOW_MS + window * 300_000 for _, window, _ in part], np.int64))
    assert ledger.totals[COUNT["received"]] == sum(count for _, _, count in columns)
    assert found(ledger) == {key: value for key, value in expected.items() if value}


def test_an_exporter_that_invents_export_times_does_not_fill_the_memory() -> None:
    ledger = Ledger(300_000, most_rows=100)
    windows = np.arange(5_000, dtype=np.int64)
    counts = tally(len(windows))
    counts[COUNT["received"]] = 1
    ledger.add(counts, np.zeros(len(windows), np.int32), NOW_MS - windows * 300_000)
    ledger.add_one(1, NOW_MS, received=1)
    assert ledger.crowded
    first = ledger.take(0, name)
    assert not ledger.crowded
    assert first.num_rows == 4_901
    assert max(first["window_start"].to_pylist()) < START
    assert ledger.exporters() == {0, 1}
    second = ledger.take(None, name)
    assert second.num_rows == 100
    assert sum(first["received"].to_pylist() + second["received"].to_pylist()) == 5_001
    assert ledger.totals[COUNT["received"]] == 5_001


def test_windows_to_be_kept_stay() -> None:
    ledger = Ledger(300_000)
    for window in (0, 1, 2):
        ledger.add_one(0, NOW_MS + window * 300_000, received=1)
    kept = NOW_MS // 300_000 + 1
    assert ledger.take(NOW_MS + 900_000, name, keep={kept}).num_rows == 2
    assert ledger.windows == {kept}
