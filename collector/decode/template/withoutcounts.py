"""Records without counters of octets and packets: events, or flow records that cannot be used."""

from collections.abc import Set as AbstractSet
from typing import Final

from caudal.collector.columns.flowrecords import EVENT, WITHOUT_COUNTS
from caudal.collector.decode.template import elements

# Not the counters of responders: without those of initiators they stand for something else (see `templated`).
COUNTERS: Final = frozenset(
    {
        *elements.OCTET_DELTAS,
        *elements.PACKET_DELTAS,
        *elements.OCTET_TOTALS,
        *elements.PACKET_TOTALS,
        elements.REVERSE_OCTET_DELTA,
        elements.REVERSE_PACKET_DELTA,
        elements.REVERSE_OCTET_TOTAL,
        elements.REVERSE_PACKET_TOTAL,
        *elements.LAYER2_OCTET_DELTAS,
        *elements.LAYER2_OCTET_TOTALS,
        *elements.REVERSE_LAYER2_OCTETS,
    }
)


_TIMES: Final = (
    elements.FLOW_START_SECONDS,
    elements.FLOW_START_MILLISECONDS,
    elements.FLOW_START_MICROSECONDS,
    elements.FLOW_START_NANOSECONDS,
    elements.FLOW_START_DELTA_MICROSECONDS,
)
_STARTS: Final = frozenset({elements.FLOW_START_UPTIME, *_TIMES})
_ENDS: Final = frozenset({elements.FLOW_END_UPTIME, *(start + 1 for start in _TIMES)})
_MOMENTS: Final = frozenset(
    {
        elements.OBSERVATION_SECONDS,
        elements.OBSERVATION_MILLISECONDS,
        elements.OBSERVATION_MICROSECONDS,
        elements.OBSERVATION_NANOSECONDS,
    }
)


def kind_of_nothing(have: AbstractSet[int]) -> int:
    """Return the kind of records that count nothing, of a template with these elements.

    It is EVENT where an element of the template tells what happened (see EVENTS); where a record is of a moment, as logs of
    address translation are (that a flow began, that it ended, that something was observed); and where counters are there: an
    exporter that says 0 says that nothing was carried. Else it is WITHOUT_COUNTS: what was carried is left out, which
    nobody would notice among events.
    """
    starts, ends = bool(have & _STARTS), bool(have & _ENDS)
    of_a_moment = starts != ends or (not starts and bool(have & _MOMENTS))
    return EVENT if of_a_moment or have & (elements.EVENTS | COUNTERS) else WITHOUT_COUNTS
