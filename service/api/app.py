"""The API: the parts of a service in, a FastAPI application out."""

from typing import Any

from fastapi import FastAPI

import caudal
from caudal.service import problem
from caudal.service.door.door import Door
from caudal.service.door.hosts import Hosts
from caudal.service.metrics import RequestTimer
from caudal.service.requests.wiring import Parts
from caudal.service.routes import (
    documentation,
    exports,
    flows,
    health,
    indicators,
    ledger,
    platforms,
    reference,
    regionreports,
    reports,
    sdmx,
    vintages,
)
from caudal.service.routes.intake import batchchanges, batches, collector
from caudal.service.routes.people import audit, keys, login

_DESCRIPTION = """Monitors a country's digital sovereignty from the metadata of its data flows.

Collectors send batches; everything else is read. Figures come with the interval that sampling leaves, the
share that could not be determined, and how much of the economy reported. `synthetic` is true where they come from a traffic
model. Errors are problem details (RFC 9457)."""

# What the door may answer in place of any route.
_BY_THE_DOOR = (400, 401, 408, 413, 414, 429, 431, 503)

# Every route there is, in the order in which the documentation shows them.
_ROUTERS = (
    batches.router,
    batchchanges.router,
    flows.router,
    indicators.router,
    reports.router,
    regionreports.router,
    sdmx.router,
    vintages.router,
    exports.router,
    ledger.router,
    platforms.router,
    reference.router,
    health.router,
    keys.router,
    audit.router,
    login.router,
    collector.router,
    documentation.router,
)


class Api(FastAPI):
    """The API of one service; `parts` is what its routes work with (`dependencies.py`)."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(
            title="Caudal",
            version=caudal.__version__,
            description=_DESCRIPTION,
            # Our own (`routes/documentation.py`): FastAPI's loads its scripts from elsewhere.
            docs_url=None,
            redoc_url=None,
            # A redirect would be made of whatever the Host header says.
            redirect_slashes=False,
            license_info={"name": "MIT", "identifier": "MIT"},
        )
        self.parts = parts
        settings, metrics = parts.settings, parts.metrics
        self.add_middleware(
            Door,
            settings=settings.door,
            hosts=Hosts(settings.door.allowed_hosts, settings.host, settings.public_url),
            guard=parts.access,
            largest_body=settings.max_batch_bytes,
            count=lambda kind: metrics.refused.labels(kind).inc(),
            https=settings.public_url.startswith("https://"),
        )
        self.add_middleware(RequestTimer, metrics=metrics)
        problem.install(self)
        self.mount(documentation.STATIC_PATH, documentation.static_files(), name="static-offline-docs")
        for router in _ROUTERS:
            self.include_router(router)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with the model of problems in place of the one that FastAPI assumes."""
        if self.openapi_schema is None:
            _declare_problems(super().openapi())
        return super().openapi()


def _declare_problems(document: dict[str, Any]) -> None:
    """Put the model of problems into an OpenAPI document, and what the door answers into every operation."""
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
