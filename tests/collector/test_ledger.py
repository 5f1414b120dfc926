"""The ledger: sums per exporter and window, given away once."""

from datetime import UTC, datetime

import numpy as np

from caudal.collector.batch import LEDGER, schema
from caudal.collector.ledger import COUNT, Ledger, tally

from .builders import NOW_MS, flow_records

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
    ledger.add_records("aggregated", flow_records(exporter=[0, 0, 1, 0], sampling_from=[0, 1, 2, 3]))
    ledger.add_records("events", flow_records(exporter=[1], sampling_from=[4]))
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
    ledger.add_records("events", flow_records(exporter=[]))
    assert ledger.take(None, name).schema.equals(schema(LEDGER))
    assert ledger.take(None, name).num_rows == 0
