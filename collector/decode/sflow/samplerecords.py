"""The records inside of sFlow's flow samples: sampled headers, fields of them, AS numbers; to columns.

Source: sFlow.org, "sFlow Version 5" (2004), §5.3.
"""

import numpy as np

from caudal.collector.columns.flowrecords import ABSENT, AS_DOUBTED, I64, U8
from caudal.collector.columns.gather import gather
from caudal.collector.columns.wire import unsigned32
from caudal.collector.decode.records.sampledheaders import Columns, Tunnels, fill_from_headers, mark
from caudal.collector.decode.sflow.xdr import Mask, Structures, walk_structures
from caudal.collector.packets.link import ETHERNET, IPV4, IPV6, MPLS
from caudal.collector.packets.packetchunk import NO_LINK_TYPE
from caudal.collector.packets.packets import PORTS_FIRST

_RAW_HEADER, _SAMPLED_IPV4, _SAMPLED_IPV6, _EXTENDED_ROUTER, _EXTENDED_GATEWAY = 1, 3, 4, 1002, 1003
_ADDRESS_OCTETS = np.array([0, 4, 16])
# Header protocols of sFlow, and the link types of captures that look the same.
_LINK_TYPE = np.full(16, NO_LINK_TYPE, np.uint16)
_LINK_TYPE[[1, 11, 12, 13]] = ETHERNET, IPV4, IPV6, MPLS
_MOST_BYTES = 0xFFFF

_RAW = np.dtype([(name, ">u4") for name in ("protocol", "frame", "stripped", "size")])
_SAMPLED = {
    _SAMPLED_IPV4: np.dtype(
        [
            *((name, ">u4") for name in ("length", "ip_protocol", "source_low", "destination_low")),
            *((name, ">u4") for name in ("source_port", "destination_port")),
        ]
    ),
    _SAMPLED_IPV6: np.dtype(
        [
            *((name, ">u4") for name in ("length", "ip_protocol")),
            *((name, ">u8") for name in ("source_high", "source_low", "destination_high", "destination_low")),
            *((name, ">u4") for name in ("source_port", "destination_port")),
        ]
    ),
}
_IP_VERSION = {_SAMPLED_IPV4: 4, _SAMPLED_IPV6: 6}


def fill(buffer: U8, columns: Columns, records: Structures, tunnels: Tunnels) -> Mask:
    """Fill `columns` of samples with what their records say; return which samples have a record that lies.

    `records` name their sample by `chain`. The header of a packet goes before fields of it, the last of a
    kind before others. `tunnels` says of which kinds of
    packets inside of packets the inner one counts.
    """
    broken = np.zeros(len(columns["kind"]), np.bool_)
    for kind in (_SAMPLED_IPV4, _SAMPLED_IPV6):
        _fill_from_fields(buffer, columns, records.take(records.kind == kind), kind, broken)
    _fill_from_headers(buffer, columns, records.take(records.kind == _RAW_HEADER), broken, tunnels)
    _fill_networks(buffer, columns, records.take(records.kind == _EXTENDED_GATEWAY), broken)
    _forget_default_routes(buffer, columns, records.take(records.kind == _EXTENDED_ROUTER), broken)
    return broken


def address_octets(buffer: U8, at: I64, available: I64) -> I64:
    """Return the octets of each address by the type that stands at `at`; longer than any slice where the type is none."""
    octets = np.full(len(at), _MOST_BYTES)
    typed = np.flatnonzero(available >= 4)
    kind = unsigned32(buffer, at[typed])
    known = kind < len(_ADDRESS_OCTETS)
    octets[typed[known]] = _ADDRESS_OCTETS[kind[known]]
    return octets


