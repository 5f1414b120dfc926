"""IP bytes of records that count octets of frames only: their octets without the headers of layer 2."""

import numpy as np

from caudal.collector.columns.flowrecords import U64
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.recordlayout import Layout, Records, unsigned

_ETHERNET, _TAG, _LABEL = 14, 4, 4
# Without a count of packets, frames are taken to be full: no frames have fewer octets of headers.
_FULL_FRAME = 1500
_LEAST_PACKET = 20


def counter(layout: Layout, *, way_back: bool = False) -> int | None:
    """Return the element that counts octets of frames, or None; that of the way back if asked for."""
    if way_back:
        return layout.first(elements.REVERSE_LAYER2_OCTETS)
    return layout.first((*elements.LAYER2_OCTET_DELTAS, *elements.LAYER2_OCTET_TOTALS))


def ip_octets(layout: Layout, records: Records, element: int, packets: U64 | None) -> U64:
    """Return the IP bytes of records, uint64: what `element` counts less 14 octets a packet, and 4 for each tag and label.

    A record has a VLAN tag or an MPLS label where it tells one that is not 0. A packet keeps 20 octets if the frames have
    that many, so nothing becomes negative. `packets` are those of each record, None where none are counted. The frame's
    check sequence is no part of these octets. Source: RFC 7133 §4 (layer2OctetDeltaCount).
    """
    octets = unsigned(records, element)
    headers = np.full(len(records), _ETHERNET, np.uint64)
    for names in elements.VLAN_TAGS:
        tag = layout.first(names)
        if tag is not None:
            headers += np.where(unsigned(records, tag) > 0, np.uint64(_TAG), np.uint64(0))
    for label in elements.MPLS_LABELS:
        if label in layout.elements:
            headers += np.where(unsigned(records, label) > 0, np.uint64(_LABEL), np.uint64(0))
    frames = octets // (headers + np.uint64(_FULL_FRAME)) + np.uint64(1) if packets is None else packets
    # More packets than these octets can be frames of are not believed here either.
    frames = np.minimum(frames, octets // (headers + np.uint64(_LEAST_PACKET)))
    return octets - frames * headers
