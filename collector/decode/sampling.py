"""Sampling rates: what exporters announce in options records, and what the operator configured."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from caudal.collector import flowrecords
from caudal.collector.decode import elements
from caudal.collector.decode.recordlayout import Layout, Records, unsigned
from caudal.collector.flowrecords import F64, U8, U64

# A rate no exporter has: what states it does not know its rate.
_MOST = float(1 << 32)


class ObservationPoint(NamedTuple):
    """Where a sampler belongs: an exporter's number, a protocol and an observation domain."""

    exporter: int
    protocol: int
    observation_domain: int


class _Announced:
    """Rates by sampler, with how many announcements stand behind each."""

    def __init__(self) -> None:
        self._of_sampler: dict[int | None, dict[float, int]] = {}
        self._all: dict[float, int] = {}

    def replace(self, sampler: int | None, old: float | None, new: float) -> None:
        """Let `new` stand where `old` stood, or beside the others if there was none."""
        for counts in (self._of_sampler.setdefault(sampler, {}), self._all):
            counts[new] = counts.get(new, 0) + 1
            if old is not None:
                counts[old] -= 1
                if not counts[old]:
                    del counts[old]

    def rate(self, sampler: int | None) -> float | None:
        """Return the rate of `sampler`, or for records that name none the one that all samplers share."""
        candidates = self._of_sampler.get(sampler)
        if candidates is None:
            candidates = self._all if sampler is None else self._of_sampler.get(None, {})
        return next(iter(candidates)) if len(candidates) == 1 else None


class SamplingRates:
    """The rates known now; 1 in `rate` packets is sampled.

    `configured` gives the operator's own rates by exporter address; it answers where the exporter is silent.
    At most `samplers_per_exporter` announced rates are kept of an exporter; further samplers go unheard.
    """

    def __init__(
        self, addresses: list[str], configured: Mapping[str, float], *, samplers_per_exporter: int = 65_536
    ) -> None:
        self._addresses = addresses
        self._configured = configured
        self._limit = samplers_per_exporter
        self._rates: dict[tuple[int, int], dict[tuple[int, int | None], float]] = {}
        self._at_point: dict[ObservationPoint, _Announced] = {}
        self._of_exporter: dict[tuple[int, int], _Announced] = {}

    def announce(self, point: ObservationPoint, sampler: int | None, rate: float) -> bool:
        """Take note of an announced rate; return whether it is news."""
        exporter, name = point[:2], (point.observation_domain, sampler)
        rates = self._rates.setdefault(exporter, {})
        old = rates.get(name)
        if old == rate or (old is None and len(rates) >= self._limit):
            return False
        rates[name] = rate
        self._at_point.setdefault(point, _Announced()).replace(sampler, old, rate)
        self._of_exporter.setdefault(exporter, _Announced()).replace(sampler, old, rate)
        return True

    def is_news(self, point: ObservationPoint, sampler: int | None, rate: float) -> bool:
        """Return whether `announce` would change anything."""
        rates = self._rates.get(point[:2], {})
        old = rates.get((point.observation_domain, sampler))
        return old != rate and (old is not None or len(rates) < self._limit)

    def lookup(self, point: ObservationPoint, sampler: int | None) -> tuple[float, int]:
        """Return the rate for records of `sampler` at `point`, and how it is known (OPTIONS, CONFIG or ASSUMED)."""
        # Some exporters announce samplers in one domain and use them in all.
        for announced in (self._at_point.get(point), self._of_exporter.get(point[:2])):
            rate = announced.rate(sampler) if announced is not None else None
            if rate is not None:
                return rate, flowrecords.OPTIONS
        configured = self._configured.get(self._addresses[point.exporter])
        if configured is not None:
            return configured, flowrecords.CONFIG
        return 1.0, flowrecords.ASSUMED


def rates_in_records(layout: Layout, records: Records) -> F64 | None:
    """Return the sampling rate that each record itself gives (0 where it gives none), or None.

    Packet interval and space make (interval + space) / interval; a probability p makes 1/p.
    Source: RFC 5477 §8.2; Cisco elements 34 and 50.
    """
    have = layout.elements
    for element in (elements.SAMPLER_RANDOM_INTERVAL, elements.SAMPLING_INTERVAL):
        if element in have:
            return unsigned(records, element).astype(np.float64)
    if elements.SAMPLING_PACKET_INTERVAL in have:
        interval = unsigned(records, elements.SAMPLING_PACKET_INTERVAL).astype(np.float64)
        if elements.SAMPLING_PACKET_SPACE not in have:
            return None
        space = unsigned(records, elements.SAMPLING_PACKET_SPACE).astype(np.float64)
        return _ratio(interval + space, interval)
    if {elements.SAMPLING_SIZE, elements.SAMPLING_POPULATION} <= have:
        size = unsigned(records, elements.SAMPLING_SIZE).astype(np.float64)
        return _ratio(unsigned(records, elements.SAMPLING_POPULATION).astype(np.float64), size)
    if elements.SAMPLING_PROBABILITY in have:
        probability = _float(records, elements.SAMPLING_PROBABILITY)
        return None if probability is None else _ratio(np.ones_like(probability), probability)
    return None


def is_rate(rates: F64) -> npt.NDArray[np.bool_]:
    """Return which of the numbers can be sampling rates."""
    return (rates >= 1) & (rates <= _MOST)


def sampler_ids(layout: Layout, records: Records) -> U64 | None:
    """Return the sampler (or selector) that each record names, or None."""
    element = layout.first((elements.SAMPLER_ID, elements.SELECTOR_ID))
    return None if element is None else unsigned(records, element)


def resolve(
    layout: Layout, records: Records, point: ObservationPoint, known: SamplingRates
) -> tuple[F64, U8]:
    """Return rate and provenance of each record: from the record, else as `known`, else 1 and ASSUMED."""
    count = len(records)
    rates = np.zeros(count)
    origin = np.full(count, flowrecords.RECORD, np.uint8)
    stated = rates_in_records(layout, records)
    if stated is not None:
        rates = stated
    silent = ~is_rate(rates)
    if silent.any():
        samplers = sampler_ids(layout, records)
        if samplers is None:
            rates[silent], origin[silent] = known.lookup(point, None)
        else:
            named = samplers[silent]
            if (named == named[0]).all():
                rates[silent], origin[silent] = known.lookup(point, int(named[0]))
            else:
                distinct, inverse = np.unique(named, return_inverse=True)
                answers = [known.lookup(point, int(sampler)) for sampler in distinct]
                rates[silent] = np.array([rate for rate, _ in answers])[inverse]
                origin[silent] = np.array([how for _, how in answers], np.uint8)[inverse]
    return rates, origin


def _ratio(numerator: F64, denominator: F64) -> F64:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _float(records: Records, element: int) -> F64 | None:
    octets = records[f"e{element}"]
    width = octets.dtype.itemsize
    if octets.ndim != 1 or width not in (4, 8):
        return None
    with np.errstate(invalid="ignore"):  # what is not a number is no probability either
        value = np.frombuffer(octets.tobytes(), f">f{width}").astype(np.float64)
    return np.where((value >= 1 / _MOST) & (value <= 1), value, 0.0)
