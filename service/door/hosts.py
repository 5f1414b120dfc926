"""The names the service answers to: nothing is made of a Host header that anybody may write."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

from caudal.common.logline import quoted
from caudal.service.problem import Problem

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Hosts:
    """Knows the names of the service: those of loopback, `listen`, `public_url`, and what the settings allow."""

    def __init__(self, allowed: tuple[str, ...], listen: str, public_url: str) -> None:
        public = urlsplit(public_url).hostname
        self._any = "*" in allowed
        self._names = {_bare(name) for name in (*_LOOPBACK, listen, *allowed, *([public] if public else []))}

    def check(self, scope: Scope) -> None:
        """Return if a request asks for a name of the service, or the address it came in at; raise Problem otherwise."""
        if self._any:
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        name = _bare(host)
        if name in self._names or _same_address(name, (scope.get("server") or ("",))[0]):
            return
        raise Problem(
            "unknown-host",
            f"the request is for the host {quoted(host)}, which is no name of this service; ask by its name, or have its "
            "operator add it to allowed_hosts of [door]",
        )


def _bare(host: str) -> str:
    """Return a host without port, brackets and the dot at its end."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    name = host if host.count(":") > 1 else host.partition(":")[0]
    return name.lower().removesuffix(".")


def _same_address(name: str, address: str | None) -> bool:
    try:
        return bool(address) and ip_address(name) == ip_address(str(address))
    except ValueError:
        return False
