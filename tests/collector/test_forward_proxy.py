"""A service beyond a proxy: HTTPS_PROXY and NO_PROXY of the environment, as the unit may set them, are heeded."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.settings.settings import CollectorSettings


def settings(directory: Path, url: str) -> CollectorSettings:
    (directory / "token").write_text("token-of-xa-1-0123456789")
    return CollectorSettings.model_validate(
        {
            "collector": "xa-1",
            "operator": "demo-net",
            "economy": "UY",
            "home": ["198.18.0.0/16"],
            "state_directory": directory,
            "service": {"url": url, "token_file": directory / "token"},
        }
    )


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Take one connection, and answer the first lines that come; give the address, and the lines as they come."""
    heads: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as peer:
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65_536)
            heads.append(head)
            peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        thread.join()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_a_tunnel_is_asked_for_and_the_token_stays_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(REFUSED) as (proxy, heads):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with (
            service_client(settings(tmp_path, "https://data.example.net")) as client,
            pytest.raises(httpx.ProxyError, match="403"),
        ):
            client.get("/healthz")
    assert heads[0].startswith(b"CONNECT data.example.net:443 HTTP/1.1\r\n")
    assert b"token-of-xa-1" not in heads[0]


def test_a_service_in_the_clear_is_asked_through_its_own_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(OK) as (proxy, heads):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with service_client(settings(tmp_path, "http://data.example.net")) as client:
            assert client.get("/healthz").status_code == 200
    assert heads[0].startswith(b"GET http://data.example.net/healthz HTTP/1.1\r\n")


def test_what_is_excepted_is_asked_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(OK) as (url, heads):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with service_client(settings(tmp_path, url)) as client:
            assert client.get("/healthz").status_code == 200
    assert heads[0].startswith(b"GET /healthz HTTP/1.1\r\n")