def _fill_from_fields(buffer: U8, columns: Columns, records: Structures, kind: int, broken: Mask) -> None:
    """Take over what records of an IP header's fields say."""
    short = records.length < _SAMPLED[kind].itemsize
    broken[records.chain[short]] = True
    records = records.take(~short)
    if not len(records):
        return
    said = gather(buffer, records.at, _SAMPLED[kind])
    at = records.chain
    protocol = said["ip_protocol"].astype(np.uint8)
    for name in ("source_high", "destination_high"):
        columns[name][at] = said[name] if kind == _SAMPLED_IPV6 else 0
    for name in ("source_low", "destination_low"):
        columns[name][at] = said[name]
    known = PORTS_FIRST[protocol]
    for name in ("source_port", "destination_port"):
        columns[name][at] = np.where(known, said[name] & 0xFFFF, 0)
    columns["ip_protocol"][at] = protocol
    columns["bytes"][at] = np.minimum(said["length"], _MOST_BYTES)
    mark(columns, at, _IP_VERSION[kind], known)


def _fill_from_headers(
    buffer: U8, columns: Columns, records: Structures, broken: Mask, tunnels: Tunnels
) -> None:
    """Take over what sampled headers say, which goes before what records of fields do."""
    if not len(records):
        return
    short = records.length < _RAW.itemsize
    broken[records.chain[short]] = True
    records = records.take(~short)
    head = gather(buffer, records.at, _RAW)
    size = head["size"].astype(np.int64)
    cut = size > records.length - _RAW.itemsize
    broken[records.chain[cut]] = True
    link = _LINK_TYPE[np.minimum(head["protocol"], len(_LINK_TYPE) - 1)]
    useful = ~cut & (size > 0) & (link != NO_LINK_TYPE)
    if (records.chain[1:] == records.chain[:-1]).any():
        useful = _last_of_each(records.chain, useful)
    original = np.maximum(head["frame"].astype(np.int64) - head["stripped"], 0)
    at, original = records.at + _RAW.itemsize, np.maximum(original, size)
    sample = records.chain
    if not useful.all():
        sample, at, size, original, link = (values[useful] for values in (sample, at, size, original, link))
    fill_from_headers(buffer, columns, sample, at, size, original, link, tunnels)


def _last_of_each(chain: I64, these: Mask) -> Mask:
    """Of these, leave one of each chain: the last."""
    positions = np.flatnonzero(these)
    if not len(positions):
        return these
    last = np.append(chain[positions][1:] != chain[positions][:-1], True)
    out = np.zeros(len(chain), np.bool_)
    out[positions[last]] = True
    return out


def _fill_networks(buffer: U8, columns: Columns, records: Structures, broken: Mask) -> None:
    """Take over AS numbers; the destination's is the end of the path, or of an empty one the router's own."""
    if not len(records):
        return
    at, end = records.at, records.at + records.length
    octets = address_octets(buffer, at, records.length)
    whole = records.length >= 4 + octets + 16
    broken[records.chain[~whole]] = True
    chain, at, end, octets = (values[whole] for values in (records.chain, at, end, octets))
    at = at + 4 + octets
    destination = unsigned32(buffer, at)
    segments, cut = walk_structures(buffer, at + 16, end, unsigned32(buffer, at + 12), unit=4)
    broken[chain[cut]] = True
    segments = segments.take(segments.length > 0)
    destination[segments.chain] = unsigned32(buffer, segments.at + segments.length - 4)
    columns["source_as"][chain] = unsigned32(buffer, at + 4)
    columns["destination_as"][chain] = destination
    columns["absent"][chain] &= ~(ABSENT["source_as"] | ABSENT["destination_as"])


def _forget_default_routes(buffer: U8, columns: Columns, records: Structures, broken: Mask) -> None:
    """Take the AS number from an end that is routed by a prefix of length 0, where the other end's is longer.

    That of a default route is the transit provider's. Where both lengths are 0 they are not filled in.
    """
    if not len(records):
        return
    octets = address_octets(buffer, records.at, records.length)
    whole = records.length >= 4 + octets + 8
    broken[records.chain[~whole]] = True
    chain, at = records.chain[whole], (records.at + 4 + octets)[whole]
    source, destination = unsigned32(buffer, at), unsigned32(buffer, at + 4)
    for name, by_default in (
        ("source_as", (source == 0) & (destination != 0)),
        ("destination_as", (destination == 0) & (source != 0)),
    ):
        which = chain[by_default]
        which = which[columns[name][which] != 0]
        columns[name][which] = 0
        columns["doubt"][which] |= AS_DOUBTED
