"""Sending over real UDP on loopback: everything arrives, and a dead collector is noticed."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import date

import pytest

from caudal.demo.exports.exporter import ROUTERS, datagrams
from caudal.demo.exports.sending import safe_window, send
from caudal.demo.traffic.endpoints import Endpoint
from caudal.demo.traffic.errors import DemoError
from caudal.demo.traffic.traffic import TrafficModel
from tests.support.patience import PATIENCE_SECONDS


class Receiver:
    """Takes what has come to its port whenever it is asked how much that is: what is sent on loopback is there at once."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()
        self.datagrams: list[tuple[str, bytes]] = []

    def count(self) -> int:
        with suppress(BlockingIOError):
            while True:
                payload, (source, _) = self.socket.recvfrom(2048)
                self.datagrams.append((source, payload))
        return len(self.datagrams)

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


class Clock:
    """Stands in for the clock of who sends: time passes when it waits, and not otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def hours(demo_endpoints: list[Endpoint]) -> list[list[tuple[int, bytes]]]:
    model = TrafficModel(demo_endpoints, (date(2026, 8, 1),), records_per_hour=2_500)
    return [hour for hour, _ in zip(datagrams(model), range(24), strict=False)]


def test_confirmed_sending_loses_nothing_and_keeps_the_order(
    receiver: Receiver, hours: list[list[tuple[int, bytes]]]
) -> None:
    told: list[tuple[int, int]] = []
    sent = send(
        hours,
        receiver.address,
        received=lambda: 1_000 + receiver.count(),
        progress=lambda done, count: told.append((done, count)),
        window=50,
        patience_seconds=PATIENCE_SECONDS,
    )
    expected = [(ROUTERS[router].address, payload) for hour in hours for router, payload in hour]
    assert receiver.datagrams == expected
    assert (sent.datagrams, sent.unconfirmed) == (len(expected), 0)
    assert sent.bytes == sum(len(payload) for _, payload in expected)
    assert [done for done, _ in told] == list(range(1, 25))
    assert told[-1][1] == len(expected)


def test_no_more_than_the_window_is_under_way(
    receiver: Receiver, hours: list[list[tuple[int, bytes]]]
) -> None:
    ahead: list[int] = []
    answered = 0

    def slowly() -> int:
        nonlocal answered
        ahead.append(receiver.count() - answered)
        answered = min(answered + 7, receiver.count())
        return answered

    send([hours[0][:100]], receiver.address, received=slowly, window=20, patience_seconds=PATIENCE_SECONDS)
    assert max(ahead) <= 20
    assert answered == 100


def test_without_confirmation_it_keeps_to_its_rate(
    receiver: Receiver, hours: list[list[tuple[int, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("caudal.demo.exports.sending.time", clock)
    sent = send([hours[0][:100]], receiver.address, datagrams_per_second=1_000)
    assert 0.085 <= clock.now - 1000 <= 0.1
    assert sent.datagrams == 100


def test_what_is_lost_is_said(receiver: Receiver, hours: list[list[tuple[int, bytes]]]) -> None:
    sent = send(
        [hours[0][:40]],
        receiver.address,
        received=lambda: min(receiver.count(), 37),
        window=200,
        patience_seconds=0.1,
    )
    assert (sent.datagrams, sent.unconfirmed) == (40, 3)


def test_a_collector_that_takes_nothing_is_an_error(
    receiver: Receiver, hours: list[list[tuple[int, bytes]]]
) -> None:
    with pytest.raises(DemoError, match=r"received 0 of 10 datagrams and none in the last 0\.1 seconds"):
        send(hours, receiver.address, received=lambda: 5, window=10, patience_seconds=0.1)


def test_a_collector_that_stops_is_an_error(receiver: Receiver, hours: list[list[tuple[int, bytes]]]) -> None:
    with pytest.raises(DemoError, match="received 30 of"):
        send(
            hours,
            receiver.address,
            received=lambda: min(receiver.count(), 30),
            window=10,
            patience_seconds=0.1,
        )


def test_nobody_listening_is_an_error(hours: list[list[tuple[int, bytes]]]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with pytest.raises(DemoError, match=f"nobody listens on 127.0.0.1 port {port}"):
        send(hours, ("127.0.0.1", port))


def test_an_address_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(DemoError, match=r"cannot send from 127\.0\.0\.2 to 192\.0\.2\.1"):
        send([], ("192.0.2.1", 2055))


def test_the_default_window_fits_the_smallest_socket_buffer() -> None:
    assert 64 <= safe_window() <= 1024
