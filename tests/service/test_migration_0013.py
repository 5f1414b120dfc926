"""A store with a history gets the site: '' in all that was there, and every roll-up tells sites apart from then on."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from caudal.contract.batch import FLOWS, LEDGER, batch_id, decode_batch, of_contract, schema
from caudal.service.ingest import Ingest, Order
from caudal.service.migration.migration import load_migrations, migrate
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, random_batch

from .snapshot import snapshot

BEFORE, THIS = load_migrations()[:12], load_migrations()[12]
ROLL_UPS = ("flow_hour", "flow_day", "flow_month")


def of_contract_4(body: bytes, metadata: dict[bytes, bytes]) -> bytes:
    """The same batch as a collector wrote it that knew no sites."""
    read = decode_batch(body)
    sink = pa.BufferOutputStream()
    for table, declared, extra in ((read.flows, FLOWS, metadata), (read.ledger, LEDGER, None)):
        columns = of_contract(declared, 4)
        with pa.ipc.new_stream(sink, schema(columns).with_metadata(extra)) as writer:
            writer.write_table(
                table.select([column.name for column in columns]).replace_schema_metadata(None)
            )
    return bytes(sink.getvalue())


def earlier(seed: int) -> bytes:
    body = random_batch(seed, rows=60)
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        told = reader.schema.metadata[b"caudal"].replace(b'"contract": 5', b'"contract": 4')
    return of_contract_4(body, {b"caudal": told})


def by_site(store: Store, table: str) -> dict[str, int]:
    found = store.frame(
        f"SELECT toString(site) AS site, toInt64(sum(f.bytes)) AS bytes FROM {table} AS f GROUP BY site "
        "HAVING bytes != 0 ORDER BY site"
    )
    return dict(found.iter_rows())


def store_of(one: Store, *bodies: bytes, first: int = 0) -> None:
    for number, body in enumerate(bodies):
        Ingest(one).store_batch(decode_batch(body), body, NOW + timedelta(seconds=first + number))


def change(one: Store, body: bytes, order: Order) -> Any:
    return Ingest(one).change(batch_id(body), order, "because of a test", "tester")


def test_killed_after_any_statement_and_started_again(tmp_path: Path) -> None:
    old, late = earlier(3), earlier(4)
    octets, of_late = (sum(decode_batch(body).flows["bytes"].to_pylist()) for body in (old, late))
    new = batch([{"bytes": 5, "site": "north"}, {"bytes": 7, "site": "south"}, {"bytes": 9}], sequence="new")
    for last in range(len(THIS.statements) + 1):
        with Store(f"chdb://{tmp_path}/{last}") as one:
            migrate(one, lambda: NOW, BEFORE)
            store_of(one, old)
            for statement in THIS.statements[:last]:
                one.command(statement)
            assert [each.number for each in migrate(one, lambda: NOW)] == [13]
            for table in ("flow_window", *ROLL_UPS):
                assert by_site(one, table) == {"": octets}, f"after {last} statements"
            store_of(one, new, late, first=1)
            for table in ROLL_UPS:
                one.command(f"OPTIMIZE TABLE {table} FINAL")
                assert by_site(one, table) == {"": octets + of_late + 9, "north": 5, "south": 7}
            # What was stored before sites is taken back to the last byte, whatever was merged meanwhile.
            change(one, old, Order.retract)
            change(one, late, Order.retract)
            for table in ROLL_UPS:
                assert by_site(one, table) == {"": 9, "north": 5, "south": 7}


def test_taking_back_and_counting_again_leave_each_site_as_it_was(tmp_path: Path) -> None:
    kept, other = random_batch(1, rows=60), random_batch(2, rows=60)
    with Store(f"chdb://{tmp_path}/store") as one:
        migrate(one, lambda: NOW)
        store_of(one, kept)
        never = snapshot(one)
        store_of(one, other, first=1)
        always = snapshot(one)
        change(one, other, Order.retract)
        for table in ROLL_UPS:
            assert snapshot(one)[table] == never[table]
        change(one, other, Order.restore)
        for table in ROLL_UPS:
            assert snapshot(one)[table] == always[table]


def test_what_is_finished_before_the_tables_have_sites_has_none(tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path}/store") as one:
        migrate(one, lambda: NOW, BEFORE)
        store_of(one, batch([{"bytes": 5, "site": "north"}]))
        migrate(one, lambda: NOW)
        assert by_site(one, "flow_month") == {"": 5}
