"""What cannot be done to one batch stops no other: it is set aside, reported, and tried again."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from caudal.contract.batch import FLOWS, LEDGER, batch_id, decode_batch, schema
from caudal.service.errors import ChangeRefused, StoreError, StoreFull
from caudal.service.ingest import Accepted, Duplicate, Held, Ingest, Order, Space, State
from caudal.service.migration.migration import load_migrations, migrate
from caudal.service.queries.batches import BatchQuery, batches, changes
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, origin, random_batch

from .earlier import journal, store_as_before
from .snapshot import snapshot
from .test_ingest import totals, truth

FIRST, SECOND, THIRD = (random_batch(seed, rows=30) for seed in (1, 2, 3))


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Store]:
    with Store(f"chdb://{tmp_path}/store") as opened:
        migrate(opened, lambda: NOW)
        yield opened


def put(ingest: Ingest, body: bytes) -> object:
    return ingest.store_batch(decode_batch(body), body, NOW)


def with_metadata(**changes: object) -> bytes:
    """A batch whose metadata hold what no collector of ours would write."""
    read = decode_batch(batch())
    metadata = {b"caudal": json.dumps({"contract": 5, **asdict(origin()), **changes}).encode()}
    sink = pa.BufferOutputStream()
    for table, declared, extra in ((read.flows, FLOWS, metadata), (read.ledger, LEDGER, None)):
        with pa.ipc.new_stream(sink, schema(declared).with_metadata(extra)) as writer:
            writer.write_table(table.replace_schema_metadata(None))
    return bytes(sink.getvalue())


def states(store: Store) -> dict[str, State]:
    return {row.batch_id: row.state for row in batches(store, BatchQuery())[0]}


class Refusing(Store):
    """A store that cannot write to one table."""

    def __init__(self, store: Store, table: str, error: type[StoreError] = StoreError) -> None:
        self.__dict__ = dict(store.__dict__)
        self.table, self.error = table, error

    def insert_select(self, sql: str, parameters: object = None, token: str | None = None) -> None:
        if sql.startswith(f"INSERT INTO {self.table} "):
            raise self.error("no memory for it")
        Store.insert_select(self, sql, parameters, token)  # type: ignore[arg-type]


class Damaged(Store):
    """A store in which a part of the table `batch` cannot be read, until it is mended."""

    def __init__(self, store: Store) -> None:
        self.__dict__ = dict(store.__dict__)
        self.mended = False

    def frame(self, sql: str, parameters: Any = None) -> pl.DataFrame:
        if "FROM batch WHERE" in sql and not self.mended:
            raise StoreError("Empty marks file")
        return Store.frame(self, sql, parameters)


def set_aside(store: Store, body: bytes, table: str) -> None:
    """Have a batch fail half way, again and again, until it is set aside for another."""
    refusing = Ingest(Refusing(store, table))
    for _ in range(3):
        with pytest.raises(StoreError, match="no memory"):
            put(refusing, body)
    assert refusing.quarantined() == 0
    assert isinstance(put(refusing, body), Held)
    assert refusing.quarantined() == 1


def test_others_go_on_and_it_is_finished_when_it_can_be(one: Store) -> None:
    ingest = Ingest(one)
    put(ingest, FIRST)
    set_aside(one, SECOND, "flow_month")
    put(ingest, THIRD)
    assert states(one) == {
        batch_id(FIRST): State.counted,
        batch_id(SECOND): State.quarantined,
        batch_id(THIRD): State.counted,
    }
    [aside], _ = batches(one, BatchQuery(state=State.quarantined))
    assert (aside.economy, aside.operator, aside.collector) == ("XA", "demo-net", "xa-1")
    assert aside.reason == "no memory for it"
    assert ingest.change(batch_id(SECOND), Order.retry, "there is memory now").state is State.counted
    assert totals(one) == truth(FIRST, SECOND, THIRD)
    assert ingest.quarantined() == 0
    assert [each.deed for each in changes(one, batch_id(SECOND))] == ["quarantine", "store"]
    before = snapshot(one)
    ingest.change(batch_id(SECOND), Order.retract, "as any other")
    ingest.change(batch_id(SECOND), Order.restore, "as any other")
    assert snapshot(one) == before


def test_a_store_that_answers_and_takes_no_batch_is_not_ready(one: Store) -> None:
    damaged = Damaged(one)
    ingest = Ingest(damaged)
    ingest.check_answers()
    with pytest.raises(StoreError, match="Empty marks"):
        put(ingest, FIRST)
    with pytest.raises(StoreError, match="Empty marks"):
        ingest.check_answers()
    damaged.mended = True
    ingest.check_answers()
    assert isinstance(put(ingest, FIRST), Accepted)


def test_an_order_that_cannot_be_finished_is_set_aside_too(one: Store) -> None:
    put(Ingest(one), FIRST)
    before = snapshot(one)
    put(Ingest(one), SECOND)
    refusing = Ingest(Refusing(one, "ledger_day", StoreFull))
    with pytest.raises(StoreFull):
        refusing.change(batch_id(SECOND), Order.retract, "wrong")
    # Whoever comes next is not made to wait for room that is not there.
    assert isinstance(put(Ingest(Refusing(one, "ledger_day", StoreFull)), FIRST), Duplicate)
    assert states(one)[batch_id(SECOND)] is State.quarantined
    with pytest.raises(ChangeRefused, match="retry that"):
        Ingest(one).change(batch_id(SECOND), Order.reject, "wrong")
    assert Ingest(one).change(batch_id(SECOND), Order.retry, "room was made").state is State.retracted
    assert snapshot(one) == before


def test_sent_again_it_is_tried_again(one: Store) -> None:
    set_aside(one, FIRST, "flow_day")
    put(Ingest(one), SECOND)
    assert isinstance(put(Ingest(one), FIRST), Accepted)
    assert totals(one) == truth(FIRST, SECOND)
    assert isinstance(put(Ingest(one), FIRST), Duplicate)


def test_rejected_what_it_had_written_is_taken_out(one: Store) -> None:
    ingest = Ingest(one)
    put(ingest, FIRST)
    before = snapshot(one)
    set_aside(one, SECOND, "flow_month")
    put(ingest, THIRD)
    assert Ingest(one).change(batch_id(SECOND), Order.reject, "not worth it").state is State.rejected
    Ingest(one).change(batch_id(THIRD), Order.retract, "for the comparison")
    assert snapshot(one) == before
    assert Ingest(one).change(batch_id(SECOND), Order.restore, "worth it after all").state is State.counted
    assert Ingest(one).change(batch_id(THIRD), Order.restore, "as it was").state is State.counted
    assert totals(one) == truth(FIRST, SECOND, THIRD)


@pytest.mark.parametrize(
    "changes",
    [
        {"software": [1, "a"]},
        {"software": 2**70},
        {"created": "2026-09-10T14:10:00+00:00", "software": "\ud800"},
    ],
)
def test_a_journal_of_before_whose_record_could_not_be_made(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    """It stopped every batch after it, and the next start: now it is finished, readable or not."""
    body = with_metadata(**changes)
    read = decode_batch(batch())
    with Store(f"chdb://{tmp_path}/store") as store:
        migrate(store, lambda: NOW, load_migrations()[:6])
        store_as_before(store, FIRST, NOW)
        poisoned = type(read)(batch_id(body), read.origin, read.flows, read.ledger)
        store.insert("batch_pending", journal(store, poisoned, NOW, body))
        assert Ingest(store).recover()
        migrate(store, lambda: NOW)
        assert store.value("SELECT count() FROM batch_pending") == 0
        assert isinstance(put(Ingest(store), SECOND), Accepted)
        assert totals(store) == truth(FIRST, batch(), SECOND)


def test_a_journal_of_before_that_is_no_batch(tmp_path: Path) -> None:
    read = decode_batch(batch())
    with Store(f"chdb://{tmp_path}/store") as store:
        migrate(store, lambda: NOW, load_migrations()[:6])
        store_as_before(store, FIRST, NOW)
        damaged = type(read)(batch_id(b"damaged"), read.origin, read.flows, read.ledger)
        store.insert("batch_pending", journal(store, damaged, NOW, b"damaged"))
        assert Ingest(store).recover()
        assert not Ingest(store).recover()
        migrate(store, lambda: NOW)
        ingest = Ingest(store)
        put(ingest, SECOND)
        assert totals(store) == truth(FIRST, SECOND)
        assert ingest.quarantined() == 1
        with pytest.raises(ChangeRefused, match="cannot be read"):
            ingest.change(batch_id(b"damaged"), Order.retry, "perhaps now")
        assert ingest.change(batch_id(b"damaged"), Order.reject, "nobody can").state is State.rejected
        assert ingest.quarantined() == 0


def test_a_full_disk_refuses_what_does_not_fit_and_takes_what_does(one: Store) -> None:
    free = 60 << 20
    space = Space(10 << 20, lambda: free)
    ingest = Ingest(one, space)
    large = random_batch(9, rows=300_000)
    with pytest.raises(StoreFull, match="make room, or send smaller batches"):
        put(ingest, large)
    assert isinstance(put(ingest, FIRST), Accepted)
    assert ingest.short_of_space() is None
    assert totals(one) == truth(FIRST)
    assert one.value("SELECT count() FROM batch_body") == 1
    free = 9 << 20
    assert ingest.short_of_space() == 1 << 20
    with pytest.raises(StoreFull):
        put(ingest, SECOND)
    free = 1 << 30
    assert isinstance(put(ingest, large), Accepted)
    assert totals(one) == truth(FIRST, large)
