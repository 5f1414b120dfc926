"""The templates known now, by exporter and observation domain: bounded, aged, and the same one kept once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np

from caudal.collector.columns.flowrecords import I32, I64, U8, U64
from caudal.collector.columns.grouping import distinct, distinct_rows
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.decode.template.processes import MOST
from caudal.collector.decode.template.recordlayout import Layout
from caudal.collector.decode.template.template import Template, TemplateKey

# About the memory that a template takes, of which the fields are shared where templates are the same.
_OVERHEAD_OCTETS = 600
_OCTETS_PER_FIELD = 16
_KNOWN_SETS_OCTETS = 32 << 20
_SET_OVERHEAD_OCTETS = 512
_PORTS_KEPT = 16


@dataclass(slots=True)
class KnownTemplate:
    """A template with its layout, when it was announced first and last, when data last came by it, and from which UDP ports
    it was announced, the last at the end.
    """

    layout: Layout
    announced_ms: int
    used_ms: int = 0
    since_ms: int = 0
    ports: tuple[int, ...] = ()

    def announced(self, at_ms: int, port: int) -> None:
        """Take note that it was announced again."""
        self.announced_ms = at_ms
        if port and (not self.ports or self.ports[-1] != port):
            self.ports = (*(each for each in self.ports if each != port), port)[-_PORTS_KEPT:]

    @property
    def seen_ms(self) -> int:
        """When it was last announced or used."""
        return max(self.announced_ms, self.used_ms)


@dataclass(frozen=True)
class NamedTemplates:
    """The templates that data sets name: each one once, and which of them each set names."""

    keys: list[TemplateKey]
    templates: list[KnownTemplate | None]
    of: I64


class TemplateTable:
    """Templates by what names them.

    Bounded per exporter by number and in all by octets: a template beyond that is not taken. Equal templates
    share a layout, whoever sent them, so that their records can be decoded together.
    """

    def __init__(self, per_exporter: int, limit_octets: int) -> None:
        self._per_exporter = per_exporter
        self._limit = limit_octets
        self.octets = 0
        self._layouts: WeakValueDictionary[Template, Layout] = WeakValueDictionary()
        self._by_code: dict[int, dict[int, KnownTemplate]] = {}
        self._at: dict[ObservationPoint, dict[int, KnownTemplate]] = {}
        self._points: dict[int, set[ObservationPoint]] = {}
        self._number_of: dict[int, int] = {}
        self._number = 0
        self._known_sets: dict[ObservationPoint, dict[bytes, tuple[KnownTemplate, ...]]] = {}
        self._known_octets = 0
        self._split: set[int] = set()  # exporters that have templates of several processes

    def __len__(self) -> int:
        return self._number

    @property
    def full(self) -> bool:
        """True if so much of the bound is used that idle exporters had better be forgotten."""
        return self.octets > self._limit // 8 * 7

    def named(
        self, protocol: int, exporter: I32, observation_domain: I64, template: I64, now_ms: int, process: U8
    ) -> "NamedTemplates":
        """Return the templates that data sets name, each once, and note that they are used."""
        codes: U64 = exporter.astype(np.uint64)  # as `code` makes them
        for part, bits in ((observation_domain, 32), (template, 16)):
            codes = codes << np.uint64(bits) | part.astype(np.uint64)
        if self._split:
            first, of = distinct_rows(np.column_stack([codes, process.astype(np.uint64)]))
        else:
            first, of = distinct(codes)
        names = (column[first].tolist() for column in (exporter, observation_domain, process, template))
        keys = [TemplateKey(number, protocol, *rest) for number, *rest in zip(*names, strict=True)]
        if self._split:
            templates = [self.resolve(key) for key in keys]
        else:
            by_code = self.by_code(protocol)
            templates = [by_code.get(code) for code in codes[first].tolist()]
        for known in templates:
            if known is not None:
                known.used_ms = now_ms
        return NamedTemplates(keys, templates, of)

    def by_code(self, protocol: int) -> dict[int, KnownTemplate]:
        """Return the templates of a protocol by `code`, for quick looking up."""
        return self._by_code.setdefault(protocol, {})

    def get(self, key: TemplateKey) -> KnownTemplate | None:
        """Return a template."""
        return self._at.get(key.point, {}).get(key.template)

    def resolve(self, key: TemplateKey) -> KnownTemplate | None:
        """Return the template that holds for data: that of its own process, else that of the exporter's others.

        Where these do not agree it is the one announced last, if no other was seen since; else nobody knows.
        """
        known = self.get(key)
        if known is not None or key.exporter not in self._split:
            return known
        others = [
            other
            for process in range(MOST + 1)
            if (other := self.get(key._replace(process=process))) is not None
        ]
        if not others:
            return None
        newest = max(others, key=lambda other: other.since_ms)
        agreed = all(other.layout is newest.layout or other.seen_ms < newest.since_ms for other in others)
        return newest if agreed else None

    def divide(self, exporter: int, process_of: Callable[[int], int]) -> None:
        """Give the templates of an exporter as a whole to the processes whose ports announced them."""
        for point in [point for point in self.points(exporter) if not point.process]:
            for number, known in list(self.at(point).items()):
                processes = {process_of(port) for port in known.ports} - {0}
                if not processes:
                    continue
                self.remove([TemplateKey(*point, number)])
                for process in processes:
                    key = TemplateKey(*point._replace(process=process), number)
                    if self.put(key, known.layout.template, known.announced_ms):
                        mine = self._at[key.point][number]
                        mine.used_ms, mine.since_ms, mine.ports = known.used_ms, known.since_ms, known.ports
            self.forget_sets(point)

    def at(self, point: ObservationPoint) -> dict[int, KnownTemplate]:
        """Return the templates of an observation point by template id."""
        return self._at.get(point, {})

    def points(self, exporter: int) -> set[ObservationPoint]:
        """Return the observation points at which an exporter has templates."""
        return self._points.get(exporter, set())

    def items(self) -> Iterator[tuple[TemplateKey, KnownTemplate]]:
        """Yield all templates."""
        for point, templates in self._at.items():
            for number, known in templates.items():
                yield TemplateKey(*point, number), known

    def number_of(self, exporter: int) -> int:
        """Return the number of templates known of an exporter."""
        return self._number_of.get(exporter, 0)

    def oldest_announced_ms(self) -> dict[int, int]:
        """Return, by protocol, when the template was announced that has not been for the longest time."""
        return {
            protocol: min(known.announced_ms for known in templates.values())
            for protocol, templates in self._by_code.items()
            if templates
        }

    def put(self, key: TemplateKey, template: Template, announced_ms: int, port: int = 0) -> bool:
        """Keep a template, instead of the one that had its key; return whether there was room for it."""
        point = key.point
        old = self._at.get(point, {}).get(key.template)
        octets = _octets(template) - (0 if old is None else _octets(old.layout.template))
        if self.octets + octets > self._limit:
            return False
        if old is None and self._number_of.get(key.exporter, 0) >= self._per_exporter:
            return False
        known = KnownTemplate(
            self._layout(template), announced_ms, since_ms=announced_ms, ports=(port,) if port else ()
        )
        if key.process:
            self._split.add(key.exporter)
        self.octets += octets
        self._at.setdefault(point, {})[key.template] = known
        self.by_code(key.protocol)[code(key)] = known
        if old is None:
            self._points.setdefault(key.exporter, set()).add(point)
            self._number_of[key.exporter] = self._number_of.get(key.exporter, 0) + 1
            self._number += 1
        return True

    def _layout(self, template: Template) -> Layout:
        layout = self._layouts.get(template)
        if layout is None:
            layout = self._layouts[template] = Layout(template)
        return layout

    def remove(self, keys: Iterable[TemplateKey]) -> None:
        """Forget templates, which must be there."""
        for key in keys:
            point = key.point
            templates = self._at[point]
            self.octets -= _octets(templates.pop(key.template).layout.template)
            del self._by_code[key.protocol][code(key)]
            self._number_of[key.exporter] -= 1
            self._number -= 1
            if not templates:
                del self._at[point]
                self._points[key.exporter].discard(point)
            if not self._number_of[key.exporter]:
                del self._number_of[key.exporter], self._points[key.exporter]
                self._split.discard(key.exporter)

    # Template sets that came before

    def seen_before(self, point: ObservationPoint, body: bytes, now_ms: int, port: int = 0) -> int | None:
        """Return the number of templates in a set that is known and in force, and note the repetition; None for any other set."""
        templates = self._known_sets.get(point, {}).get(body)
        if templates is None:
            return None
        for known in templates:
            known.announced(now_ms, port)
        return len(templates)

    def note_set(self, point: ObservationPoint, body: bytes, templates: Iterable[KnownTemplate]) -> None:
        """Take note of a set that was read in full, and of the templates it announces."""
        self._known_octets += len(body) + _SET_OVERHEAD_OCTETS
        if self._known_octets > _KNOWN_SETS_OCTETS:  # only a shortcut: it fills again
            self._known_sets.clear()
            self._known_octets = 0
        self._known_sets.setdefault(point, {})[body] = tuple(templates)

    def forget_sets(self, point: ObservationPoint) -> None:
        """Forget the sets known at a point, so that they are read anew when they come again."""
        self._known_sets.pop(point, None)


def code(key: TemplateKey) -> int:
    """Return a template's key within its protocol, packed into one int of 64 bits.

    An exporter's number has 16 bits (see Exporters), its domain 32, a template id 16. Of a process that is told from
    others there are more.
    """
    return key.process << 64 | key.exporter << 48 | key.observation_domain << 16 | key.template


def _octets(template: Template) -> int:
    return _OVERHEAD_OCTETS + _OCTETS_PER_FIELD * len(template.fields)
