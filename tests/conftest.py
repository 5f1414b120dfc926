"""What tests of several packages share: the profile of Hypothesis, compiled kernels, a run of `caudal demo`."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from .patience import PATIENCE_SECONDS

# No test may depend on how fast the machine is, nor on chance: a test's own settings start from these. Searching
# at random for what the same examples every time do not find is `make search`.
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("caudal", derandomize=True, **UNHURRIED)
settings.register_profile("search", print_blob=True, **UNHURRIED)
settings.load_profile(os.environ.get("CAUDAL_HYPOTHESIS", "caudal"))

# What starts a collector, or meters.
_METERING = ("tests/collector", "tests/caudal", "tests/bench", "tests/fuzz", "tests/test_")


def pytest_configure() -> None:
    """Have the files that tests write be nobody else's: the service refuses tokens that others can read."""
    os.umask(0o077)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have the kernels compiled before the first test: later ones wait for collectors no longer than these take."""
    if (
        any(item.nodeid.startswith(_METERING) for item in session.items)
        and not session.config.option.collectonly
    ):
        from caudal.collector.pipeline.pipeline import Pipeline
        from caudal.collector.pipeline.warmup import warm_up

        from .collector.builders import HOME, NOW_MS, TABLE

        warm_up(Pipeline(economy="UY", home=HOME, table=TABLE, window_seconds=300, k=5), NOW_MS)


@dataclass(frozen=True)
class DemoRun:
    """What `caudal demo --once --json` left: its directory, with the store, and its answer."""

    directory: Path
    answer: dict[str, Any]


def run_demo(directory: Path) -> DemoRun:
    """Run the demo for August to October 2026."""
    command = [sys.executable, "-m", "caudal", "demo", "--once", "--json", "--until", "2026-11"]
    done = subprocess.run(
        [*command, "--directory", str(directory)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return DemoRun(directory, json.loads(done.stdout))


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The demo, run once for all tests."""
    return run_demo(tmp_path_factory.mktemp("demo"))
