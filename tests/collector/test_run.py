"""A whole collector: datagrams in over UDP, batches out over HTTP; what it leaves behind and what it never writes."""

import hashlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyarrow.compute as pc
import pytest

from bench.process import udp_port
from caudal.collector.check.check import _of_exporters
from caudal.collector.daemon.run import Collector
from caudal.collector.daemon.statussocket import ask
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import SpoolError, StateError
from caudal.collector.settings.settings import CollectorSettings, Exporter
from caudal.common.errors import ListenError, SettingsError
from caudal.contract.batch import FLOWS, Batch, decode_batch, schema
from tests.support.builders import (
    BASIC,
    HOME,
    TABLE,
    a_set,
    basic,
    ipfix,
    netflow5,
    netflow9,
    options9,
    record5,
    template,
)
from tests.support.patience import PATIENCE_SECONDS, wait_until

TOKEN = "token-of-xa-1"
# Addresses that occur nowhere else; none may be found in anything the collector writes.
PLANTED = ("198.18.213.77", "203.0.113.201", "127.0.0.93")


class StandIn:
    """Stands in for the service: takes batches over HTTP, keeps them in memory, and can be told to fail."""

    def __init__(self, token: str = TOKEN) -> None:
        self.bodies: dict[str, bytes] = {}
        self._token = token
        self.failing = False
        self.asked = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = outer.take(self.path, dict(self.headers), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                outer.asked.set()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        if self.failing:
            return 503, {"detail": "not now"}
        if path != "/v1/batches" or headers["Authorization"] != f"Bearer {self._token}":
            return 401, {"detail": "who are you?"}
        name = hashlib.sha256(body).hexdigest()
        known = name in self.bodies
        self.bodies[name] = body
        return (200 if known else 201), {"batch_id": name}

    def __enter__(self) -> "StandIn":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def batches(self) -> list[Batch]:
        return [decode_batch(body) for body in self.bodies.values()]

    def total(self, name: str) -> int:
        tables = [batch.flows if name in schema(FLOWS).names else batch.ledger for batch in self.batches]
        return sum(pc.sum(table[name]).as_py() or 0 for table in tables)


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn() as standing:
        yield standing


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the collector look at its windows more often than once a second."""
    monkeypatch.setattr("caudal.collector.daemon.run._TICK_SECONDS", 0.05)


@pytest.fixture
def settings(tmp_path: Path, service: StandIn) -> CollectorSettings:
    (tmp_path / "token").write_text(TOKEN)
    return CollectorSettings.model_validate(
        {
            "collector": "xa-1",
            "operator": "demo-net",
            "economy": "UY",
            "home": HOME,
            "listen": [f"127.0.0.1:{free_port()}"],
            "state_directory": tmp_path / "state",
            "metrics_listen": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}",
            "k_anonymity": 1,
            "lateness_seconds": 0,
            "drain_seconds": PATIENCE_SECONDS,
            "receive_buffer_bytes": 1 << 20,
            "service": {"url": service.url, "token_file": tmp_path / "token"},
            "exporters": {"127.0.0.1": {"name": "core-1"}},
        }
    )


def metric(settings: CollectorSettings, name: str) -> float:
    text = httpx.get(
        f"http://{settings.metrics_listen}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
    ).text
    (line,) = [line for line in text.splitlines() if line.startswith(f"caudal_collector_{name} ")]
    return float(line.split()[1])


def answers(settings: CollectorSettings) -> bool:
    try:
        metric(settings, "received_total")
    except httpx.HTTPError:
        return False
    return True


@contextmanager
def running(settings: CollectorSettings, prepare: Any = None) -> Iterator[Collector]:
    collector = Collector(settings, TABLE, prepare)  # type: ignore[arg-type]
    failed: list[BaseException] = []

    def work() -> None:
        try:
            collector.run()
        except BaseException as error:  # noqa: BLE001  # told to the test below
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: answers(settings) or bool(failed))
        yield collector
    finally:
        collector.stop()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    if failed:
        raise failed[0]


def send(settings: CollectorSettings, *payloads: bytes, source: str = "127.0.0.1") -> None:
    host, _, port = settings.listen[0].rpartition(":")
    with socket.socket(type=socket.SOCK_DGRAM) as out:
        out.bind((source, 0))
        for payload in payloads:
            out.sendto(payload, (host, int(port)))


def exports(now: int, sequence: int) -> list[bytes]:
    """What three datagrams say: 1000·100 + 2000 + 3·10 bytes out, 7 in, one event."""
    sampler = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    sampled = template(257, *BASIC, (48, 1))
    return [
        netflow9(
            sampler, sampled, a_set(300, bytes(4) + b"\1" + (100).to_bytes(4, "big")), a_set(257, basic(PLANTED[0], PLANTED[1]) + b"\1"),
            seconds=now, sequence=sequence,
        ),
        ipfix(
            template(256, *BASIC, ipfix=True),
            a_set(256, basic(octets=2000) + basic("203.0.113.9", "198.18.0.1", octets=7) + basic(octets=0, packets=0)),
            seconds=now, sequence=sequence * 3,
        ),
        netflow5([record5(octets=10)] * 3, seconds=now, sequence=sequence * 3),
    ]  # fmt: skip


def check(service: StandIn, rounds: int) -> None:
    assert service.total("bytes") == rounds * (100_000 + 2000 + 7 + 30)
    assert service.total("flows") == service.total("aggregated") == rounds * 6
    assert service.total("datagrams") == rounds * 3
    assert service.total("events") == rounds
    assert service.total("received") == service.total("decoded") == rounds * 7
    by_origin = {"sampling_options": 1, "sampling_assumed": 6, "sampling_record": 0, "sampling_config": 0}
    assert {name: service.total(name) for name in by_origin} == {
        name: rounds * n for name, n in by_origin.items()
    }


def test_totals_are_those_sent(settings: CollectorSettings, service: StandIn) -> None:
    now = int(time.time())
    with running(settings):
        for sequence in range(20):
            send(settings, *exports(now, sequence))
        wait_until(lambda: metric(settings, "datagrams_total") == 60)
    check(service, 20)
    assert service.total("lost") == service.total("lost_datagrams") == service.total("kernel_drops") == 0
    assert list((settings.state_directory / "spool").glob("*.batch")) == []
    origin = service.batches[0].origin
    assert (origin.collector, origin.operator, origin.economy, origin.synthetic) == (
        "xa-1",
        "demo-net",
        "UY",
        False,
    )
    names = {name for batch in service.batches for name in batch.ledger["exporter"].to_pylist()}
    assert names == {"core-1"}


def test_windows_are_shipped_while_it_runs(settings: CollectorSettings, service: StandIn) -> None:
    """Exports of an hour ago: their windows are over as soon as later ones come."""
    hour_ago = int(time.time()) - 3600
    with running(settings):
        send(settings, *exports(hour_ago, 0))
        send(settings, *exports(hour_ago + 900, 1))
        wait_until(lambda: service.total("flows") == 6)
    check(service, 2)


def test_idle_windows_are_shipped_too(settings: CollectorSettings, service: StandIn) -> None:
    with running(settings.model_copy(update={"idle_seconds": 0.5})):
        send(settings, *exports(int(time.time()), 0))
        wait_until(lambda: service.total("flows") == 6)
        before = len(service.bodies)
    check(service, 1)
    assert len(service.bodies) == before


def test_what_could_not_be_shipped_waits_for_the_next_start(
    settings: CollectorSettings, service: StandIn
) -> None:
    service.failing = True
    with running(settings.model_copy(update={"drain_seconds": 0.05})):
        send(settings, *exports(int(time.time()), 0))
        wait_until(lambda: metric(settings, "datagrams_total") == 3)
    assert service.bodies == {}
    assert len(list((settings.state_directory / "spool").glob("*.batch"))) == 1
    service.failing = False
    with running(settings):
        wait_until(lambda: len(service.bodies) == 1)
    check(service, 1)


def test_a_disk_full_for_a_while_loses_nothing(
    settings: CollectorSettings,
    service: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put, tries = Spool.put, []

    def full(self: Spool, body: bytes, *, beyond: bool = False) -> Any:
        tries.append(body)
        if len(tries) < 3:
            raise SpoolError("the spool cannot be written: No space left on device")
        return put(self, body, beyond=beyond)

    monkeypatch.setattr(Spool, "put", full)
    hour_ago = int(time.time()) - 3600
    with running(settings):
        send(settings, *exports(hour_ago, 0), *exports(hour_ago + 900, 1))
        wait_until(lambda: service.total("flows") == 6)
    check(service, 2)
    assert "waits in memory meanwhile" in caplog.text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for little."""
    place = tmp_path / "state"
    place.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_file_system_that_is_full_for_a_while_loses_nothing(
    settings: CollectorSettings, service: StandIn, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hour_ago = int(time.time()) - 3600
    with running(settings):
        with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        send(settings, *exports(hour_ago, 0), *exports(hour_ago + 900, 1))
        wait_until(lambda: "No space left on device; 1 batch waits in memory" in caplog.text)
        assert metric(settings, "backlog_batches") == 1
        (small_disk / "ballast").unlink()
        wait_until(lambda: service.total("flows") == 6)
    check(service, 2)


def test_a_spool_that_holds_all_it_may_says_so_and_loses_nothing(
    settings: CollectorSettings, service: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    service.failing = True
    hour_ago = int(time.time()) - 3600
    with running(settings.model_copy(update={"spool_max_bytes": 1})):
        send(settings, *exports(hour_ago, 0), *exports(hour_ago + 900, 1))
        wait_until(lambda: metric(settings, "backlog_batches") == 1)
        assert ask(settings.state_directory)["backlog"]["batches"] == 1
        service.failing = False
    assert "holds the 1 bytes it may" in caplog.text
    check(service, 2)


def test_a_batch_damaged_on_disk_is_set_aside_and_reported(
    settings: CollectorSettings, service: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    service.failing = True
    with running(settings.model_copy(update={"drain_seconds": 0.05})):
        send(settings, *exports(int(time.time()), 0))
        wait_until(lambda: metric(settings, "datagrams_total") == 3)
    (segment,) = (settings.state_directory / "spool").glob("*.batch")
    segment.write_bytes(segment.read_bytes()[:-1])
    service.failing = False
    with running(settings):
        wait_until(lambda: metric(settings, "damaged_batches_total") == 1)
        said = ask(settings.state_directory)
        assert (said["spool"]["damaged"], said["shipping"]["damaged"]) == (1, 1)
    assert "is damaged on disk; set aside in" in caplog.text
    assert (settings.state_directory / "spool" / "damaged" / segment.name).exists()
    assert service.bodies == {}


def test_no_planted_address_is_written_anywhere(
    settings: CollectorSettings, service: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    service.failing = True
    scraped = ""
    with caplog.at_level(logging.DEBUG), running(settings):
        now = int(time.time())
        send(settings, *exports(now, 0), b"\0\x09garbage", source=PLANTED[2])
        wait_until(lambda: metric(settings, "datagrams_total") == 4)
        scraped = httpx.get(
            f"http://{settings.metrics_listen}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
        ).text
        service.failing = False
    written = b"".join(path.read_bytes() for path in settings.state_directory.rglob("*") if path.is_file())
    for batch in service.batches:
        written += repr((batch.origin, batch.flows.to_pylist(), batch.ledger.to_pylist())).encode()
    written += b"".join(service.bodies.values()) + scraped.encode()
    written += re.sub(r"http://127\.0\.0\.1:\d+|127\.0\.0\.1:\d+", "", caplog.text).encode()
    assert service.total("flows") == 6
    for address in PLANTED:
        packed = socket.inet_aton(address)
        assert address.encode() not in written
        assert packed not in written
        assert packed[::-1] not in written
    assert TOKEN.encode() not in written
    exporters = {name for batch in service.batches for name in batch.ledger["exporter"].to_pylist()}
    assert [re.fullmatch(r"exporter-[0-9a-f]{10}", name) is not None for name in exporters] == [True]


def test_it_does_not_start_without_its_address(settings: CollectorSettings) -> None:
    host, _, port = settings.listen[0].rpartition(":")
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind((host, int(port)))
        with pytest.raises(ListenError, match="Address already in use"):
            Collector(settings, TABLE).run()  # type: ignore[arg-type]


def test_it_does_not_start_without_a_token(settings: CollectorSettings) -> None:
    settings.service.token_file.unlink()
    with pytest.raises(SettingsError, match=r"^service\.token_file: "):
        Collector(settings, TABLE).run()  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used(
    settings: CollectorSettings, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    service = settings.service.model_copy(update={"ca_file": path})
    with pytest.raises(SettingsError, match=rf"^service\.ca_file: {path} cannot be used: ") as caught:
        service_client(settings.model_copy(update={"service": service}))
    assert "\n" not in str(caught.value)


# The command


def test_sigterm_drains(settings: CollectorSettings, service: StandIn, tmp_path: Path) -> None:
    config = tmp_path / "collector.toml"
    config.write_text(
        f"""collector = "xa-1"
operator = "demo-net"
economy = "UY"
home = ["198.18.0.0/16"]
listen = ["{settings.listen[0]}"]
state_directory = "{tmp_path}/state"
metrics_listen = "{settings.metrics_listen}"
k_anonymity = 1
drain_seconds = {PATIENCE_SECONDS}
[service]
url = "{service.url}"
token_file = "{tmp_path}/token"
"""
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAUDAL_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "caudal", "collect", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        wait_until(lambda: answers(settings) or process.poll() is not None)
        send(settings, *exports(int(time.time()), 0))
        wait_until(lambda: metric(settings, "datagrams_total") == 3)
        assert service.bodies == {}
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "listening on UDP port" in errors
    check(service, 1)


# What is learnt from exporters


def learn(now: int) -> list[bytes]:
    return [
        netflow9(
            options9(300, [(1, 4)], [(48, 1), (50, 4)]), template(257, *BASIC, (48, 1)),
            a_set(300, bytes(4) + b"\1" + (100).to_bytes(4, "big")), seconds=now, sequence=0,
        ),
    ]  # fmt: skip


def data(now: int, sequence: int) -> bytes:
    return netflow9(a_set(257, basic() + b"\1"), seconds=now, sequence=sequence)


def test_after_a_restart_data_decodes_at_once(settings: CollectorSettings, service: StandIn) -> None:
    now = int(time.time())
    with running(settings):
        send(settings, *learn(now), data(now, 1))
        wait_until(lambda: metric(settings, "datagrams_total") == 2)
    with running(settings):
        send(settings, data(now, 2))
        wait_until(lambda: metric(settings, "datagrams_total") == 1)
        assert metric(settings, "waiting_sets") == 0
        assert metric(settings, "templates") == 2
    assert service.total("bytes") == 2 * 100 * 1000
    assert service.total("sampling_options") == 2
    assert service.total("received") == service.total("decoded") == 2


def test_what_is_learnt_outlives_a_kill(
    settings: CollectorSettings, service: StandIn, tmp_path: Path
) -> None:
    """The state file is there a few seconds later, whole, without the collector having been told to stop."""
    now = int(time.time())
    state = settings.state_directory / "exporters.state"
    kept = tmp_path / "kept"
    with running(settings):
        send(settings, *learn(now))
        wait_until(state.exists)
        kept.write_bytes(state.read_bytes())
    state.write_bytes(kept.read_bytes())
    with running(settings):
        send(settings, data(now, 2))
        wait_until(lambda: metric(settings, "datagrams_total") == 1)
        assert metric(settings, "waiting_sets") == 0
    assert service.total("bytes") == 100 * 1000


def test_what_still_waits_at_the_end_is_malformed(settings: CollectorSettings, service: StandIn) -> None:
    with running(settings):
        send(settings, data(int(time.time()), 0))
        wait_until(lambda: metric(settings, "waiting_sets") == 1)
    counts = {name: service.total(name) for name in ("received", "waiting", "malformed", "decoded")}
    assert counts == {"received": 1, "waiting": 0, "malformed": 1, "decoded": 0}


def test_datagrams_of_others_than_the_allowed_are_filtered(
    settings: CollectorSettings, service: StandIn
) -> None:
    now = int(time.time())
    with running(settings.model_copy(update={"allow": ("127.0.0.2/32",)})):
        send(settings, *exports(now, 0))
        send(settings, *exports(now, 0), source="127.0.0.2")
        wait_until(lambda: metric(settings, "datagrams_total") == 6)
        assert metric(settings, "filtered_total") == 3
        assert metric(settings, "exporter_places") == 2, "the one configured, and the one that is allowed"
    assert service.total("flows") == 6
    filtered = {
        row["exporter"]: row["filtered"] for batch in service.batches for row in batch.ledger.to_pylist()
    }
    assert filtered.pop("not-allowed") == 3
    assert set(filtered.values()) == {0}


# One at a time, asked and reloaded


def test_a_second_collector_on_the_same_directory_is_refused(settings: CollectorSettings) -> None:
    with (
        running(settings),
        pytest.raises(StateError, match=r"is in use by another collector \(process \d+\); stop"),
    ):
        Collector(settings, TABLE).run()  # type: ignore[arg-type]


def test_what_it_says_when_asked(settings: CollectorSettings, service: StandIn) -> None:
    began = int(time.time())
    with running(settings):
        send(settings, *exports(began, 0))
        send(settings, b"\0\x09garbage", source=PLANTED[2])
        wait_until(lambda: metric(settings, "datagrams_total") == 4)
        said = ask(settings.state_directory)
        text = json.dumps(said)
    assert said["collector"] == "xa-1"
    assert said["ledger"]["datagrams"] == 4
    assert said["ledger"]["malformed"] == 1
    assert [listener["address"] for listener in said["listeners"]] == list(settings.listen)
    assert said["listeners"][0]["buffer_asked_bytes"] == 1 << 20
    assert said["templates"] == 3
    core, other = sorted(said["exporters"], key=lambda seen: seen["name"])
    assert (core["name"], core["datagrams"]) == ("core-1", 3)
    assert began <= core["last_ms"] / 1000 <= time.time()
    assert re.fullmatch(r"exporter-[0-9a-f]{10}", other["name"])
    # To the operator's own eyes: which router it is, what it sends, and that the other one needs attention.
    assert (core["address"], other["address"]) == ("127.0.0.1", PLANTED[2])
    assert core["protocols"] == ["netflow5", "netflow9", "ipfix"]
    assert core["direction_bytes"] == {"out": 100_000 + 2000 + 30, "in": 7, "internal": 0, "transit": 0}
    assert core["clock_seconds"] == pytest.approx(0, abs=PATIENCE_SECONDS)
    assert said["exporters"][0]["name"] == other["name"]
    assert said["attention"] == {
        "exporters": 2,
        "need_attention": 1,
        "summary": f"1 of 2 routers needs attention: {other['name']} (malformed).",
    }
    assert said["spool"]["batches"] == 0
    assert said["shipping"]["last_error"] == ""
    for address in (PLANTED[0], PLANTED[1], TOKEN):
        assert address not in text


class Reloading:
    """A collector whose settings can be changed while it runs."""

    def __init__(self, settings: CollectorSettings) -> None:
        self.next: CollectorSettings | Exception = settings
        self.asked = 0

    def prepare(self) -> tuple[CollectorSettings, Any]:
        self.asked += 1
        if isinstance(self.next, Exception):
            raise self.next
        return self.next, TABLE


def test_new_settings_are_in_force_and_no_datagram_is_lost(
    settings: CollectorSettings, service: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reloading = Reloading(settings)
    now = int(time.time())
    sent = 0
    second = f"127.0.0.1:{free_port()}"
    port = int(settings.listen[0].rpartition(":")[2])
    (tmp_path / "second-token").write_text("token-of-its-own")
    with (
        StandIn("token-of-its-own") as elsewhere,
        caplog.at_level(logging.INFO),
        running(settings, reloading.prepare) as collector,
    ):
        socket_before = collector._listeners.receivers[0].fileno()
        for turn in range(6):
            listen = (settings.listen[0], second) if turn % 2 else (settings.listen[0],)
            reloading.next = settings.model_copy(
                update={
                    "home": ("203.0.113.0/24",) if turn == 5 else settings.home,
                    "listen": listen,
                    "receive_buffer_bytes": (2 + turn) << 20,
                    "exporters": {"127.0.0.1": Exporter(name=f"core-{turn}", sampling=100)},
                    "service": settings.service.model_copy(
                        update={"url": elsewhere.url, "token_file": tmp_path / "second-token"}
                    ),
                }
            )
            collector.reload()
            while collector.settings is not reloading.next:
                send(settings, netflow5([record5(octets=10)], seconds=now, sequence=sent))
                sent += 1
                wait_until(lambda: udp_port(port) == (0, 0))  # it has read it
        assert collector._listeners.receivers[0].fileno() == socket_before
        send(
            settings.model_copy(update={"listen": (second,)}),
            netflow5([record5(octets=7)], seconds=now, sequence=sent),
        )
        wait_until(lambda: metric(settings, "datagrams_total") == sent + 1)
        assert collector._listeners.receivers[0].asked_bytes == 7 << 20
    assert sent > 20
    assert caplog.text.count("are in force") == 6
    assert service.bodies == {}
    assert elsewhere.total("flows") == sent + 1
    assert elsewhere.total("lost") == elsewhere.total("kernel_drops") == 0
    assert {name for batch in elsewhere.batches for name in batch.ledger["exporter"].to_pylist()} == {
        "core-5"
    }
    assert elsewhere.total("sampling_config") > 0
    # With the other home, what was out is in.
    assert {way for batch in elsewhere.batches for way in batch.flows["direction"].to_pylist()} == {
        "out",
        "in",
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (SettingsError("/etc/caudal/collector.toml: home: is missing; add it"), "home: is missing; add it"),
        ({"window_seconds": 600, "collector": "xa-2"}, "collector, window_seconds cannot change while"),
        ({"listen": ("203.0.113.1:2055",)}, "cannot listen on 203.0.113.1:2055 (UDP)"),
        ({"metrics_listen": "203.0.113.1:9"}, "cannot serve metrics on 203.0.113.1:9"),
        ({"service": "no token"}, "service.token_file: "),
    ],
    ids=["a bad file", "what cannot change", "an address of others", "metrics there", "no token"],
)
def test_settings_that_cannot_be_used_change_nothing(
    settings: CollectorSettings,
    service: StandIn,
    tmp_path: Path,
    change: Any,
    says: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reloading = Reloading(settings)
    if isinstance(change, dict):
        if change.get("service"):
            change = {"service": settings.service.model_copy(update={"token_file": tmp_path / "nothing"})}
        reloading.next = settings.model_copy(
            update={"exporters": {"127.0.0.1": Exporter(name="renamed")}, **change}
        )
    else:
        reloading.next = change
    with running(settings, reloading.prepare) as collector:
        collector.reload()
        wait_until(lambda: "stay as they were" in caplog.text)
        assert collector.settings is settings
        assert [receiver.address for receiver in collector._listeners.receivers] == list(settings.listen)
        send(settings, *exports(int(time.time()), 0))
        wait_until(lambda: metric(settings, "datagrams_total") == 3)
    (line,) = [record.getMessage() for record in caplog.records if "stay as they were" in record.getMessage()]
    assert says in line
    assert "\n" not in line
    check(service, 1)
    assert {name for batch in service.batches for name in batch.ledger["exporter"].to_pylist()} == {"core-1"}


def test_a_second_sigterm_does_not_wait_for_the_service(
    settings: CollectorSettings, service: StandIn
) -> None:
    service.failing = True
    with running(settings.model_copy(update={"drain_seconds": 100 * PATIENCE_SECONDS})) as collector:
        send(settings, *exports(int(time.time()), 0))
        wait_until(lambda: metric(settings, "datagrams_total") == 3)
        collector.stop()
        collector.stop()
    assert len(list((settings.state_directory / "spool").glob("*.batch"))) == 1


def test_a_check_beside_it_tells_of_exporters_that_need_attention(
    settings: CollectorSettings, tmp_path: Path
) -> None:
    with running(settings):
        send(settings, b"\0\x09garbage")
        wait_until(lambda: metric(settings, "datagrams_total") == 1)
        assert [line[:30] for line in _of_exporters(settings.state_directory)] == [
            "exporters: core-1: 1 datagram, "[:30]
        ]
    assert list(_of_exporters(settings.state_directory)) == []
