"""A store with a history gets one more count in its ledger: nothing is lost, doubled or left unsummed."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from caudal.contract.batch import FLOWS, LEDGER, decode_batch, of_contract, schema
from caudal.service.errors import StoreError
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import load_migrations, migrate
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, origin, random_batch

from .earlier import store_as_before

BEFORE, THIS = load_migrations()[:3], load_migrations()[3]
_OF_DAY = (
    "SELECT toInt64(sum(received)) AS received, toInt64(sum(aggregated)) AS aggregated, "
    "toInt64(sum(interface_unknown)) AS unknown FROM ledger_day"
)


def of_contract_1(body: bytes) -> bytes:
    """The same batch as a collector wrote it that knew nothing of the new count."""
    read = decode_batch(body)
    sink = pa.BufferOutputStream()
    metadata = {b"caudal": json.dumps({"contract": 1, **asdict(origin(sequence="old"))}).encode()}
    for table, declared, extra in ((read.flows, FLOWS, metadata), (read.ledger, LEDGER, None)):
        columns = of_contract(declared, 1)
        with pa.ipc.new_stream(sink, schema(columns).with_metadata(extra)) as writer:
            writer.write_table(
                table.select([column.name for column in columns]).replace_schema_metadata(None)
            )
    return bytes(sink.getvalue())


def store(directory: Path) -> Store:
    return Store(f"chdb://{directory}/store")


OLD = of_contract_1(random_batch(3, rows=40))


def test_killed_after_any_statement_and_started_again(tmp_path: Path) -> None:
    new = [batch(sequence=str(n), ledger=[{"received": 1, "interface_unknown": 5}]) for n in range(3)]
    for last in range(len(THIS.statements) + 1):
        with store(tmp_path / str(last)) as one:
            migrate(one, lambda: NOW, BEFORE)
            store_as_before(one, OLD, NOW)
            for statement in THIS.statements[:last]:
                one.command(statement)
            assert [each.number for each in migrate(one, lambda: NOW)][:1] == [4]
            for number, body in enumerate(new):
                Ingest(one).store_batch(decode_batch(body), body, NOW + timedelta(seconds=number))
            one.command("OPTIMIZE TABLE ledger_day FINAL")
            assert one.frame(_OF_DAY).rows() == [(43, 40, 15)], f"after {last} statements"
            # A batch of before still comes, from a spool that waited.
            late = of_contract_1(batch(sequence="late"))
            Ingest(one).store_batch(decode_batch(late), late, NOW + timedelta(seconds=9))
            assert one.frame(_OF_DAY).rows() == [(44, 41, 15)]
            assert one.value("SELECT sum(interface_unknown) FROM ledger_window") == 15


@pytest.mark.parametrize("stop", range(1, 5))
def test_what_the_version_before_began_to_store_is_finished_first(tmp_path: Path, stop: int) -> None:
    """Killed in the middle of an insert, and started again as this version."""

    class Killed(StoreError):
        pass

    with store(tmp_path) as one:
        migrate(one, lambda: NOW, BEFORE)
        first = of_contract_1(batch(sequence="first"))
        store_as_before(one, first, NOW)
        insert, left = one.insert, [stop]

        def failing(*arguments: object, **keywords: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed("killed")
            insert(*arguments, **keywords)  # type: ignore[arg-type]

        one.insert = failing  # type: ignore[method-assign, assignment]
        if stop < 4:
            with pytest.raises(Killed):
                store_as_before(one, OLD, NOW + timedelta(seconds=1))
        else:
            store_as_before(one, OLD, NOW + timedelta(seconds=1))
        one.insert = insert  # type: ignore[method-assign]
        assert Ingest(one).recover() == (stop < 4)
        migrate(one, lambda: NOW)
        assert one.frame(_OF_DAY).rows() == [(41, 41, 0)]
        assert one.value("SELECT toInt64(sum(flows)) FROM flow_month") == 41


def test_a_store_with_nothing_in_it_has_nothing_to_finish(tmp_path: Path) -> None:
    with store(tmp_path) as one:
        assert not Ingest(one).recover()
