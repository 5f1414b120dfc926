"""A connection by HTTP/1.1: uvicorn's protocol, with the deadlines that it lacks."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from caudal.service.door.connections import Connections, Reason
from caudal.service.door.headers import secure
from caudal.service.door.parser import Parser
from caudal.service.problem import Problem, document
from caudal.service.roles.actor import ANYBODY

# How long the rest of a body is thrown away after its request was answered, so that the answer can be read.
_LINGER_SECONDS = 5.0


class _Lingering:
    """A transport that counts what is written to it, and does not close upon somebody who is still sending.

    A socket that is closed with something left to read makes the other side forget the answer it was sent.
    """

    def __init__(self, transport: asyncio.Transport, is_sending: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_sending = is_sending
        self.written = 0
        self.lingers = False

    def write(self, data: bytes) -> None:
        """Write, and count."""
        self.written += len(data)
        self._transport.write(data)

    def close(self) -> None:
        """Close; where a body is still coming, say first that nothing follows, and leave it to `Connection.look`."""
        if self.lingers or self._transport.is_closing() or not self._is_sending():
            self._transport.close()
        else:
            self.lingers = True
            self._transport.write_eof()

    def is_closing(self) -> bool:
        """Return True if nothing more is to be written."""
        return self.lingers or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(H11Protocol):
    """A connection with deadlines: for the head of a request, for reading an answer, for what is sent after it.

    `Connections` calls `look` every second; a deadline is kept to within that.
    """

    def __init__(self, connections: Connections, **known: Any) -> None:
        super().__init__(**known)
        self.conn: Parser = Parser(connections.settings.header_bytes)
        # uvicorn warns of every request it cannot read: that is counted instead. Its errors are still logged.
        self.logger = logging.getLogger("caudal.service.http")
        self.logger.setLevel(logging.ERROR)
        self._connections = connections
        self._descriptor = -1
        self._head_since: float | None = None
        self._answered_since: float | None = None
        self._read: tuple[float, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: the head of a request is to come."""
        super().connection_made(transport)
        self._own = _Lingering(transport, self._is_sending)
        self.transport = cast("asyncio.Transport", self._own)
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._head_since = time.monotonic()
        self._connections.made(self, self._descriptor)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._connections.lost(self, self._descriptor)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive bytes: from the first byte of a head on, the whole of it has a deadline."""
        if self._own.lingers:
            return
        if self._head_since is None and self.conn.their_state is h11.IDLE:
            self._head_since = time.monotonic()
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        """Wait for the next request, of which a part may have come already."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._head_since = time.monotonic()
        self._note()

    def look(self, now: float) -> None:
        """Close the connection where the other side is too slow."""
        if (
            self._head_since is not None
            and now - self._head_since > self._connections.settings.header_seconds
        ):
            self.abort("head")
        elif self._answered_since is not None and now - self._answered_since > _LINGER_SECONDS:
            self.abort("body")
        else:
            self._look_at_reading(now)

    def abort(self, reason: Reason) -> None:
        """Close at once, whatever is still to be sent."""
        self._connections.closed(reason)
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the name is uvicorn's
        """Answer what is no HTTP, in place of uvicorn's line of text."""
        self._connections.closed("unreadable")
        if self.cycle is not None and not self.cycle.response_complete:
            # What answers the request that came before has nobody to answer any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        answer = document(Problem("unreadable-request", self.conn.fault, headers={"Connection": "close"}), "")
        start: dict[str, Any] = {"type": "http.response.start", "status": 400, "headers": answer.raw_headers}
        secure(start, "", ANYBODY, https=False)
        for event in (
            h11.Response(status_code=400, headers=start["headers"], reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        """Return False, as no other protocol is spoken; uvicorn would warn of each request for one."""
        return False

    def _note(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._head_since = None
        if self._own.lingers:
            self._answered_since = self._answered_since or time.monotonic()
            self._connections.waits(self)
            return
        # None before the first request, which uvicorn's types do not say.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None:
            return
        if cycle.response_complete:
            self._connections.waits(self)
            if self.conn.their_state is h11.SEND_BODY:
                self._answered_since = self._answered_since or time.monotonic()
            else:
                self._answered_since = None
        else:
            self._answered_since = None
            self._connections.works(self)

    def _is_sending(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _look_at_reading(self, now: float) -> None:
        """Close where so little of the answer was read, for so long, that it would take for ever."""
        left = self.transport.get_write_buffer_size()
        if not left:
            self._read = None
            return
        sent = self._own.written - left
        if self._read is None:
            self._read = (now, sent)
            return
        since, before = self._read
        seconds = now - since
        if seconds >= self._connections.settings.send_seconds:
            if sent - before < self._connections.settings.send_bytes_per_second * seconds:
                self.abort("reading")
            self._read = (now, sent)
