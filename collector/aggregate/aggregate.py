"""Flow records to flow aggregates by window and cell, cells of few hosts folded."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from caudal.collector.aggregate.celltable import CellTable
from caudal.collector.aggregate.dominance import DOMINANCE_PERCENT, NO_RULE, dominated
from caudal.collector.columns import cellcode
from caudal.collector.columns.datagrams import NO_ROOM
from caudal.collector.columns.flowrecords import F64, I32, I64, TRAFFIC, U8, U64, FlowRecords, Mask
from caudal.collector.columns.kernel import kernel
from caudal.collector.exporters.ledger import Ledger, fate
from caudal.collector.exporters.plausibility import FULLEST_PACKET, NEWEST_MS, OLDEST_MS
from caudal.collector.locate.locate import Located
from caudal.contract.column import Folding, Word, schema
from caudal.contract.columns import FLOWS

# What sizes the IP packets of a flow are taken to have, in octets: an acknowledgement, and what Ethernet carries.
_SMALLEST_PACKET, _LARGEST_PACKET = 40.0, 1500.0

_AT_ONCE = 4096  # flows: their estimates are added up before they leave the processor's cache

_NOTHING_TOLD: U64 = np.zeros(0, np.uint64)


class Aggregator:
    """Adds up flow records by window and cell, and gives each window away once, when asked.

    Cells with fewer than `k` distinct local hosts, or with one host that may have more than `dominance_percent` of their
    bytes, are folded when a window is taken: first into the rest of their country, and what is still such a cell into
    the rest of the network, so that totals stay exact. The rest of the network is by direction only and names no far
    end; it stays even then. Where k is 1 or `dominance_percent` 100, no host has too much. `services`
    are the platform ids that the services of codes mean, after '' for none. Cells of one site are added up over all sites
    before any far end is given up for them. What is open is bounded by
    `most_windows` and `most_cells`, since it is exporters who say when flows ended and whose networks they met.
    """

    def __init__(
        self,
        ledger: Ledger,
        window_ms: int,
        k: int,
        *,
        dominance_percent: float = DOMINANCE_PERCENT,
        services: Sequence[str] = (),
        most_windows: int = 4096,
        most_cells: int = 1 << 20,
    ) -> None:
        self._names: dict[str, dict[str, int]] = {
            column.name: {"": 0} for column in FLOWS if column.bits is not None and column.bits.form == "name"
        }
        self.add_services(services)
        self.ledger = ledger
        self.window_ms = window_ms
        self._k = k
        self._most_windows = most_windows
        self._most_cells = most_cells
        self._most_percent = dominance_percent if k > 1 else NO_RULE
        self._cells = CellTable(k, weighing=self._most_percent < NO_RULE)
        self._estimates = _Estimates()
        # Those that are open: their starts in window lengths since 1970.
        self.windows: set[int] = set()

    @property
    def services(self) -> tuple[str, ...]:
        """The platform ids that the services of codes mean, '' first."""
        return tuple(self._names["service"])

    def add_services(self, platforms: Sequence[str]) -> None:
        """Add the platform ids that are not among the services yet; those that are keep their numbers."""
        for platform in platforms:
            self._names["service"].setdefault(platform, len(self._names["service"]))
        self._require_room("service")

    def number(self, key: str, name: str) -> int:
        """Return the number of a name of a key whose names grow, for good; a new name gets the next."""
        number = self._names[key].setdefault(name, len(self._names[key]))
        self._require_room(key)
        return number

    def _require_room(self, key: str) -> None:
        count, room = len(self._names[key]), cellcode.most(key)
        if count > room:
            raise ValueError(f"{count} {key}s; a cell's code has room for {room}")

    def add(
        self,
        flows: FlowRecords,
        located: Located,
        left_out: Mask | None = None,
        of_exporter: U64 = _NOTHING_TOLD,
    ) -> None:
        """Add located flow records, and enter in the ledger what becomes of them.

        Those without traffic are events; those in `left_out` are filtered. Of these nothing else is kept. `of_exporter` are
        the words of metering of what is told of exporters, by their numbers (`ExporterKeys`).
        """
        if not len(flows):
            return
        self.ledger.add_records(flows, left_out)
        known, full = len(self._cells), self._cells.saturated
        fates = fate(flows, left_out)
        for first in range(0, len(flows), _AT_ONCE):
            self._cells.add(*self._estimates.of(flows, located, fates, of_exporter, self.window_ms, first))
        if self._cells.saturated > full:
            self._note_saturated(flows, self._cells.saturated - full)
        if len(self._cells) > known:
            self.windows.update(np.unique(self._cells.windows[known:]).tolist())

    def _note_saturated(self, flows: FlowRecords, count: int) -> None:
        """Count records that found no room in a sum: with the exporter that has most of these flows' octets."""
        octets = np.bincount(flows.exporter, flows.bytes * flows.sampling_rate * (flows.kind == TRAFFIC))
        self.ledger.add_one(int(octets.argmax()), int(flows.export_ms.max()), sums_saturated=count)

    @property
    def crowded(self) -> bool:
        """True if more windows or cells are open than the bound, so that some had better be taken now."""
        return len(self.windows) > self._most_windows or len(self._cells) > self._most_cells

    def take(self, before_ms: int | None, keep: Collection[int] = ()) -> pa.Table:
        """Take away the windows that end by `before_ms` (all, if None) as a table of flow aggregates.

        Windows among `keep` stay. When more windows or cells are open than the bound, the oldest go in any
        case: what comes late for a window taken away is a further part of it.
        """
        order, cells = np.unique(self._cells.windows, return_counts=True)
        goes: Mask = np.ones(len(order), bool)
        if before_ms is not None:
            goes = ((order + 1) * self.window_ms <= before_ms) & ~np.isin(order, list(keep))
            goes |= len(order) - np.arange(len(order)) > self._most_windows
            goes |= np.cumsum(cells[::-1])[::-1] > self._most_cells
        if not goes.any():
            return schema(FLOWS).empty_table()
        self.windows.difference_update(order[goes].tolist())
        taken = self._cells.take(np.isin(self._cells.windows, order[goes]))
        tables = _folded(taken, self._k, self._most_percent)
        if saturated := sum(table.saturated for table in tables):
            # Of cells that were added up nobody knows whose records they were.
            self.ledger.add_one(NO_ROOM, int(order[goes].max()) * self.window_ms, sums_saturated=saturated)
        return self._table(tables)

    def _table(self, tables: Sequence[CellTable]) -> pa.Table:
        """Return the cells of tables, by window and code."""
        codes, windows, sums, variance = (
            np.concatenate([getattr(table, name) for table in tables])
            for name in ("codes", "windows", "sums", "variance")
        )
        order = np.lexsort((codes[:, Word.metering], codes[:, Word.far_end], windows))
        codes, windows, sums, variance = codes[order], windows[order], sums[order], variance[order]
        names = {key: tuple(named) for key, named in self._names.items()}
        seconds = self.window_ms // 1000
        columns = {
            "window_start": pa.array(windows * seconds).cast(pa.timestamp("s", tz="UTC")),
            "window_seconds": pa.array(np.full(len(codes), seconds, np.uint32)),
            **{c.name: cellcode.column_of(codes, c, names) for c in FLOWS if c.bits is not None},
            "folded": pa.array(cellcode.folded(codes)),
            "bytes": pa.array(sums[:, 0]),
            "packets": pa.array(sums[:, 1]),
            "flows": pa.array(sums[:, 2]),
            "bytes_variance": pa.array(variance),
        }
        return pa.table([columns[column.name] for column in FLOWS], schema=schema(FLOWS))


