"""`caudal indicators`, beside a service that runs and without one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caudal.cli import app
from caudal.contract.batch import decode_batch
from caudal.reference import Reference
from caudal.service.api.server import Service
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.settings.settings import load_settings
from caudal.service.store.store import Store
from tests.support.samples import NOW, TOKEN, random_batch

PUBLISHER = "token-of-the-publisher-0123456789"


@pytest.fixture
def config(tmp_path: Path, overlay: Path, reference: Reference) -> Path:
    (tmp_path / "collector").write_text(TOKEN)
    (tmp_path / "publisher").write_text(PUBLISHER)
    file = tmp_path / "service.toml"
    file.write_text(
        f'dsn = "chdb://{tmp_path}/store"\nlisten = "127.0.0.1:1"\nreference_overlay = "{overlay}"\n'
        'publisher_token_file = "publisher"\n[publication]\nenabled = false\n'
        '[[operators]]\nid = "demo-net"\nname = "Demo"\neconomy = "XA"\n'
        '[[collectors]]\nid = "xa-1"\noperator = "demo-net"\ntoken_file = "collector"\n',
        encoding="utf-8",
    )
    with Store(f"chdb://{tmp_path}/store") as store:
        migrate(store, lambda: NOW)
        body = random_batch(5, rows=200)
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    return file


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["indicators", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_without_a_service_that_runs(config: Path, tmp_path: Path) -> None:
    said = run("compute", "--month", "2026-09", "--config", str(config))
    assert said.startswith("XA 2026-09: published as XA-2026-09-v1, ")
    assert "give --reason" in run("compute", "--month", "2026-09", "--config", str(config))
    output = tmp_path / "values.jsonl"
    run("export", "values", "--config", str(config), "--output", str(output))
    first, *_, last = [json.loads(line) for line in output.read_text().splitlines()]
    assert (first["type"], last["type"]) == ("notice", "end")


@pytest.fixture
def running(config: Path) -> Iterator[Path]:
    """Settings of a service that runs with them."""
    with Service(load_settings(config).model_copy(update={"listen": "127.0.0.1:0"}), lambda: NOW) as service:
        port = service.url.rpartition(":")[2]
        config.write_text(config.read_text().replace("127.0.0.1:1", f"127.0.0.1:{port}"))
        yield config


def test_beside_the_service(running: Path) -> None:
    settings = ("--config", str(running))
    assert "published as XA-2026-08-v1" in run("compute", "--month", "2026-08", "--economy", "XA", *settings)
    refused = run("compute", "--month", "2026-08", "--economy", "XA", *settings, code=2)
    assert "give a reason to publish a revision" in refused
    unchanged = run("compute", "--month", "2026-08", "--economy", "XA", "--reason", "looked again", *settings)
    assert "not published again" in unchanged
    assert run("list", *settings).startswith("XA-2026-08-v1 ")
    assert "values are the same" in run("recompute", "XA-2026-08-v1", *settings)
    assert "there is no vintage" in run("recompute", "XA-2026-08-v9", *settings, code=2)
    assert "write YYYY-MM" in run("compute", "--month", "2026-8", *settings, code=2)
    lines = run("export", "aggregates", *settings).splitlines()
    assert json.loads(lines[-1])["lines"] == len(lines) - 2


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    assert "caudal: " in run("list", "--config", str(tmp_path / "none.toml"), code=2)
