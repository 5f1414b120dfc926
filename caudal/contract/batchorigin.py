"""The origin of a batch: its sender and making, written into the metadata of the first stream, and believed in no detail."""

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from caudal.common.vocabulary import IDENTIFIER
from caudal.contract.errors import BatchError

MOST_OCTETS: Final = 4096
# Of a value that is wrong so much is repeated.
_MOST_QUOTED: Final = 80

_IDENTIFIER = re.compile(IDENTIFIER, re.ASCII)
# What each member is made of, and how to say so. All of it is printable ASCII: it is logged, stored and shown.
_TEXTS: Final = {
    "collector": (_IDENTIFIER, "an identifier: small letters, digits, . _ -, 63 at most"),
    "operator": (_IDENTIFIER, "an identifier: small letters, digits, . _ -, 63 at most"),
    "economy": (re.compile(r"[A-Z]{2}"), "two capital letters (ISO 3166-1)"),
    "created": (re.compile(r"[0-9TWZ:.+ -]{8,40}"), "a date and time as ISO 8601 writes them, of 40 characters at most"),
    "sequence": (re.compile(r"[A-Za-z0-9._-]{1,80}"), "letters, digits, . _ -, 80 at most"),
    "software": (re.compile(r"[ -~]{1,80}"), "printable ASCII, 80 characters at most"),
}  # fmt: skip


@dataclass(frozen=True)
class BatchOrigin:
    """The sender of a batch, and how the batch was made."""

    collector: str
    operator: str
    economy: str
    created: str
    sequence: str
    software: str
    synthetic: bool = False


_MEMBERS: Final = ("contract", *(field.name for field in fields(BatchOrigin)))


def write_origin(contract: int, origin: BatchOrigin) -> bytes:
    """Return the metadata of a batch."""
    return json.dumps({"contract": contract, **asdict(origin)}).encode()


def read_origin(metadata: bytes, newest: int) -> tuple[int, BatchOrigin]:
    """Return the contract that a batch follows, up to `newest`, and who sent it; raise BatchError in one line."""
    if len(metadata) > MOST_OCTETS:
        raise BatchError(
            f"the metadata of the flows stream have {len(metadata)} octets; {MOST_OCTETS} are the most"
        )
    try:
        members = json.loads(metadata.decode("utf-8"), object_pairs_hook=_object)
    # Lists within lists, or a number of thousands of digits.
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else f"{error!s:.{_MOST_QUOTED}}"
        raise BatchError(f"the metadata of the flows stream cannot be read: {reason}") from error
    if not isinstance(members, dict):
        raise BatchError(
            f"the metadata of the flows stream cannot be read: {_quoted(members)} is no JSON object"
        )
    contract = members.get("contract")
    if "contract" in members and type(contract) is int and not 1 <= contract <= newest:
        raise BatchError(
            f"the batch follows contract {_quoted(contract)}; this version reads contracts up to {newest}: "
            "install a newer one"
        )
    _check(members)
    return members.pop("contract"), BatchOrigin(**members)


def _check(members: dict[str, Any]) -> None:
    for name in _MEMBERS:
        if name not in members:
            raise BatchError(f"the flows stream has no metadata {name!r}; it says who sent the batch")
    for name in members:
        if name not in _MEMBERS:
            raise BatchError(
                f"the metadata of the flows stream hold {_quoted(name)}; there are {', '.join(_MEMBERS)}"
            )
    if type(members["contract"]) is not int:
        raise _wrong("contract", members["contract"], "a number")
    if type(members["synthetic"]) is not bool:
        raise _wrong("synthetic", members["synthetic"], "true or false")
    for name, (pattern, meaning) in _TEXTS.items():
        value = members[name]
        if type(value) is not str or not pattern.fullmatch(value):
            raise _wrong(name, value, meaning)
    try:
        datetime.fromisoformat(members["created"])
    except ValueError as error:
        raise _wrong("created", members["created"], _TEXTS["created"][1]) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is given twice")
    return found


def _wrong(name: str, value: Any, meaning: str) -> BatchError:
    return BatchError(f"{name} in the metadata of the flows stream is {_quoted(value)}; it must be {meaning}")


def _quoted(value: Any) -> str:
    """Return a value as it may stand in a line: printable ASCII, cut."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; lists within lists
        text = type(value).__name__
    return text if len(text) <= _MOST_QUOTED else f"{text[: _MOST_QUOTED - 1]}…"
