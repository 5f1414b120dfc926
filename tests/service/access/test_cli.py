"""`caudal keys` and `caudal audit`, beside a service that runs and without one."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from caudal.cli import app
from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings, load_settings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW

from .test_service import write_settings


@pytest.fixture
def config(settings: ServiceSettings, tmp_path: Path) -> Path:
    file = write_settings(tmp_path, settings)
    file.write_text(file.read_text().replace("127.0.0.1:0", "127.0.0.1:1"))
    return file


def run(config: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_without_a_service_that_runs(config: Path) -> None:
    made = json.loads(run(config, "keys", "create", "--role", "auditor", "--name", "Office", "--json").stdout)
    listed = json.loads(run(config, "keys", "list", "--json").stdout)
    assert [key["id"] for key in listed["keys"]] == [made["id"]]
    assert "key.make" in run(config, "audit", "list").output


@pytest.fixture
def running(config: Path) -> Iterator[Path]:
    """Settings of a service that runs with them."""
    with Service(load_settings(config).model_copy(update={"listen": "127.0.0.1:0"}), lambda: NOW) as service:
        config.write_text(config.read_text().replace("127.0.0.1:1", service.url.removeprefix("http://")))
        yield config


def test_beside_the_service(running: Path) -> None:
    assert "there are no keys yet" in run(running, "keys", "list").output
    made = run(
        running, "keys", "create", "--role", "analyst", "--name", "Uni", "--economy", "XA",
        "--days", "30",
    )  # fmt: skip
    key = made.stdout.strip()
    assert key.startswith("caudal_")
    assert "valid until 2026-12-21" in made.stderr
    key_id = key.split("_")[1]
    url = load_settings(running).listen
    me = httpx.get(
        f"http://{url}/v1/me", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_SECONDS
    ).json()
    assert (me["role"], me["economies"]) == ("analyst", ["XA"])
    table = run(running, "keys", "list").output
    assert all(text in table for text in (key_id, "analyst", "XA", "valid", "2026-12-21", "admin"))
    assert key not in table
    assert "is revoked" in run(running, "keys", "revoke", key_id, "--reason", "lost").output
    assert "revoked: lost" in run(running, "keys", "list").output
    assert "there is no key" in run(running, "keys", "revoke", "nothing1", "--reason", "lost", code=2).output
    run(running, "keys", "revoke", "../x", "--reason", "x", code=2)
    refused = run(running, "keys", "create", "--role", "analyst", "--name", "Uni", code=2)
    assert "give at least one economy" in refused.output
    lines = [json.loads(line) for line in run(running, "audit", "list", "--json").stdout.splitlines()]
    assert [line["deed"] for line in lines] == ["key.make", "key.revoke"]
    whole = run(running, "audit", "verify")
    assert whole.stdout == f"2 lines, whole; newest hash {lines[-1]['hash']}\n"
    run(running, "audit", "verify", "--known", lines[0]["hash"])
    assert json.loads(run(running, "audit", "verify", "--json").stdout)["whole"]
    assert "the end was cut" in run(running, "audit", "verify", "--known", "0" * 63 + "1", code=1).output


def test_a_record_that_was_tampered_with(config: Path) -> None:
    for name in ("A", "B", "C"):
        run(config, "keys", "create", "--role", "auditor", "--name", name)
    with Store(load_settings(config).dsn.get_secret_value()) as store:
        store.command("ALTER TABLE audit DELETE WHERE number = 2 SETTINGS mutations_sync = 2")
    said = run(config, "audit", "verify", code=1).output
    assert said == "line 3 does not fit: line 2 is missing: it was removed; 1 line before does\n"
    answer = json.loads(run(config, "audit", "verify", "--json", code=1).stdout)
    assert (answer["whole"], answer["wrong_line"], answer["lines"]) == (False, 3, 1)


def test_a_token_that_is_not_that_of_the_service(running: Path) -> None:
    other = running.with_name("other")
    other.write_text("another-token-of-the-admin")
    elsewhere = running.with_name("elsewhere.toml")
    text = running.read_text()
    elsewhere.write_text(text.replace('admin_token_file = "admin"', 'admin_token_file = "other"'))
    assert "admin_token_file" in run(elsewhere, "keys", "list", code=2).output
    elsewhere.write_text(text.replace('admin_token_file = "admin"\n', ""))
    assert "admin_token_file" in run(elsewhere, "keys", "list", code=2).output
    other.chmod(0o644)
    elsewhere.write_text(text.replace('admin_token_file = "admin"', 'admin_token_file = "other"'))
    assert "chmod o-rwx" in run(elsewhere, "keys", "list", code=2).output
