"""Packet reports: records of NetFlow v9 and IPFIX that tell of one sampled packet, by a section of its octets or its length.

Junos' inline monitoring, Cisco's NetFlow-Lite and PSAMP send them. The octets are read as sFlow's sampled headers are.
Sources: RFC 5476 and 5477 (PSAMP), RFC 7133 (dataLinkFrame…, section…), IANA's registry for 102-104.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import ABSENT, DTYPES, I64, NOT_READ, TRAFFIC, U8, U16, FlowRecords
from caudal.collector.decode.records.sampledheaders import (
    OF_PACKET,
    PORTS,
    Columns,
    Tunnels,
    fill_from_headers,
)
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.recordlayout import Layout, Records, unsigned
from caudal.collector.decode.template.withoutcounts import COUNTERS
from caudal.collector.packets.link import ETHERNET, MPLS, RAW
from caudal.collector.packets.packetchunk import NO_LINK_TYPE

# What the octets of a section begin with.
_BEGINS: Final = {
    elements.DATA_LINK_SECTION: ETHERNET,
    elements.LAYER2_SECTION: ETHERNET,
    elements.IP_HEADER_SECTION: RAW[-1],
    elements.MPLS_LABELS_SECTION: MPLS,
    elements.MPLS_PAYLOAD_SECTION: RAW[-1],
}
_OF_FRAMES: Final = (elements.DATA_LINK_SECTION, elements.LAYER2_SECTION)
# By the number of dataLinkFrameType.
_FRAME_TYPE: Final = np.array([ETHERNET, ETHERNET, 105], np.uint16)
# How long a frame was of which nothing says it: longer than any, so that its header is not held against it.
_UNTOLD: Final = 1 << 17
_LONGEST_PACKET: Final = 0xFFFF + 40
_ADDRESSES: Final = (
    *("ip_version", "source_high", "source_low", "destination_high", "destination_low"),
    *("source_port", "destination_port", "ip_protocol"),
)
_ENDS: Final = ABSENT["source"] | ABSENT["destination"]


def are_packet_reports(layout: Layout) -> bool:
    """Return True if records of a layout hold octets of a packet, or a packet's length and no counter."""
    return bool(layout.sections) or (
        elements.IP_TOTAL_LENGTH in layout.elements and not layout.elements & COUNTERS
    )


def read_packets_of(
    layout: Layout, records: Records, buffer: U8, flows: FlowRecords, tunnels: Tunnels
) -> FlowRecords:
    """Return `flows`, which are those of packet reports, with what the packets in them say.

    Without counters a record is one packet, of the addresses and the IP bytes of its header; where there is none that can be
    read, of those that the record tells itself; else it is NOT_READ. Counters of a record count, and the packet gives
    addresses that the record lacks, and the octets if the record counts one packet and no octets. `buffer` has the octets that
    `layout.sections` speaks of. `tunnels` says which addresses count of packets inside of packets.
    """
    packet = _packets(layout, records, buffer, flows.export_ms, tunnels)
    read = packet["kind"] == TRAFFIC
    columns: Columns = {
        name: getattr(flows, name).copy() for name in (*_ADDRESSES, "bytes", "packets", "kind", "absent")
    }
    counted = bool(layout.elements & COUNTERS)
    takes = read if not counted else read & (flows.absent & _ENDS == _ENDS)
    for name in _ADDRESSES:
        columns[name][takes] = packet[name][takes]
    columns["absent"][takes] &= ~(OF_PACKET & ~(ABSENT["bytes"] | ABSENT["packets"]))
    columns["absent"][takes] |= packet["absent"][takes] & PORTS
    length = _numbers(layout, records, elements.IP_TOTAL_LENGTH)
    if not counted:
        told = ~read & (length > 0) & (flows.absent & _ENDS != _ENDS)
        one = read | told
        columns["kind"] = np.where(one, np.uint8(TRAFFIC), np.uint8(NOT_READ))
        columns["bytes"] = np.where(read, packet["bytes"], np.where(told, length, 0).astype(np.uint64))
        columns["packets"] = one.astype(np.uint64)
    else:
        one = read & (columns["packets"] == 1) & (flows.absent & ABSENT["bytes"] != 0)
        columns["bytes"][one] = packet["bytes"][one]
    columns["absent"][one] &= ~(ABSENT["bytes"] | ABSENT["packets"])
    return replace(flows, **columns)


