"""OpenID Connect: the authorization code flow with PKCE, towards one provider.

What the provider says of itself is asked when somebody logs in, and kept for an hour: the service starts without it.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from caudal.common.errors import SettingsError
from caudal.common.logline import quoted
from caudal.service.access.people import Claims
from caudal.service.access.tokenfiles import read_private
from caudal.service.errors import LoginRefused, ProviderError
from caudal.service.settings.settings import LOOPBACK_NAMES, OpenIdConnect

# Those that are signed with a key that the provider alone has.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_SECONDS = 10.0
_LEEWAY_SECONDS = 60
_KEPT = timedelta(hours=1)
# A provider that does not answer is not asked again at once: logins would wait behind each other.
_LEFT_ALONE = timedelta(seconds=10)
_BYTES_MOST = 1 << 20


@dataclass(frozen=True)
class Attempt:
    """A login that was begun: what must come back with it."""

    state: str
    nonce: str
    verifier: str


def client_secret(file: Path) -> str:
    """Return the secret by which the provider knows the service; raise SettingsError where others can read it."""
    return read_private(file, f"oidc: client_secret_file {file}").strip()


class Provider:
    """Sends browsers to log in, and makes claims of what they bring back; safe to use from several threads."""

    def __init__(
        self,
        settings: OpenIdConnect,
        redirect_uri: str,
        clock: Callable[[], datetime],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: tuple[datetime, str] | None = None
        self._metadata: tuple[datetime, dict[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def begin(self) -> tuple[str, Attempt]:
        """Return the address to send a browser to, and the attempt that is to come back; raise ProviderError."""
        attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        url = prepare_grant_uri(
            self._endpoint("authorization_endpoint"),
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self._redirect_uri,
            scope=self._settings.scopes,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return str(url), attempt

    def finish(self, attempt: Attempt, state: str, code: str, issuer: str | None = None) -> Claims:
        """Return the claims of who logged in; raise LoginRefused or ProviderError.

        `issuer` is what the answer says of who gives it (RFC 9207), where it does.
        """
        if not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise LoginRefused(
                "the answer is not to the login that was begun here; begin again at /auth/login"
            )
        if issuer is not None and issuer != self._settings.issuer:
            raise LoginRefused("the answer is of another provider than the login; begin again at /auth/login")
        answer = self._token(attempt, code)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderError("the provider of identities gave no ID token; look at the scopes in [oidc]")
        return self._claims(token, attempt.nonce, answer.get("access_token"))

    def _claims(self, token: str, nonce: str, access_token: object) -> Claims:
        try:
            try:
                decoded = jwt.decode(token, self._key_set(), algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                # Perhaps the provider has new keys.
                decoded = jwt.decode(token, self._key_set(anew=True), algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                {"nonce": nonce, "client_id": self._settings.client_id, "access_token": access_token},
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise LoginRefused(
                f"the provider's ID token is not to be trusted ({type(error).__name__}: {error}); begin again at "
                "/auth/login"
            ) from error
        return Claims.of(claims)

    def _token(self, attempt: Attempt, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        auth = None
        secret_file = self._settings.client_secret_file
        if secret_file is not None:
            try:
                secret = client_secret(secret_file)
            except SettingsError as error:
                raise ProviderError(str(error)) from error
            methods = self._known().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if "client_secret_basic" in methods:
                auth = httpx.BasicAuth(self._settings.client_id, secret)
            else:
                form["client_secret"] = secret
        if auth is None:
            form["client_id"] = self._settings.client_id
        return self._ask("POST", self._endpoint("token_endpoint"), data=form, auth=auth)

    def _endpoint(self, name: str) -> str:
        url = self._known().get(name)
        if not isinstance(url, str):
            raise ProviderError(f"the provider of identities names no {name}; look at issuer in [oidc]")
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in LOOPBACK_NAMES:
            raise ProviderError(f"the provider's {name} is not encrypted; it is not used")
        return url

    def _known(self) -> dict[str, Any]:
        """Return the provider's own description of itself."""
        now = self._clock()
        with self._lock:
            if self._metadata is None or now >= self._metadata[0] + _KEPT:
                issuer = self._settings.issuer
                if self._failed is not None and now < self._failed[0] + _LEFT_ALONE:
                    raise ProviderError(self._failed[1])
                try:
                    found = self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                except ProviderError as error:
                    self._failed = (self._clock(), str(error))
                    raise
                if found.get("issuer") != issuer:
                    raise ProviderError(
                        f"the provider calls itself {quoted(found.get('issuer'))}; write that as issuer in [oidc], if it "
                        "is the one that is meant"
                    )
                self._metadata = (now, found)
            return self._metadata[1]

    def _key_set(self, *, anew: bool = False) -> KeySet:
        url = self._endpoint("jwks_uri")
        now = self._clock()
        with self._lock:
            if self._keys is None or anew or now >= self._keys[0] + _KEPT:
                found = self._ask("GET", url)
                try:
                    self._keys = (now, KeySet.import_key_set(found))  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise ProviderError("the provider's keys cannot be read") from error
            return self._keys[1]

    def _ask(self, method: str, url: str, **content: Any) -> dict[str, Any]:
        try:
            with (
                httpx.Client(timeout=_SECONDS, trust_env=False, transport=self._transport) as client,
                client.stream(method, url, headers={"Accept": "application/json"}, **content) as answer,
            ):
                status, body = answer.status_code, bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > _BYTES_MOST:
                        raise ProviderError(
                            f"the provider of identities answers more than {_BYTES_MOST} bytes; look at issuer in [oidc]"
                        )
        except httpx.HTTPError as error:
            raise ProviderError(f"the provider of identities does not answer: {error}") from error
        try:
            found = json.loads(bytes(body))
        except (ValueError, RecursionError) as error:
            raise ProviderError(
                f"the provider of identities answers {status}, and no JSON; look at issuer in [oidc]"
            ) from error
        if not isinstance(found, dict):
            raise ProviderError(f"the provider of identities answers {status}, and no object")
        if method == "POST" and status in (400, 401, 403):
            raise LoginRefused(
                f"the provider takes the login for none of its own ({quoted(found.get('error'))}); begin again at "
                "/auth/login"
            )
        if status != 200:
            raise ProviderError(f"the provider of identities answers {status}; look at issuer in [oidc]")
        return found
