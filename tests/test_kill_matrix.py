"""Never lost, never twice: collector and service are killed (SIGKILL) at any step, and every total is right.

Traffic goes in all the time. In each round collector, service or both end at a step drawn by lot (before or
after a write, sync or rename of the spool; in the middle of a request; before or after any statement of an
insert, a migration or a recovery) or at any moment whatever, while the engine merges. Batches of long ago
are put back into the spool now and then, and batches are retracted and restored all the while. In the end the store
must hold what was spooled, once, and count what is not retracted.

    make kill-matrix ROUNDS=500     many rounds, and what happened as a table
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.contract.batch import batch_id, decode_batch
from caudal.service.ingest import Accepted, Duplicate, Ingest
from caudal.service.migration.migration import migrate, set_retention
from caudal.service.store.store import Store
from tests.service.test_ingest import totals, truth
from tests.support.builders import HOME, netflow5, record5
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.samples import NOW, TOKEN, batch, random_batch, write_overlay

pytestmark = [pytest.mark.kill, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
ROUNDS = int(os.environ.get("CAUDAL_KILL_ROUNDS", "6"))
SEED = int(os.environ.get("CAUDAL_KILL_SEED", "20261121"))
WINDOW = 10
FIRST = 1_785_542_400  # 2026-08-01 00:00 UTC
_MOST_WAITING = 30
_MOST_STEPS = {"collector": 60, "service": 90}
_PUBLISHER = "token-of-the-publisher-0123456789"


class Victims:
    """Starts collectors and services that are to be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing.victims"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()


