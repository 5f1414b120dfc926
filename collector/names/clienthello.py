"""The TLS ClientHello: the server's name in it, as far as it was seen (RFC 8446, RFC 6066, RFC 9849)."""

import struct
from dataclasses import dataclass
from typing import Literal

_CLIENT_HELLO, _SERVER_NAME, _ENCRYPTED_HELLO, _HOST_NAME = 1, 0, 0xFE0D, 0
_HANDSHAKE = 22
_RECORD_HEADER = 5
_HANDSHAKE_HEADER = 4
# version, random
_FIXED = 34
_LONGEST_HELLO = 1 << 14

_EXTENSION = struct.Struct(">HH").unpack_from

State = Literal["named", "unnamed", "more", "unreadable"]


@dataclass(frozen=True)
class Hello:
    """What of a ClientHello is known: its name if `named`, or that more of it is needed to say.

    `encrypted` says that it offers an encrypted inner hello, or pretends to, as browsers do everywhere: the
    name is then the server's public one, or the true one.
    """

    state: State
    name: bytes = b""
    encrypted: bool = False


_UNREADABLE = Hello("unreadable")


def handshake_of_records(stream: bytes) -> bytes | None:
    """Return the handshake octets in the TLS records that a stream begins with; None if it is no handshake."""
    parts: list[bytes] = []
    at = 0
    while at < len(stream):
        if stream[at] != _HANDSHAKE or stream[at + 1 : at + 2] not in (b"\x03", b""):
            return None if not parts else b"".join(parts)
        if at + _RECORD_HEADER > len(stream):
            break
        end = at + _RECORD_HEADER + int.from_bytes(stream[at + 3 : at + 5])
        parts.append(stream[at + _RECORD_HEADER : end])
        at = end
    return b"".join(parts)


def read_hello(handshake: bytes) -> Hello:
    """Return what a handshake's beginning says; the state `more` where it ends too early to say."""
    if handshake and handshake[0] != _CLIENT_HELLO:
        return _UNREADABLE
    if len(handshake) < _HANDSHAKE_HEADER:
        return Hello("more")
    length = int.from_bytes(handshake[1:4])
    if not _FIXED <= length <= _LONGEST_HELLO:
        return _UNREADABLE
    whole = len(handshake) >= _HANDSHAKE_HEADER + length
    body = handshake[_HANDSHAKE_HEADER : _HANDSHAKE_HEADER + length]
    found = _read_body(body, whole=whole)
    if found.state == "more" and whole:
        return _UNREADABLE
    return found


def _read_body(body: bytes, *, whole: bool) -> Hello:
    at = _FIXED
    for size in (1, 2, 1):  # session id, cipher suites, compression methods
        at += size + int.from_bytes(body[at : at + size])
        if at > len(body):
            return Hello("more")
    if at + 2 > len(body):
        # Extensions are optional, and a hello may end here.
        return Hello("unnamed") if whole and at == len(body) else Hello("more")
    end = at + 2 + int.from_bytes(body[at : at + 2])
    at += 2
    name: bytes | None = None
    encrypted = False
    captured = len(body)
    while at < end:
        if at + 4 > captured:
            return Hello("more", name or b"", encrypted)
        kind, size = _EXTENSION(body, at)
        start, at = at + 4, at + 4 + size
        if at > captured:
            return Hello("more", name or b"", encrypted)
        if kind == _ENCRYPTED_HELLO:
            encrypted = True
        elif kind == _SERVER_NAME:
            name = _host_name(body[start:at])
            if name is None:
                return _UNREADABLE
    if at != end:
        return _UNREADABLE
    return Hello("named", name, encrypted) if name else Hello("unnamed", b"", encrypted)


def _host_name(value: bytes) -> bytes | None:
    # list length 2, type 1, length 2, name
    length = int.from_bytes(value[3:5])
    if len(value) < 6 or value[2] != _HOST_NAME or 5 + length > len(value) or not length:
        return None
    return value[5 : 5 + length]
