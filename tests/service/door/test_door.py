"""The door of a running service: what passes, what is refused, what goes with every answer."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.contract.batch import MEDIA_TYPE, decode_batch
from caudal.reference import Reference
from caudal.service.api.server import Service
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.roles.entrances import ENTRANCES
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store
from tests.support.samples import NOW, TOKEN, batch, random_batch

PUBLISHER = "token-of-the-publisher-0123456789"
KNOWN = {"Authorization": f"Bearer {PUBLISHER}"}
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def publisher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("publisher") / "token"
    file.write_text(PUBLISHER, encoding="utf-8")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def own_store(tmp_path_factory: pytest.TempPathFactory, reference: Reference) -> str:
    """A store with 50 months, closed."""
    dsn = f"chdb://{tmp_path_factory.mktemp('door')}/store"
    body = random_batch(3, rows=300, months=50)
    with Store(dsn) as store:
        migrate(store, lambda: NOW)
        load_reference_tables(store, reference, lambda: NOW)
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    return dsn


@pytest.fixture(scope="module")
def service(settings: ServiceSettings, own_store: str, publisher_file: Path) -> Iterator[Service]:
    door = {
        "target_bytes": 2000,
        "header_bytes": 4000,
        "body_seconds": 1.0,
        "rate_limit": "off",
        "rate_limit_keys": "off",
        "trusted_proxies": ["127.0.0.9/32"],
    }
    changed = {
        **settings.model_dump(),
        "door": door,
        "public_url": "https://data.example.org",
        "publisher_token_file": publisher_file,
        "publication": {"enabled": False},
        "dsn": own_store,
    }
    with Service(ServiceSettings(**changed), lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=120) as opened:
        yield opened


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["type"] == f"urn:caudal:problem:{kind}"
    assert said["status"] == status
    assert_headers(answer)
    return said


def assert_headers(answer: httpx.Response) -> None:
    assert {name: answer.headers.get(name) for name in _HEADERS} == _HEADERS
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_another_host_is_refused_before_anything_else(client: httpx.Client) -> None:
    for path in ("/healthz", "/v1/indicators", "/docs", "/nowhere"):
        said = problem(client.get(path, headers={"Host": "evil.example"}), 400, "unknown-host")
        assert "allowed_hosts" in said["detail"]
    assert client.get("/healthz", headers={"Host": "DATA.example.org:443"}).status_code == 200


def test_no_answer_names_the_host_that_was_asked_for(client: httpx.Client) -> None:
    root = client.get("/", headers={"Host": "data.example.org"})
    assert (root.status_code, root.headers["location"]) == (307, "docs")
    problem(client.get("/v1/indicators/", headers={"Host": "data.example.org"}), 404, "unknown-path")


@pytest.mark.parametrize(
    "entrance", [e for e in ENTRANCES if "{" not in e.path], ids=lambda e: f"{e.method} {e.path}"
)
def test_headers_of_every_answer(client: httpx.Client, entrance: Any) -> None:
    assert_headers(client.request(entrance.method, entrance.path))


def test_the_documentation_may_run_its_own_scripts_only(client: httpx.Client) -> None:
    page = client.get("/docs")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-inline'" in policy
    assert "connect-src 'self'" in policy
    assert "http:" not in page.text and "https:" not in page.text
    script = client.get("/static-offline-docs/swagger-ui-bundle.js")
    assert script.status_code == 200 and len(script.content) > 1_000_000
    report = client.get("/v1/reports/XA/2026-09", params={"format": "html"})
    assert "script-src" not in report.headers["content-security-policy"]
    assert "<script" not in report.text


def test_what_is_too_long(client: httpx.Client) -> None:
    said = problem(client.get("/v1/indicators", params={"x": "y" * 3000}), 414, "target-too-long")
    assert said["limit"] == 2000
    problem(client.get("/v1/indicators", headers={"X-Long": "y" * 3900}), 431, "headers-too-large")


def test_no_cache_keeps_what_somebody_known_was_told(client: httpx.Client) -> None:
    public = client.get("/v1/reports/XA/2026-09")
    assert public.headers["cache-control"] == "public, no-cache"
    assert public.headers["vary"] == "Accept, Accept-Language, Authorization, Cookie"
    known = client.get("/v1/reports/XA/2026-09", headers=KNOWN)
    assert known.headers["cache-control"] == "no-store"


def raw(service: Service, request: bytes, address: str = "127.0.0.1") -> bytes:
    with socket.socket() as opened:
        opened.settimeout(120)
        opened.bind((address, 0))
        opened.connect(("127.0.0.1", int(service.url.rpartition(":")[2])))
        opened.sendall(request)
        answer = b""
        while chunk := opened.recv(1 << 16):
            answer += chunk
        return answer


@pytest.mark.parametrize("length", ["Content-Length: 5", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", ["/healthz", "/v1/indicators"])
def test_a_body_where_none_belongs(service: Service, path: str, length: str) -> None:
    answer = raw(service, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_a_body_whose_length_is_told_in_two_ways(service: Service) -> None:
    head = "POST /v1/vintages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    another = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = raw(service, f"{head}{another}".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"not both" in answer


@pytest.mark.parametrize("size", [1, 200])
def test_a_body_in_many_chunks_of_almost_nothing(service: Service, size: int) -> None:
    head = f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: {MEDIA_TYPE}\r\n"
    chunk = f"{size:x}\r\n{size * 'a'}\r\n"
    answer = raw(service, f"{head}Authorization: Bearer {TOKEN}\r\n\r\n{150 * chunk}".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"in chunks of 256 bytes and more" in answer
    # A few small ones are nothing to refuse: what they hold is looked at.
    few = f"{head}Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n{90 * chunk}0\r\n\r\n"
    assert raw(service, few.encode()).startswith(b"HTTP/1.1 422 ")


def test_nobody_is_told_to_go_on_with_a_body_that_is_refused(service: Service) -> None:
    head = "POST /v1/vintages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\nExpect: 100-continue\r\n"
    answer = raw(service, f"{head}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 401 ")
    order = f"{head}Authorization: Bearer {PUBLISHER}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    assert raw(service, order.encode() + b'{"month": "2020-01"}').startswith(b"HTTP/1.1 100 Continue\r\n")


def test_a_body_that_comes_too_slowly(service: Service) -> None:
    head = f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nContent-Type: {MEDIA_TYPE}\r\n"
    answer = raw(service, f"{head}Authorization: Bearer {TOKEN}\r\n\r\nabc".encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:caudal:problem:too-slow" in answer


def test_a_batch_and_an_order_have_limits_of_their_own(client: httpx.Client) -> None:
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}
    said = problem(client.post("/v1/batches", content=bytes((1 << 20) + 1), headers=sent), 413, "too-large")
    assert said["limit"] == 1 << 20
    said = problem(
        client.post("/v1/vintages", content=bytes((64 << 10) + 1), headers=KNOWN), 413, "too-large"
    )
    assert said["limit"] == 64 << 10

    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield bytes(1 << 19)

    problem(client.post("/v1/batches", content=pieces(), headers=sent), 413, "too-large")


def test_who_may_not_send_is_told_so(client: httpx.Client) -> None:
    collector = {"Authorization": f"Bearer {TOKEN}"}
    said = problem(client.post("/v1/vintages", content=b"{}", headers=collector), 403, "forbidden")
    assert "role collector" in said["detail"]
    problem(client.post("/v1/batches", content=batch(), headers=KNOWN), 403, "forbidden")
    for headers in ({}, {"Authorization": "Bearer nobody-knows-this-token"}):
        answer = client.post("/v1/batches", content=batch(), headers=headers)
        problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith('Bearer realm="caudal"')


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/v1/indicators/J4", {"from": "2026-08", "to": "2029-08"}),
        ("/v1/flows", {"from": "2020-01", "to": "2023-01"}),
        ("/v1/flows", {"from": "2020-01-01T00:00Z", "to": "2026-01-01T00:00Z"}),
        ("/v1/ledger", {"from": "2020-01", "to": "2026-01"}),
    ],
)
def test_months_of_one_question(client: httpx.Client, path: str, parameters: dict[str, str]) -> None:
    answer = client.get(path, params={"economy": "XA", **parameters})
    said = problem(answer, 422, "invalid-question")
    assert "one may span 36; ask for less with `from` and `to`" in said["detail"]


def test_the_newest_months_are_answered_where_none_are_named(client: httpx.Client) -> None:
    months = [each["month"] for each in client.get("/v1/indicators/J4?economy=XA").json()["months"]]
    assert len(months) == 36
    known = next(each for each in client.get("/v1/economies").json()["economies"] if each["economy"] == "XA")
    assert months == sorted(known["months"])[-36:]


def test_what_is_refused_is_counted(client: httpx.Client) -> None:
    text = client.get("/metrics").text
    for kind in ("unknown-host", "too-large", "too-slow", "unauthorized", "target-too-long"):
        assert f'caudal_service_refused_total{{kind="{kind}"}}' in text


def test_settings_of_the_door_are_checked(tmp_path: Path, settings: ServiceSettings) -> None:
    for wrong in ({"rate_limit": "many"}, {"trusted_proxies": ["nobody"]}, {"months": 0}, {"no": 1}):
        with pytest.raises(ValueError, match="door"):
            ServiceSettings(**{**settings.model_dump(), "door": wrong})
