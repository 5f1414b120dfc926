"""Errors as RFC 9457 problem details: one clear answer to everything that can be asked wrongly."""

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from caudal.common.errors import CaudalError
from caudal.common.logline import QUOTED_CHARACTERS, line, quoted
from caudal.reference import ReferenceDataError
from caudal.service.errors import (
    AlreadyPublished,
    Busy,
    ChangeRefused,
    Gone,
    KeyConflict,
    NotFound,
    NotPublished,
    QuestionError,
    QuotaExceeded,
    StoreError,
    StoreFull,
    TooDear,
    TooLong,
)

MEDIA_TYPE = "application/problem+json"
# Nobody reads it: what proxies write down for a client that has gone.
GONE_STATUS = 499
_log = logging.getLogger(__name__)

# Of a request that is wrong in a thousand places.
_MOST_ERRORS = 20

# Every kind of problem: what its type ends in → (title, status).
KINDS: dict[str, tuple[str, int]] = {
    "unknown-host": ("The service does not go by this name", 400),
    "unreadable-request": ("The request is not HTTP as the service speaks it", 400),
    "bad-digest": ("The body is not what its digest says", 400),
    "login-refused": ("The login is not the one that was begun", 400),
    "unauthorized": ("A key or token is needed", 401),
    "forbidden": ("The key or token does not allow this", 403),
    "confidential": ("The answer would show what a single operator carries", 403),
    "not-published": ("The month is not published", 403),
    "unknown-path": ("There is no such resource", 404),
    "unknown-batch": ("There is no such batch", 404),
    "unknown-economy": ("The economy has no data", 404),
    "unknown-fact": ("The reference says nothing of it", 404),
    "unknown-group": ("There is no such country group", 404),
    "unknown-key": ("There is no such key", 404),
    "unknown-indicator": ("There is no such indicator", 404),
    "unknown-month": ("The month has no data", 404),
    "unknown-structure": ("There is no such structure", 404),
    "unknown-vintage": ("There is no such vintage", 404),
    "method-not-allowed": ("The resource does not take this method", 405),
    "too-slow": ("The body came too slowly", 408),
    "already-published": ("What is published does not change", 409),
    "too-many-keys": ("Two keys of this name are valid", 409),
    "change-refused": ("The batch does not take this order", 409),
    "too-large": ("The body is too large", 413),
    "target-too-long": ("The path and query are too long", 414),
    "unsupported-media-type": ("The body is of the wrong media type", 415),
    "invalid-request": ("The request cannot be read", 422),
    "invalid-question": ("The question cannot be answered as asked", 422),
    "invalid-batch": ("The batch does not follow the contract", 422),
    "batch-refused": ("The batch must not be stored", 422),
    "quota-exceeded": ("The collector has sent as much as it may for now", 429),
    "too-many-requests": ("Too many requests", 429),
    "headers-too-large": ("The headers are too large", 431),
    "internal": ("The service failed", 500),
    "login-unavailable": ("The provider of identities does not answer", 503),
    "store-unavailable": ("The store does not answer", 503),
    "store-full": ("The store has no room for this", 507),
    "busy": ("Others came first", 503),
    "too-dear": ("The answer would cost too much", 503),
    "not-ready": ("The service is not ready", 503),
    "http": ("The request failed", 400),
}

# Errors that are told as they are: the kind of each.
_PLAIN: Mapping[type[Exception], str] = {
    AlreadyPublished: "already-published",
    ChangeRefused: "change-refused",
    ReferenceDataError: "invalid-question",
    KeyConflict: "too-many-keys",
    QuestionError: "invalid-question",
}


