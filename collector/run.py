"""`caudal collect`: receive, meter, spool and ship until told to stop."""

import logging
import resource
import selectors
import signal
import ssl
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pyarrow as pa
import pyarrow.compute as pc

from caudal import __version__
from caudal.collector.batch import BatchOrigin, encode_batch
from caudal.collector.errors import SettingsError, SpoolError
from caudal.collector.ledger import Ledger
from caudal.collector.metrics import Metrics, serve
from caudal.collector.pipeline import Pipeline
from caudal.collector.pseudonym import pseudonym, read_or_make_key
from caudal.collector.receiver import SLOTS, Receiver, settle
from caudal.collector.settings import CollectorSettings, read_locations, read_token
from caudal.collector.shipper import Shipper
from caudal.collector.spool import Spool
from caudal.reference import AddressTable

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_SHIP_TIMEOUT_SECONDS = 60.0
_NO_EXPORTER = -1
_LAST_LOTS_SECONDS = 5.0
# What the service takes in one batch, with room to spare.
_MOST_DAYS = 3000
_MOST_ROWS = 500_000
_MOST_UNSPOOLED_BYTES = 256 << 20
_DAY = timedelta(days=1)
_TIME = pa.timestamp("s", tz="UTC")

Naming = Callable[[int], str]


class Collector:
    """A collector at work. `run` returns when `stop` was called and everything received is in the spool."""

    def __init__(self, settings: CollectorSettings, table: AddressTable) -> None:
        self.settings = settings
        self._table = table
        self._stopping = False
        self._boot = uuid.uuid4().hex
        self._batches = 0
        self._drops_seen: dict[str, int] = {}
        self._unspooled: deque[bytes] = deque()

    def stop(self) -> None:
        """Ask `run` to finish what it has and return."""
        self._stopping = True

    def run(self) -> None:
        """Receive and meter until `stop`, then close all windows, spool them and give shipping a while."""
        # A core dump would write subscribers' addresses to disk.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        settings = self.settings
        key = read_or_make_key(settings.state_directory / "pseudonym.key")
        names = {address: known.name for address, known in settings.exporters.items() if known.name}
        sampling = {
            address: known.sampling for address, known in settings.exporters.items() if known.sampling
        }
        pipeline = Pipeline(
            economy=settings.economy,
            home=settings.home,
            table=self._table,
            window_seconds=settings.window_seconds,
            k=settings.k_anonymity,
            sampling=sampling,
        )

        def name(number: int) -> str:
            if number == _NO_EXPORTER:
                return "all"
            address = pipeline.exporters.addresses[number]
            return names.get(address) or pseudonym(key, address)

        spool = Spool(settings.state_directory / "spool")
        spool.open()
        # The first table imports what it needs, for a second: not while datagrams come.
        pipeline.take(None, name)
        with ExitStack() as stack:
            receivers = [
                stack.enter_context(Receiver(address, pipeline.exporters, settings.receive_buffer_bytes))
                for address in settings.listen
            ]
            shipper = stack.enter_context(Shipper(spool, service_client(settings)))
            if settings.metrics_listen:
                stack.callback(
                    serve(Metrics(pipeline.ledger, receivers, spool, shipper), settings.metrics_listen)
                )
            for receiver in receivers:
                self._announce(receiver)
            self._receive(receivers, pipeline, spool, name)
            self._gather(pipeline, name, None)
            self._write(spool)
            if self._unspooled:
                log.error("%d batches could not be written to the spool and are lost", len(self._unspooled))
            if not shipper.drain(settings.drain_seconds):
                log.warning("%d batches stay in the spool until the next start", len(spool.segments()))

    def _announce(self, receiver: Receiver) -> None:
        log.info("listening on UDP port %d (%s)", receiver.port, receiver.address)
        if receiver.granted_bytes < self.settings.receive_buffer_bytes:
            log.warning(
                "the kernel granted %d KiB of receive buffer, %d KiB were asked for: raise net.core.rmem_max, or give "
                "the collector CAP_NET_ADMIN",
                receiver.granted_bytes >> 10,
                self.settings.receive_buffer_bytes >> 10,
            )

    def _receive(self, receivers: list[Receiver], pipeline: Pipeline, spool: Spool, name: Naming) -> None:
        selector = selectors.DefaultSelector()
        for receiver in receivers:
            selector.register(receiver, selectors.EVENT_READ, receiver)
        next_tick = time.monotonic() + _TICK_SECONDS
        heard = time.monotonic()
        while not self._stopping:
            full = False
            for selected, _ in selector.select(timeout=_TICK_SECONDS / 4):
                datagrams = selected.data.receive()
                if datagrams is not None:
                    full |= len(datagrams) == SLOTS
                    if pipeline.datagrams(datagrams):
                        heard = time.monotonic()
            if not full:
                settle(receivers)
            now = time.monotonic()
            if now >= next_tick or pipeline.crowded:
                next_tick = now + _TICK_SECONDS
                self._count_drops(receivers, pipeline.ledger)
                idle = now - heard >= self.settings.idle_seconds
                if idle:
                    heard = now
                self._gather(pipeline, name, None if idle else self._complete_until(pipeline))
                self._write(spool)
        selector.close()
        until = time.monotonic() + _LAST_LOTS_SECONDS
        for receiver in receivers:  # what had arrived when we were told to stop
            while time.monotonic() < until and (datagrams := receiver.receive()) is not None:
                pipeline.datagrams(datagrams)
        self._count_drops(receivers, pipeline.ledger)

    def _complete_until(self, pipeline: Pipeline) -> int:
        """Return the time before which windows are complete, by the exporters' clocks, which may run behind ours."""
        if pipeline.latest_ms is None:
            return 0
        return min(pipeline.latest_ms, int(time.time() * 1000)) - self.settings.lateness_seconds * 1000

    def _gather(self, pipeline: Pipeline, name: Naming, before_ms: int | None) -> None:
        """Make batches of the windows that end by `before_ms` (all, if None)."""
        settings = self.settings
        for flows, ledger in _batches(*pipeline.take(before_ms, name)):
            origin = BatchOrigin(
                collector=settings.collector,
                operator=settings.operator,
                economy=settings.economy,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                sequence=f"{self._boot}-{self._batches}",
                software=f"caudal {__version__}",
                synthetic=settings.synthetic,
            )
            self._unspooled.append(encode_batch(origin, flows, ledger))
            self._batches += 1

    def _write(self, spool: Spool) -> None:
        """Write batches to the spool; what cannot be written is kept for the next time, up to a bound."""
        try:
            while self._unspooled:
                spool.put(self._unspooled[0])
                self._unspooled.popleft()
        except SpoolError as error:
            waiting = sum(len(body) for body in self._unspooled)
            if waiting > _MOST_UNSPOOLED_BYTES:
                raise
            log.error("%s; %d batches are kept in memory meanwhile", error, len(self._unspooled))

    def _count_drops(self, receivers: list[Receiver], ledger: Ledger) -> None:
        for receiver in receivers:
            drops = receiver.kernel_drops()
            new = drops - self._drops_seen.get(receiver.address, 0)
            if new > 0:
                self._drops_seen[receiver.address] = drops
                ledger.add_one(_NO_EXPORTER, int(time.time() * 1000), kernel_drops=new)
                log.warning(
                    "the kernel dropped %d datagrams at %s; raise receive_buffer_bytes", new, receiver.address
                )


