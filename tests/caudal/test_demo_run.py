"""`caudal demo --once --json`: what it says is the truth of its traffic model, within its intervals, each time."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caudal.demo.traffic.endpoints import Endpoint
from caudal.demo.traffic.traffic import TrafficModel, months_before
from caudal.service.indicators import CATALOGUE
from caudal.service.vocabulary.dimension import largest

from ..conftest import DemoRun, run_demo

MONTHS = ["2026-08", "2026-09", "2026-10"]
# Of the model's destinations those that connect others, and are no platforms: access networks, a satellite's, research.
CONNECTING = ["", "starlink", "rnp", "xa_research"]


@pytest.fixture(scope="module")
def truth(demo_endpoints: list[Endpoint]) -> pl.DataFrame:
    model = TrafficModel(demo_endpoints, months_before(date(2026, 11, 1)))
    truth = model.truth()
    for _ in model.flows(truth):
        pass
    return truth.frame().with_columns(pl.col("month").dt.strftime("%Y-%m"))


def observation(run: DemoRun, indicator: str, month: str, dimension: str | None = None) -> dict[str, Any]:
    [found] = [each for each in run.answer["indicators"] if each["id"] == indicator]
    [entry] = [each for each in found["months"] if each["month"] == month]
    [value] = [each for each in entry["observations"] if each["dimension"] == dimension]
    return value


def test_it_answers_every_indicator_of_every_month_with_interval_coverage_and_undetermined(
    demo_run: DemoRun,
) -> None:
    assert demo_run.answer["months"] == MONTHS
    ids = [each["id"] for each in demo_run.answer["indicators"]]
    assert ids == list(CATALOGUE)
    assert len(ids) == 30
    for indicator in demo_run.answer["indicators"]:
        assert [entry["month"] for entry in indicator["months"]] == MONTHS
        for entry in indicator["months"]:
            assert entry["observations"]
            for each in entry["observations"]:
                if each["value"] is not None:
                    assert each["low"] <= each["value"] <= each["high"]
                assert 0 < each["undetermined"] < 0.2
                assert 0 < each["coverage"] < 1
                assert "synthetic" in each["flags"]


def test_nothing_is_lost_and_the_ledger_balances(demo_run: DemoRun, truth: pl.DataFrame) -> None:
    counts = demo_run.answer["ledger"]["counts"]
    assert demo_run.answer["ledger"]["balanced"]
    assert counts["datagrams"] == demo_run.answer["datagrams_sent"]
    assert counts["received"] == counts["aggregated"] == counts["sampling_options"] == truth["records"].sum()
    assert counts["lost"] == counts["lost_datagrams"] == counts["kernel_drops"] == counts["malformed"] == 0


def test_what_was_metered_is_what_was_sampled(demo_run: DemoRun, truth: pl.DataFrame) -> None:
    assert demo_run.answer["total"]["bytes"] == truth["sampled_bytes"].sum() * 1000
    assert demo_run.answer["total"]["packets"] == truth["sampled_packets"].sum() * 1000
    assert demo_run.answer["model"]["bytes"] == truth["true_bytes"].sum()


@pytest.mark.parametrize("month", MONTHS)
def test_intervals_hold_the_truth_of_the_model(demo_run: DemoRun, truth: pl.DataFrame, month: str) -> None:
    of_month = truth.filter(pl.col("month") == month)

    def share(which: pl.Expr) -> float:
        return float(of_month.filter(which)["true_bytes"].sum() / of_month["true_bytes"].sum())

    located = of_month.filter(pl.col("remote_country") != "ZZ")
    domestic = float(
        located.filter(pl.col("remote_country") == "XA")["true_bytes"].sum() / located["true_bytes"].sum()
    )
    true = {
        ("J1", None): domestic,
        ("J4", "CN"): share(
            pl.col("platform").is_in(["bytedance", "tencent", "alibaba", "huawei_cloud", "baidu"])
        ),
        ("C4", largest(1)): max(
            share(pl.col("platform") == name) for name in of_month["platform"].unique().to_list() if name
        )
        / share(~pl.col("platform").is_in(CONNECTING)),
    }
    for (indicator, dimension), value in true.items():
        seen = observation(demo_run, indicator, month, dimension)
        assert seen["low"] <= value <= seen["high"], (indicator, value, seen)


def test_it_stays_small(demo_run: DemoRun) -> None:
    assert 1e6 < demo_run.answer["store_bytes"] < 100e6


def test_it_says_synthetic(demo_run: DemoRun) -> None:
    assert demo_run.answer["synthetic"] is True
    assert demo_run.answer["economy"] == "XA"


def values(indicator: dict[str, Any]) -> dict[str, Any]:
    """What an indicator says, without when it was computed."""
    months = [
        {name: value for name, value in month.items() if name != "computed_at"}
        for month in indicator["months"]
    ]
    return {**indicator, "months": months}


def test_twice_gives_the_same_values(demo_run: DemoRun, tmp_path: Path) -> None:
    again = run_demo(tmp_path)
    assert [values(each) for each in again.answer["indicators"]] == [
        values(each) for each in demo_run.answer["indicators"]
    ]
    assert again.answer["total"] == demo_run.answer["total"]
