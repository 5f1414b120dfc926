"""From datagrams to flow records: any mix of protocols and exporters, a whole lot at a time."""

from collections.abc import Callable, Iterable

import numpy as np

from caudal.collector.columns import flowrecords
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import I64, FlowRecords
from caudal.collector.columns.wire import surplus, unsigned16, unsigned32
from caudal.collector.decode import netflow5
from caudal.collector.decode.exporterstate import ExporterState, PointState, TemplateState
from caudal.collector.decode.heard import Heard
from caudal.collector.decode.lot import Lot
from caudal.collector.decode.records.bylayout import flows_of, join_records, whole_records
from caudal.collector.decode.records.toldflows import ToldFlows
from caudal.collector.decode.sampling.announcement import Announcement, read_announcement
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.decode.sampling.samplingofsets import SetSampling
from caudal.collector.decode.sequence.sequence import UNKNOWN_UNITS, Sequences
from caudal.collector.decode.sflow import sflow5
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.decode.template.processes import Processes
from caudal.collector.decode.template.reading import DataSets
from caudal.collector.decode.template.recordlayout import Layout
from caudal.collector.decode.template.sets import TEMPLATE_SETS, Sets, walk_sets
from caudal.collector.decode.template.template import (
    TemplateKey,
    TemplateSetError,
    Withdrawal,
    read_templates,
)
from caudal.collector.decode.template.templatetable import NamedTemplates, TemplateTable
from caudal.collector.decode.template.waiting import WaitingSet, WaitingSets
from caudal.collector.exporters.ledger import COUNT, Ledger
from caudal.collector.exporters.plausibility import Plausibility
from caudal.collector.packets.tunnelkinds import Tunnels, opened


