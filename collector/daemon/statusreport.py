"""The status of a collector, as `caudal collect status` gets it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from caudal import __version__
from caudal.collector.daemon.recentlog import RecentLog
from caudal.collector.daemon.turns import Turns
from caudal.collector.deliver.backlog import Backlog
from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.receive.listeners import Listeners
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.signs.condition import Condition, summary
from caudal.collector.signs.conditions import Conditions
from caudal.collector.signs.disbelief import disbeliefs
from caudal.collector.windows.windowcloser import WindowCloser

_MOST_EXPORTERS = 2048  # each takes tenths of a millisecond, and sources of UDP can be forged


class StatusReport:
    """Says how the parts of a collector are, whenever asked, from whatever thread.

    `settings` gives those in force, `name` what an exporter's number is called outside; `turns` says when parts may be
    looked at that the collector works with. The addresses of exporters are told: by the socket in the state directory they
    come to the operator's own eyes and nowhere else.
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
        conditions: Conditions,
        turns: Turns,
        log: RecentLog,
    ) -> None:
        self._settings, self._name = settings, name
        self._pipeline, self._listeners, self._closer = pipeline, listeners, closer
        self._spool, self._backlog, self._shipper = spool, backlog, shipper
        self._conditions, self._turns, self._log = conditions, turns, log
        self._started = time.monotonic()
        self.reloaded_time = 0.0

    def __call__(self) -> Mapping[str, Any]:
        """Return values that JSON has, times in seconds since 1970 UTC; exporters that need attention come first."""
        return self._turns.look(lambda: self._report(self._settings()))

    def _report(self, settings: CollectorSettings) -> dict[str, Any]:
        known = settings.exporters
        heard = self._conditions.numbers(known)
        conditions = self._conditions(self._conditions.busiest(known, _MOST_EXPORTERS), self._name, known)
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
            "attention": {
                "exporters": len(heard),
                "need_attention": sum(each.needs_attention for each in conditions.values()),
                "summary": summary(list(conditions.values())),
            },
            "exporters": [self._exporter(number, each) for number, each in conditions.items()],
            "exporters_left_out": len(heard) - len(conditions),
            "not_allowed_datagrams": self._conditions.not_allowed_datagrams(),
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
            "log": self._log.lines(),
        }

    def _exporter(self, number: int, seen: Condition) -> dict[str, Any]:
        address = "" if seen.is_interface else self._pipeline.exporters.addresses[number]
        return {"address": address} | seen.plain

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
