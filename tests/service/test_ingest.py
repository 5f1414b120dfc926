from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import polars as pl
import pyarrow as pa
import pytest

from caudal.contract.batch import decode_batch
from caudal.service.errors import StoreError
from caudal.service.ingest import Accepted, Duplicate, Ingest
from caudal.service.ingest.journal import Deed, Journal
from caudal.service.ingest.outcomes import State
from caudal.service.ingest.writer import Writer
from caudal.service.queries import month_facts
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, random_batch

from .conftest import clear

FLOW_TABLES = ("flow_window", "flow_hour", "flow_day", "flow_month")
LEDGER_TABLES = ("ledger_window", "ledger_day")


@pytest.fixture(autouse=True)
def _empty(store: Store) -> None:
    clear(store)


def totals(store: Store) -> dict[str, tuple[int, ...]]:
    """The sums of every table, exactly."""

    def sums(table: str, *names: str) -> tuple[int, ...]:
        row = store.frame(f"SELECT {', '.join(f'toString(sum({name}))' for name in names)} FROM {table}").row(
            0
        )
        return tuple(int(each) for each in row)

    found = {
        table: sums(table, "bytes", "packets", "flows", "toInt256(bytes_variance)") for table in FLOW_TABLES
    }
    found |= {table: sums(table, "received", "aggregated") for table in LEDGER_TABLES}
    return found | {"batch": sums("batch", "1", "bytes", "packets", "flows")}


def truth(*bodies: bytes) -> dict[str, tuple[int, ...]]:
    batches = [decode_batch(body) for body in bodies]
    flows = pl.DataFrame(pl.from_arrow(pa.concat_tables([b.flows for b in batches])))
    ledger = pl.DataFrame(pl.from_arrow(pa.concat_tables([b.ledger for b in batches])))
    sums = tuple(sum(map(int, flows[name])) for name in ("bytes", "packets", "flows", "bytes_variance"))
    counts = tuple(int(ledger[name].sum()) for name in ("received", "aggregated"))
    return (
        dict.fromkeys(FLOW_TABLES, sums)
        | dict.fromkeys(LEDGER_TABLES, counts)
        | {"batch": (len(batches), *sums[:3])}
    )


def test_stored_once_however_often_it_is_sent(store: Store) -> None:
    ingest, body = Ingest(store), random_batch(1)
    assert ingest.store_batch(decode_batch(body), body, NOW) == Accepted(
        decode_batch(body).id, NOW.replace(microsecond=0)
    )
    again = Ingest(store).store_batch(decode_batch(body), body, NOW + timedelta(days=40))
    assert again == Duplicate(decode_batch(body).id, NOW.replace(microsecond=0))
    assert totals(store) == truth(body)
    assert store.value("SELECT count() FROM batch_pending") == 0


def test_rollups_hold_every_cell(store: Store) -> None:
    bodies = [random_batch(seed, rows=500) for seed in (1, 2)]
    for body in bodies:
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    for grain, slot in (("hour", "1h"), ("day", "1d"), ("month", "1mo")):
        flows = pl.concat(pl.DataFrame(pl.from_arrow(decode_batch(body).flows)) for body in bodies)
        keys = ["time", "direction", "remote_asn", "remote_country", "location_rung"]
        expected = (
            flows.with_columns(time=pl.col("window_start").dt.truncate(slot))
            .group_by(keys)
            .agg(pl.col("bytes", "flows").sum())
            .sort(keys)
        )
        found = store.frame(
            f"SELECT {', '.join(keys)}, toUInt64(sum(f.bytes)) AS bytes, toUInt64(sum(f.flows)) AS flows FROM flow_{grain} AS f "
            f"GROUP BY {', '.join(keys)}"
        ).sort(keys)
        assert found.rows() == expected.rows()


def test_ledger_without_flows(store: Store) -> None:
    body = batch(flows=[])
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    assert totals(store)["ledger_day"] == (1, 1)
    assert totals(store)["batch"] == (1, 0, 0, 0)


def test_nothing_at_all(store: Store) -> None:
    body = batch(flows=[], ledger=[])
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    assert totals(store)["batch"] == (1, 0, 0, 0)


def test_the_same_batch_from_several_threads(store: Store) -> None:
    ingest = Ingest(store)
    bodies = [random_batch(seed, rows=50) for seed in (1, 2, 3)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda body: ingest.store_batch(decode_batch(body), body, NOW), [*bodies, *bodies, *bodies]
            )
        )
    assert sum(isinstance(answer, Accepted) for answer in answers) == len(bodies)
    assert totals(store) == truth(*bodies)


def test_one_part_for_each_partition_of_a_large_insert(store: Store) -> None:
    marks = Journal(store).marks()
    body = random_batch(1, rows=60_000)
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    highest = Journal(store).marks()
    made = {table: highest[table] - marks.get(table, 0) for table in FLOW_TABLES}
    assert made == dict.fromkeys(FLOW_TABLES, 1)


