"""Data sets of NetFlow v9 and IPFIX to flow records, for all records of one layout at a time."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from caudal.collector.columns import flowrecords
from caudal.collector.columns.flowrecords import (
    ABSENT,
    AS_DOUBTED,
    DTYPES,
    I64,
    OCTETS_DOUBTED,
    U8,
    U64,
    FlowRecords,
)
from caudal.collector.decode.sampling import sampling
from caudal.collector.decode.sampling.placerates import with_places
from caudal.collector.decode.template import elements, layer2octets
from caudal.collector.decode.template.flowtimes import ExportClock, start_and_end
from caudal.collector.decode.template.recordlayout import Layout, Records, halves, number, unsigned
from caudal.collector.decode.template.template import TemplateKey
from caudal.collector.decode.template.withoutcounts import kind_of_nothing

_IPV4_MAPPED = 0xFFFF
# By the number of flowDirection, of which 0 and 1 say something.
_METERED: np.ndarray[Any, Any] = np.array(
    [flowrecords.METERED_INGRESS, flowrecords.METERED_EGRESS, 0], np.uint8
)


@dataclass(frozen=True)
class _Addresses:
    version: U8
    source: tuple[U64, U64]
    destination: tuple[U64, U64]
    absent: int


@dataclass(frozen=True)
class Reverse:
    """Flow records of the way back, and the positions of the biflows they came from."""

    flows: FlowRecords
    position: I64


def flow_records(
    key: TemplateKey, layout: Layout, records: Records, clock: ExportClock, rates: sampling.SamplingRates
) -> tuple[FlowRecords, Reverse | None]:
    """Return the flow records of one template, and those of the way back where records are biflows.

    Counters are as told: of totals, ToldFlows finds what is new. A biflow (RFC 5103, or initiator and responder counters) gives a second flow record where the reverse
    direction carried anything.
    """
    count = len(records)
    absent = 0
    addresses = _addresses(layout, records)
    absent |= addresses.absent
    start, end = start_and_end(layout, records, clock)
    rate, known_from, doubt = sampling.resolve(layout, records, key.point, rates, clock.export_ms)
    columns: dict[str, np.ndarray[tuple[int], np.dtype[np.uint64]]] = {}
    packets = _counter(layout, records, elements.PACKET_DELTAS, elements.PACKET_TOTALS)
    octets = _counter(layout, records, elements.OCTET_DELTAS, elements.OCTET_TOTALS)
    if octets is None and (of_frames := layer2octets.counter(layout)) is not None:
        octets = layer2octets.ip_octets(layout, records, of_frames, packets)
        doubt |= np.where(octets > 0, OCTETS_DOUBTED, np.uint8(0))
    for name, counted in (("bytes", octets), ("packets", packets)):
        absent |= int(ABSENT[name]) if counted is None else 0
        columns[name] = np.zeros(count, np.uint64) if counted is None else counted
    for name, element in (
        ("source_port", layout.first(elements.SOURCE_PORTS)),
        ("destination_port", layout.first(elements.DESTINATION_PORTS)),
        ("ip_protocol", layout.first((elements.PROTOCOL_IDENTIFIER,))),
        ("source_as", layout.first((elements.SOURCE_AS,))),
        ("destination_as", layout.first((elements.DESTINATION_AS,))),
        ("input", layout.first((elements.INGRESS_INTERFACE,))),
        ("output", layout.first((elements.EGRESS_INTERFACE,))),
    ):
        if element is None:
            absent |= int(ABSENT[name])
            columns[name] = np.zeros(count, DTYPES[name])
        else:
            columns[name] = number(records, element, DTYPES[name])
    doubt = doubt | _forget_default_routes(layout, records, addresses.version, columns)
    if elements.FLOW_DIRECTION in layout.elements:
        told = number(records, elements.FLOW_DIRECTION, np.dtype(np.uint8))
        columns["flow_direction"] = _METERED[np.minimum(told, 2)]
    of_place = rates.places.of_records(
        key.point, key.template, layout, records, columns["input"], columns["output"],
        columns.get("flow_direction", np.zeros(count, np.uint8)),
    )  # fmt: skip
    if of_place is not None:
        rate, known_from, doubt = with_places(layout, rate, known_from, doubt, of_place)
    absent |= (int(ABSENT["start"]) if start is None else 0) | (int(ABSENT["end"]) if end is None else 0)
    forward = FlowRecords(
        exporter=np.full(count, key.exporter, np.int32),
        protocol=np.full(count, key.protocol, np.uint8),
        observation_domain=np.full(count, key.observation_domain, np.uint32),
        template=np.full(count, key.template, np.uint16),
        export_ms=clock.export_ms,
        start_ms=np.zeros(count, np.int64) if start is None else start,
        end_ms=np.zeros(count, np.int64) if end is None else end,
        ip_version=addresses.version,
        source_high=addresses.source[0],
        source_low=addresses.source[1],
        destination_high=addresses.destination[0],
        destination_low=addresses.destination[1],
        sampling_rate=rate,
        sampling_from=known_from,
        doubt=doubt,
        kind=_kind(layout, columns["bytes"], columns["packets"]),
        absent=np.full(count, absent, np.uint32),
        **columns,  # type: ignore[arg-type]
    )
    return forward, _reverse(layout, records, forward)


def _forget_default_routes(layout: Layout, records: Records, ip_version: U8, columns: dict[str, Any]) -> U8:
    """Take AS numbers of default routes out of `columns`, as the kernel does; return AS_DOUBTED where that was done."""
    doubt: U8 = np.zeros(len(records), np.uint8)
    for version, pair in zip((4, 6), elements.PREFIX_LENGTHS, strict=True):
        if not all(element in layout.elements for element in pair):
            continue
        source, destination = (unsigned(records, element) for element in pair)
        of_version = ip_version == 6 if version == 6 else ip_version != 6
        for name, by_default in (
            ("source_as", (source == 0) & (destination != 0)),
            ("destination_as", (destination == 0) & (source != 0)),
        ):
            which = of_version & by_default & (columns[name] != 0)
            columns[name] = np.where(which, 0, columns[name]).astype(DTYPES[name])
            doubt[which] = AS_DOUBTED
    return doubt


def _counter(
    layout: Layout, records: Records, deltas: tuple[int, ...], totals: tuple[int, ...]
) -> U64 | None:
    counted: U64 | None = None
    for element in deltas:
        if element in layout.elements:
            value = unsigned(records, element)
            if counted is None:
                counted = value
            elif not counted.all():
                counted = np.where(counted == 0, value, counted)
    if counted is None and (total := layout.first(totals)) is not None:
        counted = unsigned(records, total)
    return counted


def _kind(layout: Layout, octets: U64, packets: U64) -> U8:
    of_nothing = kind_of_nothing(layout.elements)
    return np.where((octets == 0) & (packets == 0), of_nothing, flowrecords.TRAFFIC).astype(np.uint8)


def _addresses(layout: Layout, records: Records) -> _Addresses:
    count = len(records)
    zeros = np.zeros(count, np.uint64)
    have = layout.elements
    absent = 0
    low4, low6, high6 = [], [], []
    for name, element4, element6 in (
        ("source", elements.SOURCE_IPV4, elements.SOURCE_IPV6),
        ("destination", elements.DESTINATION_IPV4, elements.DESTINATION_IPV6),
    ):
        low4.append(unsigned(records, element4) if element4 in have else zeros)
        high, low = halves(records, element6) if element6 in have else (zeros, zeros)
        high6.append(high)
        low6.append(low)
        if element4 not in have and element6 not in have:
            absent |= int(ABSENT[name])
    has4 = elements.SOURCE_IPV4 in have or elements.DESTINATION_IPV4 in have
    has6 = elements.SOURCE_IPV6 in have or elements.DESTINATION_IPV6 in have
    if not has6:
        version = np.full(count, 4 if has4 else 0, np.uint8)
        return _Addresses(version, (zeros, low4[0]), (zeros, low4[1]), absent)
    mapped = np.ones(count, bool)
    for high, low in zip(high6, low6, strict=True):
        mapped &= (high == 0) & ((low >> np.uint64(32)) == _IPV4_MAPPED)
    empty6 = (high6[0] | low6[0] | high6[1] | low6[1]) == 0
    empty4 = (low4[0] | low4[1]) == 0
    is4 = mapped | (~empty4 if has4 else False) | (empty6 & has4)
    for side in (0, 1):
        low6[side] = np.where(
            mapped, low6[side] & np.uint64(0xFFFF_FFFF), np.where(is4, low4[side], low6[side])
        )
        high6[side] = np.where(is4, np.uint64(0), high6[side])
    version = np.where(is4, 4, 6).astype(np.uint8)
    return _Addresses(version, (high6[0], low6[0]), (high6[1], low6[1]), absent)


def _reverse(layout: Layout, records: Records, forward: FlowRecords) -> Reverse | None:
    octets_in = _reverse_of(layout, elements.REVERSE_OCTETS, elements.INITIATOR_OCTETS)
    packets_in = _reverse_of(layout, elements.REVERSE_PACKETS, elements.INITIATOR_PACKETS)
    frames_in = layer2octets.counter(layout, way_back=True) if octets_in is None else None
    if octets_in is None and packets_in is None and frames_in is None:
        return None
    zeros: U64 = np.zeros(len(forward), np.uint64)
    octets = zeros if octets_in is None else unsigned(records, octets_in)
    packets = zeros if packets_in is None else unsigned(records, packets_in)
    doubt = forward.doubt & ~OCTETS_DOUBTED
    if frames_in is not None:
        octets = layer2octets.ip_octets(layout, records, frames_in, None if packets_in is None else packets)
        doubt |= np.where(octets > 0, OCTETS_DOUBTED, np.uint8(0))
    carried = (octets > 0) | (packets > 0)
    if not carried.any():
        return None
    bits = np.uint32(0)
    keep = ~(ABSENT["bytes"] | ABSENT["packets"])
    bits |= ABSENT["bytes"] if octets_in is None and frames_in is None else np.uint32(0)
    bits |= ABSENT["packets"] if packets_in is None else np.uint32(0)
    turned = replace(
        forward,
        bytes=octets,
        packets=packets,
        doubt=doubt,
        kind=_kind(layout, octets, packets),
        source_high=forward.destination_high,
        source_low=forward.destination_low,
        destination_high=forward.source_high,
        destination_low=forward.source_low,
        source_port=forward.destination_port,
        destination_port=forward.source_port,
        source_as=forward.destination_as,
        destination_as=forward.source_as,
        input=forward.output,
        output=forward.input,
        flow_direction=np.where(
            forward.flow_direction, forward.flow_direction | np.uint8(flowrecords.WAY_BACK), np.uint8(0)
        ),
        absent=(forward.absent & keep) | bits,
    )
    positions = np.flatnonzero(carried)
    return Reverse(turned.take(positions), positions)


def _reverse_of(layout: Layout, preferred: tuple[int, ...], initiator: int) -> int | None:
    """Return the counter of the way back; the responder's is one only beside the initiator's.

    Alone, its number stands for something else with some makers (Huawei).
    """
    responders = (elements.RESPONDER_OCTETS, elements.RESPONDER_PACKETS)
    return layout.first([one for one in preferred if one not in responders or initiator in layout.elements])
