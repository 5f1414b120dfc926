"""The sockets a collector listens on: opened and closed while others go on receiving."""

import logging
import selectors
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from caudal.collector.columns.datagrams import Datagrams, Exporters
from caudal.collector.receive.receiver import Receiver, Ring

log = logging.getLogger(__name__)


class Listeners:
    """Receivers by the address they listen on, in the order the settings give."""

    def __init__(self, exporters: Exporters) -> None:
        self._exporters = exporters
        self._selector = selectors.DefaultSelector()
        self._drops_seen: dict[str, int] = {}
        self._ring = Ring()
        self.receivers: list[Receiver] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for receiver in self.receivers:
            receiver.__exit__(None, None, None)
        self._selector.close()

    def prepare(self, addresses: Sequence[str], buffer_bytes: int) -> list[Receiver]:
        """Open receivers for the addresses that have none yet; raise ListenError, and leave none open then."""
        have = {receiver.address for receiver in self.receivers}
        opened: list[Receiver] = []
        try:
            for address in (each for each in dict.fromkeys(addresses) if each not in have):
                receiver = Receiver(
                    address,
                    self._exporters,
                    buffer_bytes,
                    self._ring,
                    only_ipv6=shares_port(address, addresses),
                )
                opened.append(receiver.__enter__())
        except BaseException:
            discard(opened)
            raise
        return opened

    def adopt(
        self, addresses: Sequence[str], buffer_bytes: int, opened: Iterable[Receiver]
    ) -> list[Receiver]:
        """Listen on `addresses` from now on, with what `prepare` opened; return receivers not listened to any more.

        They still have what had arrived: receive from them until nothing comes, and close them (`discard`).
        """
        for receiver in opened:
            self._selector.register(receiver, selectors.EVENT_READ, receiver)
            self.receivers.append(receiver)
            _announce(receiver, buffer_bytes)
        by_address = {receiver.address: receiver for receiver in self.receivers}
        kept = [by_address[address] for address in dict.fromkeys(addresses)]
        left = [receiver for receiver in self.receivers if receiver not in kept]
        for receiver in left:
            self._selector.unregister(receiver)
            log.info("not listening on %s any more", receiver.address)
        for receiver in kept:
            if receiver.asked_bytes != buffer_bytes:
                receiver.resize(buffer_bytes)
                _announce(receiver, buffer_bytes)
        self.receivers = kept
        return left

    def receive(self, wait_seconds: float) -> Iterator[Datagrams]:
        """Yield a lot of datagrams from each socket that has some, waiting for the first at most so long."""
        for selected, _ in self._selector.select(timeout=wait_seconds):
            datagrams = selected.data.receive()
            if datagrams is not None:
                yield datagrams

    def new_drops(self) -> Iterator[tuple[str, int]]:
        """Yield (address, datagrams that the kernel dropped there since this was last asked)."""
        for receiver in self.receivers:
            drops = receiver.kernel_drops()
            new = drops - self._drops_seen.get(receiver.address, 0)
            self._drops_seen[receiver.address] = drops
            if new > 0:
                yield receiver.address, new


def shares_port(address: str, addresses: Iterable[str]) -> bool:
    """Return True if `address` is [::] and IPv4 listens on its port as well: then it must leave IPv4 to that one."""
    port = address.rpartition(":")[2]
    return address == f"[::]:{port}" and any(
        other.rpartition(":")[2] == port and not other.startswith("[") for other in addresses
    )


def rest(receivers: Iterable[Receiver], seconds: float) -> Iterator[Datagrams]:
    """Yield the datagrams left in the sockets of `receivers`, for at most `seconds`."""
    until = time.monotonic() + seconds
    for receiver in receivers:
        while time.monotonic() < until and (datagrams := receiver.receive()) is not None:
            yield datagrams


def discard(receivers: Iterable[Receiver]) -> None:
    """Close receivers."""
    for receiver in receivers:
        receiver.__exit__(None, None, None)


def _announce(receiver: Receiver, asked_bytes: int) -> None:
    log.info("listening on UDP port %d (%s)", receiver.port, receiver.address)
    if receiver.granted_bytes < asked_bytes:
        log.warning(
            "the kernel granted %d KiB of receive buffer, %d KiB were asked for: raise net.core.rmem_max, or give "
            "the collector CAP_NET_ADMIN",
            receiver.granted_bytes >> 10,
            asked_bytes >> 10,
        )
