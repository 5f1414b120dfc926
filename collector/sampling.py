"""Sampling rates: what exporters announce in options records, and what the operator configured."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from caudal.collector import elements, flowrecords
from caudal.collector.flowrecords import F64, U8, U64
from caudal.collector.recordlayout import Layout, Records, unsigned


class ObservationPoint(NamedTuple):
    """Where a sampler belongs: an exporter's number, a protocol and an observation domain."""

    exporter: int
    protocol: int
    observation_domain: int


class SamplingRates:
    """The rates known now; 1 in `rate` packets is sampled.

    `configured` gives the operator's own rates by exporter address; it answers where the exporter is silent.
    """

    def __init__(self, addresses: list[str], configured: Mapping[str, float]) -> None:
        self._addresses = addresses
        self._configured = configured
        self._announced: dict[ObservationPoint, dict[int | None, float]] = {}
        self._of_exporter: dict[tuple[int, int], dict[int | None, set[float]]] = {}

    def announce(self, point: ObservationPoint, sampler: int | None, rate: float) -> None:
        """Take note of an announced rate."""
        samplers = self._announced.setdefault(point, {})
        if samplers.get(sampler) == rate:
            return
        samplers[sampler] = rate
        whole = self._of_exporter.setdefault((point.exporter, point.protocol), {})
        whole.clear()
        for other, announced in self._announced.items():
            if other[:2] == point[:2]:
                for known_sampler, known_rate in announced.items():
                    whole.setdefault(known_sampler, set()).add(known_rate)

    def announced(self, point: ObservationPoint, sampler: int | None) -> float | None:
        """Return what was announced last for exactly this sampler, or None."""
        return self._announced.get(point, {}).get(sampler)

    def lookup(self, point: ObservationPoint, sampler: int | None) -> tuple[float, int]:
        """Return the rate for records of `sampler` at `point`, and how it is known (OPTIONS, CONFIG or ASSUMED)."""
        announced = self._announced.get(point)
        if announced:
            rate = _one(sampler, {name: {value} for name, value in announced.items()})
            if rate is not None:
                return rate, flowrecords.OPTIONS
        elsewhere = self._of_exporter.get((point.exporter, point.protocol))
        if elsewhere:
            # Some exporters announce samplers in one domain and use them in all.
            rate = _one(sampler, elsewhere)
            if rate is not None:
                return rate, flowrecords.OPTIONS
        configured = self._configured.get(self._addresses[point.exporter])
        if configured is not None:
            return configured, flowrecords.CONFIG
        return 1.0, flowrecords.ASSUMED


def _one(sampler: int | None, rates: Mapping[int | None, set[float]]) -> float | None:
    """Return the rate of `sampler`, or for records that name none the one that all samplers share."""
    if sampler in rates:
        candidates = rates[sampler]
    elif sampler is None:
        candidates = {rate for values in rates.values() for rate in values}
    else:
        candidates = rates.get(None, set())
    return next(iter(candidates)) if len(candidates) == 1 else None


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
    silent = ~(rates >= 1)
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
    value = np.frombuffer(octets.tobytes(), f">f{width}").astype(np.float64)
    return np.where(np.isfinite(value) & (value > 0) & (value <= 1), value, 0.0)
