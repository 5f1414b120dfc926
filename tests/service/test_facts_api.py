"""The facts over HTTP: what there is, a file as of a month, everything about one thing, what a deployment says."""

from collections.abc import Iterator

import httpx
import pytest

from caudal.reference import FILES, Reference
from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW


@pytest.fixture(scope="module")
def client(settings: ServiceSettings, store: Store) -> Iterator[httpx.Client]:
    with (
        Service(settings, lambda: NOW) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as opened,
    ):
        yield opened


def test_every_file_is_listed_with_its_columns(client: httpx.Client, reference: Reference) -> None:
    answer = client.get("/v1/reference").json()
    assert answer["reference_version"] == reference.version
    assert answer["synthetic"] is True
    files = {each["file"]: each for each in answer["files"]}
    assert list(files) == [file.name for file in FILES]
    assert files["economies"]["overlay_rows"] == reference.facts("economies")["overlay"].sum() > 0
    assert files["product_imports"]["rows"] == 0
    assert "UN Comtrade" in files["product_imports"]["supply"]
    assert {column["name"] for column in files["platforms"]["columns"]} >= {"control_country", "valid_from"}


def test_a_file_answers_as_of_a_month(client: httpx.Client) -> None:
    def members(month: str) -> set[str]:
        rows = client.get("/v1/reference/country_groups", params={"month": month}).json()["rows"]
        return {row["cells"]["country"] for row in rows if row["cells"]["group_id"] == "EU"}

    assert members("2020-01") - members("2020-02") == {"GB"}


def test_rows_of_the_deployment_are_marked(client: httpx.Client) -> None:
    own = client.get("/v1/reference/economies", params={"overlay": True}).json()
    assert {row["cells"]["country"] for row in own["rows"]} == {"XA"}
    assert own["overlay_rows"] == 1
    shipped = client.get("/v1/reference/economies", params={"overlay": False}).json()
    assert not any(row["overlay"] for row in shipped["rows"])
    assert len(shipped["rows"]) == 85


def test_everything_about_a_network_and_a_platform(client: httpx.Client) -> None:
    [row] = client.get("/v1/reference/about/AS6147", params={"month": "2025-03"}).json()["rows"]
    assert (row["cells"]["control_country"], row["holds_to"]) == ("ES", "2025-04-12")
    [row] = client.get("/v1/reference/about/as6147", params={"month": "2025-05"}).json()["rows"]
    assert (row["cells"]["control_country"], row["holds_from"]) == ("AR", "2025-04-13")
    files = {row["file"] for row in client.get("/v1/reference/about/google").json()["rows"]}
    assert files == {
        "platforms",
        "platform_asns",
        "platform_domains",
        "regional_revenue",
        "platform_profits",
    }


@pytest.mark.parametrize(
    ("path", "status", "kind", "says"),
    [
        ("/v1/reference/platfroms", 404, "unknown-fact", "did you mean platforms?"),
        ("/v1/reference/about/gogle", 404, "unknown-fact", "near it: google"),
        ("/v1/reference/about/AS4200000001", 404, "unknown-fact", "says nothing of 'AS4200000001'"),
        ("/v1/reference/adequacy?month=2026-13", 422, "invalid-request", "month"),
        ("/v1/reference/adequacy?overlay=perhaps", 422, "invalid-request", "overlay"),
    ],
)
def test_what_there_is_not_is_refused(
    client: httpx.Client, path: str, status: int, kind: str, says: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:caudal:problem:{kind}"
    assert says in answer.json()["detail"]
