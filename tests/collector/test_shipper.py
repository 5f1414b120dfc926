"""Shipping: what leaves the spool, and what never does."""

import base64
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Segment, Spool
from tests.support.patience import PATIENCE_SECONDS

TOKEN = "secret-token-of-xa-1"
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    opened = Spool(tmp_path / "spool")
    opened.open()
    return opened


def batch_id(request: httpx.Request) -> str:
    return hashlib.sha256(request.content).hexdigest()


def accepted(request: httpx.Request) -> httpx.Response:
    return httpx.Response(201, json={"batch_id": batch_id(request), "outcome": "accepted"})


class Service:
    """Gives one answer after the other, then accepts; remembers what came."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return next(self._answers, accepted)(request)

    @property
    def bodies(self) -> list[bytes]:
        return [request.content for request in self.requests]


def shipper(spool: Spool, service: Answer) -> Shipper:
    client = httpx.Client(
        transport=httpx.MockTransport(service),
        base_url="http://service",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    return Shipper(spool, client, look_seconds=0.005, first_wait_seconds=0.001, longest_wait_seconds=0.01)


def fails(error: Exception) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def says(status: int, **content: object) -> Answer:
    return lambda request: httpx.Response(status, **content)  # type: ignore[arg-type]


def test_batches_are_shipped_in_order_and_leave_the_spool(spool: Spool) -> None:
    bodies = [b"one", b"two", b"three"]
    for body in bodies:
        spool.put(body)
    service = Service()
    with shipper(spool, service) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert service.bodies == bodies
    assert (one.shipped, one.refused, one.failures) == (3, 0, 0)
    assert spool.segments() == []


def test_what_a_request_says(spool: Spool) -> None:
    spool.put(b"body")
    service = Service()
    with shipper(spool, service) as one:
        assert one.drain(PATIENCE_SECONDS)
    (request,) = service.requests
    assert (request.method, request.url.path) == ("POST", "/v1/batches")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    digest = base64.b64encode(hashlib.sha256(b"body").digest()).decode()
    assert request.headers["Content-Digest"] == f"sha-256=:{digest}:"


def test_a_batch_the_service_had_before_is_done(spool: Spool) -> None:
    spool.put(b"body")
    duplicate = Service(
        lambda request: httpx.Response(200, json={"batch_id": batch_id(request), "outcome": "duplicate"})
    )
    with shipper(spool, duplicate) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert (one.shipped, len(duplicate.requests)) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        says(500, text="oops"),
        says(503, json={"detail": "the store does not answer"}),
        says(400, json={"detail": "the body was damaged on its way"}),
        says(401, json={"detail": "a bearer token is needed"}),
        says(403, json={"detail": "the token does not allow this"}),
        says(404, text="not found"),
        says(429, text="slow down"),
        says(429, text="slow down", headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        says(507, json={"detail": "the disk is full"}, headers={"Retry-After": "3600"}),
        says(202, json={"batch_id": "0" * 64, "outcome": "held"}),
        says(301, headers={"Location": "http://elsewhere/"}),
        says(200, text="<html><h1>Welcome to the hotel's network</h1></html>", headers={"Content-Type": "text/html"}),
        says(201, content=b"\xff\xfe garbage"),
        says(200, json={"batch_id": "0" * 64}),
        says(200, json=["not", "an", "object"]),
        says(200, json={}),
        says(413, text="<html>413 Request Entity Too Large</html>"),
        fails(httpx.ConnectError("refused")),
        fails(httpx.ReadTimeout("timed out")),
        fails(httpx.RemoteProtocolError("garbage")),
    ],
    ids=[
        "500", "503", "400", "401", "403", "404", "429", "429 until", "507", "202 of another", "redirect", "proxy's page", "garbage", "another batch",
        "list", "empty object", "proxy's 413", "no connection", "timeout", "no HTTP",
    ],
)  # fmt: skip
def test_what_is_not_the_services_acknowledgement_keeps_the_batch_and_is_tried_again(
    spool: Spool, answer: Answer
) -> None:
    spool.put(b"body")
    there = []

    def again(request: httpx.Request) -> httpx.Response:
        there.append(len(spool.segments()))
        return answer(request)

    service = Service(again, again, again)
    with shipper(spool, service) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert there == [1, 1, 1]
    assert service.bodies == [b"body"] * 4
    assert (one.shipped, one.failures, one.refused) == (1, 3, 0)


@pytest.mark.parametrize("status", [413, 415, 422])
def test_what_the_service_will_never_take_is_set_aside(
    spool: Spool, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    spool.put(b"bad")
    spool.put(b"good")
    service = Service(
        says(status, json={"title": "The batch must not be stored", "detail": "column 3 is wrong"})
    )
    with caplog.at_level(logging.ERROR), shipper(spool, service) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert service.bodies == [b"bad", b"good"]
    assert (one.shipped, one.refused) == (1, 1)
    assert [path.read_bytes() for path in spool.refused.iterdir()] == [b"bad"]
    assert "column 3 is wrong" in caplog.text


def test_a_batch_that_is_held_for_review_is_taken(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    """The service has it: sending it again would not make it count."""
    spool.put(b"much")
    spool.put(b"good")

    def held(request: httpx.Request) -> httpx.Response:
        content = {"batch_id": batch_id(request), "outcome": "held", "detail": "more than its links carry"}
        return httpx.Response(202, json=content)

    service = Service(held)
    with caplog.at_level(logging.WARNING), shipper(spool, service) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert service.bodies == [b"much", b"good"]
    assert (one.shipped, one.held, one.refused, one.failures) == (2, 1, 0, 0)
    assert "for review; it counts once the regulator releases it: more than its links carry" in caplog.text
    assert one.last_error == "the service holds a batch for review: more than its links carry"


@pytest.mark.parametrize("status", [429, 503])
def test_nothing_is_sent_before_the_time_that_the_service_asks_for(spool: Spool, status: int) -> None:
    for body in (b"one", b"two"):
        spool.put(body)
    clock = Clock()
    service = Service(says(status, json={"detail": "enough"}, headers={"Retry-After": "1800"}))
    one = stepped(spool, service, clock)
    assert one._step() >= 1800
    assert one.waiting_seconds == 1800
    clock.now += 1799
    assert one._step() == 1
    assert service.bodies == [b"one"]
    clock.now += 1
    for _ in range(3):
        one._step()
    assert service.bodies == [b"one", b"one", b"two"]
    assert (one.shipped, one.set_back, one.waiting_seconds) == (2, 0, 0)


def test_no_service_makes_it_wait_for_days(spool: Spool) -> None:
    spool.put(b"one")
    one = stepped(spool, says(429, headers={"Retry-After": "999999999"}), Clock())
    assert 3600 <= one._step() < 3601


def test_a_quota_never_sets_a_batch_back(spool: Spool) -> None:
    """Others that are taken in between say nothing about this one: the hour was over."""
    spool.put(b"one")
    clock = Clock()
    one = stepped(spool, Service(*[says(429, text="enough")] * 20), clock)
    for _ in range(20):
        one._step()
        clock.now += 1
    assert not one._turns or all(turn.tries == 0 for turn in one._turns.values())


def test_a_damaged_batch_is_set_aside_and_the_next_shipped(spool: Spool) -> None:
    spool.put(b"one").path.write_bytes(b"onE")
    spool.put(b"two")
    service = Service()
    with shipper(spool, service) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert service.bodies == [b"two"]
    assert (one.shipped, one.damaged) == (1, 1)
    assert len(list(spool.damaged.iterdir())) == 1


def test_a_spool_that_cannot_be_read_for_a_while(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread goes on: a batch that cannot be read now is shipped later."""
    read, refusals = spool.read, iter([OSError(5, "Input/output error")] * 2)

    def reads(segment: object) -> bytes | None:
        for error in refusals:
            raise error
        return read(segment)  # type: ignore[arg-type]

    monkeypatch.setattr(spool, "read", reads)
    spool.put(b"body")
    with shipper(spool, Service()) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert (one.shipped, one.failures) == (1, 2)


