"""The parts of the door, each by itself."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from caudal.common.errors import SettingsError
from caudal.service.door.addresses import Proxies, network_of, normal
from caudal.service.door.body import read_body
from caudal.service.door.descriptors import most_connections
from caudal.service.door.headers import secure
from caudal.service.door.hosts import Hosts
from caudal.service.door.queueplaces import Places
from caudal.service.door.rates import Rates
from caudal.service.errors import Busy, Gone, TooDear, TooLong
from caudal.service.problem import Problem
from caudal.service.roles.actor import ANYBODY, Actor
from caudal.service.roles.roles import Role
from caudal.service.settings.doorsettings import DoorSettings
from caudal.service.store.store import Store
from caudal.service.workload.caching import Flights
from caudal.service.workload.cancellation import CURRENT, Work, check
from caudal.service.workload.heavywork import HeavyWorkGate, heavy_work
from caudal.service.workload.querylimits import QueryLimits

COLLECTOR = Actor(Role.collector, "xa-1", credential="token")


def scope(host: str = "localhost", client: str = "192.0.2.1", **headers: str) -> dict[str, Any]:
    sent = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": "http",
        "server": ("198.51.100.7", 8080),
        "client": (client, 1),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("LocalHost.:8080", True),
        ("127.0.0.1:1", True),
        ("[::1]:8080", True),
        ("data.example.org", True),
        ("198.51.100.7:8080", True),
        ("198.51.100.8", False),
        ("evil.example", False),
        ("data.example.org.evil.example", False),
        ("localhost@evil.example", False),
        ("", False),
    ],
)
def test_hosts(host: str, known: bool) -> None:
    hosts = Hosts((), "0.0.0.0", "https://data.example.org/caudal")
    if known:
        hosts.check(scope(host))
    else:
        with pytest.raises(Problem) as refused:
            hosts.check(scope(host))
        assert (refused.value.kind, refused.value.status) == ("unknown-host", 400)
    Hosts(("*",), "127.0.0.1", "").check(scope(host))


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.66, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.2.3.4", "203.0.113.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:DB8::0:1", "2001:db8::1"),
    ],
)
def test_forwarded_addresses_are_believed_of_proxies_only(peer: str, said: str, client: str) -> None:
    settings = DoorSettings(trusted_proxies=("10.0.0.0/8",))  # type: ignore[arg-type]
    assert Proxies(settings.trusted_proxies).client(scope(client=peer, x_forwarded_for=said)) == client
    assert Proxies(()).client(scope(client=peer, x_forwarded_for=said)) == normal(peer)


def test_an_ipv6_sender_is_a_network() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("192.0.2.1", wide=True) == "192.0.0.0/16"


def test_rates_by_address_and_by_key() -> None:
    rates = Rates(DoorSettings(rate_limit="3/hour", rate_limit_keys="5/hour"))
    for _ in range(3):
        rates.count(ANYBODY, "192.0.2.1")
    with pytest.raises(Problem) as refused:
        rates.count(ANYBODY, "192.0.2.1")
    assert refused.value.status == 429
    assert 0 < int(refused.value.headers["Retry-After"]) <= 3601
    rates.count(ANYBODY, "192.0.2.2")
    for _ in range(5):
        rates.count(COLLECTOR, "192.0.2.1")
    with pytest.raises(Problem, match="this key has asked more than 5 times"):
        rates.count(COLLECTOR, "192.0.2.3")


def test_rates_take_no_more_memory_whatever_the_addresses() -> None:
    rates = Rates(DoorSettings(rate_limit="3/hour"), most_counted=100)
    for number in range(5000):
        with suppress(Problem):
            rates.count(ANYBODY, f"2001:db8:{number % 8:x}:{number:x}::1")
    assert rates.counted <= 101


def test_rates_can_be_off() -> None:
    rates = Rates(DoorSettings(rate_limit="off"))
    for _ in range(10_000):
        rates.count(ANYBODY, "192.0.2.1")
    assert rates.counted == 0


def test_places_are_bounded_and_fair() -> None:
    async def run() -> None:
        places = Places("reads", at_once=2, waiting=2, wait_seconds=60, per_sender=2)
        held = [await places.take("a"), await places.take("a")]
        with pytest.raises(Problem, match="you have 2 requests"):
            await places.take("a")
        waiting = [asyncio.create_task(places.take(sender)) for sender in ("b", "c")]
        await asyncio.sleep(0)
        assert places.waiting == 2
        with pytest.raises(Problem, match="enough are waiting") as refused:
            await places.take("d")
        assert (refused.value.kind, refused.value.headers) == ("busy", {"Retry-After": "60"})
        held[0].give_back()
        held[0].give_back()
        first = await waiting[0]
        assert not waiting[1].done()
        waiting[1].cancel()
        await asyncio.gather(waiting[1], return_exceptions=True)
        for place in (held[1], first):
            place.give_back()
        async with places.place("d"), places.place("a"):
            assert places.waiting == 0

    asyncio.run(run())


def test_whoever_waits_for_a_place_is_told_when_it_takes_too_long() -> None:
    async def run() -> None:
        places = Places("reads", at_once=1, waiting=1, wait_seconds=0.01)
        async with places.place("a"):
            with pytest.raises(Problem, match="no place was free for"):
                await places.take("b")
        async with places.place("b"):
            pass

    asyncio.run(run())


def reading(messages: list[dict[str, Any]], settings: DoorSettings, limit: int = 100) -> bytes:
    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return asyncio.run(read_body(receive, limit, settings))


def part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_within_bounds() -> None:
    settings = DoorSettings(body_seconds=0.05)
    assert reading([part(b"ab", True), part(b"c", False)], settings) == b"abc"
    with pytest.raises(Problem, match="larger than 100 bytes") as refused:
        reading([part(bytes(60), True), part(bytes(60), True)], settings)
    assert refused.value.status == 413
    with pytest.raises(Problem, match="60 bytes of the body came in") as refused:
        reading([part(bytes(60), True)], settings)
    assert refused.value.status == 408
    with pytest.raises(Gone):
        reading([part(b"a", True), {"type": "http.disconnect"}], settings)


def started(
    actor: Actor, path: str = "/v1/vintages", kind: str = "application/json", status: int = 200
) -> dict[str, str]:
    message: dict[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", kind.encode()), (b"cache-control", b"public"), (b"vary", b"Accept")],
    }
    secure(message, path, actor, https=True)
    return {name.decode(): value.decode() for name, value in message["headers"]}


def test_headers_of_every_answer() -> None:
    public = started(ANYBODY)
    assert public["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")
    assert public["x-content-type-options"] == "nosniff"
    assert public["referrer-policy"] == "no-referrer"
    assert public["cross-origin-resource-policy"] == "same-origin"
    assert public["strict-transport-security"].startswith("max-age=")
    assert public["cache-control"] == "public"
    assert public["vary"] == "Accept, Authorization, Cookie"
    assert started(COLLECTOR)["cache-control"] == "no-store"
    assert started(ANYBODY, status=503)["cache-control"] == "no-store"
    assert "script-src" not in started(ANYBODY, kind="text/html; charset=utf-8")["content-security-policy"]
    assert "script-src 'self'" in started(ANYBODY, "/docs", "text/html")["content-security-policy"]


def test_descriptors_bound_connections() -> None:
    assert most_connections(4096, 65536) == 4096
    assert most_connections(4096, 1024) == 768
    with pytest.raises(SettingsError, match="LimitNOFILE"):
        most_connections(4096, 130)


def in_work(work: Work, run: Callable[[], Any]) -> Any:
    token = CURRENT.set(work)
    try:
        return run()
    finally:
        CURRENT.reset(token)


def test_work_stops_when_nobody_waits_for_it() -> None:
    check()
    work = Work(until=time.monotonic() + 3600)
    in_work(work, check)
    work.leave()
    with pytest.raises(Gone):
        in_work(work, check)
    with pytest.raises(TooLong, match="ask for less"):
        in_work(Work(until=time.monotonic() - 1), check)


def test_dear_work_is_done_in_turns() -> None:
    gate = HeavyWorkGate(at_once=1, waiting=0, wait_seconds=60)
    first, second = Work(gate), Work(gate)

    def hold() -> None:
        # Whoever is in goes on.
        with heavy_work(), heavy_work(), pytest.raises(Busy, match="try again in 60 seconds"):
            in_work(second, lambda: heavy_work().__enter__())

    in_work(first, hold)
    in_work(second, lambda: heavy_work().__enter__())
    # What belongs to no request takes no turn.
    with heavy_work():
        pass


def test_whoever_waits_for_a_turn_may_leave() -> None:
    gate = HeavyWorkGate(at_once=1, waiting=1, wait_seconds=3600)
    holder, waiter = Work(gate), Work(gate)
    gate.enter(holder)
    threading.Timer(0.01, waiter.leave).start()
    with pytest.raises(Gone):
        gate.enter(waiter)
    gate.leave()
    gate.enter(waiter, patient=True)


def test_what_several_ask_for_is_made_once() -> None:
    flights, kept, made = Flights(), {}, []
    began, go = threading.Event(), threading.Event()

    def make() -> bytes:
        made.append(1)
        began.set()
        assert go.wait(60)
        kept["a"] = b"made"
        return kept["a"]

    answers: list[bytes] = []

    def ask() -> None:
        answers.append(flights.once("a", lambda: kept.get("a"), make))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    threads[0].start()
    assert began.wait(60)
    for each in threads[1:]:
        each.start()
    go.set()
    for each in threads:
        each.join()
    assert answers == [b"made"] * 8
    assert made == [1]


def test_when_the_maker_fails_the_next_one_makes_it() -> None:
    flights = Flights()

    def fail() -> bytes:
        raise Gone("left")

    with pytest.raises(Gone):
        flights.once("a", lambda: None, fail)
    assert flights.once("a", lambda: None, lambda: b"made") == b"made"


@pytest.mark.parametrize(
    ("limits", "sql", "reached"),
    [
        (
            {"seconds": 0.2, "rows_read": 10**15},
            "SELECT count() FROM numbers(100000000000) WHERE number % 7 = 3",
            "time",
        ),
        (
            {"memory_bytes": 64 << 20},
            "SELECT number % 10000000 AS k, groupArray(number) FROM numbers(100000000) GROUP BY k",
            "memory",
        ),
        ({"rows_read": 1000}, "SELECT sum(number) FROM numbers(10000000)", "rows read"),
        ({"rows_answered": 1000}, "SELECT number FROM numbers(1000000)", "rows of the answer"),
    ],
)
def test_the_store_keeps_the_limits_of_a_request(
    store: Store, limits: dict[str, Any], sql: str, reached: str
) -> None:
    with pytest.raises(TooDear, match=f"the limit of {reached} that one may cost; ask for less"):
        in_work(Work(limits=QueryLimits(**limits)), lambda: store.frame(sql))
    # A publication has no such limits.
    assert store.value("SELECT count() FROM numbers(2000)") == 2000


def test_the_store_is_not_asked_for_somebody_who_has_gone(store: Store) -> None:
    work = Work()
    work.leave()
    with pytest.raises(Gone):
        in_work(work, lambda: store.frame("SELECT 1"))
