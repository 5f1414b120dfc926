from datetime import timedelta

import pytest

from caudal.reference import Reference, load_reference
from caudal.service.errors import StoreError
from caudal.service.store.referencerows import reference_in_force
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store
from tests.support.samples import NOW

TABLES = ("network", "platform", "country", "country_group")


def rows(store: Store, version: str) -> dict[str, int]:
    return {
        table: store.value(f"SELECT count() FROM {table} WHERE version = {{v:String}}", {"v": version})
        for table in TABLES
    }


def test_loaded_once(store: Store, reference: Reference) -> None:
    before = rows(store, reference.version)
    assert before == {
        "network": reference.networks.height,
        "platform": reference.platforms.height,
        "country": reference.countries.height,
        "country_group": reference.groups.select("group_id", "country").unique().height,
    }
    assert load_reference_tables(store, reference, lambda: NOW) is False
    assert rows(store, reference.version) == before


def test_a_load_that_was_killed_is_begun_again(store: Store, reference: Reference) -> None:
    before = rows(store, reference.version)
    store.command(
        "ALTER TABLE platform DROP PARTITION {v:String}".replace("{v:String}", f"'{reference.version}'")
    )
    store.command("TRUNCATE TABLE reference_version")
    assert load_reference_tables(store, reference, lambda: NOW) is True
    assert rows(store, reference.version) == before


def test_an_older_version_can_be_put_in_force_again(store: Store, reference: Reference) -> None:
    packaged = load_reference()
    assert load_reference_tables(store, packaged, lambda: NOW + timedelta(seconds=1)) is True
    assert reference_in_force(store) == packaged.version
    assert load_reference_tables(store, reference, lambda: NOW + timedelta(seconds=2)) is False
    assert reference_in_force(store) == reference.version
    assert store.value("SELECT count() FROM reference_version") == 3


def test_a_version_is_a_name(store: Store, reference: Reference) -> None:
    hostile = Reference("x'; DROP TABLE network", synthetic=False, _facts=reference._facts)
    with pytest.raises(StoreError, match="is not a name"):
        load_reference_tables(store, hostile, lambda: NOW)
