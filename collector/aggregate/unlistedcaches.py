"""Caches of platforms in the operator's own network that its list does not name: found by what home addresses serve."""

import ipaddress
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caudal.collector.columns.cellcode import MOST_SERVICES
from caudal.collector.columns.flowrecords import F64, U8, FlowRecords
from caudal.common.vocabulary import DIRECTIONS

_OUT, _IN, _INTERNAL = (DIRECTIONS.index(name) for name in ("out", "in", "internal"))
# Less than this of a platform's traffic from home addresses is a subscriber's proxy, or a name gone astray.
LEAST_SHARE = 0.01
_MOST_PREFIXES = 4096
_PREFIX_BITS = {4: 24, 6: 56}
_SHOWN = 5


@dataclass(frozen=True)
class UnlistedCache:
    """A platform whose names home addresses serve: bytes among home addresses, and with far ends elsewhere.

    `share` is the former over both. `prefixes` are those that served most (/24, /56), where they were kept.
    """

    platform: str
    home_bytes: int
    far_bytes: int
    share: float
    prefixes: tuple[str, ...] = ()


class UnlistedCaches:
    """Adds up the bytes of flows that carry a platform's name, those between two home addresses apart.

    Only flows that were tagged by a name count: of others nobody knows whose they are. A cache that the operator
    lists is a far end, and so never between two home addresses. No address is kept, except prefixes where
    `prefixes` says so: for captures, whose answer stays with whoever has them.
    """

    def __init__(self, *, prefixes: bool = False) -> None:
        self._home: F64 = np.zeros(MOST_SERVICES)
        self._far: F64 = np.zeros(MOST_SERVICES)
        self._prefixes: Counter[tuple[int, int, int]] | None = Counter() if prefixes else None

    def add(self, flows: FlowRecords, direction: U8) -> None:
        """Count tagged flow records by their directions (positions in DIRECTIONS)."""
        tagged = np.flatnonzero(flows.tag)
        if not len(tagged):
            return
        tags, ways = flows.tag[tagged], direction[tagged]
        octets = flows.bytes[tagged] * flows.sampling_rate[tagged]
        inside = ways == _INTERNAL
        outside = (ways == _OUT) | (ways == _IN)
        self._home += np.bincount(tags[inside], weights=octets[inside], minlength=MOST_SERVICES)
        self._far += np.bincount(tags[outside], weights=octets[outside], minlength=MOST_SERVICES)
        if self._prefixes is not None and inside.any():
            self._keep_prefixes(flows.take(tagged[inside]), octets[inside])

    def _keep_prefixes(self, flows: FlowRecords, octets: F64) -> None:
        assert self._prefixes is not None
        # Who serves has the lower port: well-known, where its client's is ephemeral.
        serves = flows.source_port < flows.destination_port
        high = np.where(serves, flows.source_high, flows.destination_high)
        low = np.where(serves, flows.source_low, flows.destination_low)
        for version, tag, upper, lower, count in zip(
            flows.ip_version.tolist(), flows.tag.tolist(), high.tolist(), low.tolist(), octets.tolist(), strict=True
        ):  # fmt: skip
            width = 32 if version == 4 else 128
            address = (upper << 64 | lower) if version == 6 else lower
            spare = width - _PREFIX_BITS[6 if version == 6 else 4]
            key = (tag, version, address >> spare << spare)
            if key in self._prefixes or len(self._prefixes) < _MOST_PREFIXES:
                self._prefixes[key] += round(count)

    def found(self, services: Sequence[str]) -> list[UnlistedCache]:
        """Return the platforms that home addresses serve to a notable share, most bytes first.

        `services` are the platform ids that tags are positions in.
        """
        both = self._home + self._far
        share = np.divide(self._home, both, out=np.zeros_like(both), where=both > 0)
        notable = np.flatnonzero((self._home > 0) & (share >= LEAST_SHARE))
        return [
            UnlistedCache(
                services[at], round(self._home[at]), round(self._far[at]), float(share[at]), self._served(at)
            )
            for at in notable[np.argsort(-self._home[notable], kind="stable")].tolist()
        ]

    def _served(self, tag: int) -> tuple[str, ...]:
        if self._prefixes is None:
            return ()
        own = Counter({key: count for key, count in self._prefixes.items() if key[0] == tag})
        return tuple(_text(version, address) for (_, version, address), _ in own.most_common(_SHOWN))


def _text(version: int, address: int) -> str:
    if version == 6:
        return f"{ipaddress.IPv6Address(address)}/{_PREFIX_BITS[6]}"
    return f"{ipaddress.IPv4Address(address)}/{_PREFIX_BITS[4]}"
