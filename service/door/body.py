"""Reads a body: as far as it may go, as fast as it must."""

import asyncio
import time

from starlette.types import Receive, Scope

from caudal.common.logline import quoted
from caudal.service.errors import Gone
from caudal.service.problem import Problem
from caudal.service.settings.doorsettings import DoorSettings

# Before so much time has gone by, no rate is asked of a body.
_GRACE_SECONDS = 10.0


def declared_bytes(scope: Scope) -> int | None:
    """Return the declared length of a request's body in bytes: 0 without a body, None where the length will be seen."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            return int(value)
    return 0


def check_declared(scope: Scope, limit: int) -> None:
    """Return if a request declares no larger body than it may have; raise Problem otherwise."""
    declared = declared_bytes(scope)
    if limit == 0 and declared != 0:
        raise Problem(
            "too-large",
            f"{scope['method']} {quoted(scope['path'])} takes no body; send none",
            extras={"limit": 0},
        )
    if declared is not None and declared > limit:
        raise too_large(limit)


async def read_body(receive: Receive, limit: int, settings: DoorSettings) -> bytes:
    """Return a body; raise Problem where it is too large or too slow, Gone where its sender has gone."""
    began = time.monotonic()
    chunks: list[bytes] = []
    size = 0
    while True:
        # The moment at which what has come would be less than the least rate, or all time is over.
        until = min(settings.body_seconds, _GRACE_SECONDS + size / settings.body_bytes_per_second)
        left = began + until - time.monotonic()
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError as error:
            raise Problem(
                "too-slow",
                f"{size} bytes of the body came in {time.monotonic() - began:.0f} seconds; send at least "
                f"{settings.body_bytes_per_second} a second, and all in {settings.body_seconds:g} seconds",
                headers={"Connection": "close"},
            ) from error
        if message["type"] != "http.request":
            raise Gone("the connection ended before the body did")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def too_large(limit: int) -> Problem:
    """Return the problem of a body that is larger than it may be."""
    return Problem(
        "too-large", f"the body is larger than {limit} bytes; send smaller batches", extras={"limit": limit}
    )
