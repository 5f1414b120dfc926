"""Reading plans: where each column lies in a record of one form, and what its number means."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import ABSENT
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.withoutcounts import COUNTERS, kind_of_nothing

# Rows of a plan: (place, octets) of each column in a record, no octets where it has none.
(
    SOURCE4, DESTINATION4, SOURCE6, DESTINATION6, BYTES, OTHER_BYTES, PACKETS, OTHER_PACKETS, SOURCE_PORT,
    DESTINATION_PORT, IP_PROTOCOL, SOURCE_AS, DESTINATION_AS, INPUT, OUTPUT, START, END, DIRECTION, SAMPLER, RATE,
    SOURCE_PREFIX4, DESTINATION_PREFIX4, SOURCE_PREFIX6, DESTINATION_PREFIX6,
) = range(24)  # fmt: skip
# Rows that hold something else: (octets of a record, bits of `absent`), (how to read start, how to read end),
# (bits that are absent where the value is 0, the kind of records that count nothing).
RECORD, TIMES, ZERO_IS_ABSENT = 24, 25, 26
ROWS: Final = 27

# How a time is told.
NO_TIME, MILLISECONDS, SECONDS, NTP, BEFORE_EXPORT, UPTIME = range(6)

Plan = npt.NDArray[np.int64]

_TIMES: Final = (
    (elements.FLOW_START_MILLISECONDS, MILLISECONDS),
    (elements.FLOW_START_SECONDS, SECONDS),
    (elements.FLOW_START_MICROSECONDS, NTP),
    (elements.FLOW_START_NANOSECONDS, NTP),
    (elements.FLOW_START_DELTA_MICROSECONDS, BEFORE_EXPORT),
)
# What the kernel does not do: see `flow_records`, which does everything.
_MORE: Final = frozenset(
    {
        elements.SAMPLING_PACKET_INTERVAL,
        elements.SAMPLING_SIZE,
        elements.SAMPLING_PROBABILITY,
        elements.SYSTEM_INIT_MILLISECONDS,
        *elements.REVERSE_OCTETS,
        *elements.REVERSE_PACKETS,
        *elements.REVERSE_LAYER2_OCTETS,
    }
)
IP_OCTETS: Final = frozenset({*elements.OCTET_DELTAS, *elements.OCTET_TOTALS})
FRAME_OCTETS: Final = frozenset({*elements.LAYER2_OCTET_DELTAS, *elements.LAYER2_OCTET_TOTALS})
_TIMES_FROM_ELSEWHERE: Final = frozenset(
    {
        elements.FLOW_DURATION_MILLISECONDS,
        elements.FLOW_DURATION_MICROSECONDS,
        elements.OBSERVATION_SECONDS,
        elements.OBSERVATION_MILLISECONDS,
        elements.OBSERVATION_MICROSECONDS,
        elements.OBSERVATION_NANOSECONDS,
    }
)
_SAMPLER_OCTETS: Final = 4


class _Column(NamedTuple):
    row: int
    preferred: tuple[int, ...]
    name: str


_COLUMNS: Final = (
    _Column(SOURCE_PORT, elements.SOURCE_PORTS, "source_port"),
    _Column(DESTINATION_PORT, elements.DESTINATION_PORTS, "destination_port"),
    _Column(IP_PROTOCOL, (elements.PROTOCOL_IDENTIFIER,), "ip_protocol"),
    _Column(SOURCE_AS, (elements.SOURCE_AS,), "source_as"),
    _Column(DESTINATION_AS, (elements.DESTINATION_AS,), "destination_as"),
    _Column(INPUT, (elements.INGRESS_INTERFACE,), "input"),
    _Column(OUTPUT, (elements.EGRESS_INTERFACE,), "output"),
)


def reading_plan(
    places: Mapping[int, tuple[int, int]], size: int, *, absent: int = 0, zero_is_absent: int = 0
) -> Plan | None:
    """Return the plan by which the kernel reads records of `size` octets, int64 (ROWS, 2); None where it cannot.

    `places` gives by element its place in a record and its octets; `absent` are bits of ABSENT that hold for
    the whole format, `zero_is_absent` those of values that are not known where they are 0.
    """
    have = places.keys()
    if not have.isdisjoint(_MORE):
        return None
    if not have & IP_OCTETS and have & FRAME_OCTETS:
        return None
    if not have & COUNTERS and elements.IP_TOTAL_LENGTH in have:
        return None  # a packet report
    plan: Plan = np.zeros((ROWS, 2), np.int64)
    for row, element, other in (
        (SOURCE4, elements.SOURCE_IPV4, elements.SOURCE_IPV6),
        (DESTINATION4, elements.DESTINATION_IPV4, elements.DESTINATION_IPV6),
    ):
        plan[row], plan[row + 2] = places.get(element, (0, 0)), places.get(other, (0, 0))
        if element not in have and other not in have:
            absent |= int(ABSENT["source" if row == SOURCE4 else "destination"])
    for row, deltas, totals, name in (
        (BYTES, elements.OCTET_DELTAS, elements.OCTET_TOTALS, "bytes"),
        (PACKETS, elements.PACKET_DELTAS, elements.PACKET_TOTALS, "packets"),
    ):
        counters = [places[element] for element in deltas if element in have]
        if not counters and (total := _first(places, totals)) is not None:
            counters = [places[total]]
        if len(counters) > 2:
            return None
        if not counters:
            absent |= int(ABSENT[name])
        plan[row : row + len(counters)] = np.array(counters).reshape(-1, 2)
    for column in _COLUMNS:
        element_of = _first(places, column.preferred)
        if element_of is None:
            absent |= int(ABSENT[column.name])
        else:
            plan[column.row] = places[element_of]
    for row, pair in zip((SOURCE_PREFIX4, SOURCE_PREFIX6), elements.PREFIX_LENGTHS, strict=True):
        # One alone does not tell whether the exporter fills in such lengths at all.
        if have >= set(pair) and not have.isdisjoint((elements.SOURCE_AS, elements.DESTINATION_AS)):
            plan[row], plan[row + 1] = (places[element] for element in pair)
    plan[DIRECTION] = places.get(elements.FLOW_DIRECTION, (0, 0))
    sampler = _first(places, (elements.SAMPLER_ID, elements.SELECTOR_ID))
    if sampler is not None:
        plan[SAMPLER] = places[sampler]
    rates = [places[element] for element in elements.SAMPLING_INTERVALS if element in have]
    if len(rates) > 1:
        return None
    if rates:
        plan[RATE] = rates[0]
    for position, (row, name) in enumerate(((START, "start"), (END, "end"))):
        plan[row], plan[TIMES, position] = _time(places, position)
        absent |= int(ABSENT[name]) if plan[TIMES, position] == NO_TIME else 0
    # The uptime of IPFIX exporters is not always known.
    if np.isin(plan[TIMES], (NO_TIME, UPTIME)).any() and not have.isdisjoint(_TIMES_FROM_ELSEWHERE):
        return None
    if plan[SAMPLER, 1] > _SAMPLER_OCTETS:
        return None
    plan[RECORD] = size, absent
    plan[ZERO_IS_ABSENT] = zero_is_absent, kind_of_nothing(have)
    return plan


def _first(places: Mapping[int, tuple[int, int]], preferred: Sequence[int]) -> int | None:
    return next((element for element in preferred if element in places), None)


def _time(places: Mapping[int, tuple[int, int]], position: int) -> tuple[tuple[int, int], int]:
    # The elements of start and end come in pairs: seconds 150/151, milliseconds 152/153, …
    for element, how in _TIMES:
        if element + position in places:
            return places[element + position], how
    uptime = elements.FLOW_START_UPTIME - position
    return (places[uptime], UPTIME) if uptime in places else ((0, 0), NO_TIME)
