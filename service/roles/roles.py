"""The roles, what there is to be had, and the one table that says which role may have what.

What the table does not name is denied. A key may be given fewer economies or operators than its role allows, never
more.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Roles that somebody can have at the service."""

    public = "public"
    analyst = "analyst"
    operator = "operator"
    publisher = "publisher"
    auditor = "auditor"
    admin = "admin"
    collector = "collector"


class Resource(StrEnum):
    """Resources of the service: each route asks for one of these, and for no other."""

    health = "health"
    metrics = "metrics"
    facts = "facts"
    published = "published"
    running = "running"
    exact = "exact"
    quality = "quality"
    ingest = "ingest"
    status = "status"
    publish = "publish"
    batches = "batches"
    changes = "changes"
    keys = "keys"
    holders = "holders"
    audit = "audit"
    oneself = "oneself"


MEANING: Mapping[Resource, str] = {
    Resource.health: "whether the service works; its documentation",
    Resource.metrics: "counts of the service about itself, for Prometheus",
    Resource.facts: "the reference, the indicators' definitions, the structure of the statistics",
    Resource.published: "what is published, in every form and vintage",
    Resource.running: "figures of months that are not published, as they would be",
    Resource.exact: "traffic as it was metered, nothing withheld and nothing disturbed",
    Resource.quality: "the ledger by operator and exporter",
    Resource.ingest: "sending batches",
    Resource.status: "what became of one's own batches",
    Resource.publish: "publishing and revising months",
    Resource.batches: "the list of batches: who sent what, when, with which software",
    Resource.changes: "retracting, restoring, releasing batches",
    Resource.keys: "making and revoking keys",
    Resource.holders: "the list of keys: who holds which, for what, until when",
    Resource.audit: "the record of what was done, and whether it is whole",
    Resource.oneself: "who one is to the service; logging in and out",
}

_PUBLIC = frozenset({Resource.health, Resource.facts, Resource.published, Resource.oneself})

TABLE: Mapping[Role, frozenset[Resource]] = {
    Role.public: _PUBLIC,
    Role.analyst: _PUBLIC | {Resource.running, Resource.exact},
    Role.operator: _PUBLIC | {Resource.exact, Resource.quality, Resource.batches},
    Role.publisher: _PUBLIC | {Resource.running, Resource.exact, Resource.publish},
    Role.auditor: _PUBLIC
    | {
        Resource.metrics,
        Resource.running,
        Resource.exact,
        Resource.quality,
        Resource.batches,
        Resource.holders,
        Resource.audit,
    },
    Role.admin: _PUBLIC
    | {
        Resource.metrics,
        Resource.quality,
        Resource.batches,
        Resource.changes,
        Resource.keys,
        Resource.holders,
        Resource.audit,
    },
    Role.collector: _PUBLIC | {Resource.ingest, Resource.status},
}

# Whoever has one of these roles sees what is bound to an operator of its own operators only.
OF_OPERATORS = frozenset({Role.operator, Role.collector})
