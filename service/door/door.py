"""The door: the outermost layer of the application. A request that does not pass it reaches no route."""

import logging
import time
from collections.abc import Callable

import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caudal.service.door.addresses import Proxies, network_of
from caudal.service.door.body import check_declared, declared_bytes, read_body
from caudal.service.door.client import Client
from caudal.service.door.guard import Guard
from caudal.service.door.headers import secure
from caudal.service.door.hosts import Hosts
from caudal.service.door.queueplaces import Place, Places
from caudal.service.door.rates import Rates
from caudal.service.errors import Gone
from caudal.service.problem import GONE_STATUS, Problem, document
from caudal.service.roles.actor import ANYBODY, Actor
from caudal.service.roles.entrances import Budget, Entrance, entrance_of
from caudal.service.roles.roles import TABLE, Role
from caudal.service.settings.doorsettings import DoorSettings
from caudal.service.workload.cancellation import CURRENT, Work
from caudal.service.workload.heavywork import HeavyWorkGate
from caudal.service.workload.querylimits import QueryLimits

_log = logging.getLogger(__name__)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What anybody may say of who they are.
_CREDENTIALS = (b"authorization", b"cookie")
_PIECE_BYTES = 64 << 10
_IDENTIFYING_AT_ONCE = 2
_PAGES_AT_ONCE = 4
# Answered to those who ask too much at once.
_LATER = (429, 503)
# What routes refuse on behalf of the door.
_REFUSED_INSIDE = ("busy", "too-dear")
# Sent from files, which stay open until they are read.
_FILES = "/static-"
# Of these everybody may have anything.
_OPEN = TABLE[Role.public]


