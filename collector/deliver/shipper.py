"""Shipping: takes batches from the spool to the service, for as long as it takes."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from prometheus_client import Histogram

from caudal.collector.deliver.delivery import Answer, Outcome, deliver
from caudal.collector.deliver.salvage import salvage
from caudal.collector.deliver.spool import Segment, Spool
from caudal.contract.batch import batch_id

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_ASIDE = 60  # times the longest wait
_TRIES_IN_TURN = 3
_JOIN_SECONDS = 5.0
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_REPEAT_SECONDS = 60.0
_ACCEPTED_SECONDS = (
    10.0  # between two lines about batches that were accepted: there may be thousands after an outage
)


@dataclass
class _Turn:
    """Tries of a batch that was not taken, and whether other batches were taken meanwhile."""

    tries: int = 0
    since: int = 0
    aside: int = 0
    not_before: float = 0.0


class Shipper:
    """Ships batches in the order they were spooled, one at a time, from a thread of its own.

    A batch leaves the spool when the service has acknowledged it. Until then it is sent again, with
    growing pauses: the service recognises a batch it has. A batch that fails again and again lets the next
    one go first; if that one is taken, it was the batch, and it is tried more and more rarely, without
    holding up the others. If not, it was the service, and the order is kept. Where the service says how long to
    wait (Retry-After), nothing is sent until then. A batch that it holds for review is taken: it has it. Of one that it
    refuses, what it takes is sent in parts.
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
        self._retired: list[httpx.Client] = []
        self._clock = clock
        self._look_seconds = look_seconds
        self._first_wait_seconds = first_wait_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._turns: dict[str, _Turn] = {}
        self._failed_in_a_row = 0
        self._asked_until = float("-inf")
        self._told: tuple[str, float] = ("", float("-inf"))
        self._accepted_told, self._accepted_untold = float("-inf"), 0
        self.shipped = 0
        self.held = 0
        self.refused = 0
        self.damaged = 0
        self.failures = 0
        self.last_error = ""
        self.last_error_time = 0.0
        self.last_shipped_time = 0.0
        self.latency = Histogram(
            "caudal_collector_shipping_latency_seconds",
            "from sending a batch to its acknowledgement",
            buckets=_BUCKETS,
            registry=None,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._wake.set()
        # A request may hang for longer than anybody wants to wait: its batch is in the spool, and is sent again.
        self._thread.join(_JOIN_SECONDS)
        if not self._thread.is_alive():
            self._client.close()

    @property
    def alive(self) -> bool:
        """True while the thread that ships runs."""
        return self._thread.is_alive()

    @property
    def waiting_seconds(self) -> float:
        """Seconds of the pause after failures in a row, or that the service asked for; 0 where shipping goes well."""
        if not self._failed_in_a_row:
            return 0.0
        growing = self._first_wait_seconds * 2.0 ** min(self._failed_in_a_row - 1, 30)
        return float(max(min(self._longest_wait_seconds, growing), self._asked_until - self._clock()))

    @property
    def set_back(self) -> int:
        """The number of batches that are tried rarely, because the service takes others and not them."""
        return sum(turn.aside > 0 for turn in list(self._turns.values()))

    def use(self, client: httpx.Client) -> None:
        """Ship with another client from the next batch on, and try at once."""
        self._retired.append(self._client)
        self._client = client
        self._asked_until = float("-inf")
        self._wake.set()

    def drain(self, seconds: float, hurry: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the spool is empty, at most so long and not in a `hurry`; return whether it is."""
        self._wake.set()
        until = self._clock() + seconds
        while self._spool.segments():
            if self._clock() > until or not self._thread.is_alive() or hurry():
                return False
            self._stop.wait(self._look_seconds / 5)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                pause = self._step()
            except OSError as error:
                self._note_failure(f"the spool {self._spool.directory} cannot be read: {error.strerror}")
                self._failed_in_a_row += 1
                pause = self.waiting_seconds
            if pause:
                self._wake.wait(pause)
                self._wake.clear()

    def _step(self) -> float:
        """Ship the batches of the spool, until something fails or nothing is left; return the seconds to pause."""
        while self._retired:
            self._retired.pop().close()
        if self._asked_until > self._clock():
            return self._asked_until - self._clock()
        segments = self._spool.segments()
        there = {segment.path.name for segment in segments}
        self._turns = {name: turn for name, turn in self._turns.items() if name in there}
        for segment in sorted(segments, key=self._precedence):
            if self._stop.is_set() or self._retired:
                return 0.0
            turn = self._turns.get(segment.path.name)
            if turn and turn.not_before > self._clock():
                continue
            failing = self._failed_in_a_row
            if not self._ship(segment):
                return self.waiting_seconds + random.uniform(0, self._first_wait_seconds)
            if failing:  # until now: back to the order in which they were spooled
                return 0.0
        return self._look_seconds

    def _precedence(self, segment: Segment) -> tuple[int, str]:
        turn = self._turns.get(segment.path.name)
        return (turn.tries // _TRIES_IN_TURN if turn else 0, segment.path.name)

    def _ship(self, segment: Segment) -> bool:
        """Send a batch; return whether the next may be sent at once."""
        try:
            body = self._spool.read(segment)
        except OSError as error:
            self._note_failure(f"batch {segment.batch_id[:12]} cannot be read: {error.strerror}")
            return self._failed(segment, Outcome.NOT_NOW)
        if body is None:
            self.damaged += 1
            log.error(
                "batch %s is damaged on disk; set aside in %s", segment.batch_id[:12], self._spool.damaged
            )
            return True
        outcome = self._send(segment, body)
        if outcome in (Outcome.AWAY, Outcome.ENOUGH, Outcome.NOT_NOW):
            return self._failed(segment, outcome)
        if outcome in (Outcome.TAKEN, Outcome.HELD):
            self._spool.done(segment)
            self.shipped += 1
            self.held += outcome is Outcome.HELD
            self.last_shipped_time = time.time()
            if outcome is Outcome.TAKEN:
                self._tell_accepted(segment, len(body))
        else:
            outcome = self._salvage(segment, body)
            if outcome not in (Outcome.TAKEN, Outcome.REFUSED):
                return self._failed(segment, outcome)
            self.refused += 1
        self._succeeded(segment)
        return True

    def _salvage(self, segment: Segment, body: bytes) -> Outcome:
        """Send of a refused batch what the service takes, and set the rest aside."""
        found = salvage(body, lambda part: self._deliver(batch_id(part), part).outcome)
        if found.outcome is Outcome.TAKEN:
            self._spool.refuse_rest(segment, found.rest)
            self.last_shipped_time = time.time()
            log.warning(
                "the service took %d rows of batch %s in parts; those it refuses are set aside in %s",
                found.rows_taken, segment.batch_id[:12], self._spool.refused,
            )  # fmt: skip
        elif found.outcome is Outcome.REFUSED:
            self._spool.refuse(segment)
            log.error(
                "nothing of batch %s is taken; set aside in %s", segment.batch_id[:12], self._spool.refused
            )
        return found.outcome

    def _tell_accepted(self, segment: Segment, octets: int) -> None:
        now = self._clock()
        if now - self._accepted_told < _ACCEPTED_SECONDS:
            self._accepted_untold += 1
            return
        others = f", and {self._accepted_untold} before it" if self._accepted_untold else ""
        log.info("the service accepted batch %s (%d bytes)%s", segment.batch_id[:12], octets, others)
        self._accepted_told, self._accepted_untold = now, 0

    def _succeeded(self, segment: Segment) -> None:
        if self._failed_in_a_row:
            log.info("the service takes batches again")
        self._failed_in_a_row = 0
        self._turns.pop(segment.path.name, None)
        for turn in self._turns.values():
            turn.tries = 0  # the order is kept again

    def _failed(self, segment: Segment, outcome: Outcome) -> bool:
        taken = self.shipped + self.refused
        turn = self._turns.setdefault(segment.path.name, _Turn(since=taken))
        if outcome is Outcome.NOT_NOW:
            turn.tries += 1
        if taken > turn.since and outcome is Outcome.NOT_NOW:
            # Others were taken since it first failed.
            turn.aside += 1
            turn.since = taken
            pause = self._longest_wait_seconds * min(2.0 ** (turn.aside - 1), _LONGEST_ASIDE)
            turn.not_before = self._clock() + pause
            log.warning(
                "batch %s is not taken and others are; it is tried again in %.0f s",
                segment.batch_id[:12],
                pause,
            )
            return True
        self._failed_in_a_row += 1
        return False

    def _send(self, segment: Segment, body: bytes) -> Outcome:
        began = self._clock()
        answer = self._deliver(segment.batch_id, body)
        if answer.outcome in (Outcome.TAKEN, Outcome.HELD):
            self.latency.observe(self._clock() - began)
            if answer.outcome is Outcome.HELD:
                log.warning(
                    "the service holds batch %s for review; it counts once the regulator releases it: %s",
                    segment.batch_id[:12],
                    answer.reason,
                )
                self._remember(f"the service holds a batch for review: {answer.reason}")
        elif answer.outcome is Outcome.REFUSED:
            log.error("the service refuses batch %s %s", segment.batch_id[:12], answer.reason)
            self._remember(f"the service refuses a batch {answer.reason}")
        return answer.outcome

    def _deliver(self, name: str, body: bytes) -> Answer:
        answer = deliver(self._client, name, body, self._clock)
        if answer.outcome in (Outcome.AWAY, Outcome.ENOUGH, Outcome.NOT_NOW):
            self._asked_until = self._clock() + answer.pause_seconds
            self._note_failure(answer.reason)
        return answer

    def _remember(self, reason: str) -> None:
        self.last_error, self.last_error_time = reason, time.time()

    def _note_failure(self, reason: str) -> None:
        self.failures += 1
        self._remember(reason)
        told, at = self._told
        if reason != told or self._clock() - at >= _REPEAT_SECONDS:
            self._told = (reason, self._clock())
            log.warning("%s; batches wait in the spool, and will be sent", reason)
