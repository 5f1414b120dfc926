"""Identification of who asks, in one place, and the answer to whoever may not."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.types import Scope

from caudal.common.vocabulary import BEARER
from caudal.service.access.audit import Audit
from caudal.service.access.keyring import Keyring
from caudal.service.access.keys import Key, digest_of
from caudal.service.access.notes import Notes
from caudal.service.access.people import Claims, actor_of_claims
from caudal.service.access.provider import Attempt, Provider, client_secret
from caudal.service.access.remembered import Remembered
from caudal.service.access.tokenfiles import TokenFiles
from caudal.service.problem import Problem
from caudal.service.roles.actor import ANYBODY, Actor, decide, entitled
from caudal.service.roles.roles import MEANING, Resource, Role
from caudal.service.settings.settings import Person, ServiceSettings

SESSION = timedelta(hours=8)
LOGIN = timedelta(minutes=10)
SESSIONS_MOST = 10_000
# What one address may begin in that time, several times over: nobody pushes out the logins of others so easily.
LOGINS_MOST = 20_000

_BEARER = re.compile(rf"{BEARER} +(\S+) *", re.IGNORECASE)
_SAFE = ("GET", "HEAD", "OPTIONS")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Access:
    """Says who asks and whether they may; everybody who is asked to let somebody in asks this.

    Looks at memory only, so that it may be asked before a request is read; `Notes` write what is to be recorded.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        tokens: TokenFiles,
        keys: Keyring,
        audit: Audit,
        clock: Callable[[], datetime],
    ) -> None:
        self.audit = audit
        self.keys = keys
        self.notes = Notes(audit)
        self.sessions: Remembered[Claims] = Remembered(SESSIONS_MOST, SESSION, clock)
        self.logins: Remembered[Attempt] = Remembered(LOGINS_MOST, LOGIN, clock)
        self.provider: Provider | None = None
        url = settings.public_url.rstrip("/")
        if settings.oidc is not None:
            self.provider = Provider(settings.oidc, f"{url}/auth/callback", clock)
        self.people: Sequence[Person] = settings.people
        self.secure_cookies = url.startswith("https:")
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}" if url else ""
        self._secret_file = settings.oidc.client_secret_file if settings.oidc is not None else None
        self._tokens = tokens
        self._clock = clock
        self._metrics_from = settings.metrics_from

    @property
    def session_cookie(self) -> str:
        """The name of the cookie that holds a session; with the prefix no other host can set it."""
        return "__Host-caudal-session" if self.secure_cookies else "caudal-session"

    @property
    def login_cookie(self) -> str:
        """The name of the cookie that binds a login that was begun to the browser."""
        return "__Host-caudal-login" if self.secure_cookies else "caudal-login"

    def load(self) -> None:
        """Read tokens and keys; raise SettingsError or StoreError."""
        self._tokens.read()
        if self._secret_file is not None:
            client_secret(self._secret_file)
        self.keys.load()

    def start(self) -> None:
        """Begin to write notes into the record."""
        self.notes.start()

    def stop(self) -> None:
        """Write the notes that are left."""
        self.notes.stop()

    def reread(self, people: Sequence[Person] | None = None) -> None:
        """Read token files and keys anew; take other people, where they are given."""
        self._tokens.look(again=True)
        self.keys.load()
        if people is not None:
            self.people = people

    def identify(self, scope: Scope) -> Actor:
        """Return the actor of a request by its ASGI scope, and leave it there as `state["actor"]`.

        Raise Problem 401 for a key that is none, or not valid any more; 403 for a login that another site uses.
        """
        state = scope.setdefault("state", {})
        actor: Actor = state.get("actor", ANYBODY)
        if actor is ANYBODY:
            actor = state["actor"] = self._identified(HTTPConnection(scope))
        return actor

    def enter(self, scope: Scope, resource: Resource) -> Actor:
        """Return the actor of a request, if their role may have the resource; raise Problem 401 or 403.

        Of which economies and operators they may have it, `decide` and `allow` say.
        """
        actor = self.identify(scope)
        if not (resource is Resource.metrics and self._is_near(HTTPConnection(scope))):
            self.check(actor, resource)
        return actor

    def check(self, actor: Actor, resource: Resource) -> None:
        """Return if the role of an actor may have the resource; raise Problem 401 or 403, and note that."""
        if entitled(actor, resource):
            return
        if not actor.known:
            raise self._stranger(
                f"{MEANING[resource]}: not for everybody; send a key or token that allows it as "
                "Authorization: Bearer <key>, or log in",
                invalid=False,
            )
        self.notes.note(actor, "refused", str(resource), "refused")
        if actor.role is Role.public:
            raise Problem(
                "forbidden",
                f"{actor.name} is not among the people who have a role here; whoever runs the service gives roles",
            )
        raise Problem(
            "forbidden",
            f"{actor.name} has the role {actor.role} ({actor.credential}), which does not have this: "
            f"{MEANING[resource]}",
        )

    def allow(
        self,
        actor: Actor,
        resource: Resource,
        economies: Collection[str] = (),
        operators: Collection[str] | None = None,
    ) -> None:
        """Return if an actor may have a resource of these economies and operators; raise Problem 403 otherwise."""
        if decide(actor, resource, economies, operators):
            return
        self.notes.note(actor, "refused", str(resource), "refused")
        bound = [
            f"{name} {', '.join(sorted(those))}"
            for name, those in (("economies", actor.economies), ("operators", actor.operators))
            if those is not None
        ]
        raise Problem(
            "forbidden",
            f"{actor.name} ({actor.role}) is bound to {' and '.join(bound) or 'nothing of this'}; ask for those",
        )

    def note_reading(self, actor: Actor, resource: Resource, economies: Collection[str]) -> None:
        """Note that somebody who is known read of economies what the public does not: exact figures, running months."""
        if not economies:
            return
        self.notes.note(actor, "read", f"{resource} {','.join(sorted(economies))}", "done")

    def _identified(self, connection: HTTPConnection) -> Actor:
        header = connection.headers.get("authorization", "")
        if header[: len(BEARER)].lower() == BEARER.lower():
            match = _BEARER.fullmatch(header)
            if match is None:
                raise self._stranger(
                    "the Authorization header is not Bearer <key>; write it so", invalid=False
                )
            return self._of_token(match[1])
        return self._of_session(connection) or ANYBODY

    def _of_token(self, token: str) -> Actor:
        digest = digest_of(token)
        actor = self._tokens.actor(digest)
        if actor is not None:
            return actor
        key = self.keys.by_digest(digest)
        if key is None:
            raise self._stranger(
                "the key or token is not known here; compare it with what the service gave, or with its token file"
            )
        self._refuse_ended(key)
        return key.actor

    def _refuse_ended(self, key: Key) -> None:
        state = key.state(self._clock())
        if state == "valid":
            return
        self.notes.note(key.actor, "refused", f"key {state}", "refused")
        ended = key.revoked_at if state == "revoked" and key.revoked_at is not None else key.expires_at
        raise _unauthorized(
            f"the key {key.id} {'was revoked' if state == 'revoked' else 'expired'} on {ended:%Y-%m-%d %H:%M} UTC; "
            "ask whoever runs the service for another",
            invalid=True,
        )

    def _of_session(self, connection: HTTPConnection) -> Actor | None:
        name = connection.cookies.get(self.session_cookie)
        found = self.sessions.get(name) if name else None
        if found is None:
            return None
        until, claims = found
        actor = actor_of_claims(claims, self.people, until)
        if connection.scope.get("method") not in _SAFE and not self.same_origin(connection):
            self.notes.note(actor, "refused", "another site", "refused")
            raise Problem(
                "forbidden",
                "the request comes from another site than this one, with the login of this one; send a key instead",
            )
        return actor

    def same_origin(self, connection: HTTPConnection) -> bool:
        """Return True if a browser says that a page of this service sends the request."""
        site, origin = (connection.headers.get(name) for name in ("sec-fetch-site", "origin"))
        if site is None and origin is None:
            return False
        return site in (None, "same-origin") and origin in (None, self._origin)

    def _is_near(self, connection: HTTPConnection) -> bool:
        """Return True if a request comes from where metrics may be read without a key, and through no proxy."""
        if connection.client is None or any(name in connection.headers for name in _FORWARDED):
            return False
        try:
            address = ip_address(connection.client.host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._metrics_from)

    def _stranger(self, detail: str, *, invalid: bool = True) -> Problem:
        # All in one: strangers are many, and whatever they ask for is one line a minute.
        self.notes.note(ANYBODY, "refused", "without a valid key", "refused")
        return _unauthorized(detail, invalid=invalid)


def actor_of(request: Request) -> Actor:
    """Return the actor of a request that was identified; anybody where it was not."""
    actor = request.scope.get("state", {}).get("actor")
    return actor if isinstance(actor, Actor) else ANYBODY


def _unauthorized(detail: str, *, invalid: bool) -> Problem:
    error = ', error="invalid_token"' if invalid else ""
    headers: dict[str, Any] = {"WWW-Authenticate": f'Bearer realm="caudal"{error}'}
    return Problem("unauthorized", detail, headers=headers)
