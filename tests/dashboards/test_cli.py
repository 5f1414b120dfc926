import json

import httpx
import pytest
from typer.testing import CliRunner

from caudal.cli import app
from caudal.dashboards.sovereignty import build, dashboard_json

from .fake_grafana import TOKEN, FakeGrafana

runner = CliRunner()


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> FakeGrafana:
    fake = FakeGrafana()
    client = httpx.Client
    monkeypatch.setattr(
        "caudal.dashboards.grafana.httpx.Client",
        lambda **options: client(**options | {"transport": fake.transport}),
    )
    return fake


def one_line(result, words: str) -> None:
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert result.stdout == ""


def test_build_writes_to_standard_output_or_a_file(tmp_path) -> None:
    text = dashboard_json(build())
    assert runner.invoke(app, ["dashboards", "build"]).stdout == text
    file = tmp_path / "d.json"
    assert runner.invoke(app, ["dashboards", "build", "--output", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == text


def test_build_says_why_it_cannot_write(tmp_path) -> None:
    one_line(runner.invoke(app, ["dashboards", "build", "--output", str(tmp_path)]), "Is a directory")


def test_publish_takes_the_token_from_a_file(tmp_path, grafana: FakeGrafana) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    command = ["publish", "--url", "https://grafana.example", "--token-file", str(token)]
    first = runner.invoke(app, ["dashboards", *command])
    assert first.exit_code == 0
    assert first.stdout.splitlines() == [
        "folder Caudal created",
        "dashboard created: https://grafana.example/d/caudal-digital-sovereignty/digital-sovereignty",
    ]
    again = runner.invoke(app, ["dashboards", *command, "--json"])
    assert json.loads(again.stdout)["outcome"] == "unchanged"


def test_publish_takes_the_token_from_the_environment(monkeypatch, grafana: FakeGrafana) -> None:
    monkeypatch.setenv("CAUDAL_GRAFANA_TOKEN", TOKEN)
    result = runner.invoke(app, ["dashboards", "publish", "--url", "https://grafana.example"])
    assert result.exit_code == 0


def test_publish_without_a_token(monkeypatch, tmp_path, grafana: FakeGrafana) -> None:
    monkeypatch.delenv("CAUDAL_GRAFANA_TOKEN", raising=False)
    command = ["publish", "--url", "https://grafana.example"]
    one_line(runner.invoke(app, ["dashboards", *command]), "--token-file")
    missing = [*command, "--token-file", str(tmp_path / "none")]
    one_line(runner.invoke(app, ["dashboards", *missing]), "No such file")
    assert grafana.requests == []


def test_publish_says_what_grafana_refused(monkeypatch, grafana: FakeGrafana) -> None:
    monkeypatch.setenv("CAUDAL_GRAFANA_TOKEN", "glsa_wrong")
    one_line(runner.invoke(app, ["dashboards", "publish", "--url", "https://grafana.example"]), "401")


def test_publish_to_nowhere(monkeypatch) -> None:
    monkeypatch.setenv("CAUDAL_GRAFANA_TOKEN", TOKEN)
    result = runner.invoke(app, ["dashboards", "publish", "--url", "http://127.0.0.1:9"])
    one_line(result, "cannot be reached")
