"""Quotas: what each collector has sent this hour and this day, and whether it may send more."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from caudal.common.counted import counted
from caudal.service.errors import QuotaExceeded
from caudal.service.settings.intakelimits import Quotas

# Of each quota: what is counted, and for how many seconds.
_PERIODS: Final = {
    "batches_per_hour": (("batch", "batches"), 3600),
    "rows_per_hour": (("row", "rows"), 3600),
    "bytes_per_day": (("byte", "bytes"), 86_400),
}


@dataclass
class _Spent:
    """Amounts that a collector has sent, by the name of the quota, and in which hour or day of UTC that was."""

    period: dict[str, int] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)


class QuotaBook:
    """Counts what collectors send by hours and days of UTC, in memory: a restart begins anew.

    `quotas` hold for all but the collectors that have their own, by id. What is refused, or was stored before, counts
    as well: it cost as much to read. Where a quota is spent nothing more is taken; the batch that spends it is.
    """

    def __init__(self, quotas: Quotas, own: Mapping[str, Quotas]) -> None:
        self._quotas = quotas
        self._own = dict(own)
        self._spent: dict[str, _Spent] = {}
        self._lock = threading.Lock()

    def demand(self, collector: str, now: datetime) -> None:
        """Enter a batch that is about to be read; where a quota is spent, raise QuotaExceeded and enter nothing."""
        quotas = self._own.get(collector, self._quotas)
        seconds = int(now.timestamp())
        with self._lock:
            used = self._used(collector, seconds)
            for name, (what, period) in _PERIODS.items():
                limit: int = getattr(quotas, name)
                if used[name] >= limit:
                    raise QuotaExceeded(
                        f"{collector} has sent {counted(used[name], *what)} this {'hour' if period == 3600 else 'day'} (UTC), and "
                        f"may send {limit} ({name}): send the batch again later",
                        quota=name,
                        used=used[name],
                        limit=limit,
                        retry_after_seconds=period - seconds % period,
                    )
            used["batches_per_hour"] += 1

    def enter(self, collector: str, now: datetime, *, body_bytes: int = 0, rows: int = 0) -> None:
        """Enter what a batch turned out to be."""
        with self._lock:
            used = self._used(collector, int(now.timestamp()))
            used["bytes_per_day"] += body_bytes
            used["rows_per_hour"] += rows

    def _used(self, collector: str, seconds: int) -> Counter[str]:
        """Return the amounts used in the hour and day that have not ended."""
        spent = self._spent.setdefault(collector, _Spent())
        for name, (_, period) in _PERIODS.items():
            if spent.period.get(name) != seconds // period:
                spent.period[name] = seconds // period
                spent.used[name] = 0
        return spent.used
