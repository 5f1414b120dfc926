"""Put the dashboard into a Grafana over its HTTP API, and change nothing that is already so."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx

from caudal.dashboards.clickhouse import DATASOURCE_VARIABLE, PLUGIN_ID, PLUGIN_VERSION
from caudal.dashboards.errors import PublishError
from caudal.dashboards.grafana import Grafana
from caudal.dashboards.sovereignty import build

FOLDER_UID = "caudal"
FOLDER_TITLE = "Caudal"
# Grafana sets these itself: the first three on every save, the last when it migrates an older model.
_SET_BY_GRAFANA = ("id", "version", "iteration", "schemaVersion")

Outcome = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True)
class NewDatasource:
    """The address of ClickHouse for a data source to create: host, native or HTTP port, database, user, password."""

    host: str
    port: int = 9000
    protocol: Literal["native", "http"] = "native"
    database: str = "caudal"
    username: str = "grafana"
    password: str = ""
    secure: bool = False


@dataclass(frozen=True)
class Published:
    """The outcome of publishing: where the dashboard is, and what else was created on the way."""

    outcome: Outcome
    url: str
    uid: str
    datasource: str
    created: tuple[str, ...] = ()


def publish(
    url: str,
    token: str,
    *,
    datasource: str | None = None,
    create_datasource: NewDatasource | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Published:
    """Make the Grafana at `url` hold the dashboard as built here, and say what had to change.

    The folder is made where it is missing. `datasource` is the name or uid of a ClickHouse data source;
    without it the only one there is, or the default one, is taken. Where none is found,
    `create_datasource` says what to create. Raises PublishError with one line.
    """
    created: list[str] = []
    with Grafana(url, token, transport=transport) as grafana:
        source = _find_datasource(grafana, datasource)
        if source is None:
            if create_datasource is None:
                raise PublishError(_no_datasource(grafana.url, datasource))
            source = _create_datasource(grafana, datasource or "Caudal ClickHouse", create_datasource)
            created.append(f"data source {source['name']}")
        if grafana.get(f"/api/folders/{FOLDER_UID}") is None:
            grafana.post("/api/folders", {"uid": FOLDER_UID, "title": FOLDER_TITLE})
            created.append(f"folder {FOLDER_TITLE}")
        wanted = _with_datasource(build(), source)
        present = grafana.get(f"/api/dashboards/uid/{wanted['uid']}")
        if present is not None and _same(present, wanted):
            return Published(
                "unchanged",
                grafana.link(_field(present, "meta", "url")),
                wanted["uid"],
                source["name"],
                tuple(created),
            )
        if present is not None and _field(present, "meta").get("provisioned"):
            raise PublishError(
                f"the dashboard {wanted['uid']} at {grafana.url} comes from a provisioning file, "
                "which Grafana does not let anybody overwrite; replace that file instead "
                "(caudal dashboards build --output FILE)"
            )
        saved = grafana.post(
            "/api/dashboards/db",
            {
                "dashboard": wanted,
                "folderUid": FOLDER_UID,
                "message": "caudal dashboards publish",
                "overwrite": True,
            },
        )
        return Published(
            "updated" if present is not None else "created",
            grafana.link(_field(saved, "url")),
            wanted["uid"],
            source["name"],
            tuple(created),
        )


def _find_datasource(grafana: Grafana, wanted: str | None) -> dict[str, Any] | None:
    listed = grafana.get("/api/datasources")
    if not isinstance(listed, list):
        raise PublishError(f"{grafana.url} does not list data sources; is --url the root of a Grafana?")
    sources: list[dict[str, Any]] = [source for source in listed if source.get("type") == PLUGIN_ID]
    if wanted is not None:
        return next((s for s in sources if wanted in (s.get("uid"), s.get("name"))), None)
    if len(sources) > 1:
        default = [source for source in sources if source.get("isDefault")]
        if not default:
            names = ", ".join(sorted(str(source["name"]) for source in sources))
            raise PublishError(
                f"{grafana.url} has several ClickHouse data sources ({names}); name one with --datasource"
            )
        return default[0]
    return sources[0] if sources else None


def _no_datasource(url: str, wanted: str | None) -> str:
    which = f"no ClickHouse data source named {wanted}" if wanted else "no ClickHouse data source"
    return f"{url} has {which}; install the plugin {PLUGIN_ID} and add one, or let it be created with --clickhouse-host"


def _create_datasource(grafana: Grafana, name: str, new: NewDatasource) -> dict[str, Any]:
    answer = grafana.post(
        "/api/datasources",
        {
            "name": name,
            "type": PLUGIN_ID,
            "access": "proxy",
            "jsonData": {
                "version": PLUGIN_VERSION,
                "host": new.host,
                "port": new.port,
                "protocol": new.protocol,
                "secure": new.secure,
                "username": new.username,
                "defaultDatabase": new.database,
            },
            "secureJsonData": {"password": new.password},
        },
    )
    source: dict[str, Any] = {"name": name, "uid": _field(answer, "datasource", "uid")}
    return source


def _field(answer: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(answer, dict) or key not in answer:
            raise PublishError(
                f"Grafana's answer has no {'.'.join(path)}; is this a Grafana, of version 10 or later?"
            )
        answer = answer[key]
    return answer


def _with_datasource(model: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    """Return the dashboard with its data source variable set to this source."""
    for variable in model["templating"]["list"]:
        if variable["name"] == DATASOURCE_VARIABLE:
            variable["current"] = {"selected": True, "text": source["name"], "value": source["uid"]}
    return model


def _same(present: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return _field(present, "meta").get("folderUid") == FOLDER_UID and _holds(
        _field(present, "dashboard"),
        {key: value for key, value in wanted.items() if key not in _SET_BY_GRAFANA},
    )


def _holds(present: Any, wanted: Any) -> bool:
    """Return True if everything wanted is present; Grafana adds defaults and drops nulls when it saves."""
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(
            _holds(present.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(present, list) and len(present) == len(wanted) and all(map(_holds, present, wanted))
    return bool(present == wanted)
