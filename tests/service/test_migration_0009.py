"""A store that keeps reasons as sentences and dimensions in words is migrated, whenever it is killed."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from caudal.service.migration.migration import execute, load_migrations, migrate
from caudal.service.queries.vintages import read_vintage, vintages
from caudal.service.store.store import Store
from caudal.service.vocabulary.reason import Told
from tests.support.samples import NOW

from .test_earlier import SENTENCES, figures, sentence

DIMENSIONS = {
    "k=4": "largest_4",
    "EU strict": "EU_strict",
    "all platforms": "all_platforms",
    "GB DST 2 %": "GB-dst-2",
    "US": "US",
}
CODES = next(m for m in load_migrations() if m.number == 9)


def fill_as_before(store: Store) -> None:
    """Publish a vintage as a version of before did: every sentence once, then values of dimensions in words."""
    rows = [(sentence(code), None, None) for code in SENTENCES] + [(None, each, 0.5) for each in DIMENSIONS]
    count = len(rows)
    numbers = pa.array([value for _, _, value in rows], pa.float64())
    values = {
        "economy": ["XA"] * count,
        "time": pa.array([NOW] * count, pa.timestamp("s", tz="UTC")),
        "run": ["run"] * count,
        "position": pa.array(range(count), pa.uint32()),
        "vintage": ["XA-2026-09-v1"] * count,
        "indicator": ["C4"] * count,
        "dimension": pa.array([each for _, each, _ in rows], pa.string()),
        **dict.fromkeys(("value", "low", "high"), numbers),
        "flows": pa.array([1] * count, pa.uint64()),
        "reason": pa.array([why for why, _, _ in rows], pa.string()),
    }
    store.insert("indicator_value", pa.table(values))
    total: dict[object, object] = {
        "what": "bytes",
        "unit": "bytes",
        "observed": None,
        "estimated": None,
        "spread": None,
        "flags": [],
    }
    withheld = {"what": "bytes", "degree": "primary", "rule": "p% rule", "why": sentence("near_reported")}
    inputs = {
        "economy": "XA", "month": "2026-09", "operators": [], "declared": {}, "flags": [], "paths": "", "routes": "",
        "rule": {"minimum_operators": 3, "percent": 10.0},
        "coverage": {"operators": [], "undeclared": [], "users": None, "share": None},
        "totals": [{**total, "reason": sentence("withheld")}, {**total, "reason": None}],
        "withheld": [withheld],
        "indicators": ["C4"],
    }  # fmt: skip
    row = {
        "vintage": ["XA-2026-09-v1"],
        "run": ["run"],
        "economy": ["XA"],
        "time": pa.array([NOW], pa.timestamp("s", tz="UTC")),
        "number": pa.array([1], pa.uint32()),
        "inputs": [json.dumps(inputs)],
    }
    store.insert("vintage", pa.table(row))


def check(store: Store) -> None:
    (vintage,) = vintages(store)
    read = read_vintage(store, vintage)
    found = read.observations["C4"]
    told = [each.reason.told for each in found if each.reason is not None]
    assert told == [(Told(code, figures(code)),) for code in SENTENCES]
    assert [each.dimension for each in found if each.reason is None] == list(DIMENSIONS.values())
    assert [each.reason for each in read.totals] == [sentence("withheld"), None]
    assert [each.why.told[0].code for each in read.withheld] == ["near_reported"]
    assert store.value("SELECT count() FROM indicator_published WHERE has(reason_codes, 'withheld')") == 1
    columns = store.frame(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'indicator_published'"
    )
    assert "reason" not in columns["name"].to_list()


@pytest.mark.parametrize("done", range(len(CODES.statements) + 1))
def test_a_store_of_before_is_migrated_whenever_it_was_killed(tmp_path: Path, done: int) -> None:
    migrations = load_migrations()
    with Store(f"chdb://{tmp_path / 'store'}") as store:
        migrate(store, lambda: NOW, tuple(m for m in migrations if m.number < 9))
        fill_as_before(store)
        for statement in CODES.statements[:done]:
            execute(store, statement)
        migrate(store, lambda: NOW)
        check(store)
