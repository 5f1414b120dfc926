"""From datagrams to flow records: any mix of protocols and exporters, a whole lot at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from caudal.collector import flowrecords
from caudal.collector.datagrams import Datagrams
from caudal.collector.decode import elements, netflow5, sampling, sflow5
from caudal.collector.decode.flowtimes import ExportClock, export_time
from caudal.collector.decode.recordlayout import Layout, unsigned
from caudal.collector.decode.sampling import ObservationPoint, SamplingRates
from caudal.collector.decode.sequence import UNKNOWN_UNITS, Sequences
from caudal.collector.decode.template import (
    TemplateKey,
    TemplateSetError,
    Withdrawal,
    read_templates,
)
from caudal.collector.decode.templated import flow_records
from caudal.collector.decode.waiting import WaitingSet, WaitingSets
from caudal.collector.decode.wire import join, surplus, unsigned16, unsigned32
from caudal.collector.flowrecords import I64, FlowRecords
from caudal.collector.grouping import positions_by_value
from caudal.collector.ledger import COUNT, Ledger, Tally, tally

# A count no flow can have: such a record is malformed, and sums of others stay exact in 64 bits.
_IMPLAUSIBLE = float(1 << 53)
_KNOWN_OCTETS = 32 << 20
_SET_OVERHEAD = 512
_LAST_BOOT_MS = 1 << 48
# The ids of template sets and of options template sets.
_TEMPLATE_SETS = {flowrecords.NETFLOW9: (0, 1), flowrecords.IPFIX: (2, 3)}


@dataclass(frozen=True)
class _Sets:
    """The sets of version 9 or IPFIX datagrams, in order: positions of the datagram, place, length and id."""

    protocol: int
    datagram: I64
    at: I64
    length: I64
    id: I64

    def take(self, which: I64) -> "_Sets":
        return _Sets(self.protocol, self.datagram[which], self.at[which], self.length[which], self.id[which])

    def __len__(self) -> int:
        return len(self.id)


@dataclass
class _Lot:
    """What is known of the datagrams at work: header fields by datagram, the tally, the records so far."""

    datagrams: Datagrams
    export_ms: I64
    uptime_ms: I64
    domain: I64
    data_records: I64
    counts: Tally
    flows: list[FlowRecords]


class Decoder:
    """Decodes NetFlow v5, v9, IPFIX and sFlow v5.

    Keeps what the protocols make one keep: templates, sampling rates, sequence numbers and data sets that
    wait for their template. Hostile input never raises: it is counted in the ledger as malformed, and what
    was decoded before it is kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        rates: SamplingRates,
        *,
        waiting_octets: int = 16 << 20,
        templates_per_exporter: int = 4096,
    ) -> None:
        self.ledger = ledger
        self.rates = rates
        self.layouts: dict[TemplateKey, Layout] = {}
        self._templates_per_exporter = templates_per_exporter
        self._templates_of: dict[int, int] = {}
        self._templates_at: dict[ObservationPoint, set[int]] = {}
        self._sequences = Sequences()
        self._boot_ms: dict[ObservationPoint, int] = {}
        self._waiting = WaitingSets(waiting_octets)
        # Template sets as last seen, by observation point: most come again and again unchanged.
        self._known_sets: dict[ObservationPoint, set[bytes]] = {}
        self._known_octets = 0

    def decode(self, datagrams: Datagrams) -> FlowRecords:
        """Return the flow records of `datagrams`, and enter every one of them in the ledger."""
        count = len(datagrams)
        lot = _Lot(
            datagrams,
            export_ms=datagrams.received_ms.copy(),
            uptime_ms=np.zeros(count, np.int64),
            domain=np.zeros(count, np.int64),
            data_records=np.zeros(count, np.int64),
            counts=tally(count),
            flows=[],
        )
        lot.counts[COUNT["datagrams"]] = 1
        known = datagrams.exporter >= 0
        _count(lot.counts, np.flatnonzero(~known), "received", "filtered")
        version = np.full(count, -1, np.int64)
        long_enough = np.flatnonzero(known & (datagrams.length >= 4))
        version[long_enough] = unsigned16(datagrams.buffer, datagrams.offset[long_enough])
        is5, is9, is_ipfix = (np.flatnonzero(version == number) for number in (5, 9, 10))
        is_sflow = long_enough[version[long_enough] == 0]
        is_sflow = is_sflow[unsigned16(datagrams.buffer, datagrams.offset[is_sflow] + 2) == 5]
        if len(is5):
            lot.flows.append(
                netflow5.decode(datagrams, is5, lot.export_ms, lot.counts, self.rates, self._sequences)
            )
        if len(is9):
            self._decode_templated(lot, is9, flowrecords.NETFLOW9)
        if len(is_ipfix):
            self._decode_templated(lot, is_ipfix, flowrecords.IPFIX)
        if len(is_sflow):
            lot.flows.append(sflow5.decode(datagrams, is_sflow, lot.counts, self._sequences))
        nothing = np.ones(count, bool)
        for read in (is5, is9, is_ipfix, is_sflow, np.flatnonzero(~known)):
            nothing[read] = False
        _count(lot.counts, np.flatnonzero(nothing), "received", "malformed")
        self.ledger.add(lot.counts, datagrams.exporter, lot.export_ms)
        return self._plausible(flowrecords.concatenate(lot.flows))

    def _plausible(self, flows: FlowRecords) -> FlowRecords:
        largest = np.maximum(flows.bytes, flows.packets) * flows.sampling_rate
        if not (largest >= _IMPLAUSIBLE).any():
            return flows
        good = largest < _IMPLAUSIBLE
        bad = flows.take(~good)
        counts = tally(len(bad))
        counts[COUNT["decoded"]] = -1
        counts[COUNT["malformed"]] = 1
        self.ledger.add(counts, bad.exporter, bad.export_ms)
        return flows.take(good)

    def _decode_templated(self, lot: _Lot, which: I64, protocol: int) -> None:
        ipfix = protocol == flowrecords.IPFIX
        header = 16 if ipfix else 20
        datagrams = lot.datagrams
        short = datagrams.length[which] < header
        _count(lot.counts, which[short], "received", "malformed")
        which = which[~short]
        if not len(which):
            return
        buffer, at = datagrams.buffer, datagrams.offset[which]
        end = at + datagrams.length[which]
        if ipfix:
            announced = at + unsigned16(buffer, at + 2)
            wrong = which[(announced > end) | (announced < at + header)]
            _count(lot.counts, wrong, "received", "malformed")
            lot.data_records[wrong] = UNKNOWN_UNITS * (1 << 32)
            behind = which[surplus(buffer, np.where(announced < at + header, end, announced), end)]
            _count(lot.counts, behind, "received", "malformed")
            end = np.minimum(end, announced)
        else:
            lot.uptime_ms[which] = unsigned32(buffer, at + 4)
        time_at = 4 if ipfix else 8
        lot.export_ms[which] = export_time(
            unsigned32(buffer, at + time_at) * 1000, datagrams.received_ms[which]
        )
        sequence = unsigned32(buffer, at + time_at + 4)
        lot.domain[which] = unsigned32(buffer, at + time_at + 8)
        sets = _walk(lot, which, at + header, end, protocol)
        self._decode_sets(lot, sets)
        stream = datagrams.exporter[which].astype(np.int64) << 32 | lot.domain[which]
        units = np.maximum(lot.data_records[which], UNKNOWN_UNITS) if ipfix else np.ones(len(which), np.int64)
        lost = COUNT["lost"] if ipfix else COUNT["lost_datagrams"]
        for code, positions in positions_by_value(stream):
            lot.counts[lost, which[positions]] += self._sequences.follow(
                (code >> 32, protocol, code & 0xFFFF_FFFF), sequence[positions], units[positions]
            )

    def _decode_sets(self, lot: _Lot, sets: _Sets) -> None:
        """Decode sets in order: data before a change of templates or sampling rates by what held until then."""
        from_here = 0
        templates = _TEMPLATE_SETS[sets.protocol]
        for position in np.flatnonzero((sets.id == templates[0]) | (sets.id == templates[1])):
            datagram, at = int(sets.datagram[position]), int(sets.at[position])
            point = self._point(lot, datagram, sets.protocol)
            body = bytes(lot.datagrams.buffer.data[at - 4 : at + int(sets.length[position])])
            if body in self._known_sets.get(point, ()):
                continue
            self._decode_data(lot, sets.take(np.arange(from_here, position)))
            from_here = int(position) + 1
            self._learn(lot, datagram, point, body, options=int(sets.id[position]) == templates[1])
        self._decode_data(lot, sets.take(np.arange(from_here, len(sets))))

    def _point(self, lot: _Lot, datagram: int, protocol: int) -> ObservationPoint:
        return ObservationPoint(int(lot.datagrams.exporter[datagram]), protocol, int(lot.domain[datagram]))

    def _learn(
        self, lot: _Lot, datagram: int, point: ObservationPoint, body: bytes, *, options: bool
    ) -> None:
        try:
            read = read_templates(body[4:], ipfix=point.protocol == flowrecords.IPFIX, options=options)
            sound = True
        except TemplateSetError as error:
            read, sound = error.read, False
            _count(lot.counts, datagram, "received", "malformed")
        changed = False
        for number, template in read:
            key = TemplateKey(*point, number)
            if isinstance(template, Withdrawal):
                changed |= self._withdraw(key, options=options)
                continue
            known = self.layouts.get(key)
            if known is not None and known.template == template:
                continue
            if known is None:
                if self._templates_of.get(point.exporter, 0) >= self._templates_per_exporter:
                    _count(lot.counts, datagram, "received", "malformed")
                    sound = False
                    continue
                self._templates_of[point.exporter] = self._templates_of.get(point.exporter, 0) + 1
                self._templates_at.setdefault(point, set()).add(number)
            self.layouts[key] = Layout(template)
            changed = True
            self._replay(lot, key)
        if changed:
            self._known_sets.pop(point, None)
        if sound:
            self._known_octets += len(body) + _SET_OVERHEAD
            if self._known_octets > _KNOWN_OCTETS:  # only a shortcut: it fills again
                self._known_sets.clear()
                self._known_octets = 0
            self._known_sets.setdefault(point, set()).add(body)

    def _withdraw(self, key: TemplateKey, *, options: bool) -> bool:
        gone = [key] if key in self.layouts else []
        if key.template == (3 if options else 2):
            gone = [
                known
                for number in self._templates_at.get(_point_of(key), ())
                if self.layouts[known := key._replace(template=number)].template.is_options == options
            ]
        for known in gone:
            del self.layouts[known]
            self._templates_of[key.exporter] -= 1
        there = self._templates_at.get(_point_of(key), set())
        there.difference_update(known.template for known in gone)
        if not there:
            self._templates_at.pop(_point_of(key), None)
            self._boot_ms.pop(_point_of(key), None)
        return bool(gone)

    def _replay(self, lot: _Lot, key: TemplateKey) -> None:
        layout = self.layouts[key]
        for waiting in self._waiting.take(key):
            body, records, whole = _whole_records(layout, waiting.body)
            clock = ExportClock(
                np.full(records, waiting.export_ms, np.int64), np.full(records, waiting.uptime_ms, np.uint64)
            )
            decoded = 0
            if layout.template.is_options:
                self._note(key, _announcements(layout, body, records))
            else:
                for flows, _ in self._flows(key, layout, body, records, clock):
                    lot.flows.append(flows)
                    decoded += len(flows)
            bad = 0 if whole else 1
            self.ledger.add_one(
                key.exporter,
                waiting.export_ms,
                waiting=-1,
                received=decoded + bad - 1,
                decoded=decoded,
                malformed=bad,
            )

    def _decode_data(self, lot: _Lot, sets: _Sets) -> None:
        """Decode the data sets among `sets`; options data takes effect on what follows it."""
        sets = sets.take(np.flatnonzero(sets.id >= 256))
        if not len(sets):
            return
        groups, options = [], []
        for key, positions in self._by_template(lot, sets):
            layout = self.layouts.get(key)
            if layout is not None and layout.template.is_options:
                options += [(position, key, layout) for position in positions.tolist()]
            else:
                groups.append((key, positions))
        from_here = 0
        for position, key, layout in sorted(options, key=lambda item: item[0]):
            news = self._read_options(lot, sets, position, key, layout)
            if news:
                before = sets.take(np.arange(from_here, position))
                self._decode_groups(lot, before, self._by_template(lot, before))
                from_here = position
                self._note(key, news)
        if from_here:
            sets = sets.take(np.arange(from_here, len(sets)))
            self._decode_groups(lot, sets, self._by_template(lot, sets))
        else:
            self._decode_groups(lot, sets, groups)

    def _by_template(self, lot: _Lot, sets: _Sets) -> Iterator[tuple[TemplateKey, I64]]:
        exporter = lot.datagrams.exporter[sets.datagram].astype(np.uint64)
        domain = lot.domain[sets.datagram].astype(np.uint64)
        # An exporter's number has 16 bits (see Exporters), its domain 32, a set id 16.
        code = exporter << np.uint64(48) | domain << np.uint64(16) | sets.id.astype(np.uint64)
        for _, positions in positions_by_value(code.view(np.int64)):
            first = positions[0]
            point = self._point(lot, int(sets.datagram[first]), sets.protocol)
            yield TemplateKey(*point, int(sets.id[first])), positions

    def _read_options(
        self, lot: _Lot, sets: _Sets, position: int, key: TemplateKey, layout: Layout
    ) -> "_Announcements | None":
        """Count the options records of one set, and return what it announces if any of it is new."""
        datagram, at = int(sets.datagram[position]), int(sets.at[position])
        body = bytes(lot.datagrams.buffer.data[at : at + int(sets.length[position])])
        body, records, whole = _whole_records(layout, body)
        lot.data_records[datagram] += records
        if not whole:
            _count(lot.counts, datagram, "received", "malformed")
        announced, point = _announcements(layout, body, records), _point_of(key)
        news = announced.boot_ms is not None and announced.boot_ms != self._boot_ms.get(point)
        news |= any(self.rates.is_news(point, sampler, rate) for sampler, rate in announced.rates)
        return announced if news else None

    def _note(self, key: TemplateKey, announced: "_Announcements") -> None:
        point = _point_of(key)
        if announced.boot_ms is not None:
            self._boot_ms[point] = announced.boot_ms
        for sampler, rate in announced.rates:
            self.rates.announce(point, sampler, rate)

    def _decode_groups(self, lot: _Lot, sets: _Sets, groups: Iterable[tuple[TemplateKey, I64]]) -> None:
        for key, positions in groups:
            layout = self.layouts.get(key)
            if layout is None:
                for position in positions.tolist():
                    self._wait(lot, key, sets, position)
            elif not layout.template.is_options:
                self._decode_group(lot, key, layout, sets.take(positions))

    def _decode_group(self, lot: _Lot, key: TemplateKey, layout: Layout, sets: _Sets) -> None:
        if layout.template.variable:
            cut = [
                layout.cut_variable(bytes(lot.datagrams.buffer.data[at : at + length]))
                for at, length in zip(sets.at.tolist(), sets.length.tolist(), strict=True)
            ]
            body = b"".join(kept for kept, _, _ in cut)
            records = np.array([number for _, number, _ in cut])
            broken = sets.datagram[[not whole for _, _, whole in cut]]
        else:
            records = sets.length // layout.size
            body = join(lot.datagrams.buffer, sets.at, records * layout.size)
            broken = sets.datagram[(records == 0) & (sets.length > 0)]
        for count in ("received", "malformed"):
            np.add.at(lot.counts[COUNT[count]], broken, 1)
        np.add.at(lot.data_records, sets.datagram, records)
        total = int(records.sum())
        if not total:
            return
        of = np.repeat(sets.datagram, records)
        uptime = lot.uptime_ms[of].astype(np.uint64) if key.protocol == flowrecords.NETFLOW9 else None
        for flows, position in self._flows(key, layout, body, total, ExportClock(lot.export_ms[of], uptime)):
            lot.flows.append(flows)
            datagram = of if position is None else of[position]
            found = np.bincount(datagram, minlength=len(lot.datagrams))
            lot.counts[COUNT["received"]] += found
            lot.counts[COUNT["decoded"]] += found

    def _flows(
        self, key: TemplateKey, layout: Layout, body: bytes, records: int, clock: ExportClock
    ) -> Iterator[tuple[FlowRecords, I64 | None]]:
        if not records:
            return
        if key.protocol != flowrecords.NETFLOW9:
            clock = ExportClock(clock.export_ms, None, self._boot_ms.get(_point_of(key)))
        forward, reverse = flow_records(key, layout, layout.records(body, records), clock, self.rates)
        yield forward, None
        if reverse is not None:
            yield reverse.flows, reverse.position

    def _wait(self, lot: _Lot, key: TemplateKey, sets: _Sets, position: int) -> None:
        datagram, at = int(sets.datagram[position]), int(sets.at[position])
        body = bytes(lot.datagrams.buffer.data[at : at + int(sets.length[position])])
        _count(lot.counts, datagram, "received", "waiting")
        lot.data_records[datagram] = UNKNOWN_UNITS * (1 << 32)
        gone = self._waiting.put(
            WaitingSet(key, body, int(lot.export_ms[datagram]), int(lot.uptime_ms[datagram]))
        )
        for waiting in gone:
            self.ledger.add_one(waiting.key.exporter, waiting.export_ms, waiting=-1, malformed=1)


