from pathlib import Path

import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import Reference
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store
from tests.support.samples import NOW, random_batch


@pytest.fixture(scope="package")
def ten_years(tmp_path_factory: pytest.TempPathFactory, reference: Reference) -> Path:
    """The directory of a store with 120 months of an economy, closed."""
    directory = tmp_path_factory.mktemp("door") / "store"
    body = random_batch(1, rows=6000, months=121)
    with Store(f"chdb://{directory}") as store:
        migrate(store, lambda: NOW)
        load_reference_tables(store, reference, lambda: NOW)
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    return directory
