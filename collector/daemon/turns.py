"""Turns between the thread that works and those that look at its data."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_PATIENCE_SECONDS = 2.0
_TRIES = 10


class Turns:
    """Lets others look between two pieces of work.

    A piece of work takes milliseconds, but may take half a minute where something is compiled first: who has waited for
    long looks all the same, and again if what it looks at changes meanwhile.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._lock = threading.Lock()
        self._patience_seconds = patience_seconds

    @contextmanager
    def work(self) -> Iterator[None]:
        """Keep others from looking."""
        with self._lock:
            yield

    def look(self, report: Callable[[], T]) -> T:
        """Return the answer of `report`, called between two lots; it must only look."""
        if self._lock.acquire(timeout=self._patience_seconds):
            try:
                return report()
            finally:
                self._lock.release()
        for _ in range(_TRIES):
            try:
                return report()
            except RuntimeError:  # a dictionary changed while it was gone through
                continue
        with self._lock:
            return report()
