"""Metrics of the service about itself, for Prometheus. Labels come from closed sets."""

import time
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Outcome = Literal[
    "accepted", "duplicate", "unauthorized", "forbidden", "invalid", "refused", "held", "quota", "failed"
]
OUTCOMES: tuple[Outcome, ...] = (
    "accepted",
    "duplicate",
    "unauthorized",
    "forbidden",
    "invalid",
    "refused",
    "held",
    "quota",
    "failed",
)
METHODS = ("GET", "HEAD", "POST")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batches = Counter(
            "caudal_service_batches", "Batches posted, by outcome", ["outcome"], registry=self.registry
        )
        self.rows = Counter(
            "caudal_service_rows", "Rows of accepted batches, by stream", ["stream"], registry=self.registry
        )
        self.ingest_seconds = Histogram(
            "caudal_service_ingest_seconds",
            "Time to store a batch durably",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.last_accepted = Gauge(
            "caudal_service_last_batch_timestamp_seconds",
            "When a batch was last accepted",
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "caudal_service_request_seconds",
            "Time to answer a request, by route and status",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.publications = Counter(
            "caudal_service_publications",
            "Months that were due, by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.refused = Counter(
            "caudal_service_refused",
            "Requests that the door refused, by kind of problem; gone: the client left before the answer",
            ["kind"],
            registry=self.registry,
        )
        self.connections_closed = Counter(
            "caudal_service_connections_closed",
            "Connections turned away or closed by the service, by reason",
            ["reason"],
            registry=self.registry,
        )
        for outcome in ("published", "failed"):
            self.publications.labels(outcome)
        for outcome in OUTCOMES:
            self.batches.labels(outcome)
        for stream in ("flows", "ledger"):
            self.rows.labels(stream)


class RequestTimer:
    """ASGI middleware that times requests by route template, never by the path asked for."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and observe how long the answer took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.request_seconds.labels(method, route, f"{status // 100}xx").observe(
                time.perf_counter() - started
            )
