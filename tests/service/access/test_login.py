"""People log in by a provider that runs: `oidc-provider-mock`, in a process of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from caudal.service.access.access import LOGIN, LOGINS_MOST, SESSION
from caudal.service.api.server import Service
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import Person, ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import wait_until

from .test_service import ADMIN, AS_ADMIN

PUBLIC = "https://data.example.org"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC}
USERS = [
    {"sub": "ana", "email": "Ana@Regulator.example", "email_verified": True, "groups": ["staff"]},
    {"sub": "eve", "email": "ana@regulator.example", "email_verified": False},
    {"sub": "luis", "email": "luis@university.example", "groups": ["research", "chess"]},
    {"sub": "nobody", "email": "nobody@elsewhere.example"},
]
PEOPLE = [
    {"claim": "email", "value": "ana@regulator.example", "role": "admin"},
    {"claim": "groups", "value": "research", "role": "analyst", "economies": ["UY"]},
]


class Clock:
    """The time there is, and what is added to it: the provider goes by the real one."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


class Browser:
    """Keeps cookies and asks as a browser does; it takes `https://data.example.org` for the service."""

    def __init__(self, service: Service) -> None:
        self._url = service.url
        self.cookies: dict[str, str] = {}
        self.set: dict[str, str] = {}

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        headers = {**content.pop("headers", {})}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = httpx.request(method, self._url + path, headers=headers, timeout=60, **content)
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.set[name] = line
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer

    def authorise(self, sub: str, **form: str) -> dict[str, str]:
        """Begin a login, and be somebody for the provider; return what it gives to take back."""
        begun = self.ask("GET", "/auth/login")
        assert begun.status_code == 302, begun.text
        agreed = httpx.post(begun.headers["location"], data={"sub": sub, **form}, timeout=60)
        assert agreed.status_code == 302, agreed.text
        back = urlsplit(agreed.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"{PUBLIC}/auth/callback"
        return {name: values[0] for name, values in parse_qs(back.query).items()}

    def log_in(self, sub: str) -> httpx.Response:
        return self.ask("GET", "/auth/callback", params=self.authorise(sub))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log: Path = tmp_path_factory.mktemp("provider") / "log"
    users = [argument for user in USERS for argument in ("--user-claims", json.dumps(user))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", "0", "--require-nonce", "true", *users]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or "running on http" in log.read_text())
        found = re.search(r"running on (http://[0-9.:]+)", log.read_text())
        assert found is not None, log.read_text()
        yield found[1]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(
    settings: ServiceSettings, store: Store, issuer: str, clock: Clock, tmp_path: Path
) -> Iterator[Service]:
    for table in ("access_key", "access_key_revocation", "audit"):
        store.command(f"TRUNCATE TABLE {table}")
    secret = tmp_path / "secret"
    secret.write_text("a-secret\n")
    changes = {
        "publication": {"enabled": False},
        "public_url": PUBLIC,
        "oidc": {"issuer": issuer, "client_id": "caudal", "client_secret_file": secret},
        "people": PEOPLE,
    }
    with Service(
        ServiceSettings(**{**settings.model_dump(), **changes}), clock, {Role.admin: ADMIN}
    ) as running:
        yield running


@pytest.fixture
def browser(service: Service) -> Browser:
    return Browser(service)


def problem(answer: httpx.Response, status: int, kind: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"urn:caudal:problem:{kind}"
    return str(answer.json()["detail"])


def test_somebody_logs_in_works_and_logs_out(browser: Browser, service: Service, store: Store) -> None:
    answer = browser.log_in("ana")
    assert (answer.status_code, answer.headers["location"]) == (302, "../docs")
    me = browser.ask("GET", "/v1/me").json()
    assert (me["name"], me["role"]) == ("Ana@Regulator.example", "admin")
    assert me["credential"] == "login of Ana@Regulator.example"
    made = browser.ask("POST", "/v1/keys", json={"role": "auditor", "name": "A"}, headers=SAME_ORIGIN)
    assert made.status_code == 201, made.text
    assert made.json()["created_by"] == "Ana@Regulator.example"
    assert browser.ask("POST", "/auth/logout", headers=SAME_ORIGIN).status_code == 204
    assert browser.cookies == {}
    assert browser.ask("GET", "/v1/me").json()["role"] == "public"
    rows = store.frame("SELECT actor, deed FROM audit ORDER BY number").rows()
    assert rows == [("Ana@Regulator.example", deed) for deed in ("login", "key.make", "logout")]


def test_the_cookies_are_for_this_service_alone(browser: Browser) -> None:
    browser.log_in("ana")
    for name in ("__Host-caudal-login", "__Host-caudal-session"):
        line = browser.set[name]
        attributes = {each.strip().lower() for each in line.split(";")[1:]}
        assert {"httponly", "secure", "path=/", "samesite=lax"} <= attributes, line
        assert not any(each.startswith("domain") for each in attributes)
    assert len(browser.cookies["__Host-caudal-session"]) >= 43


def test_the_request_to_the_provider(browser: Browser, issuer: str) -> None:
    assert browser.ask("GET", "/auth/login", headers={"Host": "evil.example"}).status_code == 400
    begun = browser.ask("GET", "/auth/login", headers={"Host": "localhost"})
    url = urlsplit(begun.headers["location"])
    assert f"{url.scheme}://{url.netloc}" == issuer
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    # Never of the Host header.
    assert asked["redirect_uri"] == f"{PUBLIC}/auth/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert asked["scope"].split()[0] == "openid"


def test_a_role_by_a_group(browser: Browser) -> None:
    assert browser.log_in("luis").status_code == 302
    me = browser.ask("GET", "/v1/me").json()
    assert (me["role"], me["economies"]) == ("analyst", ["UY"])
    assert "analyst" in problem(browser.ask("GET", "/v1/keys"), 403, "forbidden")


@pytest.mark.parametrize("sub", ["nobody", "eve"])
def test_somebody_without_a_role(browser: Browser, service: Service, store: Store, sub: str) -> None:
    """Eve claims the address of Ana, and the provider says that it is not verified."""
    detail = problem(browser.log_in(sub), 403, "forbidden")
    assert "nobody gave that a role here" in detail
    assert {"nobody": "nobody@elsewhere.example", "eve": "eve"}[sub] in detail
    assert "__Host-caudal-session" not in browser.cookies
    service.stop()
    assert store.frame("SELECT deed, outcome FROM audit").rows() == [("login", "refused")]


@pytest.mark.parametrize("change", [{"state": "another"}, {"state": ""}, {"iss": "https://evil.example"}])
def test_an_answer_that_was_tampered_with(browser: Browser, change: dict[str, str]) -> None:
    back = browser.authorise("ana")
    problem(browser.ask("GET", "/auth/callback", params={**back, **change}), 400, "login-refused")
    assert "__Host-caudal-session" not in browser.cookies
    # And the right one comes too late: an attempt is one attempt.
    problem(browser.ask("GET", "/auth/callback", params=back), 400, "login-refused")


def test_an_answer_in_another_browser(browser: Browser, service: Service) -> None:
    """Who sends somebody the address that ends a login of their own does not log them in."""
    back = browser.authorise("ana")
    victim = Browser(service)
    assert "no login was begun in this browser" in problem(
        victim.ask("GET", "/auth/callback", params=back), 400, "login-refused"
    )
    victim.ask("GET", "/auth/login")
    problem(victim.ask("GET", "/auth/callback", params=back), 400, "login-refused")


def test_an_answer_to_another_login(browser: Browser, service: Service) -> None:
    """A code of one login with the state of another: the nonce in the ID token is not the one that was sent."""
    other = Browser(service).authorise("ana")
    mine = browser.authorise("ana")
    answer = browser.ask("GET", "/auth/callback", params={"state": mine["state"], "code": other["code"]})
    assert "nonce" in problem(answer, 400, "login-refused")


def test_a_code_that_is_none_and_a_refusal(browser: Browser) -> None:
    back = browser.authorise("ana")
    answer = browser.ask("GET", "/auth/callback", params={**back, "code": "guessed"})
    problem(answer, 400, "login-refused")
    denied = browser.authorise("ana", action="deny")
    assert denied["error"] == "access_denied"
    browser.cookies["x"] = "y"
    answer = browser.ask("GET", "/auth/callback", params=denied)
    assert "access_denied" in problem(answer, 400, "login-refused")
    for query in ("", "?state=a&state=b&code=%00", "?code=" + "x" * 5000):
        browser.authorise("ana")
        assert browser.ask("GET", f"/auth/callback{query}").status_code in (400, 422)


def test_a_login_takes_ten_minutes_at_most(browser: Browser, clock: Clock) -> None:
    back = browser.authorise("ana")
    clock.later += LOGIN
    assert "too long ago" in problem(browser.ask("GET", "/auth/callback", params=back), 400, "login-refused")


def test_a_session_ends(browser: Browser, clock: Clock) -> None:
    browser.log_in("ana")
    assert browser.ask("GET", "/v1/keys").status_code == 200
    clock.later += SESSION
    problem(browser.ask("GET", "/v1/keys"), 401, "unauthorized")
    assert browser.ask("GET", "/v1/me").json()["role"] == "public"


def test_a_role_that_is_withdrawn_while_somebody_is_logged_in(browser: Browser, service: Service) -> None:
    browser.log_in("ana")
    assert browser.ask("GET", "/v1/keys").status_code == 200
    service.reread(people=[])
    assert "not among the people" in problem(browser.ask("GET", "/v1/keys"), 403, "forbidden")
    assert browser.ask("GET", "/v1/indicators").status_code == 200  # what is everybody's
    service.reread(people=[Person(claim="sub", value="ana", role=Role.auditor)])
    assert browser.ask("GET", "/v1/me").json()["role"] == "auditor"
    assert browser.ask("POST", "/v1/keys", json={}, headers=SAME_ORIGIN).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.org"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Origin": f"{PUBLIC}.evil.example"},
    ],
)
def test_another_site_cannot_use_a_login(browser: Browser, headers: dict[str, str]) -> None:
    browser.log_in("ana")
    order = {"role": "admin", "name": "evil"}
    answer = browser.ask("POST", "/v1/keys", json=order, headers=headers)
    assert "another site" in problem(answer, 403, "forbidden")
    assert browser.ask("POST", "/auth/logout", headers=headers).status_code == 403
    assert browser.ask("GET", "/v1/keys").json() == {"keys": []}
    # With a key there is nothing that a browser would send by itself.
    keyed = browser.ask("POST", "/v1/keys", json=order, headers={**headers, **AS_ADMIN})
    assert keyed.status_code == 201
    for good in ({"Origin": PUBLIC}, {"Sec-Fetch-Site": "same-origin"}):
        assert browser.ask("POST", "/auth/logout", headers=good).status_code in (204, 401)


