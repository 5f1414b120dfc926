"""Places: how many requests of a kind are worked on at once, how many wait, and for how long."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from caudal.service.problem import Problem


class Place:
    """A place that was taken; giving it back twice gives it back once."""

    def __init__(self, places: "Places", sender: str) -> None:
        self._places: Places | None = places
        self._sender = sender

    def give_back(self) -> None:
        """Let the next one in."""
        if self._places is not None:
            self._places._leave(self._sender)
            self._places = None


class Places:
    """So many places, in which order they were asked for; a sender may have or wait for so many of them.

    Belongs to one event loop.
    """

    def __init__(
        self, name: str, at_once: int, waiting: int, wait_seconds: float, per_sender: int | None = None
    ) -> None:
        self.name = name
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._wait_seconds = wait_seconds
        self._per_sender = per_sender
        self._senders: Counter[str] = Counter()
        self.waiting = 0

    async def take(self, sender: str) -> Place:
        """Return a place; raise Problem where too many wait, the sender has its share, or it takes too long."""
        full = self._free.locked()
        if self._per_sender is not None and self._senders[sender] >= self._per_sender:
            raise self._busy(f"you have {self._per_sender} requests of this kind at work or waiting")
        if full and self.waiting >= self._most_waiting:
            raise self._busy("all places are taken and enough are waiting")
        self._senders[sender] += 1
        self.waiting += full
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except BaseException as error:
            self._forget(sender)
            if isinstance(error, TimeoutError):
                raise self._busy(f"no place was free for {self._wait_seconds:g} seconds") from error
            raise
        finally:
            self.waiting -= full
        return Place(self, sender)

    @asynccontextmanager
    async def place(self, sender: str) -> AsyncIterator[Place]:
        """Hold a place; it may be given back before the end."""
        place = await self.take(sender)
        try:
            yield place
        finally:
            place.give_back()

    def _leave(self, sender: str) -> None:
        self._free.release()
        self._forget(sender)

    def _forget(self, sender: str) -> None:
        self._senders[sender] -= 1
        if self._senders[sender] <= 0:
            del self._senders[sender]

    def _busy(self, why: str) -> Problem:
        seconds = max(1, round(self._wait_seconds))
        return Problem(
            "busy",
            f"{why} ({self.name}); try again in {seconds} seconds",
            headers={"Retry-After": str(seconds)},
        )
