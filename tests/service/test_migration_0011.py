"""A store with a history gets five more counts in its ledger: nothing is lost, doubled or left unsummed."""

from datetime import timedelta
from pathlib import Path

from caudal.collector.batch import LEDGER, decode_batch
from caudal.service.ingest import Ingest
from caudal.service.migration import load_migrations, migrate
from caudal.service.store import Store

from .samples import NOW, batch

BEFORE, THIS = load_migrations()[:10], load_migrations()[10]
_NEW = [column.name for column in LEDGER if column.since == 3]
_OF_DAY = (
    "SELECT toInt64(sum(received)) AS received, toInt64(sum(interface_unknown)) AS unknown, "
    + ", ".join(f"toInt64(sum({name})) AS of_{name}" for name in _NEW)
    + " FROM ledger_day"
)


def test_killed_after_any_statement_and_started_again(tmp_path: Path) -> None:
    counted = dict(zip(_NEW, range(5, 10), strict=True))
    new = [batch(sequence=str(n), ledger=[{"received": 1, **counted}]) for n in range(3)]
    assert THIS.number == 11
    for last in range(len(THIS.statements) + 1):
        with Store(f"chdb://{tmp_path}/{last}") as one:
            migrate(one, lambda: NOW, BEFORE)
            one.command(
                "INSERT INTO ledger_day (time, economy, operator, collector, exporter, received, interface_unknown) "
                "VALUES ('2026-11-01 00:00:00', 'XA', 'demo-net', 'xa-1', 'edge', 40, 7)"
            )
            for statement in THIS.statements[:last]:
                one.command(statement)
            assert [each.number for each in migrate(one, lambda: NOW)][:1] == [11]
            for number, body in enumerate(new):
                Ingest(one).store_batch(decode_batch(body), body, NOW + timedelta(seconds=number))
            one.command("OPTIMIZE TABLE ledger_day FINAL")
            expected = (43, 7, *(3 * count for count in counted.values()))
            assert one.frame(_OF_DAY).rows() == [expected], f"after {last} statements"
            assert one.value("SELECT sum(sums_saturated) FROM ledger_window") == 27
