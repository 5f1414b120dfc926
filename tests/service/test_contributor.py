"""The attack of a contributor: it knows all its own traffic to the byte, and asks every public route for the rest.

Two to six operators of one economy, three vintages of a month, one of them late each time. What is shown is an
indistinguishability: two worlds in which one operator carries amounts that are an eighth apart, and that look the same
to the last byte of every public answer, in every form, language and vintage. Whoever sees only these answers, and knows
all of the other operators' traffic besides, cannot tell in which of the two it lives.
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from caudal.contract.batch import MEDIA_TYPE
from caudal.service.api.server import Service
from caudal.service.migration.migration import migrate
from caudal.service.perturbation.perturbation import reach_of
from caudal.service.reports.forms import FORMS
from caudal.service.reports.language import LANGUAGES
from caudal.service.reports.pictures import PICTURES
from caudal.service.reports.region.forms import REGION_FORMS
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import ConfidentialitySettings, PublicationSettings, ServiceSettings
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch

PUBLISHER = {"Authorization": "Bearer token-of-the-publisher-0123456789"}
MONTH, RUNNING = "2026-09", "2026-10"
ATTACKER, VICTIM = 0, 1
# Dyadic numbers: products with whole multiples of 64 are exact, so that equal means equal.
FACTORS = (15 / 16, 135 / 128, 1.0, 1.03125, 0.96875, 1.0625)
# An eighth more traffic by a factor that is less by as much.
MORE = (9, 8)
OTHER_FACTOR = 15 / 16
CELLS = (("US", 15169), ("US", 32934), ("BR", 64500), ("CL", 64501), ("ZZ", 0))
ONLY_ITS_OWN = ("PY", 64502)


@dataclass(frozen=True)
class World:
    """How many operators report, and what the second of them carries, in eighths, by which factor."""

    operators: int
    eighths: int = 8
    factor: float = FACTORS[VICTIM]
    percent: float = 10.0
    minimum: int = 3

    def scale(self, operator: int) -> int:
        """Eighths of the traffic that is written below."""
        return self.eighths if operator == VICTIM else 8

    def amount(self, operator: int, cell: int, month: int) -> int:
        """Bytes of an operator in a cell: a multiple of 64, times the eighths."""
        base = (operator + 2) * (cell + 3) * (month + 5) * 7_919 * 1_000_000 % 9_999_991 * 100_000
        return (base // 64 + 1) * 8 * self.scale(operator)

    def own_cell(self, month: int) -> int:
        """Bytes of the attacker to where nobody else sends any."""
        return self.amount(ATTACKER, 1, month) // 64 * 64

    def carried(self, operator: int, month: int) -> int:
        """Bytes out and in of an operator in a month, without what comes late."""
        both = sum(self.amount(operator, cell, month) * 2 for cell in range(len(CELLS)))
        return both + (self.own_cell(month) if operator == ATTACKER else 0)

    def late(self, operator: int) -> int:
        """Bytes of a batch that comes late."""
        return 64 * 1_000_003 * 8_000 * self.scale(operator)


def rows(world: World, operator: int, month: int) -> list[dict[str, Any]]:
    start = datetime(2026, 8 + month, 10, 14, 5, tzinfo=UTC)
    told = []
    for cell, direction in itertools.product(range(len(CELLS)), ("out", "in")):
        country, asn = CELLS[cell]
        told.append(
            row(start, country, asn, direction, world.amount(operator, cell, month), world.scale(operator))
        )
    if operator == ATTACKER:
        country, asn = ONLY_ITS_OWN
        told.append(row(start, country, asn, "out", world.own_cell(month), 8))
    return told


def row(start: datetime, country: str, asn: int, direction: str, size: int, eighths: int) -> dict[str, Any]:
    return {
        "window_start": start,
        "remote_country": country,
        "remote_asn": asn,
        "location_rung": "unknown" if country == "ZZ" else "operator",
        "direction": direction,
        "bytes": size,
        "packets": 8_000_000_000 * eighths,
        "flows": 1_000 * eighths,
        # Of the same packets more, sampled at the same rate.
        "bytes_variance": 1e12 * eighths,
    }


def settings_of(directory: Path, world: World) -> ServiceSettings:
    names = [f"net-{number}" for number in range(world.operators)]
    for name in names:
        path = directory / name
        path.write_text(f"token-of-{name}-0123456789abcdef", encoding="utf-8")
        path.chmod(0o600)
    return ServiceSettings(
        dsn=f"chdb://{directory}/store",
        listen="127.0.0.1:0",
        operators=[
            {
                "id": name,
                "name": name,
                "economy": "UY",
                "subscribers": 300_000 + 1000 * number,
                "subscribers_as_of": "2026-06-30",
            }
            for number, name in enumerate(names)
        ],
        collectors=[{"id": name, "operator": name, "token_file": directory / name} for name in names],
        publication=PublicationSettings(enabled=False),
        confidentiality=ConfidentialitySettings(minimum_operators=world.minimum, percent=world.percent),
    )


@contextmanager
def lived(directory: Path, world: World) -> Iterator[httpx.Client]:
    """A service that has lived through the world: three months, one of them published three times."""
    directory.mkdir()
    settings = settings_of(directory, world)
    with Store(settings.dsn.get_secret_value()) as store:
        migrate(store, lambda: NOW)
        for number in range(world.operators):
            factor = world.factor if number == VICTIM else FACTORS[number]
            store.insert("perturbation", drawn(f"net-{number}", factor))
    with (
        Service(
            settings, lambda: NOW, {Role.publisher: PUBLISHER["Authorization"].removeprefix("Bearer ")}
        ) as service,
        httpx.Client(base_url=service.url, timeout=120) as client,
    ):
        for month, operator in itertools.product(range(3), range(world.operators)):
            send(client, world, operator, rows(world, operator, month), f"{month}")
        publish(client, "2026-08")
        publish(client, MONTH)
        for number, late in enumerate(((VICTIM,), tuple(range(world.operators)))):
            for operator in late:
                start = datetime(2026, 9, 20, 3, 0, tzinfo=UTC)
                lot = [row(start, "US", 15169, "out", world.late(operator), world.scale(operator))]
                send(client, world, operator, lot, f"late-{number}")
            publish(client, MONTH, "batches came late")
        yield client


def drawn(operator: str, factor: float) -> pa.Table:
    return pa.table(
        {
            "economy": ["UY"],
            "operator": [operator],
            "factor": pa.array([factor], pa.float64()),
            "reach": pa.array([reach_of(10.0)], pa.float64()),
            "drawn_at": pa.array([NOW], pa.timestamp("us", tz="UTC")),
        }
    )


def send(
    client: httpx.Client, world: World, operator: int, flows: list[dict[str, Any]], sequence: str
) -> None:
    name = f"net-{operator}"
    counted = 1_000 * world.scale(operator) * len(flows)
    ledger = [
        {
            "window_start": flows[0]["window_start"],
            "received": counted,
            "decoded": counted,
            "aggregated": counted,
        }
    ]
    origin = {"collector": name, "operator": name, "economy": "UY", "synthetic": False, "sequence": sequence}
    answer = client.post(
        "/v1/batches",
        content=batch(flows, ledger, **origin),
        headers={"Authorization": f"Bearer token-of-{name}-0123456789abcdef", "Content-Type": MEDIA_TYPE},
    )
    assert answer.status_code == 201, answer.text


def publish(client: httpx.Client, month: str, reason: str = "") -> None:
    answer = client.post("/v1/vintages", json={"month": month, "reason": reason}, headers=PUBLISHER)
    assert answer.status_code == 201, answer.text


def questions(client: httpx.Client, *, every: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Every public question about the economy: each route, form, language and vintage."""
    known = {
        "economy": "UY",
        "month": MONTH,
        "key": "M.UY",
        "version": "1.0.0",
        "kind": "dataflow",
        "agency": "CAUDAL",
        "group": "CELAC",
    }
    known |= {
        "resource": "DF_INDICATORS",
        "file": "platforms",
        "subject": "AS15169",
        "id": "J4",
        "content": "values",
    }
    vintages = [f"UY-{MONTH}-v{number}" for number in (1, 2, 3)]
    indicators = [each["id"] for each in client.get("/v1/indicators").json()["indicators"]]
    # What the service counts of itself, and says of whoever asks, is no figure of an economy.
    unasked = (
        "/metrics",
        "/readyz",
        "/healthz",
        "/v1/me",
        "/auth/",
        "/v1/keys",
        "/v1/audit",
        "/v1/batches",
        "/v1/collector",
    )
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        if "get" not in operations or path.startswith(unasked):
            continue
        taken = {each["name"] for each in operations["get"].get("parameters", []) if each["in"] == "query"}
        asked = {name: known[name] for name in ("economy", "month") if name in taken}
        filled = path.format(**known | {"vintage": vintages[0], "name": "map", "suffix": "svg"})
        if path == "/v1/reports/{economy}/{month}":
            for form, vintage in itertools.product(FORMS if every else ("json", "csv"), vintages):
                for language in LANGUAGES if every and form in ("json", "html") else ("en",):
                    yield filled, {"format": form, "language": language, "vintage": vintage}
            yield path.format(economy="UY", month="2026-08"), {"format": "json"}
            yield path.format(economy="UY", month=RUNNING), {"format": "json"}
        elif path == "/v1/reports/region/{group}/{month}":
            for form in REGION_FORMS if every else ("json", "csv"):
                for language in LANGUAGES if every and form in ("json", "html") else ("en",):
                    yield filled, {"format": form, "language": language}
            yield path.format(group="CELAC", month=RUNNING), {"format": "json"}
        elif path.startswith("/v1/reports/{economy}/{month}/pictures"):
            for name, vintage in itertools.product(PICTURES, vintages if every else vintages[:1]):
                yield path.format(economy="UY", month=MONTH, name=name, suffix="svg"), {"vintage": vintage}
        elif path == "/v1/indicators/{id}":
            for indicator in indicators:
                yield path.format(id=indicator), {"economy": "UY"}
                for vintage in vintages if every else ():
                    yield path.format(id=indicator), {"economy": "UY", "month": MONTH, "vintage": vintage}
        elif "{content}" in path:
            for content, all_ in itertools.product(("values", "aggregates"), ("false", "true")):
                yield path.format(content=content), {"economy": "UY", "all_vintages": all_}
        elif path == "/v1/vintages/{vintage}/recomputation":
            for vintage in vintages:
                yield path.format(vintage=vintage), {}
        else:
            yield filled, asked
            if "economy" in taken:
                yield filled, {"economy": "UY"}
                yield filled, {"economy": "UY", "month": RUNNING}
                yield filled, {"economy": "UY", "exact": "true"}
            if "vintage" in taken:
                for vintage in vintages:
                    yield filled, asked | {"vintage": vintage}
            if "by" in taken:
                yield filled, asked | {"by": "day"}
            if "group_by" in taken:
                yield filled, asked | {"group_by": "operator"}


