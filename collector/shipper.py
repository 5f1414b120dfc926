"""Shipping: takes batches from the spool to the service, for as long as it takes."""

import base64
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential,
    wait_random,
)

from caudal.collector.batch import MEDIA_TYPE
from caudal.collector.spool import Segment, Spool

log = logging.getLogger(__name__)

# The service read the batch and will never take it: sending it again changes nothing. Not so 400: that is a
# body damaged on its way.
_REFUSED = frozenset({413, 415, 422})
_LOOK_SECONDS = 0.25
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60


class _NotYet(Exception):
    """The service did not take the batch now."""


class Shipper:
    """Ships batches in the order they were spooled, one at a time, from a thread of its own.

    A batch leaves the spool when the service has acknowledged it. Until then it is sent again, with
    growing pauses: the service recognises a batch it has.
    """

    def __init__(
        self,
        spool: Spool,
        client: httpx.Client,
        *,
        clock: Callable[[], float] = time.monotonic,
        look_seconds: float = _LOOK_SECONDS,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._spool = spool
        self._client = client
        self._clock = clock
        self._look_seconds = look_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._wait = wait_exponential(first_wait_seconds, longest_wait_seconds) + wait_random(
            0, first_wait_seconds
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self.shipped = 0
        self.refused = 0
        self.damaged = 0
        self.failures = 0
        self.latency_seconds = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def drain(self, seconds: float) -> bool:
        """Wait until the spool is empty, at most so long; return whether it is."""
        until = self._clock() + seconds
        while self._spool.segments():
            if self._clock() > until or not self._thread.is_alive():
                return False
            self._stop.wait(self._look_seconds / 5)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                for segment in self._spool.segments():
                    self._ship(segment)
                    if self._stop.is_set():
                        return
            except OSError as error:
                self._note_failure(f"the spool {self._spool.directory} cannot be read: {error.strerror}")
                self._stop.wait(self._longest_wait_seconds)
            self._stop.wait(self._look_seconds)

    def _ship(self, segment: Segment) -> None:
        body = self._spool.read(segment)
        if body is None:
            self.damaged += 1
            log.error(
                "batch %s is damaged on disk; set aside in %s", segment.batch_id[:12], self._spool.damaged
            )
            return
        retrying = Retrying(
            retry=retry_if_exception_type(_NotYet),
            wait=self._wait,
            stop=stop_when_event_set(self._stop),
            sleep=sleep_using_event(self._stop),
        )
        try:
            taken = retrying(self._post, segment, body)
        except RetryError:
            return  # stopped; the batch stays in the spool
        if taken:
            self._spool.done(segment)
            self.shipped += 1
        else:
            self._spool.refuse(segment)
            self.refused += 1

    def _post(self, segment: Segment, body: bytes) -> bool:
        digest = base64.b64encode(bytes.fromhex(segment.batch_id)).decode()
        headers = {"Content-Type": MEDIA_TYPE, "Content-Digest": f"sha-256=:{digest}:"}
        began = self._clock()
        try:
            answer = self._client.post("/v1/batches", content=body, headers=headers)
        except httpx.HTTPError as error:
            self._note_failure(f"the service cannot be reached: {error}")
            raise _NotYet from error
        self.latency_seconds = self._clock() - began
        if answer.status_code in (200, 201) and _names(answer, segment.batch_id):
            return True
        if answer.status_code in _REFUSED and _object(answer):
            log.error(
                "the service refuses batch %s (%d): %s; set aside in %s",
                segment.batch_id[:12],
                answer.status_code,
                self._detail(answer),
                self._spool.refused,
            )
            return False
        self._note_failure(f"the service answered {answer.status_code}: {self._detail(answer)}")
        raise _NotYet

    def _note_failure(self, reason: str) -> None:
        self.failures += 1
        log.warning("%s; batches wait in the spool, and will be sent", reason)

    def _detail(self, answer: httpx.Response) -> str:
        """Return what the answer says, in one line, and without the token should it come back in it."""
        problem = _object(answer)
        text = str(problem.get("detail") or problem.get("title") or answer.text or answer.reason_phrase)
        token = self._client.headers.get("Authorization", "").partition(" ")[2]
        return " ".join((text.replace(token, "…") if token else text).split())[:300]


def _names(answer: httpx.Response, batch: str) -> bool:
    """Return whether the answer is the service's own, about this batch, and not that of something between."""
    return _object(answer).get("batch_id") == batch


def _object(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one if it is none, as from a proxy."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
