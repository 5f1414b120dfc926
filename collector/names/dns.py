"""DNS answers: which names a host asked for, and the addresses it was told (RFC 1035, RFC 3596)."""

import struct
from dataclasses import dataclass

from caudal.common.errors import Unreadable

_HEADER = 12
_A, _CNAME, _AAAA, _IN = 1, 5, 28, 1
_MOST_RECORDS = 64
_MOST_LABELS = 64
_LONGEST_NAME = 255
_RECORD = struct.Struct(">HHIH")  # type, class, time to live, length


@dataclass(frozen=True)
class Answer:
    """The names from the one asked for to the last alias, lower case; addresses in 4 or 16 octets; TTL in seconds.

    The TTL is the smallest on the way.
    """

    names: tuple[bytes, ...]
    addresses: tuple[bytes, ...]
    ttl_seconds: int


class UnreadableAnswer(Unreadable):
    """A DNS message that cannot be read to its end."""


def read_answer(message: bytes) -> Answer | None:
    """Return the aliases, addresses and TTL that a response gives for the name asked for; None if it gives none.

    Records that do not belong to the chain from the question are passed over. Raises UnreadableAnswer.
    """
    if len(message) < _HEADER:
        raise UnreadableAnswer("shorter than a header")
    is_response, code = message[2] & 0x80, message[3] & 0x0F
    questions, answers = int.from_bytes(message[4:6]), int.from_bytes(message[6:8])
    if not is_response or message[2] & 0x78 or code or questions != 1 or not answers:
        return None
    known: dict[int, bytes] = {}
    name, at = _name(message, _HEADER, known)
    if at + 4 > len(message):
        raise UnreadableAnswer("the question is cut off")
    kind = int.from_bytes(message[at : at + 2])
    if kind not in (_A, _AAAA):
        return None
    names, addresses, ttl = [name], [], 1 << 31
    at += 4
    for _ in range(min(answers, _MOST_RECORDS)):
        owner, at = _name(message, at, known)
        end = at + _RECORD.size
        if end > len(message):
            raise UnreadableAnswer("a record is cut off")
        this, of_class, seconds, length = _RECORD.unpack_from(message, at)
        at = end + length
        if at > len(message):
            raise UnreadableAnswer("a record is cut off")
        if owner != names[-1] or of_class != _IN:
            continue
        if this == _CNAME:
            names.append(_name(message, end, known)[0])
            ttl = min(ttl, seconds)
        elif this == kind and length == (4 if kind == _A else 16):
            addresses.append(message[end:at])
            ttl = min(ttl, seconds)
    return Answer(tuple(names), tuple(addresses), ttl) if addresses else None


def _name(message: bytes, at: int, known: dict[int, bytes]) -> tuple[bytes, int]:
    """Return the name at a place, without its last dot, and the place behind it there.

    `known` are the names already read, by their places, to which others point.
    """
    labels: list[bytes] = []
    begin, behind = at, -1
    length = 0
    for _ in range(_MOST_LABELS):
        if at >= len(message):
            raise UnreadableAnswer("a name is cut off")
        size = message[at]
        if size == 0:
            known[begin] = name = b".".join(labels).lower()
            return name, at + 1 if behind < 0 else behind
        if size >= 0xC0:
            if at + 2 > len(message):
                raise UnreadableAnswer("a name is cut off")
            if behind < 0:
                behind = at + 2
            at = (size & 0x3F) << 8 | message[at + 1]
            if not labels and at in known:
                return known[at], behind
            continue
        label = message[at + 1 : at + 1 + size]
        length += size + 1
        if size > 63 or len(label) != size or length > _LONGEST_NAME:
            raise UnreadableAnswer("a label is too long or cut off")
        labels.append(label)
        at += 1 + size
    raise UnreadableAnswer("a name has too many labels or turns in a circle")
