"""What the tests of reports share: the store that `caudal demo --once` left, and the API over it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from caudal.reference import Reference
from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings, load_settings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS

from ...conftest import DemoRun
from ..conftest import clear
from .world import World, open_to_all

MONTH = "2026-10"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that a test can set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def demo_client(demo_run: DemoRun, clock: Clock) -> Iterator[httpx.Client]:
    """The service over the demo's store, asked by HTTP."""
    settings = load_settings(demo_run.directory / "service.toml")
    quiet = settings.model_copy(
        update={
            "listen": "127.0.0.1:0",
            "public_url": "https://caudal.example",
            "publication": settings.publication.model_copy(update={"enabled": False}),
        }
    )
    with (
        Service(quiet, clock=clock) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


@pytest.fixture
def world(settings: ServiceSettings, store: Store, reference: Reference, overlay: Path) -> Iterator[World]:
    """A store without anything in it, in which nothing is confidential."""
    yield World(open_to_all(settings), store, reference, overlay)
    clear(store)
    for table in ("reference_file", "audit"):
        store.command(f"TRUNCATE TABLE {table}")
