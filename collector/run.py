"""`caudal collect`: receive, meter, spool and ship until told to stop."""

import ctypes
import logging
import resource
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from caudal import __version__
from caudal.collector.attendance import Attendance
from caudal.collector.backlog import Backlog
from caudal.collector.batch import BatchOrigin, encode_batch
from caudal.collector.boundary import Boundary
from caudal.collector.cutting import cut
from caudal.collector.datagrams import NOT_ALLOWED, Datagrams
from caudal.collector.errors import CollectorError, SettingsError
from caudal.collector.exportermemory import FILE as STATE_FILE
from caudal.collector.exportermemory import ExporterMemory
from caudal.collector.interfaces import Interfaces, Timeouts
from caudal.collector.ledger import COUNT
from caudal.collector.listeners import Listeners, discard, rest
from caudal.collector.metrics import Metrics, serve
from caudal.collector.names.domains import DomainList
from caudal.collector.names.tagger import Tagger
from caudal.collector.notify import Notifier
from caudal.collector.pipeline import Pipeline
from caudal.collector.places import load_places
from caudal.collector.pseudonym import pseudonym, read_or_make_key
from caudal.collector.receiver import SLOTS, settle
from caudal.collector.serviceclient import service_client
from caudal.collector.settings import CollectorSettings, load_settings
from caudal.collector.shipper import Shipper
from caudal.collector.spool import Spool
from caudal.collector.statelock import StateLock
from caudal.collector.statussocket import StatusSocket
from caudal.collector.windowclock import WindowClock
from caudal.reference import AddressTable, load_reference
from caudal.reference import ReferenceError as FactsError

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_CAPTURE_SECONDS = 0.02
_NO_EXPORTER = -1
_LAST_LOTS_SECONDS = 5.0
_MOST_BACKLOG_BYTES = 256 << 20
_PR_SET_DUMPABLE = 4

# What a running collector takes anew. Everything else would mean other windows, other cells or another sender.
RELOADABLE = frozenset(
    {
        "home",
        "allow",
        "listen",
        "receive_buffer_bytes",
        "exporters",
        "locations",
        "geofeeds",
        "asn_tables",
        "second_country_table",
        "reference_overlay",
        "service",
        "metrics_listen",
        "lateness_seconds",
        "idle_seconds",
        "drain_seconds",
        "spool_max_bytes",
    }
)

Prepare = Callable[[], tuple[CollectorSettings, AddressTable]]


