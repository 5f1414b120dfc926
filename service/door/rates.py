"""Rates at which somebody may ask: by key, or by address where there is none."""

import time

from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter

from caudal.service.door.addresses import network_of
from caudal.service.door.counts import Counts
from caudal.service.problem import Problem
from caudal.service.roles.actor import Actor
from caudal.service.settings.doorsettings import OFF, DoorSettings

# So many senders are counted one by one; beyond that, their networks are.
_MOST_COUNTED = 50_000


class Rates:
    """Counts requests of each sender; memory is bounded whatever addresses they come from."""

    def __init__(self, settings: DoorSettings, most_counted: int = _MOST_COUNTED) -> None:
        self._strangers = _item(settings.rate_limit)
        self._keys = _item(settings.rate_limit_keys)
        self._storage = Counts()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._most = most_counted

    def count(self, actor: Actor, address: str) -> None:
        """Count a request; raise Problem where its sender has had all it may have for now."""
        item, sender = (
            (self._keys, f"{actor.name} {actor.credential}")
            if actor.known
            else (self._strangers, self._network(address))
        )
        if item is None or self._limiter.hit(item, sender):
            return
        reset = self._limiter.get_window_stats(item, sender).reset_time
        seconds = max(1, round(reset - time.time() + 0.5))
        whose = "this key" if actor.known else "this address"
        raise Problem(
            "too-many-requests",
            f"{whose} has asked more than {item.amount} times in {item.get_expiry()} seconds; ask again in {seconds} seconds",
            headers={"Retry-After": str(seconds)},
        )

    @property
    def counted(self) -> int:
        """The number of senders being counted."""
        return len(self._storage)

    def _network(self, address: str) -> str:
        return network_of(address, wide=self.counted >= self._most)


def _item(rate: str) -> RateLimitItem | None:
    return None if rate == OFF else parse(rate.replace("/", " per "))
