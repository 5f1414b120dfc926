"""The network interfaces captured from: opened, read, metered and tagged together."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from caudal.collector.columns.flowrecords import U64
from caudal.collector.exporters.exporterprefixes import INTERFACE
from caudal.collector.metering.packetfeed import PacketFeed
from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.names.tagger import Tagger
from caudal.collector.packets.packets import Mask, Packets
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.receive.livecapture import LiveCapture, own_addresses
from caudal.collector.receive.socketfilter import HEADERS_OCTETS, TUNNELLED_OCTETS

log = logging.getLogger(__name__)

# Looking up addresses takes milliseconds, and they seldom change.
_ADDRESSES_MS = 60_000
_PASS_MS = 5_000

Addresses = frozenset[tuple[int, int]]


class InterfaceSettings(Protocol):
    """Settings of one interface to be metered, as the parts of a capture need them."""

    @property
    def name(self) -> str: ...
    @property
    def exporter(self) -> str | None: ...
    @property
    def filter(self) -> str: ...
    @property
    def promiscuous(self) -> bool: ...
    @property
    def snap_length(self) -> int: ...
    @property
    def buffer_bytes(self) -> int: ...
    @property
    def own_traffic(self) -> bool: ...


@dataclass(frozen=True)
class Timeouts:
    """When the meter ends flows, in milliseconds."""

    active_ms: int = 60_000
    idle_ms: int = 15_000


class OwnTraffic:
    """Says which packets come from this machine or go to it, such as what the collector ships."""

    def __init__(self, addresses: Callable[[], Addresses] = own_addresses) -> None:
        self._find = addresses
        self._found_ms: int | None = None
        self._low: U64 = np.empty(0, np.uint64)
        self._addresses: Addresses = frozenset()

    def pass_time(self, now_ms: int) -> None:
        """Look the addresses up again, from time to time."""
        if self._found_ms is None or not 0 <= now_ms - self._found_ms < _ADDRESSES_MS:
            self._found_ms = now_ms
            self._addresses = self._find()
            self._low = np.array(sorted({low for _, low in self._addresses}), np.uint64)

    def __call__(self, packets: Packets) -> Mask:
        """Return a mask of the packets from or to this machine."""
        return self._is_own(packets.source_high, packets.source_low) | self._is_own(
            packets.destination_high, packets.destination_low
        )

    def _is_own(self, high: U64, low: U64) -> Mask:
        own: Mask = np.isin(low, self._low)
        found = np.flatnonzero(own)
        if len(found):
            sure = np.zeros(len(found), np.bool_)
            for own_high, own_low in self._addresses:
                sure |= (high[found] == own_high) & (low[found] == own_low)
            own[found] = sure
        return own


class LiveCaptures:
    """Captures from interfaces and feeds a pipeline; a context manager. Without any interface it does nothing.

    All share one `tagger`, since the DNS answer for a flow may come another way. Raises ListenError.
    """

    def __init__(
        self,
        settings: Sequence[InterfaceSettings],
        pipeline: Pipeline,
        timeouts: Timeouts,
        tagger: Tagger | None,
    ) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._own = OwnTraffic()
        self._passed_ms: int | None = None
        self._headers_octets = TUNNELLED_OCTETS if pipeline.decoder.tunnels else HEADERS_OCTETS
        self.name_counts = tagger.counts if tagger else None
        self.captures: list[LiveCapture] = []
        self.feeds: list[PacketFeed] = []
        for each in settings:
            exporter = pipeline.exporters.keep(INTERFACE + each.name)
            meter = PacketMeter(
                pipeline.ledger.window_ms,
                active_ms=timeouts.active_ms,
                idle_ms=timeouts.idle_ms,
                exporter=exporter,
            )
            leave_out = None if each.own_traffic else self._own
            self.feeds.append(PacketFeed(pipeline, meter, exporter, tagger=tagger, leave_out=leave_out))

    def __enter__(self) -> Self:
        self.pass_time(int(time.time() * 1_000))
        with ExitStack() as stack:
            for each in self._settings:
                capture = LiveCapture(
                    each.name,
                    packet_filter=each.filter,
                    promiscuous=each.promiscuous,
                    snap_length=each.snap_length,
                    buffer_bytes=each.buffer_bytes,
                    headers_octets=self._headers_octets,
                )
                self.captures.append(stack.enter_context(capture))
                log.info("capturing on %s", each.name)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return len(self._settings)

    @property
    def names(self) -> dict[str, str]:
        """The names of the interfaces as exporters, by the text that stands for their address."""
        return {INTERFACE + each.name: each.exporter or each.name for each in self._settings}

    def receive(self) -> int:
        """Meter the packets that wait; return how many there were. Never blocks."""
        packets = 0
        for capture, feed in zip(self.captures, self.feeds, strict=True):
            chunk = capture.receive()
            if chunk is not None and len(chunk):
                packets += len(chunk)
                feed.add(chunk)
        return packets

    def pass_time(self, now_ms: int) -> None:
        """Give on the flow records that are complete by now; from time to time, for all open flows are gone over."""
        if self._passed_ms is not None and 0 <= now_ms - self._passed_ms < _PASS_MS:
            return
        self._passed_ms = now_ms
        if not all(each.own_traffic for each in self._settings):
            self._own.pass_time(now_ms)
        for feed in self.feeds:
            feed.pass_time(now_ms)

    def finish(self) -> None:
        """Meter what still waits, and give on the flow records of all that is open."""
        self.receive()
        for feed in self.feeds:
            feed.flush()

    def new_drops(self) -> Iterator[tuple[str, int, int]]:
        """Yield interfaces at which the kernel dropped packets since the last call: name, exporter, packets."""
        for capture, feed in zip(self.captures, self.feeds, strict=True):
            drops = capture.new_drops()
            if drops:
                yield capture.interface, feed.exporter, drops
