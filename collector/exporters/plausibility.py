"""Plausibility of flow records: counts are believed as far as IP packets and the exporter's links can carry them.

A packet holds 65,535 octets at most. A record is of a flow that lasted as long as it says, a minute if it says less (times
are coarse) and an hour if it says nothing, and all records that an exporter sends in a window are of what it carried in
that window and, should it empty its table, half an hour before. More than its capacity allows is in no sum.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from caudal.collector.columns.flowrecords import (
    ABSENT,
    AS_DOUBTED,
    F64,
    I32,
    I64,
    IMPLAUSIBLE,
    RATE_DOUBTED,
    TIME_DOUBTED,
    TRAFFIC,
    U8,
    U32,
    U64,
    FlowRecords,
)
from caudal.collector.columns.kernel import kernel
from caudal.collector.exporters.exporterprefixes import ByPrefix

# No single router carries a petabit a second: the largest of 2026 are built for half of that.
MOST_GBIT_PER_SECOND = 1_000_000.0

# A flow that says it ended longer before its export, or after it, is taken to have ended at the export.
OLDEST_MS = 24 * 3_600_000
NEWEST_MS = 5 * 60_000

FULLEST_PACKET = 65_535
_SMALLEST_PACKET = 20.0
# What one record counts at most, whatever the capacity: sums of others stay exact.
_MOST_COUNTED = float(1 << 53)
_SHORTEST_MS, _UNTOLD_MS = 60_000.0, 3_600_000.0
_IN_THE_TABLE_MS = 1_800_000.0  # how long exporters let a flow grow at most before they tell it
_EARLIER_END_MS = 1000  # clocks of start and end that are read apart

_TOLD = np.uint32(ABSENT["bytes"] | ABSENT["packets"])
_BYTES_PER_MS = 1e9 / 8 / 1000  # of a gigabit per second

# By exporter: records that state an implausible rate, have implausible counts, implausible times, the AS of a default route.
_RATE, _COUNTS, _TIME, _AS = range(4)


@dataclass(frozen=True)
class Doubts:
    """Counts of an exporter's records that were not believed, by what was doubted: rate, counts, times, AS numbers."""

    exporter: int
    rate: int
    counts: int
    time: int
    networks: int


class Plausibility:
    """Marks records that are not believed, and counts them by exporter.

    `capacities` are in Gbit/s, by exporter address or prefix, of which the longest counts; `capacity` is that of
    others. `addresses` are those of exporters, by their numbers.
    """

    def __init__(
        self,
        addresses: list[str],
        window_ms: int,
        capacities: Mapping[str, float] | None = None,
        capacity: float = MOST_GBIT_PER_SECOND,
    ) -> None:
        self._addresses = addresses
        self._window_ms = window_ms
        self._bytes_per_ms: F64 = np.zeros(0)
        self._window: I64 = np.zeros(0, np.int64)  # when the last window of each began, in ms
        self._carried: F64 = np.zeros(0)
        self._counts: I64 = np.zeros((0, 4), np.int64)
        self.configure(capacities, capacity)

    def configure(
        self, capacities: Mapping[str, float] | None = None, capacity: float = MOST_GBIT_PER_SECOND
    ) -> None:
        """Take capacities anew, in Gbit/s; counts so far stay."""
        self._configured, self._capacity = ByPrefix(capacities or {}), capacity
        self._bytes_per_ms = np.zeros(len(self._bytes_per_ms))

    def judge(self, flows: FlowRecords) -> FlowRecords:
        """Return the records, those that are not believed marked in place: `kind` by counts, `doubt` by times."""
        done = 0
        while done < len(flows):
            done = _judge(
                done, flows.exporter, flows.export_ms, flows.start_ms, flows.end_ms, flows.bytes, flows.packets,
                flows.sampling_rate, flows.absent, self._window_ms, self._bytes_per_ms, self._window, self._carried,
                self._counts, flows.kind, flows.doubt,
            )  # fmt: skip
            if done < len(flows):
                self._know(int(flows.exporter[done]))
        return flows

    def doubts(self) -> Iterator[Doubts]:
        """Yield exporters of which some record was not believed."""
        for number in np.flatnonzero(self._counts.any(axis=1)).tolist():
            yield Doubts(number, *self._counts[number].tolist())

    def forget(self, exporter: int) -> None:
        """Forget an exporter whose number another may get."""
        if exporter < len(self._window):
            self._bytes_per_ms[exporter] = self._window[exporter] = self._carried[exporter] = 0
            self._counts[exporter] = 0

    def _know(self, exporter: int) -> None:
        """Have room for an exporter, and its capacity."""
        missing = exporter + 1 - len(self._window)
        if missing > 0:
            more = max(64, len(self._window), missing)
            self._bytes_per_ms = np.append(self._bytes_per_ms, np.zeros(more))
            self._window = np.append(self._window, np.zeros(more, np.int64))
            self._carried = np.append(self._carried, np.zeros(more))
            self._counts = np.append(self._counts, np.zeros((more, 4), np.int64), axis=0)
        gbit = self._configured.get(self._addresses[exporter]) or self._capacity
        self._bytes_per_ms[exporter] = gbit * _BYTES_PER_MS


