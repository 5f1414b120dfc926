"""Every panel and variable of the dashboard answers on the store that `caudal demo` filled."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from caudal.dashboards.sovereignty import build
from caudal.service.store.store import Store

from ..conftest import DemoRun
from .macros import ALL, expand

DASHBOARD = build()
PANELS = [panel for panel in DASHBOARD["panels"] if panel.get("targets")]
VARIABLES = {"economy": "XA", "operator": ALL, "group": "CELAC", "datasource": "x"}
START, END = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo_store(demo_run: DemoRun) -> Iterator[Store]:
    with Store(f"chdb://{demo_run.directory}/store") as opened:
        yield opened


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_every_panel_has_an_answer(demo_store: Store, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        answer = demo_store.frame(expand(target["rawSql"], VARIABLES, START, END, 86_400))
        assert answer.height
        numbers = [name for name in answer.columns if answer.schema[name].is_numeric()]
        for name in numbers:
            if answer.schema[name].is_float():
                assert answer[name].drop_nulls().is_finite().all(), name


def test_variables_offer_the_demo(demo_store: Store) -> None:
    offered = {
        variable["name"]: [
            row[0]
            for row in demo_store.frame(expand(variable["query"], VARIABLES, START, END, 86_400)).rows()
        ]
        for variable in DASHBOARD["templating"]["list"]
        if variable["type"] == "query"
    }
    assert offered["economy"] == ["XA"]
    assert offered["operator"] == ["demo-net"]
    assert "CELAC" in offered["group"]
