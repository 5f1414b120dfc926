"""Signs that a capture of exports shows of its exporters, and that a collector at work has no time to look for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from caudal.collector.columns.datagrams import NOT_ALLOWED, Datagrams
from caudal.collector.columns.flowrecords import (
    ASSUMED,
    EVENT,
    NOT_READ,
    TRAFFIC,
    WITHOUT_COUNTS,
    FlowRecords,
)
from caudal.collector.columns.wire import unsigned16, unsigned32
from caudal.collector.decode.decoder import Decoder
from caudal.collector.locate.home import HomePrefixes
from caudal.collector.signs.clockoffset import span
from caudal.collector.signs.signs import Sign, signs, signs_of_decoding
from caudal.common.counted import counted

if TYPE_CHECKING:
    # An inspection without settings has no pipeline, which takes a while to import.
    from caudal.collector.pipeline.pipeline import Pipeline

_CLOCK_SECONDS = 60
_FEW = 20  # records, of which nothing is concluded by their shares
_ONE_SIDED = 0.98
_SINGLE = 1.5  # packets a record: sampled traffic has hardly more
_MUCH = 0.1
# Where the export time is in the header, by version, in seconds since 1970.
_TIME_AT = ((5, 8), (7, 8), (9, 8), (10, 4))


@dataclass
class _Seen:
    """Sums of one exporter's records, and how far its clock was from that of the capture at the best."""

    records: int = 0
    events: int = 0
    without_counts: int = 0
    not_read: int = 0
    without_addresses: int = 0
    assumed: int = 0
    packets: float = 0.0
    out: int = 0
    into: int = 0
    clock_seconds: float | None = None


