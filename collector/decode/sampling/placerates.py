"""Sampling rates announced for places of a router: each record has that of the place where its packets were sampled.

A place is what an options record is about besides a sampler: an interface, a line card, a port, an observation point, a
metering or exporting process, a template, an observation domain, or several of these together. It is compared with the
record's own fields of that name.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from caudal.collector.columns import flowrecords
from caudal.collector.columns.flowrecords import F64, METERED_EGRESS, U8, U64
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.decode.template.recordlayout import Layout, Records, unsigned

# The elements that places have, in the order in which they are mixed. Those of the message are known of any record.
_OF_MESSAGE: Final = (elements.TEMPLATE_ID, elements.OBSERVATION_DOMAIN_ID)
_INTERFACES: Final = (elements.INGRESS_INTERFACE, elements.EGRESS_INTERFACE)
PLACES: Final = (
    *_INTERFACES,
    elements.LINE_CARD_ID,
    elements.PORT_ID,
    elements.OBSERVATION_POINT_ID,
    elements.METERING_PROCESS_ID,
    elements.EXPORTING_PROCESS_ID,
    elements.FLOW_DIRECTION,
    *_OF_MESSAGE,
    elements.CACHE_SCOPE,
)
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)  # any odd number that makes different pairs of numbers differ
_BITS = np.uint64(48)
_VALUE = np.uint64((1 << 48) - 1)

Form = int  # a bit for each of PLACES


class PlaceRates:
    """Rates by exporter, protocol and process; observation domain; form (which elements); and place."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, int, int], dict[int, dict[Form, dict[int, float]]]] = {}

    def note(self, point: ObservationPoint, place: int, rate: float) -> None:
        """Take note of the rate that is announced for a place (a negative number, see `places`)."""
        number = -1 - place
        domains = self._of.setdefault((point.exporter, point.protocol, point.process), {})
        forms = domains.setdefault(point.observation_domain, {})
        forms.setdefault(number >> int(_BITS), {})[number & int(_VALUE)] = rate

    def forget(self, exporter: int) -> None:
        """Forget the announcements of an exporter."""
        for name in [name for name in self._of if name[0] == exporter]:
            del self._of[name]

    def withdraw(self, point: ObservationPoint) -> None:
        """Forget the announcements at an observation point."""
        domains = self._of.get((point.exporter, point.protocol, point.process), {})
        domains.pop(point.observation_domain, None)
        if not domains:
            self._of.pop((point.exporter, point.protocol, point.process), None)

    def at(self, point: ObservationPoint) -> dict[Form, dict[int, float]]:
        """Return the sampling rates announced for places (1 : rate), by form of place and by number of the place."""
        if not self._of:
            return {}
        for process in {point.process, 0}:
            domains = self._of.get((point.exporter, point.protocol, process), {})
            forms = domains.get(point.observation_domain) or (
                next(iter(domains.values())) if len(domains) == 1 else None
            )
            if forms:
                return forms
        return {}

    def compares(self, point: ObservationPoint, layout: Layout) -> bool:
        """Return True if records of a layout name one of the places that rates were announced for."""
        return bool(self._of) and any(_comparable(form, layout) for form in self.at(point))

    def of_records(
        self,
        point: ObservationPoint,
        template: int,
        layout: Layout,
        records: Records,
        came: npt.NDArray[Any],
        left: npt.NDArray[Any],
        way: npt.NDArray[Any],
    ) -> F64 | None:
        """Return the rate of each record by its place, 0 where none is known; None if nothing is announced for places.

        `came` and `left` are the interfaces of the records, `way` their flow_direction. Of several places that hold for a
        record, the one that more elements describe goes first; of interfaces the one where it says it was metered, else
        where it came in, else where it left.
        """
        forms = self.at(point) if self._of else {}
        if not forms:
            return None
        found = np.zeros(len(records))
        out = way.astype(np.uint8) & 3 == METERED_EGRESS
        inward, outward = came.astype(np.uint64), left.astype(np.uint64)
        for likeliest in (True, False):
            # Outward interfaces first, as they count only for what says that it was metered on its way out.
            for form in sorted(forms, key=lambda form: (-form.bit_count(), -form)):
                if not _comparable(form, layout):
                    continue
                have = _elements(form)
                alone = [element for element in have if element in _INTERFACES]
                columns = {
                    element: unsigned(records, element) for element in have if element in layout.elements
                }
                for element, value in zip(_OF_MESSAGE, (template, point.observation_domain), strict=True):
                    columns.setdefault(element, np.full(len(records), value, np.uint64))
                # Most announce a rate for an interface whatever the way, and call it that where packets come in.
                turned = likeliest and alone == [elements.INGRESS_INTERFACE]
                columns[elements.INGRESS_INTERFACE] = np.where(out, outward, inward) if turned else inward
                columns[elements.EGRESS_INTERFACE] = outward
                rates = _look_up(_mix([columns[element] for element in have]), forms[form])
                if likeliest and alone == [elements.EGRESS_INTERFACE]:
                    rates = np.where(out, rates, 0.0)
                found = np.where(found > 0, found, rates)
        return found


def _elements(form: Form) -> list[int]:
    return [element for at, element in enumerate(PLACES) if form >> at & 1]


def _comparable(form: Form, layout: Layout) -> bool:
    """Return True if records of a layout hold the fields that tell places of a form apart."""
    return all(
        element in layout.elements
        or element in _OF_MESSAGE
        or (element in _INTERFACES and not layout.elements.isdisjoint(_INTERFACES))
        for element in _elements(form)
    )


def _mix(columns: list[U64]) -> U64:
    mixed = columns[0]
    for column in columns[1:]:
        mixed = mixed * _MIX + column
    return mixed & _VALUE if len(columns) == 1 else (mixed ^ mixed >> _BITS) & _VALUE


def places(layout: Layout, records: Records, observation_domain: int) -> list[int | None]:
    """Return a negative number for the place that each options record is about, the same each time.

    None stands for all there is: the exporter, or the observation domain of the message. Empty if records name none.
    """
    have = [element for element in PLACES if element in layout.elements]
    if not have:
        return []
    form = sum(1 << PLACES.index(element) for element in have)
    mixed = _mix([unsigned(records, element) for element in have])
    named = [-1 - (form << int(_BITS) | place) for place in mixed.tolist()]
    if have == [elements.OBSERVATION_DOMAIN_ID]:
        return [
            None if place == observation_domain else name
            for place, name in zip(mixed.tolist(), named, strict=True)
        ]
    return list(named)


def _look_up(mixed: U64, rates: dict[int, float]) -> F64:
    names, of = np.unique(mixed, return_inverse=True)
    return np.array([rates.get(name, 0.0) for name in names.tolist()], np.float64)[of]


def with_places(layout: Layout, rates: F64, known_from: U8, doubt: U8, of_place: F64) -> tuple[F64, U8, U8]:
    """Return rate, provenance and doubt of records, those that state no rate and name no known sampler by their place."""
    silent = (known_from == flowrecords.ASSUMED) | (known_from == flowrecords.CONFIG)
    if layout.first((elements.SAMPLER_ID, elements.SELECTOR_ID)) is None:
        silent |= known_from == flowrecords.OPTIONS  # what all places share
    known = silent & (of_place > 0)
    return (
        np.where(known, of_place, rates),
        np.where(known, np.uint8(flowrecords.OPTIONS), known_from),
        np.where(known, doubt & ~flowrecords.RATE_DOUBTED, doubt),
    )
