"""Runs the service: opens the store, migrates it, loads the reference, serves until told to stop."""

import logging
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Self

import uvicorn

from caudal.common.daemonlog import log_to_stderr
from caudal.common.errors import CaudalError, ListenError, SettingsError
from caudal.common.logline import line
from caudal.reference import Reference, ReferenceDataError, load_reference
from caudal.service.access.access import Access
from caudal.service.access.tokenfiles import TokenFiles
from caudal.service.api.app import Api
from caudal.service.door.connection import Connection
from caudal.service.door.connections import Connections, Listener
from caudal.service.door.descriptors import most_connections, raise_descriptor_limit
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate, set_retention
from caudal.service.months.publisher import Publisher
from caudal.service.requests.wiring import utc_now, wire
from caudal.service.roles.actor import SERVICE
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import Person, ServiceSettings
from caudal.service.store.referencetables import load_operator_networks, load_reference_tables
from caudal.service.store.store import Store

_log = logging.getLogger("caudal.service")
EXIT_SETTINGS = 2
_GRACE_SECONDS = 10
# Connections that wait to be accepted: a moment's, also of a flood.
_BACKLOG = 512


class Service:
    """The service as a thing to start and stop, in this process; `run` is for a process of its own.

    Use as a context manager, or call `start` and `stop`; `url` says where it answers once started.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        clock: Callable[[], datetime] = utc_now,
        own_tokens: Mapping[Role, str] | None = None,
    ) -> None:
        self._settings = settings
        self._own_tokens = own_tokens
        self._access: Access | None = None
        self._publisher: Publisher | None = None
        self._clock = clock
        self._store = Store(settings.dsn.get_secret_value(), settings.door.store_clients)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def prepare(self) -> uvicorn.Server:
        """Check everything that can fail and return a server ready to run; raise CaudalError otherwise."""
        TokenFiles(self._settings).read()
        reference = _load(self._settings)
        most = most_connections(self._settings.door.connections, raise_descriptor_limit())
        self._socket = _listen(self._settings)
        try:
            self._store.open()
            if Ingest(self._store).recover():
                _log.warning("finished, or set aside, what was being done to a batch when the service ended")
            migrate(self._store, self._clock)
            set_retention(self._store, self._settings.keep_windows_days)
            load_reference_tables(self._store, reference, self._clock)
            load_operator_networks(self._store, self._settings.operators, self._clock)
            parts = wire(self._settings, self._store, reference, self._clock, self._own_tokens)
            app = Api(parts)
            self._access = parts.access
            self._access.start()
            if parts.vintages.sweep():
                _log.warning("removed what a computation left that was interrupted")
            if self._settings.publication.enabled:
                self._publisher = Publisher(
                    parts.vintages,
                    self._store,
                    self._settings.publication,
                    self._clock,
                    parts.metrics,
                    self._record_publication,
                )
                self._publisher.start()
        except BaseException:
            self._close()
            raise
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        # Made before anybody asks: it takes a moment, and everybody would wait for it.
        app.openapi()
        self._server = uvicorn.Server(self._config(app, most))
        return self._server

    def _config(self, app: Api, most: int) -> uvicorn.Config:
        """Return the settings of uvicorn: our connections, no other protocol, nobody's word for an address."""
        door = self._settings.door
        assert self._socket is not None
        closed = app.parts.metrics.connections_closed
        connections = Connections(door, most, lambda reason: closed.labels(reason).inc())
        self._socket = Listener(self._socket, connections)
        return uvicorn.Config(
            app,
            http=partial(Connection, connections),  # type: ignore[arg-type]
            ws="none",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="off",
            # The door looks at X-Forwarded-For itself, and believes nobody by default.
            proxy_headers=False,
            timeout_keep_alive=door.keep_alive_seconds,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            h11_max_incomplete_event_size=door.header_bytes,
            # A last resort: Connections turns away before.
            limit_concurrency=2 * most,
            backlog=_BACKLOG,
        )

    def start(self) -> None:
        """Serve in a thread; return once requests are answered. Raise CaudalError."""
        server = self.prepare()
        self._thread = threading.Thread(target=self._serve, name="caudal-service", daemon=True)
        self._thread.start()
        while not server.started:
            if not self._thread.is_alive():
                raise ListenError(f"the service stopped before it answered at {self.url}")
            self._thread.join(0.01)

    def stop(self) -> None:
        """Answer the requests that have begun, then close the store."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_GRACE_SECONDS + 5)
        self._close()

    def reread(self, people: Sequence[Person] | None = None) -> None:
        """Read token files and keys anew; take other people, where they are given."""
        if self._access is not None:
            self._access.reread(people)

    def serve(self, settings_anew: Callable[[], ServiceSettings] | None = None) -> None:
        """Serve in this thread until SIGTERM or SIGINT, then close the store.

        SIGHUP has token files and keys read anew, and the people of the settings, where these can be read anew.
        """
        # A handler interrupts the thread that serves, wherever it is: so another does the work.
        hangups: queue.SimpleQueue[bool] = queue.SimpleQueue()
        signal.signal(signal.SIGHUP, lambda *_: hangups.put(True))
        server = self.prepare()
        threading.Thread(
            target=self._follow, args=(hangups, settings_anew), name="caudal-reread", daemon=True
        ).start()
        try:
            # uvicorn hands a signal on once it has shut down; by default that would end the process
            # before the store is closed.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: setattr(server, "should_exit", True))
            _log.info("serving at %s (API documentation at %s/docs)", self.url, self.url)
            self._serve()
        finally:
            hangups.put(False)
            self._close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _record_publication(self, vintage: str) -> None:
        assert self._access is not None
        self._access.audit.write(SERVICE, "publish", vintage)

    def _follow(
        self, hangups: "queue.SimpleQueue[bool]", settings_anew: Callable[[], ServiceSettings] | None
    ) -> None:
        while hangups.get():
            try:
                self.reread(settings_anew().people if settings_anew is not None else None)
                _log.info(
                    "tokens, keys and people were read anew; other settings count from the next start on"
                )
            except CaudalError as error:
                _log.error("not read anew: %s", error)

    def _serve(self) -> None:
        assert self._server is not None
        assert self._socket is not None
        self._server.run(sockets=[self._socket])

    def _close(self) -> None:
        if self._publisher is not None:
            self._publisher.stop()
            self._publisher = None
        if self._access is not None:
            self._access.stop()
            self._access = None
        if self._socket is not None:
            self._socket.close()
        self._store.close()


def run(settings: ServiceSettings, settings_anew: Callable[[], ServiceSettings] | None = None) -> int:
    """Serve until SIGTERM or SIGINT and return 0; say in one line what prevents it and return 2.

    `settings_anew` reads the settings again, at SIGHUP.
    """
    log_to_stderr(settings.log_level, settings.log_format)
    # The drivers log what they also raise; it is said once, by us.
    for driver in ("clickhouse_connect", "urllib3"):
        logging.getLogger(driver).setLevel(logging.CRITICAL)
    # Threads that compute hand over to the one that answers five times as often as by default: it is asked more often.
    sys.setswitchinterval(0.001)
    try:
        Service(settings).serve(settings_anew)
    except CaudalError as error:
        sys.stderr.write(f"caudal: {line(str(error))}\n")
        return EXIT_SETTINGS
    except KeyboardInterrupt:
        pass
    return 0


def _load(settings: ServiceSettings) -> Reference:
    try:
        reference = load_reference(settings.reference_overlay)
        for operator in settings.operators:
            reference.economy(operator.economy)
    except ReferenceDataError as error:
        raise SettingsError(f"reference: {error}") from error
    return reference


def _listen(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ListenError(
            f"cannot listen on {settings.listen}: {reason}; stop what listens there, or set another `listen`"
        ) from error
