"""Every way in: which route asks for which resource, what it may cost, how much body it may have.

The door goes by this table before a route is looked up, and a test compares it with the routes there are. `{name}`
stands for one segment of a path.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from caudal.service.roles.roles import Resource


class Budget(StrEnum):
    """Which requests share a limit of how many are worked on at once."""

    health = "health"
    ingest = "ingest"
    read = "read"
    manage = "manage"
    export = "export"


# The largest body of a request that gives an order rather than figures.
ORDER_BYTES = 64 << 10


@dataclass(frozen=True)
class Entrance:
    """A method and path, what they ask for, whose budget they use, and the most bytes of body (None: the setting's)."""

    method: str
    path: str
    resource: Resource
    budget: Budget = Budget.read
    body_bytes: int | None = 0

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of the paths that lead in here."""
        return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path)))


ENTRANCES: tuple[Entrance, ...] = (
    Entrance("GET", "/", Resource.health, Budget.health),
    Entrance("GET", "/docs", Resource.health),
    Entrance("GET", "/docs/oauth2-redirect", Resource.health),
    # What the page of the documentation is made of.
    Entrance("GET", "/static-offline-docs/{file}", Resource.health),
    Entrance("GET", "/openapi.json", Resource.health),
    Entrance("GET", "/healthz", Resource.health, Budget.health),
    Entrance("GET", "/readyz", Resource.health, Budget.health),
    Entrance("GET", "/metrics", Resource.metrics, Budget.health),
    Entrance("POST", "/v1/batches", Resource.ingest, Budget.ingest, None),
    Entrance("GET", "/v1/batches", Resource.batches),
    Entrance("GET", "/v1/batches/{id}", Resource.batches),
    Entrance("POST", "/v1/batches/{id}/changes", Resource.changes, Budget.manage, ORDER_BYTES),
    Entrance("GET", "/v1/flows", Resource.published),
    Entrance("GET", "/v1/indicators", Resource.facts),
    Entrance("GET", "/v1/indicators/{id}", Resource.published),
    Entrance("GET", "/v1/reports/{economy}/{month}", Resource.published),
    Entrance("GET", "/v1/reports/region/{group}/{month}", Resource.published),
    Entrance("GET", "/v1/reports/{economy}/{month}/pictures/{name}.{suffix}", Resource.published),
    Entrance("GET", "/v1/sdmx/structure/{kind}/{agency}/{resource}", Resource.facts),
    Entrance("GET", "/v1/sdmx/structure/{kind}/{agency}/{resource}/{version}", Resource.facts),
    Entrance("GET", "/v1/sdmx/data/dataflow/CAUDAL/DF_INDICATORS/{version}/{key}", Resource.published),
    Entrance("GET", "/v1/vintages", Resource.published),
    Entrance("POST", "/v1/vintages", Resource.publish, Budget.manage, ORDER_BYTES),
    Entrance("GET", "/v1/vintages/{vintage}/recomputation", Resource.published),
    Entrance("GET", "/v1/totals", Resource.published),
    Entrance("GET", "/v1/export/{content}.jsonl", Resource.published, Budget.export),
    Entrance("GET", "/v1/ledger", Resource.published),
    Entrance("GET", "/v1/platforms", Resource.facts),
    Entrance("GET", "/v1/jurisdictions", Resource.published),
    Entrance("GET", "/v1/economies", Resource.published),
    Entrance("GET", "/v1/reference", Resource.facts),
    Entrance("GET", "/v1/reference/{file}", Resource.facts),
    Entrance("GET", "/v1/reference/about/{subject}", Resource.facts),
    Entrance("GET", "/v1/me", Resource.oneself, Budget.manage),
    Entrance("GET", "/v1/collector", Resource.status, Budget.manage),
    Entrance("GET", "/v1/keys", Resource.holders, Budget.manage),
    Entrance("POST", "/v1/keys", Resource.keys, Budget.manage, ORDER_BYTES),
    Entrance("POST", "/v1/keys/{id}/revocation", Resource.keys, Budget.manage, ORDER_BYTES),
    Entrance("GET", "/v1/audit", Resource.audit, Budget.manage),
    Entrance("GET", "/v1/audit/verification", Resource.audit, Budget.manage),
    Entrance("GET", "/auth/login", Resource.oneself, Budget.manage),
    Entrance("GET", "/auth/callback", Resource.oneself, Budget.manage),
    Entrance("POST", "/auth/logout", Resource.oneself, Budget.manage),
)


def entrance_of(method: str, path: str) -> Entrance | None:
    """Return the way in of a request; None where there is none."""
    for entrance in ENTRANCES:
        if entrance.method == method and entrance.pattern.fullmatch(path):
            return entrance
    return None
