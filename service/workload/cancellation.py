"""Work that is wanted as long as its client is there: a token that whoever works long looks at.

The door makes one for each request and puts it into the context of whatever the request starts. Work that belongs to no
request (publication, start, commands) has none, and is never stopped by it.
"""

import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caudal.service.errors import Gone, TooLong
from caudal.service.workload.querylimits import QueryLimits

if TYPE_CHECKING:
    from caudal.service.workload.heavywork import HeavyWorkGate


@dataclass(eq=False)
class Work:
    """The work of one request: until when it may take, how much its questions may cost and span, its gate.

    `gate` is the gate of heavy work; `holding` says that the request is inside it. `until` is a moment of
    `time.monotonic`, and `months` how many a question may span; None where nothing limits them.
    """

    gate: "HeavyWorkGate | None" = None
    limits: QueryLimits | None = None
    until: float | None = None
    months: int | None = None
    holding: bool = False
    _gone: threading.Event = field(default_factory=threading.Event)

    def leave(self) -> None:
        """Note that nobody waits for the answer any more."""
        self._gone.set()

    def end_deadline(self) -> None:
        """Let the work take as long as it likes from now on."""
        self.until = None

    def hold(self, holding: bool) -> None:
        """Note that the request is inside its gate, or left it."""
        self.holding = holding

    def check(self) -> None:
        """Return if the work is still wanted; raise Gone or TooLong otherwise."""
        if self._gone.is_set():
            raise Gone("the client has gone")
        if self.until is not None and time.monotonic() > self.until:
            raise TooLong(
                "the answer takes longer than the service gives to one; ask for less: fewer months, fewer groupings"
            )


CURRENT: ContextVar[Work | None] = ContextVar("caudal_work", default=None)


def check() -> None:
    """Return if the work of this context is still wanted; raise Gone or TooLong otherwise."""
    work = CURRENT.get()
    if work is not None:
        work.check()
