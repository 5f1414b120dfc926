"""The packet meter: packets in, flow records out.

A flow record is what one direction of a 5-tuple (addresses, ports, protocol) carried without a pause longer
than the idle timeout, for at most the active timeout, within one window. Time is counted in ticks of a
second: packets of a 5-tuple in the same tick are never parted, and the active timeout is a number of ticks.
How many records there are depends on the packets and their times only, not on how they came in chunks, as
long as no packet comes later than the reordering allowed for. The sums are right in any case.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from caudal.collector.capture.packetchunk import PacketChunk
from caudal.collector.capture.packets import Mask, PacketCounts, Packets, read_packets
from caudal.collector.flowrecords import (
    ABSENT,
    COLUMNS,
    DTYPES,
    I64,
    PACKETS,
    TRAFFIC,
    UNSAMPLED,
    FlowRecords,
    concatenate,
)

# `rest` packs, from the lowest bit: destination port 16, source port 16, protocol 8, ports known 1, tick 23.
_SOURCE_PORT, _PROTOCOL, _KNOWN, _TICK = 16, 32, 40, 41
_MOST_TICKS = 1 << 23
_KEYS = {
    4: ("pair", "rest"),
    6: ("source_high", "source_low", "destination_high", "destination_low", "rest"),
}
_VALUES = ("bytes", "packets", "start_ms", "end_ms")
_TICK_MS = 1_000
_LEAST_ROWS = 1 << 18
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

    A split flow was emitted before its time, because more flows were open than allowed: the sums stay right,
    but what follows of it is another record.
    """

    flows: int = 0
    split: int = 0


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
        if window_ms < 1 or reordering_ms < 0 or open_flows < 1 or min(active_ms, idle_ms) < _TICK_MS:
            raise ValueError(
                f"a window of {window_ms} ms, timeouts of {active_ms} and {idle_ms} ms, {reordering_ms} ms of "
                f"reordering and {open_flows} open flows are not possible; take at least 1 ms, {_TICK_MS} ms, "
                "0 ms and 1 flow"
            )
        self.counts = MeterCounts()
        self._exporter = exporter
        self._reordering_ms = reordering_ms
        self._open_flows = open_flows
        self._newest_ms = 0
        timing = _Timing(math.gcd(window_ms, _TICK_MS), window_ms, active_ms, idle_ms)
        self._tick_ms = timing.tick_ms
        self._tables = {version: _Table(keys, timing) for version, keys in _KEYS.items()}

    @property
    def open_flows(self) -> int:
        """Rows kept: flows still open, and packets not yet put to a flow."""
        return sum(table.rows for table in self._tables.values())

    def add(self, chunk: PacketChunk) -> FlowRecords:
        """Count the packets of a chunk; return the flow records that are known to be complete."""
        return self.add_packets(read_packets(chunk, self.counts))

    def add_packets(self, lots: Iterable[Packets]) -> FlowRecords:
        """Count packets already read and counted in `counts`; return the flow records that are complete."""
        for packets in lots:
            if len(packets):
                self._tables[packets.ip_version].add(_partial(packets, self._tick_ms))
                self._newest_ms = max(self._newest_ms, int(packets.time_ms.max()))
        if any(table.full for table in self._tables.values()) or self.open_flows > self._open_flows:
            return self._emit(self._newest_ms - self._reordering_ms)
        return concatenate([])

    def pass_time(self, now_ms: int) -> FlowRecords:
        """Return the flow records that are complete because it is `now_ms`, though no packet says so."""
        self._newest_ms = max(self._newest_ms, now_ms)
        return self._emit(self._newest_ms - self._reordering_ms)

    def flush(self) -> FlowRecords:
        """Return the flow records of all that is still open; the meter is then as new but for its counts."""
        self._newest_ms = 0
        return self._records([table.emit(None) for table in self._tables.values()])

    def _emit(self, horizon_ms: int) -> FlowRecords:
        frames = [table.emit(horizon_ms) for table in self._tables.values()]
        if self.open_flows > self._open_flows:
            for table in self._tables.values():
                rest = table.emit(None)
                self.counts.split += rest.height
                frames.append(rest)
        return self._records(frames)

    def _records(self, frames: list[pl.DataFrame]) -> FlowRecords:
        found = [frame for frame in frames if frame.height]
        self.counts.flows += sum(frame.height for frame in found)
        return concatenate([_records(frame, self._exporter) for frame in found])


@dataclass(frozen=True)
class _Timing:
    tick_ms: int
    window_ms: int
    active_ms: int
    idle_ms: int