def _batches(flows: pa.Table, ledger: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Cut tables into batches that the service takes: of so many rows at most, of times not too far apart."""
    while flows.num_rows or ledger.num_rows:
        parts = []
        first = min(pc.min(table["window_start"]).as_py() for table in (flows, ledger) if table.num_rows)
        for table in (flows, ledger):
            near = pc.less(table["window_start"], pa.scalar(first + _MOST_DAYS * _DAY, _TIME))
            now = table.filter(near)
            parts.append((now.slice(0, _MOST_ROWS), now.slice(_MOST_ROWS), table.filter(pc.invert(near))))
        yield parts[0][0], parts[1][0]
        flows, ledger = (pa.concat_tables([rest, later]) for _, rest, later in parts)


def service_client(settings: CollectorSettings) -> httpx.Client:
    """Return the client that speaks to the service; certificates are always verified."""
    try:
        trusted = ssl.create_default_context(cafile=settings.service.ca_file)
    except OSError as error:  # an SSLError is one
        raise SettingsError(
            f"service.ca_file: {settings.service.ca_file} cannot be used: {error.strerror or error}; give certificates "
            "in PEM"
        ) from error
    return httpx.Client(
        base_url=settings.service.url,
        headers={"Authorization": f"Bearer {read_token(settings.service.token_file)}"},
        timeout=_SHIP_TIMEOUT_SECONDS,
        verify=trusted,
    )


def run(settings: CollectorSettings) -> None:
    """Run a collector until SIGTERM or SIGINT."""
    locations = read_locations(settings.locations) if settings.locations else []
    table = AddressTable.load(locations, reference_overlay=settings.reference_overlay)
    table.accelerate()
    collector = Collector(settings, table)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: collector.stop())
    collector.run()
