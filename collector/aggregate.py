"""Flow records to flow aggregates by window and cell, cells of few hosts folded."""

import numpy as np
import pyarrow as pa

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
from caudal.collector.flowrecords import F64, I64, TRAFFIC, U8, U16, U32, U64, FlowRecords
from caudal.collector.grouping import positions_by_value
from caudal.collector.ledger import Ledger
from caudal.collector.locate import Located, country_number

# A flow that says it ended longer before its export, or after it, is taken to have ended at the export.
_OLDEST_MS = 24 * 3600 * 1000
_NEWEST_MS = 5 * 60 * 1000

_TCP, _UDP = 6, 17
_OTHER = TRANSPORTS.index("other")
_ANY = TRANSPORTS.index("any")
_MIXED = SAMPLING_FROM.index("mixed")
_UNKNOWN_RUNG = LOCATION_RUNGS.index("unknown")
_ZZ = country_number(UNKNOWN_COUNTRY)
_TRANSPORT_OF: U8 = np.full(256, _OTHER, np.uint8)
_TRANSPORT_OF[_TCP] = TRANSPORTS.index("tcp")
_TRANSPORT_OF[_UDP] = TRANSPORTS.index("udp")

# A cell as one number: (name, bits), from the highest. IP versions are halved: 0, 2 and 3 for 0, 4 and 6.
_FIELDS = (
    ("asn", 32),
    ("country", 16),
    ("direction", 2),
    ("rung", 3),
    ("sampling", 3),
    ("transport", 2),
    ("ip_version", 2),
    ("folded", 1),
)
_SHIFT = {name: np.uint64(sum(bits for _, bits in _FIELDS[at + 1 :])) for at, (name, _) in enumerate(_FIELDS)}
_MASK = {name: np.uint64((1 << bits) - 1) for name, bits in _FIELDS}


class Aggregator:
    """Adds up flow records by window and cell, and gives each window away once, when asked.

    Cells with fewer than `k` distinct local hosts are folded when a window is taken: first into the rest
    of their country, and what is still below k into the rest of the network, so that totals stay exact. The
    rest of the network is by direction only and names no far end; it stays even if it is below k.
    """

    def __init__(self, ledger: Ledger, window_ms: int, k: int, *, most_windows: int = 4096) -> None:
        self.ledger = ledger
        self.window_ms = window_ms
        self._k = k
        self._most_windows = most_windows
        self._open: dict[int, CellTable] = {}

    def add(self, flows: FlowRecords, located: Located) -> None:
        """Add located flow records; those without traffic are entered in the ledger as events."""
        traffic = flows.kind == TRAFFIC
        if not traffic.all():
            self.ledger.add_records("events", flows.take(~traffic))
            flows = flows.take(traffic)
            located = Located(*(values[traffic] for values in vars(located).values()))
        if not len(flows):
            return
        self.ledger.add_records("aggregated", flows)
        codes = _codes(flows, located)
        octets, packets, variance = _estimates(flows)
        for window, which in positions_by_value(_end_ms(flows) // self.window_ms):
            cells = self._open.get(window)
            if cells is None:
                cells = self._open[window] = CellTable(self._k)
            if len(which) == len(codes):
                cells.add(codes, octets, packets, variance, located.host)
            else:
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
        parts = [
            _table(window * (self.window_ms // 1000), self.window_ms // 1000, self._folded(window))
            for window in taken
        ]
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


def _end_ms(flows: FlowRecords) -> I64:
    end = np.where(
        flows.end_ms > 0, flows.end_ms, np.where(flows.start_ms > 0, flows.start_ms, flows.export_ms)
    )
    since = flows.export_ms - end
    return np.where((since > _OLDEST_MS) | (since < -_NEWEST_MS), flows.export_ms, end)


def _estimates(flows: FlowRecords) -> tuple[U64, U64, F64]:
    """Return bytes and packets corrected for sampling, and the sampling variance of bytes.

    For sampling 1:N a record of b bytes in p sampled packets adds N(N-1)b²/p.
    Source: Duffield, Lund & Thorup, "Charging from sampled network usage", IMW 2001.
    """
    rate = flows.sampling_rate
    sampled = flows.bytes.astype(np.float64)
    octets = np.rint(sampled * rate).astype(np.uint64)
    packets = np.rint(flows.packets * rate).astype(np.uint64)
    variance = rate * (rate - 1) * sampled * sampled / np.maximum(flows.packets, 1)
    return octets, packets, variance


def _codes(flows: FlowRecords, located: Located) -> U64:
    values: dict[str, U64 | U32 | U16 | U8] = {
        "asn": located.remote_asn,
        "country": located.remote_country,
        "direction": located.direction,
        "rung": located.rung,
        "sampling": flows.sampling_from,
        "transport": _TRANSPORT_OF[flows.ip_protocol],
        "ip_version": flows.ip_version >> np.uint8(1),
    }
    code = np.zeros(len(flows), np.uint64)
    for name, value in values.items():
        code |= value.astype(np.uint64) << _SHIFT[name]
    return code


def _rest_of_country(codes: U64) -> U64:
    return _replace(codes, asn=0, transport=_ANY, ip_version=0, folded=1)


def _rest_of_network(codes: U64) -> U64:
    return _replace(
        codes, asn=0, transport=_ANY, ip_version=0, folded=1, country=_ZZ, rung=_UNKNOWN_RUNG, sampling=_MIXED
    )


def _replace(codes: U64, **values: int) -> U64:
    for name, value in values.items():
        codes = (codes & ~(_MASK[name] << _SHIFT[name])) | (np.uint64(value) << _SHIFT[name])
    return codes


def _table(window_start: int, window_seconds: int, cells: tuple[U64, U64, F64]) -> pa.Table:
    codes, sums, variance = cells
    part = {name: (codes >> _SHIFT[name]) & _MASK[name] for name, _ in _FIELDS}
    count = len(codes)
    country = part["country"].astype(">u2").view("S2").astype("U2")
    columns = {
        "window_start": pa.array(np.full(count, window_start, np.int64)).cast(pa.timestamp("s", tz="UTC")),
        "window_seconds": pa.array(np.full(count, window_seconds, np.uint32)),
        "direction": _texts(DIRECTIONS, part["direction"]),
        "remote_asn": pa.array(part["asn"].astype(np.uint32)),
        "remote_country": pa.array(country, pa.string()),
        "location_rung": _texts(LOCATION_RUNGS, part["rung"]),
        "service": pa.repeat(pa.scalar(""), count),
        "ip_version": pa.array((part["ip_version"] << np.uint64(1)).astype(np.uint8)),
        "transport": _texts(TRANSPORTS, part["transport"]),
        "sampling_from": _texts(SAMPLING_FROM, part["sampling"]),
        "folded": pa.array(part["folded"].astype(bool)),
        "bytes": pa.array(sums[0]),
        "packets": pa.array(sums[1]),
        "flows": pa.array(sums[2]),
        "bytes_variance": pa.array(variance),
    }
    return pa.table([columns[column.name] for column in FLOWS], schema=schema(FLOWS))


def _texts(names: tuple[str, ...], positions: U64) -> pa.Array:
    return pa.array(np.array(names, object)[positions.astype(np.int64)], pa.string())
