"""What tests of several packages share: the profile of Hypothesis, compiled kernels, a run of `caudal demo`.

And where they run: in the order that keeps both cores busy, and with their files in memory.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.patience import PATIENCE_SECONDS

from .support.quick import forbid_processes, is_quick
from .support.shared import made_once, one_at_a_time

# No test may depend on how fast the machine is, nor on chance: a test's own settings start from these. Searching
# at random for what the same examples every time do not find is `make search`.
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("caudal", derandomize=True, **UNHURRIED)
settings.register_profile("search", print_blob=True, **UNHURRIED)
settings.load_profile(os.environ.get("CAUDAL_HYPOTHESIS", "caudal"))

# What starts a collector, or meters.
_METERING = ("tests/collector", "tests/caudal", "tests/bench", "tests/fuzz", "tests/test_")

# Room for what a whole run writes, with as much in reserve.
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 4 << 30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="run only files that name nothing that takes its time"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is not quick where that is asked for, before anything of it is imported."""
    slow = config.option.quick and collection_path.name.startswith("test_") and not is_quick(collection_path)
    return True if slow else None


def pytest_configure() -> None:
    """Have the files that tests write be nobody else's, and in memory where it has room.

    The service refuses tokens that others can read. A store waits for the disk at every insert: that it does is
    a matter of its tables' settings, and half the time of a test that inserts.
    """
    os.umask(0o077)
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes longest first, so that no worker is left with it at the end; keep files together.

    Tests of the demo wait while another worker runs it: one file of them begins, the others come half way.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    of_demo, long, others = [], [], []
    for found in files.values():
        if any("demo_run" in getattr(item, "fixturenames", ()) for item in found):
            of_demo.append(found)
        elif any(item.get_closest_marker("slow") for item in found):
            long.append(found)
        else:
            others.append(found)
    half = len(others) // 2
    ordered = [*of_demo[:1], *long, *others[:half], *of_demo[1:], *others[half:]]
    items[:] = [item for found in ordered for item in found]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have the kernels compiled before the first test: later ones wait for collectors no longer than these take."""
    if session.config.option.quick and session.items:
        forbid_processes()
    if (
        any(item.nodeid.startswith(_METERING) for item in session.items)
        and not session.config.option.collectonly
    ):
        from caudal.collector.pipeline.pipeline import Pipeline
        from caudal.collector.pipeline.warmup import warm_up
        from tests.support.builders import HOME, NOW_MS, TABLE

        # What the first worker compiles, the others find.
        factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        with one_at_a_time(factory, "kernels"):
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
    """The demo, run once for all tests; each worker has a copy, since only one process may open a store."""

    def make(directory: Path) -> None:
        run = run_demo(directory / "left")
        (directory / "answer.json").write_text(json.dumps(run.answer), encoding="utf-8")

    made = made_once(tmp_path_factory, "demo", make)
    copy = tmp_path_factory.mktemp("demo") / "left"
    shutil.copytree(made / "left", copy, symlinks=True)
    for name in ("service.toml", "collector.toml"):
        settings = (copy / name).read_text(encoding="utf-8")
        (copy / name).write_text(settings.replace(str(made / "left"), str(copy)), encoding="utf-8")
    return DemoRun(copy, json.loads((made / "answer.json").read_text(encoding="utf-8")))
