"""The request of plain HTTP: the host that it asks for (RFC 9110, section 7.2; RFC 9112, section 3)."""

import ipaddress
import re
from typing import Final

from caudal.common.errors import Unreadable

# What a request begins with; a packet that begins otherwise is passed over unread.
METHODS: Final = (b"GET ", b"POST", b"HEAD", b"PUT ", b"DELE", b"OPTI", b"PATC", b"CONN", b"TRAC")
_LINE = re.compile(rb"[A-Z]{3,7} ([^ \r\n]+) HTTP/1\.[01]\r?\n")
_HOST = re.compile(rb"\n[Hh][Oo][Ss][Tt]:[ \t]*([^\r\n]*?)[ \t]*\r?(?=\n)")
_NAME = re.compile(rb"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})\.?")


class UnreadableRequest(Unreadable):
    """The octets are no request of HTTP/1."""


class CutRequest(Unreadable):
    """The request goes on beyond these octets, and its host was not among them."""


def host_of(payload: bytes) -> bytes:
    """Return the host that a request is for, b'' where it names none or an address.

    `payload` is what a TCP segment holds from its first octet, perhaps cut. The target of a request to a proxy goes
    before the header (RFC 9112, section 3.2.2). Raises CutRequest and UnreadableRequest.

    >>> host_of(b"GET / HTTP/1.1\\r\\nHost: video.example.com:8080\\r\\n\\r\\n")
    b'video.example.com'
    """
    line = _LINE.match(payload)
    if line is None:
        if b"\n" in payload[:8192]:
            raise UnreadableRequest("does not begin with the line of a request")
        raise CutRequest("ends within the line of the request")
    head, end, _ = payload.partition(b"\r\n\r\n")
    if not end:
        head, end, _ = payload.partition(b"\n\n")
    named = _named_by_target(line[1], proxied=payload.startswith(b"CONNECT "))
    if named is not None:
        return _host(named)
    hosts = _HOST.findall(head[line.end() - 1 :] + (b"\n" if end else b""))
    if len(hosts) > 1:
        raise UnreadableRequest("names more than one host")
    if not hosts and not end:
        raise CutRequest("ends before its host")
    return _host(hosts[0]) if hosts else b""


def _named_by_target(target: bytes, *, proxied: bool) -> bytes | None:
    if proxied:
        return target
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return None
    return re.split(rb"[/?#]", rest, maxsplit=1)[0].rpartition(b"@")[2]


def _host(authority: bytes) -> bytes:
    """Return the name in an authority, without its port; b'' of an address."""
    name = authority if authority.startswith(b"[") else authority.rpartition(b":")[0] or authority
    if name.startswith(b"[") or not name:
        return b""
    if not _NAME.fullmatch(name):
        raise UnreadableRequest("names no host")
    try:
        ipaddress.ip_address(name.decode("ascii"))
    except ValueError:
        return name
    return b""
