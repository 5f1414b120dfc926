"""The service is killed (SIGKILL) at random moments while batches are sent, and started again."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from caudal.contract.batch import MEDIA_TYPE
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.samples import TOKEN, random_batch, write_overlay

from .test_ingest import totals, truth

pytestmark = pytest.mark.kill

ROUNDS = 3
START = "import sys; from pathlib import Path; from caudal.service.api.server import run; "
START += "from caudal.service.settings.settings import load_settings; sys.exit(run(load_settings(Path(sys.argv[1]))))"


def send(client: httpx.Client, body: bytes) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}
    return client.post("/v1/batches", content=body, headers=headers).status_code


def start(config: Path, log: Path) -> tuple[subprocess.Popen[bytes], httpx.Client]:
    with log.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-c", START, str(config)], stderr=sink, stdout=sink)
    try:
        wait_until(lambda: b"serving at " in log.read_bytes() or process.poll() is not None, log.read_text)
        assert process.poll() is None, log.read_text()
    except BaseException:
        process.kill()
        raise
    url = log.read_text().split("serving at ")[1].split()[0]
    return process, httpx.Client(base_url=url, timeout=PATIENCE_SECONDS)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    write_overlay(tmp_path / "overlay")
    config = tmp_path / "service.toml"
    config.write_text(
        f'dsn = "chdb://{tmp_path}/store"\nlisten = "127.0.0.1:0"\nreference_overlay = "overlay"\n'
        '[[operators]]\nid = "demo-net"\nname = "Demo"\neconomy = "XA"\n'
        '[[collectors]]\nid = "xa-1"\noperator = "demo-net"\ntoken_file = "token"\n',
        encoding="utf-8",
    )
    moments = random.Random(20261121)
    bodies = [random_batch(seed, rows=400) for seed in range(16)]
    waiting = list(bodies)
    acknowledged = 0
    for round_number in range(ROUNDS + 1):
        process, client = start(config, tmp_path / f"log-{round_number}")
        try:
            last = round_number == ROUNDS
            killer = None
            if not last:
                delay = moments.uniform(0.05, 0.4)
                killer = subprocess.Popen(
                    [
                        sys.executable,
                        "-S",
                        "-c",
                        f"import os,time;time.sleep({delay});os.kill({process.pid},9)",
                    ]
                )
            while waiting:
                try:
                    status = send(client, waiting[0])
                except httpx.TransportError:
                    break
                assert status in (200, 201)
                waiting.pop(0)
                acknowledged += 1
            if last:
                # As a collector that lost its notes would: everything again.
                assert {send(client, body) for body in bodies[:10]} == {200}
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_SECONDS) == 0
            if killer is not None:
                killer.wait()
        finally:
            process.kill()
            process.wait()
            client.close()
    assert not waiting
    assert acknowledged == len(bodies)
    with Store(f"chdb://{tmp_path}/store") as store:
        assert totals(store) == truth(*bodies)
    assert TOKEN not in "".join(path.read_text() for path in tmp_path.glob("log-*"))
