"""A fake Grafana: as much of its HTTP API as publishing uses, and strict about what it is asked."""

import copy
import json
from typing import Any

import httpx

TOKEN = "glsa_0123456789abcdefghijklmnopqrstuv_01234567"


class FakeGrafana:
    """A stand-in for Grafana behind `httpx.MockTransport`; it fails the test on any request it does not know.

    It checks the bearer token, the paths and the shape of every body, keeps what is saved, and answers it
    as Grafana does: with defaults added and nulls dropped.
    """

    def __init__(self, datasources: list[dict[str, Any]] | None = None, prefix: str = "") -> None:
        self.prefix = prefix
        self.datasources = datasources if datasources is not None else [clickhouse("ch-1", "Store")]
        self.folders: dict[str, dict[str, Any]] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.answers: dict[str, httpx.Response] = {}

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if request.startswith("POST")]

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        assert path.startswith(self.prefix), f"{path} is not below the sub-path {self.prefix}"
        path = path.removeprefix(self.prefix)
        name = f"{request.method} {path}"
        self.requests.append(name)
        assert not request.url.query, "no query is expected"
        if name in self.answers:
            return self.answers[name]
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"message": "Invalid API key"})
        body = json.loads(request.content) if request.content else None
        if request.method == "POST":
            assert request.headers["content-type"] == "application/json"
            return self._post(path, body)
        assert request.method == "GET", f"unexpected {name}"
        assert body is None
        return self._get(path)

    def _get(self, path: str) -> httpx.Response:
        if path == "/api/datasources":
            return httpx.Response(200, json=self.datasources)
        kind, _, uid = path.removeprefix("/api/").rpartition("/")
        if kind == "folders":
            if uid in self.folders:
                return httpx.Response(200, json=self.folders[uid])
            return httpx.Response(404, json={"message": "folder not found"})
        assert kind == "dashboards/uid", f"unexpected GET {path}"
        if uid in self.dashboards:
            return httpx.Response(200, json=self.dashboards[uid])
        return httpx.Response(404, json={"message": "Dashboard not found"})

    def _post(self, path: str, body: Any) -> httpx.Response:
        match path:
            case "/api/folders":
                assert set(body) == {"uid", "title"}
                assert body["uid"] not in self.folders
                self.folders[body["uid"]] = {"id": 7, **body}
                return httpx.Response(200, json=self.folders[body["uid"]])
            case "/api/datasources":
                assert set(body) == {"name", "type", "access", "jsonData", "secureJsonData"}
                assert "password" not in body["jsonData"]
                made = {"id": 3, "uid": "made-1", "isDefault": False, **body}
                del made["secureJsonData"]
                self.datasources.append(made)
                return httpx.Response(200, json={"datasource": made, "id": 3, "message": "Datasource added"})
            case "/api/dashboards/db":
                return self._save(body)
        raise AssertionError(f"unexpected POST {path}")

    def _save(self, body: Any) -> httpx.Response:
        assert set(body) == {"dashboard", "folderUid", "message", "overwrite"}
        assert body["overwrite"] is True
        assert body["folderUid"] in self.folders, "the folder must exist before the dashboard"
        model = body["dashboard"]
        assert model["title"]
        assert 8 <= len(model["uid"]) <= 40
        assert model.get("id") is None, "an id is that of one Grafana only"
        assert isinstance(model["panels"], list)
        assert "spec" not in model, "the classic model, not the resource"
        before = self.dashboards.get(model["uid"])
        version = before["dashboard"]["version"] + 1 if before else 1
        saved = _without_nulls(copy.deepcopy(model)) | {
            "id": 42,
            "version": version,
            "fiscalYearStartMonth": 0,
            "preload": False,
        }
        url = f"{self.prefix}/d/{model['uid']}/digital-sovereignty"
        self.dashboards[model["uid"]] = {
            "dashboard": saved,
            "meta": {"folderUid": body["folderUid"], "url": url, "provisioned": False},
        }
        return httpx.Response(
            200, json={"id": 42, "uid": model["uid"], "url": url, "status": "success", "version": version}
        )


def clickhouse(uid: str, name: str, *, default: bool = False) -> dict[str, Any]:
    return {"uid": uid, "name": name, "type": "grafana-clickhouse-datasource", "isDefault": default}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