class Decoder:
    """Decodes NetFlow v5, v7, v9, IPFIX and sFlow v5.

    Keeps what the protocols make one keep: templates, sampling rates, sequence numbers, data sets that wait for their
    template and what was told of flows, all of it bounded. A set that has waited for `waiting_seconds` is malformed.
    `key` makes digests of flows that are the same after a restart.
    Hostile input never raises: it is counted in the ledger as malformed, and what was decoded before it is
    kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        rates: SamplingRates,
        *,
        waiting_octets: int = 16 << 20,
        waiting_octets_per_exporter: int = 4 << 20,
        waiting_seconds: float = 1800,
        templates_per_exporter: int = 4096,
        templates_octets: int = 256 << 20,
        tunnels: Tunnels = "outer",
        plausibility: Plausibility | None = None,
        key: bytes | None = None,
    ) -> None:
        self.ledger = ledger
        self.rates = rates
        self.plausibility = plausibility or Plausibility(rates.addresses, ledger.window_ms)
        self._sampling = SetSampling(rates)
        self.templates = TemplateTable(templates_per_exporter, templates_octets)
        self.waiting = WaitingSets(waiting_octets, waiting_octets_per_exporter)
        self.sequences = Sequences()
        self.heard = Heard()
        self.told = ToldFlows(key)
        self.processes = Processes()
        # By exporter, how often a template's number was announced with another layout.
        self.redefined: dict[int, int] = {}
        self._announcer: dict[
            ObservationPoint, int
        ] = {}  # the UDP port of the last options records that were news
        self.sflow_agents = sflow5.SflowAgents()
        self.tunnels = opened(tunnels)
        # Exporters of which something worth keeping over a restart has changed; whoever keeps it clears them.
        self.changed: set[int] = set()
        self._waiting_ms = int(waiting_seconds * 1000)
        self._boot_ms: dict[ObservationPoint, int] = {}
        self._latest_ms = 0

    @property
    def layouts(self) -> dict[TemplateKey, Layout]:
        """The layouts of all templates known now."""
        return {key: known.layout for key, known in self.templates.items()}

    @property
    def latest_ms(self) -> int:
        """When the last datagram came."""
        return self._latest_ms

    def decode(self, datagrams: Datagrams) -> FlowRecords:
        """Return the flow records of `datagrams`, and enter every one of them in the ledger."""
        parts: list[FlowRecords] = []
        self.decode_to(datagrams, parts.append)
        return flowrecords.concatenate(parts)

    def decode_to(self, datagrams: Datagrams, give: Callable[[FlowRecords], None]) -> None:
        """Do the same, but give the flow records on in parts of some thousand."""
        count = len(datagrams)

        def override(flows: FlowRecords) -> None:
            give(self.plausibility.judge(self.rates.override(flows)))

        now_ms = int(datagrams.received_ms[-1]) if count else self._latest_ms
        lot = Lot(datagrams, now_ms, override)
        self._latest_ms = lot.now_ms
        lot.process = self.processes.of(datagrams.exporter, datagrams.port)
        lot.counts[COUNT["datagrams"]] = 1
        known = datagrams.exporter >= 0
        lot.count(np.flatnonzero(~known), "received", "filtered")
        version = np.full(count, -1, np.int64)
        long_enough = np.flatnonzero(known & (datagrams.length >= 4))
        version[long_enough] = unsigned16(datagrams.buffer, datagrams.offset[long_enough])
        is5, is7, is9, is_ipfix = (np.flatnonzero(version == number) for number in (5, 7, 9, 10))
        is_sflow = long_enough[version[long_enough] == 0]
        is_sflow = is_sflow[unsigned16(datagrams.buffer, datagrams.offset[is_sflow] + 2) == 5]
        for these, form in ((is5, netflow5.VERSION_5), (is7, netflow5.VERSION_7)):
            if len(these):
                netflow5.find_records(lot, these, self.sequences, form)
        if len(is9):
            self._decode_templated(lot, is9, flowrecords.NETFLOW9)
        if len(is_ipfix):
            self._decode_templated(lot, is_ipfix, flowrecords.IPFIX)
        if len(is_sflow):
            lot.give(
                sflow5.decode(
                    datagrams, is_sflow, lot.counts, self.sflow_agents, self._sampling, self.tunnels
                )
            )
        lot.read(self._sampling)
        nothing = np.ones(count, bool)
        for read in (is5, is7, is9, is_ipfix, is_sflow, np.flatnonzero(~known)):
            nothing[read] = False
        lot.count(np.flatnonzero(nothing), "received", "malformed")
        of_protocol = {
            flowrecords.NETFLOW5: is5,
            flowrecords.NETFLOW7: is7,
            flowrecords.NETFLOW9: is9,
            flowrecords.IPFIX: is_ipfix,
            flowrecords.SFLOW5: is_sflow,
        }
        self.heard.note(datagrams.exporter, of_protocol, lot.offset_ms)
        self.ledger.add(lot.counts, datagrams.exporter, lot.export_ms)
        self.changed |= self.rates.stated.take_new()
        for exporter in self.sequences.split():
            self._split(exporter, self.sequences.processes(exporter))
        self._give_up(self.waiting.take_before(lot.now_ms - self._waiting_ms))
        self.told.forget_old(lot.now_ms)
        self.changed |= self.told.to_keep(lot.now_ms)

    def _decode_templated(self, lot: Lot, which: I64, protocol: int) -> None:
        ipfix = protocol == flowrecords.IPFIX
        header = 16 if ipfix else 20
        datagrams = lot.datagrams
        short = datagrams.length[which] < header
        lot.count(which[short], "received", "malformed")
        which = which[~short]
        if not len(which):
            return
        buffer, at = datagrams.buffer, datagrams.offset[which]
        end = at + datagrams.length[which]
        if ipfix:
            announced = at + unsigned16(buffer, at + 2)
            wrong = which[(announced > end) | (announced < at + header)]
            lot.count(wrong, "received", "malformed")
            lot.data_records[wrong] = UNKNOWN_UNITS * (1 << 32)
            behind = which[surplus(buffer, np.where(announced < at + header, end, announced), end)]
            lot.count(behind, "received", "malformed")
            end = np.minimum(end, announced)
        else:
            lot.uptime_ms[which] = unsigned32(buffer, at + 4)
        time_at = 4 if ipfix else 8
        lot.set_clock(which, unsigned32(buffer, at + time_at) * 1000)
        sequence = unsigned32(buffer, at + time_at + 4)
        lot.domain[which] = unsigned32(buffer, at + time_at + 8)
        found = walk_sets(buffer, which, at + header, end, protocol)
        faults = found.reserved + found.broken
        if faults.any():
            for name in ("received", "malformed"):
                lot.counts[COUNT[name], which] += faults
            lot.data_records[which[found.broken]] = UNKNOWN_UNITS * (1 << 32)
        self._decode_sets(lot, found.sets)
        units = np.maximum(lot.data_records[which], UNKNOWN_UNITS) if ipfix else np.ones(len(which), np.int64)
        lot.counts[COUNT["lost"] if ipfix else COUNT["lost_datagrams"], which] += self.sequences.follow_all(
            protocol, datagrams.exporter[which].astype(np.int64), lot.domain[which], sequence, units,
            datagrams.port[which], lot.template_records[which] if ipfix else None,
        )  # fmt: skip

    def _decode_sets(self, lot: Lot, sets: Sets) -> None:
        """Decode sets in order: data before a change of templates or sampling rates by what held until then."""
        from_here = 0
        templates = TEMPLATE_SETS[sets.protocol]
        for position in np.flatnonzero((sets.id == templates[0]) | (sets.id == templates[1])):
            datagram, at = int(sets.datagram[position]), int(sets.at[position])
            point = self._announcing(lot, datagram, sets.protocol)
            body = bytes(lot.datagrams.buffer.data[at - 4 : at + int(sets.length[position])])
            again = self.templates.seen_before(point, body, lot.now_ms, int(lot.datagrams.port[datagram]))
            if again is not None:
                lot.template_records[datagram] += again
                continue
            self._decode_data(lot, sets.take(np.arange(from_here, position)))
            from_here = int(position) + 1
            self._learn(lot, datagram, point, body, options=int(sets.id[position]) == templates[1])
        self._decode_data(lot, sets.take(np.arange(from_here, len(sets))))

    def _announcing(self, lot: Lot, datagram: int, protocol: int) -> ObservationPoint:
        """Return the point that a datagram announces something for; its port is a process if the exporter is split."""
        exporter, port = int(lot.datagrams.exporter[datagram]), int(lot.datagrams.port[datagram])
        process = 0
        if exporter in self.processes:
            before = self.processes.number(exporter, port)
            process = self._process(exporter, port)
            if process != before:
                lot.process = self.processes.of(lot.datagrams.exporter, lot.datagrams.port)
        return ObservationPoint(exporter, protocol, int(lot.domain[datagram]), process)

    def _process(self, exporter: int, port: int) -> int:
        """Return the process of a UDP port that announces; where one is given up for it, forget what that announced."""
        process, given_up = self.processes.announcing(exporter, port)
        if given_up:
            self._forget_points([point for point in self._points(exporter) if point.process == process])
        return process

    def _split(self, exporter: int, ports: Iterable[int]) -> None:
        """Take these ports of an exporter, and any other that announces, for processes of their own from now on."""
        if self.processes.split(exporter):
            for port in ports:
                self._process(exporter, port)
            self.templates.divide(exporter, lambda port: self._process(exporter, port))
            for point in [each for each in self._announcer if each.exporter == exporter and not each.process]:
                port = self._announcer.pop(point)
                own = point._replace(process=self._process(exporter, port))
                for sampler, rate in self.rates.withdraw(point).items():
                    self.rates.announce(own, sampler, rate)
                if point in self._boot_ms:
                    self._boot_ms[own] = self._boot_ms.pop(point)
            self.changed.add(exporter)

    def _points(self, exporter: int) -> set[ObservationPoint]:
        """Return the observation points of an exporter of which templates, rates or boot times are known."""
        return set(self.templates.points(exporter)) | {
            point for point, _, _ in self.rates.announced_by(exporter)
        }

    def _forget_points(self, points: Iterable[ObservationPoint]) -> None:
        for point in points:
            self.templates.remove([TemplateKey(*point, number) for number in self.templates.at(point)])
            self.templates.forget_sets(point)
            self.rates.withdraw(point)
            self._boot_ms.pop(point, None)
            self._announcer.pop(point, None)

    def _learn(self, lot: Lot, datagram: int, point: ObservationPoint, body: bytes, *, options: bool) -> None:
        try:
            read = read_templates(body[4:], ipfix=point.protocol == flowrecords.IPFIX, options=options)
            sound = True
        except TemplateSetError as error:
            read, sound = error.read, False
            lot.count(datagram, "received", "malformed")
        lot.template_records[datagram] += len(read)
        port = int(lot.datagrams.port[datagram])
        changed = False
        announced: list[TemplateKey] = []
        for number, template in read:
            key = TemplateKey(*point, number)
            if isinstance(template, Withdrawal):
                changed |= self._withdraw(key, options=options)
                continue
            known = self.templates.get(key)
            if known is not None and known.layout.template != template:
                lot.counts[COUNT["templates_redefined"], datagram] += 1
                self.redefined[key.exporter] = self.redefined.get(key.exporter, 0) + 1
                if port and set(known.ports) - {port}:
                    self._split(point.exporter, (*known.ports, port))
                    self.templates.forget_sets(point)
                    point = self._announcing(lot, datagram, point.protocol)
                    lot.process = self.processes.of(lot.datagrams.exporter, lot.datagrams.port)
                    key = TemplateKey(*point, number)
                    known = self.templates.get(key)
            if known is not None and known.layout.template == template:
                known.announced(lot.now_ms, port)
            elif self.templates.put(key, template, lot.now_ms, port):
                changed = True
                self._replay(lot, key)
                if point.process:
                    self._replay(lot, key._replace(process=0))
            else:
                lot.count(datagram, "received", "malformed")
                sound = False
                continue
            announced.append(key)
        if changed:
            self.templates.forget_sets(point)
            self.changed.add(point.exporter)
        if sound:
            in_force = [known for key in announced if (known := self.templates.get(key)) is not None]
            self.templates.note_set(point, body, in_force)

    def _withdraw(self, key: TemplateKey, *, options: bool) -> bool:
        point = key.point
        there = self.templates.at(point)
        gone = [key] if key.template in there else []
        if key.template == (3 if options else 2):
            gone = [
                key._replace(template=number)
                for number, known in there.items()
                if known.layout.template.is_options == options
            ]
        self.templates.remove(gone)
        if not self.templates.at(point):
            self._boot_ms.pop(point, None)
            self._announcer.pop(point, None)
        return bool(gone)

    def _replay(self, lot: Lot, key: TemplateKey) -> None:
        known = self.templates.resolve(key)
        waited = self.waiting.take(key) if known is not None else []
        if known is None or not waited:
            return
        known.used_ms, layout = lot.now_ms, known.layout
        for waiting in waited:
            body, records, whole = whole_records(layout, waiting.body)
            decoded = 0
            if layout.template.is_options:
                announced = read_announcement(layout, body, records, key.observation_domain)
                self._note(lot, key.point, announced, waiting.export_ms)
            else:
                export_ms, uptime_ms = (
                    np.full(records, time_ms, np.int64) for time_ms in (waiting.export_ms, waiting.uptime_ms)
                )
                boot_ms = self._boot_ms.get(key.point)
                octets = np.frombuffer(waiting.body, np.uint8)
                for flows, _ in flows_of(
                    key,
                    layout,
                    body,
                    export_ms,
                    uptime_ms,
                    boot_ms,
                    self.rates,
                    self.told,
                    lot.now_ms,
                    octets=octets,
                    tunnels=self.tunnels,
                ):
                    lot.give(flows)
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

    def _decode_data(self, lot: Lot, sets: Sets) -> None:
        """Decode the data sets among `sets`; options data takes effect on what follows it."""
        sets = sets.take(np.flatnonzero(sets.id >= 256))
        if not len(sets):
            return
        exporter, domain = lot.datagrams.exporter[sets.datagram], lot.domain[sets.datagram]
        process = lot.process[sets.datagram]
        known = self.templates.named(sets.protocol, exporter, domain, sets.id, lot.now_ms, process)
        is_options = np.array([one is not None and one.layout.template.is_options for one in known.templates])
        from_here = 0
        if is_options.any():
            for position in np.flatnonzero(is_options[known.of]).tolist():
                which = int(known.of[position])
                template = known.templates[which]
                assert template is not None
                datagram = int(sets.datagram[position])
                point = self._announcing(lot, datagram, sets.protocol)
                news = self._read_options(lot, sets, position, point, template.layout)
                if news:
                    self._decode_groups(lot, sets, known, from_here, position)
                    from_here = position
                    self._note(
                        lot, point, news, int(lot.export_ms[datagram]), int(lot.datagrams.port[datagram])
                    )
        self._decode_groups(lot, sets, known, from_here, len(sets))

    def _read_options(
        self, lot: Lot, sets: Sets, position: int, point: ObservationPoint, layout: Layout
    ) -> Announcement | None:
        """Count the options records of one set, and return their announcement if any of it is new."""
        datagram, at = int(sets.datagram[position]), int(sets.at[position])
        body = bytes(lot.datagrams.buffer.data[at : at + int(sets.length[position])])
        body, records, whole = whole_records(layout, body)
        lot.data_records[datagram] += records
        if not whole:
            lot.count(datagram, "received", "malformed")
        announced = read_announcement(layout, body, records, point.observation_domain)
        news = announced.boot_ms is not None and announced.boot_ms != self._boot_ms.get(point)
        news |= any(self.rates.is_news(point, sampler, rate) for sampler, rate in announced.rates)
        return announced if news else None

    def _note(
        self, lot: Lot, point: ObservationPoint, announced: Announcement, at_ms: int, port: int = 0
    ) -> None:
        lot.read(self._sampling)  # what came before, by the rates that held until here
        if port and self._announcer.get(point, port) != port and self._contradicts(point, announced):
            self._split(point.exporter, (self._announcer[point], port))
            point = point._replace(process=self._process(point.exporter, port))
            lot.process = self.processes.of(lot.datagrams.exporter, lot.datagrams.port)
        if port:
            self._announcer[point] = port
        if announced.boot_ms is not None:
            self._boot_ms[point] = announced.boot_ms
        for sampler, rate in announced.rates:
            self.rates.announce(point, sampler, rate, at_ms)
        self.changed.add(point.exporter)

    def _contradicts(self, point: ObservationPoint, announced: Announcement) -> bool:
        """Return True if a rate or boot time that differs from the announcement is known at the observation point."""
        return announced.boot_ms not in (None, self._boot_ms.get(point, announced.boot_ms)) or any(
            self.rates.announced_at(point, sampler) not in (None, rate) for sampler, rate in announced.rates
        )

    def _decode_groups(self, lot: Lot, sets: Sets, known: NamedTemplates, first: int, last: int) -> None:
        """Decode the data sets from position `first` to `last`: nearly all are put to be read by plan."""
        if first == last:
            return
        named = known.of[first:last]
        keys, templates = known.keys, known.templates
        if last - first < len(sets):
            # Only those of these sets: where options and data take turns, all of them each time would cost the square.
            here, named = np.unique(named, return_inverse=True)
            keys, templates = [keys[which] for which in here], [templates[which] for which in here]
        plan: I64 = np.full(len(keys), -1, np.int64)
        size: I64 = np.ones(len(keys), np.int64)
        boot_ms: I64 = np.full(len(keys), -1, np.int64)
        by_place = self.rates.places.compares
        others: list[int] = []
        waiting: list[int] = []
        for which, template in enumerate(templates):
            if template is None:
                waiting.append(which)
            elif template.layout.plan is not None and not by_place(keys[which].point, template.layout):
                plan[which], size[which] = lot.number_of(template.layout.plan), template.layout.size
                if self._boot_ms:
                    boot_ms[which] = self._boot_ms.get(keys[which].point, -1)
            elif not template.layout.template.is_options:
                others.append(which)
        if waiting:
            for position in np.flatnonzero(np.isin(named, waiting)).tolist():
                self._wait(lot, keys[int(named[position])], sets, first + position)
        planned = np.flatnonzero(plan[named] >= 0)
        if len(planned):
            of = named[planned]
            self._put(lot, sets.take(planned + first), plan[of], size[of], boot_ms[of])
        for which in others:
            positions = np.flatnonzero(named == which) + first
            if len(positions):
                template = templates[which]
                assert template is not None
                self._decode_by_layout(lot, keys[which], template.layout, sets.take(positions))

    def _put(self, lot: Lot, sets: Sets, plan: I64, size: I64, boot_ms: I64) -> None:
        """Have data sets read by the plans of these numbers, their records of so many octets."""
        records = sets.length // size
        self._count_sets(lot, sets, records, np.flatnonzero((records == 0) & (sets.length > 0)))
        for count in ("received", "decoded"):
            np.add.at(lot.counts[COUNT[count]], sets.datagram, records)
        domain, export_ms = lot.domain[sets.datagram], lot.export_ms[sets.datagram]
        if sets.protocol == flowrecords.NETFLOW9:
            uptime_ms = lot.uptime_ms[sets.datagram]
        else:
            uptime_ms = np.where(boot_ms < 0, -1, (export_ms - boot_ms) & 0xFFFF_FFFF)
        lot.put(
            DataSets(
                at=sets.at,
                records=records,
                plan=plan,
                exporter=lot.datagrams.exporter[sets.datagram],
                protocol=np.full(len(sets), sets.protocol, np.uint8),
                observation_domain=domain.astype(np.uint32),
                template=sets.id.astype(np.uint16),
                export_ms=export_ms,
                uptime_ms=uptime_ms,
                rate=np.zeros(len(sets)),
                process=lot.process[sets.datagram],
            )
        )

    def _count_sets(self, lot: Lot, sets: Sets, records: I64, broken: I64) -> None:
        for count in ("received", "malformed"):
            np.add.at(lot.counts[COUNT[count]], sets.datagram[broken], 1)
        np.add.at(lot.data_records, sets.datagram, records)

    def _decode_by_layout(self, lot: Lot, key: TemplateKey, layout: Layout, sets: Sets) -> None:
        """Decode data sets of a template whose layout has no plan."""
        body, records, broken = join_records(lot.datagrams.buffer, layout, sets)
        self._count_sets(lot, sets, records, broken)
        of_set = np.repeat(np.arange(len(sets)), records)
        of = sets.datagram[of_set]
        boot_ms = self._boot_ms.get(key.point)
        for flows, position in flows_of(
            key,
            layout,
            body,
            lot.export_ms[of],
            lot.uptime_ms[of],
            boot_ms,
            self.rates,
            self.told,
            lot.now_ms,
            octets=lot.datagrams.buffer,
            tunnels=self.tunnels,
        ):
            lot.give(flows)
            found = records if position is None else np.bincount(of_set[position], minlength=len(sets))
            for count in ("received", "decoded"):
                np.add.at(lot.counts[COUNT[count]], sets.datagram, found)

    def _wait(self, lot: Lot, key: TemplateKey, sets: Sets, position: int) -> None:
        datagram, at = int(sets.datagram[position]), int(sets.at[position])
        body = bytes(lot.datagrams.buffer.data[at : at + int(sets.length[position])])
        lot.count(datagram, "received", "waiting")
        lot.data_records[datagram] = UNKNOWN_UNITS * (1 << 32)
        self._give_up(
            self.waiting.put(
                WaitingSet(key, body, int(lot.export_ms[datagram]), int(lot.uptime_ms[datagram]), lot.now_ms)
            )
        )

    def _give_up(self, sets: Iterable[WaitingSet]) -> None:
        for waiting in sets:
            self.ledger.add_one(waiting.key.exporter, waiting.export_ms, waiting=-1, malformed=1)

    def several_processes(self) -> dict[int, int]:
        """Return exporters from whose address several processes are seen to send, and how many."""
        found = {number: len(self.sequences.processes(number)) for number in self.sequences.exporters()}
        return {number: count for number, count in found.items() if count > 1}

    # What is kept of an exporter

    def give_up_waiting(self) -> None:
        """Count all sets that still wait as malformed: nothing will come for them any more."""
        self._give_up(self.waiting.take_before(1 << 62))

    def state(self, exporter: int, *, stopping: bool = False) -> ExporterState:
        """Return the knowledge of an exporter to be kept over a restart: templates, sampling rates, boot times, totals told.

        Where its sequence numbers stand is part of that only when it is not followed any more.
        """
        followed = {
            ObservationPoint(exporter, *name): numbers
            for name, numbers in (self.sequences.state(exporter) if stopping else {}).items()
        }
        rates: dict[ObservationPoint, dict[int | None, float]] = {}
        for point, sampler, rate in self.rates.announced_by(exporter):
            rates.setdefault(point, {})[sampler] = rate
        stated: dict[ObservationPoint, dict[int | None, tuple[float, float]]] = {}
        for point, sampler, believed in self.rates.stated.believed(exporter):
            stated.setdefault(point, {})[sampler] = believed
        return ExporterState(
            tuple(
                PointState(
                    point.protocol,
                    point.observation_domain,
                    self._boot_ms.get(point),
                    {
                        number: TemplateState(known.layout.template, known.seen_ms)
                        for number, known in self.templates.at(point).items()
                    },
                    rates.get(point, {}),
                    followed.get(point, {}),
                    self.processes.port(exporter, point.process),
                    stated.get(point, {}),
                )
                for point in sorted(
                    self.templates.points(exporter) | rates.keys() | followed.keys() | stated.keys(),
                    key=lambda point: (*point[:3], self.processes.port(exporter, point.process)),
                )
            ),
            self.told.state(exporter),
        )

    def restore(self, exporter: int, state: ExporterState) -> None:
        """Take up the kept state of an exporter that has just been heard, as far as it fits the bounds."""
        self.told.restore(exporter, state.told)
        for kept in state.points:
            point = ObservationPoint(exporter, kept.protocol, kept.observation_domain)
            if kept.port:
                self.processes.split(exporter)
                point = point._replace(process=self._process(exporter, kept.port))
            for number, template in kept.templates.items():
                self.templates.put(TemplateKey(*point, number), template.template, template.seen_ms)
            if kept.boot_ms is not None and self.templates.at(point):
                self._boot_ms[point] = kept.boot_ms
            for sampler, rate in kept.rates.items():
                self.rates.announce(point, sampler, rate)
            for sampler, believed in kept.stated.items():
                self.rates.stated.restore(point, sampler, believed)
            for port, numbers in kept.followed.items():
                self.sequences.restore(exporter, (kept.protocol, kept.observation_domain), port, numbers)

    def forget(self, exporter: int) -> None:
        """Forget an exporter whose number another may get; what waits of it becomes malformed."""
        self._give_up(self.waiting.take_exporter(exporter))
        self._forget_points(self._points(exporter))
        self.processes.forget(exporter)
        self.redefined.pop(exporter, None)
        self.rates.forget(exporter)
        self.sequences.forget(exporter)
        self.sflow_agents.forget(exporter)
        self.plausibility.forget(exporter)
        self.heard.forget(exporter)
        self.told.forget(exporter)
        self.changed.discard(exporter)
