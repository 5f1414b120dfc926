"""Packet sampling 1:N of real flows: what a router's flow cache sees of them.

Long flows have bounded-Pareto sizes and each of their packets is sampled with probability 1/N. Short
exchanges have so few packets that at most one of each is sampled, which makes a record of one packet.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from caudal.demo.traffic.cells import LARGEST_PACKET, SMALLEST_PACKET, Cells

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

RATE: Final = 1000
SHORTEST_LONG_FLOW: Final = 2_000
LONGEST_LONG_FLOW: Final = 1_000_000
TAIL: Final = 0.8


@dataclass(frozen=True)
class Sampled:
    """Flow records as sampled (columns of one length) and, by (hour, cell), true bytes and packets of all flows.

    `slot` is hour × cells + cell; `true_packets` is the size of the flow before sampling (1 for exchanges).
    """

    slot: I64
    packets: I64
    bytes: I64
    true_packets: I64
    slot_bytes: F64
    slot_packets: F64


@cache
def chance_of_a_record() -> float:
    """Return the probability that at least one packet of a long flow is sampled."""
    middle = (np.arange(20_000) + 0.5) / 20_000
    return float(np.mean(1 - (1 - 1 / RATE) ** _flow_packets(middle)))


def sample(cells: Cells, expected: F64, random: np.random.Generator) -> Sampled:
    """Draw the flows of a day and sample them; `expected` is the mean number of records by (hour, cell)."""
    cell = np.tile(np.arange(len(cells)), len(expected))
    mean = expected.ravel()
    long_flows = random.poisson(mean * cells.long[cell] / chance_of_a_record())
    exchanged = random.poisson(mean * (1 - cells.long[cell]) * RATE)
    seen = random.binomial(exchanged, 1 / RATE)

    slot = np.repeat(np.arange(len(cell)), long_flows)
    size = _flow_packets(random.random(len(slot))).astype(np.int64)
    packet = _packet_bytes(cells, cell[slot], random)
    true_bytes = np.rint(size * packet)
    packets = random.binomial(size, 1 / RATE)
    slot_bytes: F64 = np.bincount(slot, true_bytes, len(cell)).astype(float)
    slot_packets: F64 = np.bincount(slot, size, len(cell)).astype(float) + exchanged
    kept = np.flatnonzero(packets)
    slot, size, packets, packet = slot[kept], size[kept], packets[kept], packet[kept]
    noise = 1 + 0.1 * random.standard_normal(len(kept)) / np.sqrt(packets)
    sampled_bytes = np.clip(
        np.rint(packets * packet * noise), packets * SMALLEST_PACKET, packets * LARGEST_PACKET
    )

    short = np.repeat(np.arange(len(cell)), seen)
    short_bytes = np.rint(_packet_bytes(cells, cell[short], random))
    unseen = exchanged - seen
    deviation = cells.packet_spread[cell] / np.sqrt(3)
    unseen_bytes = unseen * cells.packet_bytes[cell]
    unseen_bytes += np.sqrt(unseen) * deviation * random.standard_normal(len(cell))
    slot_bytes += np.bincount(short, short_bytes, len(cell)) + np.rint(
        np.maximum(unseen_bytes, unseen * SMALLEST_PACKET)
    )
    ones = np.ones(len(short), np.int64)
    return Sampled(
        slot=np.concatenate((slot, short)),
        packets=np.concatenate((packets, ones)),
        bytes=np.concatenate((sampled_bytes, short_bytes)).astype(np.int64),
        true_packets=np.concatenate((size, ones)),
        slot_bytes=slot_bytes,
        slot_packets=slot_packets,
    )


def _flow_packets(uniform: F64) -> F64:
    low, high = SHORTEST_LONG_FLOW**-TAIL, LONGEST_LONG_FLOW**-TAIL
    packets: F64 = np.rint((low - uniform * (low - high)) ** (-1 / TAIL))
    return packets


def _packet_bytes(cells: Cells, cell: I64, random: np.random.Generator) -> F64:
    """Mean packet sizes of flows (sizes, of single packets): uniform about the mean of the cell."""
    return cells.packet_bytes[cell] + cells.packet_spread[cell] * random.uniform(-1, 1, len(cell))
