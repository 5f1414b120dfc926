"""The address of a request's client, through the proxies that are trusted."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from caudal.service.settings.doorsettings import Network


@lru_cache(maxsize=4096)
def normal(address: str) -> str:
    """Return an address in its usual form, an IPv4 one inside IPv6 as IPv4; what is none as it is."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(known)


class Proxies:
    """Knows whose X-Forwarded-For is believed: nobody's by default."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = tuple(trusted)

    def trusts(self, address: str) -> bool:
        """Return True if an address is that of a trusted proxy."""
        try:
            known = ip_address(normal(address))
        except ValueError:
            return False
        return any(known in network for network in self._trusted)

    def overlooks(self, scope: Scope) -> bool:
        """Return True if a request seems to come through a proxy on this machine that is not trusted."""
        peer = (scope.get("client") or ("", 0))[0]
        forwarded = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
        return forwarded and normal(peer) in ("127.0.0.1", "::1") and not self.trusts(peer)

    def client(self, scope: Scope) -> str:
        """Return the address a request comes from: the last one of X-Forwarded-For that is no trusted proxy's."""
        peer = normal((scope.get("client") or ("", 0))[0])
        if not self._trusted or not self.trusts(peer):
            return peer
        said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for part in reversed(said.decode("latin-1").split(",")):
            address = normal(part.strip())
            try:
                ip_address(address)
            except ValueError:
                return peer
            peer = address
            if not self.trusts(address):
                return address
        return peer


def network_of(address: str, *, wide: bool = False) -> str:
    """Return whom an address belongs to: an IPv4 address is one sender, and so is an IPv6 /64.

    `wide` takes much larger networks (/16 and /32), of which there are few.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(IPv6Network((known, 32 if wide else 64), strict=False))
    return str(IPv4Network((known, 16), strict=False)) if wide else str(known)
