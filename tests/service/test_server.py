"""What prevents the service from serving is one line and exit status 2."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from caudal.service.api.server import Service, run
from caudal.service.settings.settings import ServiceSettings
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW


def line(settings: ServiceSettings, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(settings) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("caudal: ")
    assert captured.err.count("\n") == 1
    return captured.err


def changed(settings: ServiceSettings, **values: object) -> ServiceSettings:
    return ServiceSettings(**{**settings.model_dump(), **values})


def test_port_in_use(settings: ServiceSettings, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        said = line(changed(settings, listen=place), capsys)
    assert f"cannot listen on {place}: Address already in use" in said


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("sqlite:///tmp/x", "has scheme 'sqlite'; use chdb:///directory"),
        ("chdb://var/lib/caudal", "three slashes"),
        ("chdb:///proc/nope", "/proc/nope cannot be made"),
        ("chdb:////etc/passwd", "/etc/passwd cannot be made"),
        ("clickhouse://caudal:verysecret@127.0.0.1:9/caudal", "the store at 127.0.0.1:9 does not answer"),
    ],
)
def test_dsn(settings: ServiceSettings, capfd: pytest.CaptureFixture[str], dsn: str, says: str) -> None:
    said = line(changed(settings, dsn=dsn), capfd)
    assert says in said
    assert "verysecret" not in said


def test_store_of_another_process(
    settings: ServiceSettings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dsn = f"chdb://{tmp_path}/store"
    hold = "import sys,clickhouse_connect as c; k=c.get_client(dsn=sys.argv[1]); print('held',flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        said = line(changed(settings, dsn=dsn), capfd)
        assert f"is in use by another process (process {other.pid})" in said
        other.communicate(b"", timeout=PATIENCE_SECONDS)


def test_overlay_and_economy(
    settings: ServiceSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "reference: " in line(changed(settings, reference_overlay=tmp_path / "none"), capsys)
    operators = [
        {"id": "demo-net", "name": "x", "economy": "QQ"},
        {"id": "uy-net", "name": "x", "economy": "UY"},
    ]
    assert "'QQ' is not an economy" in line(changed(settings, operators=operators), capsys)


def test_missing_token(settings: ServiceSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collectors = [{"id": "xa-1", "operator": "demo-net", "token_file": tmp_path / "none"}]
    assert "token_file" in line(changed(settings, collectors=collectors), capsys)


def test_started_again_in_the_same_process(settings: ServiceSettings) -> None:
    for _ in range(2):
        with Service(settings, lambda: NOW) as service:
            assert httpx.get(f"{service.url}/readyz", timeout=PATIENCE_SECONDS).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.url}/readyz", timeout=PATIENCE_SECONDS)
