"""How a collector is, as `caudal collect status` gets it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from caudal import __version__
from caudal.collector.attendance import Attendance
from caudal.collector.backlog import Backlog
from caudal.collector.disbelief import disbeliefs
from caudal.collector.ledger import COUNT
from caudal.collector.listeners import Listeners
from caudal.collector.pipeline import Pipeline
from caudal.collector.settings import CollectorSettings
from caudal.collector.shipper import Shipper
from caudal.collector.spool import Spool
from caudal.collector.windowcloser import WindowCloser


class StatusReport:
    """Says how the parts of a collector are, whenever asked, from whatever thread.

    `settings` gives those in force, `name` what an exporter's number is called outside.
    """

    def __init__(
        self,
        settings: Callable[[], CollectorSettings],
        name: Callable[[int], str],
        pipeline: Pipeline,
        listeners: Listeners,
        closer: WindowCloser,
        spool: Spool,
        backlog: Backlog,
        shipper: Shipper,
        attendance: Attendance,
    ) -> None:
        self._settings, self._name = settings, name
        self._pipeline, self._listeners, self._closer = pipeline, listeners, closer
        self._spool, self._backlog, self._shipper = spool, backlog, shipper
        self._attendance = attendance
        self._started = time.monotonic()
        self.reloaded_time = 0.0

    def __call__(self) -> Mapping[str, Any]:
        """Return values that JSON has; exporters by name or pseudonym, times in seconds since 1970 UTC."""
        settings = self._settings()
        totals = self._pipeline.ledger.totals
        backlog = self._backlog
        return {
            "collector": settings.collector,
            "version": __version__,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "reloaded_time": self.reloaded_time,
            "synthetic": settings.synthetic,
            "listeners": [
                {
                    "address": receiver.address,
                    "buffer_asked_bytes": receiver.asked_bytes,
                    "buffer_granted_bytes": receiver.granted_bytes,
                }
                for receiver in list(self._listeners.receivers)
            ],
            "interfaces": [each.name for each in settings.interfaces],
            "ledger": {name: int(totals[at]) for name, at in COUNT.items()},
            "exporters": [asdict(seen) for seen in self._attendance.seen(self._name)],
            "not_believed": [each.plain for each in disbeliefs(self._pipeline.decoder, self._name)],
            "templates": len(self._pipeline.decoder.templates),
            "unlisted_caches": [
                asdict(each) for each in self._pipeline.unlisted_caches.found(self._pipeline.services)
            ],
            "clock_behind": self._closer.clock_behind,
            "spool": asdict(self._spool.state()) | {"most_bytes": self._spool.most_bytes},
            "backlog": {
                "batches": len(backlog),
                "coarsened_batches": backlog.coarsened_batches,
                "lost_batches": backlog.lost_batches,
                "lost_bytes": backlog.lost_bytes,
            },
            "shipping": self._shipping(settings),
        }

    def _shipping(self, settings: CollectorSettings) -> dict[str, Any]:
        shipper = self._shipper
        return {
            "service": settings.service.url,
            "shipped": shipper.shipped,
            "held": shipper.held,
            "refused": shipper.refused,
            "damaged": shipper.damaged,
            "failures": shipper.failures,
            "set_back": shipper.set_back,
            "pause_seconds": shipper.waiting_seconds,
            "last_shipped_time": shipper.last_shipped_time,
            "last_error": shipper.last_error,
            "last_error_time": shipper.last_error_time,
        }
