"""The boundary of the network: of a flow that several routers see, one record is counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from caudal.collector.columns.datagrams import Exporters
from caudal.collector.columns.flowrecords import (
    METERED_EGRESS,
    METERED_INGRESS,
    TRAFFIC,
    U8,
    U64,
    WAY_BACK,
    FlowRecords,
    Mask,
)
from caudal.collector.locate.locate import IN, OUT

Metered = Literal["ingress", "egress", "crossing"]

# Why a record is left out.
LEFT_OUT: Final = ("inside", "other_direction")

_INTERNAL_ONLY, _EXTERNAL_ONLY, _BOTH = 1, 2, 3
_METERED = {"ingress": METERED_INGRESS, "egress": METERED_EGRESS}
_CROSSING = 3


@dataclass(frozen=True)
class Boundary:
    """The interfaces of one router to the outside and to the inside, by ifIndex, as the operator gives them.

    Where only one of the lists is given, every other interface belongs to the other side. `metered` says
    which records of a router that meters both at ingress and at egress are the ones to count.
    """

    external: frozenset[int] = frozenset()
    internal: frozenset[int] = frozenset()
    metered: Metered | None = None


@dataclass(frozen=True)
class Judgement:
    """Which records are left out, and why; and which are counted without knowing where they crossed."""

    inside: Mask
    other_direction: Mask
    interface_unknown: Mask


class Boundaries:
    """Decides which flow records are counted, by the boundaries of the exporters they came from.

    A flow is counted where it crosses the boundary: going out, where its output interface is external;
    otherwise, where its input interface is. A record whose crossing interface is known to be internal is
    left out ("inside"): the router at the boundary has it, too. Where that interface was not told, or is
    in neither of two lists, the record is counted and noted.

    A record metered in the direction that is not to be counted is left out ("other_direction"); "crossing"
    is that at the crossing interface: egress for what goes out, else ingress. Records that do not tell
    their direction are counted. The ways of a biflow are counted or left out together, as its direction is
    that of the way there only: where it was metered once, both ways were. An exporter without a boundary has all its records counted.
    """

    def __init__(self, exporters: Exporters, boundaries: Mapping[str, Boundary]) -> None:
        numbered = {exporters.keep(address): each for address, each in boundaries.items()}
        numbered = {number: each for number, each in numbered.items() if number >= 0}
        count = max(numbered, default=-1) + 1
        self._lists: U8 = np.zeros(count + 1, np.uint8)  # the last is for all others
        self._metered: U8 = np.zeros(count + 1, np.uint8)
        for number, each in numbered.items():
            self._lists[number] = (_EXTERNAL_ONLY if each.external else 0) | (
                _INTERNAL_ONLY if each.internal else 0
            )
            self._metered[number] = (
                _CROSSING if each.metered == "crossing" else _METERED.get(each.metered or "", 0)
            )
        self._external = _keys(numbered, "external")
        self._internal = _keys(numbered, "internal")
        self._none = not numbered

    def judge(self, flows: FlowRecords, direction: U8) -> Judgement | None:
        """Return the verdict on each record, given its direction; None where all records are counted."""
        if self._none:
            return None
        exporter = np.minimum(flows.exporter, len(self._lists) - 1)
        lists, metered = self._lists[exporter], self._metered[exporter]
        if not (lists.any() or metered.any()):
            return None
        traffic = flows.kind == TRAFFIC
        outward = direction == OUT
        way_back = (flows.flow_direction & WAY_BACK) != 0
        at_crossing = np.where(np.where(way_back, direction == IN, outward), METERED_EGRESS, METERED_INGRESS)
        wanted = np.where(metered == _CROSSING, at_crossing, metered)
        told = flows.flow_direction & ~np.uint8(WAY_BACK)
        other = traffic & (wanted != 0) & (told != 0) & (told != wanted)
        interface = np.where(outward, flows.output, flows.input)
        key = exporter.astype(np.uint64) << np.uint64(32) | interface
        external, internal = _among(self._external, key), _among(self._internal, key)
        external |= (lists == _INTERNAL_ONLY) & ~internal
        internal |= (lists == _EXTERNAL_ONLY) & ~external
        counted = traffic & ~other
        known = interface != 0
        unknown = counted & (lists != 0) & ~(known & (external | internal))
        return Judgement(
            inside=counted & known & internal,
            other_direction=other,
            interface_unknown=unknown,
        )


def _keys(numbered: Mapping[int, Boundary], side: Literal["external", "internal"]) -> U64:
    keys = [
        number << 32 | interface for number, each in numbered.items() for interface in getattr(each, side)
    ]
    return np.array(sorted(keys), np.uint64)


def _among(keys: U64, key: U64) -> Mask:
    if not len(keys):
        return np.zeros(len(key), bool)
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    found: Mask = keys[at] == key
    return found