class _Table:
    """One IP version: sums by 5-tuple and tick that no flow has yet, and the flows that are open."""

    def __init__(self, keys: tuple[str, ...], timing: _Timing) -> None:
        self._keys = keys
        self._timing = timing
        self._parts: list[pl.DataFrame] = []
        self._open: pl.DataFrame | None = None
        self._waiting = 0

    @property
    def rows(self) -> int:
        return self._waiting + self._opened

    @property
    def full(self) -> bool:
        """Whether enough waits that looking at all open flows is worth it."""
        return self._waiting >= max(_LEAST_ROWS, self._opened)

    @property
    def _opened(self) -> int:
        return 0 if self._open is None else self._open.height

    def add(self, part: pl.DataFrame) -> None:
        self._parts.append(part)
        self._waiting += part.height

    def emit(self, horizon_ms: int | None) -> pl.DataFrame:
        """Put what came before the horizon to flows; return those that nothing can be added to any more (None: all)."""
        tick_ms = self._timing.tick_ms
        taken = self._parts
        self._parts = []
        if horizon_ms is not None:
            last = horizon_ms // tick_ms
            self._parts = [kept for part in taken if (kept := part.filter(pl.col("tick") >= last)).height]
            taken = [ripe for part in taken if (ripe := part.filter(pl.col("tick") < last)).height]
        self._waiting = sum(part.height for part in self._parts)
        columns = (*self._keys, "tick", *_VALUES)
        if self._open is not None:
            first = (pl.col("start_ms") // tick_ms).alias("tick")
            taken.append(self._open.with_columns(first).select(columns))
        if not taken:
            return pl.DataFrame()
        rows = pl.concat(taken).sort(*self._keys, "tick", "start_ms")
        flows, complete = _assemble(rows, self._keys, self._timing, horizon_ms)
        opened = flows.filter(~complete)
        self._open = opened if opened.height else None
        return flows.filter(complete)


def _assemble(
    rows: pl.DataFrame, keys: tuple[str, ...], timing: _Timing, horizon_ms: int | None
) -> tuple[pl.DataFrame, pl.Series]:
    """Join rows sorted by key and tick into flows; return them, and which nothing can be added to any more."""
    start, end, tick = (rows[name].to_numpy() for name in ("start_ms", "end_ms", "tick"))
    other_key = np.ones(len(start), np.bool_)
    other_key[1:] = False
    for name in keys:
        values = rows[name].to_numpy()
        other_key[1:] |= values[1:] != values[:-1]
    breaks = other_key.copy()
    # Packets behind the reordering allowed for may lie inside a flow that went on after them.
    group = np.cumsum(other_key) * (1 << 42)
    until = np.maximum.accumulate(end + group) - group
    breaks[1:] |= start[1:] - until[:-1] > timing.idle_ms
    window = start // timing.window_ms
    breaks[1:] |= window[1:] != window[:-1]
    _break_active(breaks, tick, timing.active_ms // timing.tick_ms)
    first = np.flatnonzero(breaks)
    last = np.append(first[1:], len(start)) - 1
    sums = {
        "bytes": np.add.reduceat(rows["bytes"].to_numpy(), first),
        "packets": np.add.reduceat(rows["packets"].to_numpy(), first),
        "start_ms": np.minimum.reduceat(start, first),
        "end_ms": np.maximum.reduceat(end, first),
    }
    flows = rows.select(keys)[first].with_columns(
        **{name: pl.Series(values) for name, values in sums.items()}
    )
    if horizon_ms is None:
        return flows, pl.Series(np.ones(len(first), np.bool_))
    complete = np.ones(len(first), np.bool_)
    complete[:-1] = ~other_key[first[1:]]
    complete[-1] = False
    next_ms = horizon_ms // timing.tick_ms * timing.tick_ms  # the earliest a packet may still come
    complete |= sums["end_ms"] + timing.idle_ms < next_ms
    complete |= tick[first] * timing.tick_ms + timing.active_ms <= next_ms
    complete |= window[last] < next_ms // timing.window_ms
    return flows, pl.Series(complete)


def _break_active(breaks: Mask, tick: I64, active: int) -> None:
    """Break runs where a row is `active` ticks or more behind the first of its flow; one round a break."""
    rows = np.arange(len(tick))
    while len(rows):
        run = np.cumsum(breaks) - 1
        over = rows[tick[rows] - tick[np.flatnonzero(breaks)[run[rows]]] >= active]
        breaks[over[np.unique(run[over], return_index=True)[1]]] = True
        rows = over


def _partial(packets: Packets, tick_ms: int) -> pl.DataFrame:
    """Sum the packets of one chunk by 5-tuple and tick."""
    tick = packets.time_ms // tick_ms
    low = int(tick.min())
    relative = tick - low
    several = None
    if int(relative.max()) >= _MOST_TICKS:
        several, relative = np.unique(tick, return_inverse=True)
    rest = relative.astype(np.uint64) << np.uint64(_TICK)
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
    number = (sums["rest"].to_numpy() >> np.uint64(_TICK)).astype(np.int64)
    ticks = number + low if several is None else several[number]
    return sums.select(
        *_KEYS[packets.ip_version][:-1],
        pl.col("rest") & ((1 << _TICK) - 1),
        pl.Series("tick", ticks),
        *_VALUES,
    )


def _records(frame: pl.DataFrame, exporter: int) -> FlowRecords:
    count = frame.height
    version = 4 if "pair" in frame.columns else 6
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
