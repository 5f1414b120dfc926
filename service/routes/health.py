"""GET /healthz, /readyz, /metrics: for those who run the service."""

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import caudal
from caudal.service.answers.answers import Health
from caudal.service.problem import documented
from caudal.service.requests.dependencies import TheMetrics, TheReadiness, demand
from caudal.service.roles.roles import Resource

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Whether the process answers")
async def get_health() -> Health:
    """Answer ok while the process can answer at all."""
    return Health(version=caudal.__version__)


@router.get("/readyz", summary="Whether the service can work", responses=documented(503))
async def get_readiness(readiness: TheReadiness) -> Health:
    """Answer ok when the store answers, every migration is applied and a reference is in force."""
    return await readiness.state()


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
    dependencies=[Depends(demand(Resource.metrics))],
)
async def get_metrics(metrics: TheMetrics) -> Response:
    """Return the metrics of this service in Prometheus's text format."""
    return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
