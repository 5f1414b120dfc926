"""Data sets decoded template by template: of those whose layout has no plan for the kernel."""

from collections.abc import Iterator

import numpy as np

from caudal.collector.columns import flowrecords
from caudal.collector.columns.flowrecords import I64, U8, FlowRecords
from caudal.collector.columns.wire import join
from caudal.collector.decode.records.packetreports import are_packet_reports, read_packets_of
from caudal.collector.decode.records.sampledheaders import Tunnels
from caudal.collector.decode.records.templated import flow_records
from caudal.collector.decode.records.toldflows import ToldFlows
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.decode.template.flowtimes import ExportClock
from caudal.collector.decode.template.recordlayout import Layout
from caudal.collector.decode.template.sets import Sets
from caudal.collector.decode.template.template import TemplateKey


def join_records(buffer: U8, layout: Layout, sets: Sets) -> tuple[bytes, I64, I64]:
    """Join the records of sets of one layout.

    Returns the octets, the number of records of each set, and the positions of broken sets.
    """
    if layout.template.variable:
        octets, records, whole = layout.cut_variable(buffer, sets.at, sets.length)
        return octets.tobytes(), records, np.flatnonzero(whole == 0)
    records = sets.length // layout.size
    broken = np.flatnonzero((records == 0) & (sets.length > 0))
    return join(buffer, sets.at, records * layout.size), records, broken


def whole_records(layout: Layout, body: bytes) -> tuple[bytes, int, bool]:
    """Return the octets of whole records, how many they are, and whether nothing but padding is left."""
    if layout.template.variable:
        octets = np.frombuffer(body, np.uint8)
        kept, number, whole = layout.cut_variable(octets, np.zeros(1, np.int64), np.full(1, len(octets)))
        return kept.tobytes(), int(number[0]), bool(whole[0])
    records = len(body) // layout.size
    return body[: records * layout.size], records, records > 0 or not body


def flows_of(
    key: TemplateKey,
    layout: Layout,
    body: bytes,
    export_ms: I64,
    uptime_ms: I64,
    boot_ms: int | None,
    rates: SamplingRates,
    told: ToldFlows,
    now_ms: int,
    *,
    octets: U8 | None = None,
    tunnels: Tunnels = "outer",
) -> Iterator[tuple[FlowRecords, I64 | None]]:
    """Yield the flow records of whole data records, then those of the way back, with the positions of these.

    Where records tell totals, what is new is what `told` does not know yet. `export_ms` and `uptime_ms` are of each record's
    datagram; `boot_ms` is when an IPFIX exporter said it booted. `octets` is the buffer that records of variable length were
    cut from, in which sections of packets lie; see `packetreports` for `tunnels`.
    """
    if not len(export_ms):
        return
    v9 = key.protocol == flowrecords.NETFLOW9
    clock = ExportClock(export_ms, uptime_ms.astype(np.uint64) if v9 else None, None if v9 else boot_ms)
    records = layout.records(body, len(export_ms))
    forward, reverse = flow_records(key, layout, records, clock, rates)
    if are_packet_reports(layout):
        if octets is None or not layout.template.variable:
            octets = np.frombuffer(body, np.uint8)
        forward = read_packets_of(layout, records, octets, forward, tunnels)
    if layout.telling is not None:
        told.count_new(key, layout, records, forward, reverse, now_ms)
    yield forward, None
    if reverse is not None:
        yield reverse.flows, reverse.position
