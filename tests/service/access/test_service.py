"""Keys, tokens and the record of a service that runs: what is answered, and what is written down."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.service.access.notes import Notes
from caudal.service.api.server import Service
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.samples import NOW, TOKEN

ADMIN = "token-of-the-admin-0123456789"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quiet(settings: ServiceSettings, store: Store) -> ServiceSettings:
    for table in ("access_key", "access_key_revocation", "audit"):
        store.command(f"TRUNCATE TABLE {table}")
    return ServiceSettings(**{**settings.model_dump(), "publication": {"enabled": False}})


@pytest.fixture
def client(quiet: ServiceSettings, clock: Clock) -> Iterator[httpx.Client]:
    own = {Role.admin: ADMIN}
    with Service(quiet, clock, own) as service, httpx.Client(base_url=service.url, timeout=60) as opened:
        yield opened


def make(client: httpx.Client, **order: Any) -> Any:
    made = client.post("/v1/keys", json=order, headers=AS_ADMIN)
    assert made.status_code == 201, made.text
    return made.json()


def me(client: httpx.Client, key: str) -> httpx.Response:
    return client.get("/v1/me", headers={"Authorization": f"Bearer {key}"})


def test_who_one_is(client: httpx.Client) -> None:
    anybody = client.get("/v1/me").json()
    assert (anybody["name"], anybody["role"], anybody["credential"]) == ("anybody", "public", "")
    assert set(anybody["may"]) == {"health", "facts", "published", "oneself"}
    collector = me(client, TOKEN).json()
    assert (collector["name"], collector["role"], collector["operators"]) == (
        "xa-1",
        "collector",
        ["demo-net"],
    )
    key = make(client, role="analyst", name="University", economies=["UY"], days=30)
    mine = me(client, key["key"])
    assert mine.headers["cache-control"] == "no-store"
    assert mine.json() | {"may": None} == {
        "name": "University",
        "role": "analyst",
        "credential": f"key {key['id']}",
        "economies": ["UY"],
        "operators": None,
        "expires_at": "2026-12-21T12:30:15Z",
        "may": None,
    }


def test_a_key_that_is_not_valid_any_more_says_so(client: httpx.Client, clock: Clock) -> None:
    key = make(client, role="publisher", name="P", days=10)
    revoked = make(client, role="publisher", name="P", days=10)
    ended = client.post(f"/v1/keys/{revoked['id']}/revocation", json={"reason": "lost"}, headers=AS_ADMIN)
    assert (ended.status_code, ended.json()["state"], ended.json()["reason"]) == (200, "revoked", "lost")
    assert me(client, key["key"]).status_code == 200
    clock.now += timedelta(days=10)
    for each, says in (
        (key, f"the key {key['id']} expired on 2026-12-01 12:30 UTC"),
        (revoked, f"the key {revoked['id']} was revoked on 2026-11-21 12:30 UTC"),
    ):
        answer = me(client, each["key"])
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith(says)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    # Who guesses the secret of a key whose id is known is told nothing of it.
    guessed = me(client, f"caudal_{key['id']}_{'0' * 43}")
    assert guessed.status_code == 401
    assert key["id"] not in guessed.text


def test_the_role_is_looked_up_at_each_request(client: httpx.Client) -> None:
    key = make(client, role="admin", name="Somebody")
    headers = {"Authorization": f"Bearer {key['key']}"}
    assert client.get("/v1/keys", headers=headers).status_code == 200
    client.post(f"/v1/keys/{key['id']}/revocation", json={"reason": "left"}, headers=AS_ADMIN)
    assert client.get("/v1/keys", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"role": "public", "name": "x"}, "the public needs no key"),
        ({"role": "analyst", "name": "x"}, "give at least one economy"),
        ({"role": "operator", "name": "x"}, "give at least one operator"),
        ({"role": "operator", "name": "x", "operators": ["nobody"]}, "there is no operator 'nobody'"),
        ({"role": "admin", "name": "x", "economies": ["UY"]}, "admin is not bound to economies"),
        ({"role": "collector", "name": "XA 1", "operators": ["demo-net"]}, "named after the collector's id"),
        ({"role": "collector", "name": "xa-1", "operators": ["uy-net"]}, "belongs to operator 'demo-net'"),
        ({"role": "auditor", "name": "x", "days": 1097}, "days"),
        ({"role": "auditor", "name": "x", "days": 0}, "days"),
        ({"role": "auditor", "name": "x\ny"}, "name"),
        ({"role": "auditor", "name": ""}, "name"),
        ({"role": "root", "name": "x"}, "role"),
        ({"role": "auditor", "name": "x", "token": "mine"}, "token"),
    ],
)
def test_keys_that_are_not_made(client: httpx.Client, order: dict[str, Any], says: str) -> None:
    answer = client.post("/v1/keys", json=order, headers=AS_ADMIN)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert client.get("/v1/keys", headers=AS_ADMIN).json() == {"keys": []}


@pytest.mark.parametrize("reason", ["", "two\nlines", "a\u202eback", "\x1b[31m red", "y" * 201])
def test_why_a_key_is_revoked_is_one_printable_line(client: httpx.Client, reason: str) -> None:
    key = make(client, role="auditor", name="A")
    answer = client.post(f"/v1/keys/{key['id']}/revocation", json={"reason": reason}, headers=AS_ADMIN)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:caudal:problem:invalid-request")
    assert me(client, key["key"]).status_code == 200


@pytest.mark.parametrize("body", [b"[" * 50_000, b'{"role": "\xff"}'])
def test_a_body_that_no_parser_reads(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/keys", content=body, headers={**AS_ADMIN, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:caudal:problem:invalid-request")
    assert "no JSON that can be read" in answer.json()["detail"]


def test_keys_one_too_many_or_none(client: httpx.Client) -> None:
    for _ in range(2):
        make(client, role="auditor", name="A")
    third = client.post("/v1/keys", json={"role": "auditor", "name": "A"}, headers=AS_ADMIN)
    assert (third.status_code, third.json()["type"]) == (409, "urn:caudal:problem:too-many-keys")
    none = client.post("/v1/keys/nothing1/revocation", json={"reason": "lost"}, headers=AS_ADMIN)
    assert (none.status_code, none.json()["type"]) == (404, "urn:caudal:problem:unknown-key")


def test_the_key_is_shown_once(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    made = client.post("/v1/keys", json={"role": "auditor", "name": "A"}, headers=AS_ADMIN)
    assert made.headers["cache-control"] == "no-store"
    secret = made.json()["key"].rpartition("_")[2]
    for path in ("/v1/keys", "/v1/audit", "/metrics"):
        assert secret not in client.get(path, headers=AS_ADMIN).text
    assert secret not in caplog.text


def test_what_is_written_down(
    client: httpx.Client, clock: Clock, quiet: ServiceSettings, store: Store
) -> None:
    short = make(client, role="publisher", name="P", days=1)
    auditor = make(client, role="auditor", name="A")
    client.post(f"/v1/keys/{auditor['id']}/revocation", json={"reason": "lost"}, headers=AS_ADMIN)
    clock.now += timedelta(days=2)
    for _ in range(3):
        assert me(client, short["key"]).status_code == 401
        assert client.get("/v1/keys", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 403
    for number in range(20):  # strangers, with one guess after the other
        assert me(client, f"a-guess-that-is-not-it-{number}").status_code == 401
        assert client.get("/v1/audit").status_code == 401
    client.close()
    # What was noted is written at the latest when the service stops: ask the next one.
    own = {Role.admin: ADMIN}
    with Service(quiet, clock, own):
        pass
    rows = store.frame("SELECT actor, deed, subject, outcome, detail FROM audit ORDER BY number")
    written = [(*row[:4], json.loads(row[4])) for row in rows.iter_rows()]
    assert [row[:4] for row in written[:3]] == [
        ("admin", "key.make", f"key {short['id']}", "done"),
        ("admin", "key.make", f"key {auditor['id']}", "done"),
        ("admin", "key.revoke", f"key {auditor['id']}", "done"),
    ]
    assert written[2][4] == {"reason": "lost"}


def test_refusals_are_one_line_a_minute(
    quiet: ServiceSettings, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without its thread nothing is written before the service stops: then every refusal is in one line of its kind.
    monkeypatch.setattr(Notes, "start", lambda _: None)
    with (
        Service(quiet, clock, {Role.admin: ADMIN}) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
    ):
        short = make(client, role="publisher", name="P", days=1)
        clock.now += timedelta(days=2)
        for number in range(20):
            assert me(client, short["key"]).status_code == 401
            assert client.get("/v1/keys", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 403
            assert me(client, f"a-guess-that-is-not-it-{number}").status_code == 401
            assert client.get("/v1/audit").status_code == 401
    rows = store.frame("SELECT actor, credential, deed, subject, outcome, detail FROM audit ORDER BY number")
    written = {tuple(row[:5]): json.loads(row[5]) for row in rows.iter_rows() if row[2] == "refused"}
    assert written == {
        ("P", f"key {short['id']}", "refused", "key expired", "refused"): {"times": 20},
        ("xa-1", "token of xa-1", "refused", "holders", "refused"): {"times": 20},
        ("anybody", "", "refused", "without a valid key", "refused"): {"times": 40},
    }


def test_the_record_is_read_in_pages_and_verified(client: httpx.Client, store: Store) -> None:
    for number in range(5):
        make(client, role="auditor", name=f"A{number}")
    page = client.get("/v1/audit", params={"limit": 2, "deed": "key.make"}, headers=AS_ADMIN).json()
    assert len(page["lines"]) == 2
    rest = client.get("/v1/audit", params={"before": page["before"], "limit": 9}, headers=AS_ADMIN).json()
    assert rest["before"] is None
    assert rest["lines"][-1]["number"] == 1
    whole = client.get("/v1/audit/verification", headers=AS_ADMIN).json()
    assert (whole["whole"], whole["newest"]) == (True, page["lines"][0]["hash"])
    lost = client.get("/v1/audit/verification", params={"known": "f" * 64}, headers=AS_ADMIN).json()
    assert not lost["whole"]
    store.command("ALTER TABLE audit UPDATE actor = 'x' WHERE number = 2 SETTINGS mutations_sync = 2")
    found = client.get("/v1/audit/verification", headers=AS_ADMIN).json()
    assert (found["whole"], found["lines"], found["wrong_line"]) == (False, 1, 2)


def test_metrics_need_a_key_from_afar(quiet: ServiceSettings, clock: Clock) -> None:
    nowhere = ServiceSettings(**{**quiet.model_dump(), "metrics_from": ["198.51.100.0/24"]})
    with Service(nowhere, clock, {Role.admin: ADMIN}) as service:
        assert httpx.get(f"{service.url}/metrics", timeout=PATIENCE_SECONDS).status_code == 401
        key = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{service.url}/metrics", headers=key, timeout=PATIENCE_SECONDS).status_code == 403
        assert (
            httpx.get(f"{service.url}/metrics", headers=AS_ADMIN, timeout=PATIENCE_SECONDS).status_code == 200
        )
    with Service(quiet, clock) as service:
        assert httpx.get(f"{service.url}/metrics", timeout=PATIENCE_SECONDS).status_code == 200
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            answer = httpx.get(
                f"{service.url}/metrics", headers={header: "127.0.0.1"}, timeout=PATIENCE_SECONDS
            )
            assert answer.status_code == 401


def write_settings(directory: Path, settings: ServiceSettings, rest: str = "") -> Path:
    file = directory / "service.toml"
    file.write_text(
        f'dsn = "chdb://{directory}/store"\nlisten = "127.0.0.1:0"\n'
        f'reference_overlay = "{settings.reference_overlay}"\nadmin_token_file = "admin"\n{rest}'
        "[publication]\nenabled = false\n"
        '[[operators]]\nid = "demo-net"\nname = "Demo"\neconomy = "XA"\n'
        '[[collectors]]\nid = "xa-1"\noperator = "demo-net"\ntoken_file = "collector"\n',
        encoding="utf-8",
    )
    (directory / "admin").write_text(ADMIN)
    (directory / "collector").write_text(TOKEN)
    return file


def test_sighup_and_a_changed_file_are_followed_by_the_command(
    settings: ServiceSettings, tmp_path: Path
) -> None:
    config = write_settings(tmp_path, settings)
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "caudal", "serve", "--config", str(config)],
            stderr=out,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_until(lambda: "serving at" in log.read_text() or process.poll() is not None)
        found = re.search(r"serving at (\S+) ", log.read_text())
        assert found is not None, log.read_text()
        with httpx.Client(base_url=found[1], timeout=60) as client:
            assert me(client, TOKEN).status_code == 200
            # A file that changes is followed without a signal, and both tokens are valid for as long as both are there.
            new = "another-token-of-xa-1-0123456789"
            (tmp_path / "collector").write_text(f"{new}\n{TOKEN}\n")
            wait_until(lambda: me(client, new).status_code == 200)
            assert me(client, TOKEN).status_code == 200
            (tmp_path / "collector").write_text(f"{new}\n")
            wait_until(lambda: me(client, TOKEN).status_code == 401)
            # A bad file: the log says why, once, and the token of before stays.
            (tmp_path / "collector").write_text("short")
            wait_until(
                lambda: (
                    me(client, new).status_code == 200
                    and "the tokens of before stay valid" in log.read_text()
                )
            )
            (tmp_path / "collector").write_text(f"{TOKEN}\n")
            for _ in range(5):
                process.send_signal(signal.SIGHUP)
            wait_until(lambda: "read anew; other settings" in log.read_text())
            assert process.poll() is None
            wait_until(lambda: me(client, TOKEN).status_code == 200)
            config.write_text("this is no TOML")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "not read anew: " in log.read_text())
            assert client.get("/readyz").status_code == 200
        assert TOKEN not in log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
