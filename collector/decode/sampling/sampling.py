"""Sampling rates: what exporters announce in options records, and what the operator configured."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from caudal.collector.columns import flowrecords
from caudal.collector.columns.flowrecords import F64, I64, RATE_DOUBTED, U8, U64, FlowRecords
from caudal.collector.decode.sampling.placerates import PlaceRates
from caudal.collector.decode.sampling.statedrates import HIGHEST_RATE, StatedRates, believe_all
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.decode.template.recordlayout import Layout, Records, unsigned
from caudal.collector.exporters.exporterprefixes import ByPrefix

# An observation domain and a process, and a sampler there.
_Name = tuple[tuple[int, int], int | None]

_ANSWERS_KEPT = 1 << 16
_LEAST_PROBABILITY = 1e-12  # that anybody means


class _Announced:
    """Rates by sampler (None: of all that name none), with how many announcements stand behind each."""

    def __init__(self) -> None:
        self._of_sampler: dict[int | None, dict[float, int]] = {}
        self._all: dict[float, int] = {}

    def replace(self, sampler: int | None, old: float | None, new: float) -> None:
        """Let `new` stand where `old` stood, or beside the others if there was none."""
        sampler = None if sampler is not None and sampler < 0 else sampler
        for counts in (self._of_sampler.setdefault(sampler, {}), self._all):
            counts[new] = counts.get(new, 0) + 1
            if old is not None:
                counts[old] -= 1
                if not counts[old]:
                    del counts[old]

    def remove(self, sampler: int | None, rate: float) -> None:
        """Let one announcement less stand behind a rate."""
        sampler = None if sampler is not None and sampler < 0 else sampler
        for counts in (self._of_sampler.get(sampler, {}), self._all):
            counts[rate] -= 1
            if not counts[rate]:
                del counts[rate]
        if not self._of_sampler.get(sampler, True):
            del self._of_sampler[sampler]

    def rate(self, sampler: int | None) -> float | None:
        """Return the rate of `sampler`, or for records that name none the one that all samplers share."""
        candidates = self._of_sampler.get(sampler)
        if candidates is None:
            candidates = self._all if sampler is None else self._of_sampler.get(None, {})
        return next(iter(candidates)) if len(candidates) == 1 else None


class SamplingRates:
    """The rates known now; 1 in `rate` packets is sampled.

    `configured` gives the operator's own rates by exporter address or prefix, of which the longest counts;
    they answer where the exporter is silent, and those in `overriding` whatever it says. Announced rates
    are bounded, per exporter and in all; further samplers go unheard. A rate that is announced for a place
    (an interface, a line card) and no sampler has a negative number instead, the same each time: where two
    places have different rates, records that name no sampler have that of their own interface, if it is one. `stated` holds what was stated so far,
    by which a rate is believed or not.
    """

    def __init__(
        self,
        addresses: list[str],
        configured: Mapping[str, float],
        *,
        overriding: Collection[str] = (),
        samplers_per_exporter: int = 16_384,
        samplers: int = 65_536,
    ) -> None:
        self.addresses = addresses
        self._limit_of_one = samplers_per_exporter
        self._limit = samplers
        self._rates: dict[tuple[int, int], dict[_Name, float]] = {}
        self._at_point: dict[ObservationPoint, _Announced] = {}
        self._of_exporter: dict[tuple[int, int], _Announced] = {}
        self._of_address: dict[int, _Configured | None] = {}  # by exporter
        self._answers: dict[tuple[ObservationPoint, int | None], Known] = {}
        self._doubted: dict[tuple[int, int], set[_Name]] = {}
        self.stated = StatedRates()
        self.places = PlaceRates()
        self.announced = 0
        self.version = 0  # changes when `lookup` may answer something else
        self.configure(configured, overriding)

    def configure(self, configured: Mapping[str, float], overriding: Collection[str] = ()) -> None:
        """Take the operator's own rates anew; what exporters announced stays."""
        self._configured = ByPrefix(
            {prefix: _Configured(rate, prefix in overriding) for prefix, rate in configured.items()}
        )
        self._overrides = bool(overriding)
        self._of_address.clear()
        self._answers.clear()
        self.version += 1

    def announce(self, point: ObservationPoint, sampler: int | None, rate: float, at_ms: int = 0) -> bool:
        """Take note of an announced rate; return whether it is news.

        One that is not believed at `at_ms` leaves what was announced before.
        """
        exporter, name = point[:2], _name(point, sampler)
        if not self.stated.believe(point, sampler, rate, at_ms):
            return self._doubt(exporter, name)
        if not self.is_news(point, sampler, rate):
            return False
        self._doubted.get(exporter, set()).discard(name)
        rates = self._rates.setdefault(exporter, {})
        old = rates.get(name)
        self.announced += old is None
        rates[name] = rate
        if sampler is not None and sampler < 0:
            self.places.note(point, sampler, rate)
        self._at_point.setdefault(point, _Announced()).replace(sampler, old, rate)
        self._of_exporter.setdefault(exporter, _Announced()).replace(sampler, old, rate)
        self._answers.clear()
        self.version += 1
        return True

    def _doubt(self, exporter: tuple[int, int], name: "_Name") -> bool:
        """Have records of a sampler marked, as its rate is not believed; return whether they were not before."""
        doubted = self._doubted.setdefault(exporter, set())
        if name in doubted or len(doubted) >= self._limit_of_one:
            return False
        doubted.add(name)
        self._answers.clear()
        self.version += 1
        return True

    def is_news(self, point: ObservationPoint, sampler: int | None, rate: float) -> bool:
        """Return True if announcing this rate, once believed, would change the rate known for the sampler."""
        if _name(point, sampler) in self._doubted.get(point[:2], ()):
            return True
        rates = self._rates.get(point[:2], {})
        old = rates.get(_name(point, sampler))
        if old is None:
            return len(rates) < self._limit_of_one and self.announced < self._limit
        return old != rate

    def announced_by(self, exporter: int) -> Iterator[tuple[ObservationPoint, int | None, float]]:
        """Yield the announcements of an exporter: point, sampler (None: all) and rate."""
        for protocol in range(len(flowrecords.PROTOCOLS)):
            for (place, sampler), rate in self._rates.get((exporter, protocol), {}).items():
                yield ObservationPoint(exporter, protocol, *place), sampler, rate

    def announced_at(self, point: ObservationPoint, sampler: int | None) -> float | None:
        """Return the rate announced for a sampler at just this point."""
        return self._rates.get(point[:2], {}).get(_name(point, sampler))

    def withdraw(self, point: ObservationPoint) -> dict[int | None, float]:
        """Forget the rates announced at an observation point, and return them by sampler."""
        rates = self._rates.get(point[:2], {})
        gone = {name[1]: rates.pop(name) for name in [name for name in rates if name[0] == point[2:]]}
        self.announced -= len(gone)
        self._at_point.pop(point, None)
        self.places.withdraw(point)
        of_exporter = self._of_exporter.get(point[:2])
        for sampler, rate in gone.items():
            if of_exporter is not None:
                of_exporter.remove(sampler, rate)
        self._answers.clear()
        self.version += 1
        return gone

    def forget(self, exporter: int) -> None:
        """Forget everything about an exporter's number, which another may get."""
        for point in {point for point, _, _ in self.announced_by(exporter)}:
            del self._at_point[point]
        for protocol in range(len(flowrecords.PROTOCOLS)):
            self.announced -= len(self._rates.pop((exporter, protocol), ()))
            self._of_exporter.pop((exporter, protocol), None)
            self._doubted.pop((exporter, protocol), None)
        self.stated.forget(exporter)
        self.places.forget(exporter)
        self._of_address.pop(exporter, None)
        self._answers.clear()
        self.version += 1

    def lookup(self, point: ObservationPoint, sampler: int | None) -> "Known":
        """Return the rate for records of `sampler` at `point`, and how it is known (OPTIONS, CONFIG or ASSUMED)."""
        answer = self._answers.get((point, sampler))
        if answer is None:
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            answer = self._answers[point, sampler] = self._look_up(point, sampler)
        return answer

    def _look_up(self, point: ObservationPoint, sampler: int | None) -> "Known":
        doubted = self._is_doubted(point, sampler)
        # Some exporters announce samplers in one domain and use them in all.
        for announced in (self._at_point.get(point), self._of_exporter.get(point[:2])):
            rate = announced.rate(sampler) if announced is not None else None
            if rate is not None:
                return Known(rate, flowrecords.OPTIONS, doubted)
        configured = self._configuration(point.exporter)
        if configured is not None:
            return Known(configured.rate, flowrecords.CONFIG, doubted)
        return Known(1.0, flowrecords.ASSUMED, doubted)

    def _is_doubted(self, point: ObservationPoint, sampler: int | None) -> bool:
        """Return True if the rate announced for a sampler, at this point or else anywhere, is not believed."""
        doubted = self._doubted.get(point[:2])
        if not doubted:
            return False
        names = {sampler} if sampler is not None else {name for _, name in doubted}
        here = {_name(point, name) for name in (*names, None)}
        announced_here = any(place == point[2:] for place, _ in doubted)
        return bool(here & doubted) or (not announced_here and any(name in names for _, name in doubted))

    def configured(self, exporter: int) -> bool:
        """Return True if the operator's settings give a sampling rate for an exporter."""
        return self._configuration(exporter) is not None

    def _configuration(self, exporter: int) -> "_Configured | None":
        if exporter not in self._of_address:
            self._of_address[exporter] = self._configured.get(self.addresses[exporter])
        return self._of_address[exporter]

    def override(self, flows: FlowRecords) -> FlowRecords:
        """Return flow records with the rate that the operator wants whatever is said."""
        if not self._overrides or not len(flows):
            return flows
        rate, known_from = flows.sampling_rate.copy(), flows.sampling_from.copy()
        doubt = flows.doubt.copy()
        for exporter in np.unique(flows.exporter).tolist():
            configured = self._configuration(exporter)
            if configured is not None and configured.overrides:
                of_it = flows.exporter == exporter
                rate[of_it], known_from[of_it] = configured.rate, flowrecords.CONFIG
                doubt[of_it] &= ~RATE_DOUBTED  # the operator knows
        return replace(flows, sampling_rate=rate, sampling_from=known_from, doubt=doubt)


