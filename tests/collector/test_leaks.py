"""Addresses planted in exports of every protocol are searched for in everything that a collector writes."""

import json
import logging
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from caudal.collector.daemon.statussocket import ask
from caudal.collector.settings.settings import CollectorSettings
from caudal.commands.collecting import show_status
from caudal.contract.batch import decode_batch
from tests.support.builders import (
    BASIC,
    DESTINATION6,
    OCTETS,
    PACKETS,
    SOURCE6,
    a_set,
    basic,
    ethernet,
    flow_sample,
    gateway_of,
    ip,
    ipfix,
    netflow5,
    netflow9,
    options9,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
)
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.planted import as_written, forms_of_address, found_in

from .test_run import StandIn, _often, free_port, metric, running, send, service, settings

__all__ = ["_often", "service", "settings"]  # fixtures

LOCAL, LOCAL_NEXT, FAR = "198.18.213.77", "198.18.213.78", "203.0.113.201"
LOCAL6, FAR6 = "2001:2::be:ef:77", "2001:db8:dead:77::beef"
AGENT, AGENT6, HOP = "192.0.2.171", "2001:db8:a:b::a9", "192.0.2.172"
EXPORTER = "127.0.0.93"
PLANTED = (LOCAL, LOCAL_NEXT, FAR, LOCAL6, FAR6, AGENT, AGENT6, HOP, EXPORTER)
FORMS = {form for address in PLANTED for form in forms_of_address(address)}


def both_halves(address: str) -> bytes:
    return struct.pack(">QQ", ip(address) >> 64, ip(address) & (1 << 64) - 1)


def udp6(source: str, destination: str, total: int = 1400) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, total - 40, 17, 64)
    return head + both_halves(source) + both_halves(destination) + struct.pack(">HHHH", 1, 53, total - 40, 0)


def exports(now: int, sequence: int) -> list[bytes]:
    """Each protocol, both versions of IP, and what cannot be decoded."""
    six = template(256, SOURCE6, DESTINATION6, OCTETS, PACKETS, ipfix=True)
    totals = template(258, *BASIC[:2], (22, 4), (85, 4), (86, 4), ipfix=True)
    event = template(259, *BASIC[:2], (148, 4), (233, 1), (231, 4), (232, 4))
    waiting = a_set(999, basic(LOCAL, FAR) + both_halves(LOCAL6))
    return [
        netflow5([record5(LOCAL, FAR), record5(FAR, LOCAL_NEXT)], seconds=now, sequence=sequence * 2),
        netflow9(
            options9(300, [(1, 4)], [(48, 1), (50, 4)]), template(257, *BASIC, (48, 1)),
            a_set(300, bytes(4) + b"\1" + (100).to_bytes(4)), a_set(257, basic(LOCAL, FAR) + b"\1"), waiting,
            seconds=now, sequence=sequence,
        ),
        ipfix(
            six, a_set(256, both_halves(LOCAL6) + both_halves(FAR6) + struct.pack(">II", 999, 1)),
            seconds=now, sequence=sequence,
        ),
        ipfix(totals, a_set(258, (basic(LOCAL, FAR)[:8] + struct.pack(">III", 5, 1000 + sequence, 9 + sequence)) * 2), seconds=now),
        netflow9(event, a_set(259, basic(FAR, LOCAL)[:8] + struct.pack(">IBII", 7, 2, 500, 600)), seconds=now),
        sflow(
            flow_sample(raw_header(ethernet(udp4(LOCAL, FAR))), gateway_of(64500, [64501], hop=HOP)),
            flow_sample(raw_header(ethernet(udp6(LOCAL6, FAR6), kind=0x86DD)), sequence=2),
            agent=AGENT, sequence=sequence + 1,
        ),
        sflow(flow_sample(raw_header(ethernet(udp4(LOCAL, FAR)))), agent=AGENT6, sequence=sequence + 1),
        b"\0\x09" + basic(LOCAL, FAR) + both_halves(LOCAL6),
        netflow9(a_set(257, basic(LOCAL, FAR))[:-3], seconds=now, sequence=sequence + 1),
        FAR6.encode(),
    ]  # fmt: skip


def files(directory: Path) -> dict[str, bytes]:
    """Everything below a directory, batches also as what they say."""
    found = {}
    for path in directory.rglob("*"):
        if path.is_file():
            found[path.name] = path.read_bytes()
            if path.suffix == ".batch":
                batch = decode_batch(path.read_bytes())
                found[path.name] += as_written(
                    [vars(batch.origin), batch.flows.to_pylist(), batch.ledger.to_pylist()]
                )
    return found


def shown(status: dict[str, object]) -> bytes:
    console = Console(record=True, width=200, file=Path(os.devnull).open("w"))  # noqa: SIM115
    with console.file:
        show_status(console, status)
    return console.export_text().encode()


