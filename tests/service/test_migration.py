import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from caudal.contract.batch import FLOWS
from caudal.service.errors import MigrationError
from caudal.service.ingest.tables import ROLL_UPS, STREAMS, RollUp, Stream
from caudal.service.migration.migration import load_migrations, migrate, pending, set_retention
from caudal.service.queries.flows import INTERPRETED, STORED
from caudal.service.store.store import Store
from tests.support.samples import NOW

# Stores exist that were made with these: they refuse to open where a byte of one is another, comments too.
RELEASED = {
    "0001_facts.sql": "143f7a1e34eb",
    "0002_rollups.sql": "4c93d1ba4d13",
    "0003_interpretation.sql": "876ec87ba13a",
    "0004_interface_unknown.sql": "d45a6eace1ac",
    "0005_vintages.sql": "0ef7e0c923c5",
    "0006_access.sql": "83a9842a0847",
    "0007_batches.sql": "4395ba4e3f27",
    "0008_disclosure.sql": "554c6c5daa3e",
    "0009_codes.sql": "b5f6fbc336e0",
    "0010_border.sql": "16a07bcc6994",
    "0011_plausibility.sql": "fe88d3b5ab68",
    "0012_repeated.sql": "c68cccda1d70",
    "0013_site.sql": "ca81b586d1b9",
}

SENDER = dict.fromkeys(("collector", "operator", "economy"), "LowCardinality(String)")
OWN = {
    "received_at": "DateTime('UTC') CODEC(DoubleDelta, ZSTD(1))",
    "batch_id": "LowCardinality(String) CODEC(ZSTD(1))",
}
TIME = {"time": "DateTime('UTC') CODEC(DoubleDelta, ZSTD(1))"}


def columns(store: Store, table: str) -> dict[str, str]:
    """The columns of a table: type and codec, as they are declared."""
    return {
        name: f"{kind} {codec}".strip()
        for name, kind, codec in store.frame(
            "SELECT name, type, compression_codec FROM system.columns "
            "WHERE database = currentDatabase() AND table = {table:String}",
            {"table": table},
        ).iter_rows()
    }


def declared(texts: Iterable[str]) -> dict[str, str]:
    return dict(text.split(" ", 1) for text in texts)


def sorting_key(store: Store, table: str) -> list[str]:
    key = store.value(
        "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        {"name": table},
    )
    return str(key).split(", ")


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_tables_of_windows_are_what_the_batch_declares(store: Store, stream: Stream) -> None:
    assert columns(store, stream.window) == {
        **declared(column.in_windows for column in stream.columns),
        **SENDER,
        **OWN,
    }


@pytest.mark.parametrize("roll_up", ROLL_UPS, ids=lambda roll_up: roll_up.table)
def test_roll_ups_are_what_the_batch_declares(store: Store, roll_up: RollUp) -> None:
    """Also what they add up: all sums and nothing else, by every key."""
    summed = [column for column in roll_up.stream.columns if not column.name.startswith("window_")]
    rolled = {**declared(column.in_roll_ups for column in summed), **SENDER, **TIME}
    assert columns(store, roll_up.table) == rolled
    keys = {column.name for column in summed if column.kind == "key"}
    assert set(sorting_key(store, roll_up.table)) == {"time", *SENDER, *keys}
    engine = store.value(
        "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        {"name": roll_up.table},
    )
    listed = re.match(r"SummingMergeTree\(\((.*?)\)\)", engine)
    assert listed is not None
    assert set(listed[1].split(", ")) == {column.name for column in summed if column.kind == "sum"}


@pytest.mark.parametrize("grain", ["hour", "day", "month"])
def test_what_is_interpreted_has_all_keys_and_sums(store: Store, grain: str) -> None:
    rolled = {name: kind.partition(" CODEC")[0] for name, kind in columns(store, f"flow_{grain}").items()}
    attributed = columns(store, f"flow_attributed_{grain}")
    assert set(attributed) == set(rolled) | set(INTERPRETED) | {"other_operator", "halves"}
    assert {name: attributed[name] for name in rolled} == rolled
    assert set(STORED) == {*SENDER, *(c.name for c in FLOWS if c.kind == "key" and c.name in rolled)}


def test_facts_of_vintages_are_what_the_batch_declares(store: Store) -> None:
    facts = {column.name: column.clickhouse for column in FLOWS if column.fact}
    kept = {name: kind.partition(" CODEC")[0] for name, kind in columns(store, "vintage_cell").items()}
    sums = {column.name for column in FLOWS if column.kind == "sum"}
    assert set(kept) == {"economy", "operator", "time", "facts", *facts, *sums}
    assert {name: kept[name] for name in facts} == facts


def test_released_migrations_are_those_that_stores_were_made_with() -> None:
    digests = {migration.name: migration.sha256[:12] for migration in load_migrations()}
    assert {name: digests.get(name) for name in RELEASED} == RELEASED


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
