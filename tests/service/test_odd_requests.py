"""Requests that nobody in their right mind makes: each gets a problem that says what is wrong, or is closed; none a 5xx.

Nor does any write a traceback into the log, or a line that it made up.
"""

import io
import itertools
import json
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from caudal.common.logline import LINE_CHARACTERS, LineFormatter
from caudal.contract.batch import MEDIA_TYPE, decode_batch
from caudal.service.api.server import Service
from caudal.service.ingest import Ingest
from caudal.service.problem import MEDIA_TYPE as PROBLEM
from caudal.service.problem import instance_of
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, TOKEN, batch, random_batch

FORGED = "\n2026-11-30 12:00:00,000 INFO caudal.service: published XA-2026-10-v1"
ODD = [
    "", "%00", "%ff", "%ed%a0%80", "%0A" + quote(FORGED), "%1b%5b2J", quote("\u202egnp"), "a" * 5_000, quote("😀" * 100),
    "'", "%5C", "%5C'", "%7Bx:String%7D", "%7D", "%25", "..", "%2F", "-1", "1e9", "9" * 30, "NaN", "XA", "ZZ", "xa",
    "direction:", "direction:%00", "direction:'%5C", "remote_asn:99999999999999999999", "time:1", "folded:1", "J4",
    "XA-2026-08-v1", "AS" + "9" * 40, "eq:2099-01", "M.XA...", "~", "+", "%2B", "x&y", "=",
]  # fmt: skip
TIMES = [
    "2026-08", "2000-01", "2099-12", "2099-12-31", "2000-01-01", "2026-02-30", "2026-13", "2026-00", "2026-08-00",
    "2026-08-01T24", "2026-08-01T23:59:60Z", "2026-08-01T00:00:00Z", "2026-08-01T99", "20٢٦-08", "2026-08\n", "1969-12",
    "2106-03", "9999-12-31", "0001-01-01", "2026-W01", "2026-08-31T23", "2099-12-31T23:00:00Z",
]  # fmt: skip
FILLED = {
    "economy": "XA", "id": "J4", "file": "platforms", "subject": "AS15169", "kind": "datastructure", "agency": "CAUDAL",
    "resource": "DSD_INDICATORS", "version": "1.0", "key": "M.XA", "vintage": "XA-2026-08-v1", "content": "values",
    "month": "2026-08",
}  # fmt: skip


@dataclass
class Under:
    """A service that runs, and everything it has logged, as it would be on disk."""

    address: tuple[str, int]
    log: io.StringIO

    def lines(self) -> list[str]:
        return self.log.getvalue().splitlines()


@pytest.fixture(scope="module")
def under(settings: ServiceSettings, store: Store) -> Iterator[Under]:
    body = random_batch(1, rows=300)
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with Service(settings, lambda: NOW) as service:
            host, _, port = service.url.removeprefix("http://").rpartition(":")
            yield Under((host, int(port)), log)
    finally:
        root.removeHandler(handler)


@pytest.fixture(autouse=True)
def sound(under: Under) -> Iterator[None]:
    """After each test: every line of the log begins as a record does, none is forged, and nothing failed inside."""
    yield
    for line in under.lines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING) [\w.]+: ", line), line
        assert line.isprintable()
        assert len(line) <= LINE_CHARACTERS
        assert not re.match(r".{20,40}INFO caudal\.service: published", line)


