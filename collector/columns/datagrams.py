"""A lot of datagrams in one buffer: what every source of export datagrams hands to the decoder."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from caudal.collector.columns.allowlist import AllowList
from caudal.collector.columns.flowrecords import F64, I32, I64, U8, U16

# Instead of an exporter's number.
NO_ROOM: Final = -1
NOT_ALLOWED: Final = -2


@dataclass(frozen=True)
class Datagrams:
    """UDP payloads as slices of one buffer, in the order received.

    `buffer` is bytes, not to be written to; `offset` and `length` say where each payload lies. `exporter` is the position of the
    source address in `Exporters` (see there; negative for none); the UDP source port is not part of it. `received_ms` is the
    time of receipt, milliseconds since 1970 UTC. `truncated` marks payloads cut short by receiver or capture. `port` is the
    UDP source port, by which several exporting processes behind one address are told apart; 0 throughout where it is not
    known (left out of the constructor).
    """

    buffer: U8
    offset: I64
    length: I64
    exporter: I32
    received_ms: I64
    truncated: np.ndarray[tuple[int], np.dtype[np.bool_]]
    port: U16 = field(default_factory=lambda: np.empty(0, np.uint16))

    def __post_init__(self) -> None:
        if len(self.port) != len(self.offset):
            object.__setattr__(self, "port", np.zeros(len(self.offset), np.uint16))
        # Of one kind whatever the source, so that kernels are compiled for one kind only.
        if self.buffer.flags.writeable:
            buffer = self.buffer.view()
            buffer.flags.writeable = False
            object.__setattr__(self, "buffer", buffer)

    def __len__(self) -> int:
        return len(self.offset)

    def parts(self, octets: int) -> Iterator["Datagrams"]:
        """Yield the datagrams in lots of about so many octets at most, at least one datagram in each."""
        ends = np.cumsum(self.length)
        first = 0
        while first < len(self):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + octets, "right")))
            yield self if last - first == len(self) else self.take(slice(first, last))
            first = last

    def take(self, which: I64 | slice) -> "Datagrams":
        """Return the datagrams at positions `which`, in the same buffer."""
        return Datagrams(
            self.buffer,
            self.offset[which],
            self.length[which],
            self.exporter[which],
            self.received_ms[which],
            self.truncated[which],
            self.port[which],
        )


class Exporters:
    """Numbers source addresses; the list is bounded, and numbers of the idle are given to others.

    Addresses are text (`192.0.2.1`, `2001:db8::1`), or empty for payloads that came without one. They
    stay in this object: what leaves the collector is a configured name or a pseudonym. Datagrams of sources
    that `allow` does not hold, and of those for which there is no room, have no exporter (NOT_ALLOWED,
    NO_ROOM) and are filtered. A number is below 65,536; it means another address only after `free`.
    """

    def __init__(
        self,
        limit: int = 65_536,
        allow: AllowList | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.addresses: list[str] = []
        self.allow = allow
        self.generation = 0  # changes when a number may mean another address than before
        self._limit = limit
        self._clock = clock
        self._number: dict[str, int] = {}
        self._free: list[int] = []
        self._new: list[int] = []
        self._kept: set[int] = set()
        self._forgotten: set[int] = set()
        self._heard: F64 = np.zeros(0)

    def number(self, address: str) -> int:
        """Return the number of `address`, giving it one if it has none and there is room."""
        found = self._number.get(address)
        if found is not None:
            return found
        if self.allow is not None and address and address not in self.allow:
            return NOT_ALLOWED
        if self._free:
            number = self._free.pop()
            self.addresses[number] = address
        elif len(self.addresses) < self._limit:
            number = len(self.addresses)
            self.addresses.append(address)
            if number == len(self._heard):
                self._heard = np.concatenate([self._heard, np.zeros(max(64, number))])
        else:
            return NO_ROOM
        self._number[address] = number
        self._heard[number] = self._clock()
        self._new.append(number)
        return number

    def keep(self, address: str) -> int:
        """Give `address` a number for good, whatever is allowed: those the operator told us of have a place.

        Returns NO_ROOM only if there is none at all.
        """
        allow, self.allow = self.allow, None
        number = self.number(address)
        self.allow = allow
        if number >= 0:
            self._kept.add(number)
        return number

    def take_new(self) -> list[int]:
        """Return the numbers given since the last call, and those `forget` was told of and that were heard again."""
        new, self._new = self._new, []
        return new

    def heard(self, exporter: I32) -> None:
        """Take note that these exporters were heard now."""
        if len(self._number):
            self._heard[exporter[exporter >= 0]] = self._clock()
        if self._forgotten:
            again = self._forgotten.intersection(np.unique(exporter).tolist())
            self._forgotten -= again
            self._new += again

    def forget(self, number: int) -> None:
        """Take note that nothing is known of an exporter any more, although it keeps its number for now."""
        self._forgotten.add(number)

    @property
    def crowded(self) -> bool:
        """True if there is little room for further exporters."""
        return len(self) > self._limit // 8 * 7

    @property
    def roomy(self) -> int:
        """The number of exporters at which there is room enough again."""
        return self._limit // 4 * 3

    def idle(self, seconds: float) -> list[int]:
        """Return the numbers of exporters not heard for `seconds`, the longest first, without those kept for good."""
        numbers = np.array([n for n in self._number.values() if n not in self._kept], np.int64)
        heard = self._heard[numbers]
        idle = heard <= self._clock() - seconds
        return list(numbers[idle][np.argsort(heard[idle], kind="stable")].tolist())

    def free(self, number: int) -> None:
        """Let another address have a number of which nothing is known any more."""
        del self._number[self.addresses[number]]
        self._forgotten.discard(number)
        self.addresses[number] = ""
        self._free.append(number)
        self.generation += 1

    def __len__(self) -> int:
        return len(self._number)
