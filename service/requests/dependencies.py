"""Dependencies of routes, declared once: the parts of the service, and who asks.

A handler names the parts that it works with, and is given those of the service that answers:

    @router.get("/v1/ledger")
    def get_ledger(economy: EconomyCode, store: TheStore, sight: TheSight) -> LedgerList: ...
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from caudal.reference import Reference
from caudal.service.access.access import Access
from caudal.service.ingest import Ingest
from caudal.service.metrics import Metrics
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.reports.region.regions import Regions
from caudal.service.reports.reports import Reports
from caudal.service.reports.sdmx.structuremessage import StructureMessage
from caudal.service.requests.intake import Intake
from caudal.service.requests.readiness import Readiness
from caudal.service.requests.sight import Sight
from caudal.service.requests.wiring import Parts
from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Resource
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from caudal.service.workload.caching import Renderings

# Makes the documentation offer to send a key; what it is worth is decided by `demand`.
KEY = Depends(HTTPBearer(auto_error=False, description="a key or token"))


def parts_of(request: Request) -> Parts:
    """Return the parts of the service that answers a request."""
    parts: Parts = request.app.parts
    return parts


def _part(take: Callable[[Parts], object]) -> Any:
    """Return the dependency that gives a part; asynchronous, so that none costs a thread."""

    async def part(request: Request) -> object:
        return take(parts_of(request))

    return Depends(part)


TheAccess = Annotated[Access, _part(lambda parts: parts.access)]
TheClock = Annotated[Callable[[], datetime], _part(lambda parts: parts.clock)]
TheIngest = Annotated[Ingest, _part(lambda parts: parts.ingest)]
TheIntake = Annotated[Intake, _part(lambda parts: parts.intake)]
TheMeasures = Annotated[Measures, _part(lambda parts: parts.measures)]
TheMetrics = Annotated[Metrics, _part(lambda parts: parts.metrics)]
TheReadiness = Annotated[Readiness, _part(lambda parts: parts.readiness)]
TheRecomputations = Annotated[Renderings, _part(lambda parts: parts.recomputations)]
TheReference = Annotated[Reference, _part(lambda parts: parts.reference)]
TheRegions = Annotated[Regions, _part(lambda parts: parts.regions)]
TheReports = Annotated[Reports, _part(lambda parts: parts.reports)]
TheSettings = Annotated[ServiceSettings, _part(lambda parts: parts.settings)]
TheSight = Annotated[Sight, _part(lambda parts: parts.sight)]
TheStore = Annotated[Store, _part(lambda parts: parts.store)]
TheStructure = Annotated[StructureMessage, _part(lambda parts: parts.structure)]
TheVintages = Annotated[Vintages, _part(lambda parts: parts.vintages)]


def demand(resource: Resource) -> Callable[[Request], Awaitable[Actor]]:
    """Return the dependency that gives who asks, or refuses whoever may not have the resource (Problem 401 or 403)."""

    async def entered(request: Request) -> Actor:
        return parts_of(request).access.enter(request.scope, resource)

    return entered
