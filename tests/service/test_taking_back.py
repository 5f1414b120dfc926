"""Batches are retracted and restored, held, released and rejected: as if they had never come, or always been there."""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from caudal.contract.batch import batch_id, decode_batch
from caudal.service.errors import ChangeRefused, NotFound, StoreError
from caudal.service.ingest import Accepted, Changed, Duplicate, Held, Ingest, Order, State
from caudal.service.queries import months_with_data
from caudal.service.queries.batches import BatchQuery, batches, changes
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, random_batch

from .conftest import clear
from .snapshot import snapshot
from .test_ingest import Broken

pytestmark = pytest.mark.slow

BATCHES = int(os.environ.get("CAUDAL_TAKING_BACK_BATCHES", "200"))
KEPT, OTHER = random_batch(1, rows=60), random_batch(2, rows=60, months=7, operator="other-net", economy="UY")
# Each month is asked after in several questions: where an order breaks off at every statement, two months are enough.
FEW, OTHERS = (
    random_batch(seed, rows=40, months=2, operator=operator, economy=economy)
    for seed, operator, economy in ((1, "demo-net", "XA"), (2, "other-net", "UY"))
)


@pytest.fixture(autouse=True)
def _empty(store: Store) -> None:
    clear(store)


def ingest(store: Store) -> Ingest:
    return Ingest(store, clock=lambda: NOW)


def put(store: Store, *bodies: bytes, held: str | None = None) -> Any:
    return [ingest(store).store_batch(decode_batch(body), body, NOW, held) for body in bodies][-1]


def change(store: Store, body: bytes, order: Order) -> Changed:
    return ingest(store).change(batch_id(body), order, "because of a test", "tester")


def state_of(store: Store, body: bytes) -> State:
    [row] = batches(store, BatchQuery(batch_id=batch_id(body)))[0]
    return row.state


def test_retracted_it_never_was_and_restored_it_always_was(store: Store) -> None:
    put(store, KEPT)
    never = snapshot(store)
    put(store, OTHER)
    always = snapshot(store)
    assert always["economies"] != never["economies"]
    for merged in (False, True):
        changed = change(store, OTHER, Order.retract)
        assert changed.state is State.retracted
        assert changed.months[0] == "2026-08"
        assert len(changed.months) >= 7
        assert snapshot(store) == never
        assert months_with_data(store, "UY") == []
        if merged:
            for table in ("flow_hour", "flow_day", "flow_month", "ledger_day"):
                store.command(f"OPTIMIZE TABLE {table} FINAL")
            assert snapshot(store) == never
        change(store, OTHER, Order.restore)
        assert snapshot(store) == always


def test_variance_is_taken_back_to_the_last_unit(store: Store) -> None:
    """As floating point numbers, (a + b) - b is not a."""
    small, large = (
        batch([{"bytes_variance": variance}], sequence=f"{variance:.0f}") for variance in (12345.678, 1e30)
    )
    put(store, small)
    before = snapshot(store)
    put(store, large)
    change(store, large, Order.retract)
    assert snapshot(store) == before
    assert before["flow_month"][0][-1] == "12345"


def test_at_any_age(store: Store) -> None:
    """The windows are long gone, and the months closed."""
    put(store, KEPT)
    never = snapshot(store)
    long_ago = datetime(1970, 1, 2, tzinfo=UTC)
    Ingest(store).store_batch(decode_batch(OTHER), OTHER, long_ago)
    store.command("OPTIMIZE TABLE flow_window FINAL")
    store.command("OPTIMIZE TABLE ledger_window FINAL")
    assert snapshot(store)["flow_window"] == never["flow_window"]
    change(store, OTHER, Order.retract)
    assert snapshot(store) == never
    change(store, OTHER, Order.restore)
    store.command("OPTIMIZE TABLE flow_window FINAL")
    assert snapshot(store)["flow_window"] == never["flow_window"]
    assert months_with_data(store, "UY")[0] == "2026-08"


def test_held_counts_nowhere_until_it_is_released(store: Store) -> None:
    put(store, KEPT)
    never = snapshot(store)
    assert put(store, OTHER, held="more than the operator can carry") == Held(
        batch_id(OTHER), NOW.replace(microsecond=0), "more than the operator can carry"
    )
    assert snapshot(store) == never
    assert state_of(store, OTHER) is State.held
    assert isinstance(put(store, OTHER), Duplicate)
    assert snapshot(store) == never
    change(store, OTHER, Order.release)
    released = snapshot(store)
    clear(store)
    put(store, KEPT, OTHER)
    assert snapshot(store) == released


def test_rejected_ends_it_and_may_be_thought_better_of(store: Store) -> None:
    put(store, KEPT)
    never = snapshot(store)
    put(store, OTHER, held="odd")
    assert change(store, OTHER, Order.reject).state is State.rejected
    assert snapshot(store) == never
    assert isinstance(put(store, OTHER), Duplicate)
    assert change(store, OTHER, Order.restore).state is State.counted
    assert snapshot(store) != never


@pytest.mark.parametrize(
    ("held", "orders", "refused"),
    [
        (None, (), Order.restore),
        (None, (), Order.release),
        (None, (), Order.reject),
        (None, (), Order.retry),
        (None, (Order.retract,), Order.retract),
        ("odd", (), Order.retract),
        ("odd", (Order.release,), Order.release),
        ("odd", (Order.reject,), Order.reject),
    ],
)
def test_an_order_that_the_state_does_not_take(
    store: Store, held: str | None, orders: tuple[Order, ...], refused: Order
) -> None:
    put(store, OTHER, held=held)
    for order in orders:
        change(store, OTHER, order)
    before = snapshot(store), len(changes(store, batch_id(OTHER)))
    with pytest.raises(ChangeRefused, match="it takes"):
        change(store, OTHER, refused)
    assert (snapshot(store), len(changes(store, batch_id(OTHER)))) == before


