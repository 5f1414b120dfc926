from collections.abc import Iterator
from pathlib import Path

import pytest

from caudal.reference import Reference, load_reference
from caudal.service.api import server
from caudal.service.ingest import FACT_TABLES
from caudal.service.migration import migration
from caudal.service.migration.migration import migrate
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store
from tests.support.samples import NOW, OTHER_TOKEN, TOKEN, write_overlay


@pytest.fixture(scope="session", autouse=True)
def _raw_windows_stay() -> Iterator[None]:
    """Keep raw windows received after 1972: the store forgets them by the clock of the machine, and tests have NOW."""
    execute, retain = migration.execute, migration.set_retention
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            migration,
            "execute",
            lambda store, statement: execute(
                store, statement.replace("INTERVAL 30 DAY", "INTERVAL 20000 DAY")
            ),
        )
        patch.setattr(
            server, "set_retention", lambda store, days: retain(store, 20_000 if days == 30 else days)
        )
        yield


@pytest.fixture(scope="package")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_overlay(tmp_path_factory.mktemp("overlay"))


@pytest.fixture(scope="package")
def reference(overlay: Path) -> Reference:
    return load_reference(overlay)


@pytest.fixture(scope="package")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store that is migrated and closed; each module opens it with `store`."""
    return tmp_path_factory.mktemp("service") / "store"


@pytest.fixture(scope="module")
def store(directory: Path, reference: Reference) -> Iterator[Store]:
    """The store, migrated, with the reference loaded and no facts."""
    with Store(f"chdb://{directory}") as opened:
        migrate(opened, lambda: NOW)
        load_reference_tables(opened, reference, lambda: NOW)
        yield opened
        clear(opened)


def clear(store: Store) -> None:
    """Forget every fact, and what was published of them: a service publishes by itself what is due."""
    for table in (
        *FACT_TABLES,
        "perturbation",
        "vintage",
        "indicator_value",
        "vintage_cell",
        "vintage_input",
    ):
        store.command(f"TRUNCATE TABLE {table}")


@pytest.fixture(scope="package")
def settings(tmp_path_factory: pytest.TempPathFactory, directory: Path, overlay: Path) -> ServiceSettings:
    secrets = tmp_path_factory.mktemp("secrets")
    (secrets / "xa-1").write_text(TOKEN + "\n", encoding="utf-8")
    (secrets / "uy-1").write_text(OTHER_TOKEN + "\n", encoding="utf-8")
    return ServiceSettings(
        dsn=f"chdb://{directory}",
        listen="127.0.0.1:0",
        reference_overlay=overlay,
        max_batch_bytes=1 << 20,
        operators=[
            {
                "id": "demo-net",
                "name": "Demo Net",
                "economy": "XA",
                "subscribers": 1_000_000,
                "subscribers_as_of": "2026-09-30",
            },
            {"id": "uy-net", "name": "Red", "economy": "UY"},
        ],
        collectors=[
            {"id": "xa-1", "operator": "demo-net", "token_file": secrets / "xa-1"},
            {"id": "uy-1", "operator": "uy-net", "token_file": secrets / "uy-1"},
        ],
    )
