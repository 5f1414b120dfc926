"""A store with a history gets five more counts in its ledger: nothing is lost, doubled or left unsummed."""

from datetime import timedelta
from pathlib import Path

import pytest

from caudal.contract.batch import LEDGER, decode_batch
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import load_migrations, migrate
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch


@pytest.mark.parametrize(("number", "contract"), [(11, 3), (12, 4)])
def test_killed_after_any_statement_and_started_again(tmp_path: Path, number: int, contract: int) -> None:
    before, this = load_migrations()[: number - 1], load_migrations()[number - 1]
    assert this.number == number
    names = [column.name for column in LEDGER if column.since == contract]
    counted = dict(zip(names, range(5, 10), strict=True))
    new = [batch(sequence=str(n), ledger=[{"received": 1, **counted}]) for n in range(3)]
    of_day = (
        "SELECT toInt64(sum(received)) AS received, toInt64(sum(interface_unknown)) AS unknown, "
        + ", ".join(f"toInt64(sum({name})) AS of_{name}" for name in names)
        + " FROM ledger_day"
    )
    for last in range(len(this.statements) + 1):
        with Store(f"chdb://{tmp_path}/{last}") as one:
            migrate(one, lambda: NOW, before)
            one.command(
                "INSERT INTO ledger_day (time, economy, operator, collector, exporter, received, interface_unknown) "
                "VALUES ('2026-11-01 00:00:00', 'XA', 'demo-net', 'xa-1', 'edge', 40, 7)"
            )
            for statement in this.statements[:last]:
                one.command(statement)
            assert [each.number for each in migrate(one, lambda: NOW)][:1] == [number]
            for sequence, body in enumerate(new):
                Ingest(one).store_batch(decode_batch(body), body, NOW + timedelta(seconds=sequence))
            one.command("OPTIMIZE TABLE ledger_day FINAL")
            expected = (43, 7, *(3 * count for count in counted.values()))
            assert one.frame(of_day).rows() == [expected], f"after {last} statements"
            assert one.value(f"SELECT sum({names[-1]}) FROM ledger_window") == 27