class Matrix:
    """One deployment, its kills, and what was in the spool at any time."""

    def __init__(self, directory: Path, victims: Victims, lot: random.Random) -> None:
        self._directory = directory
        self._victims = victims
        self._lot = lot
        self._running: dict[str, int] = {}
        self._out = socket.socket(type=socket.SOCK_DGRAM)
        self._bursts = 0
        self._sequence = 0
        self.sent_bytes = 0
        self.happened: Counter[str] = Counter()
        self.spool = directory / "state" / "spool"
        self.truth = directory / "truth"
        for part in ("candidates", "confirmed"):
            (self.truth / part).mkdir(parents=True)
        self._exports, self._service = self._configure()

    def _configure(self) -> tuple[tuple[str, int], int]:
        exports, service = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        write_overlay(self._directory / "overlay")
        for name, token in (("token", TOKEN), ("publisher", _PUBLISHER)):
            (self._directory / name).write_text(token, encoding="utf-8")
            (self._directory / name).chmod(0o600)
        (self._directory / "service.toml").write_text(
            f'dsn = "chdb://{self._directory}/store"\nlisten = "127.0.0.1:{service}"\nreference_overlay = "overlay"\n'
            'publisher_token_file = "publisher"\n[publication]\nenabled = false\n'
            '[[operators]]\nid = "demo-net"\nname = "Demo"\neconomy = "XA"\n'
            '[[collectors]]\nid = "xa-1"\noperator = "demo-net"\ntoken_file = "token"\n',
            encoding="utf-8",
        )
        (self._directory / "collector.toml").write_text(
            f'collector = "xa-1"\noperator = "demo-net"\neconomy = "XA"\nhome = {list(HOME)}\nsynthetic = true\n'
            f'listen = ["127.0.0.1:{exports}"]\nstate_directory = "state"\nwindow_seconds = {WINDOW}\nk_anonymity = 1\n'
            f"lateness_seconds = 0\nidle_seconds = 0.2\ndrain_seconds = {PATIENCE_SECONDS}\n"
            f'[service]\nurl = "http://127.0.0.1:{service}"\ntoken_file = "token"\n',
            encoding="utf-8",
        )
        return ("127.0.0.1", exports), service

    def start(self, name: str, step: int | None = None) -> None:
        log, config = (str(self._directory / f"{name}.{suffix}") for suffix in ("log", "toml"))
        Path(log).unlink(missing_ok=True)
        self._running[name] = self._victims.ask(
            start=name, config=config, log=log, step=step, truth=str(self.truth)
        )

    def end(self, name: str, number: int = signal.SIGKILL) -> int:
        process = self._running.pop(name)
        with_signal(process, number)
        code = self._victims.ask(wait=process)
        if name == "collector":
            for candidate in (self.truth / "candidates").iterdir():
                if (self.spool / candidate.name).exists():
                    (self.truth / "confirmed" / candidate.name).touch()
        return code

    def end_all(self) -> None:
        for name in list(self._running):
            self.end(name)
        self._out.close()

    def log(self, name: str) -> str:
        path = self._directory / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def ended(self, name: str) -> bool:
        """Whether it has ended: it stays a zombie until it is waited for."""
        stat = Path(f"/proc/{self._running[name]}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] == "Z"

    def up(self, name: str) -> bool:
        """Whether it has begun to work, or ended before."""
        return {"collector": "listening on", "service": "serving at"}[name] in self.log(name) or self.ended(
            name
        )

    def burst(self) -> None:
        """Send a window's worth of flows; that they are of a later window closes the one before."""
        self._bursts += 1
        sizes = [self._lot.randrange(40, 1_000_000) for _ in range(5)]
        payload = netflow5(
            [record5(octets=size, packets=1) for size in sizes],
            seconds=FIRST + self._bursts * WINDOW,
            sequence=self._sequence,
        )
        self._sequence += len(sizes)
        self._out.sendto(payload, self._exports)
        self.sent_bytes += sum(sizes)

    def send_until(self, done: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not done():
            self.burst()
            if self._lot.random() < 0.1:
                self.order()
            time.sleep(0.03)

    def order(self) -> None:
        """Have a batch retracted, or restored, if the service answers; it may be killed over it."""
        headers = {"Authorization": f"Bearer {_PUBLISHER}"}
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{self._service}", timeout=PATIENCE_SECONDS, headers=headers
            ) as client:
                state, change = self._lot.choice([("counted", "retract"), ("retracted", "restore")])
                answer = client.get("/v1/batches", params={"state": state, "limit": 20})
                if answer.status_code != 200 or not answer.json()["batches"]:
                    return
                chosen = self._lot.choice(answer.json()["batches"])["batch_id"]
                order = {"change": change, "reason": "drawn by lot"}
                self.happened[f"told to {change}"] += 1
                assert client.post(f"/v1/batches/{chosen}/changes", json=order).status_code in (200, 409, 503)
        except httpx.TransportError:
            pass

    def put_back(self) -> None:
        """Put a batch of before into the spool again, as restoring a backup would."""
        confirmed = sorted((self.truth / "confirmed").iterdir())
        if not confirmed or not self.spool.exists():
            return
        old = self._lot.choice(confirmed).name
        places = [int(path.name[:12]) for path in self.truth.glob("candidates/*.batch")]
        again = f"{max(places) + 1000 + self._bursts:012d}-{old.partition('-')[2]}"
        shutil.copy(self.truth / "candidates" / old, self.spool / again)
        (self.spool / again).chmod(0o600)
        self.happened["put back"] += 1

    def round(self) -> None:
        """Kill one or both, at a step or a moment drawn by lot."""
        lot = self._lot
        targets = lot.choice([("collector",), ("service",), ("collector", "service")])
        how = lot.choice(["step", "moment"])
        if lot.random() < 0.3 and "collector" in self._running:
            self.end("collector")
            self.put_back()
            self.start("collector")
        waiting = len(list(self.spool.glob("*.batch")))
        if waiting > _MOST_WAITING and len(self._running) == 2:
            self.wait_for_spool(_MOST_WAITING // 2)
        for name in targets:
            if name in self._running:
                self.end(name)
            step = lot.randrange(_MOST_STEPS[name]) if how == "step" else None
            self.start(name, step)
        for name in ("service", "collector"):
            if name not in self._running:
                self.start(name)
        if how == "step":
            self.send_until(lambda: all(self.ended(name) for name in targets), 8)
        else:
            if lot.random() < 0.8:
                self.send_until(lambda: self.up("collector") and self.up("service"), 20)
            self.send_until(lambda: False, lot.uniform(0, 1))
        for name in targets:
            if self.ended(name):
                assert how == "step", self.log(name)
                self.happened[f"{name} at a step"] += 1
            else:
                self.happened[f"{name} at a moment"] += 1
            code = self.end(name)
            assert code == -signal.SIGKILL, self.log(name)
            if lot.random() < 0.7:
                self.start(name)

    def wait_for_spool(self, most: int) -> None:
        """Let both work in peace until no more than so many batches wait."""

        def few() -> bool:
            assert not self.ended("collector"), self.log("collector")
            assert not self.ended("service"), self.log("service")
            return len(list(self.spool.glob("*.batch"))) <= most

        wait_until(few, lambda: self.log("collector") + self.log("service"))

    def settle(self) -> None:
        """Let both run in peace until the spool is empty, then stop them as systemd would."""
        for name in ("service", "collector"):
            if name not in self._running:
                self.start(name)
        self.send_until(lambda: self.up("collector"), PATIENCE_SECONDS)
        self.wait_for_spool(0)
        assert self.end("collector", signal.SIGTERM) == 0, self.log("collector")
        assert self.end("service", signal.SIGTERM) == 0, self.log("service")

    def bodies(self, stored: set[str]) -> list[bytes]:
        """Return every batch that was in the spool: each once, however often it was put there.

        Killed between renaming a batch and noting that, nobody but the service can know: if it has it, it was.
        """
        confirmed = {path.name for path in (self.truth / "confirmed").iterdir()}
        found: dict[str, bytes] = {}
        for path in sorted((self.truth / "candidates").iterdir()):
            body = path.read_bytes()
            if path.name in confirmed or batch_id(body) in stored:
                found[batch_id(body)] = body
        return list(found.values())


def with_signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pytest.fail(f"process {process} is gone and nobody waited for it")


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def victims() -> Iterator[Victims]:
    starting = Victims()
    yield starting
    starting.close()


def test_killed_at_any_step_nothing_is_lost_and_nothing_counts_twice(
    tmp_path: Path, victims: Victims, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = Matrix(tmp_path, victims, random.Random(SEED))
    try:
        for _ in range(ROUNDS):
            matrix.round()
        matrix.settle()
    finally:
        matrix.end_all()
    with Store(f"chdb://{tmp_path}/store") as store:
        in_batch = store.frame("SELECT batch_id FROM batch")["batch_id"].to_list()
        bodies = matrix.bodies(set(in_batch))
        counted = set(store.frame("SELECT batch_id FROM batch_counted")["batch_id"])
        assert len(in_batch) == len(set(in_batch))
        assert set(in_batch) == {batch_id(body) for body in bodies}
        found = totals(store)
        expected = truth(*(body for body in bodies if batch_id(body) in counted))
        expected["batch"] = truth(*bodies)["batch"]
        assert store.value("SELECT count() FROM batch_pending") == 0
    assert found == expected
    assert 0 < found["flow_window"][0] <= matrix.sent_bytes
    for aside in ("refused", "damaged"):
        assert list((matrix.spool / aside).iterdir()) == []
    assert sum(matrix.happened.values()) >= ROUNDS
    assert len(counted) == len(bodies) or matrix.happened["told to retract"]
    if "CAUDAL_KILL_ROUNDS" in os.environ:
        with capsys.disabled():
            sys.stdout.write(
                f"\n{ROUNDS} rounds, seed {SEED}: {dict(sorted(matrix.happened.items()))}, {len(bodies)} batches spooled, "
                f"{int(found['flow_window'][0])} bytes: none lost, none twice\n"
            )


def test_a_batch_that_comes_again_a_month_and_many_inserts_later_is_known(tmp_path: Path) -> None:
    """After everything that could remember an insert has forgotten it: more inserts than the window of hashes
    spans (made small here), the rows themselves gone by retention, another process."""
    body = random_batch(1, rows=50)
    others = [batch(sequence=str(number)) for number in range(6)]
    later = NOW + timedelta(days=35)
    with Store(f"chdb://{tmp_path}/store") as store:
        migrate(store, lambda: NOW)
        set_retention(store, 30)
        for table in ("flow_window", "ledger_window", "batch"):
            store.command(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 2")
        ingest = Ingest(store)
        # Received so long ago that retention drops its windows as soon as it may.
        long_ago = NOW - timedelta(days=400)
        assert isinstance(ingest.store_batch(decode_batch(body), body, long_ago), Accepted)
        for number, other in enumerate(others):
            accepted = ingest.store_batch(decode_batch(other), other, NOW + timedelta(minutes=number))
            assert isinstance(accepted, Accepted)
        store.command("OPTIMIZE TABLE flow_window FINAL")
        assert store.value("SELECT count() FROM flow_window") == len(others)
        kept = store.value("SELECT toFloat64(sum(bytes)) FROM flow_month")
    with Store(f"chdb://{tmp_path}/store") as store:
        again = Ingest(store).store_batch(decode_batch(body), body, later)
        assert again == Duplicate(batch_id(body), long_ago.replace(microsecond=0))
        assert store.value("SELECT toFloat64(sum(bytes)) FROM flow_month") == kept
        assert store.value("SELECT count() FROM batch") == 1 + len(others)
