"""Announcements of options records: sampling rates by sampler, and when an IPFIX exporter booted."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.decode.sampling import sampling
from caudal.collector.decode.sampling.placerates import places
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.recordlayout import Layout, unsigned

_LAST_BOOT_MS = 1 << 48


@dataclass(frozen=True)
class Announcement:
    """Rates, believed or not, by sampler (None: of all; negative: at a place, see PlaceRates), and the boot time.

    From the latter times since then are counted where flow records have no others.
    """

    rates: tuple[tuple[int | None, float], ...] = ()
    boot_ms: int | None = None


def read_announcement(layout: Layout, body: bytes, records: int, observation_domain: int) -> Announcement:
    """Read the options records of one set, of a message from an observation domain."""
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
    named: list[int | None] = (
        places(layout, view, observation_domain) if samplers is None else samplers.tolist()
    )
    rates = tuple(
        (named[number] if named else None, float(stated[number]))
        for number in np.flatnonzero(stated >= 1).tolist()
    )
    return Announcement(rates, boot_ms)
