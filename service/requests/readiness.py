"""Readiness of the service: looked up by a thread of its own, answered within a moment whatever else goes on."""

import asyncio
import time
from collections.abc import Callable

import anyio
import anyio.to_thread

from caudal.service.answers.answers import Health
from caudal.service.problem import Problem

# A look that takes longer is not waited for, and what the last one said counts while it is not older than that.
_PATIENCE_SECONDS = 5.0
_LAST_SECONDS = 30.0


class Readiness:
    """Answers what `look` returns or raises; those who ask while it looks are answered with them who asked first."""

    def __init__(self, look: Callable[[], Health]) -> None:
        self._look = look
        self._thread = anyio.CapacityLimiter(1)
        self._looking: asyncio.Task[None] | None = None
        self._last: Health | Problem | None = None
        self._at = 0.0

    async def state(self) -> Health:
        """Return how the service is; raise Problem where it cannot work, or does not say so for too long."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._renew())
        await asyncio.wait({self._looking}, timeout=_PATIENCE_SECONDS)
        age = time.monotonic() - self._at
        if self._last is None or age > _LAST_SECONDS:
            raise Problem(
                "not-ready", "the store has not answered for some time; look at the log and at the disk"
            )
        if isinstance(self._last, Problem):
            raise self._last
        return self._last

    async def _renew(self) -> None:
        try:
            self._last = await anyio.to_thread.run_sync(self._look, limiter=self._thread)
        except Problem as problem:
            self._last = problem
        self._at = time.monotonic()
