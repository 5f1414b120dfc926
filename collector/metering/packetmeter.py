"""The packet meter: packets in, flow records out.

A flow record is what one direction of a 5-tuple (addresses, ports, protocol) carried without a pause longer
than the idle timeout, for less than the active timeout, within one window. Packets are taken as they come: one
that does not belong to the flow that is open closes it and opens another, also where packets overtook each
other. So which records there are depends on the packets, their times and their order, not on how they came in
chunks, as long as no packet comes later than the reordering allowed for. The sums are right in any case.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import (
    ABSENT,
    COLUMNS,
    DTYPES,
    PACKETS,
    TRAFFIC,
    U64,
    UNSAMPLED,
    FlowRecords,
    concatenate,
)
from caudal.collector.metering.flowtable import (
    BYTES,
    DESTINATION_HIGH,
    DESTINATION_LOW,
    END_MS,
    KNOWN_BIT,
    PROTOCOL_BIT,
    REST,
    SIX_BIT,
    SOURCE_HIGH,
    SOURCE_LOW,
    SOURCE_PORT_BIT,
    START_MS,
    FlowTable,
    Timing,
)
from caudal.collector.metering.flowtable import PACKETS as PACKETS_SUM
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, Packets, read_packets

_SHORTEST_MS = 1_000
# The open flows are gone over after so many packets, and after several times as many packets as flows.
_LEAST_PACKETS, _PACKETS_OF_FLOW = 1 << 18, 4
_NEVER = np.uint32(
    ABSENT["template"]
    | ABSENT["observation_domain"]
    | ABSENT["source_as"]
    | ABSENT["destination_as"]
    | ABSENT["input"]
    | ABSENT["output"]
)
_NO_PORTS = np.uint32(ABSENT["source_port"] | ABSENT["destination_port"])


@dataclass
class MeterCounts(PacketCounts):
    """Counts of a packet meter: `flows` emitted, and how many of them were `split`.

    Of `opened` packets the one inside was metered in their place.

    A split flow was emitted before its time, because more flows were open than allowed: the sums stay right,
    but what follows of it is another record.
    """

    flows: int = 0
    split: int = 0
    opened: int = 0


class PacketMeter:
    """Meters packets into flow records; every packet is counted, none is sampled.

    `exporter` is the number the records carry. A packet may come up to `reordering_ms` behind the newest one.
    At most about `open_flows` flows are kept; when there are more, all are emitted (see MeterCounts).
    """

    def __init__(
        self,
        window_ms: int,
        *,
        active_ms: int = 60_000,
        idle_ms: int = 15_000,
        reordering_ms: int = 1_000,
        open_flows: int = 1_000_000,
        exporter: int = 0,
    ) -> None:
        if window_ms < 1 or reordering_ms < 0 or open_flows < 1 or min(active_ms, idle_ms) < _SHORTEST_MS:
            raise ValueError(
                f"a window of {window_ms} ms, timeouts of {active_ms} and {idle_ms} ms, {reordering_ms} ms of "
                f"reordering and {open_flows} open flows are not possible; take at least 1 ms, {_SHORTEST_MS} ms, "
                "0 ms and 1 flow"
            )
        self.counts = MeterCounts()
        self._exporter = exporter
        self._reordering_ms = reordering_ms
        self._open_flows = open_flows
        self._newest_ms = 0
        self._flows = FlowTable(Timing(window_ms, active_ms, idle_ms))
        self._packets = 0

    @property
    def open_flows(self) -> int:
        """Flows kept: those still open, and those closed and not yet given on."""
        return len(self._flows)

    def add(self, chunk: PacketChunk) -> FlowRecords:
        """Count the packets of a chunk; return the flow records that are known to be complete."""
        return self.add_packets(read_packets(chunk, self.counts))

    def add_packets(self, lots: Iterable[Packets]) -> FlowRecords:
        """Count packets already read and counted in `counts`; return the flow records that are complete."""
        for packets in lots:
            if len(packets):
                self._flows.add(packets)
                self._packets += len(packets)
                self._newest_ms = max(self._newest_ms, int(packets.time_ms.max()))
        flows = self.open_flows
        if self._packets >= max(_LEAST_PACKETS, _PACKETS_OF_FLOW * flows) or flows > self._open_flows:
            return self._emit()
        return concatenate([])

    def pass_time(self, now_ms: int) -> FlowRecords:
        """Return the flow records that are complete because it is `now_ms`, though no packet says so."""
        self._newest_ms = max(self._newest_ms, now_ms)
        return self._emit()

    def flush(self) -> FlowRecords:
        """Return the flow records of all that is still open; the meter is then as new but for its counts."""
        self._newest_ms = self._packets = 0
        return self._records(self._flows.take(None))

    def _emit(self) -> FlowRecords:
        self._packets = 0
        complete = self._flows.take(self._newest_ms - self._reordering_ms)
        if self.open_flows > self._open_flows:
            split = self._flows.take(None)
            self.counts.split += len(split)
            complete = np.concatenate([complete, split])
        return self._records(complete)

    def _records(self, flows: U64) -> FlowRecords:
        self.counts.flows += len(flows)
        return _records(flows, self._exporter) if len(flows) else concatenate([])


def _records(flows: U64, exporter: int) -> FlowRecords:
    count = len(flows)
    column = np.ascontiguousarray(flows.T)
    rest, times = column[REST], column.view(np.int64)
    known = rest >> np.uint64(KNOWN_BIT) & np.uint64(1) == 1
    given: dict[str, npt.NDArray[Any]] = {
        "exporter": np.full(count, exporter, np.int32),
        "protocol": np.full(count, PACKETS, np.uint8),
        "export_ms": times[END_MS],
        "start_ms": times[START_MS],
        "end_ms": times[END_MS],
        "ip_version": np.where(rest >> np.uint64(SIX_BIT), 6, 4).astype(np.uint8),
        "source_high": column[SOURCE_HIGH],
        "source_low": column[SOURCE_LOW],
        "destination_high": column[DESTINATION_HIGH],
        "destination_low": column[DESTINATION_LOW],
        "source_port": (rest >> np.uint64(SOURCE_PORT_BIT)).astype(np.uint16),
        "destination_port": rest.astype(np.uint16),
        "ip_protocol": (rest >> np.uint64(PROTOCOL_BIT)).astype(np.uint8),
        "bytes": column[BYTES],
        "packets": column[PACKETS_SUM],
        "sampling_rate": np.ones(count),
        "sampling_from": np.full(count, UNSAMPLED, np.uint8),
        "kind": np.full(count, TRAFFIC, np.uint8),
        "absent": np.where(known, _NEVER, _NEVER | _NO_PORTS),
    }
    return FlowRecords(*(given.get(name, np.zeros(count, DTYPES[name])) for name in COLUMNS))
