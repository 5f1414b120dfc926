"""A computation is killed (SIGKILL) at each of its steps: nothing is half published, and the next one is whole."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import Reference
from caudal.service.indicators import CATALOGUE
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.queries.vintages import vintages
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.samples import NOW, random_batch

pytestmark = pytest.mark.kill

# The inserts of a publication, in order; each is one part.
STEPS = ("reference_file", "vintage_cell", "indicator_value", "vintage")
CHILD = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from caudal.reference import load_reference
from caudal.service.months.measures import Measures
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from caudal.service.months.vintages import Vintages

directory, overlay, now, table, moment = sys.argv[1:]
clock = lambda: datetime.fromisoformat(now)
insert = Store.insert

def killing(self, name, rows, token=None):
    if name == table and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    insert(self, name, rows, token)
    if name == table:
        os.kill(os.getpid(), signal.SIGKILL)

Store.insert = killing
reference = load_reference(Path(overlay))
with Store(f"chdb://{directory}") as store:
    settings = ServiceSettings(dsn=f"chdb://{directory}")
    measures = Measures(settings, store, reference, clock)
    Vintages(store, reference, measures, clock, Path(overlay)).publish("XA", "2026-09")
"""


def killed(directory: Path, overlay: Path, table: str, moment: str) -> None:
    arguments = [str(directory), str(overlay), NOW.isoformat(), table, moment]
    child = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], check=False, capture_output=True, text=True
    )
    assert child.returncode == -signal.SIGKILL, child.stderr


def test_killed_at_each_step(tmp_path: Path, overlay: Path, reference: Reference) -> None:
    directory = tmp_path / "store"
    body = random_batch(3, rows=200)
    with Store(f"chdb://{directory}") as store:
        migrate(store, lambda: NOW)
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    for table, moment in (*((step, "after") for step in STEPS[:-1]), (STEPS[-1], "before")):
        killed(directory, overlay, table, moment)
    with Store(f"chdb://{directory}") as store:
        measures = Measures(ServiceSettings(dsn=f"chdb://{directory}"), store, reference, lambda: NOW)
        publishing = Vintages(store, reference, measures, lambda: NOW, overlay)
        assert vintages(store) == []
        assert measures.published("XA", "2026-09") is None
        # Two of them came as far as the values.
        assert store.value("SELECT uniqExact(run) FROM indicator_value") == 2
        assert store.value("SELECT count() FROM indicator_published") == 0
        assert publishing.sweep() is True
        assert store.value("SELECT count() FROM indicator_value") == 0
        assert publishing.sweep() is False
    # Killed as soon as it is published: it is published, whole.
    killed(directory, overlay, STEPS[-1], "after")
    with Store(f"chdb://{directory}") as store:
        measures = Measures(ServiceSettings(dsn=f"chdb://{directory}"), store, reference, lambda: NOW)
        publishing = Vintages(store, reference, measures, lambda: NOW, overlay)
        assert publishing.sweep() is False
        published = measures.published("XA", "2026-09")
        assert published is not None
        assert published.vintage == "XA-2026-09-v1"
        assert published.observations == measures.compute("XA", "2026-09", CATALOGUE.values()).observations
        count = sum(map(len, published.observations.values()))
        assert store.value("SELECT count() FROM indicator_published") == count
        assert publishing.recompute("XA-2026-09-v1").same
