"""Headers that go with every answer: what a browser may do with it, and who may keep it."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message

from caudal.service.roles.actor import Actor

# A document of the API is no page: it loads nothing and is framed by nobody.
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# The report as a page: styles and drawings inside it, no script.
_REPORT = f"{_NOTHING}; style-src 'unsafe-inline'; img-src data:; font-src data:"
# The documentation: its own scripts, one of them in the page, and the API it tries.
_DOCUMENTATION = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HSTS = "max-age=31536000"


def secure(message: Message, path: str, actor: Actor, *, https: bool) -> None:
    """Add to the start of an answer what browsers and caches must know of it.

    What is answered to somebody known is kept by no cache; what is answered to strangers is no answer to others.
    """
    headers = MutableHeaders(scope=message)
    page = headers.get("content-type", "").startswith("text/html")
    policy = _NOTHING if not page else _DOCUMENTATION if path.startswith("/docs") else _REPORT
    headers["Content-Security-Policy"] = policy
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if https:
        headers["Strict-Transport-Security"] = _HSTS
    if actor.known or message["status"] >= 400:
        headers["Cache-Control"] = "no-store"
    for name in ("Authorization", "Cookie"):
        headers.add_vary_header(name)