@kernel
def _judge(
    first: int,
    exporter: I32,
    export_ms: I64,
    start_ms: I64,
    end_ms: I64,
    octets: U64,
    packets: U64,
    rate: F64,
    absent: U32,
    window_ms: int,
    bytes_per_ms: F64,
    window: I64,
    carried: F64,
    counts: I64,
    kind: U8,
    doubt: U8,
) -> int:
    """Mark the records from position `first` on, up to one of an exporter whose capacity is not known; return where."""
    who = -1
    most = carries = sum_of_window = 0.0
    begins = np.int64(0)
    done = len(exporter)
    for i in range(first, len(exporter)):
        if exporter[i] != who:
            if exporter[i] >= len(window) or bytes_per_ms[exporter[i]] == 0:
                done = i
                break
            if who >= 0:
                window[who], carried[who] = begins, sum_of_window
            who = exporter[i]
            most, begins, sum_of_window = bytes_per_ms[who], window[who], carried[who]
            carries = most * (window_ms + _IN_THE_TABLE_MS)
        if doubt[i] & RATE_DOUBTED:
            counts[who, _RATE] += 1
        if doubt[i] & AS_DOUBTED:
            counts[who, _AS] += 1
        if kind[i] != TRAFFIC:
            continue
        start, end, exported = start_ms[i], end_ms[i], export_ms[i]
        at = end if end > 0 else start
        if at > 0 and (
            exported - at > OLDEST_MS
            or exported - at < -NEWEST_MS
            or (end > 0 and start - end > _EARLIER_END_MS)
        ):
            doubt[i] |= TIME_DOUBTED
            counts[who, _TIME] += 1
        b, p = float(octets[i]), float(packets[i])
        lasted = _UNTOLD_MS
        if start > 0 and end > 0:
            lasted = max(min(float(end - start), float(OLDEST_MS)), _SHORTEST_MS)
        # One sampled packet stands for as many as the rate says, however short the flow.
        one = rate[i] * FULLEST_PACKET
        estimate = max(b, p * _SMALLEST_PACKET) * rate[i]
        if exported - begins >= window_ms:
            begins, sum_of_window = exported // window_ms * window_ms, 0.0
        if (
            estimate < _MOST_COUNTED
            and estimate <= most * lasted + one
            and (b <= p * FULLEST_PACKET or absent[i] & _TOLD != 0)
            and sum_of_window + estimate <= carries + one
        ):
            sum_of_window += estimate
        else:
            kind[i] = IMPLAUSIBLE
            counts[who, _COUNTS] += 1
    if who >= 0:
        window[who], carried[who] = begins, sum_of_window
    return done
