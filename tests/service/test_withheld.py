"""An economy with one operator: no route tells how much traffic it has, but to who may know."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import openpyxl
import pypdf
import pytest

from caudal.contract.batch import MEDIA_TYPE
from caudal.service.api.server import Service
from caudal.service.reports.forms import FORMS
from caudal.service.reports.pictures import PICTURES
from caudal.service.reports.region.forms import REGION_FORMS
from caudal.service.roles.entrances import ENTRANCES
from caudal.service.roles.roles import TABLE, Resource, Role
from caudal.service.settings.settings import ConfidentialitySettings, ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, OTHER_TOKEN, TOKEN, batch

from .conftest import clear

PUBLISHER = "token-of-the-publisher-0123456789"
HOLDER = {"Authorization": f"Bearer {PUBLISHER}"}
MONTH = "2026-09"
OUT, IN = 3_918_274_650_117, 7_402_918_365_529
# Each part and the sum: by their first digits, with a separator between any of them, or rounded as a report has them.
AMOUNTS = [str(each) for each in (OUT, IN, OUT + IN)]
TOLD = re.compile(
    "|".join(
        [*(rf"(?<!\d){'[., ]?'.join(amount[:6])}" for amount in AMOUNTS), r"(3[.,]92|7[.,]40|11[.,]3)\sTB"]
    )
)
SITE = "planted-pop"
PUBLISHED = ("vintage", "indicator_value", "vintage_cell", "reference_file")
QUESTION = {"economy": "UY", "month": MONTH}


@pytest.fixture(scope="module")
def client(settings: ServiceSettings, store: Store) -> Iterator[httpx.Client]:
    quiet = settings.publication.model_copy(update={"enabled": False})
    open_ = settings.model_copy(update={"publication": quiet})
    with (
        Service(open_, lambda: NOW, {Role.publisher: PUBLISHER}) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as opened,
    ):
        rows = [
            {"bytes": OUT, "flows": 500, "site": SITE},
            {"bytes": IN, "flows": 500, "direction": "in", "site": SITE},
        ]
        body = batch(rows, collector="uy-1", operator="uy-net", economy="UY", synthetic=False)
        for content, token in ((body, OTHER_TOKEN), (batch(rows), TOKEN)):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
            assert opened.post("/v1/batches", content=content, headers=headers).status_code == 201
        assert opened.post("/v1/vintages", json={"month": MONTH}, headers=HOLDER).status_code == 201
        yield opened
    clear(store)
    for table in PUBLISHED:
        store.command(f"TRUNCATE TABLE {table}")


def paths(client: httpx.Client, economy: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every question of the documentation that anybody may ask, about an economy's month."""
    known = {"economy": economy, "month": MONTH, "vintage": f"{economy}-{MONTH}-v1", "key": f"M.{economy}"}
    known |= {"version": "1.0.0", "kind": "dataflow", "agency": "CAUDAL", "resource": "DF_INDICATORS"}
    known |= {"file": "platforms", "subject": "AS15169", "group": "CELAC", "suffix": "svg"}
    indicators = [each["id"] for each in client.get("/v1/indicators").json()["indicators"]]
    several = {
        "{id}": indicators,
        "{content}": ["values", "aggregates"],
        "{name}": list(PICTURES),
    }
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        entrance = next((each for each in ENTRANCES if (each.method, each.path) == ("GET", path)), None)
        if entrance is None or entrance.resource not in TABLE[Role.public] - {Resource.oneself}:
            continue
        named = next((name for name in several if name in path), None)
        taken = {each["name"] for each in operations["get"].get("parameters", []) if each["in"] == "query"}
        for value in several.get(named or "", [""]):
            filled = path.replace(named or "{}", value).format(**known)
            parameters = {name: known[name] for name in ("economy", "month") if name in taken}
            for form in forms_of(path):
                yield filled, parameters | ({"format": form} if form else {})


def forms_of(path: str) -> list[str]:
    """The forms of an answer: of what has none, that it is asked for without."""
    if "reports" in path and "pictures" not in path:
        return list(REGION_FORMS if "reports/region" in path else FORMS)
    return ["json" if "sdmx/data" in path else ""]


