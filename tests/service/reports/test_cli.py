"""`caudal report`: a file or standard output, and one line where it cannot."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from caudal.cli import app
from tests.support.patience import PATIENCE_SECONDS

from .conftest import MONTH

RUNNER = CliRunner()


def url(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


def test_it_writes_what_the_service_answers(demo_client: httpx.Client, tmp_path: Path) -> None:
    for name in ("r.pdf", "r.xlsx", "r.html", "r.csv"):
        file = tmp_path / name
        done = RUNNER.invoke(
            app, ["report", "xa", MONTH, "--language", "es", "-o", str(file), "--service", url(demo_client)]
        )
        assert done.exit_code == 0, done.output
        answer = demo_client.get(
            f"/v1/reports/XA/{MONTH}", params={"format": file.suffix.removeprefix("."), "language": "es"}
        )
        assert file.read_bytes() == answer.content
    assert sorted(each.name for each in tmp_path.iterdir()) == ["r.csv", "r.html", "r.pdf", "r.xlsx"]


def test_text_goes_to_standard_output(demo_client: httpx.Client) -> None:
    done = RUNNER.invoke(app, ["report", "XA", MONTH, "--format", "sdmx-csv", "--service", url(demo_client)])
    assert done.exit_code == 0 and done.stdout.startswith("STRUCTURE,STRUCTURE_ID")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["XA", MONTH, "--format", "docx"],
            "there are json, csv, xlsx, sdmx-csv, sdmx-json, html, pdf, brief, brief-html, press",
        ),
        (["XA", MONTH, "--language", "fr"], "there are es, pt, en"),
        (["XA", "2026-1"], "write YYYY-MM"),
        (["XA", "2019-01"], "months with data: 2026-08, 2026-09, 2026-10"),
        (["QQ", MONTH], "economies with data: XA"),
        (["XA", MONTH, "-o", "/nowhere/at/all.csv"], "cannot be written"),
        (["XA", MONTH, "--config", "/nowhere/service.toml"], "give the settings file with --config"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    demo_client: httpx.Client, arguments: list[str], said: str
) -> None:
    done = RUNNER.invoke(app, ["report", *arguments, "--service", url(demo_client)])
    assert done.exit_code == 2
    assert done.output.startswith("caudal: ") and said in done.output and done.output.count("\n") == 1


def test_no_service_is_said_with_what_to_do() -> None:
    done = RUNNER.invoke(app, ["report", "XA", MONTH, "--service", "http://127.0.0.1:1"])
    assert done.exit_code == 2 and "--config" in done.output


@contextmanager
def answering(*pieces: bytes) -> Iterator[str]:
    """Give the address of what answers every request with these pieces and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    for piece in pieces:
                        connection.sendall(piece)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE_SECONDS)


CSV = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (
            [CSV + b"Content-Length: 1000\r\n\r\n", b"economy,month\n"],
            "without sending complete message body",
        ),
        ([CSV + b"Content-Length: 1000\r\n\r\n"], "without sending complete message body"),
        (
            [CSV + b"Transfer-Encoding: chunked\r\n\r\n5\r\necono\r\n"],
            "without sending complete message body",
        ),
        ([CSV + b"Content-Length: 0\r\n\r\n"], "answered nothing, no report"),
        ([CSV + b"\r\n"], "answered nothing, no report"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], "answered status 204, no report"),
        ([b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"], "answered status 302"),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"],
            "text/html where text/csv",
        ),
        ([b""], "no service answers at"),
    ],
)
def test_what_is_not_the_whole_report_is_no_file(tmp_path: Path, pieces: list[bytes], said: str) -> None:
    file = tmp_path / "r.csv"
    file.write_text("the report of last week")
    with answering(*pieces) as address:
        done = RUNNER.invoke(app, ["report", "XA", MONTH, "-o", str(file), "--service", address])
    assert done.exit_code == 2 and said in done.output and done.output.count("\n") == 1, done.output
    assert file.read_text() == "the report of last week"
    assert [each.name for each in tmp_path.iterdir()] == ["r.csv"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


REPORT = CSV + b"Content-Length: 1000000\r\n\r\n" + b"economy,month\n" * 71_428 + b"XA,2026\n"


def test_a_full_disk_leaves_the_old_file_and_an_error(small_disk: Path) -> None:
    file = small_disk / "r.csv"
    file.write_text("the report of last week")
    with answering(REPORT) as address:
        done = RUNNER.invoke(app, ["report", "XA", MONTH, "-o", str(file), "--service", address])
    assert done.exit_code == 2 and "cannot be written: No space left on device" in done.output
    assert file.read_text() == "the report of last week"
    assert [each.name for each in small_disk.iterdir()] == ["r.csv"]


def test_standard_output_that_takes_nothing_is_an_error() -> None:
    command = [sys.executable, "-m", "caudal", "report", "XA", MONTH, "--format", "csv", "--service"]
    with answering(REPORT) as address:
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [*command, address],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        assert done.returncode == 2
        assert done.stderr.startswith("caudal: standard output cannot be written: No space left on device")
        assert done.stderr.count("\n") == 1
        reader = subprocess.Popen(
            [*command, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert reader.stdout is not None and reader.stderr is not None
        reader.stdout.close()
        said = reader.stderr.read()
        assert reader.wait(PATIENCE_SECONDS) == 2
        assert said == "caudal: standard output was closed before everything was written\n"
        reader.stderr.close()
