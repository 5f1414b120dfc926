"""The API, wired: settings, store, reference and clock in, a FastAPI application out."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.types import Scope

import caudal
from caudal.reference import Reference
from caudal.service import problem
from caudal.service.access.actor import ANYBODY, Actor, decide
from caudal.service.access.roles import Resource, Role
from caudal.service.door.door import Door
from caudal.service.door.hosts import Hosts
from caudal.service.ingest import Ingest
from caudal.service.measures import Measures
from caudal.service.metrics import Metrics, RequestTimer
from caudal.service.migration import load_migrations
from caudal.service.reports.edition import Publication
from caudal.service.reports.reports import Reports
from caudal.service.routes import (
    batches,
    exports,
    facts,
    flows,
    health,
    indicators,
    ledger,
    reports,
    sdmx,
    vintages,
)
from caudal.service.routes import reference as known
from caudal.service.routes.authority import Authority
from caudal.service.settings import ServiceSettings, read_publisher_token, read_tokens
from caudal.service.store import Store
from caudal.service.supplied import read_supplied
from caudal.service.vintages import Vintages

_DESCRIPTION = """Monitors a country's digital sovereignty from the metadata of its data flows.

Collectors send batches; everything else is read. Figures come with the interval that sampling leaves, the
share that could not be determined, and how much of the economy reported. `synthetic` is true where they come from a traffic
model. Errors are problem details (RFC 9457)."""

# What the door may answer in place of any route.
_BY_THE_DOOR = (400, 413, 414, 429, 431, 503)


def utc_now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def create_app(
    settings: ServiceSettings,
    store: Store,
    reference: Reference,
    clock: Callable[[], datetime] = utc_now,
    publisher_token: str | None = None,
) -> FastAPI:
    """Return the API over a store that is open and migrated; raise SettingsError where a token is missing.

    `publisher_token` allows to publish, in place of the one of the settings. `app.state` holds `vintages`
    and `metrics`, for whoever runs the application. A batch that was being stored when the service was killed is finished before the first new one.
    """
    metrics = Metrics()
    supplied = read_supplied(settings, reference)
    measures = Measures(settings, store, reference, clock, supplied)
    published = Vintages(store, reference, measures, clock, settings.reference_overlay, supplied)
    licence = settings.data_licence
    authority = Authority(publisher_token or read_publisher_token(settings))
    monthly = Reports(
        store,
        measures,
        clock,
        Publication(licence.holder, settings.public_url, licence.name, licence.url),
    )
    gate = batches.Gate(settings, read_tokens(settings))
    app = FastAPIOffline(
        title="Caudal",
        version=caudal.__version__,
        description=_DESCRIPTION,
        redoc_url=None,
        # A redirect would be built from the Host header.
        redirect_slashes=False,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    app.add_middleware(
        Door,
        settings=settings.door,
        hosts=Hosts(settings.door.allowed_hosts, settings.host, settings.public_url),
        guard=_Tokens(gate, authority),
        largest_body=settings.max_batch_bytes,
        count=lambda kind: metrics.refused.labels(kind).inc(),
        https=settings.public_url.startswith("https://"),
    )
    app.add_middleware(RequestTimer, metrics=metrics)
    problem.install(app)
    for router in (
        batches.router(settings, gate, Ingest(store), measures, metrics, clock),
        flows.router(store, reference, measures, authority),
        indicators.router(reference, measures),
        reports.router(monthly),
        sdmx.router(reference, monthly),
        vintages.router(store, measures, published, authority),
        exports.router(store, settings.data_licence, clock),
        ledger.router(store, measures),
        known.router(store, reference, measures, authority),
        facts.router(reference),
        health.router(store, metrics, load_migrations()),
    ):
        app.include_router(router)

    @app.get("/", include_in_schema=False)
    async def get_root() -> RedirectResponse:
        return RedirectResponse("docs")

    app.state.vintages, app.state.metrics = published, metrics
    _declare_problems(app)
    return app


class _Tokens:
    """Knows the holders of the tokens; a token that is nobody's leaves one a stranger."""

    def __init__(self, gate: batches.Gate, authority: Authority) -> None:
        self._gate = gate
        self._authority = authority

    def identify(self, scope: Scope) -> Actor:
        """Return who asks."""
        request = Request(scope)
        if self._authority.held(request):
            return Actor(Role.publisher, "publisher", credential="publisher_token_file")
        try:
            collector = self._gate.collector(request.headers.get("authorization"))
        except problem.Problem:
            if scope["method"] == "POST":
                raise
            return ANYBODY
        operators = frozenset({collector.operator})
        return Actor(Role.collector, collector.id, operators=operators, credential=f"token of {collector.id}")

    def check(self, actor: Actor, resource: Resource) -> None:
        """Return if an actor may have a resource; raise Problem otherwise."""
        if decide(actor, resource, actor.economies or (), actor.operators):
            return
        if actor.known:
            raise problem.Problem(
                "forbidden", f"{actor.name} has the role {actor.role}, which has no right to {resource}"
            )
        raise problem.Problem(
            "unauthorized",
            "send a token that is known here as Authorization: Bearer <token>",
            headers={"WWW-Authenticate": 'Bearer realm="caudal"'},
        )


def _declare_problems(app: FastAPI) -> None:
    """Put the model of problems into the OpenAPI document, and out of it the one FastAPI assumes."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        schemas = document["components"]["schemas"]
        schemas["ProblemDetails"] = problem.ProblemDetails.model_json_schema()
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        for path in document["paths"].values():
            for operation in path.values():
                for status, refused in problem.documented(*_BY_THE_DOOR).items():
                    operation["responses"].setdefault(str(status), refused)
                answer = operation["responses"].get("422", {})
                if "application/json" in answer.get("content", {}):
                    operation["responses"].update({str(k): v for k, v in problem.documented(422).items()})
        return document

    app.openapi = openapi  # type: ignore[method-assign]