def test_stopping_while_the_service_is_away_leaves_the_batch(spool: Spool) -> None:
    spool.put(b"body")
    asked = threading.Event()

    def away(request: httpx.Request) -> httpx.Response:
        asked.set()
        raise httpx.ConnectError("refused")

    with shipper(spool, away) as one:
        assert asked.wait(PATIENCE_SECONDS)
        assert not one.drain(0.02)
    assert [spool.read(segment) for segment in spool.segments()] == [b"body"]
    with shipper(spool, Service()) as one:
        assert one.drain(PATIENCE_SECONDS)
    assert spool.segments() == []


def test_pauses_grow_up_to_a_bound(spool: Spool) -> None:
    one = Shipper(spool, httpx.Client(timeout=PATIENCE_SECONDS), first_wait_seconds=1, longest_wait_seconds=8)
    pauses = []
    for failures in (0, 1, 2, 3, 10, 2000):
        one._failed_in_a_row = failures
        pauses.append(one.waiting_seconds)
    assert pauses == [0, 1, 2, 4, 8, 8]


class Clock:
    """Time that stands still unless it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def stepped(spool: Spool, service: Answer, clock: Clock, **waits: float) -> Shipper:
    """A shipper that the test moves step by step, without its thread."""
    client = httpx.Client(transport=httpx.MockTransport(service), base_url="http://service")
    return Shipper(
        spool, client, clock=clock, **{"first_wait_seconds": 1, "longest_wait_seconds": 60} | waits
    )


def test_a_batch_that_always_fails_does_not_hold_up_the_others(spool: Spool) -> None:
    bodies = [b"poison", b"two", b"three"]
    for body in bodies:
        spool.put(body)
    posted: list[bytes] = []

    def service(request: httpx.Request) -> httpx.Response:
        posted.append(request.content)
        return httpx.Response(500, text="oops") if request.content == b"poison" else accepted(request)

    clock = Clock()
    one = stepped(spool, service, clock)
    while one.shipped < 2:
        clock.now += one._step()
    assert posted == [b"poison"] * 3 + [b"two", b"poison", b"three"]
    assert clock.now < 15
    assert one.set_back == 1
    # From now on it is tried ever more rarely, and what comes goes at once.
    for pause in (60, 120, 240):
        spool.put(b"more %d" % pause)
        clock.now += pause - 1
        one._step()
        assert posted[-1] == b"more %d" % pause
        clock.now += 1
        spool.put(b"other %d" % pause)
        one._step()
        assert posted[-2:] == [b"poison", b"other %d" % pause]
    assert [spool.read(segment) for segment in spool.segments()] == [b"poison"]


def test_a_service_that_was_away_for_long_gets_batches_in_their_order(spool: Spool) -> None:
    bodies = [b"%d" % n for n in range(5)]
    for body in bodies:
        spool.put(body)
    posted: list[bytes] = []
    away = True

    def service(request: httpx.Request) -> httpx.Response:
        if away:
            return httpx.Response(503, text="not now")
        posted.append(request.content)
        return accepted(request)

    clock = Clock()
    one = stepped(spool, service, clock)
    for _ in range(8):
        clock.now += one._step()
    away = False
    while spool.segments():
        clock.now += one._step()
    assert sorted(posted) == bodies
    assert posted[1:] == [body for body in bodies if body != posted[0]]
    assert one.set_back == 0


def test_a_batch_that_cannot_be_read_does_not_hold_up_the_others(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = spool.put(b"one")
    spool.put(b"two")
    read = spool.read

    def reads(segment: Segment) -> bytes | None:
        if segment == first:
            raise OSError(5, "Input/output error")
        return read(segment)

    monkeypatch.setattr(spool, "read", reads)
    service = Service()
    one = stepped(spool, service, clock := Clock())
    while not one.shipped:
        clock.now += one._step()
    assert service.bodies == [b"two"]
    assert "Input/output error" in one.last_error


def test_another_client_is_used_at_once(spool: Spool) -> None:
    spool.put(b"body")
    asked = threading.Event()

    def away(request: httpx.Request) -> httpx.Response:
        asked.set()
        raise httpx.ConnectError("refused")

    client = httpx.Client(transport=httpx.MockTransport(away), base_url="http://old")
    with Shipper(spool, client, first_wait_seconds=3600, longest_wait_seconds=3600) as one:
        assert asked.wait(PATIENCE_SECONDS)
        service = Service()
        one.use(httpx.Client(transport=httpx.MockTransport(service), base_url="http://new"))
        assert one.drain(PATIENCE_SECONDS)
    assert [request.url.host for request in service.requests] == ["new"]
    assert client.is_closed


def test_the_log_does_not_say_the_same_again_and_again(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    spool.put(b"body")
    one = stepped(spool, says(503, json={"detail": "not now"}), clock := Clock())
    for _ in range(20):
        one._step()
        clock.now += 1
    assert caplog.text.count("not now") == 1
    clock.now += 60
    one._step()
    assert caplog.text.count("not now") == 2
    assert one.failures == 21


def test_the_token_is_never_in_the_log(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where somebody between sends back what he was sent."""
    spool.put(b"body")

    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, text=f"bad gateway\nyou sent {request.headers}")

    def echo_json(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500, json={"detail": f"what is {request.headers['Authorization']}?"})

    with (
        caplog.at_level(logging.DEBUG),
        shipper(spool, Service(echo, echo_json, fails(httpx.ConnectError("x")))) as one,
    ):
        assert one.drain(PATIENCE_SECONDS)
    assert "502" in caplog.text
    assert TOKEN not in caplog.text
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_batches_that_are_accepted_are_told_of_and_many_in_one_line(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    """After an outage there are thousands."""
    caplog.set_level(logging.INFO, "caudal.collector.deliver.shipper")
    clock = Clock()
    one = stepped(spool, accepted, clock)
    names = [spool.put(body).batch_id[:12] for body in (b"one", b"two!", b"three")]
    one._step()
    clock.now += 60
    names.append(spool.put(b"four").batch_id[:12])
    one._step()
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"the service accepted batch {names[0]} (3 bytes)",
        f"the service accepted batch {names[3]} (4 bytes), and 2 before it",
    ]
