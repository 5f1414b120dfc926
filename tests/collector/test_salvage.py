"""Of a refused batch the honest rest is sent, whatever the service minds; nothing is counted twice."""

import hashlib
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from caudal.collector.deliver.delivery import Outcome
from caudal.collector.deliver.salvage import salvage
from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.contract.batch import FLOWS, LEDGER, BatchOrigin, decode_batch, encode_batch, schema
from tests.support.patience import PATIENCE_SECONDS

ORIGIN = BatchOrigin("xa-1", "demo-net", "XA", "2026-11-21T12:00:00+00:00", "0f" * 16 + "-7", "caudal test")
_KEYS = {
    "direction": "out", "remote_country": "US", "location_rung": "database", "service": "", "transport": "tcp",
    "sampling_from": "record", "exporter": "edge", "folded": False, "site": "", "window_start": 1_767_225_600,
}  # fmt: skip
HUGE = 1 << 62


def batch(octets: list[int], received: list[int]) -> bytes:
    tables = []
    for columns, name, values in ((FLOWS, "bytes", octets), (LEDGER, "received", received)):
        rows = [
            {column.name: _KEYS.get(column.name, 0) for column in columns} | {name: value} for value in values
        ]
        tables.append(pa.Table.from_pylist(rows, schema=schema(columns)))
    return encode_batch(ORIGIN, *tables)


class Service:
    """Refuses what holds a huge count; knows what it has."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.requests = 0
        self.busy_at = -1

    def send(self, body: bytes) -> Outcome:
        self.requests += 1
        if self.requests == self.busy_at:
            return Outcome.NOT_NOW
        read = decode_batch(body)
        counts = read.flows["bytes"].to_pylist() + read.ledger["received"].to_pylist()
        if any(count >= HUGE for count in counts):
            return Outcome.REFUSED
        self.taken[read.id] = body
        return Outcome.TAKEN

    @property
    def counts(self) -> tuple[list[int], list[int]]:
        read = [decode_batch(body) for body in self.taken.values()]
        flows = [count for each in read for count in each.flows["bytes"].to_pylist()]
        ledger = [count for each in read for count in each.ledger["received"].to_pylist()]
        return sorted(flows), sorted(ledger)


@pytest.mark.parametrize("bad", [[0], [17], [99], [3, 4, 70]])
def test_all_but_the_rows_that_cannot_be_are_taken(bad: list[int]) -> None:
    octets = [HUGE + at if at in bad else at for at in range(100)]
    service = Service()
    found = salvage(batch(octets, [1, 2, 3]), service.send)
    assert (found.outcome, found.rows_taken) == (Outcome.TAKEN, 103 - len(bad))
    assert service.counts == (sorted(set(range(100)) - set(bad)), [1, 2, 3])
    rest = decode_batch(found.rest)
    assert sorted(rest.flows["bytes"].to_pylist()) == [HUGE + at for at in bad]
    assert rest.ledger.num_rows == 0


def test_a_ledger_that_cannot_be_does_not_cost_the_flows() -> None:
    service = Service()
    found = salvage(batch([5, 6], [1, HUGE]), service.send)
    assert service.counts == ([5, 6], [1])
    assert decode_batch(found.rest).ledger["received"].to_pylist() == [HUGE]


def test_done_again_it_is_the_same_parts() -> None:
    """The service was busy in between, or the collector was killed: what was taken is recognised."""
    body = batch([HUGE, *range(40)], [1])
    service = Service()
    service.busy_at = 5
    assert salvage(body, service.send).outcome is Outcome.NOT_NOW
    assert salvage(body, service.send).outcome is Outcome.TAKEN
    assert service.counts == (list(range(40)), [1])


def test_what_is_refused_as_a_whole_is_not_tried_for_ever() -> None:
    service = Service()
    found = salvage(batch([HUGE] * 1000, [HUGE] * 1000), service.send)
    assert (found.outcome, found.rest) == (Outcome.REFUSED, b"")
    assert service.requests == 16


def test_what_cannot_be_read_is_left_alone() -> None:
    assert salvage(b"no batch", Service().send).outcome is Outcome.REFUSED


def test_a_shipper_sends_the_rest_and_sets_aside_what_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.open()
    spool.put(batch([HUGE, 1, 2], [4]))
    spool.put(batch([8], [9]))
    service = Service()

    def answer(request: httpx.Request) -> httpx.Response:
        if service.send(request.content) is Outcome.TAKEN:
            return httpx.Response(201, json={"batch_id": hashlib.sha256(request.content).hexdigest()})
        return httpx.Response(422, json={"detail": "column bytes cannot be"})

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://service")
    with Shipper(spool, client, look_seconds=0.005, first_wait_seconds=0.001) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert service.counts == ([1, 2, 8], [4, 9])
    assert (one.shipped, one.refused) == (1, 1)
    (aside,) = spool.refused.iterdir()
    assert decode_batch(aside.read_bytes()).flows["bytes"].to_pylist() == [HUGE]
    # Sent again once the service takes it, nothing is there twice.
    assert spool.take_back() == 1
    assert spool.segments()