class Collector:
    """A collector at work. `run` returns when `stop` was called and everything received is in the spool.

    `prepare` reads settings and address table anew, for `reload`; it runs in a thread beside the work.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        table: AddressTable,
        prepare: Prepare | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self.settings = settings
        self._table = table
        self._prepare = prepare
        self._notifier = notifier or Notifier({})
        self._stops = 0
        self._reloads_asked = 0
        self._reloads_begun = 0
        self._preparing: threading.Thread | None = None
        self._prepared: tuple[CollectorSettings, AddressTable] | CollectorError | FactsError | None = None
        self._boot = uuid.uuid4().hex
        self._batches = 0
        self._started = time.monotonic()
        self._reloaded_time = 0.0
        self._attendance = Attendance()

    def stop(self) -> None:
        """Ask `run` to finish what it has and return; asked again, it does not wait for the service."""
        self._stops += 1

    def reload(self) -> None:
        """Ask `run` to read its settings again; where they cannot be used it says so, and goes on with the old."""
        self._reloads_asked += 1

    def run(self) -> None:
        """Receive and meter until `stop`, then close all windows, spool them and give shipping a while."""
        # A core dump would write subscribers' addresses to disk.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        settings = self.settings
        with ExitStack() as stack:
            stack.enter_context(StateLock(settings.state_directory))
            self._key = read_or_make_key(settings.state_directory / "pseudonym.key")
            self._pipeline = Pipeline(
                economy=settings.economy,
                home=settings.home,
                table=self._table,
                window_seconds=settings.window_seconds,
                k=settings.k_anonymity,
                sampling=_sampling(settings),
                boundaries=_boundaries(settings),
                sflow_tunnels=settings.sflow_tunnels,
                sampling_overrides=_sampling_overrides(settings),
                allow=settings.allow,
                template_wait_seconds=settings.template_wait_seconds,
            )
            self._pipeline.keep_places(settings.exporters)
            self._memory = self._pipeline.memory = stack.enter_context(
                ExporterMemory(
                    settings.state_directory / STATE_FILE,
                    self._pipeline.exporters,
                    self._pipeline.decoder,
                    self._pipeline.ledger,
                    partial(pseudonym, self._key),
                )
            )
            self._interfaces = _interfaces(settings, self._pipeline)
            self._names = _names(settings) | self._interfaces.names
            self._clock = WindowClock(settings.window_seconds, settings.lateness_seconds)
            self._spool = Spool(settings.state_directory / "spool", settings.spool_max_bytes)
            self._spool.open()
            self._backlog = Backlog(self._spool, self._encode, _MOST_BACKLOG_BYTES)
            # The first table imports what it needs, for a second: not while datagrams come.
            self._pipeline.take(None, self._name)
            self._listeners = stack.enter_context(Listeners(self._pipeline.exporters))
            self._listen(settings)
            stack.enter_context(self._interfaces)
            self._shipper = stack.enter_context(Shipper(self._spool, service_client(settings)))
            self._metrics = Metrics(
                self._pipeline,
                self._listeners,
                self._spool,
                self._shipper,
                self._backlog,
                self._attendance,
                self._interfaces.name_counts,
            )
            self._stop_metrics = self._serve_metrics(settings.metrics_listen)
            stack.callback(self._close_metrics)
            stack.enter_context(StatusSocket(settings.state_directory, self.report))
            self._notifier.ready(f"listening on {', '.join(settings.listen)}")
            self._receive()
            self._notifier.stopping()
            self._pipeline.decoder.give_up_waiting()
            self._gather(None)
            self._backlog.close()
            if not self._shipper.drain(self.settings.drain_seconds, hurry=lambda: self._stops > 1):
                log.warning("%d batches stay in the spool until the next start", len(self._spool.segments()))

    def report(self) -> Mapping[str, Any]:
        """Return how the collector is, as values that JSON has; exporters by name or pseudonym."""
        totals = self._pipeline.ledger.totals
        shipper, backlog = self._shipper, self._backlog
        return {
            "collector": self.settings.collector,
            "version": __version__,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "reloaded_time": self._reloaded_time,
            "synthetic": self.settings.synthetic,
            "listeners": [
                {
                    "address": receiver.address,
                    "buffer_asked_bytes": receiver.asked_bytes,
                    "buffer_granted_bytes": receiver.granted_bytes,
                }
                for receiver in list(self._listeners.receivers)
            ],
            "ledger": {name: int(totals[at]) for name, at in COUNT.items()},
            "exporters": [asdict(seen) for seen in self._attendance.seen(self._name)],
            "templates": len(self._pipeline.decoder.templates),
            "clock_behind": self._clock.behind(),
            "spool": asdict(self._spool.state()) | {"most_bytes": self._spool.most_bytes},
            "backlog": {
                "batches": len(backlog),
                "coarsened_batches": backlog.coarsened_batches,
                "lost_batches": backlog.lost_batches,
                "lost_bytes": backlog.lost_bytes,
            },
            "shipping": {
                "service": self.settings.service.url,
                "shipped": shipper.shipped,
                "refused": shipper.refused,
                "damaged": shipper.damaged,
                "failures": shipper.failures,
                "set_back": shipper.set_back,
                "pause_seconds": shipper.waiting_seconds,
                "last_shipped_time": shipper.last_shipped_time,
                "last_error": shipper.last_error,
                "last_error_time": shipper.last_error_time,
            },
        }

    def _name(self, number: int) -> str:
        if number == NOT_ALLOWED:
            return "not-allowed"
        if number == _NO_EXPORTER:
            return "all"
        address = self._pipeline.exporters.addresses[number]
        return self._names.get(address) or pseudonym(self._key, address)

    def _listen(self, settings: CollectorSettings) -> None:
        opened = self._listeners.prepare(settings.listen, settings.receive_buffer_bytes)
        self._listeners.adopt(settings.listen, settings.receive_buffer_bytes, opened)

    def _serve_metrics(self, address: str | None) -> Callable[[], None]:
        return serve(self._metrics, address) if address else lambda: None

    def _close_metrics(self) -> None:
        self._stop_metrics()  # of the address they are served at by then

    def _receive(self) -> None:
        pipeline, listeners, interfaces = self._pipeline, self._listeners, self._interfaces
        # Nobody wakes us for packets: their ring, unlike a socket, has room for many of these pauses.
        patience = _CAPTURE_SECONDS if len(interfaces) else _TICK_SECONDS / 4
        next_tick = time.monotonic() + _TICK_SECONDS
        heard = time.monotonic()
        while not self._stops:
            full = False
            for datagrams in listeners.receive(patience):
                full |= len(datagrams) == SLOTS
                self._attendance.note(datagrams)
                if pipeline.datagrams(datagrams):
                    heard = time.monotonic()
            if interfaces.receive():
                heard = time.monotonic()
            if not full:
                settle(listeners.receivers)
            now = time.monotonic()
            if now >= next_tick or pipeline.crowded:
                next_tick = now + _TICK_SECONDS
                self._count_drops()
                interfaces.pass_time(int(time.time() * 1000))
                idle = now - heard >= self.settings.idle_seconds
                if idle:
                    heard = now
                self._gather(None if idle else self._complete_until())
                self._backlog.write()
                self._attendance.forget(self._memory.tick())
                self._reload_if_asked()
                if self._shipper.alive:
                    self._notifier.alive()
        # What had arrived when we were told to stop.
        self._finish(rest(listeners.receivers, _LAST_LOTS_SECONDS))
        interfaces.finish()
        self._count_drops()

    def _finish(self, lots: Iterable[Datagrams]) -> None:
        for datagrams in lots:
            self._attendance.note(datagrams)
            self._pipeline.datagrams(datagrams)

    def _complete_until(self) -> int:
        """Return the time before which windows are complete."""
        before = self._clock.behind()
        until = self._clock.complete_until(self._pipeline.latest_ms, self._pipeline.typical_ms)
        if self._clock.behind() != before:
            if before:
                log.info("this machine's clock agrees with the exporters' again")
            else:
                log.warning("this machine's clock is behind the exporters': windows close by theirs; set it")
        return until

    def _gather(self, before_ms: int | None) -> None:
        """Make batches of the windows that end by `before_ms` (all, if None)."""
        for flows, ledger in cut(*self._pipeline.take(before_ms, self._name), datetime.now(UTC)):
            self._backlog.add(flows, ledger)

    def _encode(self, flows: pa.Table, ledger: pa.Table) -> bytes:
        settings = self.settings
        origin = BatchOrigin(
            collector=settings.collector,
            operator=settings.operator,
            economy=settings.economy,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sequence=f"{self._boot}-{self._batches}",
            software=f"caudal {__version__}",
            synthetic=settings.synthetic,
        )
        self._batches += 1
        return encode_batch(origin, flows, ledger)

    def _count_drops(self) -> None:
        for address, drops in self._listeners.new_drops():
            self._pipeline.ledger.add_one(_NO_EXPORTER, int(time.time() * 1000), kernel_drops=drops)
            log.warning("the kernel dropped %d datagrams at %s; raise receive_buffer_bytes", drops, address)
        for interface, exporter, drops in self._interfaces.new_drops():
            self._pipeline.ledger.add_one(exporter, int(time.time() * 1000), kernel_drops=drops)
            log.warning("the kernel dropped %d packets at %s; raise its buffer_bytes", drops, interface)

    def _reload_if_asked(self) -> None:
        """Begin to reload, or end what was begun; datagrams are received in between."""
        if self._preparing is not None:
            if self._preparing.is_alive():
                return
            self._preparing = None
            prepared, self._prepared = self._prepared, None
            try:
                if isinstance(prepared, Exception):
                    raise prepared
                assert prepared is not None
                self._apply(*prepared)
                log.info("the settings were read again and are in force")
            except (CollectorError, FactsError) as error:
                log.error("the settings were read again and stay as they were: %s", error)
            self._notifier.ready(f"listening on {', '.join(self.settings.listen)}")
        if self._prepare is not None and self._reloads_begun < self._reloads_asked:
            self._reloads_begun = self._reloads_asked
            self._notifier.reloading()
            self._preparing = threading.Thread(target=self._prepare_now, name="reload", daemon=True)
            self._preparing.start()

    def _prepare_now(self) -> None:
        assert self._prepare is not None
        try:
            self._prepared = self._prepare()
        except (CollectorError, FactsError) as error:
            self._prepared = error

    def _apply(self, new: CollectorSettings, table: AddressTable) -> None:
        """Put new settings in force: all of them, or none and SettingsError or ListenError."""
        old = self.settings
        fixed = [
            name
            for name in CollectorSettings.model_fields
            if name not in RELOADABLE and getattr(new, name) != getattr(old, name)
        ]
        if fixed:
            raise SettingsError(f"{', '.join(fixed)} cannot change while the collector runs; restart it")
        # What may fail comes first, and is undone if something after it fails.
        client = service_client(new)
        opened = []
        try:
            opened = self._listeners.prepare(new.listen, new.receive_buffer_bytes)
            moved = new.metrics_listen != old.metrics_listen
            stop_metrics = self._serve_metrics(new.metrics_listen) if moved else None
        except BaseException:
            client.close()
            discard(opened)
            raise
        left = self._listeners.adopt(new.listen, new.receive_buffer_bytes, opened)
        self._finish(rest(left, _LAST_LOTS_SECONDS))
        discard(left)
        if stop_metrics is not None:
            self._stop_metrics()
            self._stop_metrics = stop_metrics
        self._pipeline.reconfigure(
            home=new.home,
            table=table,
            sampling=_sampling(new),
            boundaries=_boundaries(new),
            sampling_overrides=_sampling_overrides(new),
            allow=new.allow,
        )
        self._pipeline.keep_places(new.exporters)
        self._names = _names(new) | self._interfaces.names
        self._clock.lateness_seconds = new.lateness_seconds
        self._spool.most_bytes = new.spool_max_bytes
        self._shipper.use(client)
        self._table = table
        self.settings = new
        self._reloaded_time = time.time()


def _interfaces(settings: CollectorSettings, pipeline: Pipeline) -> Interfaces:
    tagger = None
    if settings.interfaces and settings.names:
        domains = DomainList.of(load_reference(settings.reference_overlay))
        tagger = Tagger(domains, per_second=settings.names_per_second)
    timeouts = Timeouts(settings.active_timeout_seconds * 1000, settings.idle_timeout_seconds * 1000)
    return Interfaces(settings.interfaces, pipeline, timeouts, tagger)


def _names(settings: CollectorSettings) -> dict[str, str]:
    return {address: known.name for address, known in settings.exporters.items() if known.name}


def _sampling(settings: CollectorSettings) -> dict[str, float]:
    return {address: known.sampling for address, known in settings.exporters.items() if known.sampling}


def _boundaries(settings: CollectorSettings) -> dict[str, Boundary]:
    return {
        address: Boundary(known.external, known.internal, known.metered)
        for address, known in settings.exporters.items()
        if known.external or known.internal or known.metered
    }


def _sampling_overrides(settings: CollectorSettings) -> set[str]:
    return {address for address, known in settings.exporters.items() if known.sampling_override}


def prepare(config: Path) -> tuple[CollectorSettings, AddressTable]:
    """Return the settings of a file and the address table they ask for; raise CollectorError or ReferenceError."""
    settings = load_settings(config)
    table = load_places(settings)
    table.accelerate()
    return settings, table


def run(config: Path) -> None:
    """Run a collector until SIGTERM or SIGINT; SIGHUP makes it read its settings again."""
    # Not even for a handler of core dumps, which the limit on their size does not stop.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    settings, table = prepare(config)
    collector = Collector(settings, table, lambda: prepare(config), Notifier())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: collector.stop())
    signal.signal(signal.SIGHUP, lambda *_: collector.reload())
    collector.run()
