"""GET /v1/reports and /v1/sdmx: what is negotiated, cached, linked, and refused."""

from datetime import UTC, datetime

import httpx
import pytest

from caudal.service.vocabulary.languages import TRANSLATED

from .conftest import MONTH, NOW, Clock

PATH = f"/v1/reports/XA/{MONTH}"


@pytest.mark.parametrize(
    ("accept", "language", "media_type", "said"),
    [
        ("application/pdf", "pt-BR,pt;q=0.9,en;q=0.5", "application/pdf", "pt"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "es-CL", "text/html", "es"),
        ("text/csv;q=0.5,application/vnd.sdmx.data+json", "fr", "application/vnd.sdmx.data+json", "en"),
        ("*/*", "", "application/json", "en"),
        ("image/png", "", "application/json", "en"),
        ("text/csv;q=0,text/html;q=nonsense", "", "application/json", "en"),
    ],
)
def test_form_and_language_are_negotiated(
    demo_client: httpx.Client, accept: str, language: str, media_type: str, said: str
) -> None:
    answer = demo_client.get(PATH, headers={"Accept": accept, "Accept-Language": language})
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert answer.headers["content-language"] == said
    assert "Accept-Language" in answer.headers["vary"]


def test_a_report_that_is_known_is_not_sent_again(demo_client: httpx.Client) -> None:
    first = demo_client.get(PATH, params={"format": "csv"})
    again = demo_client.get(PATH, params={"format": "csv"}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    # The tag is that of this form, language and month.
    tags = {
        demo_client.get(path, params=params).headers["etag"]
        for path, params in (
            (PATH, {"format": "csv"}),
            (PATH, {"format": "csv", "language": "es"}),
            (PATH, {"format": "json"}),
            ("/v1/reports/XA/2026-09", {"format": "csv"}),
        )
    }
    assert len(tags) == 4


def test_links_and_file_name(demo_client: httpx.Client) -> None:
    answer = demo_client.get("/v1/reports/XA/2026-09", params={"format": "pdf", "language": "es"})
    links = answer.headers["link"]
    root = "https://caudal.example"
    assert f'<{root}/v1/reports/XA/2026-09>; rel="cite-as"' in links
    assert f'<{root}/v1/reports/XA/2026-08>; rel="prev"' in links
    assert f'<{root}/v1/reports/XA/2026-10>; rel="next"' in links
    assert 'rel="license"' in links and 'rel="describedby"' in links
    assert 'type="application/vnd.sdmx.data+json"' in links
    assert 'filename="caudal-XA-2026-09-synthetic-es.pdf"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "status", "there"),
    [
        ("/v1/reports/QQ/2026-10", 404, "economies with data: XA"),
        ("/v1/reports/XA/2019-01", 404, "months with data: 2026-08, 2026-09, 2026-10"),
        (f"{PATH}?vintage=XA-2026-10-v9", 404, "has no vintage 'XA-2026-10-v9'"),
        (
            f"{PATH}?format=docx",
            422,
            "'json', 'csv', 'xlsx', 'sdmx-csv', 'sdmx-json', 'html', 'pdf', 'brief', 'brief-html' or 'press'",
        ),
        (f"{PATH}?language=xx", 422, f"{', '.join(map(repr, TRANSLATED))} or 'en'"),
        ("/v1/reports/XA/2026-13", 422, "month"),
        (f"{PATH}/pictures/sun.png", 422, "'map', 'control', 'concentration', 'value' or 'positioning'"),
        (f"{PATH}/pictures/map.gif", 422, "'svg' or 'png'"),
        ("/v1/reports/XA/2019-01/pictures/map.png", 404, "months with data: 2026-08, 2026-09, 2026-10"),
        ("/v1/sdmx/structure/datastructure/CAUDAL/DSD_NONE", 404, "CAUDAL:DSD_INDICATORS(1.0.0)"),
        ("/v1/sdmx/structure/datastructure/CAUDAL/DSD_INDICATORS/7", 404, "CAUDAL:DSD_INDICATORS(1.0.0)"),
        ("/v1/sdmx/data/dataflow/CAUDAL/DF_INDICATORS/9/M.XA", 422, "1.0.0"),
        ("/v1/sdmx/data/dataflow/CAUDAL/DF_INDICATORS/1.0.0/M.XA?c[TIME_PERIOD]=eq:2019-01", 404, "2026-08"),
        ("/v1/sdmx/data/dataflow/CAUDAL/DF_INDICATORS/1.0.0/M.XA?c[TIME_PERIOD]=ge:2026", 422, "YYYY-MM"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_what_there_is(
    demo_client: httpx.Client, path: str, status: int, there: str
) -> None:
    answer = demo_client.get(path)
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert there in detail and "\n" not in detail


def test_sdmx_data_is_that_of_the_report(demo_client: httpx.Client) -> None:
    path = "/v1/sdmx/data/dataflow/CAUDAL/DF_INDICATORS/1.0.0/M.XA"
    report = demo_client.get(PATH, params={"format": "sdmx-csv"})
    assert demo_client.get(path).content == report.content
    assert demo_client.get(path, params={"c[TIME_PERIOD]": f"eq:{MONTH}", "format": "json"}).json()["data"]
    known = demo_client.get(path).headers["etag"]
    assert demo_client.get(path, headers={"If-None-Match": known}).status_code == 304


def test_a_month_still_running_is_partial_everywhere(demo_client: httpx.Client, clock: Clock) -> None:
    whole = demo_client.get(PATH, params={"language": "en"})
    assert whole.json()["partial"] is False
    clock.now = datetime(2026, 10, 20, tzinfo=UTC)
    try:
        report = demo_client.get(PATH, params={"language": "en"})
        assert report.json()["partial"] is True
        assert "partial_month" in {notice["flag"] for notice in report.json()["notices"]}
        assert report.headers["etag"] != whole.headers["etag"]
        assert "Partial month" in demo_client.get(PATH, params={"format": "html", "language": "en"}).text
        rows = demo_client.get(PATH, params={"format": "sdmx-csv"}).text.splitlines()
        status = rows[0].split(",").index("OBS_STATUS")
        assert {row.split(",")[status] for row in rows[1:] if ",J1," in row} == {"P"}
    finally:
        clock.now = NOW


def test_changes_are_those_of_the_two_months(demo_client: httpx.Client) -> None:
    now = demo_client.get(PATH).json()
    before = demo_client.get("/v1/reports/XA/2026-09").json()
    assert now["compared_with"] == {"month_before": "2026-09"}
    then = {(each["id"], o["dimension"]): o for each in before["indicators"] for o in each["observations"]}
    checked = 0
    for each in now["indicators"]:
        current = {o["dimension"]: o for o in each["observations"]}
        for change in each["changes"]:
            old, new = then[each["id"], change["dimension"]], current[change["dimension"]]
            assert (change["value"], change["low"], change["high"]) == (old["value"], old["low"], old["high"])
            assert change["difference"] == pytest.approx(new["value"] - old["value"])
            apart = new["low"] > old["high"] or new["high"] < old["low"]
            assert (change["trend"] != "untold") is apart
            checked += 1
    assert checked > 30
