"""ClientHellos of TCP and QUIC, put together from the few packets they are spread over."""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import U16, U64
from caudal.collector.names.clienthello import Hello, handshake_of_records, read_hello
from caudal.collector.names.quic import crypto_frames

_MOST_OCTETS = 1 << 14
_MOST_PIECES = 16
_MOST_PENDING = 2_048
_LONGEST_MS = 10_000
_SEQUENCES = 1 << 32
_MARKS = 1 << 16
_MORE = Hello("more")
Mask = npt.NDArray[np.bool_]


@dataclass
class _Pending:
    """The beginning of a hello, or pieces of it by their place; how many packets it took so far."""

    since_ms: int
    sequence: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    packets: int = 0

    def joined(self) -> bytes:
        """Return the octets from the first on, as far as there is no gap."""
        out = bytearray()
        for place, octets in sorted(self.pieces.items()):
            if place > len(out):
                break
            out += octets[len(out) - place :]
        return bytes(out)

    def add(self, place: int, octets: bytes) -> bool:
        """Keep a piece; return whether there is room for it."""
        size = sum(map(len, self.pieces.values()))
        if place + len(octets) > _MOST_OCTETS or size > _MOST_OCTETS or len(self.pieces) >= 4 * _MOST_PIECES:
            return False
        if len(octets) > len(self.pieces.get(place, b"")):
            self.pieces[place] = octets
        return True


class Hellos:
    """Reader of hellos by connection; unfinished ones are kept for seconds, a bounded number of them."""

    def __init__(self, most_pending: int = _MOST_PENDING) -> None:
        self._most = most_pending
        self._pending: OrderedDict[int, _Pending] = OrderedDict()
        # How many connections are awaited, by the last bits of their keys: most segments belong to none.
        self.marks: U16 = np.zeros(_MARKS, np.uint16)

    def __contains__(self, connection: int) -> bool:
        return connection in self._pending

    def __len__(self) -> int:
        return len(self._pending)

    def awaits(self, connections: U64) -> Mask:
        """Return of which connections more is awaited."""
        return np.isin(connections, np.fromiter(self._pending, np.uint64, len(self._pending)))

    def expire(self, now_ms: int) -> None:
        """Forget hellos that were begun too long ago to be finished."""
        while self._pending:
            connection, pending = next(iter(self._pending.items()))
            if now_ms - pending.since_ms <= _LONGEST_MS:
                return
            self.forget(connection)

    def begin(self, connection: int, now_ms: int, payload: bytes, sequence: int) -> Hello:
        """Return the hello that begins with this segment, as far as the segment holds it."""
        self.forget(connection)
        hello = _read_stream(payload)
        if hello.state != "more":
            return hello
        pending = _Pending(now_ms, sequence)
        pending.add(0, payload)
        return self._keep(connection, pending, hello)

    def go_on(self, connection: int, now_ms: int, payload: bytes, sequence: int) -> Hello:
        """Return the hello that began with earlier segments, as far as it is known with this one."""
        del now_ms
        pending = self._pending.get(connection)
        place = -1 if pending is None else (sequence - pending.sequence) % _SEQUENCES
        if pending is None or place >= _MOST_OCTETS:
            return _MORE  # what came before the hello, or after what was asked of it
        if not pending.add(place, payload):
            return self._keep(connection, pending, Hello("unreadable"))
        return self._keep(connection, pending, _read_stream(pending.joined()))

    def quic(self, connection: int, now_ms: int, datagram: bytes) -> Hello:
        """Return the hello in a client's datagram and those before it, as far as it is known; raise UnreadableInitial."""
        frames = crypto_frames(datagram)
        pending = self._pending.get(connection) or _Pending(now_ms, 0)
        for place, octets in frames:
            if not pending.add(place, octets):
                return self._keep(connection, pending, Hello("unreadable"))
        return self._keep(connection, pending, read_hello(pending.joined()))

    def _keep(self, connection: int, pending: _Pending, hello: Hello) -> Hello:
        pending.packets += 1
        if hello.state != "more" or pending.packets >= _MOST_PIECES:
            self.forget(connection)
            return hello
        if connection not in self._pending:
            self.marks[connection % _MARKS] += 1
        self._pending[connection] = pending
        if len(self._pending) > self._most:
            self.forget(next(iter(self._pending)))
        return hello

    def forget(self, connection: int) -> None:
        """Forget the beginning of a connection's hello."""
        if self._pending.pop(connection, None) is not None:
            self.marks[connection % _MARKS] -= 1


def _read_stream(stream: bytes) -> Hello:
    handshake = handshake_of_records(stream)
    return Hello("unreadable") if handshake is None else read_hello(handshake)
