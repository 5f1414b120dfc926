"""Every route asked as every role, against a service that runs; and the table in the documentation."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from caudal.contract.batch import MEDIA_TYPE
from caudal.reference import Reference
from caudal.service.api.app import Api
from caudal.service.api.server import Service
from caudal.service.requests.wiring import wire
from caudal.service.roles.actor import Actor, decide
from caudal.service.roles.entrances import ENTRANCES, Entrance, entrance_of
from caudal.service.roles.matrix import with_tables
from caudal.service.roles.roles import MEANING, OF_OPERATORS, RULES, TABLE, Resource, Role
from caudal.service.settings.settings import ConfidentialitySettings, ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, OTHER_TOKEN, TOKEN, batch

from ..conftest import clear

ADMIN = "token-of-the-admin-0123456789"
PUBLISHER = "token-of-the-publisher-0123456789"
ROOT = Path(__file__).parents[3]
MONTH, RUNNING = "2026-09", "2026-10"
FILLED = {
    "{id}": "J4",
    "{economy}": "UY",
    "{month}": MONTH,
    "{kind}": "dataflow",
    "{agency}": "CAUDAL",
    "{resource}": "DF_INDICATORS",
    "{version}": "1.0.0",
    "{key}": "M.UY",
    "{vintage}": "UY-2026-09-v1",
    "{content}": "values",
    "{file}": "platforms",
    "{subject}": "AS15169",
}
QUESTION = {"economy": "UY", "month": MONTH}
FIRST = {
    *(Role.public, Role.analyst, Role.operator, Role.publisher),
    *(Role.auditor, Role.admin, Role.collector),
}


@pytest.fixture(scope="module")
def service(settings: ServiceSettings, store: Store) -> Iterator[Service]:
    """A service in whose store UY has two operators that must be protected, and XA none."""
    operators = [
        *(each.model_dump() for each in settings.operators),
        {"id": "otra", "name": "Otra", "economy": "UY"},
    ]
    changes = {"publication": {"enabled": False}, "operators": operators}
    protecting = ServiceSettings(
        **{**settings.model_dump(), **changes, "confidentiality": ConfidentialitySettings()}
    )
    with Service(protecting, lambda: NOW, {Role.admin: ADMIN, Role.publisher: PUBLISHER}) as running:
        for operator, collector in (("uy-net", "uy-1"), ("otra", "uy-2")):
            token = OTHER_TOKEN
            if collector == "uy-2":
                token = make(running, role="collector", name="uy-2", operators=["otra"])
            body = batch(
                [
                    {"bytes": 1000, "flows": 500, "site": f"{operator}-north"},
                    {"bytes": 2000, "direction": "in"},
                    {"bytes": 3000, "flows": 500, "window_start": datetime(2026, 10, 5, tzinfo=UTC)},
                ],
                collector=collector,
                operator=operator,
                economy="UY",
                synthetic=False,
            )
            assert send(running, body, token) == 201
        assert send(running, batch(), TOKEN) == 201
        for economy in ("UY", "XA"):
            order = {"economy": economy, "month": MONTH}
            assert ask(running, PUBLISHER, "POST", "/v1/vintages", json=order).status_code == 201
        yield running
    clear(store)
    for table in ("vintage", "indicator_value", "vintage_cell", "reference_file"):
        store.command(f"TRUNCATE TABLE {table}")


def send(service: Service, body: bytes, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    return httpx.post(
        f"{service.url}/v1/batches", content=body, headers=headers, timeout=PATIENCE_SECONDS
    ).status_code


def make(service: Service, **order: Any) -> str:
    """Make a key; return it."""
    made = httpx.post(
        f"{service.url}/v1/keys",
        json=order,
        headers={"Authorization": f"Bearer {ADMIN}"},
        timeout=PATIENCE_SECONDS,
    )
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[Role, str]:
    """A key of each role, bound to UY or its operator uy-net where the role is bound to something."""
    bound = {
        role: {"economies": ["UY"]} if rule.economies != "none" else {"operators": ["uy-net"]}
        for role, rule in RULES.items()
        if rule.economies != "none" or rule.operators != "none"
    }
    return {
        role: make(
            service, role=role, name="uy-3" if role is Role.collector else "Holder", **bound.get(role, {})
        )
        for role in Role
        if role is not Role.public
    }


def having(resource: Resource, *known: Role) -> set[Role]:
    """Return the roles that have a resource of all operators: of the roles there were at first, those `known`.

    What the first roles may have is said here once more, so that nobody widens it by a slip; what roles that came later
    may have, their rules alone say.
    """
    later = set(Role) - FIRST - OF_OPERATORS
    return {*known, *(role for role in later if resource in TABLE[role])}


def ask(service: Service, key: str | None, method: str, path: str, **content: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.request(method, f"{service.url}{path}", headers=headers, timeout=60, **content)


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda each: f"{each.method} {each.path}")
def test_every_route_as_every_role(service: Service, keys: dict[Role, str], entrance: Entrance) -> None:
    path = entrance.path
    for name, value in FILLED.items():
        path = path.replace(name, value)
    # Far away, so that metrics are not open to it as to a neighbour.
    for role in Role:
        headers = {"X-Forwarded-For": "198.51.100.7"}
        if role in keys:
            headers["Authorization"] = f"Bearer {keys[role]}"
        asked = {"params": QUESTION} if entrance.method == "GET" else {"json": {}}
        answer = httpx.request(entrance.method, f"{service.url}{path}", headers=headers, timeout=60, **asked)
        said = (entrance.method, path, str(role), answer.status_code, answer.text[:300])
        assert answer.status_code < 500, said
        if entrance.resource not in TABLE[role]:
            expected = 401 if role is Role.public else 403
            assert answer.status_code == expected, said
            problem = "unauthorized" if role is Role.public else "forbidden"
            assert answer.json()["type"] == f"urn:caudal:problem:{problem}", said
            # What is refused says what it was, and by which role.
            assert MEANING[entrance.resource] in answer.json()["detail"], said
        elif path in ("/v1/flows", "/auth/login"):  # what these refuse is tested by itself
            assert answer.status_code in (200, 403), said
        else:
            assert answer.status_code not in (401, 403), said


def test_flows_by_role_and_scope(service: Service, keys: dict[Role, str]) -> None:
    """Who sees what of whom: 403 where nothing, else the operators in the answer."""

    def seen(role: Role, **question: str) -> object:
        answer = ask(
            service,
            keys.get(role),
            "GET",
            "/v1/flows",
            params={**QUESTION, "group_by": "operator", **question},
        )
        if answer.status_code != 200:
            return answer.status_code, answer.json()["type"].rpartition(":")[2]
        return sorted(row["group"]["operator"] for row in answer.json()["rows"])

    refused = (403, "confidential")
    both = ["otra", "uy-net"]
    of_all = having(Resource.exact, Role.analyst, Role.publisher, Role.auditor)
    of_its_own = {Role.operator, *(role for role in OF_OPERATORS - FIRST if Resource.exact in TABLE[role])}
    assert {role: seen(role) for role in Role} == {
        role: both if role in of_all else ["uy-net"] if role in of_its_own else refused for role in Role
    }
    # Made-up traffic is everybody's; of what is not theirs, an operator's key is told nothing.
    assert {role: seen(role, economy="XA") for role in Role} == {
        role: [] if role in of_its_own else ["demo-net"] for role in Role
    }
    assert seen(Role.operator, where="operator:uy-net") == ["uy-net"]
    for others in ("operator:otra", "operator:uy-net,otra", "operator:", "operator:Uy-net"):
        assert seen(Role.operator, where=others) == (403, "forbidden")
    # Out of the economies of a key.
    brazil = make(service, role="analyst", name="Other", economies=["BR"])
    answer = ask(service, brazil, "GET", "/v1/flows", params=QUESTION)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:caudal:problem:confidential")
    mixed = {"economy": ["UY", "XA"], "month": MONTH}
    assert ask(service, keys[Role.analyst], "GET", "/v1/flows", params=mixed).status_code == 403


def test_sites_by_role_and_scope(service: Service, keys: dict[Role, str]) -> None:
    """Who sees the sites of whom: an operator its own, no other operator's; the public nobody's."""

    def seen(role: Role, **question: str) -> object:
        asked = {**QUESTION, "group_by": "site", **question}
        answer = ask(service, keys.get(role), "GET", "/v1/flows", params=asked)
        return answer.status_code if answer.status_code != 200 else {
            row["group"]["site"] for row in answer.json()["rows"]
        }  # fmt: skip

    both = {"", "otra-north", "uy-net-north"}
    assert {role: seen(role) for role in Role} == {
        Role.public: 403,
        Role.analyst: both,
        Role.operator: {"", "uy-net-north"},
        Role.publisher: both,
        Role.auditor: both,
        Role.admin: 403,
        Role.collector: 403,
    }
    assert seen(Role.operator, where="site:otra-north") == set()
    # Of made-up traffic all else is told to everybody.
    assert [seen(role, economy="XA") for role in (Role.public, Role.admin, Role.collector)] == [403] * 3


def test_jurisdictions_by_role(service: Service, keys: dict[Role, str]) -> None:
    def told(role: Role) -> bool:
        answer = ask(service, keys.get(role), "GET", "/v1/jurisdictions", params=QUESTION).json()
        return all(each["bytes"] is not None for each in answer["jurisdictions"])

    assert {role for role in Role if told(role)} == having(
        Resource.exact, Role.analyst, Role.publisher, Role.auditor
    )


def test_months_that_are_not_published_by_role(service: Service, keys: dict[Role, str]) -> None:
    seeing = having(Resource.running, Role.analyst, Role.publisher, Role.auditor)
    question = {"economy": "UY", "month": RUNNING}
    for path, asked in (
        ("/v1/totals", question),
        ("/v1/indicators/J4", question),
        ("/v1/jurisdictions", question),
        (f"/v1/reports/UY/{RUNNING}", {}),
        ("/v1/sdmx/data/dataflow/CAUDAL/DF_INDICATORS/1.0.0/M.UY", {"c[TIME_PERIOD]": f"eq:{RUNNING}"}),
    ):
        answers = {role: ask(service, keys.get(role), "GET", path, params=asked) for role in Role}
        assert {role for role, answer in answers.items() if answer.status_code == 200} == seeing, path
        for role in set(Role) - seeing:
            told = (
                answers[role].status_code,
                answers[role].json()["type"],
                answers[role].json()["available"],
            )
            assert told == (403, "urn:caudal:problem:not-published", [MONTH])

    def months(role: Role) -> list[str]:
        answer = ask(service, keys.get(role), "GET", "/v1/economies").json()
        return next(each["months"] for each in answer["economies"] if each["economy"] == "UY")

    assert {role: months(role) for role in Role} == {
        role: [MONTH, RUNNING] if role in seeing else [MONTH] for role in Role
    }


def test_exact_figures_by_role(service: Service, keys: dict[Role, str]) -> None:
    for path in ("/v1/totals", "/v1/indicators/V2"):
        answers = {
            role: ask(service, keys.get(role), "GET", path, params={**QUESTION, "exact": "true"})
            for role in Role
        }
        allowed = {role for role, answer in answers.items() if answer.status_code == 200}
        assert allowed == having(Resource.exact, Role.analyst, Role.publisher, Role.auditor)
        for role in set(Role) - allowed:
            assert answers[role].json()["type"] == "urn:caudal:problem:confidential"
    [observed] = [
        each["observed"]
        for each in ask(
            service, keys[Role.auditor], "GET", "/v1/totals", params={**QUESTION, "exact": "true"}
        ).json()["totals"]
        if each["what"] == "bytes"
    ]
    assert observed["value"] == 6000
    assert service._access is not None
    service._access.notes.flush()
    deeds = ask(service, keys[Role.auditor], "GET", "/v1/audit").json()
    assert "exact UY" in str(deeds)
    assert "running UY" in str(deeds)


def test_the_ledger_of_an_operator_is_its_own(service: Service, keys: dict[Role, str]) -> None:
    def operators(role: Role) -> set[str | None]:
        answer = ask(service, keys.get(role), "GET", "/v1/ledger", params=QUESTION).json()
        return {row["operator"] for row in answer["rows"]}

    assert operators(Role.operator) == {"uy-net"}
    assert operators(Role.auditor) == operators(Role.admin) == {"uy-net", "otra"}
    for role in (Role.public, Role.collector, Role.analyst, Role.publisher):
        assert operators(role) == {None}


def test_publishing_within_the_economies_of_a_key(service: Service, keys: dict[Role, str]) -> None:
    key = keys[Role.publisher]
    refused = ask(service, key, "POST", "/v1/vintages", json={"month": MONTH, "economy": "XA"})
    assert refused.status_code == 403
    assert "bound to economies UY" in refused.json()["detail"]
    made = ask(service, key, "POST", "/v1/vintages", json={"month": MONTH, "reason": "again"})
    assert [each["economy"] for each in made.json()["outcomes"]] == ["UY"]
    # It would say what is published: nothing new was, and nothing is written down but who published it first.
    assert [(each["actor"], each["subject"]) for each in written(service, "publish")] == [
        ("publisher", f"XA-{MONTH}-v1"),
        ("publisher", f"UY-{MONTH}-v1"),
    ]


def written(service: Service, deed: str) -> list[dict[str, Any]]:
    """Return the lines of the record of a kind, newest first, with what was only noted so far."""
    assert service._access is not None
    service._access.notes.flush()
    found = ask(service, ADMIN, "GET", "/v1/audit", params={"deed": deed})
    lines: list[dict[str, Any]] = found.json()["lines"]
    return lines


def test_who_read_what_is_withheld_is_written_down(service: Service, keys: dict[Role, str]) -> None:
    reader = make(service, role="analyst", name="Reader", economies=["UY"])
    for path in ("/v1/flows", "/v1/flows", "/v1/jurisdictions", "/v1/indicators/J4"):
        assert ask(service, reader, "GET", path, params=QUESTION).status_code == 200
    # What is everybody's is nobody's business.
    assert ask(service, keys[Role.auditor], "GET", "/v1/flows", params={"economy": "XA"}).status_code == 200
    lines = [line for line in written(service, "read") if line["actor"] == "Reader"]
    assert {line["subject"] for line in lines} == {"exact UY"}
    assert sum(json.loads(line["detail"])["times"] for line in lines) == 3
    assert not [line for line in written(service, "read") if "XA" in line["subject"]]


def test_a_batch_of_another_than_the_key_names(service: Service, keys: dict[Role, str]) -> None:
    of_uy = {"operator": "uy-net", "economy": "UY", "synthetic": False}
    assert send(service, batch(collector="uy-3", **of_uy), keys[Role.collector]) == 201
    assert send(service, batch(collector="uy-1", **of_uy), keys[Role.collector]) == 403
    assert (
        send(service, batch(collector="uy-3", **{**of_uy, "operator": "otra"}), keys[Role.collector]) == 403
    )
    for role, key in keys.items():
        if role is not Role.collector:
            assert send(service, batch(collector="uy-3", **of_uy), key) == 403


def test_what_became_of_ones_own_batches(service: Service) -> None:
    status = ask(service, OTHER_TOKEN, "GET", "/v1/collector").json()
    assert (status["collector"], status["operator"]) == ("uy-1", "uy-net")
    assert status["newest_received_at"] == "2026-11-21T12:30:15Z"
    assert [(each["day"], each["state"], each["batches"], each["rows"]) for each in status["days"]] == [
        ("2026-11-21", "counted", 1, 3)
    ]


def test_every_route_is_an_entrance(settings: ServiceSettings, store: Store, reference: Reference) -> None:
    app = Api(wire(settings, store, reference, lambda: NOW))

    def all_of(routes: Any) -> Iterator[APIRoute]:
        for route in routes:
            if isinstance(route, APIRoute):
                yield route
            else:
                yield from all_of(getattr(route, "routes", None) or ())

    mounted = {route.path for route in app.routes if isinstance(route, Mount)}
    assert mounted == {"/static-offline-docs"}
    there_are = {(method, route.path) for route in all_of(app.routes) for method in route.methods}
    documented = {
        (method.upper(), path) for path, operations in app.openapi()["paths"].items() for method in operations
    }
    listed = {(each.method, each.path) for each in ENTRANCES}
    assert documented <= listed
    assert there_are <= listed
    assert {path for _, path in listed - documented} == {
        "/",
        "/docs",
        "/docs/oauth2-redirect",
        "/openapi.json",
        "/static-offline-docs/{file}",
    }


def test_the_most_particular_entrance_is_found() -> None:
    for entrance in ENTRANCES:
        path = entrance.path
        for name, value in FILLED.items():
            path = path.replace(name, value)
        assert entrance_of(entrance.method, path) == entrance
    for method, path in (
        ("DELETE", "/v1/keys"),
        ("GET", "/v1/keys/"),
        ("GET", "/v1/flows/x"),
        ("GET", "/v1/keys\n"),
    ):
        assert entrance_of(method, path) is None


def test_what_no_table_names_is_denied() -> None:
    for role in Role:
        for resource in Resource:
            bound = Actor(role, "x", frozenset({"UY"}), frozenset({"a"}), "key")
            free = Actor(role, "x", None, None, "key")
            public = resource in TABLE[Role.public]
            assert decide(free, resource, ["UY"], ["a"]) <= (resource in TABLE[role])
            assert decide(bound, resource, ["BR"], ["a"]) == public
            assert decide(bound, resource, ["UY"], ["a", "b"]) == public
            assert decide(bound, resource, ["UY"], []) == public
            assert decide(bound, resource, ["UY"], None) == public
            assert decide(bound, resource, ["UY"], ["a"]) == (resource in TABLE[role])


@pytest.mark.parametrize("name", ["api.md", "deploy.md"])
def test_the_documentation_has_the_tables(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert page == with_tables(page), f"run: python -m caudal.service.roles.matrix docs/{name}"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no table of roles: put <!-- roles"):
        with_tables("# Roles\n")
