"""Stores batches and carries out orders about them, one deed at a time."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from caudal.common.logline import quoted
from caudal.contract.batch import Batch
from caudal.service.errors import ChangeRefused, StoreError, StoreFull, StoreRefused
from caudal.service.ingest.journal import Deed, Journal
from caudal.service.ingest.outcomes import (
    ORDERS,
    Accepted,
    Changed,
    Duplicate,
    Held,
    Order,
    State,
    unknown_batch,
)
from caudal.service.ingest.record import months_of, read_kept, record_of, text
from caudal.service.ingest.space import Space, need_of
from caudal.service.ingest.writer import Writer
from caudal.service.migration.migration import load_migrations
from caudal.service.store.store import Store

_log = logging.getLogger(__name__)

# So often a deed is tried again that fails of a store that answers everything else; then it is set aside.
_MOST_FAILURES = 3
# How the statements of the migrations begin that make what a deed is set aside in.
_ASIDE = tuple(
    f"CREATE TABLE IF NOT EXISTS {table}" for table in ("batch_aside", "batch_change", "batch_body")
)
_STATES = {
    Order.retract: State.retracted,
    Order.restore: State.counted,
    Order.release: State.counted,
    Order.reject: State.rejected,
}


@dataclass(frozen=True)
class _Known:
    """The store's knowledge of a batch; `recorded` says whether it has its row in `batch`."""

    state: State
    received_at: datetime
    why: str
    recorded: bool