def test_sessions_that_are_guessed(browser: Browser) -> None:
    for guess in ("", "x", "a" * 43, "../..", "\x7f"):
        browser.cookies["__Host-caudal-session"] = guess
        assert browser.ask("GET", "/v1/me").json()["role"] == "public"


def test_logins_that_are_begun_are_bounded(service: Service) -> None:
    logins = service._access.logins  # type: ignore[union-attr]
    attempt = object()
    names = [logins.add(attempt) for _ in range(LOGINS_MOST + 50)]  # type: ignore[arg-type]
    assert len(logins) == LOGINS_MOST
    assert logins.take(names[0]) is None
    assert logins.take(names[-1]) is attempt
    assert logins.take(names[-1]) is None


def test_a_provider_that_does_not_answer(settings: ServiceSettings, store: Store, clock: Clock) -> None:
    changes = {
        "publication": {"enabled": False},
        "public_url": PUBLIC,
        "oidc": {"issuer": "http://127.0.0.1:9", "client_id": "caudal"},
    }
    with Service(ServiceSettings(**{**settings.model_dump(), **changes}), clock) as running:
        answer = Browser(running).ask("GET", "/auth/login")
        assert "does not answer" in problem(answer, 503, "login-unavailable")
        assert answer.headers["retry-after"] == "30"


def test_without_a_provider(settings: ServiceSettings, store: Store, clock: Clock) -> None:
    quiet = ServiceSettings(**{**settings.model_dump(), "publication": {"enabled": False}})
    with Service(quiet, clock) as running:
        assert "[oidc]" in problem(Browser(running).ask("GET", "/auth/login"), 403, "forbidden")
