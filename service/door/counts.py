"""Counts that end by themselves, in memory: what `limits` counts in."""

import time

from limits.storage.base import Storage

# Those that have ended are thrown away so often at most, and only where there are many.
_CLEAN_SECONDS = 1.0
_FEW = 1000


class Counts(Storage):
    """A storage of `limits` for one thread at a time. Its own one starts a thread for each hundredth of a second in which it
    is used, and looks through everything in each: a flood of addresses would take a core.
    """

    STORAGE_SCHEME = ["caudal-memory"]  # noqa: RUF012 - as `limits` declares it

    def __init__(self) -> None:
        super().__init__(None)
        self._counts: dict[str, tuple[int, float]] = {}
        self._cleaned = time.time()

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def base_exceptions(self) -> type[Exception]:
        """The exceptions that the storage may raise."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, from now until `expiry` seconds after the first; return the count."""
        now = time.time()
        count, until = self._counts.get(key, (0, 0.0))
        if until <= now:
            self._clean(now)
            count, until = 0, now + expiry
        self._counts[key] = (count + amount, until)
        return count + amount

    def get(self, key: str) -> int:
        """Return the count."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the count ends, in seconds since 1970."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Return True if the storage works."""
        return True

    def reset(self) -> int | None:
        """Forget all counts; return how many there were."""
        known = len(self._counts)
        self._counts.clear()
        return known

    def clear(self, key: str) -> None:
        """Forget a count."""
        self._counts.pop(key, None)

    def _clean(self, now: float) -> None:
        if len(self._counts) < _FEW or now - self._cleaned < _CLEAN_SECONDS:
            return
        self._cleaned = now
        self._counts = {key: known for key, known in self._counts.items() if known[1] > now}
