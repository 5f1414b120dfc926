"""The dashboard as a whole: what is committed, what every panel must say."""

import json
from pathlib import Path

import pytest

from caudal.dashboards.clickhouse import PLUGIN_ID
from caudal.dashboards.sovereignty import build, dashboard_json
from caudal.service.indicators import CATALOGUE

COMMITTED = Path(__file__).parents[2] / "dashboards" / "digital-sovereignty.json"
DASHBOARD = build()
DRAWN = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_the_committed_json_is_the_built_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == dashboard_json(build()), (
        "run: caudal dashboards build --output dashboards/digital-sovereignty.json"
    )


def test_it_is_the_classic_model() -> None:
    assert DASHBOARD["uid"] == "caudal-digital-sovereignty"
    assert DASHBOARD["title"] == "Digital sovereignty"
    assert DASHBOARD["schemaVersion"] >= 36
    assert DASHBOARD.get("id") is None
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == [
        "datasource",
        "economy",
        "operator",
        "group",
    ]
    operator = DASHBOARD["templating"]["list"][2]
    assert operator["multi"]
    assert operator["includeAll"]


def test_panels_have_ids_and_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", DRAWN, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_is(panel) -> None:
    assert panel["title"]
    if panel["type"] == "text":
        return
    assert len(panel["description"]) > 60
    [target] = panel["targets"]
    assert target["datasource"] == panel["datasource"] == {"type": PLUGIN_ID, "uid": "${datasource}"}
    assert target["editorType"] == "sql"
    expected = ("timeseries", 0) if panel["type"] == "timeseries" else ("table", 1)
    assert (target["queryType"], target["format"]) == expected
    if panel["type"] == "timeseries":
        assert panel["interval"] in ("1h", "1d"), "no interval may be shorter than the roll-up that is read"


@pytest.mark.parametrize("indicator", ["J1", "J3", "J4", "C1", "C2", "V1", "J9"])
def test_panels_of_indicators_carry_the_title_of_the_catalogue(indicator: str) -> None:
    definition = CATALOGUE[indicator].definition
    named = [panel for panel in DRAWN if panel["title"].startswith(f"{definition.title['en']} ({indicator})")]
    assert len(named) == 1
    assert definition.critique in named[0]["description"] or indicator == "J9"


def test_no_sql_reads_what_a_read_only_user_may_not() -> None:
    text = json.dumps(DASHBOARD)
    for word in ("system.", "batch_pending", "flow_window", "INSERT", "ALTER"):
        assert word not in text