class CaptureView:
    """Looks at datagrams and their records as they are read; `home` prefixes are needed to tell directions."""

    def __init__(self, home: HomePrefixes | None = None) -> None:
        self._home = home
        self._seen: dict[int, _Seen] = {}
        self.not_allowed = 0

    def add(self, datagrams: Datagrams, flows: FlowRecords) -> None:
        """Take note of a lot of datagrams, and of the flow records that came of it."""
        self.add_datagrams(datagrams)
        self.add_records(flows)

    def add_datagrams(self, datagrams: Datagrams) -> None:
        """Take note of a lot of datagrams."""
        self.not_allowed += int(np.count_nonzero(datagrams.exporter == NOT_ALLOWED))
        self._clocks(datagrams)

    def add_records(self, flows: FlowRecords) -> None:
        """Take note of flow records."""
        for number in np.unique(flows.exporter).tolist():
            self._records(self._of(number), flows.take(flows.exporter == number))

    def signs(self, name: Callable[[int], str]) -> Iterator[Sign]:
        """Yield the signs of each exporter, under the name that `name` gives its number."""
        for number, seen in sorted(self._seen.items()):
            for kind, sentence in self._sentences(seen):
                yield Sign(name(number), kind, sentence, needs_attention=True)
        if self.not_allowed:
            yield Sign(
                "not-allowed",
                "not_allowed",
                f"{counted(self.not_allowed, 'datagram comes', 'datagrams come')} from addresses that `allow` does not hold: "
                "the collector leaves these out. "
                "Add the router to `allow`, or have it export from the address listed.",
                needs_attention=True,
            )

    def _of(self, number: int) -> _Seen:
        return self._seen.setdefault(number, _Seen())

    def _clocks(self, datagrams: Datagrams) -> None:
        which = np.flatnonzero(
            (datagrams.exporter >= 0) & (datagrams.length >= 16) & (datagrams.received_ms > 0)
        )
        version = unsigned16(datagrams.buffer, datagrams.offset[which])
        for number, at in _TIME_AT:
            these = which[version == number]
            stated = unsigned32(datagrams.buffer, datagrams.offset[these] + at).astype(np.float64)
            off = stated - datagrams.received_ms[these] / 1000
            for exporter in np.unique(datagrams.exporter[these]).tolist():
                of_one = off[datagrams.exporter[these] == exporter]
                best = float(of_one[np.argmin(np.abs(of_one))])
                seen = self._of(exporter)
                if seen.clock_seconds is None or abs(best) < abs(seen.clock_seconds):
                    seen.clock_seconds = best

    def _records(self, seen: _Seen, flows: FlowRecords) -> None:
        seen.records += len(flows)
        for name, kind in (("events", EVENT), ("without_counts", WITHOUT_COUNTS), ("not_read", NOT_READ)):
            setattr(seen, name, getattr(seen, name) + int(np.count_nonzero(flows.kind == kind)))
        traffic = flows.take(flows.kind == TRAFFIC)
        seen.without_addresses += int(np.count_nonzero(traffic.ip_version == 0))
        seen.assumed += int(np.count_nonzero(traffic.sampling_from == ASSUMED))
        seen.packets += float(traffic.packets.astype(np.float64).sum())
        if self._home is not None and len(traffic):
            source, destination = (
                self._home.contains(
                    traffic.ip_version, getattr(traffic, f"{end}_high"), getattr(traffic, f"{end}_low")
                )
                for end in ("source", "destination")
            )
            seen.out += int(np.count_nonzero(source & ~destination))
            seen.into += int(np.count_nonzero(destination & ~source))

    def _sentences(self, seen: _Seen) -> Iterator[tuple[str, str]]:
        records, traffic = seen.records, seen.records - seen.events - seen.without_counts - seen.not_read
        if records and seen.events == records:
            all_records = (
                "The only record is an event"
                if records == 1
                else f"All {counted(records, 'record')} are events"
            )
            yield (
                "only_events",
                f"{all_records} (NAT, firewall) without octets and packets: nothing of them is traffic. Have the "
                "router export flow records with octet and packet counters.",
            )
        if traffic > 0 and seen.without_addresses >= _MUCH * traffic:
            yield (
                "no_addresses",
                f"{seen.without_addresses:,} of {counted(traffic, 'record')} "
                f"{'has' if seen.without_addresses == 1 else 'have'} no IP addresses: nothing can be said of where that traffic "
                "goes. Add source and destination address to the flow record.",
            )
        if seen.clock_seconds is not None and abs(seen.clock_seconds) > _CLOCK_SECONDS:
            side = "ahead of" if seen.clock_seconds > 0 else "behind"
            yield (
                "clock_off",
                f"Its clock is {span(abs(seen.clock_seconds))} {side} that of the machine that captured this: set the router's clock "
                "(NTP), or the machine's.",
            )
        if traffic >= _FEW and seen.assumed == traffic and seen.packets / traffic < _SINGLE:
            each = float(f"{seen.packets / traffic:.2g}")
            yield (
                "perhaps_sampled",
                f"It states no sampling rate, and its records have {counted(each, 'packet')} each, as sampled traffic has. If "
                "it samples, export the rate (sampler option), or give it as `sampling` for this exporter.",
            )
        if (crossing := seen.out + seen.into) >= _FEW and max(seen.out, seen.into) >= _ONE_SIDED * crossing:
            side, other = ("out of", "into") if seen.out > seen.into else ("into", "out of")
            yield (
                "one_direction",
                f"Nearly all of its traffic goes {side} the network, hardly any {other} it: meter both directions, ingress on every "
                "interface or ingress and egress on those that lead out.",
            )


def signs_of_capture(
    reading: "Pipeline | Decoder", view: CaptureView, name: Callable[[int], str]
) -> Iterator[Sign]:
    """Yield the signs of exporters noticed while a capture was read, and those of a view of it."""
    found = signs_of_decoding(reading, name) if isinstance(reading, Decoder) else signs(reading, name)
    # A view compares all datagrams with the clock, and not the last of each lot.
    yield from (sign for sign in found if sign.kind != "clock_off")
    yield from view.signs(name)