def _folded(cells: CellTable, k: int, most_percent: float) -> list[CellTable]:
    """Return the cells that say nothing of one host, then those that each step of folding made of the others.

    The last are all that is left of the network, few hosts or not.
    """
    weighing = most_percent < NO_RULE
    parts = []
    for step in Folding:
        few = cells.host_count < k
        if weighing:
            few |= dominated(cells.largest, cells.sums[:, 0], most_percent)
        coarse = cellcode.coarser(cells.codes, step)
        as_coarse: Mask = (coarse == cells.codes).all(axis=1)
        if not (few & ~as_coarse).any():
            continue  # of these no two would be added up
        # A cell that is as coarse already goes along, so that no cell comes twice.
        goes = few | as_coarse
        rest = CellTable(k, weighing=weighing)
        rest.fold(cells, np.flatnonzero(goes), coarse[goes])
        cells.take(goes)
        parts.append(cells)
        cells = rest
    return [*parts, cells]


class _Estimates:
    """Contributions of flows to the sums, a row each: cell code, window, bytes, packets, variance of bytes, local host.

    Bytes and packets are corrected for sampling. For sampling 1:N a record adds N(N-1)q to the variance, q the sum
    of the squares of the sampled packets' sizes (Duffield, Lund & Thorup, "Charging from sampled network usage",
    IMW 2001). A record of b bytes in one packet tells q; of p packets it is taken to be the greatest that sizes
    between 40 and 1500 octets allow, 1540b - 60000p, which acknowledgements among full packets come near to.
    That packets are all of one size, b²/p, would be the least, and for a mixture of both several times too little.
    Some exporters tell no packets, or fewer than can carry the octets (what a host joins before it meters): they are
    taken to be the fewest that can, so bytes never exceed what so many packets hold.
    """

    def __init__(self) -> None:
        self._far_end: U64 = np.empty(_AT_ONCE, np.uint64)
        self._metering: U64 = np.empty(_AT_ONCE, np.uint64)
        self._window: I64 = np.empty(_AT_ONCE, np.int64)
        self._octets: U64 = np.empty(_AT_ONCE, np.uint64)
        self._packets: U64 = np.empty(_AT_ONCE, np.uint64)
        self._variance: F64 = np.empty(_AT_ONCE)
        self._host: U64 = np.empty(_AT_ONCE, np.uint64)

    def of(
        self, flows: FlowRecords, located: Located, fates: U8, of_exporter: U64, window_ms: int, first: int
    ) -> tuple[U64, U64, I64, U64, U64, F64, U64]:
        """Return the estimates of the flows from `first` on that are counted, until others are asked for."""
        count = _estimate(
            first, min(first + _AT_ONCE, len(flows)),
            fates, located.code, located.host, flows.ip_protocol, flows.ip_version, flows.sampling_from,
            cellcode.OF_PROTOCOL, cellcode.OF_IP_VERSION, cellcode.OF_SAMPLING, flows.exporter, of_exporter,
            flows.bytes, flows.packets, flows.sampling_rate,
            flows.start_ms, flows.end_ms, flows.export_ms, window_ms,
            self._far_end, self._metering, self._window, self._octets, self._packets, self._variance, self._host,
        )  # fmt: skip
        return (
            self._far_end[:count],
            self._metering[:count],
            self._window[:count],
            self._octets[:count],
            self._packets[:count],
            self._variance[:count],
            self._host[:count],
        )


