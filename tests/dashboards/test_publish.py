import httpx
import pytest

from caudal.dashboards.errors import PublishError
from caudal.dashboards.publish import FOLDER_UID, NewDatasource, publish
from caudal.dashboards.sovereignty import UID, build

from .fake_grafana import TOKEN, FakeGrafana, clickhouse

URL = "https://grafana.example"


def put(grafana: FakeGrafana, url: str = URL, token: str = TOKEN, **options):
    return publish(url, token, transport=grafana.transport, **options)


def failure(grafana: FakeGrafana, **options) -> str:
    with pytest.raises(PublishError) as caught:
        put(grafana, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert TOKEN not in message
    return message


def test_the_first_time_creates_folder_and_dashboard() -> None:
    grafana = FakeGrafana()
    done = put(grafana)
    assert (done.outcome, done.uid, done.datasource) == ("created", UID, "Store")
    assert done.created == ("folder Caudal",)
    assert done.url == f"{URL}/d/{UID}/digital-sovereignty"
    saved = grafana.dashboards[UID]
    assert saved["meta"]["folderUid"] == FOLDER_UID
    assert [panel["title"] for panel in saved["dashboard"]["panels"]] == [
        panel["title"] for panel in build()["panels"]
    ]
    [source] = [v for v in saved["dashboard"]["templating"]["list"] if v["name"] == "datasource"]
    assert source["current"] == {"selected": True, "text": "Store", "value": "ch-1"}


def test_the_second_time_changes_nothing() -> None:
    grafana = FakeGrafana()
    put(grafana)
    before = list(grafana.writes)
    done = put(grafana)
    assert (done.outcome, done.created) == ("unchanged", ())
    assert done.url == f"{URL}/d/{UID}/digital-sovereignty"
    assert grafana.writes == before


def test_a_changed_dashboard_is_put_right() -> None:
    grafana = FakeGrafana()
    put(grafana)
    grafana.dashboards[UID]["dashboard"]["panels"][3]["targets"][0]["rawSql"] = "SELECT 1"
    assert put(grafana).outcome == "updated"
    assert put(grafana).outcome == "unchanged"
    grafana.dashboards[UID]["dashboard"]["panels"].pop()
    assert put(grafana).outcome == "updated"


def test_a_dashboard_in_another_folder_is_moved() -> None:
    grafana = FakeGrafana()
    put(grafana)
    grafana.dashboards[UID]["meta"]["folderUid"] = "elsewhere"
    assert put(grafana).outcome == "updated"
    assert grafana.dashboards[UID]["meta"]["folderUid"] == FOLDER_UID


def test_another_datasource_changes_the_dashboard() -> None:
    grafana = FakeGrafana([clickhouse("ch-1", "Store"), clickhouse("ch-2", "Other")])
    assert put(grafana, datasource="Store").outcome == "created"
    assert put(grafana, datasource="ch-1").outcome == "unchanged"
    assert put(grafana, datasource="Other").outcome == "updated"


def test_of_several_datasources_the_default_is_taken_or_a_name_is_asked_for() -> None:
    both = [clickhouse("ch-1", "Store"), clickhouse("ch-2", "Other")]
    assert "Other, Store" in failure(FakeGrafana(both))
    assert put(FakeGrafana([both[0], clickhouse("ch-3", "Main", default=True)])).datasource == "Main"
    assert "named Nowhere" in failure(FakeGrafana(both), datasource="Nowhere")


def test_a_datasource_is_created_only_when_asked_for() -> None:
    grafana = FakeGrafana([{"uid": "p", "name": "Prometheus", "type": "prometheus"}])
    assert "--clickhouse-host" in failure(grafana)
    assert grafana.writes == []
    new = NewDatasource(host="db.example", password="secret")
    done = put(grafana, create_datasource=new)
    assert done.created == ("data source Caudal ClickHouse", "folder Caudal")
    made = grafana.datasources[-1]
    assert made["jsonData"]["host"] == "db.example"
    assert made["jsonData"]["defaultDatabase"] == "caudal"
    again = put(grafana, create_datasource=new)
    assert (again.outcome, again.created) == ("unchanged", ())


def test_a_provisioned_dashboard_is_left_alone() -> None:
    grafana = FakeGrafana()
    put(grafana)
    grafana.dashboards[UID]["meta"]["provisioned"] = True
    assert put(grafana).outcome == "unchanged"
    grafana.dashboards[UID]["dashboard"]["title"] = "old"
    before = list(grafana.writes)
    assert "provisioning file" in failure(grafana)
    assert grafana.writes == before


def test_grafana_below_a_sub_path() -> None:
    grafana = FakeGrafana(prefix="/grafana")
    done = put(grafana, url=f"{URL}/grafana/")
    assert done.url == f"{URL}/grafana/d/{UID}/digital-sovereignty"
    assert put(grafana, url=f"{URL}/grafana").outcome == "unchanged"


def test_a_wrong_token() -> None:
    assert "401" in (message := failure(FakeGrafana(), token="glsa_wrong"))
    assert "glsa_wrong" not in message
    assert "service account" in message


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "naïve"])
def test_a_token_that_cannot_be_one(token: str) -> None:
    grafana = FakeGrafana()
    assert "token" in failure(grafana, token=token)
    assert grafana.requests == []


@pytest.mark.parametrize(
    ("request_", "response", "words"),
    [
        ("POST /api/dashboards/db", httpx.Response(403, json={"message": "no\npermission"}), "Editor"),
        ("POST /api/dashboards/db", httpx.Response(404, json={"message": "x"}), "sub-path"),
        (
            "POST /api/dashboards/db",
            httpx.Response(412, json={"message": "m", "status": "version-mismatch"}),
            "meanwhile",
        ),
        ("POST /api/dashboards/db", httpx.Response(400, text="<html>"), "refused"),
        ("POST /api/folders", httpx.Response(500, json=["odd"]), "its log"),
        ("GET /api/datasources", httpx.Response(302, headers={"location": "/login"}), "/login"),
        ("GET /api/datasources", httpx.Response(200, text="<html>"), "no JSON"),
        ("GET /api/datasources", httpx.Response(404, text="nothing"), "root of a Grafana"),
        ("GET /api/datasources", httpx.Response(200, json={"a": 1}), "root of a Grafana"),
        ("GET /api/dashboards/uid/caudal-digital-sovereignty", httpx.Response(200, json=[]), "no meta"),
        ("POST /api/dashboards/db", httpx.Response(200, json={"status": "success"}), "no url"),
    ],
)
def test_what_grafana_refuses_is_one_line(request_: str, response: httpx.Response, words: str) -> None:
    grafana = FakeGrafana()
    grafana.answers[request_] = response
    assert words in failure(grafana)


@pytest.mark.parametrize(
    ("error", "words"),
    [(httpx.ConnectError("refused"), "cannot be reached"), (httpx.ReadTimeout("slow"), "did not answer")],
)
def test_an_unreachable_grafana(error: Exception, words: str) -> None:
    def unreachable(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(PublishError, match=words):
        publish(URL, TOKEN, transport=httpx.MockTransport(unreachable))


@pytest.mark.parametrize(
    "url", ["grafana.example", "ftp://grafana.example", "https://", "https://a:b@grafana.example"]
)
def test_a_url_that_is_none(url: str) -> None:
    grafana = FakeGrafana()
    message = failure(grafana, url=url)
    assert "URL" in message
    assert "a:b" not in message
    assert grafana.requests == []