def test_no_address_is_in_anything_that_is_written(
    settings: CollectorSettings, service: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    service.failing = True
    directory = settings.state_directory
    now = int(time.time())
    outputs: dict[str, bytes] = {}
    caplog.set_level(logging.WARNING, "numba")  # compiles, and tells it at length
    with caplog.at_level(logging.DEBUG), running(settings.model_copy(update={"k_anonymity": 5})):
        for sequence, seconds in enumerate((now - 3600, now - 1800, now)):
            send(settings, *exports(seconds, sequence), source=EXPORTER)
        wait_until(lambda: metric(settings, "datagrams_total") == 3 * len(exports(now, 0)))
        wait_until(lambda: any(directory.rglob("*.batch")))
        wait_until((directory / "exporters.state").exists)
        outputs |= files(directory)
        status = ask(directory)
        # To the operator's own eyes it tells which router it is; and of that nothing else, anywhere else.
        assert {exporter.pop("address") for exporter in status["exporters"]} >= {EXPORTER}
        outputs["status"] = as_written(status)
        for exporter in status["exporters"]:
            exporter["address"] = ""
        outputs["status as shown"] = shown(status)
        outputs["metrics"] = httpx.get(
            f"http://{settings.metrics_listen}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
        ).content
        service.failing = False
        wait_until(lambda: bool(service.bodies))
    outputs |= files(directory)
    outputs |= {f"sent {name}": body for name, body in service.bodies.items()}
    for batch in service.batches:
        outputs["batches"] = outputs.get("batches", b"") + as_written(
            [vars(batch.origin), batch.flows.to_pylist(), batch.ledger.to_pylist()]
        )
    outputs["log"] = caplog.text.encode()
    outputs["log as values"] = as_written([record.__dict__ for record in caplog.records])
    assert {"exporters.state", "pseudonym.key", "status", "metrics", "log", "batches"} <= outputs.keys()
    assert any(name.endswith(".batch") for name in outputs)
    # 3 rounds of 2 + 1 + 1 + 1 + 2 + 1 records, all of them traffic, and both directions of a connection, told again twice.
    assert service.total("aggregated") == service.total("flows") == 3 * 8 + 2
    assert service.total("repeated") == 3 + 2 * 2
    assert service.total("malformed") >= 3 * 3
    assert {name: found for name, content in outputs.items() if (found := found_in(content, FORMS))} == {}
    exporters = {row["exporter"] for batch in service.batches for row in batch.ledger.to_pylist()}
    assert all(re.fullmatch(r"exporter-[0-9a-f]{10}|all", name) for name in exporters)
    assert outputs["status"].count(b"exporter-") >= 1


def run_until(signal_number: int, directory: Path) -> tuple[int, bytes]:
    """Run the command, plant addresses, end it by a signal; return its wait status and what it said."""
    port, metrics = free_port(), free_port(socket.SOCK_STREAM)
    (directory / "token").write_text("a-token-of-this-test")
    (directory / "collector.toml").write_text(
        f"""collector = "xa-1"
operator = "demo-net"
economy = "UY"
home = ["198.18.0.0/16", "2001:2::/48"]
listen = ["127.0.0.1:{port}"]
metrics_listen = "127.0.0.1:{metrics}"
state_directory = "state"
drain_seconds = 0
[service]
url = "http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
token_file = "token"
"""
    )
    said = directory / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "caudal", "collect", "--config", "collector.toml"],
            cwd=directory,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def count() -> float:
        try:
            text = httpx.get(
                f"http://127.0.0.1:{metrics}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
            ).text
        except httpx.TransportError:
            assert process.poll() is None, said.read_text()
            return -1
        return float(re.findall(r"^caudal_collector_datagrams_total (\S+)$", text, re.M)[0])

    try:
        wait_until(lambda: count() >= 0)
        with socket.socket(type=socket.SOCK_DGRAM) as out_socket:
            out_socket.bind((EXPORTER, 0))
            for payload in exports(int(time.time()), 0):
                out_socket.sendto(payload, ("127.0.0.1", port))
        wait_until(lambda: count() == len(exports(0, 0)))
        process.send_signal(signal_number)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -1
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    return status, said.read_bytes()


@pytest.fixture
def dumps_allowed() -> Iterator[None]:
    """Let processes begun from here leave core dumps, as far as that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.usefixtures("dumps_allowed")
def test_a_crash_leaves_neither_a_core_dump_nor_an_address(tmp_path: Path) -> None:
    """Whatever the limits are that the collector was started with."""
    status, said = run_until(signal.SIGSEGV, tmp_path)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert b"Fatal Python error" in said, "what it says when it crashes is searched, too"
    everything = files(tmp_path) | {"said": said}
    assert not [name for name in everything if name.startswith("core")]
    assert {name: found for name, content in everything.items() if (found := found_in(content, FORMS))} == {}


def test_the_search_would_find_them(tmp_path: Path) -> None:
    (tmp_path / "leak").write_text(json.dumps({"host": ip(LOCAL)}))
    assert found_in(files(tmp_path)["leak"], FORMS)
