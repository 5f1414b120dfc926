"""Prometheus metrics of the collector, read from its parts at each scrape."""

import platform
from collections.abc import Callable, Iterator, Mapping
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from caudal import __version__
from caudal.collector.columns.flowrecords import PROTOCOLS
from caudal.collector.daemon.turns import Turns
from caudal.collector.deliver.backlog import Backlog
from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.memory.exportermemory import ExporterMemory
from caudal.collector.names.counts import NameCounts
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.receive.listeners import Listeners
from caudal.collector.signs.condition import Condition
from caudal.collector.signs.exportermetrics import exporter_metrics
from caudal.common.errors import ListenError
from caudal.contract.batch import LEDGER, LEDGER_COUNTS

_NAMESPACE = "caudal_collector_"
MOST_LABELS = 512  # exporters that have a label of their own; the others are added up


class Metrics:
    """Everything that moves in a collector, with labels from closed sets only, and the names of exporters.

    `look` returns how exporters are, at most MOST_LABELS of them and the same ones each time; `turns` says when parts
    may be looked at that the collector works with.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        listeners: Listeners,
        spool: Spool,
        shipper: Shipper,
        backlog: Backlog,
        attendance: ExporterActivity,
        names: NameCounts | None = None,
        *,
        look: Callable[[], Mapping[int, Condition]] = dict,
        turns: Turns | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._listeners = listeners
        self._spool = spool
        self._shipper = shipper
        self._backlog = backlog
        self._attendance = attendance
        self._names = names
        self._look, self._turns = look, turns or Turns()
        self._highest = [0] * len(LEDGER_COUNTS)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they stand."""
        yield from self._turns.look(lambda: list(self._collect()))

    def _collect(self) -> Iterator[Metric]:
        yield _build_info()
        yield from self._of_ledger()
        yield from exporter_metrics(self._look(), self._pipeline.ledger, self._pipeline.traffic.octets)
        yield from self._of_boundaries()
        yield from self._of_receiving()
        yield from self._of_names()
        yield self._of_unlisted_caches()
        yield from self._of_spool()
        yield from self._of_shipping()

    def _of_ledger(self) -> Iterator[Metric]:
        for column in LEDGER:
            if column.kind == "sum":
                total = int(self._pipeline.ledger.totals[COUNT[column.name]])
                # Waiting and losses can be taken back, so they are no counters.
                gauge = column.name in ("waiting", "lost", "lost_datagrams")
                family = GaugeMetricFamily if gauge else CounterMetricFamily
                yield family(
                    _NAMESPACE + column.name,
                    column.meaning,
                    value=total if gauge else self._rising(column.name),
                )

    def _of_boundaries(self) -> Iterator[Metric]:
        left_out = CounterMetricFamily(
            _NAMESPACE + "left_out_records", "records that boundaries left out, by reason", labels=["reason"]
        )
        for reason, count in self._pipeline.left_out.items():
            left_out.add_metric([reason], count)
        yield left_out

    def _of_receiving(self) -> Iterator[Metric]:
        granted = GaugeMetricFamily(
            _NAMESPACE + "receive_buffer_bytes", "granted by the kernel", labels=["listener"]
        )
        asked = GaugeMetricFamily(
            _NAMESPACE + "receive_buffer_asked_bytes", "asked of the kernel", labels=["listener"]
        )
        for number, receiver in enumerate(list(self._listeners.receivers)):
            granted.add_metric([str(number)], receiver.granted_bytes)
            asked.add_metric([str(number)], receiver.asked_bytes)
        yield granted
        yield asked
        yield _gauge("exporters", "exporters heard since the start", self._attendance.count)
        yield from self._of_decoder()
        agents = self._pipeline.decoder.sflow_agents
        yield _counter(
            "sflow_counters_samples", "sFlow samples of counters, which hold no flows", agents.counters
        )
        yield _counter("sflow_unknown_samples", "sFlow samples of kinds that are not read", agents.unknown)

    def _of_names(self) -> Iterator[Metric]:
        counts = self._names
        if counts is None:
            return
        flows = CounterMetricFamily(
            _NAMESPACE + "tagged_flows",
            "flows metered from packets, by what a name told of them or why none did",
            labels=["outcome"],
        )
        for outcome, count in counts.flows.items():
            flows.add_metric([outcome], count)
        yield flows
        looked = CounterMetricFamily(
            _NAMESPACE + "looked_at_packets", "packets looked at for a name", labels=["kind"]
        )
        for kind in (
            "dns_answers",
            "client_hellos",
            "quic_initials",
            "http_requests",
            "unreadable",
            "over_limit",
        ):
            looked.add_metric([kind], getattr(counts, kind))
        yield looked

    def _of_unlisted_caches(self) -> Metric:
        served = GaugeMetricFamily(
            _NAMESPACE + "unlisted_cache_bytes",
            "bytes that carry a platform's name between two home addresses: of a cache that is not listed",
            labels=["platform"],
        )
        for each in self._pipeline.unlisted_caches.found(self._pipeline.services):
            served.add_metric([each.platform], each.home_bytes)
        return served

    def _of_decoder(self) -> Iterator[Metric]:
        decoder, exporters, memory = (
            self._pipeline.decoder,
            self._pipeline.exporters,
            self._pipeline.memory,
        )
        yield _gauge("templates", "templates known", len(decoder.templates))
        yield _gauge("template_bytes", "about the memory they take", decoder.templates.octets)
        yield _gauge("waiting_sets", "data sets that wait for their template", len(decoder.waiting))
        yield _gauge("waiting_bytes", "about the memory they take", decoder.waiting.octets)
        yield _gauge("sampling_rates", "sampling rates that exporters announced", decoder.rates.announced)
        yield _gauge("sequences", "streams of sequence numbers followed", len(decoder.sequences))
        yield _gauge("exporter_places", "exporters that have a place in the list", len(exporters))
        if not isinstance(memory, ExporterMemory):
            return
        ages = GaugeMetricFamily(
            _NAMESPACE + "template_age_seconds",
            "time since the template was announced that has not been for the longest time",
            labels=["protocol"],
        )
        for protocol, age in memory.template_ages.items():
            ages.add_metric([PROTOCOLS[protocol]], age)
        yield ages
        yield _counter("forgotten_exporters", "silent exporters whose place was given up", memory.forgotten)
        yield _counter("state_failures", "times that templates could not be written to disk", memory.failures)

    def _of_spool(self) -> Iterator[Metric]:
        state, backlog = self._spool.state(), self._backlog
        yield _gauge("spool_batches", "batches that wait for the service", state.batches)
        yield _gauge("spool_bytes", "their size", state.bytes)
        yield _gauge("spool_max_bytes", "what the spool may hold", self._spool.most_bytes or 0)
        yield _gauge("spool_oldest_seconds", "age of the batch that waits longest", state.oldest_seconds)
        yield _gauge(
            "spool_refused_batches", "batches set aside because the service refused them", state.refused
        )
        yield _gauge("spool_damaged_batches", "batches set aside because they changed on disk", state.damaged)
        yield _gauge("backlog_batches", "batches in memory that the spool does not take", len(backlog))
        yield _counter(
            "coarsened_batches",
            "batches added up by hour and country for want of room",
            backlog.coarsened_batches,
        )
        yield _counter(
            "lost_batches", "batches lost for want of room on disk and in memory", backlog.lost_batches
        )
        yield _counter("lost_traffic_bytes", "bytes of traffic in them", backlog.lost_bytes)

    def _of_shipping(self) -> Iterator[Metric]:
        shipper = self._shipper
        for name, meaning, value in (
            ("shipped_batches", "batches that the service acknowledged", shipper.shipped),
            ("refused_batches", "batches that the service will never take", shipper.refused),
            ("held_batches", "batches that the service took and holds for review", shipper.held),
            ("damaged_batches", "batches found changed on disk", shipper.damaged),
            ("shipping_failures", "attempts that ended without an acknowledgement", shipper.failures),
        ):
            yield _counter(name, meaning, value)
        yield _gauge(
            "set_back_batches", "batches tried rarely, as the service takes others", shipper.set_back
        )
        yield from shipper.latency.collect()

    def _rising(self, name: str) -> int:
        # A set that waited may turn out to hold none of the records it counted for: then the total falls by
        # one, which Prometheus would take for a restart.
        at = COUNT[name]
        self._highest[at] = max(self._highest[at], int(self._pipeline.ledger.totals[at]))
        return self._highest[at]


def _build_info() -> Metric:
    info = GaugeMetricFamily(
        "caudal_build_info",
        "always 1; the labels say what runs",
        labels=["version", "python", "system", "machine"],
    )
    info.add_metric([__version__, platform.python_version(), platform.system(), platform.machine()], 1)
    return info


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(_NAMESPACE + name, meaning, value=value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(_NAMESPACE + name, meaning, value=value)


def serve(metrics: Metrics, address: str) -> Callable[[], None]:
    """Serve metrics over HTTP at `address`; return what stops it. Raises ListenError if it cannot."""
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    registry.register(metrics)
    ProcessCollector(registry=registry)
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise ListenError(
            f"cannot serve metrics on {address}: {error.strerror}; choose another `metrics_listen`"
        ) from error

    def stop() -> None:
        assert isinstance(server, WSGIServer)
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
