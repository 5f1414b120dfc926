"""Vintages of earlier versions: other methods, files of facts in another form, files that there were none of."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import Reference, older
from caudal.reference.files.catalogue import TRANSIT_ASNS
from caudal.reference.older import Older
from caudal.service.indicators import CATALOGUE
from caudal.service.ingest import Ingest
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.national.national import METHOD_VERSION
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.referencearchive import archive_reference, archived_reference, files_of_today
from caudal.service.store.store import Store
from tests.support.samples import NOW, random_batch

from .conftest import clear

MONTH = "2026-09"
NAME = f"XA-{MONTH}-v1"
NOW_C4 = CATALOGUE["C4"].definition.method_version
# Releases that kept no methods had the first of the totals.
TOTALS = f"totals 1 → {METHOD_VERSION}"
SYNC = "SETTINGS mutations_sync = 2"


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    body = random_batch(1, rows=600)
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    yield store
    clear(store)
    for table in ("vintage", "indicator_value", "vintage_cell", "vintage_input", "reference_file"):
        store.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def vintages(settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path) -> Vintages:
    """Those of a store in which the month is published."""
    measures = Measures(settings, filled, reference, lambda: NOW)
    made = Vintages(filled, reference, measures, lambda: NOW, overlay)
    assert made.publish("XA", MONTH) is not None
    return made


def as_published_by(store: Store, indicator: str, version: str) -> None:
    """Make the vintage one of a release with another method of an indicator, which kept no methods together."""
    store.command(
        f"ALTER TABLE indicator_value UPDATE method_version = '{version}', value = value / 2, low = low / 2 "
        f"WHERE indicator = '{indicator}' {SYNC}"
    )
    inputs = json.loads(store.value("SELECT inputs FROM vintage"))
    del inputs["methods"], inputs["totals_method"]
    store.command(
        f"ALTER TABLE vintage UPDATE inputs = {{inputs:String}}, software = 'caudal 0.0.9' WHERE 1 {SYNC}",
        {"inputs": json.dumps(inputs)},
    )


def test_what_has_another_method_now_is_told_apart(filled: Store, vintages: Vintages) -> None:
    as_published_by(filled, "C4", "0")
    again = vintages.recompute(NAME)
    assert again.methods == (f"C4 0 → {NOW_C4}", TOTALS)
    assert (again.same, again.differences, again.software) == (True, (), "caudal 0.0.9")
    all_of_them = filled.value("SELECT count() FROM indicator_value")
    assert again.observations == all_of_them - filled.value(
        "SELECT count() FROM indicator_value WHERE indicator = 'C4'"
    )


def test_totals_of_another_method_are_not_compared(
    filled: Store, vintages: Vintages, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_published_by(filled, "C4", NOW_C4)
    monkeypatch.setattr("caudal.service.months.vintages.METHOD_VERSION", "9")
    again = vintages.recompute(NAME)
    assert again.methods == ("totals 1 → 9",)
    told = filled.value("SELECT count() FROM indicator_value WHERE indicator = 'C4' AND value IS NOT NULL")
    assert [each.partition(" ")[0].rstrip(":") for each in again.differences] == ["C4"] * told


def test_where_the_undetermined_share_has_another_method_the_others_are_compared_without(
    filled: Store, vintages: Vintages
) -> None:
    as_published_by(filled, "J9", "0")
    filled.command(f"ALTER TABLE indicator_value UPDATE undetermined = 0.123 WHERE 1 {SYNC}")
    again = vintages.recompute(NAME)
    assert [each.partition(" ")[0] for each in again.methods] == ["J9", "totals"]
    assert again.same


def test_an_indicator_that_is_gone_is_told(
    filled: Store, vintages: Vintages, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = {name: each for name, each in CATALOGUE.items() if name != "P1"}
    monkeypatch.setattr("caudal.service.months.vintages.CATALOGUE", fewer)
    again = vintages.recompute(NAME)
    assert again.methods == (f"P1 {CATALOGUE['P1'].definition.method_version} → withdrawn",)
    assert again.same


def test_a_number_of_the_same_method_still_must_be_the_same(filled: Store, vintages: Vintages) -> None:
    as_published_by(filled, "C4", "0")
    filled.command(
        f"ALTER TABLE indicator_value UPDATE value = 0.5 WHERE indicator = 'C1' AND dimension IS NULL {SYNC}"
    )
    again = vintages.recompute(NAME)
    assert not again.same
    assert [each.partition(":")[0] for each in again.differences] == ["C1"]


def typed(row: Mapping[str, str]) -> dict[str, str]:
    return {**{name: text for name, text in row.items() if name != "rank"}, "operator": f"no. {row['rank']}"}


def test_a_reference_of_before_is_read_in_todays_columns(
    filled: Store, reference: Reference, overlay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transit networks had a rank where they have an operator now, and there were no anycast prefixes."""
    archive_reference(filled, reference, overlay)
    monkeypatch.setattr(older, "olders", lambda: {"transit_asns": Older(("operator",), ("rank",), typed)})
    text = "asn,control_country,rank,as_name,valid_from,valid_to,source,as_of,status,note\n"
    row = "3356,US,7,LEVEL3,,,a list,2026-06-17,verified,\n"
    files = filled.frame("SELECT toString(file) AS file, content FROM reference_file")
    kept = {**dict(files.iter_rows()), "data/transit_asns.csv": text + row, "data/indicators.csv": "id\nJ1\n"}
    del kept["data/anycast_prefixes.csv"]
    rows = {"version": ["before"] * len(kept), "file": list(kept), "content": list(kept.values())}
    filled.insert("reference_file", pa.table(rows))
    found = archived_reference(filled, "before")
    assert found.version == "before"
    assert found.facts("transit_asns")["operator"].to_list() == ["no. 7"]
    assert files_of_today(filled, "before") == ("anycast_prefixes.csv",)
    assert files_of_today(filled, reference.version) == ()
    assert found.history("anycast_prefixes").equals(reference.history("anycast_prefixes"))
    assert TRANSIT_ASNS.filename == "transit_asns.csv"
