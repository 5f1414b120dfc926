"""Collectors and services that end themselves (SIGKILL) at a chosen step: run as `python -m tests.killing.victims`.

A process that has imported everything and forks: a victim starts in a fraction of the time a command takes.
Requests are JSON objects, one a line, on standard input; answers come on standard output.

- {"start": "collector" | "service", "config": …, "log": …, "step": 17 or null, "truth": …} answers the process's id
- {"start": "replay", "config": …, "log": …, "step": …, "files": […], "now": seconds} does the same
- {"wait": id} answers how it ended: its exit code, or minus the signal

What counts as a step is below; only here, in the process of a test, does any of it exist.
"""

import itertools
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpcore
import httpx  # noqa: F401
import polars  # noqa: F401
import pyarrow.compute  # noqa: F401
from httpcore._backends.sync import SyncStream

from caudal.collector.daemon import run as collecting
from caudal.collector.daemon.run import Collector
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.pipeline.warmup import warm_up
from caudal.collector.replay.replay import ReplayQuestion, replay
from caudal.collector.settings.settingsfile import load_settings
from caudal.service.api import server
from caudal.service.errors import StoreError
from caudal.service.settings.settings import load_settings as load_service_settings
from caudal.service.store.store import Store
from tests.support.builders import HOME, TABLE

_ROLLUPS = ("flow_window", "flow_hour", "flow_day", "flow_month", "ledger_window", "ledger_day", "batch")


class Steps:
    """Counts steps, and ends the process at the chosen one."""

    def __init__(self, last: int | None) -> None:
        self._left = last

    def __call__(self) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Make a step before and after each call of a function."""
        original = getattr(owner, name)

        def stepping(*arguments: Any, **keywords: Any) -> Any:
            self()
            answer = original(*arguments, **keywords)
            self()
            return answer

        setattr(owner, name, stepping)


def _collector(request: dict[str, Any], steps: Steps) -> int:
    truth = Path(request["truth"])
    rename = Path.rename

    def recorded(self: Path, target: Path) -> Path:
        """Note what is about to be in the spool, and that it is."""
        spooled = self.suffix == ".partial" and target.suffix == ".batch"
        if spooled:
            (truth / "candidates" / target.name).hardlink_to(self)
        steps()
        moved = rename(self, target)
        steps()
        if spooled:
            (truth / "confirmed" / target.name).touch()
        return moved

    write = SyncStream.write

    def halting(self: SyncStream, buffer: bytes, timeout: float | None = None) -> None:
        half = len(buffer) // 2
        steps()
        write(self, buffer[:half], timeout)
        steps()
        write(self, buffer[half:], timeout)

    Path.rename = recorded  # type: ignore[method-assign, assignment]
    SyncStream.write = halting  # type: ignore[method-assign]
    steps.around(os, "fsync")
    steps.around(Path, "unlink")
    steps.around(SyncStream, "read")
    steps.around(httpcore.ConnectionPool, "handle_request")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    collecting._TICK_SECONDS = 0.15
    collector = Collector(load_settings(Path(request["config"])), TABLE)  # type: ignore[arg-type]
    signal.signal(signal.SIGTERM, lambda *_: collector.stop())
    collector.run()
    return 0


def _replay(request: dict[str, Any], steps: Steps) -> int:
    for name in ("rename", "mkdir", "read_bytes"):
        steps.around(Path, name)
    for name in ("fsync", "open"):
        steps.around(os, name)
    files = [Path(file) for file in request["files"]]
    replay(
        ReplayQuestion(files),
        load_settings(Path(request["config"])),
        lambda: TABLE,  # type: ignore[arg-type, return-value]
        wall=lambda: request["now"],
    )
    return 0


def _service(request: dict[str, Any], steps: Steps) -> int:
    opened, command = Store.open, Store.command

    def open_and_merge(self: Store) -> None:
        opened(self)
        threading.Thread(target=_merge, args=(self, command), daemon=True).start()

    steps.around(Store, "insert")
    steps.around(Store, "insert_select")
    steps.around(Store, "command")
    Store.open = open_and_merge  # type: ignore[method-assign]
    return server.run(load_service_settings(Path(request["config"])))


def _merge(store: Store, command: Callable[[Store, str], None]) -> None:
    """Let the engine merge parts all the time: a kill may come in the middle of it."""
    for table in itertools.cycle(_ROLLUPS):
        with suppress(StoreError):  # not there yet, or not there any more
            command(store, f"OPTIMIZE TABLE {table} FINAL")
        time.sleep(0.2)


def _victim(request: dict[str, Any]) -> int:
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work = {"collector": _collector, "service": _service, "replay": _replay}[request["start"]]
    try:
        return work(request, Steps(request["step"]))
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        return 70


def main() -> None:
    """Answer requests until there are no more."""
    # What is compiled and imported for the first datagrams is so here once, and not by every victim.
    pipeline = Pipeline(economy="XA", home=HOME, table=TABLE, window_seconds=10, k=1)  # type: ignore[arg-type]
    warm_up(pipeline, int(time.time() * 1000))
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                code = _victim(request)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
