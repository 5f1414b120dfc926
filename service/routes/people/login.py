"""/auth: people log in by OpenID Connect, where a provider is configured."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from caudal.common.logline import quoted
from caudal.service.access.access import LOGIN, SESSION, Access
from caudal.service.access.people import actor_of_claims
from caudal.service.access.provider import Provider
from caudal.service.errors import LoginRefused, ProviderError
from caudal.service.problem import Problem, documented
from caudal.service.requests.dependencies import TheAccess, demand
from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Resource, Role

Text = Annotated[str | None, Query(max_length=4096)]


router = APIRouter(tags=["access"])


@router.get(
    "/auth/login",
    summary="Log in",
    status_code=302,
    response_class=RedirectResponse,
    responses={302: {"description": "To the provider of identities."}, **documented(403, 503)},
)
def get_login(access: TheAccess) -> Response:
    """Send a browser to the provider of identities."""
    try:
        url, attempt = _provider(access).begin()
    except ProviderError as error:
        raise _unavailable(error) from error
    answer = RedirectResponse(url, 302, {"Cache-Control": "no-store"})
    _set(answer, access, access.login_cookie, access.logins.add(attempt), int(LOGIN.total_seconds()))
    return answer


@router.get(
    "/auth/callback",
    summary="Where the provider sends a browser back to",
    status_code=302,
    response_class=RedirectResponse,
    responses={
        302: {"description": "Logged in; to the documentation."},
        **documented(400, 401, 403, 422, 503),
    },
)
def get_callback(
    request: Request,
    access: TheAccess,
    state: Text = None,
    code: Text = None,
    iss: Text = None,
    error: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Take what the provider says of who logged in; a session begins where they have a role."""
    name = request.cookies.get(access.login_cookie)
    attempt = access.logins.take(name) if name else None
    try:
        if attempt is None:
            raise LoginRefused(
                "no login was begun in this browser, or too long ago; begin again at /auth/login"
            )
        if error is not None:
            raise LoginRefused(
                f"the provider did not let you in ({quoted(error)}); begin again at /auth/login"
            )
        claims = _provider(access).finish(attempt, state or "", code or "", iss)
    except LoginRefused as refused:
        raise Problem("login-refused", str(refused)) from refused
    except ProviderError as failed:
        raise _unavailable(failed) from failed
    session = access.sessions.add(claims)
    remembered = access.sessions.get(session)
    assert remembered is not None
    actor = actor_of_claims(claims, access.people, remembered[0])
    if actor.role is Role.public:
        access.sessions.take(session)
        access.notes.note(actor, "login", "", "refused")
        raise Problem(
            "forbidden",
            f"the provider knows you as {actor.name}, and nobody gave that a role here; ask whoever runs the "
            "service",
        )
    access.audit.write(actor, "login", "", detail={"subject": claims.subject})
    answer = RedirectResponse("../docs", 302, {"Cache-Control": "no-store"})
    answer.delete_cookie(access.login_cookie, secure=access.secure_cookies, httponly=True, samesite="lax")
    _set(answer, access, access.session_cookie, session, int(SESSION.total_seconds()))
    return answer


@router.post("/auth/logout", summary="Log out", status_code=204, responses=documented(401, 403))
def post_logout(
    request: Request, actor: Annotated[Actor, Depends(demand(Resource.oneself))], access: TheAccess
) -> Response:
    """End the session of this browser."""
    name = request.cookies.get(access.session_cookie)
    if name and access.sessions.take(name) is not None:
        access.audit.write(actor, "logout", "")
    answer = Response(status_code=204)
    answer.delete_cookie(access.session_cookie, secure=access.secure_cookies, httponly=True, samesite="lax")
    return answer


def _provider(access: Access) -> Provider:
    if access.provider is None:
        raise Problem(
            "forbidden",
            "nobody logs in here: the service has no provider of identities ([oidc] in its settings)",
        )
    return access.provider


def _unavailable(error: ProviderError) -> Problem:
    return Problem("login-unavailable", f"{error}; try again in a moment", headers={"Retry-After": "30"})


def _set(answer: Response, access: Access, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, path="/", secure=access.secure_cookies, httponly=True, samesite="lax"
    )