class Door:
    """ASGI: checks host, size, sender, rate and right of each request, reads its body, and gives it a place.

    `largest_body` is how much an entrance may send that names no size. `count` is told the kind of each
    refusal. Belongs to one event loop.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: DoorSettings,
        hosts: Hosts,
        guard: Guard,
        largest_body: int,
        count: Callable[[str], None],
        *,
        https: bool = False,
    ) -> None:
        self._app = app
        self._settings = settings
        self._hosts = hosts
        self._guard = guard
        self._largest_body = largest_body
        self._count = count
        self._https = https
        self._proxies = Proxies(settings.trusted_proxies)
        self._rates = Rates(settings)
        self._identifying = anyio.CapacityLimiter(_IDENTIFYING_AT_ONCE)
        self._limits = QueryLimits(
            settings.query_seconds,
            settings.query_memory_bytes,
            settings.query_rows,
            settings.query_answer_rows,
        )
        waiting, seconds, each = settings.waiting, settings.wait_seconds, settings.places_per_sender
        self._bodies = Places("bodies", settings.bodies_at_once, waiting, seconds, settings.bodies_per_sender)
        self._pages = Places("pages", _PAGES_AT_ONCE, waiting, seconds, each)
        self._places = {
            name: Places(name, at_once, waiting, seconds, per_sender)
            for name, at_once, per_sender in (
                ("ingest", settings.ingest_at_once, settings.bodies_per_sender),
                ("manage", settings.manage_at_once, None),
                ("exports", settings.exports_at_once, settings.exports_per_sender),
                ("reads", settings.strangers_at_once, each),
                ("reads with a key", settings.known_at_once, each),
            )
        }
        self._gates = {
            known: HeavyWorkGate(settings.dear_at_once, settings.dear_waiting, settings.wait_seconds)
            for known in (False, True)
        }
        self._sized = False
        self._said = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it with what prevents that."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._sized:
            # As many threads as there are places: nobody who has one waits for a thread.
            anyio.to_thread.current_default_thread_limiter().total_tokens = self._settings.threads
            self._sized = True
        scope.setdefault("state", {})["actor"] = ANYBODY
        answer = _Answer(scope, send, https=self._https)
        client = Client(receive)
        try:
            await self._pass(scope, client, answer)
            kind = scope["state"].get("problem")
            if answer.status == GONE_STATUS:
                self._count("gone")
            elif kind in _REFUSED_INSIDE:
                self._count(kind)
        except Problem as problem:
            self._count(problem.kind)
            if problem.status in _LATER or (client.unread and declared_bytes(scope) != 0):
                # What else was sent on this connection would cost as much to refuse, and the rest of a body is of no use.
                problem.headers.setdefault("Connection", "close")
            await document(problem, scope["path"][:200])(scope, receive, answer)
        except Gone:
            self._count("gone")
        except RuntimeError as error:
            # What starlette makes of an error after the answer has begun.
            if not isinstance(error.__cause__, Gone):
                raise
            self._count("gone")
        finally:
            client.stop()

    async def _pass(self, scope: Scope, client: Client, answer: "_Answer") -> None:
        self._hosts.check(scope)
        _check_head(scope, self._settings)
        address = self._proxies.client(scope)
        if not self._said and self._proxies.overlooks(scope):
            self._said = True
            _log.warning(
                "a proxy on this machine says whom it speaks for and is not believed, so that all its clients count as one; "
                "name it in trusted_proxies of [door]"
            )
        scope["client"] = (address, 0)
        entrance = entrance_of(scope["method"], scope["path"])
        if entrance is not None and entrance.budget is Budget.health and entrance.resource in _OPEN:
            # Behind nothing: whoever looks after the service is answered while others do their worst.
            check_declared(scope, 0)
            await self._app(scope, client.receive, answer)
            return
        actor = await self._identified(scope, address)
        scope["state"]["actor"] = actor
        self._rates.count(actor, address)
        if entrance is None or entrance.path.startswith(_FILES):
            # A file of the documentation, or no way in: the application says so, and is given no body.
            if declared_bytes(scope) != 0:
                answer.close_connection()
            async with self._pages.place(network_of(address)):
                await self._app(scope, client.receive, answer)
            return
        if entrance.method not in _SAFE:
            self._guard.check(actor, entrance.resource)
        limit = self._largest_body if entrance.body_bytes is None else entrance.body_bytes
        check_declared(scope, limit)
        sender = actor.credential or actor.name if actor.known else network_of(address)
        if entrance.budget is Budget.health:
            await self._app(scope, client.receive, answer)
            return
        if declared_bytes(scope) == 0:
            await self._work(scope, client, answer, entrance, sender)
            return
        async with self._bodies.place(sender):
            client.read(await read_body(client.receive_from_server, limit, self._settings))
            await self._work(scope, client, answer, entrance, sender)

    async def _identified(self, scope: Scope, address: str) -> Actor:
        if not any(name in _CREDENTIALS for name, _ in scope["headers"]):
            return ANYBODY
        try:
            return await anyio.to_thread.run_sync(self._guard.identify, scope, limiter=self._identifying)
        except Problem:
            # Whoever guesses is counted as the stranger it is.
            self._rates.count(ANYBODY, address)
            raise

    async def _work(
        self, scope: Scope, client: Client, answer: "_Answer", entrance: Entrance, sender: str
    ) -> None:
        """Hold a place while the request is worked on: an export until its end, anything else until it is answered."""
        known = scope["state"]["actor"].known
        place = await self._place_of(entrance, known).take(sender)
        try:
            if entrance.budget is not Budget.export:
                answer.free(place)
            if entrance.method not in _SAFE:
                # What changes the store is finished, whoever is still there to be told.
                await self._app(scope, client.receive, answer)
                return
            until = time.monotonic() + self._settings.work_seconds
            work = Work(self._gates[known], self._limits, until, self._settings.months)
            answer.end_deadline(work)
            client.watch(work)
            token = CURRENT.set(work)
            try:
                await self._app(scope, client.receive, answer)
            finally:
                CURRENT.reset(token)
        finally:
            place.give_back()

    def _place_of(self, entrance: Entrance, known: bool) -> Places:
        if entrance.budget is Budget.read or (entrance.budget is Budget.manage and not known):
            return self._places["reads with a key" if known else "reads"]
        return self._places["exports" if entrance.budget is Budget.export else entrance.budget.value]


class _Answer:
    """Sends an answer: with the headers of all answers, and in pieces, so that little waits in memory to be read.

    When it begins, its place is given to the next, and the deadline of the work is over.
    """

    def __init__(self, scope: Scope, send: Send, *, https: bool) -> None:
        self._scope = scope
        self._send = send
        self._https = https
        self._headers: dict[str, str] = {}
        self._place: Place | None = None
        self._work: Work | None = None
        self.status = 0

    def close_connection(self) -> None:
        """Have the connection closed after the answer."""
        self._headers["Connection"] = "close"

    def free(self, place: Place) -> None:
        """Give a place to the next when the answer begins."""
        self._place = place

    def end_deadline(self, work: Work) -> None:
        """Let a work take as long as it likes when the answer begins."""
        self._work = work

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._place is not None:
                self._place.give_back()
            if self._work is not None:
                self._work.end_deadline()
            MutableHeaders(scope=message).update(self._headers)
            secure(message, self._scope["path"], self._scope["state"]["actor"], https=self._https)
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or len(body) <= _PIECE_BYTES:
            await self._send(message)
            return
        view = memoryview(body)
        for start in range(0, len(view), _PIECE_BYTES):
            more = message.get("more_body", False) or start + _PIECE_BYTES < len(view)
            await self._send(
                {**message, "body": bytes(view[start : start + _PIECE_BYTES]), "more_body": more}
            )


def _check_head(scope: Scope, settings: DoorSettings) -> None:
    target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target > settings.target_bytes:
        raise Problem(
            "target-too-long",
            f"path and query are {target} bytes long, {settings.target_bytes} are taken; ask for less at once",
            extras={"limit": settings.target_bytes},
        )
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if size > settings.header_bytes:
        raise Problem(
            "headers-too-large",
            f"the headers are {size} bytes long, {settings.header_bytes} are taken; send fewer or shorter ones",
            extras={"limit": settings.header_bytes},
        )
