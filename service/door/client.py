"""The other side of a request: hands its body to the application, and notices when it has gone."""

import asyncio

from starlette.types import Message, Receive

from caudal.service.workload.cancellation import Work


class Client:
    """Receives from the server in one place, so that somebody always hears that the client has left.

    `unread` says that the door has not read the body.
    """

    def __init__(self, receive: Receive) -> None:
        self.receive_from_server = receive
        self._body = b""
        self.unread = True
        self._handed_over = False
        self._left = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def read(self, body: bytes) -> None:
        """Keep the body that the door has read, for the application."""
        self._body = body
        self.unread = False

    def watch(self, work: Work) -> None:
        """From now on, stop the work when the client leaves."""
        self._watcher = asyncio.create_task(self._watch(work))

    def stop(self) -> None:
        """Watch no longer."""
        if self._watcher is not None:
            self._watcher.cancel()

    async def receive(self) -> Message:
        """Return the body, then that the client has left, once it has (ASGI)."""
        if not self._handed_over:
            self._handed_over = True
            body, self._body = self._body, b""
            return {"type": "http.request", "body": body, "more_body": False}
        if self._watcher is None:
            while (await self.receive_from_server())["type"] != "http.disconnect":
                pass
            self._left.set()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _watch(self, work: Work) -> None:
        while (await self.receive_from_server())["type"] != "http.disconnect":
            pass
        work.leave()
        self._left.set()