def _name(point: ObservationPoint, sampler: int | None) -> _Name:
    return (point.observation_domain, point.process), sampler


class Known(NamedTuple):
    """A sampling rate, how it is known, and whether the exporter announces another that is not believed."""

    rate: float
    known_from: int
    doubted: bool


class _Configured(NamedTuple):
    rate: float
    overrides: bool


def rates_in_records(layout: Layout, records: Records) -> F64 | None:
    """Return the sampling rate that each record itself gives (0 where it gives none), or None.

    Of several elements the first counts that is a rate. Packet interval and space make (interval + space) / interval; a probability p makes 1/p.
    Source: RFC 5477 §8.2; Cisco elements 34 and 50.
    """
    found: F64 | None = None
    for stated in _statements(layout, records):
        found = stated if found is None else np.where(is_rate(found) | ~(stated > 0), found, stated)
        if is_rate(found).all():
            break
    return found


def _statements(layout: Layout, records: Records) -> Iterator[F64]:
    have = layout.elements
    for element in elements.SAMPLING_INTERVALS:
        if element in have:
            yield unsigned(records, element).astype(np.float64)
    if {elements.SAMPLING_PACKET_INTERVAL, elements.SAMPLING_PACKET_SPACE} <= have:
        interval = unsigned(records, elements.SAMPLING_PACKET_INTERVAL).astype(np.float64)
        space = unsigned(records, elements.SAMPLING_PACKET_SPACE).astype(np.float64)
        yield _ratio(interval + space, interval)
    if {elements.SAMPLING_SIZE, elements.SAMPLING_POPULATION} <= have:
        size = unsigned(records, elements.SAMPLING_SIZE).astype(np.float64)
        yield _ratio(unsigned(records, elements.SAMPLING_POPULATION).astype(np.float64), size)
    if elements.SAMPLING_PROBABILITY in have:
        probability = _float(records, elements.SAMPLING_PROBABILITY)
        if probability is not None:
            yield _ratio(np.ones_like(probability), probability)


