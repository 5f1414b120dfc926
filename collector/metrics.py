"""Prometheus metrics of the collector, read from its parts at each scrape."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from caudal.collector.batch import LEDGER, LEDGER_COUNTS
from caudal.collector.errors import ListenError
from caudal.collector.ledger import COUNT, Ledger
from caudal.collector.receiver import Receiver
from caudal.collector.shipper import Shipper
from caudal.collector.spool import Spool

_NAMESPACE = "caudal_collector_"


class Metrics:
    """Everything that moves in a collector, with labels from closed sets only."""

    def __init__(self, ledger: Ledger, receivers: list[Receiver], spool: Spool, shipper: Shipper) -> None:
        self._ledger = ledger
        self._receivers = receivers
        self._spool = spool
        self._shipper = shipper
        self._highest = [0] * len(LEDGER_COUNTS)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they stand."""
        for column in LEDGER:
            if column.kind == "sum":
                total = int(self._ledger.totals[COUNT[column.name]])
                # Waiting and losses can be taken back, so they are no counters.
                gauge = column.name in ("waiting", "lost", "lost_datagrams")
                family = GaugeMetricFamily if gauge else CounterMetricFamily
                yield family(
                    _NAMESPACE + column.name,
                    column.meaning,
                    value=total if gauge else self._rising(column.name),
                )
        asked = GaugeMetricFamily(
            _NAMESPACE + "receive_buffer_bytes", "granted by the kernel", labels=["listener"]
        )
        for number, receiver in enumerate(self._receivers):
            asked.add_metric([str(number)], receiver.granted_bytes)
        yield asked
        sizes = self._sizes()
        yield GaugeMetricFamily(
            _NAMESPACE + "spool_batches", "batches that wait for the service", value=len(sizes)
        )
        yield GaugeMetricFamily(
            _NAMESPACE + "spool_bytes",
            "their size",
            value=sum(sizes),
        )
        for name, value in (
            ("shipped_batches", self._shipper.shipped),
            ("refused_batches", self._shipper.refused),
            ("damaged_batches", self._shipper.damaged),
            ("shipping_failures", self._shipper.failures),
        ):
            yield CounterMetricFamily(_NAMESPACE + name, name.replace("_", " "), value=value)
        yield GaugeMetricFamily(
            _NAMESPACE + "shipping_latency_seconds", "of the last batch", value=self._shipper.latency_seconds
        )

    def _rising(self, name: str) -> int:
        # A set that waited may turn out to hold none of the records it counted for: then the total falls by
        # one, which Prometheus would take for a restart.
        at = COUNT[name]
        self._highest[at] = max(self._highest[at], int(self._ledger.totals[at]))
        return self._highest[at]

    def _sizes(self) -> list[int]:
        sizes = []
        for segment in self._spool.segments():
            with suppress(FileNotFoundError):  # shipped meanwhile
                sizes.append(segment.path.stat().st_size)
        return sizes


def serve(metrics: Metrics, address: str) -> Callable[[], None]:
    """Serve metrics over HTTP at `address`; return what stops it. Raises ListenError if it cannot."""
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    registry.register(metrics)
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