def read(answer: httpx.Response) -> str:
    """What an answer says to who reads it."""
    if answer.headers["content-type"].startswith("application/pdf"):
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    if "spreadsheetml" in answer.headers["content-type"]:
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        return "\n".join(
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        )
    if answer.headers["content-type"].startswith("application/zip"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as sheet:
            texts = [name for name in sheet.namelist() if name.endswith((".txt", ".svg"))]
            return "\n".join(sheet.read(name).decode() for name in texts)
    return answer.text


def test_no_route_tells_how_much_one_operator_carries(client: httpx.Client) -> None:
    answered = {}
    for path, parameters in paths(client, "UY"):
        answer = client.get(path, params=parameters)
        assert answer.status_code in (200, 403), (path, answer.text)
        answered[path] = answer.status_code
        assert not TOLD.search(read(answer)), (path, parameters)
        assert SITE not in read(answer), (path, parameters)
    assert [path for path, status in answered.items() if status == 403] == ["/v1/flows"]
    assert len(answered) > 40


def test_where_there_is_nobody_to_protect_it_is_told(client: httpx.Client) -> None:
    """The same walk finds the amounts of a made-up economy: it looks where they would be."""
    telling, forms = set(), set()
    for path, parameters in paths(client, "XA"):
        answer = client.get(path, params=parameters)
        assert answer.status_code == 200, (path, answer.text)
        assert SITE not in read(answer), (path, parameters)
        if TOLD.search(read(answer)):
            telling.add(path)
            forms.add(parameters.get("format"))
    assert {"/v1/flows", "/v1/jurisdictions", "/v1/totals"} <= telling
    assert {f"/v1/reports/XA/{MONTH}", "/v1/export/aggregates.jsonl", "/v1/export/values.jsonl"} <= telling
    assert {"json", "html", "pdf"} <= forms


@pytest.mark.parametrize("economy", ["UY", "XA"])
@pytest.mark.parametrize(
    "question", [{"group_by": "site"}, {"group_by": "day,site"}, {"where": f"site:{SITE}"}], ids=str
)
def test_sites_are_of_operators_and_told_to_nobody_else(
    client: httpx.Client, economy: str, question: dict[str, str]
) -> None:
    """Not even of a made-up economy, of which all else is told."""
    asked = {"economy": economy, "month": MONTH, **question}
    answer = client.get("/v1/flows", params=asked)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:caudal:problem:confidential")
    assert SITE not in answer.text
    told = client.get("/v1/flows", params=asked, headers=HOLDER).json()
    assert told["total"]["bytes"] == OUT + IN
    assert [row["group"].get("site", SITE) for row in told["rows"]] == [SITE]


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"group_by": "operator"},
        {"where": "direction:out"},
        {"economy": ["XA", "UY"], "group_by": "hour,platform"},
    ],
)
def test_flows_say_why_they_are_withheld(client: httpx.Client, question: dict[str, Any]) -> None:
    answer = client.get("/v1/flows", params={**QUESTION, **question})
    said = answer.json()
    assert (answer.status_code, said["type"]) == (403, "urn:caudal:problem:confidential")
    assert said["withheld"] == ["UY"]
    assert "\n" not in said["detail"]
    for helpful in ("single operators", "/v1/totals", "whose key allows it", "minimum_operators = 1"):
        assert helpful in said["detail"]
    wrong = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/v1/flows", params={**QUESTION, **question}, headers=wrong).status_code == 403


def test_the_holder_of_the_token_is_told(client: httpx.Client) -> None:
    answer = client.get("/v1/flows", params={**QUESTION, "group_by": "operator"}, headers=HOLDER).json()
    assert [row["bytes"] for row in answer["rows"]] == [OUT + IN]
    assert client.get("/v1/flows", params={"economy": "XA"}).json()["total"]["bytes"] == OUT + IN


def test_jurisdictions_are_told_by_shares(client: httpx.Client) -> None:
    withheld = client.get("/v1/jurisdictions", params=QUESTION, timeout=PATIENCE_SECONDS).json()
    assert [(each["control"], each["bytes"], each["share"]) for each in withheld["jurisdictions"]] == [
        ("US", None, 1.0)
    ]
    assert "/v1/totals" in withheld["withheld"]
    assert withheld["vintage"] == "UY-2026-09-v1"
    told = client.get("/v1/jurisdictions", params=QUESTION, headers=HOLDER).json()
    assert [each["bytes"] for each in told["jurisdictions"]] == [OUT + IN]
    assert told["withheld"] is None


def test_a_deployment_may_let_everything_pass(settings: ServiceSettings, client: httpx.Client) -> None:
    everything = ConfidentialitySettings(minimum_operators=1, percent=0)
    quiet = settings.publication.model_copy(update={"enabled": False})
    open_ = settings.model_copy(update={"publication": quiet, "confidentiality": everything})
    with Service(open_, lambda: NOW) as service:
        answer = httpx.get(f"{service.url}/v1/flows", params=QUESTION, timeout=PATIENCE_SECONDS).json()
        assert answer["total"]["bytes"] == OUT + IN
