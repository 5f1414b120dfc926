"""`caudal report`: a file or standard output, and one line where it cannot."""

from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from caudal.cli import app

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
            "there are json, csv, xlsx, sdmx-csv, sdmx-json, html, pdf, brief, brief-html",
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
