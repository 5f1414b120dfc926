"""A lot of datagrams in one buffer: what every source of export datagrams hands to the decoder."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from caudal.collector.flowrecords import I32, I64, U8


@dataclass(frozen=True)
class Datagrams:
    """UDP payloads as slices of one buffer, in the order received.

    `buffer` is bytes; `offset` and `length` say where each payload lies. `exporter` is the position of the
    source address in `Exporters` (see there); the UDP source port is not part of it. `received_ms` is the
    time of receipt, milliseconds since 1970 UTC. `truncated` marks payloads cut short by receiver or capture.
    """

    buffer: U8
    offset: I64
    length: I64
    exporter: I32
    received_ms: I64
    truncated: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.offset)

    def parts(self, octets: int) -> Iterator["Datagrams"]:
        """Yield the datagrams in lots of about so many octets at most, at least one datagram in each."""
        ends = np.cumsum(self.length)
        first = 0
        while first < len(self):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + octets, "right")))
            yield self if last - first == len(self) else self._slice(first, last)
            first = last

    def _slice(self, first: int, last: int) -> "Datagrams":
        only = slice(first, last)
        return Datagrams(
            self.buffer,
            self.offset[only],
            self.length[only],
            self.exporter[only],
            self.received_ms[only],
            self.truncated[only],
        )


class Exporters:
    """Numbers source addresses in the order they appear; the list is bounded.

    Addresses are text (`192.0.2.1`, `2001:db8::1`), or empty for payloads that came without one. They
    stay in this object: what leaves the collector is a configured name or a pseudonym.
    """

    def __init__(self, limit: int = 65_536) -> None:
        self.addresses: list[str] = []
        self._limit = limit
        self._number: dict[str, int] = {}

    def number(self, address: str) -> int:
        """Return the number of `address`, giving it one if it has none; -1 when the list is full."""
        found = self._number.get(address)
        if found is not None:
            return found
        if len(self.addresses) >= self._limit:
            return -1
        self._number[address] = len(self.addresses)
        self.addresses.append(address)
        return self._number[address]
