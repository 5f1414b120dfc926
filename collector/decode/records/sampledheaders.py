"""Headers of sampled packets, whatever protocol brings them: what each says of one packet, into columns.

sFlow and the packet sections of NetFlow v9 and IPFIX are read here, as packets of a capture are.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.collector.columns import flowrecords
from caudal.collector.columns.flowrecords import ABSENT, I64, U8, U16
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, Packets, read_packets
from caudal.collector.packets.tunnelkinds import Tunnels as Tunnels  # noqa: PLC0414
from caudal.collector.packets.tunnelkinds import opened
from caudal.collector.packets.tunnels import MOST_TUNNELS, tunnelled

Columns = dict[str, npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]

PORTS = ABSENT["source_port"] | ABSENT["destination_port"]
# What is not known of a packet until its header is read.
OF_PACKET = PORTS
for _name in ("source", "destination", "ip_protocol", "bytes", "packets"):
    OF_PACKET |= ABSENT[_name]

_BEHIND_LAST = 64


def fill_from_headers(
    buffer: U8,
    columns: Columns,
    row: I64,
    at: I64,
    octets: I64,
    wire: I64,
    link: U16,
    tunnels: Tunnels,
) -> None:
    """Fill rows of `columns` from sampled headers; those of which no IP header can be read stay as they are.

    By header: the row of its packet, its place and octets in `buffer`, the octets that the packet had on the wire, and the link
    type that it begins with. `start_ms` of the columns says when. `tunnels` says of which kinds of packets inside of packets
    the inner one counts.
    """
    if not len(row):
        return
    if int((at + octets).max()) + _BEHIND_LAST > len(buffer):
        buffer = np.append(buffer, np.zeros(_BEHIND_LAST, np.uint8))
        buffer.flags.writeable = False  # as those of datagrams: kernels are compiled for one kind only
    chunk = PacketChunk(buffer, at, octets, wire, columns["start_ms"][row], link)
    kinds = opened(tunnels)
    _fill_from_packets(columns, chunk, row, kinds, MOST_TUNNELS if kinds else 0)


def mark(columns: Columns, row: I64, ip_version: int, ports_known: Mask) -> None:
    """Take note that these rows hold one packet of traffic each, of which all is known but perhaps the ports."""
    columns["kind"][row] = flowrecords.TRAFFIC
    columns["ip_version"][row] = ip_version
    columns["packets"][row] = 1
    columns["absent"][row] = columns["absent"][row] & ~OF_PACKET | np.where(ports_known, np.uint32(0), PORTS)


def _fill_from_packets(
    columns: Columns, chunk: PacketChunk, row: I64, kinds: Collection[str], depth: int
) -> None:
    for packets in read_packets(chunk, PacketCounts()):
        if not len(packets):
            continue
        _fill(columns, packets, row[packets.frame])
        if depth:
            inside, carrier = tunnelled(chunk, packets, kinds)
            if len(inside):
                _fill_from_packets(columns, inside, row[packets.frame[carrier]], kinds, depth - 1)


def _fill(columns: Columns, packets: Packets, row: I64) -> None:
    for name in (
        *("source_high", "source_low", "destination_high", "destination_low"),
        *("source_port", "destination_port", "ip_protocol", "bytes"),
    ):
        columns[name][row] = getattr(packets, name)
    mark(columns, row, packets.ip_version, packets.ports_known)
