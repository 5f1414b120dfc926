"""Sends export datagrams over UDP, no faster than the collector takes them."""

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caudal.common.counted import counted
from caudal.demo.exports.exporter import ROUTERS
from caudal.demo.traffic.errors import DemoError

# What a datagram of 1,400 octets takes of a socket's receive buffer on Linux.
_BUFFER_PER_DATAGRAM: Final = 2_304
_SMALLEST_WINDOW, _LARGEST_WINDOW = 64, 1_024
_POLL_SECONDS: Final = 0.001
_RMEM_MAX: Final = Path("/proc/sys/net/core/rmem_max")


@dataclass(frozen=True)
class Sent:
    """Counts of datagrams sent; `unconfirmed` ones were never said to be received (0 without a callback)."""

    datagrams: int
    bytes: int
    unconfirmed: int


def safe_window() -> int:
    """Return the number of datagrams that may be under way to a receiver that asked for the largest buffer allowed."""
    try:
        largest = int(_RMEM_MAX.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return _SMALLEST_WINDOW
    # Linux doubles what is asked for; half is kept in reserve for other senders.
    return max(_SMALLEST_WINDOW, min(_LARGEST_WINDOW, largest // _BUFFER_PER_DATAGRAM))


def send(
    hours: Iterable[list[tuple[int, bytes]]],
    address: tuple[str, int],
    *,
    received: Callable[[], int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    window: int | None = None,
    datagrams_per_second: float = 20_000,
    patience_seconds: float = 10,
) -> Sent:
    """Send datagrams from each router's own loopback address to `address`, and return what was sent.

    `received` returns how many datagrams the collector has received so far, whatever it started from; at most
    `window` (by default what a socket buffer holds for sure) are sent ahead of it. Without it they go at
    `datagrams_per_second`. `progress` is told, after each hour, the hours and datagrams sent.
    Raises DemoError when nothing is received for `patience_seconds`, or nobody listens.
    """
    pace = (
        _Steady(datagrams_per_second)
        if received is None
        else _Confirmed(received, window or safe_window(), patience_seconds)
    )
    count = octets = 0
    with ExitStack() as stack:
        sockets = [stack.enter_context(_connected(router.address, address)) for router in ROUTERS]
        for number, hour in enumerate(hours, 1):
            for router, payload in hour:
                if count >= pace.allowed:
                    pace.wait(count)
                try:
                    octets += sockets[router].send(payload)
                except ConnectionRefusedError as error:
                    raise DemoError(
                        f"nobody listens on {address[0]} port {address[1]} (UDP) after {counted(count, 'datagram')}; "
                        "is the collector running?"
                    ) from error
                count += 1
            if progress is not None:
                progress(number, count)
        return Sent(count, octets, pace.finish(count))


class _Steady:
    """Allows so many datagrams per second, in bursts of a hundredth of a second."""

    def __init__(self, datagrams_per_second: float) -> None:
        self._rate = datagrams_per_second
        self._began = time.monotonic()
        self.allowed = 0

    def wait(self, sent: int) -> None:
        burst = max(1, int(self._rate / 100))
        due = self._began + sent / self._rate
        time.sleep(max(0.0, due - time.monotonic()))
        self.allowed = sent + burst

    def finish(self, sent: int) -> int:  # noqa: ARG002
        return 0


class _Confirmed:
    """Allows a window of datagrams ahead of what the receiver has confirmed."""

    def __init__(self, received: Callable[[], int], window: int, patience_seconds: float) -> None:
        self._received = received
        self._window = window
        self._patience = patience_seconds
        self._base = received()
        self._given_up = 0
        self._at_last_loss = self._base
        self.allowed = window

    def wait(self, sent: int) -> None:
        # Going on at half a window keeps both sides busy and the questions few.
        confirmed = self._until(sent, sent - self._window // 2)
        self.allowed = confirmed + self._window

    def finish(self, sent: int) -> int:
        self._until(sent, sent)
        return self._given_up

    def _until(self, sent: int, goal: int) -> int:
        """Ask until `goal` is confirmed; what does not arrive is given up for lost, but never twice in a row."""
        known = self._received()
        since = time.monotonic()
        while (confirmed := known - self._base + self._given_up) < goal:
            time.sleep(_POLL_SECONDS)
            now, received = time.monotonic(), self._received()
            if received > known:
                known, since = received, now
            elif now - since > self._patience:
                if received == self._at_last_loss:
                    raise DemoError(
                        f"the collector has received {received - self._base} of {counted(sent, 'datagram')} and none in the "
                        f"last {self._patience:g} seconds; is it running, and on the address they are sent to?"
                    )
                self._at_last_loss = received
                self._given_up += sent - confirmed
                return sent
        return confirmed


def _connected(source: str, address: tuple[str, int]) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.bind((source, 0))
        opened.connect(address)
    except OSError as error:
        opened.close()
        raise DemoError(
            f"cannot send from {source} to {address[0]} port {address[1]}: {error.strerror}; "
            "the demo needs 127.0.0.0/8 on the loopback interface and an IPv4 port to send to"
        ) from error
    return opened
