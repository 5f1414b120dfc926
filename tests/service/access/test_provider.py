"""A provider that lies, or somebody between it and the service: which ID tokens are not taken."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey

from caudal.service.access.people import Claims
from caudal.service.access.provider import Attempt, Provider
from caudal.service.errors import LoginRefused, ProviderError, ServiceError
from caudal.service.settings.settings import OpenIdConnect

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ISSUER = "https://id.example.org"
SETTINGS = OpenIdConnect(issuer=ISSUER, client_id="caudal")
KEY = RSAKey.generate_key(2048, {"kid": "1"}, auto_kid=False)
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"}, auto_kid=False)
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


class World:
    """What the provider answers; `forms` is what it was sent."""

    def __init__(self) -> None:
        self.metadata: Any = METADATA
        self.keys: Any = {"keys": [KEY.as_dict(private=False)]}
        self.token: Callable[[], Any] = dict
        self.forms: list[dict[str, list[str]]] = []
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.metadata)
        if path == "/keys":
            return httpx.Response(200, json=self.keys)
        self.forms.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json=self.token())


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def provider(world: World) -> Provider:
    return Provider(
        SETTINGS, "https://data.example.org/auth/callback", lambda: NOW, httpx.MockTransport(world)
    )


def claims(nonce: str, /, **changes: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    said = {"iss": ISSUER, "aud": "caudal", "sub": "ana", "exp": now + 600, "iat": now, "nonce": nonce}
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def signed(content: dict[str, Any], key: Any = KEY, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1", **header}, content, key)


def by_hand(header: dict[str, str], content: dict[str, Any], secret: bytes = b"") -> str:
    """Return a token that no library would sign: with HMAC, or with nothing."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, content)]
    mac = hmac.digest(secret, b".".join(parts), "sha256") if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


def log_in(provider: Provider, world: World, token: Callable[[Attempt], Any]) -> Claims:
    _, attempt = provider.begin()
    world.token = lambda: {"access_token": "x", "token_type": "Bearer", "id_token": token(attempt)}
    return provider.finish(attempt, attempt.state, "code", ISSUER)


def test_what_is_right(provider: Provider, world: World) -> None:
    found = log_in(provider, world, lambda attempt: signed(claims(attempt.nonce, email="a@b.example")))
    assert (found.subject, found.email, found.name) == ("ana", "a@b.example", "a@b.example")


def test_the_verifier_fits_the_challenge(provider: Provider, world: World) -> None:
    url, attempt = provider.begin()
    world.token = lambda: {"id_token": signed(claims(attempt.nonce))}
    provider.finish(attempt, attempt.state, "the-code")
    [form] = world.forms
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge"] == [create_s256_code_challenge(form["code_verifier"][0])]
    assert form["code"] == ["the-code"]
    assert form["redirect_uri"] == asked["redirect_uri"]
    assert provider.begin()[1].verifier != attempt.verifier


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another", "caudal"]},  # who else is meant is not said
        {"aud": None},
        {"azp": "another"},
        {"exp": int(NOW.timestamp()) - 3600},
        {"exp": None},
        {"iat": int(NOW.timestamp()) + 3600},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"at_hash": "another"},
    ],
)
def test_claims_that_are_not_taken(provider: Provider, world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(LoginRefused, match="not to be trusted"):
        log_in(provider, world, lambda attempt: signed(claims(attempt.nonce, **changes)))


@pytest.mark.parametrize(
    "forge",
    [
        lambda content: signed(content, OTHER_KEY),
        # Signed with what is public: the key of the provider taken for a shared secret.
        lambda content: by_hand({"alg": "HS256", "kid": "1"}, content, KEY.as_pem(private=False)),
        lambda content: by_hand({"alg": "HS256"}, content, KEY.as_pem(private=False)),
        lambda content: by_hand({"alg": "none"}, content),
        lambda content: by_hand({"alg": "none", "kid": "1"}, content),
        lambda content: signed(content) + "x",
        lambda content: signed(content).rpartition(".")[0] + ".",
        lambda content: "not.a.token",
        lambda content: "",
    ],
)
def test_signatures_that_are_not_taken(provider: Provider, world: World, forge: Callable[[Any], str]) -> None:
    with pytest.raises(LoginRefused, match="not to be trusted"):
        log_in(provider, world, lambda attempt: forge(claims(attempt.nonce)))


def test_new_keys_are_asked_for(provider: Provider, world: World) -> None:
    log_in(provider, world, lambda attempt: signed(claims(attempt.nonce)))
    world.keys = {"keys": [OTHER_KEY.as_dict(private=False)]}
    log_in(provider, world, lambda attempt: signed(claims(attempt.nonce), OTHER_KEY))
    assert world.asked.count("/keys") == 2


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("metadata", {**METADATA, "issuer": "https://evil.example"}, "calls itself"),
        ("metadata", {**METADATA, "token_endpoint": "http://id.example.org/token"}, "not encrypted"),
        ("metadata", {"issuer": ISSUER}, "names no"),
        ("metadata", ["x"], "answers 200"),
        ("keys", {"keys": [{"kty": "x"}]}, "keys cannot be read"),
        ("keys", {"x": []}, "keys cannot be read"),
        ("token", lambda: {"access_token": "x"}, "gave no ID token"),
    ],
)
def test_a_provider_that_does_not_follow_the_standard(
    provider: Provider, world: World, part: str, value: Any, says: str
) -> None:
    setattr(world, part, value)
    with pytest.raises(ProviderError, match=says):
        _, attempt = provider.begin()
        if part == "keys":
            world.token = lambda: {"id_token": signed(claims(attempt.nonce))}
        provider.finish(attempt, attempt.state, "code")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="oops"),
        httpx.Response(200, text="<html>"),
        httpx.Response(302, headers={"Location": "http://127.0.0.1/"}),
        httpx.Response(200, content=b"[" * (2 << 20)),
        httpx.Response(400, json={"error": "invalid_grant"}),
        httpx.Response(400, json=["x"]),
    ],
)
def test_answers_that_are_none(answer: httpx.Response) -> None:
    def world(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=METADATA) if "well-known" in request.url.path else answer

    provider = Provider(SETTINGS, "https://x.example/auth/callback", lambda: NOW, httpx.MockTransport(world))
    _, attempt = provider.begin()
    with pytest.raises(ServiceError) as raised:
        provider.finish(attempt, attempt.state, "code")
    assert "\n" not in str(raised.value)


def test_one_that_fails_is_left_alone_for_a_moment() -> None:
    now = [NOW]
    asked: list[str] = []

    def world(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectTimeout("too slow")

    provider = Provider(
        SETTINGS, "https://x.example/auth/callback", lambda: now[0], httpx.MockTransport(world)
    )
    for _ in range(5):
        with pytest.raises(ProviderError, match="too slow"):
            provider.begin()
    assert len(asked) == 1
    now[0] += timedelta(seconds=11)
    with pytest.raises(ProviderError):
        provider.begin()
    assert len(asked) == 2


def test_an_address_that_is_not_verified_is_nobodys() -> None:
    for verified, email in ((True, "a@b"), (None, "a@b"), (False, None), ("false", None)):
        said = {"sub": "1", "email": "a@b"} | ({} if verified is None else {"email_verified": verified})
        assert Claims.of(json.loads(json.dumps(said))).email == email
    assert Claims.of({"sub": "1", "email": ["a@b"]}).name == "1"
