"""Sending one batch to the service, and what its answer means."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import httpx

from caudal.contract.batch import MEDIA_TYPE

# The service read the batch and will never take it: sending it again changes nothing. Not so 400: that is a
# body damaged on its way.
_REFUSED = frozenset({413, 415, 422})
# An answer is a line or two; what goes on for longer, or comes for longer, is none of the service's.
_MOST_ANSWER_OCTETS = 1 << 20
_ANSWER_SECONDS = 120.0
# The service says when it will take batches again: of 429 because this collector sent enough, of 503 because it is busy.
_PAUSING = frozenset({429, 503})
_LONGEST_PAUSE_SECONDS = 3600.0


class Outcome(Enum):
    """The fate of a batch that was sent, by the service's answer."""

    TAKEN = "taken"
    HELD = "taken, and counted once the regulator has looked at it"
    REFUSED = "refused"
    AWAY = "nobody answered, which says nothing about the batch"
    ENOUGH = "this collector sent enough for now, which says nothing about the batch"
    NOT_NOW = "the answer was no acknowledgement"


@dataclass(frozen=True)
class Answer:
    """The outcome of sending a batch, and the reason if it is not counted: one line, which never holds the token.

    `pause_seconds` is how long the service asks to wait before anything else is sent.
    """

    outcome: Outcome
    reason: str = ""
    pause_seconds: float = 0.0


def deliver(client: httpx.Client, batch_id: str, body: bytes, clock: Callable[[], float]) -> Answer:
    """Send a batch; it is taken only if the service itself acknowledges this very batch."""
    digest = base64.b64encode(bytes.fromhex(batch_id)).decode()
    headers = {"Content-Type": MEDIA_TYPE, "Content-Digest": f"sha-256=:{digest}:"}
    until = clock() + _ANSWER_SECONDS
    try:
        with client.stream("POST", "/v1/batches", content=body, headers=headers) as answer:
            content = _read(answer, clock, until)
    except (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.UnsupportedProtocol,
        httpx.ProxyError,
    ) as error:
        return Answer(Outcome.AWAY, f"the service cannot be reached: {_reason(error)}")
    except httpx.HTTPError as error:
        return Answer(Outcome.NOT_NOW, f"the service does not answer: {_reason(error)}")
    said = _object(content)
    # Not that of something in between.
    if answer.status_code in (200, 201) and said.get("batch_id") == batch_id:
        return Answer(Outcome.TAKEN)
    token = client.headers.get("Authorization", "").partition(" ")[2]
    detail = _detail(said, content, answer.reason_phrase, token)
    if answer.status_code == 202 and said.get("batch_id") == batch_id:
        return Answer(Outcome.HELD, detail if said.get("detail") else "it does not say why")
    if answer.status_code in _REFUSED and said:
        return Answer(Outcome.REFUSED, f"({answer.status_code}): {detail}")
    outcome = Outcome.ENOUGH if answer.status_code == 429 else Outcome.NOT_NOW
    return Answer(outcome, f"the service answered {answer.status_code}: {detail}", _pause(answer))


def _pause(answer: httpx.Response) -> float:
    """Return the seconds of Retry-After, bounded, as far as they are for all batches; 0 without."""
    asked = answer.headers.get("Retry-After", "")
    if answer.status_code not in _PAUSING or not re.fullmatch(r"[0-9]{1,9}", asked):
        return 0.0
    return min(float(asked), _LONGEST_PAUSE_SECONDS)


def _read(answer: httpx.Response, clock: Callable[[], float], until: float) -> bytes:
    """Return the content of an answer; raise ReadTimeout or DecodingError where it has no end in sight."""
    content = b""
    for chunk in answer.iter_bytes():
        content += chunk
        if clock() > until:
            raise httpx.ReadTimeout("the answer takes too long", request=answer.request)
        if len(content) > _MOST_ANSWER_OCTETS:
            raise httpx.DecodingError("the answer is too long", request=answer.request)
    return content


def _reason(error: httpx.HTTPError) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _object(content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one if it is none, as from a proxy."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _detail(said: dict[str, Any], content: bytes, phrase: str, token: str) -> str:
    """Return the service's explanation in one line, without the token should the answer repeat it."""
    text = str(said.get("detail") or said.get("title") or content[:4096].decode("utf-8", "replace") or phrase)
    plain = " ".join((text.replace(token, "…") if token else text).split())[:300]
    return "".join(letter if letter.isprintable() else "·" for letter in plain)
