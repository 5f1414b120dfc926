"""Reads HTTP/1.1: as h11 does, without what h11 takes and costs more than it is worth."""

import h11

# A chunk costs some tens of microseconds to read, however little is in it: six bytes that a stranger sends would keep the
# event loop as busy as a whole request. So many chunks of any size are read; then they must hold something.
_CHUNKS_OF_ANY_SIZE = 100
_CHUNK_BYTES_LEAST = 256


class Parser(h11.Connection):
    """The state of a connection, of the server's side; refuses two things more than h11 does.

    Refused is a body in many chunks of almost nothing, and one whose length is told in two ways: a proxy may have taken
    the other, and what follows for another request than it is (RFC 9112, 6.1). `fault` says so to the sender.
    """

    def __init__(self, head_bytes: int) -> None:
        super().__init__(h11.SERVER, head_bytes)
        self.fault = f"send HTTP/1.1 with a head of at most {head_bytes} bytes"
        self._chunks = 0
        self._octets = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event of the connection; raise h11.RemoteProtocolError for one that is refused."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._octets = 0
            names = {name for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                self._refuse("send Content-Length or Transfer-Encoding, not both")
        elif isinstance(event, h11.Data):
            # A chunk that comes in parts is one event each: those cost their sender a packet.
            self._chunks += event.chunk_start
            if self._chunks > _CHUNKS_OF_ANY_SIZE and self._octets < self._chunks * _CHUNK_BYTES_LEAST:
                self._refuse(
                    f"send a body of known length, or in chunks of {_CHUNK_BYTES_LEAST} bytes and more"
                )
            self._octets += len(event.data)
        return event

    def _refuse(self, fault: str) -> None:
        self.fault = fault
        raise h11.RemoteProtocolError(fault)
