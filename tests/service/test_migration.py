from pathlib import Path

import pytest

from caudal.contract.batch import FLOWS, LEDGER, LEDGER_COUNTS
from caudal.service.errors import MigrationError
from caudal.service.migration.migration import load_migrations, migrate, pending, set_retention
from caudal.service.queries.flows import INTERPRETED, STORED
from caudal.service.store.store import Store

from .samples import NOW

# Sums of roll-ups cannot wrap, whatever is added up.
WIDE = {
    **dict.fromkeys(("bytes", "packets", "flows", *LEDGER_COUNTS), "Int128"),
    "bytes_variance": "Int256",
}
SENDER = dict.fromkeys(("collector", "operator", "economy"), "LowCardinality(String)")


def columns(store: Store, table: str) -> dict[str, str]:
    return dict(
        store.frame(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
            {"table": table},
        ).iter_rows()
    )


def test_tables_are_what_the_batch_declares(store: Store) -> None:
    flows = {c.name: c.clickhouse for c in FLOWS}
    own = {"received_at": "DateTime('UTC')", "batch_id": "LowCardinality(String)"}
    assert columns(store, "flow_window") == {**flows, **SENDER, **own}
    ledger = {c.name: c.clickhouse for c in LEDGER}
    assert columns(store, "ledger_window") == {**ledger, **SENDER, **own}


@pytest.mark.parametrize("grain", ["hour", "day", "month"])
def test_rollups_are_what_the_batch_declares(store: Store, grain: str) -> None:
    flows = {c.name: WIDE.get(c.name, c.clickhouse) for c in FLOWS if not c.name.startswith("window_")}
    rolled = {**flows, **SENDER, "time": "DateTime('UTC')"}
    assert columns(store, f"flow_{grain}") == rolled
    key = store.value(
        "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        {"name": f"flow_{grain}"},
    )
    assert set(key.split(", ")) == {"time", *STORED}
    attributed = columns(store, f"flow_attributed_{grain}")
    assert set(attributed) == set(rolled) | set(INTERPRETED) | {"other_operator", "halves"}
    assert {name: attributed[name] for name in rolled} == rolled


def test_ledger_by_day_is_what_the_batch_declares(store: Store) -> None:
    counts = {c.name: WIDE.get(c.name, c.clickhouse) for c in LEDGER if not c.name.startswith("window_")}
    assert columns(store, "ledger_day") == {**counts, **SENDER, "time": "DateTime('UTC')"}


def test_an_edited_migration_is_refused(store: Store, tmp_path: Path) -> None:
    for migration in load_migrations():
        (tmp_path / migration.name).write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"0001_facts.sql is not the one this store was made with"):
        migrate(store, lambda: NOW, load_migrations(tmp_path))


def test_a_store_of_a_newer_version_is_refused(store: Store) -> None:
    with pytest.raises(MigrationError, match="migrated by a newer version"):
        pending(store, load_migrations()[:-1])


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path) -> None:
    for number in (1, 3):
        (tmp_path / f"000{number}_x.sql").write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"without a gap; found \[1, 3\]"):
        load_migrations(tmp_path)


def test_retention_counts_from_receipt(store: Store) -> None:
    for days in (45, 45, 30):
        set_retention(store, days)
        for table in ("flow_window", "ledger_window"):
            declared = store.value(
                "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {n:String}",
                {"n": table},
            )
            assert f"TTL received_at + toIntervalDay({days})" in declared
