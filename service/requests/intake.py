"""Taking batches: whose they are, whether they may come, storing each once, and counting what became of it."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from caudal.common.logline import quoted
from caudal.contract.batch import Batch, BatchError, decode_batch
from caudal.service.admission import QuotaBook, admit, review
from caudal.service.errors import BatchRefused, QuotaExceeded, ServiceError
from caudal.service.ingest import Accepted, Duplicate, Held, Ingest
from caudal.service.metrics import Metrics
from caudal.service.months.measures import Measures
from caudal.service.problem import Problem
from caudal.service.roles.actor import Actor
from caudal.service.settings.settings import CollectorEntry, ServiceSettings
from caudal.service.store.store import Store

_log = logging.getLogger(__name__)


class Intake:
    """Takes the batches of collectors. Safe to use from several threads: batches are stored one after the other."""

    def __init__(
        self,
        settings: ServiceSettings,
        store: Store,
        ingest: Ingest,
        measures: Measures,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._store = store
        self._ingest = ingest
        self._measures = measures
        self._metrics = metrics
        self._clock = clock
        self._quotas = QuotaBook(
            settings.quotas, {each.id: each.quotas for each in settings.collectors if each.quotas is not None}
        )
        # A batch is reviewed and stored in one turn: of two that are reviewed at once, each would find room for itself.
        self._turn = threading.Lock()

    def collector_of(self, actor: Actor) -> CollectorEntry:
        """Return the collector that sends; raise Problem 403 where its operator is none of the settings any more."""
        [operator] = actor.operators or ("",)
        if operator not in {each.id for each in self._settings.operators}:
            raise Problem(
                "forbidden",
                f"the key of {actor.name} is for operator {quoted(operator)}, which is not among the operators of the service any "
                "more; ask whoever runs it",
            )
        return CollectorEntry(id=actor.name, operator=operator)

    def refused(self, outcome: str) -> None:
        """Count a batch that was refused before it was read: "unauthorized", "forbidden" or "invalid"."""
        self._metrics.batches.labels(outcome).inc()

    def demand_quota(self, collector: CollectorEntry) -> None:
        """Return if a collector may send another batch now; count and raise QuotaExceeded otherwise."""
        try:
            self._quotas.demand(collector.id, self._clock())
        except QuotaExceeded:
            self.refused("quota")
            raise

    def enter_body(self, collector: CollectorEntry, body_bytes: int) -> None:
        """Count the bytes of a body that was read towards the quota of its collector."""
        self._quotas.enter(collector.id, self._clock(), body_bytes=body_bytes)

    def take(self, collector: CollectorEntry, body: bytes) -> Accepted | Held | Duplicate:
        """Store a batch, hold it for review, or say that it had been stored.

        Raises Problem where it must not be stored, ServiceError where it could not be: it may be sent again.
        """
        received_at = self._clock()
        try:
            batch = self._checked(collector, body, received_at)
        except Problem as problem:
            outcome = "forbidden" if problem.status == 403 else "refused"
            self._metrics.batches.labels(outcome if problem.kind != "invalid-batch" else "invalid").inc()
            _log.warning("batch of %s not stored: %s", collector.id, problem.detail)
            raise
        self._quotas.enter(collector.id, received_at, rows=batch.flows.num_rows + batch.ledger.num_rows)
        started = time.perf_counter()
        try:
            with self._turn:
                answer = self._ingest.store_batch(
                    batch, body, received_at, review(self._store, batch, self._settings)
                )
        except ServiceError:
            self._metrics.batches.labels("failed").inc()
            raise
        if isinstance(answer, Accepted):
            self._count_accepted(batch, answer, time.perf_counter() - started)
        elif isinstance(answer, Held):
            self._metrics.batches.labels("held").inc()
            _log.warning("batch of %s is held: %s", collector.id, answer.why)
        else:
            self._metrics.batches.labels("duplicate").inc()
        return answer

    def _count_accepted(self, batch: Batch, accepted: Accepted, seconds: float) -> None:
        self._metrics.batches.labels("accepted").inc()
        self._metrics.ingest_seconds.observe(seconds)
        self._metrics.rows.labels("flows").inc(batch.flows.num_rows)
        self._metrics.rows.labels("ledger").inc(batch.ledger.num_rows)
        self._metrics.last_accepted.set(accepted.received_at.timestamp())

    def _checked(self, collector: CollectorEntry, body: bytes, received_at: datetime) -> Batch:
        """Return the batch of a body; raise Problem where it does not read, is another's, or cannot be true."""
        try:
            batch = decode_batch(body, self._settings.admission.rows_per_batch)
        except BatchError as error:
            raise Problem("invalid-batch", str(error)) from error
        origin = batch.origin
        operator = self._settings.operator(collector.operator)
        for name, stated, allowed in (
            ("collector", origin.collector, collector.id),
            ("operator", origin.operator, operator.id),
            ("economy", origin.economy, operator.economy),
        ):
            if stated != allowed:
                raise Problem(
                    "forbidden",
                    f"the batch says {name} {quoted(stated)}, the token is for {name} {allowed!r}; "
                    "correct the settings of the collector or of the service",
                )
        try:
            admit(batch, received_at, self._settings.admission)
        except BatchRefused as error:
            raise Problem("batch-refused", str(error)) from error
        if origin.synthetic and not self._measures.may_be_synthetic(origin.economy):
            raise Problem(
                "batch-refused",
                f"the batch is synthetic and {origin.economy} is a real economy; synthetic traffic goes to XA only",
            )
        return batch
