"""Publishing by the API and by the scheduler, what answers say afterwards, and the bulk export."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.contract.batch import MEDIA_TYPE, decode_batch
from caudal.reference import Reference
from caudal.service.api.server import Service
from caudal.service.errors import StoreError
from caudal.service.indicators import CATALOGUE
from caudal.service.ingest import Ingest
from caudal.service.metrics import Metrics
from caudal.service.months.measures import Measures
from caudal.service.months.publisher import Publisher
from caudal.service.months.vintages import Vintages
from caudal.service.settings.settings import PublicationSettings, ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.samples import NOW, OTHER_TOKEN, TOKEN, batch, random_batch

from .conftest import clear

PUBLISHER = "token-of-the-publisher-0123456789"
MONTH = "2026-09"
ORDER = {"Authorization": f"Bearer {PUBLISHER}"}
PUBLISHED = ("vintage", "indicator_value", "vintage_cell", "reference_file")


@pytest.fixture(scope="module")
def quiet(settings: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    """Settings with which the service publishes nothing by itself, and someone may."""
    token = tmp_path_factory.mktemp("publisher") / "token"
    token.write_text(PUBLISHER + "\n", encoding="utf-8")
    return ServiceSettings(
        **{**settings.model_dump(), "publication": {"enabled": False}, "publisher_token_file": token}
    )


@pytest.fixture
def client(quiet: ServiceSettings, store: Store) -> Iterator[httpx.Client]:
    for table in PUBLISHED:  # other modules share the store
        store.command(f"TRUNCATE TABLE {table}")
    with (
        Service(quiet, lambda: NOW) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as opened,
    ):
        send(opened, random_batch(1, rows=300))
        yield opened
    clear(store)
    for table in PUBLISHED:
        store.command(f"TRUNCATE TABLE {table}")


def send(client: httpx.Client, body: bytes, token: str = TOKEN) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    assert client.post("/v1/batches", content=body, headers=headers).status_code == 201


def publish(client: httpx.Client, **order: str) -> Any:
    return client.post("/v1/vintages", json={"month": MONTH, **order}, headers=ORDER)


def test_publishing_by_the_api(client: httpx.Client) -> None:
    before = client.get("/v1/indicators/C1", params={"economy": "XA", "month": MONTH})
    assert before.json()["months"][0]["vintage"] is None
    tag = before.headers["etag"]
    again = {"If-None-Match": f'"other", W/{tag}'}
    assert (
        client.get("/v1/indicators/C1", params={"economy": "XA", "month": MONTH}, headers=again).status_code
        == 304
    )

    made = publish(client, economy="XA")
    assert made.status_code == 201, made.text
    [outcome] = made.json()["outcomes"]
    assert (outcome["outcome"], outcome["vintage"]["vintage"]) == ("published", "XA-2026-09-v1")
    assert outcome["vintage"]["observations"] >= len(CATALOGUE)
    after = client.get("/v1/indicators/C1", params={"economy": "XA", "month": MONTH}, headers=again)
    assert after.status_code == 200
    assert after.json()["months"][0]["vintage"] == "XA-2026-09-v1"
    assert after.json()["months"][0]["observations"] == before.json()["months"][0]["observations"]
    assert after.headers["cache-control"] == "public, no-cache"

    send(client, batch([{"bytes": 10**13, "flows": 9000}], sequence="late"))
    known = {"If-None-Match": after.headers["etag"]}
    # What came late changes nothing that is published.
    assert (
        client.get("/v1/indicators/C1", params={"economy": "XA", "month": MONTH}, headers=known).status_code
        == 304
    )
    refused = publish(client, economy="XA")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:caudal:problem:already-published")
    revised = publish(client, economy="XA", reason="a batch came late")
    assert revised.json()["outcomes"][0]["vintage"]["number"] == 2
    assert publish(client, economy="XA", reason="again").json()["outcomes"][0]["outcome"] == "unchanged"
    assert [each["reason"] for each in client.get("/v1/vintages").json()["vintages"]] == [
        "",
        "a batch came late",
    ]
    first = {"economy": "XA", "month": MONTH, "vintage": "XA-2026-09-v1"}
    fixed = client.get("/v1/indicators/C1", params=first)
    assert fixed.json()["months"][0]["observations"] == before.json()["months"][0]["observations"]
    assert "immutable" in fixed.headers["cache-control"]
    for number in (1, 2):
        answer = client.get(f"/v1/vintages/XA-2026-09-v{number}/recomputation").json()
        assert answer["same"] is True, answer


def test_every_economy_at_once(client: httpx.Client) -> None:
    send(client, batch(collector="uy-1", operator="uy-net", economy="UY", synthetic=False), OTHER_TOKEN)
    publish(client, economy="XA")
    outcomes = publish(client).json()["outcomes"]
    assert [(each["economy"], each["outcome"]) for each in outcomes] == [
        ("UY", "published"),
        ("XA", "already published"),
    ]


@pytest.mark.parametrize(
    ("order", "headers", "status"),
    [
        ({"month": MONTH}, {}, 401),
        ({"month": MONTH}, {"Authorization": f"Bearer {TOKEN}"}, 403),
        ({"month": "2026-13"}, ORDER, 422),
        ({"month": "2026-01"}, ORDER, 404),
        ({"month": "2026-01", "economy": "XA"}, ORDER, 404),
        ({"month": MONTH, "economy": "BR"}, ORDER, 404),
        ({"month": MONTH, "economy": "XA", "why": "x"}, ORDER, 422),
        ({}, ORDER, 422),
    ],
)
def test_orders_that_are_refused(
    client: httpx.Client, order: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = client.post("/v1/vintages", json=order, headers=headers)
    assert answer.status_code == status, answer.text
    assert client.get("/v1/vintages").json() == {"vintages": []}


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("/v1/vintages/XA-2026-09-v1/recomputation", {}, 404),
        ("/v1/indicators/C1", {"economy": "XA", "month": MONTH, "vintage": "XA-2026-09-v1"}, 404),
        ("/v1/indicators/C1", {"economy": "XA", "vintage": "XA-2026-09-v1"}, 422),
        ("/v1/totals", {"economy": "XA", "month": MONTH, "vintage": "newest"}, 422),
        ("/v1/totals", {"economy": "BR"}, 404),
        ("/v1/export/flows.jsonl", {}, 422),
    ],
)
def test_what_there_is_not(client: httpx.Client, path: str, parameters: dict[str, str], status: int) -> None:
    answer = client.get(path, params=parameters, headers={"If-None-Match": "*"})
    assert answer.status_code == status, answer.text


def test_nobody_publishes_where_no_token_is_set(settings: ServiceSettings, store: Store) -> None:
    with Service(settings, lambda: NOW) as service:
        answer = httpx.post(
            f"{service.url}/v1/vintages", json={"month": MONTH}, headers=ORDER, timeout=PATIENCE_SECONDS
        )
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:caudal:problem:unauthorized"


def test_totals_show_observed_and_estimated_apart(client: httpx.Client) -> None:
    answer = client.get("/v1/totals", params={"economy": "XA", "month": MONTH}).json()
    assert answer["declared"] == {"demo-net": {"count": 1_000_000, "as_of": "2026-09-30"}}
    totals = {each["what"]: each for each in answer["totals"]}
    assert set(totals) >= {"bytes_out", "bytes_in", "bytes", "V2"}
    flows = client.get("/v1/flows", params={"economy": "XA", "month": MONTH, "where": "direction:out"}).json()
    out = totals["bytes_out"]
    assert out["observed"]["value"] == pytest.approx(flows["total"]["bytes"])
    # A million of the four million internet users are covered.
    assert out["estimated"]["value"] == pytest.approx(4 * flows["total"]["bytes"])
    assert out["estimated"]["low"] < out["estimated"]["value"] / 1.5
    assert out["estimated"]["high"] > out["estimated"]["value"] * 1.5
    assert out["flags"] == ["spread_assumed"]
    # XA is made up: there is nobody to protect.
    assert answer["withheld"] == []


def test_one_operator_is_not_shown(client: httpx.Client) -> None:
    rows = [{"bytes": 10**9, "flows": 500}, {"bytes": 10**9, "flows": 500, "direction": "in"}]
    send(client, batch(rows, collector="uy-1", operator="uy-net", economy="UY", synthetic=False), OTHER_TOKEN)
    early = client.get("/v1/totals", params={"economy": "UY", "month": MONTH})
    assert (early.status_code, early.json()["type"]) == (403, "urn:caudal:problem:not-published")
    publish(client, economy="UY")
    answer = client.get("/v1/totals", params={"economy": "UY", "month": MONTH}).json()
    amounts = {"bytes_domestic", "bytes_out", "bytes_in", "bytes"}
    assert {each["what"] for each in answer["withheld"]} == {*amounts, "V2"}
    assert all(each["observed"] is None and each["estimated"] is None for each in answer["totals"])
    assert {each["rule"] for each in answer["withheld"]} == {"minimum frequency rule"}
    question = {"economy": "UY", "month": MONTH}
    volume, *_ = client.get("/v1/indicators/V2", params=question).json()["months"][0]["observations"]
    assert volume["value"] is None
    assert volume["flags"] == ["confidential"] or "confidential" in volume["flags"]
    assert volume["reason"].startswith("withheld: 1 operator reported")
    assert volume["details"] == {}
    shares = client.get("/v1/indicators/J4", params=question).json()["months"][0]["observations"]
    assert any(each["value"] for each in shares)
    lines = [json.loads(each) for each in client.get("/v1/export/aggregates.jsonl").text.splitlines()]
    rows = [each for each in lines if each["type"] == "aggregate"]
    assert sum(each["share"] for each in rows) == pytest.approx(1)
    assert {each["bytes"] for each in rows} == {None}
    assert "minimum frequency rule" in rows[0]["withheld"]


def test_bulk_export(client: httpx.Client) -> None:
    publish(client, economy="XA")
    send(client, batch([{"bytes": 10**13, "flows": 9000}], sequence="late"))
    publish(client, economy="XA", reason="late")
    answer = client.get("/v1/export/values.jsonl")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["link"] == '<https://creativecommons.org/licenses/by/4.0/>; rel="license"'
    assert "synthetic" in answer.headers["content-disposition"]
    notice, *lines, end = [json.loads(each) for each in answer.text.splitlines()]
    assert notice["licence"]["name"] == "CC-BY-4.0"
    assert notice["attributions"]
    assert notice["synthetic"] is True
    assert [each["vintage"] for each in notice["vintages"]] == ["XA-2026-09-v2"]
    assert end == {"type": "end", "lines": len(lines)}
    question = {"economy": "XA", "month": MONTH}
    shown = client.get("/v1/indicators/J4", params=question).json()["months"][0]["observations"]
    exported = [each for each in lines if each.get("indicator") == "J4"]
    assert [{name: each[name] for name in shown[0]} for each in exported] == shown
    assert {each["what"] for each in lines if each["type"] == "total"} >= {"bytes", "V2"}
    every = client.get("/v1/export/values.jsonl", params={"all_vintages": True}).text.splitlines()
    assert len(every) > len(lines) * 1.5
    known = {"If-None-Match": answer.headers["etag"]}
    assert client.get("/v1/export/values.jsonl", headers=known).status_code == 304
    cells = [json.loads(each) for each in client.get("/v1/export/aggregates.jsonl").text.splitlines()]
    flows = client.get("/v1/flows", params=question).json()
    # What is made up is shown whole.
    assert sum(each["bytes"] for each in cells if each["type"] == "aggregate") == flows["total"]["bytes"]
    nothing = client.get("/v1/export/values.jsonl", params={"economy": "BR"}).text.splitlines()
    assert [json.loads(each)["type"] for each in nothing] == ["notice", "end"]


# ---- by itself


@pytest.fixture
def facts(store: Store) -> Iterator[Store]:
    body = random_batch(1, rows=300)
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    yield store
    clear(store)
    for table in PUBLISHED:
        store.command(f"TRUNCATE TABLE {table}")


def publisher(
    settings: ServiceSettings, store: Store, reference: Reference, overlay: Path, now: datetime, **given: int
) -> tuple[Publisher, Vintages, Metrics]:
    measures, metrics = Measures(settings, store, reference, lambda: now), Metrics()
    vintages = Vintages(store, reference, measures, lambda: now, overlay)
    return Publisher(vintages, store, PublicationSettings(**given), lambda: now, metrics), vintages, metrics


def test_what_is_published_by_itself_is_written_down(
    settings: ServiceSettings, facts: Store, reference: Reference, overlay: Path
) -> None:
    recorded: list[str] = []
    now = datetime(2026, 9, 20, tzinfo=UTC)
    measures = Measures(settings, facts, reference, lambda: now)
    vintages = Vintages(facts, reference, measures, lambda: now, overlay)
    Publisher(vintages, facts, PublicationSettings(), lambda: now, Metrics(), recorded.append).run()
    assert recorded == ["XA-2026-08-v1"]


def test_a_month_is_due_on_its_day_and_hour(
    settings: ServiceSettings, facts: Store, reference: Reference, overlay: Path
) -> None:
    moment = datetime(2026, 10, 10, 3, tzinfo=UTC)
    early, _, _ = publisher(settings, facts, reference, overlay, moment - timedelta(seconds=1))
    assert early.due() == [("XA", "2026-08")]
    on_time, _, _ = publisher(settings, facts, reference, overlay, moment)
    assert on_time.due() == [("XA", "2026-08"), ("XA", "2026-09")]
    later, _, _ = publisher(settings, facts, reference, overlay, moment, day=20)
    assert later.due() == [("XA", "2026-08")]
    much_later, _, _ = publisher(
        settings, facts, reference, overlay, datetime(2027, 9, 30, tzinfo=UTC), catch_up_months=12
    )
    assert much_later.due() == [("XA", "2026-09"), ("XA", "2026-10")]


def test_what_was_missed_is_published_once(
    settings: ServiceSettings, facts: Store, reference: Reference, overlay: Path
) -> None:
    due, _, metrics = publisher(settings, facts, reference, overlay, NOW)
    due.run()
    due.run()
    found = facts.frame("SELECT vintage FROM vintage ORDER BY vintage")["vintage"].to_list()
    assert found == ["XA-2026-08-v1", "XA-2026-09-v1", "XA-2026-10-v1"]
    assert (
        metrics.registry.get_sample_value("caudal_service_publications_total", {"outcome": "published"}) == 3
    )


def test_one_month_that_fails_keeps_none_back(
    settings: ServiceSettings,
    facts: Store,
    reference: Reference,
    overlay: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due, vintages, metrics = publisher(settings, facts, reference, overlay, NOW)
    right = vintages.publish

    def failing(economy: str, month: str, reason: str = "") -> Any:
        if month == "2026-08":
            raise StoreError("does not answer")
        return right(economy, month, reason)

    monkeypatch.setattr(vintages, "publish", failing)
    due.run()
    assert metrics.registry.get_sample_value("caudal_service_publications_total", {"outcome": "failed"}) == 1
    monkeypatch.undo()
    assert due.due() == [("XA", "2026-08")]
    due.run()
    assert due.due() == []


def test_the_service_catches_up_when_it_starts(settings: ServiceSettings, facts: Store) -> None:
    with (
        Service(settings, lambda: NOW) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
    ):
        wait_until(lambda: len(client.get("/v1/vintages").json()["vintages"]) == 3)
