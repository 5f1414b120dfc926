"""`caudal collect`: receive, meter, spool and ship until told to stop."""

import gc
import logging
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.kernel import compiled_before
from caudal.collector.daemon.coredumps import forbid_core_dumps
from caudal.collector.daemon.metrics import MOST_LABELS, Metrics, serve
from caudal.collector.daemon.notify import Notifier
from caudal.collector.daemon.recentlog import RecentLog
from caudal.collector.daemon.reload import Prepare, Prepared, Reload, require_reloadable
from caudal.collector.daemon.statusreport import StatusReport
from caudal.collector.daemon.statussocket import StatusSocket
from caudal.collector.daemon.turns import Turns
from caudal.collector.deliver.backlog import Backlog
from caudal.collector.deliver.batchmaker import BatchMaker
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import SpoolError
from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.exporters.pseudonym import pseudonym, read_or_make_key
from caudal.collector.memory.exportermemory import FILE as STATE_FILE
from caudal.collector.memory.exportermemory import ExporterMemory
from caudal.collector.memory.statelock import StateLock
from caudal.collector.metering.livecaptures import LiveCaptures, Timeouts
from caudal.collector.names.domains import DomainList
from caudal.collector.names.tagger import Tagger
from caudal.collector.pipeline import knownexporters
from caudal.collector.pipeline.addresstable import load_address_table
from caudal.collector.pipeline.blueprint import pipeline_of, rules_of
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.pipeline.warmup import warm_up
from caudal.collector.receive.listeners import Listeners, discard, rest
from caudal.collector.receive.receiver import SLOTS, settle
from caudal.collector.receive.receivingtimes import FILE as TIMES_FILE
from caudal.collector.receive.receivingtimes import ReceivingTimes
from caudal.collector.replay.journal import hand_over
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import load_settings
from caudal.collector.signs.condition import Condition
from caudal.collector.signs.conditions import Conditions
from caudal.collector.signs.news import News
from caudal.collector.windows.windowcloser import WindowCloser
from caudal.common.counted import counted
from caudal.common.errors import CaudalError
from caudal.reference import AddressTable, load_reference

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_CAPTURE_SECONDS = 0.02
_NO_EXPORTER = -1
_LAST_LOTS_SECONDS = 5.0
_MOST_BACKLOG_BYTES = 256 << 20


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
        self._notifier = notifier or Notifier({})
        self._stops = 0
        self._reload = Reload(prepare)
        self._attendance = ExporterActivity()
        self._turns = Turns()  # whoever asks how the collector is looks between two lots

    def stop(self) -> None:
        """Ask `run` to finish the work in hand and return; asked again, it does not wait for the service."""
        self._stops += 1

    def reload(self) -> None:
        """Ask `run` to read its settings again; where they cannot be used it says so, and goes on with the old."""
        self._reload.ask()

    def run(self) -> None:
        """Receive and meter until `stop`, then close all windows, spool them and give shipping a while."""
        settings = self.settings
        with ExitStack() as stack:
            self._open(settings, stack)
            # What is there now stays; to look it over again and again would take a tenth of a second each time.
            gc.collect()
            gc.freeze()
            stack.callback(gc.unfreeze)
            self._notifier.ready(_listening(settings))
            self._receive()
            self._notifier.stopping()
            with self._turns.work():
                self._pipeline.decoder.give_up_waiting()
                self._closer.close_all()
            self._backlog.close()
            if not self._shipper.drain(self.settings.drain_seconds, hurry=lambda: self._stops > 1):
                log.warning(
                    "%s in the spool until the next start",
                    counted(len(self._spool.segments()), "batch stays", "batches stay"),
                )

    def _open(self, settings: CollectorSettings, stack: ExitStack) -> None:
        """Make all parts and put them together, from the state directory to what can be asked."""
        directory = settings.state_directory
        recent_log = stack.enter_context(RecentLog())
        stack.enter_context(StateLock(directory))
        self._key = read_or_make_key(directory / "pseudonym.key")
        if not compiled_before():
            log.info("compiling for this processor, which takes about half a minute and is done once")
        warm_up(pipeline_of(settings, self._table), int(time.time() * 1000))
        pipeline = self._pipeline = pipeline_of(settings, self._table, key=self._key)
        self._memory = pipeline.memory = stack.enter_context(
            ExporterMemory(
                directory / STATE_FILE,
                pipeline.exporters,
                pipeline.decoder,
                pipeline.ledger,
                partial(pseudonym, self._key),
            )
        )
        self._interfaces = _interfaces(settings, pipeline)
        self._names = knownexporters.names(settings.exporters) | self._interfaces.names
        self._spool = Spool(directory / "spool", settings.spool_max_bytes)
        self._spool.open()
        try:
            hand_over(directory, self._spool)  # what a replay that was killed had not
        except SpoolError as error:
            log.warning("batches of a replay are not in the spool yet: %s", error)
        self._backlog = Backlog(self._spool, BatchMaker(settings).encode, _MOST_BACKLOG_BYTES)
        self._closer = WindowCloser(pipeline, self._backlog, self._name, settings.lateness_seconds)
        self._listeners = stack.enter_context(Listeners(pipeline.exporters))
        opened = self._listeners.prepare(settings.listen, settings.receive_buffer_bytes)
        self._listeners.adopt(settings.listen, settings.receive_buffer_bytes, opened)
        stack.enter_context(self._interfaces)
        self._shipper = stack.enter_context(Shipper(self._spool, service_client(settings)))
        self._conditions = Conditions(pipeline, self._attendance)
        self._news = News(pipeline.decoder, self._attendance, self._name, self._look)
        self._metrics = Metrics(
            pipeline,
            self._listeners,
            self._spool,
            self._shipper,
            self._backlog,
            self._attendance,
            self._interfaces.name_counts,
            look=self._look,
            turns=self._turns,
        )
        self._stop_metrics = self._serve_metrics(settings.metrics_listen)
        stack.callback(self._close_metrics)
        self._status = StatusReport(
            lambda: self.settings,
            self._name,
            pipeline,
            self._listeners,
            self._closer,
            self._spool,
            self._backlog,
            self._shipper,
            self._conditions,
            turns=self._turns,
            log=recent_log,
        )
        stack.enter_context(StatusSocket(directory, self._status))
        self._times = ReceivingTimes(directory / TIMES_FILE)
        if settings.listen:
            stack.enter_context(self._times)

    def _name(self, number: int) -> str:
        return knownexporters.outside_name(number, self._pipeline.exporters.addresses, self._names, self._key)

    def _look(self) -> dict[int, Condition]:
        """Return the conditions of exporters; where there are too many to tell of all, those of the same ones each time."""
        known = self.settings.exporters
        return self._conditions(self._conditions.numbers(known)[:MOST_LABELS], self._name, known)

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
                with self._turns.work():
                    self._attendance.note(datagrams)
                    records = pipeline.datagrams(datagrams)
                if records:
                    heard = time.monotonic()
            with self._turns.work():
                packets = interfaces.receive()
            if packets:
                heard = time.monotonic()
            if not full and listeners.receivers:
                settle(listeners.receivers)
            now = time.monotonic()
            if now >= next_tick or pipeline.crowded:
                next_tick = now + _TICK_SECONDS
                idle = now - heard >= self.settings.idle_seconds
                heard = now if idle else heard
                with self._turns.work():
                    self._tick(idle=idle)
                if self._shipper.alive:
                    self._notifier.alive()
        with self._turns.work():
            # What had arrived when we were told to stop.
            self._finish(rest(listeners.receivers, _LAST_LOTS_SECONDS))
            interfaces.finish()
            self._count_drops()

    def _tick(self, *, idle: bool) -> None:
        """Do the work of each second: close windows (all, if `idle`), forget, and log news."""
        self._count_drops()
        self._interfaces.pass_time(int(time.time() * 1000))
        if idle:
            self._closer.close_all()
        else:
            self._closer.close_over()
        self._backlog.begin_to_write()
        freed = self._memory.tick()
        for part in (self._attendance, self._pipeline, self._conditions, self._news):
            part.forget(freed)
        if self._listeners.receivers:
            self._times.tick()
        self._conditions.tick()
        self._news.tick()
        self._reload_if_asked()

    def _finish(self, lots: Iterable[Datagrams]) -> None:
        for datagrams in lots:
            self._attendance.note(datagrams)
            self._pipeline.datagrams(datagrams)

    def _count_drops(self) -> None:
        for address, drops in self._listeners.new_drops():
            self._pipeline.ledger.add_one(_NO_EXPORTER, int(time.time() * 1000), kernel_drops=drops)
            log.warning("the kernel dropped %d datagrams at %s; raise receive_buffer_bytes", drops, address)
        for interface, exporter, drops in self._interfaces.new_drops():
            self._pipeline.ledger.add_one(exporter, int(time.time() * 1000), kernel_drops=drops)
            log.warning("the kernel dropped %d packets at %s; raise its buffer_bytes", drops, interface)

    def _reload_if_asked(self) -> None:
        """Begin to reload, or end a reload that was begun; datagrams are received in between."""
        found = self._reload.found()
        if found is not None:
            try:
                if isinstance(found, Exception):
                    raise found
                self._apply(*found)
                log.info("the settings were read again and are in force")
            except CaudalError as error:
                log.error("the settings were read again and stay as they were: %s", error)
            self._notifier.ready(_listening(self.settings))
        if self._reload.begin():
            self._notifier.reloading()

    def _apply(self, new: CollectorSettings, table: AddressTable) -> None:
        """Put new settings in force: all of them, or none and SettingsError or ListenError."""
        old = self.settings
        require_reloadable(old, new)
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
        self._count_drops()  # of sockets that may be closed now
        left = self._listeners.adopt(new.listen, new.receive_buffer_bytes, opened)
        self._finish(rest(left, _LAST_LOTS_SECONDS))
        discard(left)
        if stop_metrics is not None:
            self._stop_metrics()
            self._stop_metrics = stop_metrics
        self._pipeline.reconfigure(table=table, **rules_of(new))
        self._pipeline.keep_places(new.exporters)
        self._names = knownexporters.names(new.exporters) | self._interfaces.names
        self._closer.allow(new.lateness_seconds)
        self._spool.most_bytes = new.spool_max_bytes
        self._shipper.use(client)
        self._table = table
        self.settings = new
        self._status.reloaded_time = time.time()


def _listening(settings: CollectorSettings) -> str:
    return f"listening on {', '.join((*settings.listen, *(each.name for each in settings.interfaces)))}"


def _interfaces(settings: CollectorSettings, pipeline: Pipeline) -> LiveCaptures:
    tagger = None
    if settings.interfaces and settings.names:
        domains = DomainList.of(load_reference(settings.reference_overlay))
        tagger = Tagger(domains, per_second=settings.names_per_second)
    timeouts = Timeouts(settings.active_timeout_seconds * 1000, settings.idle_timeout_seconds * 1000)
    return LiveCaptures(settings.interfaces, pipeline, timeouts, tagger)


def prepare(config: Path) -> Prepared:
    """Return the settings of a file and the address table they ask for; raise CaudalError."""
    settings = load_settings(config)
    table = load_address_table(settings)
    table.accelerate()
    return settings, table


def run(config: Path) -> None:
    """Run a collector until SIGTERM or SIGINT; SIGHUP makes it read its settings again."""
    forbid_core_dumps()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    settings, table = prepare(config)
    collector = Collector(settings, table, lambda: prepare(config), Notifier())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: collector.stop())
    signal.signal(signal.SIGHUP, lambda *_: collector.reload())
    collector.run()
