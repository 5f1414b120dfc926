"""The way to the service over real sockets: TLS with a throw-away CA, and services that misbehave."""

import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from caudal.collector.deliver import delivery
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.collector.settings.settings import CollectorSettings
from caudal.common.errors import SettingsError
from tests.support.patience import PATIENCE_SECONDS

Behaviour = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    opened = Spool(tmp_path / "spool")
    opened.open()
    opened.put(b"body")
    return opened


def settings(directory: Path, url: str, **service: Path) -> CollectorSettings:
    (directory / "token").write_text("token-of-xa-1-0123456789")
    return CollectorSettings.model_validate(
        {
            "collector": "xa-1", "operator": "demo-net", "economy": "UY", "home": ["198.18.0.0/16"],
            "state_directory": directory, "service": {"url": url, "token_file": directory / "token", **service},
        }
    )  # fmt: skip


def read_request(peer: socket.socket) -> bytes:
    """Read one request with its content; return the content."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += peer.recv(65536)
    head, _, content = got.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split()[1]
    )
    while len(content) < length:
        content += peer.recv(65536)
    return content


def acknowledge(peer: socket.socket) -> None:
    said = json.dumps({"batch_id": hashlib.sha256(read_request(peer)).hexdigest()}).encode()
    peer.sendall(
        b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(said), said)
    )


class Misbehaving:
    """A server that treats each connection by the next behaviour, and acknowledges after the last."""

    def __init__(self, *behaviours: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self._behaviours = iter(behaviours)
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self.identities: list[object] = []
        self.errors: list[Exception] = []
        self.finished = threading.Event()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._context is not None:
                    peer = self._context.wrap_socket(peer, server_side=True)
                    self.identities.append(peer.getpeercert())
                with peer:
                    peer.settimeout(PATIENCE_SECONDS)
                    next(self._behaviours, acknowledge)(peer)
            except OSError as error:
                self.errors.append(error)
                peer.close()

    def close(self) -> None:
        self.finished.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def serving(*behaviours: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[Misbehaving]:
    server = Misbehaving(*behaviours, context=context)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(PATIENCE_SECONDS)


def ship(spool: Spool, client: httpx.Client, seconds: float = PATIENCE_SECONDS) -> Shipper:
    with Shipper(
        spool, client, look_seconds=0.005, first_wait_seconds=0.001, longest_wait_seconds=0.01
    ) as shipper:
        assert shipper.drain(seconds), shipper.last_error
    return shipper


def hang(peer: socket.socket) -> None:
    read_request(peer)
    while peer.recv(1):  # until the collector has had enough
        pass


def garbage(peer: socket.socket) -> None:
    read_request(peer)
    peer.sendall(b"\0\xff\0 this is no HTTP\r\n\r\n")


def empty(peer: socket.socket) -> None:
    read_request(peer)


def cut_off(peer: socket.socket) -> None:
    read_request(peer)
    peer.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")


def cut_in_request(peer: socket.socket) -> None:
    peer.recv(10)


def endless(peer: socket.socket) -> None:
    read_request(peer)
    peer.sendall(b"HTTP/1.1 201 Created\r\n\r\n")
    while True:
        peer.sendall(b"x" * 65536)


def redirect(peer: socket.socket) -> None:
    read_request(peer)
    peer.sendall(
        b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )


def trickle(peer: socket.socket) -> None:
    read_request(peer)
    peer.sendall(b"HTTP/1.1 201 Created\r\n\r\n")
    for _ in range(1000):
        peer.sendall(b" ")
        peer.settimeout(0.02)
        try:
            if not peer.recv(1):
                return
        except TimeoutError:
            pass


@pytest.mark.parametrize(
    "behaviour",
    [hang, garbage, empty, cut_off, cut_in_request, endless, redirect, trickle],
    ids=lambda behaviour: behaviour.__name__,
)
def test_a_service_that_misbehaves_gets_the_batch_again(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    monkeypatch.setattr(delivery, "_ANSWER_SECONDS", 0.3)
    with serving(behaviour, behaviour) as server:
        client = service_client(settings(tmp_path, f"http://127.0.0.1:{server.port}"))
        client.timeout = httpx.Timeout(0.3)
        shipper = ship(spool, client)
        # A machine that is busy may have it give up more often than the two times it is bound to.
        assert (shipper.shipped, server.connections) == (1, shipper.failures + 1)
        assert shipper.failures >= 2
    assert shipper.last_error
    assert "\n" not in shipper.last_error


def test_a_name_that_is_gone(spool: Spool, tmp_path: Path) -> None:
    """DNS does not answer for a while: the batch waits, and goes when it does."""
    with serving() as server:
        client = service_client(settings(tmp_path, f"http://caudal.invalid:{server.port}"))
        with Shipper(
            spool, client, look_seconds=0.005, first_wait_seconds=0.001, longest_wait_seconds=0.01
        ) as shipper:
            assert not shipper.drain(PATIENCE_SECONDS, hurry=lambda: shipper.failures > 0)
            assert "cannot be reached" in shipper.last_error
            shipper.use(service_client(settings(tmp_path, f"http://localhost:{server.port}")))
            assert shipper.drain(PATIENCE_SECONDS)
    assert spool.segments() == []


# TLS


def server_context(authority: trustme.CA, *names: str, clients: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if clients:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def refused(spool: Spool, client: httpx.Client) -> str:
    with Shipper(
        spool, client, look_seconds=0.005, first_wait_seconds=0.001, longest_wait_seconds=0.01
    ) as shipper:
        assert not shipper.drain(PATIENCE_SECONDS, hurry=lambda: shipper.failures > 0)
        assert shipper.shipped == 0
    assert len(spool.segments()) == 1
    return shipper.last_error


def test_a_ca_of_ones_own(spool: Spool, tmp_path: Path, authority: trustme.CA, ca_file: Path) -> None:
    with serving(context=server_context(authority, "localhost")) as server:
        client = service_client(settings(tmp_path, f"https://localhost:{server.port}", ca_file=ca_file))
        assert ship(spool, client).shipped == 1


def test_a_certificate_nobody_vouches_for(spool: Spool, tmp_path: Path, authority: trustme.CA) -> None:
    with serving(context=server_context(authority, "localhost")) as server:
        client = service_client(settings(tmp_path, f"https://localhost:{server.port}"))
        assert "CERTIFICATE_VERIFY_FAILED" in refused(spool, client)


def test_a_certificate_of_another_name(
    spool: Spool, tmp_path: Path, authority: trustme.CA, ca_file: Path
) -> None:
    with serving(context=server_context(authority, "elsewhere.example")) as server:
        client = service_client(settings(tmp_path, f"https://localhost:{server.port}", ca_file=ca_file))
        assert "Hostname mismatch" in refused(spool, client)


@pytest.mark.parametrize("together", [False, True])
def test_a_client_certificate(
    spool: Spool, tmp_path: Path, authority: trustme.CA, ca_file: Path, together: bool
) -> None:
    mine = authority.issue_cert("xa-1.example")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    if together:
        mine.private_key_and_cert_chain_pem.write_to_path(str(certificate))
        files = {"client_certificate": certificate}
    else:
        mine.cert_chain_pems[0].write_to_path(str(certificate))
        mine.private_key_pem.write_to_path(str(key))
        files = {"client_certificate": certificate, "client_key": key}
    with serving(context=server_context(authority, "localhost", clients=True)) as server:
        url = f"https://localhost:{server.port}"
        assert refused(spool, service_client(settings(tmp_path, url, ca_file=ca_file)))
        assert ship(spool, service_client(settings(tmp_path, url, ca_file=ca_file, **files))).shipped == 1
        assert "xa-1.example" in str(server.identities[-1])


def test_client_files_that_cannot_be_used(tmp_path: Path, authority: trustme.CA) -> None:
    mine, other = authority.issue_cert("a.example"), authority.issue_cert("b.example")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    mine.cert_chain_pems[0].write_to_path(str(certificate))
    other.private_key_pem.write_to_path(str(key))
    for files, reason in (
        ({"client_certificate": tmp_path / "nothing"}, "No such file"),
        ({"client_certificate": certificate}, "give certificate and key in PEM"),
        ({"client_certificate": certificate, "client_key": key}, "key values mismatch"),
    ):
        with pytest.raises(SettingsError, match=r"^service\.client_certificate: ") as caught:
            service_client(settings(tmp_path, "https://localhost:1", **files))
        assert reason.lower() in str(caught.value).lower()
        assert "\n" not in str(caught.value)


def test_an_encrypted_key_is_refused_and_not_asked_about(tmp_path: Path, authority: trustme.CA) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    mine = authority.issue_cert("a.example")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    mine.cert_chain_pems[0].write_to_path(str(certificate))
    plain = load_pem_private_key(mine.private_key_pem.bytes(), None)
    key.write_bytes(
        plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(SettingsError, match=r"^service\.client_key: .* is encrypted"):
        service_client(
            settings(tmp_path, "https://localhost:1", client_certificate=certificate, client_key=key)
        )


def test_a_key_without_a_certificate_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="client_key is of no use without client_certificate"):
        settings(tmp_path, "https://localhost:1", client_key=tmp_path / "key")
