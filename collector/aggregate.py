"""Flow records to flow aggregates by window and cell, cells of few hosts folded."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from caudal.collector import cellcode
from caudal.collector.batch import (
    DIRECTIONS,
    FLOWS,
    LOCATION_RUNGS,
    SAMPLING_FROM,
    TRANSPORTS,
    UNKNOWN_COUNTRY,
    schema,
)
from caudal.collector.celltable import CellTable
from caudal.collector.flowrecords import F64, I64, TRAFFIC, U64, FlowRecords
from caudal.collector.grouping import positions_by_value
from caudal.collector.home import Mask
from caudal.collector.ledger import Ledger
from caudal.collector.locate import Located

# A flow that says it ended longer before its export, or after it, is taken to have ended at the export.
_OLDEST_MS = 24 * 3600 * 1000
_NEWEST_MS = 5 * 60 * 1000

_ANY = TRANSPORTS.index("any")
_MIXED = SAMPLING_FROM.index("mixed")
_UNKNOWN_RUNG = LOCATION_RUNGS.index("unknown")
_ZZ = cellcode.country_number(UNKNOWN_COUNTRY)
_FEW_WINDOWS = 16


class Aggregator:
    """Adds up flow records by window and cell, and gives each window away once, when asked.

    Cells with fewer than `k` distinct local hosts are folded when a window is taken: first into the rest
    of their country, and what is still below k into the rest of the network, so that totals stay exact. The
    rest of the network is by direction only and names no far end; it stays even if it is below k. `services`
    are the platform ids that the services of codes mean, after '' for none.
    """

    def __init__(
        self,
        ledger: Ledger,
        window_ms: int,
        k: int,
        *,
        services: Sequence[str] = (),
        most_windows: int = 4096,
    ) -> None:
        self.services: tuple[str, ...] = ("",)
        self.add_services(services)
        self.ledger = ledger
        self.window_ms = window_ms
        self._k = k
        self._most_windows = most_windows
        self._open: dict[int, CellTable] = {}

    def add_services(self, platforms: Sequence[str]) -> None:
        """Add the platform ids that are not among the services yet; those that are keep their numbers."""
        self.services = tuple(dict.fromkeys((*self.services, *platforms)))
        if len(self.services) > cellcode.MOST_SERVICES:
            raise ValueError(
                f"{len(self.services)} services; a cell's code has room for {cellcode.MOST_SERVICES}"
            )

    def add(self, flows: FlowRecords, located: Located) -> None:
        """Add located flow records; those without traffic are entered in the ledger as events."""
        traffic = flows.kind == TRAFFIC
        if not traffic.all():
            self.ledger.add_records("events", flows.take(~traffic))
            flows = flows.take(traffic)
            located = located.take(traffic)
        if not len(flows):
            return
        self.ledger.add_records("aggregated", flows)
        codes = _codes(flows, located)
        octets, packets, variance = _estimates(flows)
        for window, which in _windows(_end_ms(flows), self.window_ms):
            cells = self._open.get(window)
            if cells is None:
                cells = self._open[window] = CellTable(self._k)
            cells.add(codes[which], octets[which], packets[which], variance[which], located.host[which])

    @property
    def crowded(self) -> bool:
        """Whether more windows are open than the bound, so that some had better be taken now."""
        return len(self._open) > self._most_windows

    def take(self, before_ms: int | None) -> pa.Table:
        """Take away the windows that end by `before_ms` (all, if None) as a table of flow aggregates.

        When more windows are open than the bound, the oldest go too: what comes late for a window taken
        away is a further part of it.
        """
        order = sorted(self._open)
        excess = set(order[: max(0, len(order) - self._most_windows)])
        taken = [
            window
            for window in order
            if before_ms is None or (window + 1) * self.window_ms <= before_ms or window in excess
        ]
        parts = [self._table(window * (self.window_ms // 1000), self._folded(window)) for window in taken]
        return pa.concat_tables([schema(FLOWS).empty_table(), *parts])

    def _folded(self, window: int) -> tuple[U64, U64, F64]:
        cells = self._open.pop(window)
        codes, sums, variance = cells.codes.copy(), cells.sums, cells.variance
        few = np.flatnonzero(cells.host_count < self._k)
        hosts = {int(cell): set(cells.hosts(int(cell))) for cell in few}
        for coarser in (_rest_of_country, _rest_of_network):
            merged: dict[int, set[int]] = {}
            target = coarser(codes[few])
            for cell, code in zip(few.tolist(), target.tolist(), strict=True):
                merged.setdefault(code, set()).update(hosts[cell])
            codes[few] = target
            still = [
                cell
                for cell, code in zip(few.tolist(), target.tolist(), strict=True)
                if len(merged[code]) < self._k
            ]
            few = np.array(still, np.int64)
        distinct, inverse = np.unique(codes, return_inverse=True)
        added: U64 = np.zeros((3, len(distinct)), np.uint64)
        for row in range(3):
            np.add.at(added[row], inverse, sums[row])
        spread = np.bincount(inverse, weights=variance, minlength=len(distinct)).astype(np.float64)
        return distinct, added, spread

    def _table(self, window_start: int, cells: tuple[U64, U64, F64]) -> pa.Table:
        codes, sums, variance = cells
        part = {name: cellcode.part(codes, name) for name, _ in cellcode.FIELDS}
        count = len(codes)
        country = part["country"].astype(">u2").view("S2").astype("U2")
        columns = {
            "window_start": pa.array(np.full(count, window_start, np.int64)).cast(
                pa.timestamp("s", tz="UTC")
            ),
            "window_seconds": pa.array(np.full(count, self.window_ms // 1000, np.uint32)),
            "direction": _texts(DIRECTIONS, part["direction"]),
            "remote_asn": pa.array(part["asn"].astype(np.uint32)),
            "remote_country": pa.array(country, pa.string()),
            "location_rung": _texts(LOCATION_RUNGS, part["rung"]),
            "service": _texts(self.services, part["service"]),
            "ip_version": pa.array((part["ip_version"] << np.uint64(1)).astype(np.uint8)),
            "transport": _texts(TRANSPORTS, part["transport"]),
            "sampling_from": _texts(SAMPLING_FROM, part["sampling"]),
            "folded": pa.array(part["transport"] == _ANY),
            "bytes": pa.array(sums[0]),
            "packets": pa.array(sums[1]),
            "flows": pa.array(sums[2]),
            "bytes_variance": pa.array(variance),
        }
        return pa.table([columns[column.name] for column in FLOWS], schema=schema(FLOWS))


def _end_ms(flows: FlowRecords) -> I64:
    end, export = flows.end_ms, flows.export_ms
    if int(end.min()) > 0 and _plausible(export - end).all():
        return end
    end = np.where(end > 0, end, np.where(flows.start_ms > 0, flows.start_ms, export))
    return np.where(_plausible(export - end), end, export)


def _plausible(since_ms: I64) -> Mask:
    return (since_ms <= _OLDEST_MS) & (since_ms >= -_NEWEST_MS)


def _windows(end_ms: I64, window_ms: int) -> Iterator[tuple[int, slice | I64]]:
    """Yield each window in which flows ended, and which ones."""
    first, last = int(end_ms.min()) // window_ms, int(end_ms.max()) // window_ms
    if first == last:
        yield first, slice(None)
        return
    windows = end_ms // window_ms
    if last - first >= _FEW_WINDOWS:
        yield from positions_by_value(windows)
        return
    for window in range(first, last + 1):
        which = np.flatnonzero(windows == window)
        if len(which):
            yield window, which


def _estimates(flows: FlowRecords) -> tuple[F64 | U64, F64 | U64, F64]:
    """Return bytes and packets corrected for sampling, and the sampling variance of bytes.

    For sampling 1:N a record of b bytes in p sampled packets adds N(N-1)b²/p.
    Source: Duffield, Lund & Thorup, "Charging from sampled network usage", IMW 2001.
    """
    rate = flows.sampling_rate
    least, most = float(rate.min()), float(rate.max())
    if least == most == 1:
        return flows.bytes, flows.packets, np.zeros(len(flows))
    sampled = flows.bytes.astype(np.float64)
    counted = flows.packets.astype(np.float64)
    variance = sampled * sampled
    variance /= np.maximum(counted, 1)
    if least == most:
        variance *= most * (most - 1)
        sampled *= most
        counted *= most
        whole = most.is_integer()
    else:
        variance *= rate * (rate - 1)
        sampled *= rate
        counted *= rate
        whole = False
    if not whole:
        np.rint(sampled, out=sampled)
        np.rint(counted, out=counted)
    return sampled, counted, variance


def _codes(flows: FlowRecords, located: Located) -> U64:
    code = located.code | cellcode.OF_PROTOCOL[flows.ip_protocol]
    code |= cellcode.OF_SAMPLING[flows.sampling_from]
    code |= cellcode.OF_IP_VERSION[flows.ip_version]
    return code


def _rest_of_country(codes: U64) -> U64:
    return cellcode.replace(codes, asn=0, service=0, transport=_ANY, ip_version=0)


def _rest_of_network(codes: U64) -> U64:
    return cellcode.replace(_rest_of_country(codes), country=_ZZ, rung=_UNKNOWN_RUNG, sampling=_MIXED)


def _texts(names: tuple[str, ...], positions: U64) -> pa.Array:
    return pa.array(np.array(names, object)[positions.astype(np.int64)], pa.string())