def told(client: httpx.Client, *, every: bool) -> dict[str, tuple[int, str | None, bytes]]:
    answers = {}
    for path, parameters in questions(client, every=every):
        answer = client.get(path, params=parameters)
        answers[f"{path} {json.dumps(parameters)}"] = (
            answer.status_code,
            answer.headers.get("etag"),
            answer.content,
        )
    return answers


@pytest.mark.parametrize("operators", [2, 3, 6])
def test_worlds_that_differ_by_an_eighth_are_told_with_the_same_bytes(tmp_path: Path, operators: int) -> None:
    worlds = World(operators), World(operators, eighths=MORE[0], factor=OTHER_FACTOR)
    one, other = (world.carried(VICTIM, 1) for world in worlds)
    assert other == one * 9 // 8
    reach = reach_of(10.0)
    assert all(1 / reach < world.factor < reach for world in worlds)
    answers = []
    for number, world in enumerate(worlds):
        with lived(tmp_path / f"world-{number}", world) as client:
            answers.append(told(client, every=operators == 3))
    assert answers[0].keys() == answers[1].keys()
    for question, answer in answers[0].items():
        assert answer == answers[1][question], question
    # A region of which nobody published the month is not there.
    absent = f"/v1/reports/region/CELAC/{RUNNING}"
    statuses = {answer[0] for question, answer in answers[0].items() if absent not in question}
    assert statuses <= {200, 403, 422}
    assert sum(answer[0] == 200 for answer in answers[0].values()) > (180 if operators == 3 else 60)


