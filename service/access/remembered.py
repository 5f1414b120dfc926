"""The memory of browsers: for so long, of so many, by ids that nobody can guess."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from caudal.service.access.keys import digest_of

Thing = TypeVar("Thing")


class Remembered(Generic[Thing]):
    """Things by secret ids, each for a time; when there are too many, the oldest is forgotten."""

    def __init__(self, most: int, lasting: timedelta, clock: Callable[[], datetime]) -> None:
        self._most = most
        self._lasting = lasting
        self._clock = clock
        self._lock = threading.Lock()
        # By the SHA-256 of the id, oldest first: all last equally long.
        self._things: OrderedDict[str, tuple[datetime, Thing]] = OrderedDict()

    def add(self, thing: Thing) -> str:
        """Remember a thing; return the id to ask for it by: 256 random bits."""
        name = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            while self._things:
                until, _ = next(iter(self._things.values()))
                if until > now and len(self._things) < self._most:
                    break
                self._things.popitem(last=False)
            self._things[digest_of(name)] = (now + self._lasting, thing)
        return name

    def get(self, name: str) -> tuple[datetime, Thing] | None:
        """Return until when a thing is remembered, and it; None where it is not (any more)."""
        found = self._things.get(digest_of(name))
        return found if found is not None and self._clock() < found[0] else None

    def take(self, name: str) -> Thing | None:
        """Forget a thing, and return it; None where it was not remembered (any more)."""
        with self._lock:
            found = self._things.pop(digest_of(name), None)
        return found[1] if found is not None and self._clock() < found[0] else None

    def __len__(self) -> int:
        return len(self._things)
