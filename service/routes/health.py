"""GET /healthz, /readyz, /metrics: for those who run the service."""

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import caudal
from caudal.service.access.access import Access
from caudal.service.answers.answers import Health
from caudal.service.errors import ServiceError
from caudal.service.ingest import Ingest
from caudal.service.metrics import Metrics
from caudal.service.migration.migration import Migration, pending
from caudal.service.problem import Problem, documented
from caudal.service.requests.readiness import Readiness
from caudal.service.roles.roles import Resource
from caudal.service.store.referencetables import reference_in_force
from caudal.service.store.store import Store


def router(
    store: Store,
    metrics: Metrics,
    migrations: tuple[Migration, ...],
    ingest: Ingest,
    access: Access,
) -> APIRouter:
    """Return the routes that say how the service is."""
    routes = APIRouter(tags=["operation"])

    def look() -> Health:
        try:
            left = pending(store, migrations)
            version = reference_in_force(store)
            quarantined = 0 if left else ingest.quarantined()
            if not left:
                ingest.check_answers()
        except ServiceError as error:
            raise Problem("not-ready", "the store does not answer; the log says why") from error
        if left:
            names = ", ".join(migration.name for migration in left)
            raise Problem("not-ready", f"migrations are still to apply: {names}; start the service again")
        if version is None:
            raise Problem("not-ready", "no reference data is loaded; start the service again")
        short = ingest.short_of_space()
        if short is not None:
            raise Problem(
                "not-ready",
                f"the disk of the store lacks {max(1, short >> 20)} MiB to the reserve of [storage]; make room: no batch "
                "is taken until then",
            )
        details: dict[str, str | int] = {"migrations": len(migrations), "reference_version": version}
        return Health(version=caudal.__version__, details={**details, "quarantined": quarantined})

    readiness = Readiness(look)

    @routes.get("/healthz", summary="Whether the process answers")
    async def get_health() -> Health:
        """Answer ok while the process can answer at all."""
        return Health(version=caudal.__version__)

    @routes.get("/readyz", summary="Whether the service can work", responses=documented(503))
    async def get_readiness() -> Health:
        """Answer ok when the store answers, every migration is applied and a reference is in force."""
        return await readiness.state()

    @routes.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
        dependencies=[Depends(access.demand(Resource.metrics))],
    )
    async def get_metrics() -> Response:
        """Return the metrics of this service in Prometheus's text format."""
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes
