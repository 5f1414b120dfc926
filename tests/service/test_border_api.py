"""The border through the API, on a store: what is told of a month in which two networks exchanged a terabyte."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.contract.batch import decode_batch
from caudal.service.api.server import Service
from caudal.service.ingest import Ingest
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, batch

TERABYTE = 10**12
MONTH = "2026-09"
# Networks that the reference lists in Chile.
A, B = 7418, 6429
PACKETS = 10**9


def cell(
    operator: str, direction: str, asn: int, country: str = "CL", **rest: Any
) -> tuple[str, dict[str, Any]]:
    return operator, {
        "direction": direction, "remote_asn": asn, "remote_country": country, "bytes": TERABYTE,
        "packets": PACKETS, "flows": 10**6, **rest,
    }  # fmt: skip


TRAFFIC = (cell("a", "in", 15169, "US"), cell("a", "out", B), cell("b", "in", A))


def fill(store: Store, cells: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for operator in sorted({operator for operator, _ in cells}):
        own = [flow for name, flow in cells if name == operator]
        body = batch(own, collector=f"{operator}-1", operator=operator, economy="CL", synthetic=True)
        Ingest(store).store_batch(decode_batch(body), body, NOW)


def settings(directory: Path, asns: dict[str, list[int]]) -> ServiceSettings:
    return ServiceSettings(
        dsn=f"chdb://{directory}",
        listen="127.0.0.1:0",
        publication={"enabled": False},
        confidentiality={"minimum_operators": 1, "percent": 0},
        operators=[
            {"id": name, "name": name, "economy": "CL", "asns": asns.get(name, [])} for name in ("a", "b")
        ],
    )


@pytest.fixture(scope="module")
def filled(store: Store) -> None:
    fill(store, TRAFFIC)


@pytest.fixture(scope="module", params=["declared", "by the list"])
def client(
    request: pytest.FixtureRequest, directory: Path, filled: None
) -> Iterator[tuple[httpx.Client, bool]]:
    declared = request.param == "declared"
    asns = {"a": [A], "b": [B]} if declared else {}
    with (
        Service(settings(directory, asns), lambda: NOW) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as opened,
    ):
        yield opened, declared


def get(client: httpx.Client, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_half_of_it_stays_and_nothing_leaves(client: tuple[httpx.Client, bool]) -> None:
    api, declared = client
    [told] = get(api, "/v1/indicators/J1", economy="CL", month=MONTH)["months"]
    [share] = told["observations"]
    assert share["value"] == pytest.approx(0.5)
    assert ("exchange_doubtful" in share["flags"]) is not declared
    told = get(api, "/v1/totals", economy="CL", month=MONTH)
    totals = {each["what"]: each["observed"]["value"] for each in told["totals"] if each["observed"]}
    assert totals["bytes_domestic"] == TERABYTE
    assert totals["bytes_out"] == 0
    assert totals["bytes_in"] == TERABYTE
    assert totals["bytes"] == 2 * TERABYTE


def test_flows_by_border(client: tuple[httpx.Client, bool]) -> None:
    api, _ = client
    answer = get(api, "/v1/flows", economy="CL", month=MONTH, group_by="border")
    assert {row["group"]["border"]: row["bytes"] for row in answer["rows"]} == {
        "domestic": TERABYTE, "in": TERABYTE
    }  # fmt: skip
    assert answer["total"]["bytes"] == 2 * TERABYTE
    assert answer["total"]["packets"] == 2 * PACKETS
    left = get(api, "/v1/flows", economy="CL", month=MONTH, where="border:out")
    assert left["total"]["bytes"] == 0
    exchanged = get(api, "/v1/flows", economy="CL", month=MONTH, group_by="operator", where="exchange:1")
    assert {row["group"]["operator"]: row["bytes"] for row in exchanged["rows"]} == dict.fromkeys(
        "ab", TERABYTE / 2
    )


def test_of_one_operator_all_that_it_metered(client: tuple[httpx.Client, bool]) -> None:
    """The other side is not asked for, so nothing is there twice."""
    api, _ = client
    answer = get(api, "/v1/flows", economy="CL", month=MONTH, group_by="border", where="operator:a")
    assert {row["group"]["border"]: row["bytes"] for row in answer["rows"]} == {
        "domestic": TERABYTE, "in": TERABYTE
    }  # fmt: skip
