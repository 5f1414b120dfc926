"""The packet meter: packets in, flow records out, one for each 5-tuple and window.

A flow record is what one direction of a 5-tuple (addresses, ports, protocol) carried within one window, so
that the number of records depends on the traffic and the windows only, not on how a file was cut into
chunks. A window is emitted once the time of the packets has passed its end by the lateness.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packets import PacketCounts, Packets, read_packets
from caudal.collector.flowrecords import (
    ABSENT,
    COLUMNS,
    DTYPES,
    PACKETS,
    TRAFFIC,
    UNSAMPLED,
    FlowRecords,
    concatenate,
)

# `rest` packs, from the lowest bit: destination port 16, source port 16, protocol 8, ports known 1, window 23.
_SOURCE_PORT, _PROTOCOL, _KNOWN, _WINDOW = 16, 32, 40, 41
_MOST_WINDOWS = 1 << 23
_KEYS = {
    4: ("pair", "rest"),
    6: ("source_high", "source_low", "destination_high", "destination_low", "rest"),
}
_SUMS = (
    pl.col("bytes").sum(),
    pl.col("packets").sum(),
    pl.col("start_ms").min(),
    pl.col("end_ms").max(),
)
_MERGE_ROWS = 1 << 18
_PORT_MASK = np.uint64(0xFFFF)
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
    """What the meter did: where packets went, `flows` emitted, and how many of them were `split`.

    A split flow was emitted before its window closed, because more flows were open than allowed: the sums
    stay right, but its 5-tuple may be counted twice in that window.
    """

    flows: int = 0
    split: int = 0


class PacketMeter:
    """Meters chunks of packets into flow records; every packet is counted, none is sampled.

    `exporter` is the number the records carry. Packets that come after their window was emitted open it
    again and give a second record, with totals still right. At most about `open_flows` flows are kept; when
    there are more, all are emitted (see MeterCounts).
    """

    def __init__(
        self, window_ms: int, lateness_ms: int = 60_000, open_flows: int = 1_000_000, exporter: int = 0
    ) -> None:
        if window_ms < 1 or lateness_ms < 0 or open_flows < 1:
            raise ValueError(
                f"a window of {window_ms} ms, {lateness_ms} ms late, with {open_flows} flows open, is not possible; "
                "take at least 1 ms, 0 ms and 1 flow"
            )
        self.counts = MeterCounts()
        self._window_ms = window_ms
        self._lateness_ms = lateness_ms
        self._open_flows = open_flows
        self._exporter = exporter
        self._tables = {version: _Table(keys) for version, keys in _KEYS.items()}

    def add(self, chunk: PacketChunk) -> FlowRecords:
        """Count the packets of a chunk; return the flow records of the windows that this closed."""
        newest = None
        for packets in read_packets(chunk, self.counts):
            if len(packets):
                self._tables[packets.ip_version].add(_partial(packets, self._window_ms))
                last = int(packets.time_ms.max())
                newest = last if newest is None else max(newest, last)
        if newest is None:
            return concatenate([])
        if sum(table.rows for table in self._tables.values()) > self._open_flows:
            for table in self._tables.values():
                table.merge()
            if sum(table.rows for table in self._tables.values()) > self._open_flows:
                return self._emit(None, (newest - self._lateness_ms) // self._window_ms)
        return self._emit((newest - self._lateness_ms) // self._window_ms, None)

    def flush(self) -> FlowRecords:
        """Return the flow records of all windows still open; the meter is then as new but for its counts."""
        return self._emit(None, None)

    def _emit(self, before: int | None, closed_before: int | None) -> FlowRecords:
        parts = []
        for version, table in self._tables.items():
            frame = table.take(before)
            if frame is not None:
                self.counts.flows += frame.height
                if closed_before is not None:
                    self.counts.split += frame.filter(pl.col("window") >= closed_before).height
                parts.append(_records(version, frame, self._exporter))
        return concatenate(parts)


class _Table:
    """The open flows of one IP version: partial sums, merged when they have become many."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.rows = 0
        self._keys = ("window", *keys)
        self._parts: list[pl.DataFrame] = []
        self._merged = 0
        self._oldest = 1 << 62

    def add(self, part: pl.DataFrame) -> None:
        self._parts.append(part)
        self.rows += part.height
        self._oldest = min(self._oldest, int(part["window"].min()))  # type: ignore[arg-type]
        if self.rows > max(2 * self._merged, _MERGE_ROWS):
            self.merge()

    def merge(self) -> None:
        if len(self._parts) > 1:
            self._parts = [pl.concat(self._parts).group_by(self._keys).agg(_SUMS)]
        self.rows = self._merged = sum(part.height for part in self._parts)

    def take(self, before: int | None) -> pl.DataFrame | None:
        """Remove and return the flows of windows `before` that one (all: None), in order of start and key."""
        if not self._parts or (before is not None and self._oldest >= before):
            return None
        if before is None:
            taken, self._parts = self._parts, []
        else:
            taken = [part.filter(pl.col("window") < before) for part in self._parts]
            kept = [part.filter(pl.col("window") >= before) for part in self._parts]
            self._parts = [part for part in kept if part.height]
        self.rows = sum(part.height for part in self._parts)
        self._merged = min(self._merged, self.rows)
        self._oldest = min((int(part["window"].min()) for part in self._parts), default=1 << 62)  # type: ignore[arg-type]
        merged = pl.concat(taken)
        if len(taken) > 1:
            merged = merged.group_by(self._keys).agg(_SUMS)
        return merged.sort("start_ms", *self._keys)


