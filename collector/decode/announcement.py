"""What options records announce: sampling rates by sampler, and when an IPFIX exporter booted."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.decode import elements, sampling
from caudal.collector.decode.interfacerates import EGRESS
from caudal.collector.decode.recordlayout import Layout, Records, unsigned

_LAST_BOOT_MS = 1 << 48
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)  # any odd number that makes different pairs of numbers differ


@dataclass(frozen=True)
class Announcement:
    """Rates, believed or not, by sampler (None: of all; negative: at a place, see SamplingRates), and the boot time.

    From the latter times since then are counted where flow records have no others.
    """

    rates: tuple[tuple[int | None, float], ...] = ()
    boot_ms: int | None = None


def read_announcement(layout: Layout, body: bytes, records: int) -> Announcement:
    """Read the options records of one set."""
    if not records:
        return Announcement()
    view = layout.records(body, records)
    boot_ms = None
    if elements.SYSTEM_INIT_MILLISECONDS in layout.elements:
        stated_ms = int(unsigned(view, elements.SYSTEM_INIT_MILLISECONDS)[-1])
        boot_ms = stated_ms if 0 < stated_ms < _LAST_BOOT_MS else None
    stated = sampling.rates_in_records(layout, view)
    if stated is None:
        return Announcement((), boot_ms)
    samplers = sampling.sampler_ids(layout, view)
    named = samplers.tolist() if samplers is not None else _places(layout, view)
    rates = tuple(
        (named[number] if named else None, float(stated[number]))
        for number in np.flatnonzero(stated >= 1).tolist()
    )
    return Announcement(rates, boot_ms)


def _places(layout: Layout, records: Records) -> list[int]:
    """Return a negative number for the place that each record is about; empty if they name none."""
    places = np.zeros(len(records), np.uint64)
    have = [element for element in elements.SAMPLED_AT if element in layout.elements]
    for element in have:
        places = places * _MIX + unsigned(records, element)
    if have == [elements.EGRESS_INTERFACE]:
        places += np.uint64(EGRESS)
    elif len(have) == 1 and have != [elements.INGRESS_INTERFACE]:
        places += np.uint64(have[0]) << np.uint64(44)  # none that an interface has
    return [-1 - place for place in places.tolist()] if have else []
