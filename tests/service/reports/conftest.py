"""What the tests of reports share: the store that `caudal demo --once` left, and the API over it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from caudal.service.server import Service
from caudal.service.settings import load_settings

from ...conftest import DemoRun
from ...patience import PATIENCE_SECONDS

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