def _partial(packets: Packets, window_ms: int) -> pl.DataFrame:
    """Sum the packets of one chunk by window and 5-tuple."""
    window = packets.time_ms // window_ms
    low = int(window.min())
    relative = window - low
    several = None
    if int(relative.max()) >= _MOST_WINDOWS:
        several, relative = np.unique(window, return_inverse=True)
    rest = relative.astype(np.uint64) << np.uint64(_WINDOW)
    rest |= packets.ports_known.astype(np.uint64) << np.uint64(_KNOWN)
    rest |= packets.ip_protocol.astype(np.uint64) << np.uint64(_PROTOCOL)
    rest |= packets.source_port.astype(np.uint64) << np.uint64(_SOURCE_PORT)
    rest |= packets.destination_port
    columns = {"rest": rest, "bytes": packets.bytes, "time": packets.time_ms}
    if packets.ip_version == 4:
        columns["pair"] = packets.source_low << np.uint64(32) | packets.destination_low
    else:
        columns |= {name: getattr(packets, name) for name in _KEYS[6][:-1]}
    sums = (
        pl.DataFrame(columns)
        .group_by(_KEYS[packets.ip_version])
        .agg(
            pl.col("bytes").sum(),
            pl.len().cast(pl.UInt64).alias("packets"),
            pl.col("time").min().alias("start_ms"),
            pl.col("time").max().alias("end_ms"),
        )
    )
    number = (sums["rest"].to_numpy() >> np.uint64(_WINDOW)).astype(np.int64)
    windows = number + low if several is None else several[number]
    return sums.select(
        pl.Series("window", windows),
        *_KEYS[packets.ip_version][:-1],
        pl.col("rest") & ((1 << _WINDOW) - 1),
        "bytes",
        "packets",
        "start_ms",
        "end_ms",
    )


def _records(version: int, frame: pl.DataFrame, exporter: int) -> FlowRecords:
    count = frame.height
    rest = frame["rest"].to_numpy()
    known = rest >> np.uint64(_KNOWN) & np.uint64(1) == 1
    end_ms = frame["end_ms"].to_numpy()
    given: dict[str, npt.NDArray[Any]] = {
        "exporter": np.full(count, exporter, np.int32),
        "protocol": np.full(count, PACKETS, np.uint8),
        "export_ms": end_ms,
        "start_ms": frame["start_ms"].to_numpy(),
        "end_ms": end_ms,
        "ip_version": np.full(count, version, np.uint8),
        "source_port": (rest >> np.uint64(_SOURCE_PORT) & _PORT_MASK).astype(np.uint16),
        "destination_port": (rest & _PORT_MASK).astype(np.uint16),
        "ip_protocol": (rest >> np.uint64(_PROTOCOL) & np.uint64(0xFF)).astype(np.uint8),
        "bytes": frame["bytes"].to_numpy(),
        "packets": frame["packets"].to_numpy(),
        "sampling_rate": np.ones(count),
        "sampling_from": np.full(count, UNSAMPLED, np.uint8),
        "kind": np.full(count, TRAFFIC, np.uint8),
        "absent": np.where(known, _NEVER, _NEVER | _NO_PORTS),
    }
    if version == 4:
        pair = frame["pair"].to_numpy()
        given |= {"source_low": pair >> np.uint64(32), "destination_low": pair & np.uint64(0xFFFFFFFF)}
    else:
        given |= {name: frame[name].to_numpy() for name in _KEYS[6][:-1]}
    return FlowRecords(*(given.get(name, np.zeros(count, DTYPES[name])) for name in COLUMNS))
