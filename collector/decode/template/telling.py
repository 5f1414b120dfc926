"""Layouts whose records tell totals again, and by which elements a flow is known when they do.

A total that is told again at each timeout, and the total with which a firewall ends a connection whose increments it has
told, hold what was counted before. Who sends such records is seen by the elements of a layout, not by the maker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import U8, U64
from caudal.collector.decode.template import elements

Records = npt.NDArray[Any]

# Bits of how a record tells: octets and packets as totals; an event of a connection, whose increments add up to its
# total; nothing follows of this flow.
OCTET_TOTAL, PACKET_TOTAL, OF_CONNECTION, LAST = (np.uint8(1 << bit) for bit in range(4))

_ENDS: Final = 2  # "flow deleted" of firewallEvent (233)
# What flowEndReason (136) says of a flow that goes on: its active timeout.
_GOES_ON: Final = 2
_EVENTS: Final = (elements.FIREWALL_EVENT, elements.EARLY_FIREWALL_EVENT)
# In order of preference. As it was sent: made a time, what is relative to the uptime differs from datagram to datagram.
_STARTS: Final = (
    elements.FLOW_START_MILLISECONDS,
    elements.FLOW_START_SECONDS,
    elements.FLOW_START_MICROSECONDS,
    elements.FLOW_START_NANOSECONDS,
    elements.FLOW_START_UPTIME,
)


class Way(NamedTuple):
    """Counters of one direction of a layout: bits of OCTET_TOTAL and PACKET_TOTAL, and the octets of its octet counter."""

    totals: np.uint8
    octets: int


@dataclass(frozen=True)
class Telling:
    """Elements by which the records of a layout tell totals: counters of both directions, and those that know a flow again.

    `event` is the element that says what happened to a connection, where records are such events. `start` and `flow` are
    the elements that tell flows with the same ends apart; with neither there is nothing to know a flow again by.
    `reason` is the element that says whether a flow goes on.
    """

    there: Way
    back: Way
    event: int | None
    start: int | None
    flow: int | None
    reason: int | None

    def how(self, values: Mapping[int, U64], way: Way, count: int) -> U8:
        """Return the bits of OCTET_TOTAL and PACKET_TOTAL that each of `count` records has in this direction, uint8 (count,)."""
        how = np.full(count, way.totals, np.uint8)
        if self.event is not None:
            ends = values[self.event] == _ENDS
            return np.where(ends, OCTET_TOTAL | PACKET_TOTAL | OF_CONNECTION | LAST, OF_CONNECTION)
        if self.reason is not None:
            reason = values[self.reason]
            how |= np.where((reason != 0) & (reason != _GOES_ON), LAST, np.uint8(0))
        return how


def telling(places: Mapping[int, tuple[int, int]]) -> Telling | None:
    """Return the telling of records with these elements (offset and octets by element); None if all of it is new traffic.

    Deltas go before totals, as `elements` says. Events of connections are records with initiator and responder counters
    that say what happened, and to which connection or why: Cisco NSEL, not the records of a firewall (Palo Alto) that
    has an event in ordinary ones.
    """
    have = places.keys()
    packets = _totals(have, elements.PACKET_DELTAS, elements.PACKET_TOTALS, PACKET_TOTAL)
    deltas: tuple[int, ...] = elements.OCTET_DELTAS
    totals: tuple[int, ...] = elements.OCTET_TOTALS
    if packets and have.isdisjoint((*deltas, *totals)):
        # Octets of frames, of which IP bytes are what packets leave over: a total, if packets are one.
        deltas, totals = elements.LAYER2_OCTET_DELTAS, elements.LAYER2_OCTET_TOTALS
    there = Way(_totals(have, deltas, totals, OCTET_TOTAL) | packets, _octets(places, totals))
    back = Way(
        _totals(have, elements.REVERSE_OCTETS[:-1], elements.REVERSE_OCTETS[-1:], OCTET_TOTAL)
        | _totals(have, elements.REVERSE_PACKETS[:-1], elements.REVERSE_PACKETS[-1:], PACKET_TOTAL),
        _octets(places, elements.REVERSE_OCTETS[-1:]),
    )
    event = _first(have, _EVENTS)
    if (
        elements.INITIATOR_OCTETS not in have
        or elements.OCTET_DELTA in have
        or have.isdisjoint((elements.FLOW_ID, elements.CONNECTION_EVENT_REASON))
    ):
        event = None
    if event is None and not there.totals | back.totals:
        return None
    return Telling(
        there,
        back,
        event,
        _first(have, _STARTS),
        _first(have, (elements.FLOW_ID,)),
        _first(have, (elements.FLOW_END_REASON,)),
    )


def _totals(have: Any, deltas: tuple[int, ...], totals: tuple[int, ...], bit: np.uint8) -> np.uint8:
    is_total = have.isdisjoint(deltas) and not have.isdisjoint(totals)
    return bit if is_total else np.uint8(0)


def _octets(places: Mapping[int, tuple[int, int]], totals: tuple[int, ...]) -> int:
    total = _first(places.keys(), totals)
    return 8 if total is None else places[total][1]


def _first(have: Any, preferred: tuple[int, ...]) -> int | None:
    return next((element for element in preferred if element in have), None)
