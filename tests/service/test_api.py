"""The API over a store with three months of traffic whose sums are known."""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from caudal.contract.batch import LEDGER_COUNTS, MEDIA_TYPE, batch_id, decode_batch
from caudal.reference import Reference
from caudal.service.admission import admit
from caudal.service.api.server import Service
from caudal.service.indicators import CATALOGUE
from caudal.service.ingest import Ingest
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from caudal.service.vocabulary.languages import LANGUAGES
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, OTHER_TOKEN, TOKEN, batch

GB = 1_000_000_000


def at(month: int, day: int = 10, hour: int = 14) -> datetime:
    return datetime(2026, month, day, hour, 5, tzinfo=UTC)


def flows_of(month: int) -> list[dict[str, Any]]:
    google = {"remote_asn": 15169, "flows": 200, "packets": 1_000_000}
    return [
        {"window_start": at(month), "bytes": 6 * GB, "bytes_variance": 1e16, **google},
        {"window_start": at(month, hour=15), "bytes": 2 * GB, "direction": "in", **google},
        {"window_start": at(month, day=11), "bytes": GB, "remote_asn": 2906, "remote_country": "BR", "flows": 100},
        {"window_start": at(month), "bytes": GB, "remote_asn": 4200000000, "remote_country": "ZZ",
         "location_rung": "unknown", "flows": 50, "sampling_from": "assumed"},
        {"window_start": at(month), "bytes": 5 * GB, "direction": "internal", "remote_country": "XA"},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    ledger = [{"received": 10, "decoded": 9, "malformed": 1, "aggregated": 8, "events": 1, "lost": 3}]
    return [
        batch(flows_of(month), [{**row, "window_start": at(month)} for row in ledger], sequence=str(month))
        for month in (8, 9, 11)
    ]


@pytest.fixture(scope="module")
def client(settings: ServiceSettings, store: Store, bodies: list[bytes]) -> Iterator[httpx.Client]:
    with (
        Service(settings, lambda: NOW) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as opened,
    ):
        for body in bodies:
            assert post(opened, body).status_code == 201
        yield opened


def post(client: httpx.Client, body: bytes, token: str | None = TOKEN, **headers: str) -> Any:
    sent = {"Content-Type": MEDIA_TYPE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if token is not None:
        sent.setdefault("Authorization", f"Bearer {token}")
    return client.post("/v1/batches", content=body, headers=sent)


def get(client: httpx.Client, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["status"] == status
    assert content["type"] == f"urn:caudal:problem:{kind}"
    assert content["title"] and content["instance"].startswith("/")
    assert "\n" not in content["detail"]
    assert "Traceback" not in answer.text
    return content


# Batches


def test_accepted_then_duplicate(client: httpx.Client, bodies: list[bytes]) -> None:
    answer = post(client, bodies[0])
    assert answer.status_code == 200
    assert answer.json() == {
        "batch_id": batch_id(bodies[0]),
        "outcome": "duplicate",
        "received_at": "2026-11-21T12:30:15Z",
    }


def test_digest(client: httpx.Client, bodies: list[bytes]) -> None:
    digest = base64.b64encode(hashlib.sha256(bodies[0]).digest()).decode()
    assert post(client, bodies[0], Content_Digest=f"sha-256=:{digest}:").status_code == 200
    assert post(client, bodies[0], Content_Digest="md5=:abcd:").status_code == 200
    other = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    said = problem(post(client, bodies[0], Content_Digest=f"sha-256=:{other}:"), 400, "bad-digest")
    assert "damaged" in said["detail"]
    for malformed in ("sha-256=abc", "sha-256=:a:", "sha-256=:YQ==:"):
        problem(post(client, bodies[0], Content_Digest=malformed), 400, "bad-digest")


@pytest.mark.parametrize("authorization", [None, "", "Basic eGE6eGE=", "Bearer", "Bearer a b"])
def test_no_token(client: httpx.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = post(client, b"", token=None, **headers)
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="caudal"'


def test_bad_token(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = post(client, batch(), token="not-a-token-of-anyone")
    said = problem(answer, 401, "unauthorized")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "not-a-token" not in caplog.text + said["detail"]


def test_token_of_another_collector(client: httpx.Client) -> None:
    said = problem(post(client, batch(), token=OTHER_TOKEN), 403, "forbidden")
    assert "'xa-1'" in said["detail"] and "'uy-1'" in said["detail"]
    assert OTHER_TOKEN not in said["detail"]


@pytest.mark.parametrize("change", [{"operator": "uy-net"}, {"economy": "UY"}])
def test_operator_or_economy_of_another(client: httpx.Client, change: dict[str, str]) -> None:
    said = problem(post(client, batch(**change)), 403, "forbidden")
    assert next(iter(change)) in said["detail"]


def test_synthetic_batch_for_a_real_economy(client: httpx.Client) -> None:
    body = batch(collector="uy-1", operator="uy-net", economy="UY", synthetic=True)
    assert "real economy" in problem(post(client, body, token=OTHER_TOKEN), 422, "batch-refused")["detail"]


def test_media_type(client: httpx.Client) -> None:
    answer = post(client, batch(), Content_Type="application/json")
    assert MEDIA_TYPE in problem(answer, 415, "unsupported-media-type")["detail"]
    assert answer.headers["accept-post"] == MEDIA_TYPE


def test_too_large(client: httpx.Client) -> None:
    said = problem(post(client, b"x" * ((1 << 20) + 1)), 413, "too-large")
    assert said["limit"] == 1 << 20
    chunks = iter([b"x" * (1 << 19)] * 3)
    headers = {"Content-Type": MEDIA_TYPE, "Authorization": f"Bearer {TOKEN}"}
    problem(client.post("/v1/batches", content=chunks, headers=headers), 413, "too-large")


@pytest.mark.parametrize("body", [b"", b"hello", batch()[:-8], batch() + b"x"])
def test_not_a_batch(client: httpx.Client, body: bytes) -> None:
    problem(post(client, body), 422, "invalid-batch")


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        ({"window_start": datetime(1999, 1, 1, tzinfo=UTC)}, "set the clock"),
        ({"window_start": NOW + timedelta(days=2)}, "set the clock"),
        ({"window_start": NOW - timedelta(days=401)}, "between 2025-10-17 and now"),
        ({"window_start": datetime.max.replace(microsecond=0, tzinfo=UTC)}, "runs from 9999-12-31 23:59"),
        ({"window_seconds": 0}, "a window is of 1 second to 3600"),
        ({"window_seconds": 3601}, "a window is of 1 second to 3600"),
        ({"remote_country": "usa"}, "remote_country"),
        ({"service": "two words"}, "service"),
        ({"bytes_variance": float("nan")}, "bytes_variance"),
        ({"bytes_variance": -1.0}, "bytes_variance"),
        ({"bytes": (1 << 64) - 1}, "bytes adds up"),
        (
            {"bytes": 1 << 60, "packets": 10},
            "bytes, row 0, window of 2026-09-10 14:05: 1152921504606846976 in 10 packets",
        ),
        ({"bytes": 900_000, "packets": 10}, "900000 in 10 packets; a packet holds 65535 bytes at most"),
        (
            {"bytes_variance": 1.7e308},
            "1.7e+308 of 1000 bytes; it is at most sixteen times the square of the bytes",
        ),
        ({"bytes_variance": 1.7e7}, "1.7e+07 of 1000 bytes"),
        ({"flows": 10**12}, "flows, row 0, window of 2026-09-10 14:05: 1e+12 in 300 s"),
    ],
)
def test_values_that_would_spoil_the_sums(client: httpx.Client, flow: dict[str, Any], says: str) -> None:
    assert says in problem(post(client, batch([flow])), 422, "batch-refused")["detail"]


@pytest.mark.parametrize(
    "ledger",
    [
        {"received": 1 << 61},
        {"received": -(1 << 63)},
        {"lost": 10**15},
        {"exporter": ""},
        {"exporter": "a\nb"},
        {"exporter": "a\u202eb"},
        {"exporter": "x" * 129},
    ],
)
def test_ledgers_that_make_no_sense(client: httpx.Client, ledger: dict[str, Any]) -> None:
    problem(post(client, batch(ledger=[ledger])), 422, "batch-refused")


def test_what_was_learnt_late_takes_back_what_was_said() -> None:
    """A set that waited for its template and was decoded after its window had been shipped."""
    late = {"received": 4, "decoded": 5, "aggregated": 5, "waiting": -1}
    admit(decode_batch(batch(ledger=[late])), NOW)


def test_too_many_months(client: httpx.Client) -> None:
    rows = [{"window_start": datetime(2026, month, 1, tzinfo=UTC)} for month in range(6, 11)]
    assert "5 months; send at most 4" in problem(post(client, batch(rows)), 422, "batch-refused")["detail"]


def test_nothing_refused_was_stored(client: httpx.Client, store: Store, bodies: list[bytes]) -> None:
    assert store.value("SELECT count() FROM batch") == len(bodies)
    assert store.value("SELECT sum(bytes) FROM flow_window") == 3 * 15 * GB


# Flows


def test_flows_of_the_newest_month(client: httpx.Client) -> None:
    answer = get(client, "/v1/flows", economy="XA")
    assert (answer["start"], answer["end"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert answer["roll_up"] == "month"
    assert answer["synthetic"] is True
    [row] = answer["rows"]
    assert row["bytes"] == answer["total"]["bytes"] == 15 * GB
    assert row["bytes_low"] == pytest.approx(15 * GB - 1.959964 * 1e8)
    assert row["bytes_high"] == pytest.approx(15 * GB + 1.959964 * 1e8)
    assert (row["time"], row["group"], row["share"]) == (None, {}, 1.0)
    assert answer["undetermined"] == pytest.approx(0.1)
    assert answer["coverage"] == {
        "XA": {"operators": ["demo-net"], "undeclared": [], "users": 1e6, "share": 0.25}
    }
    assert answer["more"] is False


def test_flows_by_interpretation(client: httpx.Client) -> None:
    answer = get(
        client,
        "/v1/flows",
        economy="XA",
        month="2026-08",
        group_by="control,platform,region",
        where="direction:out,in",
    )
    assert {
        (row["group"]["platform"], row["group"]["control"], row["group"]["region"]): row["bytes"] // GB
        for row in answer["rows"]
    } == {
        ("google", "US", "Northern America"): 8,
        ("netflix", "US", "South America"): 1,
        ("", "", ""): 1,
    }
    assert [row["share"] for row in answer["rows"]] == pytest.approx([0.8, 0.1, 0.1])
    assert answer["total"]["bytes"] == 10 * GB


@pytest.mark.parametrize(
    ("start", "end", "group_by", "roll_up", "rows"),
    [
        ("2026-08", "2026-09", "month", "month", [15, 15]),
        ("2026-08", "2026-09", "day", "day", [14, 1, 14, 1]),
        ("2026-08-10", "2026-08-11", "", "day", [15]),
        ("2026-08-10", "2026-08-10", "hour", "hour", [12, 2]),
        ("2026-08-10T15:00Z", "2026-09-01T00:00Z", "day", "hour", [2, 1]),
        ("2026-08-10T15:00:00", "2026-09", "month", "hour", [3, 15]),
        ("2025-01", "2025-02", "", "month", []),
    ],
)
def test_the_coarsest_roll_up_that_is_exact(
    client: httpx.Client, start: str, end: str, group_by: str, roll_up: str, rows: list[int]
) -> None:
    answer = get(client, "/v1/flows", economy="XA", **{"from": start, "to": end}, group_by=group_by)
    assert answer["roll_up"] == roll_up
    assert [row["bytes"] // GB for row in answer["rows"]] == rows
    times = [row["time"] for row in answer["rows"] if row["time"]]
    assert times == sorted(times)


def test_share_is_of_the_same_time(client: httpx.Client) -> None:
    answer = get(
        client, "/v1/flows", economy="XA", **{"from": "2026-08", "to": "2026-09"}, group_by="month,direction"
    )
    assert [row["share"] for row in answer["rows"]] == pytest.approx([8 / 15, 5 / 15, 2 / 15] * 2)


def test_pages(client: httpx.Client) -> None:
    whole = get(client, "/v1/flows", economy="XA", group_by="remote_asn,direction,folded,ip_version")
    assert not whole["more"]
    pages = [
        get(
            client,
            "/v1/flows",
            economy="XA",
            group_by="remote_asn,direction,folded,ip_version",
            limit=2,
            offset=n,
        )
        for n in (0, 2, 4)
    ]
    assert [row for page in pages for row in page["rows"]] == whole["rows"]
    assert [page["more"] for page in pages] == [True, True, False]
    assert whole["rows"][0]["group"] == {
        "remote_asn": 15169,
        "direction": "out",
        "folded": False,
        "ip_version": 4,
    }


def test_filters_of_every_type(client: httpx.Client) -> None:
    for where in ("remote_asn:15169,2906", "folded:false", "ip_version:4", "stage:0,1,2,3,4,5", "economy:XA"):
        assert get(client, "/v1/flows", economy="XA", where=where)["rows"], where
    assert get(client, "/v1/flows", economy="XA", where="operator:nobody")["rows"] == []


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"group_by": "adress"}, "cannot group by 'adress'; there are month, day, hour, economy"),
        ({"group_by": "bytes"}, "cannot group by 'bytes'"),
        ({"group_by": "month,day"}, "one of hour, day, month"),
        ({"where": "direction"}, "is no filter"),
        ({"where": "1=1:x"}, "is no filter"),
        ({"where": ["direction:in", "direction:out"]}, "filtered twice"),
        ({"from": "2026-08"}, "give both"),
        ({"from": "2026-08", "to": "2026-09", "month": "2026-08"}, "not both"),
        ({"from": "2026-09", "to": "2026-08"}, "is empty"),
        ({"from": "2026-08-10T15:30", "to": "2026-09"}, "whole hours"),
        ({"from": "2026-02-31", "to": "2026-09"}, "is no time"),
    ],
)
def test_questions_that_cannot_be_answered(
    client: httpx.Client, parameters: dict[str, Any], says: str
) -> None:
    answer = client.get("/v1/flows", params={"economy": "XA", **parameters})
    assert says in problem(answer, 422, "invalid-question")["detail"]


def test_parameters_that_cannot_be_read(client: httpx.Client) -> None:
    content = problem(client.get("/v1/flows", params={"limit": "many"}), 422, "invalid-request")
    assert {error["location"] for error in content["errors"]} == {"query.economy", "query.limit"}


def test_values_are_bound_not_pasted(client: httpx.Client, store: Store) -> None:
    hostile = "remote_country:US'); DROP TABLE batch; --"
    assert get(client, "/v1/flows", economy="XA", where=hostile)["rows"] == []
    assert store.value("SELECT count() FROM batch") == 3


# Indicators


def test_definitions(client: httpx.Client) -> None:
    answer = get(client, "/v1/indicators")
    assert [each["id"] for each in answer["indicators"]] == list(CATALOGUE)
    assert all(set(each["title"]) == set(LANGUAGES) for each in answer["indicators"])


def test_indicator_by_month(client: httpx.Client) -> None:
    answer = get(client, "/v1/indicators/J9", economy="XA")
    assert [month["month"] for month in answer["months"]] == ["2026-08", "2026-09", "2026-11"]
    [observation] = answer["months"][0]["observations"]
    assert observation["value"] == pytest.approx(0.1)
    assert observation["coverage"] == 0.25
    assert {"synthetic", "imputed_sampling"} <= set(observation["flags"])
    assert "partial_month" not in observation["flags"]
    assert "partial_month" in answer["months"][2]["observations"][0]["flags"]
    assert answer["synthetic"] is True
    some = get(client, "/v1/indicators/J9", economy="XA", **{"from": "2026-09", "to": "2026-10"})
    assert [month["month"] for month in some["months"]] == ["2026-09"]
    assert some["months"][0] == answer["months"][1]


def test_control_share(client: httpx.Client) -> None:
    answer = get(client, "/v1/indicators/J4", economy="XA", month="2026-08")
    values = {each["dimension"]: each for each in answer["months"][0]["observations"]}
    assert values["US"]["value"] == pytest.approx(0.9)
    assert values["US"]["low"] <= 0.9 <= values["US"]["high"]


@pytest.mark.parametrize(
    ("path", "kind", "available"),
    [
        ("/v1/indicators/Z9?economy=XA", "unknown-indicator", list(CATALOGUE)),
        ("/v1/indicators/J1?economy=BR", "unknown-economy", ["XA"]),
        ("/v1/indicators/J1?economy=XA&month=2026-10", "unknown-month", ["2026-08", "2026-09", "2026-11"]),
        ("/v1/indicators/J1?economy=XA&from=2027-01", "unknown-month", ["2026-08", "2026-09", "2026-11"]),
        ("/v1/reports/QQ/2026-08", "unknown-economy", ["XA"]),
        ("/v1/reports/XA/2026-01", "unknown-month", ["2026-08", "2026-09", "2026-11"]),
        ("/v1/flows?economy=BR", "unknown-economy", ["XA"]),
        ("/v1/flows?economy=XA&month=2026-10", "unknown-month", ["2026-08", "2026-09", "2026-11"]),
        ("/v1/ledger?economy=BR", "unknown-economy", ["XA"]),
        ("/v1/jurisdictions?economy=XA&month=2020-01", "unknown-month", ["2026-08", "2026-09", "2026-11"]),
    ],
)
def test_what_does_not_exist_names_what_does(
    client: httpx.Client, path: str, kind: str, available: list[str]
) -> None:
    content = problem(client.get(path), 404, kind)
    assert content["available"] == available
    assert available[0] in content["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/reports/xa/2026-08",
        "/v1/reports/XA/2026-13",
        "/v1/reports/XA/2026-8",
        "/v1/indicators/J1",
        "/v1/indicators/J1?economy=Mars",
        "/v1/ledger?economy=XA&by=week",
    ],
)
def test_what_is_written_wrongly(client: httpx.Client, path: str) -> None:
    problem(client.get(path), 422, "invalid-request")


# Reports, ledger, reference


def test_report(client: httpx.Client) -> None:
    report = get(client, "/v1/reports/XA/2026-08")
    assert [each["id"] for each in report["indicators"]] == list(CATALOGUE)
    assert report["names"]["es"] == "Economía de prueba"
    assert report["synthetic"] is True
    assert report["ledger"]["counts"]["received"] == 10
    assert report["ledger"]["balanced"] is True
    flags = {notice["flag"] for notice in report["notices"]}
    assert {"synthetic", "imputed_sampling", "lost"} <= flags
    assert any("World Bank" in line for line in report["attributions"])
    series = get(client, "/v1/indicators/J4", economy="XA", month="2026-08")
    [in_report] = [each for each in report["indicators"] if each["id"] == "J4"]
    assert in_report["observations"] == series["months"][0]["observations"]


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
def test_report_as_csv(client: httpx.Client, how: dict[str, Any]) -> None:
    answer = client.get("/v1/reports/XA/2026-08", **how)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "caudal-XA-2026-08-synthetic.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    report = get(client, "/v1/reports/XA/2026-08")
    assert len(rows) == sum(len(each["observations"]) for each in report["indicators"])
    assert {row["synthetic"] for row in rows} == {"true"}
    [j9] = [row for row in rows if row["indicator"] == "J9"]
    assert float(j9["value"]) == pytest.approx(0.1)


def test_ledger(client: httpx.Client) -> None:
    answer = get(client, "/v1/ledger", economy="XA", **{"from": "2026-08", "to": "2026-09"})
    assert [row["time"] for row in answer["rows"]] == ["2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z"]
    assert {row["exporter"] for row in answer["rows"]} == {"core-1"}
    assert answer["total"]["received"] == 20
    assert answer["balanced"] is True
    assert set(answer["meaning"]) == set(LEDGER_COUNTS)
    daily = get(client, "/v1/ledger", economy="XA", month="2026-08", by="day")
    assert daily["rows"][0]["time"] == "2026-08-10T00:00:00Z"
    problem(client.get("/v1/ledger?economy=XA&from=2026-08-10T01:00&to=2026-08"), 422, "invalid-question")


def test_an_unbalanced_ledger_is_said(client: httpx.Client, store: Store) -> None:
    body = batch(
        [{"window_start": at(7)}], [{"window_start": at(7), "received": 5, "decoded": 3, "aggregated": 3}]
    )
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    try:
        assert get(client, "/v1/ledger", economy="XA", month="2026-07")["balanced"] is False
        report = get(client, "/v1/reports/XA/2026-07")
        assert "ledger_unbalanced" in {notice["flag"] for notice in report["notices"]}
        # One flow is below the minimum sample: a reason, not a number.
        [j1] = [each for each in report["indicators"] if each["id"] == "J1"]
        assert [(o["value"], o["flows"]) for o in j1["observations"]] == [(None, 1)]
        assert "needs at least 100 flow records" in j1["observations"][0]["reason"]
    finally:
        for table in ("flow_window", "flow_hour", "flow_day", "flow_month"):
            store.command(
                f"ALTER TABLE {table} DELETE WHERE toMonth({'window_start' if 'window' in table else 'time'}) = 7 SETTINGS mutations_sync = 1"
            )
        store.command("ALTER TABLE batch DELETE WHERE rows = 1 SETTINGS mutations_sync = 1")


def test_platforms(client: httpx.Client, reference: Reference) -> None:
    answer = get(client, "/v1/platforms")
    assert answer["reference_version"] == reference.version
    google = next(each for each in answer["platforms"] if each["platform"] == "google")
    assert google["control"] == "US" and 15169 in google["asns"] and google["source"]


def test_jurisdictions(client: httpx.Client) -> None:
    answer = get(client, "/v1/jurisdictions", economy="XA", month="2026-08")
    assert [(j["control"], j["name"], j["platforms"], j["bytes"]) for j in answer["jurisdictions"]] == [
        ("US", "United States", 2, 9 * GB),
        ("", None, 0, GB),
    ]
    assert [j["share"] for j in answer["jurisdictions"]] == pytest.approx([0.9, 0.1])


def test_economies(client: httpx.Client) -> None:
    [economy] = get(client, "/v1/economies")["economies"]
    assert economy["economy"] == "XA"
    assert economy["months"] == ["2026-08", "2026-09", "2026-11"]
    assert economy["operators"] == ["demo-net"]
    assert economy["synthetic"] is True


# Operation


def test_health_and_readiness(client: httpx.Client, reference: Reference) -> None:
    assert get(client, "/healthz")["status"] == "ok"
    assert get(client, "/readyz")["details"]["reference_version"] == reference.version


def test_not_ready_before_migration(client: httpx.Client, store: Store) -> None:
    store.command("RENAME TABLE schema_migration TO schema_migration_away")
    try:
        said = problem(client.get("/readyz"), 503, "not-ready")
        assert "0001_facts.sql" in said["detail"]
    finally:
        store.command("DROP TABLE schema_migration")
        store.command("RENAME TABLE schema_migration_away TO schema_migration")


def test_metrics(client: httpx.Client) -> None:
    client.get("/v1/nowhere/192.0.2.99")
    text = client.get("/metrics").text
    assert 'caudal_service_batches_total{outcome="accepted"} 3.0' in text
    assert 'caudal_service_batches_total{outcome="unauthorized"}' in text
    assert 'caudal_service_rows_total{stream="flows"} 15.0' in text
    assert 'route="/v1/reports/{economy}/{month}",status="2xx"' in text
    assert 'route="unmatched",status="4xx"' in text
    assert "192.0.2.99" not in text


def test_unknown_path_and_method(client: httpx.Client) -> None:
    problem(client.get("/v2"), 404, "unknown-path")
    answer = client.delete("/v1/batches")
    assert answer.headers["allow"] == "POST"
    problem(answer, 405, "method-not-allowed")


def test_an_error_of_ours_tells_nothing(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(Store, "frame", fail)
    # The server closes a connection on which something went wrong.
    answer = client.get("/v1/economies", headers={"Connection": "close"})
    problem(answer, 500, "internal")
    assert "secret" not in answer.text


def test_a_store_that_does_not_answer(client: httpx.Client, store: Store) -> None:
    store.command("RENAME TABLE flow_month TO flow_month_away")
    try:
        answer = client.get("/v1/economies")
        problem(answer, 503, "store-unavailable")
        assert answer.headers["retry-after"] == "5"
        assert "flow_month" not in answer.text
    finally:
        store.command("RENAME TABLE flow_month_away TO flow_month")


def test_documentation_needs_no_network(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assert "https://" not in page
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
    assert client.get("/", follow_redirects=False).headers["location"] == "docs"


def test_every_answer_is_documented(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
    assert list(document["paths"]["/v1/batches"]["post"]["requestBody"]["content"]) == [MEDIA_TYPE]
