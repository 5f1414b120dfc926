"""Shipping: takes batches from the spool to the service, for as long as it takes."""

import base64
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential_jitter,
)

from caudal.collector.batch import MEDIA_TYPE
from caudal.collector.spool import Segment, Spool

log = logging.getLogger(__name__)

# The service read the batch and will never take it: sending it again changes nothing.
_REFUSED = frozenset({400, 413, 415, 422})
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
        self, spool: Spool, client: httpx.Client, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._spool = spool
        self._client = client
        self._clock = clock
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
            self._stop.wait(_LOOK_SECONDS / 5)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            for segment in self._spool.segments():
                self._ship(segment)
                if self._stop.is_set():
                    return
            self._stop.wait(_LOOK_SECONDS)

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
            wait=wait_exponential_jitter(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS),
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
        if answer.status_code in _REFUSED:
            log.error(
                "the service refuses batch %s (%d): %s; set aside in %s",
                segment.batch_id[:12],
                answer.status_code,
                _detail(answer),
                self._spool.refused,
            )
            return False
        self._note_failure(f"the service answered {answer.status_code}: {_detail(answer)}")
        raise _NotYet

    def _note_failure(self, reason: str) -> None:
        self.failures += 1
        log.warning("%s; %d batches wait, and will be sent", reason, len(self._spool.segments()))


def _names(answer: httpx.Response, batch: str) -> bool:
    """Return whether the answer is the service's own, about this batch, and not that of something between."""
    try:
        return bool(answer.json().get("batch_id") == batch)
    except (ValueError, AttributeError):
        return False


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return str(problem.get("detail") or problem.get("title") or problem)[:300]
    except (ValueError, AttributeError):
        return answer.text[:100].replace("\n", " ") or answer.reason_phrase