def test_an_unknown_batch(store: Store) -> None:
    with pytest.raises(NotFound, match="there is no batch"):
        change(store, OTHER, Order.retract)


def test_what_was_stored_before_bodies_were_kept_is_sent_again_first(store: Store) -> None:
    put(store, KEPT)
    never = snapshot(store)
    put(store, OTHER)
    store.command("TRUNCATE TABLE batch_body")
    with pytest.raises(ChangeRefused, match="have its collector send it again"):
        change(store, OTHER, Order.retract)
    assert isinstance(put(store, OTHER), Duplicate)
    change(store, OTHER, Order.retract)
    assert snapshot(store) == never


def test_what_was_done_is_written_down(store: Store) -> None:
    put(store, OTHER, held="odd")
    change(store, OTHER, Order.release)
    change(store, OTHER, Order.retract)
    said = [(each.deed, each.state, each.reason, each.subject) for each in changes(store, batch_id(OTHER))]
    assert said == [
        ("hold", State.held, "odd", ""),
        ("release", State.counted, "because of a test", "tester"),
        ("retract", State.retracted, "because of a test", "tester"),
    ]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "orders", [(Order.retract,), (Order.retract, Order.restore), (Order.release,), (Order.reject,)]
)
def test_broken_off_at_any_statement(store: Store, orders: tuple[Order, ...], after: bool) -> None:
    """Whatever statement an order breaks off at, it is carried out before anything else is, and once."""
    held = "odd" if orders[0] in (Order.release, Order.reject) else None
    put(store, FEW)
    put(store, OTHERS, held=held)
    for order in orders[:-1]:
        change(store, OTHERS, order)
    start, states = snapshot(store), {Order.retract: 0, Order.restore: 1, Order.release: 1, Order.reject: 0}
    order, undo = orders[-1], Order.restore if states[orders[-1]] == 0 else Order.retract
    for nth in count(1):
        broken = Ingest(Broken(store, nth, after), clock=lambda: NOW)
        try:
            broken.change(batch_id(OTHERS), order, "because of a test")
        except StoreError as error:
            assert "broken off" in str(error)
        else:
            break
        # The next one to come finishes it, if it was begun.
        recovered = ingest(store)
        recovered.recover()
        assert store.value("SELECT count() FROM batch_pending") == 0
        present = bool(months_with_data(store, "UY"))
        if present != bool(states[order]) or state_of(store, OTHERS) is State.held:
            assert snapshot(store) == start, nth
            assert nth <= 2, "only before it is in the journal may it not be carried out"
            continue
        clear(store)
        put(store, FEW)
        put(store, OTHERS, held=held)
        for each in orders[:-1]:
            change(store, OTHERS, each)
    assert nth > 3
    done = snapshot(store)
    change(store, OTHERS, undo)
    change(store, OTHERS, Order.restore if undo is Order.retract else Order.retract)
    assert snapshot(store) == done


def test_at_random_with_kills_among_many_batches(store: Store) -> None:
    """In the end every table is that of a store that had only what is counted, once, and no accident."""
    lot = random.Random(20261130)
    bodies = [
        random_batch(
            seed,
            rows=lot.randrange(1, 40),
            months=lot.choice([1, 2, 6]),
            operator=lot.choice(["demo-net", "b-net"]),
        )
        for seed in range(BATCHES)
    ]
    counted: dict[str, bytes] = {}
    known: dict[str, tuple[bytes, State]] = {}
    killed = 0

    def attempt(deed: Callable[[Ingest], object]) -> None:
        nonlocal killed
        fatal = lot.random() < 0.3
        doing = Ingest(Broken(store, lot.randrange(1, 20), lot.random() < 0.5), clock=lambda: NOW)
        try:
            deed(doing if fatal else ingest(store))
        except StoreError as error:
            assert "broken off" in str(error)
            killed += 1
            ingest(store).recover()

    waiting = list(bodies)
    steps = 0
    while waiting or steps < 2 * BATCHES:
        steps += 1
        if waiting and (lot.random() < 0.6 or not known):
            body = waiting.pop()
            held = "odd" if lot.random() < 0.15 else None
            attempt(lambda one, body=body, held=held: one.store_batch(decode_batch(body), body, NOW, held))  # type: ignore[misc]
            # As its collector would, until it is acknowledged.
            ingest(store).store_batch(decode_batch(body), body, NOW, held)
            known[batch_id(body)] = (body, State.held if held else State.counted)
        else:
            chosen = lot.choice(sorted(known))
            body, state = known[chosen]
            order = {
                State.counted: Order.retract,
                State.retracted: Order.restore,
                State.rejected: Order.restore,
                State.held: lot.choice([Order.release, Order.reject]),
            }[state]
            attempt(lambda one, chosen=chosen, order=order: one.change(chosen, order, "at random", "lot"))  # type: ignore[misc]
            known[chosen] = (body, state_of(store, body))
        if steps % 50 == 0:
            store.command(
                f"OPTIMIZE TABLE {lot.choice(['flow_hour', 'flow_month', 'ledger_day', 'flow_window'])} FINAL"
            )
    counted = {name: body for name, (body, state) in known.items() if state is State.counted}
    assert killed > BATCHES // 10
    assert 0 < len(counted) < BATCHES
    assert store.value("SELECT count() FROM batch_pending") == 0
    found = snapshot(store)
    clear(store)
    for body in counted.values():
        assert isinstance(ingest(store).store_batch(decode_batch(body), body, NOW), Accepted)
    expected = snapshot(store)
    for name in expected:
        assert found[name] == expected[name], name