def test_the_same_walk_sees_a_difference_of_a_hundredth(tmp_path: Path) -> None:
    """It would not pass for looking away: with the factor left as it is, much of what is told differs."""
    answers = []
    for number, world in enumerate((World(3), World(3, eighths=9))):
        with lived(tmp_path / f"world-{number}", world) as client:
            answers.append(told(client, every=False))
    differing = {
        question.split(" ")[0] for question in answers[0] if answers[0][question] != answers[1][question]
    }
    assert {"/v1/totals", "/v1/ledger", "/v1/jurisdictions", "/v1/indicators/J4"} <= differing
    assert {f"/v1/reports/UY/{MONTH}", "/v1/export/values.jsonl", "/v1/export/aggregates.jsonl"} <= differing


def others(client: httpx.Client, world: World) -> float:
    """What the attacker takes all others to carry: its own bytes over the share that is told of them, less its own."""
    question = {"economy": "UY", "month": "2026-08"}
    report = client.get(f"/v1/reports/UY/{question['month']}", params={"format": "json"}).json()
    [own] = [each for each in report["destinations"]["locations"] if each["key"] == ONLY_ITS_OWN[0]]
    return world.own_cell(0) / own["value"] - world.carried(ATTACKER, 0)


def from_aggregates(client: httpx.Client, world: World) -> float:
    """The same from a cell of the aggregates."""
    lines = [json.loads(line) for line in client.get("/v1/export/aggregates.jsonl").text.splitlines()]
    [own] = [
        each
        for each in lines
        if each.get("month") == "2026-08" and each.get("remote_country") == ONLY_ITS_OWN[0]
    ]
    return world.own_cell(0) / own["share"] - world.carried(ATTACKER, 0)


