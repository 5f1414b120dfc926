from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caudal.contract.batch import decode_batch
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.settings.settings import Operator
from caudal.service.store.referencetables import load_operator_networks, load_reference_tables
from caudal.service.store.store import Store

from .traffic import END, Facts, batches


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A migrated chDB with three months of made-up traffic, ingested batch by batch."""
    directory: Path = tmp_path_factory.mktemp("dashboards") / "store"
    with Store(f"chdb://{directory}") as opened:
        migrate(opened, lambda: datetime(2026, 11, 2, tzinfo=UTC))
        load_reference_tables(opened, Facts(), lambda: datetime(2026, 11, 2, tzinfo=UTC))
        norte = Operator(id="norte", name="Norte", economy="UY", asns=(64501,))
        load_operator_networks(opened, [norte], lambda: datetime(2026, 11, 2, tzinfo=UTC))
        ingest = Ingest(opened)
        for number, body in enumerate(batches()):
            ingest.store_batch(decode_batch(body), body, END + timedelta(seconds=number))
        yield opened