def _point_of(key: TemplateKey) -> ObservationPoint:
    return ObservationPoint(key.exporter, key.protocol, key.observation_domain)


@dataclass(frozen=True)
class _Announcements:
    """What options records announce: rates by sampler, and when an IPFIX exporter booted.

    From the latter times since then are counted where flow records have no others.
    """

    rates: list[tuple[int | None, float]]
    boot_ms: int | None


def _announcements(layout: Layout, body: bytes, records: int) -> _Announcements:
    if not records:
        return _Announcements([], None)
    view = layout.records(body, records)
    boot_ms = None
    if elements.SYSTEM_INIT_MILLISECONDS in layout.elements:
        stated_ms = int(unsigned(view, elements.SYSTEM_INIT_MILLISECONDS)[-1])
        boot_ms = stated_ms if 0 < stated_ms < _LAST_BOOT_MS else None
    stated = sampling.rates_in_records(layout, view)
    if stated is None:
        return _Announcements([], boot_ms)
    samplers = sampling.sampler_ids(layout, view)
    rates = [
        (None if samplers is None else int(samplers[number]), float(stated[number]))
        for number in np.flatnonzero(sampling.is_rate(stated)).tolist()
    ]
    return _Announcements(rates, boot_ms)


def _count(counts: Tally, datagrams: I64 | int, *names: str) -> None:
    """Add 1 under each name for each of these datagrams (none of them twice)."""
    for name in names:
        counts[COUNT[name], datagrams] += 1


