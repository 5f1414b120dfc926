"""Who holds the token of the publisher: who may publish, and see what is withheld from others."""

import hmac
import re
from hashlib import sha256

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.types import ASGIApp, Receive, Scope, Send

from caudal.service.access.actor import ANYBODY, Actor
from caudal.service.access.roles import Role
from caudal.service.problem import Problem

_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)

# Makes the documentation offer to send the token; what it is worth is decided here.
TOKEN = Depends(HTTPBearer(auto_error=False, description="the token of the publisher"))


class Authority:
    """Knows the token of the publisher by its hash; without one there is nobody who holds it."""

    def __init__(self, token: str | None) -> None:
        self._expected = sha256(token.encode()).digest() if token is not None else None

    def held(self, request: Request) -> bool:
        """Whether a request comes with the token."""
        match = _BEARER.fullmatch(request.headers.get("authorization", ""))
        offered = sha256(match[1].encode("utf-8", "surrogateescape")).digest() if match else b""
        return self._expected is not None and hmac.compare_digest(offered, self._expected)

    def actor(self, request: Request) -> Actor:
        """Return who sent a request."""
        return Actor(Role.publisher, "publisher") if self.held(request) else ANYBODY

    def demand(self, request: Request) -> None:
        """Return if a request comes with the token; raise Problem otherwise."""
        if self._expected is None:
            raise Problem(
                "forbidden",
                "nobody may publish by this interface; set publisher_token_file in the settings of the service",
            )
        if not self.held(request):
            raise Problem(
                "unauthorized",
                "send the publisher's token as Authorization: Bearer <token>",
                headers={"WWW-Authenticate": 'Bearer realm="caudal"'},
            )


class Asking:
    """ASGI middleware that notes who asks."""

    def __init__(self, app: ASGIApp, authority: Authority) -> None:
        self._app = app
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note it and pass the request on."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["actor"] = self._authority.actor(Request(scope))
        await self._app(scope, receive, send)
