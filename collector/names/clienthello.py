"""The TLS ClientHello: the server's name in it, as far as it was seen (RFC 8446, RFC 6066, RFC 9849)."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32, signed

_CLIENT_HELLO, _SERVER_NAME, _ENCRYPTED_HELLO, _HOST_NAME = 1, 0, 0xFE0D, 0
_HANDSHAKE = 22
_RECORD_HEADER = 5
_HANDSHAKE_HEADER = 4
# version, random
_FIXED = 34
_LONGEST_HELLO = 1 << 14

State = Literal["named", "unnamed", "more", "unreadable"]
_STATES: Final[tuple[State, ...]] = ("named", "unnamed", "more", "unreadable")
_NAMED, _UNNAMED, _MORE, _UNREADABLE = range(4)
_ELSE = -1


@dataclass(frozen=True)
class Hello:
    """A ClientHello as far as it is known: its name if `named`, or that more of it is needed.

    `encrypted` says that it offers an encrypted inner hello, or pretends to, as browsers do everywhere: the
    name is then the server's public one, or the true one.
    """

    state: State
    name: bytes = b""
    encrypted: bool = False


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
    """Return the hello in a handshake's beginning; its state is `more` where the octets end too early to say."""
    if not handshake:
        return Hello("more")
    state, at, size, encrypted = _read_hello(np.frombuffer(handshake, np.uint8), 0, len(handshake))
    return Hello(_STATES[state], handshake[at : at + size], encrypted)


def hellos_in_one_record(buffer: U8, start: I64, end: I64) -> list[Hello | None]:
    """Return the hello of each segment whose first TLS record holds it whole; None for the other segments."""
    found = np.empty((4, len(start)), np.int64)
    _read_records(buffer, start, end, found)
    return [
        None if state == _ELSE else Hello(_STATES[state], buffer[at : at + size].tobytes(), bool(encrypted))
        for state, at, size, encrypted in found.T.tolist()
    ]


@kernel
def _read_records(buffer: U8, start: I64, end: I64, found: I64) -> None:
    for row in range(len(start)):
        at, stop = start[row], min(end[row], len(buffer))
        found[0, row] = _ELSE
        if at < 0 or at + _RECORD_HEADER + _HANDSHAKE_HEADER > stop:
            continue
        record = at + _RECORD_HEADER + big16(buffer, at + 3)
        handshake = at + _RECORD_HEADER
        message = handshake + _HANDSHAKE_HEADER + (big32(buffer, handshake) & 0xFFFFFF)
        if buffer[at] == _HANDSHAKE and buffer[at + 1] == 3 and message <= record <= stop:
            state, name_at, size, encrypted = _read_hello(buffer, handshake, record)
            found[0, row], found[1, row], found[2, row], found[3, row] = state, name_at, size, encrypted


@kernel
def _read_hello(buffer: U8, start: int, end: int) -> tuple[int, int, int, bool]:
    """Return state, place and length of the name, and whether a hidden hello is offered; reads from start to end."""
    if end > start and buffer[start] != _CLIENT_HELLO:
        return _UNREADABLE, start, 0, False
    if end - start < _HANDSHAKE_HEADER:
        return _MORE, start, 0, False
    length = big32(buffer, start) & 0xFFFFFF
    if length < _FIXED or length > _LONGEST_HELLO:
        return _UNREADABLE, start, 0, False
    start += _HANDSHAKE_HEADER
    whole = end >= start + length
    found = _read_body(buffer, start, min(end, start + length), whole)
    return (_UNREADABLE, start, 0, False) if whole and found[0] == _MORE else found


@kernel
def _read_body(buffer: U8, start: int, stop: int, whole: bool) -> tuple[int, int, int, bool]:
    at = start + _FIXED
    for size in (1, 2, 1):  # session id, cipher suites, compression methods
        if at + size > stop:
            return _MORE, start, 0, False
        at += size + (signed(buffer[at]) if size == 1 else big16(buffer, at))
        if at > stop:
            return _MORE, start, 0, False
    if at + 2 > stop:
        # Extensions are optional, and a hello may end here.
        return _UNNAMED if whole and at == stop else _MORE, start, 0, False
    end = at + 2 + big16(buffer, at)
    at += 2
    name_at, name_size, encrypted = start, 0, False
    while at < end:
        if at + 4 > stop:
            return _MORE, name_at, name_size, encrypted
        kind, value, size = big16(buffer, at), at + 4, big16(buffer, at + 2)
        at = value + size
        if at > stop:
            return _MORE, name_at, name_size, encrypted
        if kind == _ENCRYPTED_HELLO:
            encrypted = True
        elif kind == _SERVER_NAME:
            # list length 2, type 1, length 2, name
            if size < 6 or buffer[value + 2] != _HOST_NAME:
                return _UNREADABLE, start, 0, False
            name_at, name_size = value + 5, big16(buffer, value + 3)
            if name_size == 0 or name_at + name_size > at:
                return _UNREADABLE, start, 0, False
    if at != end:
        return _UNREADABLE, start, 0, False
    return _NAMED if name_size else _UNNAMED, name_at, name_size, encrypted
