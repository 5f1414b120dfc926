"""The API and the command that find batches and change them, over a service that runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from caudal.cli import app
from caudal.contract.batch import MEDIA_TYPE, batch_id
from caudal.reference import Reference
from caudal.service.api.server import Service
from caudal.service.roles.entrances import entrance_of
from caudal.service.settings.settings import load_settings
from tests.support.samples import NOW, TOKEN, batch, random_batch

ADMIN, PUBLISHER = "token-of-the-admin-0123456789", "token-of-the-publisher-0123456789"
FIRST, SECOND = random_batch(1, rows=50), random_batch(2, rows=50, software="caudal 0.0.9")
AUTHORITY = {"Authorization": f"Bearer {ADMIN}"}
PUBLISHING = {"Authorization": f"Bearer {PUBLISHER}"}


@pytest.fixture
def config(tmp_path: Path, overlay: Path, reference: Reference) -> Path:
    (tmp_path / "collector").write_text(TOKEN)
    (tmp_path / "admin").write_text(ADMIN)
    (tmp_path / "publisher").write_text(PUBLISHER)
    for name in ("collector", "admin", "publisher"):
        (tmp_path / name).chmod(0o600)
    file = tmp_path / "service.toml"
    file.write_text(
        f'dsn = "chdb://{tmp_path}/store"\nlisten = "127.0.0.1:1"\nreference_overlay = "{overlay}"\n'
        'admin_token_file = "admin"\npublisher_token_file = "publisher"\n[publication]\nenabled = false\n[storage]\nreserve_mebibytes = 0\n'
        '[[operators]]\nid = "demo-net"\nname = "Demo"\neconomy = "XA"\n'
        '[[collectors]]\nid = "xa-1"\noperator = "demo-net"\ntoken_file = "collector"\n',
        encoding="utf-8",
    )
    return file


@pytest.fixture
def client(config: Path) -> Iterator[httpx.Client]:
    settings = load_settings(config).model_copy(update={"listen": "127.0.0.1:0"})
    with Service(settings, lambda: NOW) as service, httpx.Client(base_url=service.url, timeout=60) as opened:
        for body in (FIRST, SECOND):
            assert send(opened, body).status_code == 201
        config.write_text(
            config.read_text(encoding="utf-8").replace("127.0.0.1:1", service.url.removeprefix("http://")),
            encoding="utf-8",
        )
        yield opened


def send(client: httpx.Client, body: bytes) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}
    return client.post("/v1/batches", content=body, headers=headers)


def ask(client: httpx.Client, path: str = "", **parameters: Any) -> Any:
    answer = client.get(f"/v1/batches{path}", params=parameters, headers=AUTHORITY)
    assert answer.status_code == 200, answer.text
    return answer.json()


def order(client: httpx.Client, body: bytes, change: str, reason: Any = "counted twice") -> httpx.Response:
    content = {"change": change, "reason": reason}
    return client.post(f"/v1/batches/{batch_id(body)}/changes", json=content, headers=AUTHORITY)


def test_found_by_what_is_known_of_them(client: httpx.Client) -> None:
    everything = ask(client)
    assert everything["found"] == 2
    assert {each["batch_id"] for each in everything["batches"]} == {batch_id(FIRST), batch_id(SECOND)}
    [one] = ask(client, software="0.0.9")["batches"]
    assert one["batch_id"] == batch_id(SECOND)
    assert (one["state"], one["reason"], one["kept"], one["rows"]) == ("counted", "", True, 50)
    for none in (
        {"economy": "UY"}, {"operator": "x"}, {"collector": "x"}, {"state": "held"}, {"to": "2026-11-21T12:30:15Z"},
        {"from": "2026-11-21T12:30:16Z"}, {"offset": 2},
    ):  # fmt: skip
        assert ask(client, **none)["batches"] == [], none
    assert ask(client, limit=1, offset=1)["found"] == 2
    for some in (
        {"economy": "XA"},
        {"operator": "demo-net"},
        {"state": "counted"},
        {"from": "2026-11-21T12:30:15Z"},
    ):
        assert ask(client, **some)["found"] == 2, some


def test_taken_back_months_follow_at_once_and_published_ones_are_named(client: httpx.Client) -> None:
    address = "/v1/indicators/J1"
    asked = {"economy": "XA", "month": "2026-10"}
    published = client.post("/v1/vintages", json={"economy": "XA", "month": "2026-08"}, headers=PUBLISHING)
    assert published.status_code in (200, 201), published.text
    before = client.get(address, params=asked).json()
    receipt = order(client, SECOND, "retract")
    assert receipt.status_code == 200, receipt.text
    assert receipt.json() == {
        "batch_id": batch_id(SECOND),
        "state": "retracted",
        "months": ["2026-08", "2026-09", "2026-10"],
        "published": ["XA-2026-08-v1"],
    }
    after = client.get(address, params=asked).json()
    assert after != before
    assert ask(client, state="retracted")["found"] == 1
    history = ask(client, f"/{batch_id(SECOND)}")
    own = client.get("/v1/collector", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert [(each["state"], each["batches"]) for each in own["days"]] == [("counted", 1), ("retracted", 1)]
    assert [(each["deed"], each["subject"]) for each in history["changes"]] == [("retract", "admin")]
    assert order(client, SECOND, "retract").status_code == 409
    assert order(client, SECOND, "restore").status_code == 200
    assert client.get(address, params=asked).json() == before
    assert send(client, SECOND).status_code == 200


@pytest.mark.parametrize(
    "reason", ["", "  ", "x", "y" * 201, "two\nlines", "a\u202eback", "\u0000\u0000\u0000", 7, None, ["a"]]
)
def test_a_reason_that_says_nothing_or_too_much(client: httpx.Client, reason: Any) -> None:
    assert order(client, FIRST, "retract", reason).status_code == 422
    assert ask(client, state="counted")["found"] == 2


def test_what_is_asked_wrongly(client: httpx.Client) -> None:
    unknown = client.post(
        f"/v1/batches/{'0' * 64}/changes",
        json={"change": "retract", "reason": "who knows"},
        headers=AUTHORITY,
    )
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:caudal:problem:unknown-batch")
    assert order(client, FIRST, "delete").status_code == 422
    assert order(client, FIRST, "release").json()["type"] == "urn:caudal:problem:change-refused"
    for wrong in (
        {"from": "2026-11-21T12:30:15"}, {"to": "9999-12-31T23:59:59Z"}, {"from": "0001-01-01T00:00:00Z"},
        {"state": "gone"}, {"limit": 0}, {"collector": "a\nb"},
    ):  # fmt: skip
        assert client.get("/v1/batches", params=wrong, headers=AUTHORITY).status_code == 422, wrong
    assert client.get("/v1/batches/..%2f..%2fetc", headers=AUTHORITY).status_code == 404


def test_whoever_proves_nothing_has_nothing(client: httpx.Client) -> None:
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {TOKEN}"}, 403)):
        assert client.get("/v1/batches", headers=headers).status_code == status
        assert client.get(f"/v1/batches/{batch_id(FIRST)}", headers=headers).status_code == status
        content = {"change": "retract", "reason": "malice"}
        answer = client.post(f"/v1/batches/{batch_id(FIRST)}/changes", json=content, headers=headers)
        assert answer.status_code == status
    for method, path in (("GET", "/v1/batches"), ("GET", "/v1/batches/a"), ("POST", "/v1/batches/a/changes")):
        assert entrance_of(method, path) is not None


def test_readiness_counts_what_is_quarantined(client: httpx.Client) -> None:
    assert client.get("/readyz").json()["details"]["quarantined"] == 0


def run(config: Path, *arguments: str, code: int = 0, answer: str = "") -> str:
    result = CliRunner().invoke(app, ["batches", *arguments, "--config", str(config)], input=answer)
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_the_command(client: httpx.Client, config: Path) -> None:
    extra = batch(sequence="extra", software="caudal 0.0.9")
    assert send(client, extra).status_code == 201
    assert batch_id(FIRST) in run(config, "list")
    assert batch_id(FIRST) not in run(config, "list", "--software", "0.0.9")
    assert "--collector" in run(config, "retract", "--reason", "all of it", code=2)
    said = run(
        config, "retract", "--software", "0.0.9", "--reason", "a fault of that version", answer="n\n", code=1
    )
    assert "retract 2 batches?" in said
    said = run(config, "retract", "--software", "0.0.9", "--reason", "a fault of that version", answer="y\n")
    assert "2 batches: retract done; months: 2026-08, 2026-09, 2026-10" in said
    assert "retract by admin: a fault of that version" in run(config, "show", batch_id(extra))
    listed = json.loads(run(config, "list", "--state", "retracted", "--json"))
    assert listed["found"] == 2
    said = run(config, "retract", batch_id(extra), "--reason", "again", "--yes", code=1)
    assert "the batch is retracted: it takes restore, not retract" in said
    answer = json.loads(
        run(config, "restore", "--from", "2026-11-01", "--reason", "it was right", "--yes", "--json")
    )
    assert len(answer["changed"]) == 2
    assert run(config, "list", "--state", "retracted") == "there are no such batches\n"
    assert "no time" in run(config, "list", "--from", "yesterday", code=2)


def test_the_command_where_no_service_runs(config: Path) -> None:
    assert run(config, "list") == "there are no such batches\n"