def _whole_records(layout: Layout, body: bytes) -> tuple[bytes, int, bool]:
    """Return the octets of whole records, how many they are, and whether nothing but padding is left."""
    if layout.template.variable:
        return layout.cut_variable(body)
    records = len(body) // layout.size
    return body[: records * layout.size], records, records > 0 or not body


def _walk(lot: _Lot, which: I64, at: I64, end: I64, protocol: int) -> _Sets:
    """Find the sets of all datagrams at once, stepping from set header to set header.

    A set of no length is the zero-filled tail some exporters send; any other bad length ends the datagram
    and counts as malformed, what came before it is kept. A set with a reserved id counts as malformed too.
    """
    found: list[tuple[I64, I64, I64, I64]] = []
    templates = _TEMPLATE_SETS[protocol]
    datagram = which
    while True:
        inside = at + 4 <= end
        datagram, at, end = datagram[inside], at[inside], end[inside]
        if not len(at):
            break
        number, length = unsigned16(lot.datagrams.buffer, at), unsigned16(lot.datagrams.buffer, at + 2)
        good = (length >= 4) & (at + length <= end)
        bad = ~good & ~((number == 0) & (length == 0))
        reserved = good & (number < 256) & (number != templates[0]) & (number != templates[1])
        _count(lot.counts, datagram[reserved], "received", "malformed")
        _count(lot.counts, datagram[bad], "received", "malformed")
        lot.data_records[datagram[bad]] = UNKNOWN_UNITS * (1 << 32)
        datagram, at, end, number, length = (values[good] for values in (datagram, at, end, number, length))
        found.append((datagram, at + 4, length - 4, number))
        at = at + length
    if not found:
        nothing = np.zeros(0, np.int64)
        return _Sets(protocol, nothing, nothing, nothing, nothing)
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    sets = _Sets(protocol, *columns)
    return sets if len(found) == 1 else sets.take(np.lexsort((sets.at, sets.datagram)))
