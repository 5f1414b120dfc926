"""Strangers do their worst: the service stays small, says little, and goes on serving the honest."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.patience import PATIENCE_SECONDS

from .victim import PUBLISHER, Victim, is_honest_batch_stored, victim, wait_until

_MIB = 1 << 20
# What the process may grow by: pools of threads, buffers of sockets, what the allocator keeps. A body is ten times that.
_GROWTH = 96 * _MIB
_BODY = 768 * _MIB
_LOG = 64 << 10
_BROKEN = 10


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, ten_years: Path, overlay: Path) -> Iterator[Victim]:
    with (
        victim(tmp_path_factory.mktemp("flooded"), ten_years, overlay) as running,
        running.honest() as client,
    ):
        order = {"month": "2026-09", "economy": "XA"}
        made = client.post("/v1/vintages", json=order, headers={"Authorization": f"Bearer {PUBLISHER}"})
        assert made.status_code == 201, made.text
        assert is_honest_batch_stored(client, 0)
        yield running


class Honest:
    """Asks for health and sends batches until it is told to stop, and remembers what was answered."""

    def __init__(self, service: Victim) -> None:
        self._service = service
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rounds = 0
        self.failed: list[str] = []

    def __enter__(self) -> "Honest":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # At least one round falls into the flood, which has begun by now.
        before = self.rounds
        try:
            wait_until(lambda: self.rounds > before or not self._thread.is_alive(), "the honest are answered")
        finally:
            self._stop.set()
            self._thread.join()
        assert self.failed == []

    def _run(self) -> None:
        broken = 0
        with self._service.honest() as client:
            while not self._stop.is_set():
                try:
                    if client.get("/healthz").status_code != 200:
                        self.failed.append("healthz")
                    if not is_honest_batch_stored(client, id(self) + self.rounds):
                        self.failed.append("batch")
                except httpx.TransportError as error:
                    # A connection may be closed for another; whoever is honest asks once more, as collectors do.
                    broken += 1
                    if broken > _BROKEN:
                        self.failed.append(repr(error))
                        return
                else:
                    self.rounds += 1


def answer_to(opened: socket.socket) -> bytes:
    """Return what was answered until the other side closed, or would say no more."""
    answer = b""
    try:
        while chunk := opened.recv(1 << 16):
            answer += chunk
    except ConnectionError:
        pass
    return answer


def send_body(service: Victim, head: str, frame: Callable[[bytes], bytes] = bytes) -> bytes:
    """Send a body of 768 MiB, as far as it is taken; return the answer."""
    with service.connect() as opened:
        opened.sendall(f"{head}\r\nHost: localhost\r\n\r\n".encode())
        piece = frame(bytes(_MIB))
        try:
            for _ in range(_BODY // _MIB):
                opened.sendall(piece)
        except OSError:
            pass
        return answer_to(opened)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@pytest.mark.parametrize("path", ["/v1/vintages", "/v1/batches"])
@pytest.mark.parametrize(
    ("length", "frame"), [(f"Content-Length: {_BODY}", bytes), ("Transfer-Encoding: chunked", chunk)]
)
def test_a_huge_body_of_a_stranger_is_not_read(
    service: Victim, path: str, length: str, frame: Callable[[bytes], bytes]
) -> None:
    before = service.resident_bytes
    with Honest(service):
        for _ in range(3):
            answer = send_body(service, f"POST {path} HTTP/1.1\r\n{length}", frame)
            assert answer.startswith(b"HTTP/1.1 401 "), answer[:200]
            assert b"urn:caudal:problem:unauthorized" in answer
    assert service.resident_bytes - before < _GROWTH


def test_a_body_where_none_belongs_is_not_read(service: Victim) -> None:
    before = service.resident_bytes
    answer = send_body(service, f"GET /v1/indicators HTTP/1.1\r\nContent-Length: {_BODY}")
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]
    answer = send_body(service, f"PUT /v1/nothing HTTP/1.1\r\nContent-Length: {_BODY}")
    assert answer.startswith(b"HTTP/1.1 404 "), answer[:200]
    assert service.resident_bytes - before < _GROWTH


def at_once(service: Victim, count: int, path: str, **parameters: Any) -> list[httpx.Response]:
    """Return the answers to so many requests of strangers at once."""
    with (
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
        ThreadPoolExecutor(count) as pool,
    ):
        return list(pool.map(lambda _: client.get(path, params=parameters), range(count)))


def assert_made_or_busy(answers: list[httpx.Response]) -> None:
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["type"] == "urn:caudal:problem:busy"
            assert int(answer.headers["retry-after"]) > 0


def made_in_the_end(service: Victim, path: str, **parameters: Any) -> httpx.Response:
    """Return the answer to who asks again when told that the service is busy: on a slow machine all may be told so."""
    answers: list[httpx.Response] = []

    def made() -> bool:
        answers.append(client.get(path, params=parameters, headers={"Authorization": ""}))
        return answers[-1].status_code == 200

    with service.honest() as client:
        wait_until(made, f"{path} is answered in the end")
    return answers[-1]


def test_recomputation_is_made_once(service: Victim) -> None:
    before = service.resident_bytes
    with Honest(service):
        answers = at_once(service, 120, "/v1/vintages/XA-2026-09-v1/recomputation")
    assert_made_or_busy(answers)
    assert made_in_the_end(service, "/v1/vintages/XA-2026-09-v1/recomputation").json()["same"]
    assert service.resident_bytes - before < 4 * _GROWTH


def test_an_indicator_over_many_months(service: Victim) -> None:
    span = {"economy": "XA", "from": "2026-08", "to": "2036-07"}
    refused = at_once(service, 4, "/v1/indicators/J4", **span)
    assert {answer.status_code for answer in refused} == {422}
    assert "spans 120 months, and one may span 36" in refused[0].json()["detail"]
    with Honest(service):
        answers = at_once(service, 60, "/v1/indicators/J4", economy="XA")
    assert_made_or_busy(answers)
    answers.append(made_in_the_end(service, "/v1/indicators/J4", economy="XA"))
    assert {len(answer.json()["months"]) for answer in answers if answer.status_code == 200} == {36}


def test_work_stops_when_its_clients_have_gone(service: Victim) -> None:
    before = service.counted("caudal_service_refused").get("gone", 0)
    for _ in range(3):
        with service.connect() as opened:
            opened.sendall(
                b"GET /v1/indicators/J4?economy=XA&from=2027-01&to=2029-12 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
    wait_until(
        lambda: service.counted("caudal_service_refused").get("gone", 0) > before,
        "somebody is noticed to have gone",
    )


@pytest.fixture
def small(tmp_path: Path, overlay: Path, request: pytest.FixtureRequest) -> Iterator[Victim]:
    """A service with little patience and few files, as the test asks for."""
    with victim(tmp_path, tmp_path / "store", overlay, **request.param) as running:
        yield running


def closed_by_the_service(opened: socket.socket) -> bool:
    with opened:
        try:
            while opened.recv(1 << 16):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
    return True


@pytest.mark.parametrize("small", [{"header_seconds": 2.0, "connections_per_address": 1000}], indirect=True)
def test_half_open_requests_are_closed(small: Victim) -> None:
    with Honest(small):
        opened = [small.connect() for _ in range(400)]
        for number, each in enumerate(opened):
            if number % 2:
                each.sendall(b"GET /v1/indicators HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert [closed_by_the_service(each) for each in opened] == [True] * 400
    assert small.counted("caudal_service_connections_closed")["head"] >= 400
    assert small.log.stat().st_size < _LOG


@pytest.mark.parametrize("small", [{"files": 256, "connections_per_address": 20}], indirect=True)
def test_descriptors_do_not_run_out(small: Victim) -> None:
    with Honest(small):
        opened = []
        for number in range(900):
            with suppress(OSError):  # the system's own queue of connections may be full for a moment
                opened.append(small.connect(f"127.0.1.{1 + number % 100}"))
        assert small.descriptors <= 256
        for each in opened:
            each.close()
    assert small.counted("caudal_service_connections_closed").get("evicted", 0) > 0
    assert "out of system resource" not in small.log.read_text("utf-8")
    assert small.log.stat().st_size < _LOG


@pytest.mark.parametrize("small", [{"connections_per_address": 20}], indirect=True)
def test_one_address_has_so_many_connections(small: Victim) -> None:
    with Honest(small):
        opened = [small.connect() for _ in range(60)]
        wait_until(
            lambda: small.counted("caudal_service_connections_closed").get("address", 0) == 40,
            "those beyond the limit are turned away",
        )
        for each in opened:
            each.close()


@pytest.mark.parametrize("small", [{"connections_per_address": 1000}], indirect=True)
def test_chunks_of_one_byte_keep_nobody_waiting(small: Victim) -> None:
    head = b"POST /v1/vintages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Honest(small):
        for _ in range(100):
            with small.connect() as opened:
                try:
                    opened.sendall(head + 42_000 * b"1\r\na\r\n")
                except ConnectionError:
                    continue
                # Not read one by one: the parser gave up upon the first hundred.
                assert answer_to(opened)[:13] in (b"HTTP/1.1 400 ", b"")


@pytest.mark.parametrize("small", [{"send_seconds": 1.0, "connections_per_address": 1000}], indirect=True)
def test_those_who_do_not_read_are_closed(small: Victim) -> None:
    before = small.resident_bytes
    request = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Honest(small):
        opened = [small.connect(receive_bytes=4096) for _ in range(60)]
        for each in opened:
            each.sendall(20 * request)
        wait_until(
            lambda: small.counted("caudal_service_connections_closed").get("reading", 0) > 0,
            "somebody is closed for not reading",
        )
        assert small.resident_bytes - before < 2 * _GROWTH
        for each in opened:
            each.close()
    assert small.log.stat().st_size < _LOG


@pytest.mark.parametrize("small", [{}], indirect=True)
def test_what_is_no_http_fills_no_log(small: Victim) -> None:
    before = small.log.stat().st_size
    for _ in range(300):
        with small.connect() as opened:
            opened.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
            answer = answer_to(opened)
            assert answer.startswith(b"HTTP/1.1 400 "), answer
    with small.connect() as opened:
        opened.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 300_000)
        assert answer_to(opened).startswith(b"HTTP/1.1 400 ")
    assert small.log.stat().st_size - before < 2000