class Ingest:
    """Does deeds to the batches of one store, one at a time; the only writer of its fact tables.

    `space` says how much room there is; `clock` dates what is done.
    """

    def __init__(
        self,
        store: Store,
        space: Space | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._space = space or Space(0, lambda: None)
        self._clock = clock
        self._journal = Journal(store)
        self._writer = Writer(store)
        self._lock = threading.Lock()
        self._settled = False
        self._failures = 0
        self._last_aside = ""
        self._merging = threading.Lock()
        self._merges_stopped = False
        self._not_told = ""

    def store_batch(
        self, batch: Batch, body: bytes, received_at: datetime, held: str | None = None
    ) -> Accepted | Duplicate | Held:
        """Store a batch and return once it is durable, or say that it had been stored.

        `body` is what `batch` was decoded from; `received_at` is UTC-aware; `held` is why it is to wait for
        review, None where it counts at once. Raises StoreError, after which the same batch may be given again;
        StoreFull where there is no room for it.
        """
        received_at = received_at.replace(microsecond=0)
        # Whatever cannot be made of this batch fails here, before anything is written.
        record_of(batch, received_at)
        months = months_of(batch)
        with self._lock:
            self._settle()
            try:
                known = self._known(batch.id)
            except StoreError:
                self._not_told = batch.id
                raise
            self._not_told = ""
            if known is not None and known.state is not State.quarantined:
                self._keep_once(batch.id, body, known.received_at)
                return Duplicate(batch.id, known.received_at)
            self._keep_merges()
            self._space.demand(need_of(batch, body, len(months)))
            if known is not None and self._last_aside == batch.id:
                # It was tried often enough: its sender may go on with the next.
                self._last_aside = ""
                return Held(batch.id, known.received_at, f"set aside: {known.why}")
            if known is not None:
                return self._try_again(batch.id, known)
            self._keep_once(batch.id, body, received_at)
            name, state = ("store", State.counted) if held is None else ("hold", State.held)
            now = self._now()
            self._do(Deed(batch.id, name, state, 0, received_at, now, text(held or "")), batch)
            if held is None:
                return Accepted(batch.id, received_at)
            return Held(batch.id, received_at, held)

    def change(self, batch_id: str, order: Order, reason: str, subject: str = "") -> Changed:
        """Carry out an order about a batch; return once it is durable.

        Raises NotFound for an unknown batch, ChangeRefused where its state does not allow the order or its body was
        not kept, StoreError where it is not certain whether it was carried out.
        """
        with self._lock:
            self._settle()
            known = self._known(batch_id)
            if known is None:
                raise unknown_batch(batch_id)
            if order not in ORDERS[known.state]:
                allowed = " or ".join(ORDERS[known.state])
                raise ChangeRefused(f"the batch is {known.state}: it takes {allowed}, not {order}")
            try:
                batch = self._kept(batch_id)
            except ChangeRefused:
                if known.state is not State.quarantined or order is not Order.reject:
                    raise
                return self._write_off(batch_id, text(reason), text(subject))
            deed = self._deed(batch_id, known, order, text(reason), text(subject), batch)
            self._do(deed, batch)
            after = self._known(batch_id)
            state = after.state if after is not None else deed.state
            return Changed(batch_id, batch.origin.economy, state, months_of(batch))

    def recover(self) -> bool:
        """Finish the deed that a kill interrupted; return whether there was one.

        To be called before the store is migrated: how far it came is told by the tables as they were. What
        cannot be finished is set aside, so that the service starts.
        """
        with self._lock:
            if not self._journal.exists():
                return False
            self._failures = _MOST_FAILURES
            return self._settle()

    def check_answers(self) -> None:
        """Return if the store tells what it did not tell of the last batch; raise StoreError otherwise.

        A part that cannot be read spoils the questions that need it and no others: that the store answers at all does
        not say that it takes batches.
        """
        if batch_id := self._not_told:
            self._known(batch_id)

    def quarantined(self) -> int:
        """Return the number of batches that wait because something could not be done to them."""
        return int(
            self._store.value(
                "SELECT count() FROM (SELECT batch_id FROM batch_change GROUP BY batch_id "
                "HAVING argMax(state, number) = 'quarantined')"
            )
        )

    def short_of_space(self) -> int | None:
        """Return the bytes of disk missing to the reserve; None where none are."""
        self._keep_merges()
        return self._space.short()

    def _keep_merges(self) -> None:
        """Have the engine merge while there is the reserve, and not below it.

        A merge onto a disk that fills up meanwhile may leave an empty part in place of those it merged.
        """
        with self._merging:
            short = self._space.short() is not None
            if short != self._merges_stopped:
                self._store.command(f"SYSTEM {'STOP' if short else 'START'} MERGES")
                self._merges_stopped = short
                _log.warning(
                    "the disk of the store is below its reserve: nothing is merged until there is room"
                    if short
                    else "the disk of the store has its reserve again: merging goes on"
                )

    def _deed(
        self, batch_id: str, known: _Known, order: Order, reason: str, subject: str, batch: Batch
    ) -> Deed:
        number, now = self._journal.next_number(), self._now()
        if known.state is not State.quarantined:
            state = _STATES[order]
            return Deed(batch_id, order.value, state, number, known.received_at, now, reason, subject)
        aside = self._journal.aside(batch_id)
        assert aside is not None
        if order is Order.retry:
            return replace(aside, number=number, changed_at=now, reason=reason, subject=subject)
        if aside.name not in ("store", "hold"):
            raise ChangeRefused(
                f"what could not be finished is to {aside.name} the batch; retry that, and then go on from there"
            )
        # What the deed had written is taken out; what it had not is left.
        untouched = self._writer.partitions(aside, batch) - aside.present
        undo = replace(aside, name="undo", state=State.rejected, number=number, present=untouched)
        return replace(undo, changed_at=now, reason=reason, subject=subject)

    def _write_off(self, batch_id: str, reason: str, subject: str) -> Changed:
        """Reject what nobody can read: what parts of it were written stays."""
        aside = self._journal.aside(batch_id)
        assert aside is not None
        number = self._journal.next_number()
        deed = replace(aside, name="reject", state=State.rejected, number=number, changed_at=self._now())
        economy = self._store.value(
            "SELECT economy FROM batch_aside WHERE batch_id = {id:String} LIMIT 1", {"id": batch_id}
        )
        self._journal.note(replace(deed, reason=reason, subject=subject), str(economy))
        return Changed(batch_id, str(economy), State.rejected, ())

    def _do(self, deed: Deed, batch: Batch) -> None:
        self._settled = False
        self._failures = 0
        begun = self._journal.begin(deed)
        self._writer.write(begun, batch, begun.present, first=True)
        self._finish(begun, batch)

    def _try_again(self, batch_id: str, known: _Known) -> Accepted:
        """Have another try at a quarantined batch, since it was sent again."""
        batch = self._kept(batch_id)
        self._do(self._deed(batch_id, known, Order.retry, "sent again", "", batch), batch)
        return Accepted(batch_id, known.received_at)

    def _settle(self) -> bool:
        """Finish the deed that was begun, or set it aside; say whether there was one."""
        if self._settled:
            return False
        deed = self._journal.open()
        if deed is not None:
            try:
                self._complete(deed)
            except (StoreFull, StoreRefused) as error:
                self._set_aside(deed, error)
            except StoreError as error:
                self._failures += 1
                if self._failures < _MOST_FAILURES:
                    raise
                self._set_aside(deed, error)
            except Exception as error:  # noqa: BLE001
                # Whatever is the matter with one batch, it is no matter of the others.
                self._set_aside(deed, error)
        self._settled = True
        self._failures = 0
        return deed is not None

    def _complete(self, deed: Deed) -> None:
        recorded = self._recorded(deed.batch_id)
        if recorded and (deed.name == "store" or self._journal.noted(deed)):
            self._journal.clear()
            return
        if not self._store.embedded:
            # A statement whose connection broke may still be running there.
            self._store.command(
                "KILL QUERY WHERE query_kind = 'Insert' AND current_database = currentDatabase() SYNC"
            )
        batch = read_kept(deed.body or self._body(deed.batch_id))
        self._writer.write(deed, batch, self._journal.written(deed), first=False)
        self._finish(deed, batch)

    def _finish(self, deed: Deed, batch: Batch) -> None:
        if deed.number or deed.name != "store":
            self._journal.note(deed, text(batch.origin.economy))
        if deed.name in ("store", "hold") or not self._recorded(batch.id):
            self._store.insert("batch", record_of(batch, deed.received_at), token=batch.id)
        self._journal.clear()
        self._settled = True

    def _set_aside(self, deed: Deed, error: Exception) -> None:
        why = text(str(error).strip() or type(error).__name__)
        _log.error("batch %s is set aside: %s", quoted(deed.batch_id), why)
        sender = ("", "", "")
        try:
            origin = read_kept(deed.body or self._body(deed.batch_id)).origin
            sender = (text(origin.economy), text(origin.operator), text(origin.collector))
        except StoreError:
            raise
        except Exception:  # noqa: BLE001
            _log.error("batch %s cannot be read; who sent it is not known", quoted(deed.batch_id))
        # A store of before has nowhere to put it yet.
        for statement in (each for migration in load_migrations() for each in migration.statements):
            if statement.startswith(_ASIDE):
                self._store.command(statement)
        self._journal.set_aside(deed, sender, why)
        self._last_aside = deed.batch_id

    def _known(self, batch_id: str) -> _Known | None:
        found = self._store.frame(
            "SELECT (SELECT toUInt32(max(received_at)) FROM batch WHERE batch_id = {id:String}) AS recorded, "
            "(SELECT toUInt32(max(received_at)) FROM batch_aside WHERE batch_id = {id:String}) AS aside, "
            "(SELECT argMax(state, number) FROM batch_change WHERE batch_id = {id:String}) AS state, "
            "(SELECT argMax(reason, number) FROM batch_change WHERE batch_id = {id:String}) AS why",
            {"id": batch_id},
        ).row(0, named=True)
        if not found["recorded"] and not found["aside"]:
            return None
        return _Known(
            State(found["state"] or State.counted),
            datetime.fromtimestamp(found["recorded"] or found["aside"], UTC),
            found["why"] or "",
            bool(found["recorded"]),
        )

    def _recorded(self, batch_id: str) -> bool:
        return bool(
            self._store.value("SELECT count() FROM batch WHERE batch_id = {id:String}", {"id": batch_id})
        )

    def _keep_once(self, batch_id: str, body: bytes, received_at: datetime) -> None:
        known = "SELECT count() FROM batch_body WHERE batch_id = {id:String}"
        if not self._store.value(known, {"id": batch_id}):
            self._journal.keep(batch_id, body, received_at)

    def _body(self, batch_id: str) -> bytes:
        body = self._journal.body(batch_id)
        if body is None:
            raise ChangeRefused(
                "the body of the batch was not kept by the version that stored it; have its collector send it again, "
                "then repeat this"
            )
        return body

    def _kept(self, batch_id: str) -> Batch:
        body = self._body(batch_id)
        try:
            return read_kept(body)
        except Exception as error:
            raise ChangeRefused(
                f"the body that was kept cannot be read ({text(error)}); all that can be done is to reject it"
            ) from error

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)