def test_where_nothing_is_protected_the_attack_has_the_other_to_the_last_digits(tmp_path: Path) -> None:
    world = World(2, percent=0.0)
    with lived(tmp_path / "world", world) as client:
        truth = world.carried(VICTIM, 0)
        assert from_aggregates(client, world) == pytest.approx(truth, rel=1e-9)
        assert others(client, world) == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("operators", [2, 3, 4, 5, 6])
def test_the_attack_is_off_by_the_factors(tmp_path: Path, operators: int) -> None:
    """By an eighth, for these factors, of the only other one; and by what the factors are, of several."""
    world = World(operators)
    with lived(tmp_path / "world", world) as client:
        truth = sum(world.carried(number, 0) for number in range(1, operators))
        moved = sum(
            world.carried(number, 0) * FACTORS[number] / FACTORS[ATTACKER] for number in range(1, operators)
        )
        found = others(client, world)
        assert found == pytest.approx(moved, rel=0.05)
        if operators == 2:
            assert abs(found / truth - 1) > 0.1
        polled(client)
        differences(client, operators)


def polled(client: httpx.Client) -> None:
    """Nothing of a month that is not published is told to strangers, so nothing grows before their eyes."""
    for path in (
        "/v1/totals",
        "/v1/indicators/J4",
        "/v1/jurisdictions",
        "/v1/ledger",
        f"/v1/reports/UY/{RUNNING}",
    ):
        parameters = {} if "reports" in path else {"economy": "UY", "month": RUNNING}
        answer = client.get(path, params=parameters)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:caudal:problem:not-published"), path
        assert RUNNING not in answer.json()["available"]
    assert client.get("/v1/economies").json()["economies"][0]["months"] == ["2026-08", MONTH]
    holder = client.get("/v1/totals", params={"economy": "UY", "month": RUNNING}, headers=PUBLISHER)
    assert holder.status_code == 200


def differences(client: httpx.Client, operators: int) -> None:
    """One operator's late traffic is in no difference of totals; that of all of them may be."""
    observed = {}
    for number in (1, 2, 3):
        question = {"economy": "UY", "month": MONTH, "vintage": f"UY-{MONTH}-v{number}"}
        totals = {each["what"]: each for each in client.get("/v1/totals", params=question).json()["totals"]}
        observed[number] = totals["bytes"]["observed"]
        if number == 2 and operators > 2:
            assert totals["bytes"]["reason"].startswith(
                "withheld: what changed since an earlier vintage is of 1 operator"
            )
    told = operators >= 3
    assert (observed[1] is not None) == told
    assert observed[2] is None
    assert (observed[3] is not None) == told
