"""The roles, what there is to be had, and the one declaration of each role: what it may have, and of whom.

What a role does not name is denied. A key may be given fewer economies or operators than its role allows, never more.
To add a role, add a member of `Role` and its `Rule` here; keys, people, the door, the command line and the tables in the
documentation go by these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


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


@dataclass(frozen=True)
class Rule:
    """The purpose of a role, which resources it may have, and which economies and operators its keys are bound to.

    A key names no economies, may name some, or must; no operators, at least one ("some"), or exactly one. A role of
    operators has what belongs to an operator of its own operators only.
    """

    meant_for: str
    resources: frozenset[Resource]
    economies: Literal["none", "may", "must"] = "none"
    operators: Literal["none", "some", "one"] = "none"


RULES: Mapping[Role, Rule] = {
    Role.public: Rule("everybody, without a key", _PUBLIC),
    Role.analyst: Rule(
        "who studies figures that the public does not get exactly",
        _PUBLIC | {Resource.running, Resource.exact},
        economies="must",
    ),
    Role.operator: Rule(
        "a network operator: its own traffic, ledger and batches, nobody else's",
        _PUBLIC | {Resource.exact, Resource.quality, Resource.batches},
        operators="some",
    ),
    Role.publisher: Rule(
        "who publishes and revises months",
        _PUBLIC | {Resource.running, Resource.exact, Resource.publish},
        economies="may",
    ),
    Role.auditor: Rule(
        "who reads everything and changes nothing",
        _PUBLIC
        | {
            Resource.metrics,
            Resource.running,
            Resource.exact,
            Resource.quality,
            Resource.batches,
            Resource.holders,
            Resource.audit,
        },
    ),
    Role.admin: Rule(
        "who makes keys, and takes batches back",
        _PUBLIC
        | {
            Resource.metrics,
            Resource.quality,
            Resource.batches,
            Resource.changes,
            Resource.keys,
            Resource.holders,
            Resource.audit,
        },
    ),
    Role.collector: Rule(
        "a collector, in place of a token file; the key is named after its id",
        _PUBLIC | {Resource.ingest, Resource.status},
        operators="one",
    ),
}

# Which role may have what, and whose keys are bound to operators: they see of these only what belongs to an operator.
TABLE: Mapping[Role, frozenset[Resource]] = {role: rule.resources for role, rule in RULES.items()}
OF_OPERATORS = frozenset(role for role, rule in RULES.items() if rule.operators != "none")
# The roles that a key can have, or a person who logs in.
OF_KEYS = tuple(role for role in Role if role is not Role.public)
