"""The service in a process of its own, to be flooded; and the honest who go on using it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from caudal.contract.batch import MEDIA_TYPE
from tests.support.patience import PATIENCE_SECONDS
from tests.support.patience import wait_until as patiently
from tests.support.samples import TOKEN, batch

PUBLISHER = "token-of-the-publisher-0123456789"
# The honest come from an address of their own: all of 127/8 is loopback.
HONEST = "127.0.0.2"


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return once something holds; fail after a long time."""
    patiently(holds, lambda: what)


@dataclass(frozen=True)
class Victim:
    """A running service: where it answers, its process, its log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10  # type: ignore[index]

    @property
    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def connect(self, address: str = "127.0.0.1", receive_bytes: int | None = None) -> socket.socket:
        """Return a connection from an address of loopback."""
        opened = socket.socket()
        if receive_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        opened.settimeout(PATIENCE_SECONDS)
        opened.bind((address, 0))
        opened.connect(("127.0.0.1", self.port))
        return opened

    def honest(self) -> httpx.Client:
        """Return a client of an address that floods nothing."""
        return httpx.Client(
            base_url=self.url,
            transport=httpx.HTTPTransport(local_address=HONEST),
            timeout=PATIENCE_SECONDS,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    def counted(self, name: str) -> dict[str, float]:
        """Return a counter of the service by its one label."""
        with self.honest() as client:
            text = client.get("/metrics").text
        found = re.findall(rf'^{name}_total{{\w+="(\w[\w-]*)"}} (\S+)$', text, re.MULTILINE)
        return {label: float(value) for label, value in found}


def is_honest_batch_stored(client: httpx.Client, sequence: int) -> bool:
    """Whether a batch that nobody sent before is acknowledged."""
    body = batch(sequence=f"honest-{os.getpid()}-{sequence}")
    return client.post("/v1/batches", content=body, headers={"Content-Type": MEDIA_TYPE}).status_code == 201


@contextmanager
def victim(
    directory: Path, store: Path, overlay: Path, files: int | None = None, **door: Any
) -> Iterator[Victim]:
    """Run the service over a store, with these settings of the door, and at most so many open files."""
    (directory / "token").write_text(TOKEN, encoding="utf-8")
    (directory / "publisher").write_text(PUBLISHER, encoding="utf-8")
    for name in ("token", "publisher"):
        (directory / name).chmod(0o600)
    known = {"rate_limit": '"off"', "rate_limit_keys": '"off"', **door}
    config = directory / "service.toml"
    config.write_text(
        f'dsn = "chdb://{store}"\nlisten = "127.0.0.1:0"\nreference_overlay = "{overlay}"\n'
        'publisher_token_file = "publisher"\npublication = { enabled = false }\n'
        'operators = [{ id = "demo-net", name = "Demo", economy = "XA" }]\n'
        'collectors = [{ id = "xa-1", operator = "demo-net", token_file = "token" }]\n[door]\n'
        + "".join(f"{name} = {value}\n" for name, value in known.items()),
        encoding="utf-8",
    )
    log = directory / "log"
    command = [sys.executable, "-m", "caudal", "serve", "--config", str(config)]
    if files is not None:
        command = ["prlimit", f"--nofile={files}:{files}", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output, stdout=output)
    try:
        wait_until(lambda: process.poll() is not None or b"serving at" in log.read_bytes(), "it serves")
        found = re.search(r"serving at (http://[\d.:]+)", log.read_text("utf-8"))
        assert found is not None, log.read_text("utf-8")
        yield Victim(found[1], process, log)
        assert process.poll() is None, log.read_text("utf-8")
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