@kernel
def _estimate(
    first: int,
    end: int,
    fates: U8,
    place: U64,
    local: U64,
    ip_protocol: U8,
    ip_version: U8,
    sampling_from: U8,
    of_protocol: U64,
    of_ip_version: U64,
    of_sampling: U64,
    exporter: I32,
    of_exporter: U64,
    sampled_octets: U64,
    sampled_packets: U64,
    rate: F64,
    start_ms: I64,
    end_ms: I64,
    export_ms: I64,
    window_ms: int,
    far_end: U64,
    metering: U64,
    window: I64,
    octets: U64,
    packets: U64,
    variance: F64,
    host: U64,
) -> int:
    """Write the estimates of the flows from `first` to before `end` that are counted; return how many those are."""
    counted = 0
    current = begins = ends = np.int64(0)  # the window of the flow before, and its times
    for i in range(first, end):
        if fates[i] != TRAFFIC:
            continue
        far_end[counted] = place[i]
        metering[counted] = (
            of_protocol[ip_protocol[i]] | of_ip_version[ip_version[i]] | of_sampling[sampling_from[i]]
        )
        if 0 <= exporter[i] < len(of_exporter):
            metering[counted] |= of_exporter[exporter[i]]
        host[counted] = local[i]
        fewest = (sampled_octets[i] + np.uint64(FULLEST_PACKET - 1)) // np.uint64(FULLEST_PACKET)
        told = max(sampled_packets[i], fewest)
        if rate[i] == 1:
            octets[counted], packets[counted], variance[counted] = sampled_octets[i], told, 0.0
        else:
            b, p = float(sampled_octets[i]), float(told)
            octets[counted], packets[counted] = (
                np.uint64(np.rint(b * rate[i])),
                np.uint64(np.rint(p * rate[i])),
            )
            squares = b * b / max(p, 1.0)
            if p > 1.0:
                # Never less than packets of one size, which may be larger than these.
                most = b * (_SMALLEST_PACKET + _LARGEST_PACKET) - p * _SMALLEST_PACKET * _LARGEST_PACKET
                squares = max(squares, most)
            variance[counted] = rate[i] * (rate[i] - 1) * squares
        at = end_ms[i] if end_ms[i] > 0 else start_ms[i]
        if at <= 0 or export_ms[i] - at > OLDEST_MS or export_ms[i] - at < -NEWEST_MS:
            at = export_ms[i]
        if not begins <= at < ends:
            current = at // window_ms
            begins = current * window_ms
            ends = begins + window_ms
        window[counted] = current
        counted += 1
    return counted
