"""The API, wired: settings, store, reference and clock in, a FastAPI application out."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

import caudal
from caudal.reference import Reference
from caudal.service import problem
from caudal.service.access.access import Access
from caudal.service.access.audit import Audit
from caudal.service.access.keyring import Keyring
from caudal.service.access.tokenfiles import TokenFiles
from caudal.service.door.door import Door
from caudal.service.door.hosts import Hosts
from caudal.service.evaluation.supplied import read_supplied
from caudal.service.ingest import Ingest, Space
from caudal.service.metrics import Metrics, RequestTimer
from caudal.service.migration.migration import load_migrations
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.region.regions import Regions
from caudal.service.reports.reports import Reports
from caudal.service.requests.sight import Sight
from caudal.service.roles.roles import Role
from caudal.service.routes import (
    audit,
    batchchanges,
    batches,
    collector,
    exports,
    facts,
    flows,
    health,
    indicators,
    keys,
    ledger,
    login,
    regionreports,
    reports,
    sdmx,
    vintages,
)
from caudal.service.routes import reference as known
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store

_DESCRIPTION = """Monitors a country's digital sovereignty from the metadata of its data flows.

Collectors send batches; everything else is read. Figures come with the interval that sampling leaves, the
share that could not be determined, and how much of the economy reported. `synthetic` is true where they come from a traffic
model. Errors are problem details (RFC 9457)."""

# What the door may answer in place of any route.
_BY_THE_DOOR = (400, 401, 408, 413, 414, 429, 431, 503)


def utc_now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def create_app(
    settings: ServiceSettings,
    store: Store,
    reference: Reference,
    clock: Callable[[], datetime] = utc_now,
    own_tokens: Mapping[Role, str] | None = None,
) -> FastAPI:
    """Return the API over a store that is open and migrated; raise SettingsError where a token is missing.

    `own_tokens` are tokens that this process makes for itself, by role. `app.state` holds `vintages`, `metrics`
    and `access`, which is to be started and stopped, for whoever runs the application. A batch that was being stored when the service was killed is finished before the first new one.
    """
    metrics = Metrics()
    supplied = read_supplied(settings, reference)
    measures = Measures(settings, store, reference, clock, supplied)
    published = Vintages(store, reference, measures, clock, settings.reference_overlay, supplied)
    licence = settings.data_licence
    access = Access(
        settings, TokenFiles(settings, own_tokens), Keyring(store, clock), Audit(store, clock), clock
    )
    access.load()
    sight = Sight(measures, access)
    publication = Publication(licence.holder, settings.public_url, licence.name, licence.url)
    monthly = Reports(store, measures, clock, publication)
    space = Space.of(store.directory, settings.storage.reserve_mebibytes << 20)
    ingest = Ingest(store, space, clock)
    app = FastAPIOffline(
        title="Caudal",
        version=caudal.__version__,
        description=_DESCRIPTION,
        redoc_url=None,
        # A redirect would be made of whatever the Host header says.
        redirect_slashes=False,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    app.add_middleware(
        Door,
        settings=settings.door,
        hosts=Hosts(settings.door.allowed_hosts, settings.host, settings.public_url),
        guard=access,
        largest_body=settings.max_batch_bytes,
        count=lambda kind: metrics.refused.labels(kind).inc(),
        https=settings.public_url.startswith("https://"),
    )
    app.add_middleware(RequestTimer, metrics=metrics)
    problem.install(app)
    for router in (
        batches.router(settings, access, store, ingest, measures, metrics, clock),
        batchchanges.router(store, ingest, access),
        flows.router(store, reference, measures, access),
        indicators.router(reference, measures, sight),
        reports.router(monthly, sight),
        regionreports.router(Regions(store, reference, publication)),
        sdmx.router(reference, monthly, measures, sight),
        vintages.router(store, measures, published, access, sight),
        exports.router(store, settings.data_licence, clock, measures.reference_of),
        ledger.router(store, measures, sight),
        known.router(store, reference, measures, sight),
        facts.router(reference),
        health.router(store, metrics, load_migrations(), ingest, access),
        keys.router(settings, access, clock),
        audit.router(access),
        login.router(access),
        collector.router(store, access, clock),
    ):
        app.include_router(router)

    @app.get("/", include_in_schema=False)
    async def get_root() -> RedirectResponse:
        return RedirectResponse("docs")

    app.state.vintages, app.state.metrics, app.state.access = published, metrics, access
    _declare_problems(app)
    return app


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
