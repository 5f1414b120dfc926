"""Every open connection: how many there may be, who has to go when there are too many, and which are too slow."""

import asyncio
import errno
import logging
import os
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from caudal.service.door.addresses import Proxies, network_of, normal
from caudal.service.settings.doorsettings import DoorSettings

if TYPE_CHECKING:
    from caudal.service.door.connection import Connection

_log = logging.getLogger(__name__)

Reason = Literal["full", "address", "evicted", "descriptors", "head", "reading", "body", "unreadable"]
REASONS: tuple[Reason, ...] = (
    "full",
    "address",
    "evicted",
    "descriptors",
    "head",
    "reading",
    "body",
    "unreadable",
)
_SWEEP_SECONDS = 1.0
_SAY_SECONDS = 60.0
# So many above the limit may be open for the moment in which an evicted one is being closed.
_SLACK = 64
# So many are turned away before anything else gets its turn.
_TURNED_AWAY_AT_ONCE = 128


class Connections:
    """The open connections of one server, at most `most`; belongs to one event loop once it serves.

    `count` is told of every connection that is turned away or closed for a reason.
    """

    def __init__(self, settings: DoorSettings, most: int, count: Callable[[Reason], None]) -> None:
        self.settings = settings
        self._most = most
        self._proxies = Proxies(settings.trusted_proxies)
        self._count = count
        # By descriptor: an entry that was missed is replaced when its descriptor is used again.
        self._open: dict[int, tuple[str, Connection | None]] = {}
        # Those that never asked for anything go first, then those that wait to ask again.
        self._silent: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._addresses: Counter[str] = Counter()
        self._closed: Counter[Reason] = Counter()
        self._said = 0.0
        self._sweeping = False

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, descriptor: int, address: str) -> bool:
        """Return True if a connection just accepted may stay; where all places are taken, an idle one goes for it."""
        sender = network_of(normal(address))
        self._forget(descriptor)
        if self._addresses[sender] >= self.settings.connections_per_address and not self._proxies.trusts(
            address
        ):
            self.closed("address")
            return False
        if len(self._open) >= self._most and (len(self._open) >= self._most + _SLACK or not self._evict()):
            self.closed("full")
            return False
        self._open[descriptor] = (sender, None)
        self._addresses[sender] += 1
        return True

    def made(self, connection: "Connection", descriptor: int) -> None:
        """Take note of the protocol of a connection that was admitted."""
        sender = self._open.get(descriptor, ("", None))[0]
        self._open[descriptor] = (sender, connection)
        self._silent[connection] = None
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def lost(self, connection: "Connection", descriptor: int) -> None:
        """Take note that a connection is closed."""
        self.works(connection)
        self._forget(descriptor)

    def waits(self, connection: "Connection") -> None:
        """Take note that a connection has been answered: it may be closed in favour of another."""
        self._idle[connection] = None

    def works(self, connection: "Connection") -> None:
        """Take note that a connection has a request at work."""
        self._silent.pop(connection, None)
        self._idle.pop(connection, None)

    def closed(self, reason: Reason) -> None:
        """Count a connection that is turned away or closed."""
        self._closed[reason] += 1
        self._count(reason)
        self._say()

    def _forget(self, descriptor: int) -> None:
        entry = self._open.pop(descriptor, None)
        if entry is not None:
            self._addresses[entry[0]] -= 1
            if self._addresses[entry[0]] <= 0:
                del self._addresses[entry[0]]

    def _evict(self) -> bool:
        """Close a connection without a request, the oldest; return whether there was one."""
        waiting = self._silent or self._idle
        if not waiting:
            return False
        connection, _ = waiting.popitem(last=False)
        connection.abort("evicted")
        return True

    def _sweep(self) -> None:
        now = time.monotonic()
        for _, connection in list(self._open.values()):
            if connection is not None:
                connection.look(now)
        self._say()
        self._sweeping = bool(self._open)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _say(self) -> None:
        """Log the connections closed, once a minute at most."""
        now = time.monotonic()
        if not self._closed or (self._said and now - self._said < _SAY_SECONDS):
            return
        counts = ", ".join(f"{reason} {count}" for reason, count in sorted(self._closed.items()))
        _log.warning(
            "connections turned away or closed: %s; %d are open, %d may be",
            counts,
            len(self._open),
            self._most,
        )
        self._said = now
        self._closed.clear()


class Listener(socket.socket):
    """The listening socket: accepts what Connections admits and closes the rest at once.

    Out of descriptors, it gives up a spare one to be able to turn the next away: so accepting never fails, and
    nobody writes a line of log for each attempt.
    """

    def __init__(self, bound: socket.socket, connections: Connections) -> None:
        """Take the place of a socket that listens."""
        super().__init__(bound.family, bound.type, bound.proto, fileno=bound.detach())
        # Taken over by what is accepted; asyncio sets it only where a socket was made with its protocol. Without it the
        # body of an answer waits for the acknowledgement of its head, 40 ms.
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections = connections
        self._spare = os.open(os.devnull, os.O_RDONLY)

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection that may stay; raise BlockingIOError where there is none for now."""
        for _ in range(_TURNED_AWAY_AT_ONCE):
            try:
                accepted, address = super().accept()
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE):
                    raise
                self._turn_away()
                continue
            if self.connections.admit(accepted.fileno(), address[0]):
                return accepted, address
            accepted.close()
        raise BlockingIOError

    def close(self) -> None:
        """Close it, and the spare descriptor."""
        if self.fileno() >= 0:
            os.close(self._spare)
        super().close()

    def _turn_away(self) -> None:
        os.close(self._spare)
        try:
            accepted, _ = super().accept()
            accepted.close()
        finally:
            self._spare = os.open(os.devnull, os.O_RDONLY)
        self.connections.closed("descriptors")
