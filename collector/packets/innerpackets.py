"""Inner packets in place of those that carry them, for captures where tunnels are to be opened."""

from collections.abc import Collection, Iterable

import numpy as np

from caudal.collector.packets.carriedfragments import CarriedFragments
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, Packets, read_packets
from caudal.collector.packets.tunnels import MOST_TUNNELS, tunnelled

Lots = list[tuple[PacketChunk, Packets]]


def innermost(
    chunk: PacketChunk,
    lots: Iterable[Packets],
    kinds: Collection[str],
    depth: int = MOST_TUNNELS,
    fragments: CarriedFragments | None = None,
) -> Lots:
    """Return lots of packets with their chunks, each packet once: the inner one where it is known, else the outer one.

    `lots` are the packets of a chunk. Tunnels of `kinds` are opened, at most `depth` in one another. Where `fragments` are
    given, later fragments of what was opened are left out: the inner packet has their octets.
    """
    found: Lots = []
    for packets in lots:
        if depth == 0 or not len(packets):
            found.append((chunk, packets))
            continue
        inside, carrier = tunnelled(chunk, packets, kinds)
        inner = read_packets(inside, PacketCounts())
        carries = np.zeros(len(packets), np.bool_)
        for lot in inner:
            carries[carrier[lot.frame]] = True
        over = carries if fragments is None else carries | fragments.already_metered(chunk, packets, carries)
        found.append((chunk, packets.take(~over) if over.any() else packets))
        if len(inside):
            found += innermost(inside, inner, kinds, depth - 1)
    return found
