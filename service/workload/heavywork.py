"""Heavy work: what takes a core for seconds is done by one at a time, while a few wait and the rest is told to come back.

The gate is entered where the work begins, so that what is kept already costs nobody a turn. Work that belongs to no
request passes.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from caudal.service.errors import Busy
from caudal.service.workload.cancellation import CURRENT, Work

# How often whoever waits looks whether the client is still there.
_LOOK_SECONDS = 0.1


class HeavyWorkGate:
    """Lets so many in at once; so many more wait, each for so long. For threads."""

    def __init__(self, at_once: int = 1, waiting: int = 1, wait_seconds: float = 5.0) -> None:
        self._free = at_once
        self._most_waiting = waiting
        self._wait_seconds = wait_seconds
        self._waiting = 0
        self._changed = threading.Condition()

    def enter(self, work: Work, patient: bool = False) -> None:
        """Take a turn; raise Busy where too many wait or it takes too long, Gone where the client has gone.

        Who is patient waits without taking a place, as long as its client does.
        """

        def taken() -> bool:
            if self._free > 0:
                self._free -= 1
                return True
            return False

        self.wait(work, taken, patient)

    def leave(self) -> None:
        """Give the turn back."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def wait(self, work: Work, ready: Callable[[], bool], patient: bool = False) -> None:
        """Wait in one of the places until `ready`, which is asked under the gate's lock."""
        with self._changed:
            if ready():
                return
            if not patient and self._waiting >= self._most_waiting:
                raise _busy(self._wait_seconds)
            self._waiting += not patient
            until = time.monotonic() + self._wait_seconds
            try:
                while not ready():
                    work.check()
                    if not patient and time.monotonic() >= until:
                        raise _busy(self._wait_seconds)
                    self._changed.wait(_LOOK_SECONDS)
            finally:
                self._waiting -= not patient


@contextmanager
def heavy_work(patient: bool = False) -> Iterator[None]:
    """Hold a turn of heavy work; who holds one already goes on. Raise Busy, Gone or TooLong."""
    work = CURRENT.get()
    if work is None or work.gate is None or work.holding:
        yield
        return
    work.gate.enter(work, patient)
    work.hold(True)
    try:
        yield
    finally:
        work.hold(False)
        work.gate.leave()


def await_other(finished: threading.Event) -> None:
    """Wait for what another request is making; raise Busy where too many wait already, or it takes too long."""
    work = CURRENT.get()
    if work is None or work.gate is None:
        finished.wait()
    else:
        work.gate.wait(work, finished.is_set)


def _busy(wait_seconds: float) -> Busy:
    seconds = max(1, round(wait_seconds))
    return Busy(
        "others wait for reports, exports or computations already; what is published and was asked for before is answered at "
        f"once: try again in {seconds} seconds",
        retry_after_seconds=seconds,
    )