class ProblemDetails(BaseModel):
    """A problem as it is sent; members beside these depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="names the kind of problem", examples=["urn:caudal:problem:unknown-month"])
    title: str = Field(description="the kind of problem in words", examples=["The month has no data"])
    status: int = Field(description="the HTTP status", examples=[404])
    detail: str = Field(
        description="what is wrong here, and what to do",
        examples=["XA has no flows in 2026-01; months with data: 2026-08, 2026-09, 2026-10"],
    )
    instance: str = Field(description="the path that was asked for", examples=["/v1/reports/XA/2026-01"])


class Problem(CaudalError):
    """A problem to answer with; `extras` become members of it, `headers` go with it."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        extras: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status = status or KINDS[kind][1]
        self.detail = detail
        self.extras = dict(extras or {})
        self.headers = dict(headers or {})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses that say these statuses answer a problem."""
    titles: dict[int, list[str]] = {}
    for title, status in KINDS.values():
        titles.setdefault(status, []).append(title)
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {
            "description": "; or: ".join(titles.get(status, ["The request failed"])),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""
    app.add_exception_handler(Problem, _problem)
    for error, kind in _PLAIN.items():
        app.add_exception_handler(error, _plain(kind))
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(NotPublished, _not_published)
    app.add_exception_handler(StoreFull, _full)
    app.add_exception_handler(QuotaExceeded, _quota)
    app.add_exception_handler(StoreError, _store)
    app.add_exception_handler(TooDear, _too_dear)
    app.add_exception_handler(TooLong, _too_dear)
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(Gone, _gone)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)


def document(problem: Problem, path: str) -> JSONResponse:
    """Return a problem about a path as an answer."""
    title = KINDS[problem.kind][0]
    content = {
        "type": f"urn:caudal:problem:{problem.kind}",
        "title": title,
        "status": problem.status,
        "detail": line(problem.detail),
        "instance": instance_of(path),
        **problem.extras,
    }
    return JSONResponse(content, problem.status, problem.headers, MEDIA_TYPE)


def instance_of(path: str) -> str:
    """Return a path as a reference to it (RFC 3986): percent-encoded, cut at 80 characters, whatever was asked for.

    It is taken from the request line; the URL that a `Host` header would make of it may not even parse.
    """
    return quote(path[:QUOTED_CHARACTERS], safe="/:@!$&'()*+,;=~-._", errors="replace")[:QUOTED_CHARACTERS]


def _part(part: object) -> str:
    """Return a part of where an error is: what this service calls so, or, shortened, what the client did."""
    return line(str(part), QUOTED_CHARACTERS)


def _answer(request: Request, problem: Problem) -> JSONResponse:
    # For the door, which counts what was refused.
    request.scope.setdefault("state", {})["problem"] = problem.kind
    return document(problem, request.scope["path"])


def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return _answer(request, error)


def _plain(kind: str) -> Callable[[Request, Exception], JSONResponse]:
    """Return the handler of an error whose message says all of it."""
    return lambda request, error: _answer(request, Problem(kind, str(error)))


def _not_found(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotFound)
    extras = {"available": error.available}
    return _answer(request, Problem(f"unknown-{error.kind}", str(error), extras=extras))


def _not_published(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotPublished)
    return _answer(request, Problem("not-published", str(error), extras={"available": error.available}))


def _full(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s", error)
    return _answer(request, Problem("store-full", str(error), headers={"Retry-After": "60"}))


def _quota(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, QuotaExceeded)
    extras = {"quota": error.quota, "used": error.used, "limit": error.limit}
    headers = {"Retry-After": str(error.retry_after_seconds)}
    return _answer(request, Problem("quota-exceeded", str(error), extras=extras, headers=headers))


def _store(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s", error)
    detail = "the store does not answer; nothing was acknowledged: try again in a moment"
    return _answer(request, Problem("store-unavailable", detail, headers={"Retry-After": "5"}))


def _too_dear(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, Problem("too-dear", str(error), headers={"Retry-After": "60"}))


def _busy(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Busy)
    headers = {"Retry-After": str(error.retry_after_seconds)}
    return _answer(request, Problem("busy", str(error), headers=headers))


def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=GONE_STATUS)


def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"location": ".".join(_part(part) for part in each["loc"]), "message": line(str(each["msg"]), 300)}
        for each in error.errors()[:_MOST_ERRORS]
    ]
    detail = "; ".join(f"{each['location']}: {each['message']}" for each in errors)
    return _answer(request, Problem("invalid-request", detail, extras={"errors": errors}))


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    path = request.scope["path"]
    if error.status_code == 404:
        problem = Problem("unknown-path", f"there is nothing at {quoted(path)}; /docs lists what there is")
    elif error.status_code == 405:
        detail = f"{quoted(path)} does not take {quoted(request.method)}; it takes {headers.get('Allow', 'other methods')}"
        problem = Problem("method-not-allowed", detail, headers=headers)
    elif error.status_code == 400:
        # What FastAPI says of a body that the parser of JSON gives up upon: nested too deeply, no UTF-8.
        detail = f"the body of {quoted(path)} is no JSON that can be read; send UTF-8 and the members that /docs names"
        problem = Problem("invalid-request", detail, headers=headers, extras={"errors": []})
    else:
        problem = Problem("http", str(error.detail), headers=headers, status=error.status_code)
    return _answer(request, problem)


def _internal(request: Request, _: Exception) -> JSONResponse:
    # The traceback goes to the log, by the server; the answer says nothing of the inside.
    return _answer(request, Problem("internal", "an error of the service; its log says which"))