class Connection:
    """One connection that sends request lines as they are given, and reads answers by their length."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._file: Any = None

    def ask(self, target: str, method: str = "GET", *headers: str) -> tuple[int, dict[str, str], bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=PATIENCE_SECONDS)
            self._file = self._socket.makefile("rb")
        lines = [f"{method} {target} HTTP/1.1", "Host: x", *headers, "", ""]
        self._socket.sendall("\r\n".join(lines).encode("latin-1"))
        status = int(self._file.readline().split()[1])
        fields = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        if "content-length" in fields and method != "HEAD":
            body = self._file.read(int(fields["content-length"]))
        elif status in (204, 304) or method == "HEAD":
            body = b""
        else:  # streamed, or refused by the parser: to its end, on a connection of its own
            self._socket.shutdown(socket.SHUT_WR)
            body = self._file.read()
            self.close()
        if fields.get("connection") == "close":
            self.close()
        return status, fields, body

    def close(self) -> None:
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None


@pytest.fixture
def connection(under: Under) -> Iterator[Connection]:
    opened = Connection(under.address)
    yield opened
    opened.close()


def check(target: str, answer: tuple[int, dict[str, str], bytes]) -> None:
    """An answer is what was asked for, or a problem that holds no more of the request than is good."""
    status, fields, body = answer
    assert status < 500, (target, body)
    if status < 400:
        return
    if body == b"Invalid HTTP request received.":  # the parser, which then closes
        assert status == 400
        return
    assert fields["content-type"] == PROBLEM, target
    said = json.loads(body)
    assert len(body) < 20_000, target
    assert all(text.isprintable() for text in (said["detail"], said["instance"])), target
    assert len(said["instance"]) <= 80
    for long in ("a" * 81, "9" * 81, "😀" * 81):
        assert long not in said["detail"], target


def routes(under: Under) -> list[tuple[str, list[str], list[str]]]:
    """Every path that takes GET, with its parameters in the path and in the query."""
    document = httpx.get(
        f"http://{under.address[0]}:{under.address[1]}/openapi.json", timeout=PATIENCE_SECONDS
    ).json()
    found = []
    for path, operations in document["paths"].items():
        if "get" in operations:
            parameters = operations["get"].get("parameters", [])
            inside, asked = (
                [each["name"] for each in parameters if each["in"] == where] for where in ("path", "query")
            )
            found.append((path, inside, asked))
    assert len(found) > 20
    return found


def target(path: str, filled: dict[str, str], query: list[str]) -> str:
    for name, value in filled.items():
        path = path.replace(f"{{{name}}}", value)
    return path + ("?" + "&".join(query) if query else "")


def test_odd_values_of_every_parameter(under: Under, connection: Connection) -> None:
    for path, inside, asked in routes(under):
        needed = ["economy=XA"] if "economy" in asked else []
        for name in inside:
            for value in [*ODD, *(map(quote, TIMES) if name == "month" else [])]:
                to = target(path, {**FILLED, name: value}, needed)
                check(to, connection.ask(to))
        for name in asked:
            others = [each for each in needed if not each.startswith(f"{name}=")]
            for value in [*ODD, *(map(quote, TIMES) if name in ("month", "from", "to") else [])]:
                to = target(path, FILLED, [*others, f"{quote(name)}={value}"])
                check(to, connection.ask(to))
            for extra in ([f"{name}=XA", f"{name}=UY"], [name], ["%ff=1"], ["&&==&"]):
                to = target(path, FILLED, [*others, *extra])
                check(to, connection.ask(to))


@pytest.mark.parametrize("path", ["/v1/flows", "/v1/ledger", "/v1/indicators/J4", "/v1/export/values.jsonl"])
def test_any_two_times(connection: Connection, path: str) -> None:
    for first, last in itertools.product(TIMES[::2], TIMES[1::2]):
        to = f"{path}?economy=XA&from={quote(first)}&to={quote(last)}"
        check(to, connection.ask(to))


@pytest.mark.parametrize("method", ["HEAD", "PUT", "OPTIONS", "TRACE", "FOO", "PATCH", "DELETE", "X" * 300])
def test_other_methods(under: Under, connection: Connection, method: str) -> None:
    for path, _, _ in routes(under):
        to = target(path, FILLED, [])
        status, fields, _ = answer = connection.ask(to, method)
        assert status in (405, 400), to
        if status == 405 and method != "HEAD":
            check(to, answer)
            assert "GET" in fields["allow"]


@pytest.mark.parametrize(
    "to",
    [
        "//", "/..", "/../../etc/passwd", "/v1/../v1/flows?economy=XA", "//v1//flows", "http://evil.example/nothing", "*",
        "http://[::1/v1/nothing", "/%00", "/%ff", "/%0d%0aX:%20y", "/v1/flows/?economy=XA", "/" + "a" * 50_000,
        "/v1/flows?" + "a=b&" * 10_000, "/docs/", "/static-offline-docs/..%2f..", "/static-offline-docs/%00",
        "/static-offline-docs/", "/static-offline-docs/" + "a" * 300, "/v1 /flows", "flows", "?", "/;x",
        "/\xff", "/" + quote(FORGED), "/" + quote("\u202egnp\x1b[2J"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_odd_targets(connection: Connection, to: str, method: str) -> None:
    status, fields, _ = answer = connection.ask(to, method)
    check(to, answer)
    assert status in (400, 404, 405, 422)
    assert "location" not in fields


@pytest.mark.parametrize(
    "header",
    [
        "Accept: */*;q=nan", "Accept: " + "a," * 3_000, "Accept-Language: \xff;q=inf", "If-None-Match: \xff", "Range: bytes=x",
        "Authorization: Bearer \xff\xfe", "Authorization: Bearer " + "a" * 5_000, "Authorization: Basic Og==", "Cookie: \xff",
        "Content-Length: 0", "X-Forwarded-For: a, b", "X-Forwarded-Proto: \xff", "Upgrade: h2c", "Expect: nothing",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
    ],
)  # fmt: skip
def test_odd_headers(under: Under, connection: Connection, header: str) -> None:
    for path, _, _ in routes(under):
        to = target(path, FILLED, ["economy=XA"])
        check(to, connection.ask(to, "GET", header))


@pytest.mark.parametrize("host", ["[", "[::1", "a@b:99999", "\xff", "a b", ""])
def test_odd_hosts(under: Under, host: str) -> None:
    for path in ("/nothing", "/v1/flows/", "/v1/flows", "/v1/vintages"):
        said = exchange(
            under, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")
        )
        assert re.match(rb"HTTP/1\.1 (4\d\d|200) ", said), said
        assert b"\nlocation:" not in said.lower()


def exchange(under: Under, sent: bytes, *, cut: bool = False) -> bytes:
    """Send octets on a connection of their own, and return all that comes back; `cut` ends it in the middle."""
    with socket.create_connection(under.address, timeout=PATIENCE_SECONDS) as peer:
        peer.sendall(sent)
        if cut:
            peer.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while piece := peer.recv(1 << 16):
                said += piece
        except ConnectionResetError:
            pass
        return said


POST = f"POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: {MEDIA_TYPE}\r\n".encode()
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "a chunk that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n",
    "a chunk of negative length": POST + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n",
    "an endless chunk length": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 30 + b"\r\nabc",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length that is none": POST + b"Content-Length: x\r\n\r\n",
    "an impossible length": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nabc",
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "zero in a header": GET + b"A: \0\r\n\r\n",
    "a header without end": GET + b"A: " + b"a" * 300_000 + b"\r\n\r\n",
    "too many headers": GET + b"".join(b"A%d: b\r\n" % number for number in range(20_000)) + b"\r\n",
    "tabs": b"GET\t/healthz\tHTTP/1.1\r\n\r\n",
    "empty lines": b"\r\n" * 1_000,
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_http_is_refused_and_closed(under: Under, sent: bytes) -> None:
    said = exchange(under, sent)
    assert re.match(rb"HTTP/1\.1 4\d\d |$", said), said


CUT = {
    "nothing": b"",
    "half a line": b"GET /heal",
    "half a head": GET,
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "half a body": POST + b"Content-Length: 100\r\n\r\nabc",
    "both lengths": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("sent", CUT.values(), ids=CUT.keys())
def test_what_ends_in_the_middle_is_closed(under: Under, sent: bytes) -> None:
    said = exchange(under, sent, cut=True)
    assert re.match(rb"HTTP/1\.1 4\d\d |$", said), said


BODIES = [
    b"", b"{", b"null", b"[]", b"1", b'"x"', b'{"month":"2099-12"}', b'{"month":"2026-08","reason":"\\ud800"}',
    b'{"\\ud800":1,"month":"2026-08"}', b'{"month":"\\ud800"}', b"\xff\xfe", b'{"month":1e400}', b'{"month":' + b"9" * 6_000 + b"}",
    b"[" * 50_000, b'{"a":' * 10_000, b'{"month":"2026-08","reason":"' + b"a" * 50_000 + b'"}', b'{"month":NaN}',
    b'{"month":"2026-08","reason":"\\u0000\\n\\u202e"}', b'{"' + b"a" * 50_000 + b'":1}',
    b"{" + b",".join(b'"k%d":1' % number for number in range(5_000)) + b"}",
]  # fmt: skip


@pytest.mark.parametrize("token", ["publisher", TOKEN], ids=["publisher", "collector"])
def test_odd_orders(settings: ServiceSettings, tmp_path: Any, store: Store, under: Under, token: str) -> None:
    """Of whoever may publish, and of whoever may not."""
    with httpx.Client(
        base_url=f"http://{under.address[0]}:{under.address[1]}", timeout=PATIENCE_SECONDS
    ) as client:
        for body in BODIES:
            for media_type in ("application/json", "text/plain", "application/json; charset=utf-16", "\xff"):
                headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
                answer = client.post(
                    "/v1/vintages", content=body, headers={k: v.encode("latin-1") for k, v in headers.items()}
                )
                check(str(body[:40]), (answer.status_code, dict(answer.headers), answer.content))


@pytest.mark.parametrize("field", ["collector", "operator", "economy", "created", "sequence", "software"])
@pytest.mark.parametrize(
    "value", [FORGED, "\x1b[2J\x07", "\u202egnp", "\u2028x\x85", "a" * 500_000], ids=str.__len__
)
def test_no_field_of_a_batch_forges_a_line(under: Under, field: str, value: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}
    url = f"http://{under.address[0]}:{under.address[1]}/v1/batches"
    answer = httpx.post(url, content=batch(**{field: value}), headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code < 500
    if field in ("collector", "operator", "economy"):
        assert answer.status_code in (403, 422)
        check(field, (answer.status_code, dict(answer.headers), answer.content))


def test_an_instance_is_a_reference() -> None:
    assert instance_of("/v1/flows") == "/v1/flows"
    assert instance_of("/a\nb\x1b\u202e\ud800 ") == "/a%0Ab%1B%E2%80%AE%3F%20"
    assert len(instance_of("/" + "\n" * 100_000)) == 80
