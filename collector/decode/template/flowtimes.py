"""When a flow began and ended, from whichever time elements an exporter sends."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.columns.flowrecords import I64, U64
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.recordlayout import Layout, Records, unsigned

_NTP_TO_UNIX_SECONDS = 2_208_988_800


# Exporters whose clock was never set say 1970 or 1993; one that is ahead of us is wrong by more than a little.
FIRST_MS = 946_684_800_000  # 2000-01-01
_AHEAD_MS = 3_600_000


def export_time(stated_ms: I64, received_ms: I64) -> I64:
    """Return the export time that each datagram states (ms since 1970) or, where that cannot be, the time of receipt.

    >>> received = np.array([1_760_000_000_000, 1_760_000_000_000])
    >>> export_time(np.array([1_759_999_999_000, 0]), received).tolist()
    [1759999999000, 1760000000000]
    """
    wrong = (stated_ms < FIRST_MS) | (stated_ms > received_ms + _AHEAD_MS)
    wrong &= received_ms >= FIRST_MS
    return np.where(wrong, received_ms, stated_ms)


@dataclass(frozen=True)
class ExportClock:
    """The clock of the datagrams, per record: export time and, for NetFlow v9, time since the exporter booted.

    IPFIX exporters say when they booted in an options record, if at all: `boot_ms`.
    """

    export_ms: I64
    uptime_ms: U64 | None
    boot_ms: int | None = None

    def at_uptime(self, uptime_ms: U64) -> I64 | None:
        """Return the times at which the exporter's uptime was `uptime_ms`; None if no uptime is known.

        The difference is taken modulo 2³² as a signed number, so that a wrapped uptime is no trap.
        Source: RFC 3954 §5.1 (unix seconds and sysUptime of one header belong together).
        """
        if self.uptime_ms is None:
            # Times wrap after 49 days, so of all that fit the last one not after the export is meant.
            if self.boot_ms is None:
                return None
            up = (self.export_ms - self.boot_ms).astype(np.uint64)
            return self.export_ms + (uptime_ms - up).astype(np.uint32).view(np.int32)
        since = (uptime_ms - self.uptime_ms).astype(np.uint32).view(np.int32)
        return self.export_ms + since


def start_and_end(layout: Layout, records: Records, clock: ExportClock) -> tuple[I64 | None, I64 | None]:
    """Return start and end in milliseconds since 1970 UTC, or None where records do not say.

    A missing end is start plus duration or the observation time; a missing start is end less duration.
    Source: RFC 5102/7012 §4; dateTimeMicro- and Nanoseconds are NTP fractions (RFC 7011 §6.1.9, §6.1.10).
    """
    start = _time(layout, records, clock, elements.FLOW_START_MILLISECONDS)
    end = _time(layout, records, clock, elements.FLOW_END_MILLISECONDS)
    duration = _duration(layout, records)
    if end is None and start is not None and duration is not None:
        end = start + duration
    if end is None:
        end = _observation(layout, records)
    if start is None and end is not None and duration is not None:
        start = end - duration
    return start, end


def _time(layout: Layout, records: Records, clock: ExportClock, milliseconds: int) -> I64 | None:
    # The elements of start and end come in pairs: seconds 150/151, milliseconds 152/153, …
    shift = milliseconds - elements.FLOW_START_MILLISECONDS
    have = layout.elements
    if milliseconds in have:
        return unsigned(records, milliseconds).astype(np.int64)
    if (seconds := elements.FLOW_START_SECONDS + shift) in have:
        return unsigned(records, seconds).astype(np.int64) * 1000
    for first in (elements.FLOW_START_MICROSECONDS, elements.FLOW_START_NANOSECONDS):
        if first + shift in have:
            return _ntp(unsigned(records, first + shift))
    if (delta := elements.FLOW_START_DELTA_MICROSECONDS + shift) in have:
        return clock.export_ms - (unsigned(records, delta) // np.uint64(1000)).astype(np.int64)
    if (uptime := elements.FLOW_START_UPTIME - shift) in have:
        since_boot = unsigned(records, uptime)
        if elements.SYSTEM_INIT_MILLISECONDS in have:
            return (unsigned(records, elements.SYSTEM_INIT_MILLISECONDS) + since_boot).astype(np.int64)
        return clock.at_uptime(since_boot)
    return None


def _duration(layout: Layout, records: Records) -> I64 | None:
    if elements.FLOW_DURATION_MILLISECONDS in layout.elements:
        return unsigned(records, elements.FLOW_DURATION_MILLISECONDS).astype(np.int64)
    if elements.FLOW_DURATION_MICROSECONDS in layout.elements:
        return (unsigned(records, elements.FLOW_DURATION_MICROSECONDS) // np.uint64(1000)).astype(np.int64)
    return None


def _observation(layout: Layout, records: Records) -> I64 | None:
    if elements.OBSERVATION_MILLISECONDS in layout.elements:
        return unsigned(records, elements.OBSERVATION_MILLISECONDS).astype(np.int64)
    if elements.OBSERVATION_SECONDS in layout.elements:
        return unsigned(records, elements.OBSERVATION_SECONDS).astype(np.int64) * 1000
    for element in (elements.OBSERVATION_MICROSECONDS, elements.OBSERVATION_NANOSECONDS):
        if element in layout.elements:
            return _ntp(unsigned(records, element))
    return None


def _ntp(value: U64) -> I64:
    seconds = (value >> np.uint64(32)).astype(np.int64) - _NTP_TO_UNIX_SECONDS
    fraction = value & np.uint64(0xFFFF_FFFF)
    return seconds * 1000 + ((fraction * np.uint64(1000)) >> np.uint64(32)).astype(np.int64)
