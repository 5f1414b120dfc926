"""What options records announce: sampling rates by sampler, and when an IPFIX exporter booted."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.decode import elements, sampling
from caudal.collector.decode.recordlayout import Layout, unsigned

_LAST_BOOT_MS = 1 << 48


@dataclass(frozen=True)
class Announcement:
    """Rates by sampler (None: of all), and the boot time.

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
    rates = tuple(
        (None if samplers is None else int(samplers[number]), float(stated[number]))
        for number in np.flatnonzero(sampling.is_rate(stated)).tolist()
    )
    return Announcement(rates, boot_ms)