def is_rate(rates: F64) -> npt.NDArray[np.bool_]:
    """Return True for each number that is a sampling rate a router can have, bool (rates,).

    >>> is_rate(np.array([1.0, 1000.0, 0.5, 2_919_759_872.0])).tolist()
    [True, True, False, False]
    """
    return (rates >= 1) & (rates <= HIGHEST_RATE)


def sampler_ids(layout: Layout, records: Records) -> U64 | None:
    """Return the sampler (or selector) that each record names, or None."""
    element = layout.first((elements.SAMPLER_ID, elements.SELECTOR_ID))
    return None if element is None else unsigned(records, element)


def resolve(
    layout: Layout, records: Records, point: ObservationPoint, known: SamplingRates, export_ms: I64
) -> tuple[F64, U8, U8]:
    """Return rate, provenance and doubt of each record: from the record, else as `known`, else 1 and ASSUMED.

    A rate that a record states and that is not believed is as if it stated none, but for the rates believed before:
    where nothing else is known, the nearest of them holds.
    """
    stated = rates_in_records(layout, records)
    samplers = sampler_ids(layout, records)
    names: list[int | None] = [None]
    of = np.zeros(len(records), np.int64)
    if samplers is not None:
        found, of = np.unique(samplers, return_inverse=True)
        names = found.tolist()
    others = [known.lookup(point, name) for name in names]
    rates = np.array([each.rate for each in others], np.float64)[of]
    known_from = np.array([each.known_from for each in others], np.uint8)[of]
    doubt = np.array([RATE_DOUBTED if each.doubted else 0 for each in others], np.uint8)[of]
    if stated is None:
        return rates, known_from, doubt
    rows = np.array([known.stated.row(point, name) for name in names])[of]
    believed, before = np.empty(len(records), np.bool_), np.empty(len(records))
    believe_all(known.stated.rows, rows, stated, point.protocol, export_ms, believed, before)
    doubt[stated >= 1] = RATE_DOUBTED
    doubt[believed] = 0
    earlier = (before > 0) & (known_from == flowrecords.ASSUMED)
    rates = np.where(believed, stated, np.where(earlier, before, rates))
    known_from[believed | earlier] = flowrecords.RECORD
    return rates, known_from, doubt


def _ratio(numerator: F64, denominator: F64) -> F64:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _float(records: Records, element: int) -> F64 | None:
    octets = records[f"e{element}"]
    width = octets.dtype.itemsize
    if octets.ndim != 1 or width not in (4, 8):
        return None
    with np.errstate(invalid="ignore"):  # what is not a number is no probability either
        value = np.frombuffer(octets.tobytes(), f">f{width}").astype(np.float64)
    return np.where((value >= _LEAST_PROBABILITY) & (value <= 1), value, 0.0)