def _packets(layout: Layout, records: Records, buffer: U8, export_ms: I64, tunnels: Tunnels) -> Columns:
    """Return columns of the packet of each record, of kind NOT_READ where none can be read."""
    count = len(records)
    columns: Columns = {
        name: np.zeros(count, DTYPES[name]) for name in (*_ADDRESSES, "bytes", "packets", "kind", "absent")
    }
    columns["kind"][:] = NOT_READ
    columns["absent"][:] = OF_PACKET
    columns["start_ms"] = export_ms
    length = _numbers(layout, records, elements.IP_TOTAL_LENGTH)
    frame = _numbers(layout, records, elements.DATA_LINK_FRAME_SIZE)
    # The later goes before the earlier where both can be read.
    for element in reversed(elements.SECTIONS):
        if element not in layout.sections or element not in _BEGINS:
            continue
        at, octets = _places(layout, records, element)
        octets, longer = _real_octets(layout, records, element, octets)
        wire = np.where(frame > 0, frame, longer)
        if element == elements.IP_HEADER_SECTION:
            wire = np.where(length > 0, length, wire)
        wire = np.where(wire > 0, np.maximum(wire, octets), _UNTOLD)
        link = _link(layout, records, element)
        row = np.flatnonzero(octets > 0)
        fill_from_headers(buffer, columns, row, at[row], octets[row], wire[row], link[row], tunnels)
    # Of headers that tell no length, and frames of which nothing else does, the length is not known.
    unknown = columns["bytes"] > _LONGEST_PACKET
    unknown &= (frame == 0) | (frame > _LONGEST_PACKET)
    columns["bytes"][unknown] = length[unknown]
    columns["kind"][unknown & (length == 0)] = NOT_READ
    return columns


def _places(layout: Layout, records: Records, element: int) -> tuple[I64, I64]:
    """Return the offset of each record's packet section in the buffer, and the section's length in octets, each int64 (records,)."""
    at, octets = layout.sections[element]
    count = len(records)
    if not layout.template.variable:
        return np.arange(count, dtype=np.int64) * layout.size + at, np.full(count, octets, np.int64)
    said = records[f"p{element}"].astype(np.int64)
    return said >> 16, said & 0xFFFF


def _real_octets(layout: Layout, records: Records, element: int, octets: I64) -> tuple[I64, I64]:
    """Return the octets of each section that are the packet's own (0 where the section does not begin with the packet's first
    octet), and the frame's length in octets as old exporters tell it in the field for the section's size (0: not told).
    """
    begins = _numbers(layout, records, elements.SECTION_OFFSET)
    longer = np.zeros(len(records), np.int64)
    exported = _numbers(layout, records, elements.SECTION_OCTETS)
    if element in _OF_FRAMES:
        begins = begins + _numbers(layout, records, elements.LAYER2_SECTION_OFFSET)
        size = _numbers(layout, records, elements.LAYER2_SECTION_SIZE)
        longer = np.where(size > octets, size, 0)
        exported = np.where(exported == 0, np.where(size <= octets, size, 0), exported)
    octets = np.where(exported > 0, np.minimum(exported, octets), octets)
    return np.where(begins == 0, octets, 0), longer


def _link(layout: Layout, records: Records, element: int) -> U16:
    link = np.full(len(records), _BEGINS[element], np.uint16)
    if element not in _OF_FRAMES or elements.DATA_LINK_FRAME_TYPE not in layout.elements:
        return link
    kind = _numbers(layout, records, elements.DATA_LINK_FRAME_TYPE)
    known = (kind >= 0) & (kind < len(_FRAME_TYPE))
    return np.where(known, _FRAME_TYPE[np.where(known, kind, 0)], NO_LINK_TYPE).astype(np.uint16)


def _numbers(layout: Layout, records: Records, element: int) -> I64:
    """Return an element that is a number of octets, 0 where records do not have it."""
    if element not in layout.elements:
        return np.zeros(len(records), np.int64)
    return np.minimum(unsigned(records, element), np.uint64(1 << 32)).astype(np.int64)