class Broken(Store):
    """A store whose nth writing statement fails, before or after it is done."""

    def __init__(self, store: Store, nth: int, after: bool) -> None:
        self.__dict__ = dict(store.__dict__)
        self.left, self.after = nth, after

    def insert(self, table: str, rows: pa.Table, token: str | None = None) -> None:
        self._run(lambda: Store.insert(self, table, rows, token))

    def insert_select(self, sql: str, parameters: object = None, token: str | None = None) -> None:
        self._run(lambda: Store.insert_select(self, sql, parameters, token))  # type: ignore[arg-type]

    def command(self, sql: str, parameters: object = None) -> None:
        self._run(lambda: Store.command(self, sql, parameters))  # type: ignore[arg-type]

    def _run(self, statement: object) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise StoreError("broken off before")
        statement()  # type: ignore[operator]
        if self.left == 0:
            raise StoreError("broken off after")


@pytest.mark.parametrize("after", [False, True])
def test_broken_off_at_any_statement(store: Store, after: bool) -> None:
    bodies = []
    for nth in count(1):
        body = random_batch(nth, rows=100)
        try:
            Ingest(Broken(store, nth, after)).store_batch(decode_batch(body), body, NOW)
        except StoreError as error:
            assert "broken off" in str(error)
        else:
            bodies.append(body)
            break
        bodies.append(body)
        fresh = Ingest(store)
        # Another batch comes first: what was begun is finished before it.
        other = random_batch(100 + nth, rows=100)
        bodies.append(other)
        assert isinstance(fresh.store_batch(decode_batch(other), other, NOW), Accepted)
        fresh.store_batch(decode_batch(body), body, NOW + timedelta(days=1))
        assert totals(store) == truth(*bodies), nth
    assert nth > 15
    assert totals(store) == truth(*bodies)


def begun(store: Store, body: bytes) -> Deed:
    """A batch that is in the journal, and in no other table."""
    batch = decode_batch(body)
    journal = Journal(store)
    journal.keep(batch.id, body, NOW)
    return journal.begin(Deed(batch.id, "store", State.counted, 0, NOW.replace(microsecond=0), NOW))


def test_any_set_of_parts_may_have_been_written(store: Store) -> None:
    before = random_batch(1, rows=100)
    Ingest(store).store_batch(decode_batch(before), before, NOW)
    bodies = [before]
    for number in range(2 + 6):
        body = random_batch(1000 + number, rows=100, months=8)
        bodies.append(body)
        deed, batch, writer = begun(store, body), decode_batch(body), Writer(store)
        everything = sorted(writer.partitions(deed, batch))
        assert len(everything) == 1 + 2 + 2 + 2 + 1 + 1
        written = {0: [], 1: everything}.get(number, everything[number - 2 :: 3])
        writer.write(deed, batch, frozenset(everything) - frozenset(written), first=True)
        if number % 2:
            store.command("OPTIMIZE TABLE flow_hour FINAL")
        assert Ingest(store).recover()
        assert totals(store) == truth(*bodies), written
        assert not Ingest(store).recover()


def test_killed_between_record_and_journal(store: Store) -> None:
    body = random_batch(5, rows=10)
    ingest = Ingest(store)
    ingest.store_batch(decode_batch(body), body, NOW)
    begun(store, body)
    assert isinstance(Ingest(store).store_batch(decode_batch(body), body, NOW), Duplicate)
    assert totals(store) == truth(body)
    assert store.value("SELECT count() FROM batch_pending") == 0


def test_sums_of_exabytes_do_not_wrap(store: Store) -> None:
    """Sixteen rows of 2^60 bytes are 2^64: in 64 bits they would be nothing."""
    row = {"bytes": 1 << 60, "packets": 1 << 60, "flows": 1 << 60, "bytes_variance": float(1 << 120)}
    bodies = [
        batch([{**row, "remote_asn": asn % cells} for asn in range(16)], sequence=str(cells))
        for cells in (1, 16)
    ]
    for body in bodies:
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    store.command("OPTIMIZE TABLE flow_month FINAL")
    found = totals(store)
    assert found["flow_month"] == found["flow_hour"] == (1 << 65, 1 << 65, 1 << 65, 1 << 125)
    assert found["batch"] == (2, 1 << 65, 1 << 65, 1 << 65)
    facts = month_facts(store, "XA", "2026-09")
    assert facts["bytes"].sum() == float(1 << 65)
    assert facts["bytes_variance"].sum() == float(1 << 125)


def test_back_dated_windows_stay_and_late_midnights_keep_their_partition(store: Store) -> None:
    body = batch(flows=[{"window_start": datetime(2010, 1, 31, 23, 55, tzinfo=UTC)}])
    Ingest(store).store_batch(
        decode_batch(body), body, datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC)
    )
    store.command("OPTIMIZE TABLE flow_window FINAL")
    assert totals(store) == truth(body)
    assert store.frame("SELECT time FROM flow_month").item() == datetime(2010, 1, 1, tzinfo=UTC)
