"""Every query of the dashboard runs on a real store, and answers what the service's indicators answer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from caudal.dashboards.sovereignty import build, title
from caudal.reference.files.platformfiles import CATEGORIES
from caudal.reference.reading.facts import load_facts
from caudal.service.indicators import Context, compute_all
from caudal.service.store.store import Store

from .macros import ALL, UnknownMacro, expand
from .traffic import DAYS, ECONOMY, END, GROUP, START

DASHBOARD = build()
PANELS = [panel for panel in DASHBOARD["panels"] if panel.get("targets")]
MONTHS = ["2026-08", "2026-09", "2026-10"]
DAY_SECONDS = 86400


def names(panels: list[dict[str, Any]]) -> list[str]:
    return [panel["title"] for panel in panels]


def ask(
    store: Store,
    sql: str,
    operator: str | list[str] = ALL,
    *,
    economy: str = ECONOMY,
    start: datetime = START,
    end: datetime = END,
    interval_seconds: int = DAY_SECONDS,
) -> pl.DataFrame:
    variables = {"economy": economy, "operator": operator, "group": "SUR", "datasource": "x"}
    return store.frame(expand(sql, variables, start, end, interval_seconds))


def near(expected: Any) -> tuple[Any, ...]:
    """Low, value and high as the service has them; limits as near as normal ones are where there are many packets."""
    low, high = (pytest.approx(limit, rel=5e-5, abs=5e-6) for limit in (expected.low, expected.high))
    return low, pytest.approx(expected.value, rel=1e-6), high


def panel(name: str) -> str:
    [found] = [each for each in PANELS if each["title"] == name]
    [target] = found["targets"]
    return str(target["rawSql"])


@pytest.mark.parametrize("each", PANELS, ids=names(PANELS))
def test_every_panel_answers(store: Store, each: dict[str, Any]) -> None:
    for target in each["targets"]:
        answer = ask(store, target["rawSql"])
        assert answer.height, "the store is full and the panel is empty"
        if target["queryType"] == "timeseries":
            assert answer.columns[0] == "time"
            assert answer["time"].is_sorted()
            values = [name for name in answer.columns[1:] if answer.schema[name].is_numeric()]
            assert values
            labels = [name for name in answer.columns[1:] if name not in values]
            assert not answer.select("time", *labels).is_duplicated().any()


@pytest.mark.parametrize("each", PANELS, ids=names(PANELS))
@pytest.mark.parametrize("operator", [["norte"], ["norte", "sur"]], ids=["one", "two"])
def test_every_panel_takes_operators(store: Store, each: dict[str, Any], operator: list[str]) -> None:
    for target in each["targets"]:
        assert ask(store, target["rawSql"], operator).height


@pytest.mark.parametrize("each", PANELS, ids=names(PANELS))
def test_every_panel_survives_an_economy_without_data(store: Store, each: dict[str, Any]) -> None:
    for target in each["targets"]:
        answer = ask(store, target["rawSql"], economy="PY")
        for name in answer.columns:
            if answer.schema[name].is_float():
                assert answer[name].drop_nulls().is_finite().all(), name


@pytest.mark.parametrize("each", PANELS, ids=names(PANELS))
def test_values_lie_in_their_intervals(store: Store, each: dict[str, Any]) -> None:
    answer = ask(store, each["targets"][0]["rawSql"])
    pairs = [(name, name.removesuffix("low"), name.removesuffix("low") + "high") for name in answer.columns]
    for low, stem, high in pairs:
        if not low.endswith("low") or high not in answer.columns:
            continue
        value = next(
            name
            for name in (stem.strip(), "share", "index", "asymmetry", "value")
            if name and name in answer.columns
        )
        known = answer.drop_nulls([low, value, high])
        assert known.height
        assert (known[low] <= known[value] + 1e-12).all()
        assert (known[value] <= known[high] + 1e-12).all()
        assert (known[high] - known[low] > 0).any()


def test_every_variable_answers(store: Store) -> None:
    answers = {
        variable["name"]: ask(store, variable["query"]).rows()
        for variable in DASHBOARD["templating"]["list"]
        if variable["type"] == "query"
    }
    assert answers == {
        "economy": [("UY", "Uruguay (UY)")],
        "operator": [("norte",), ("sur",)],
        "group": [("SUR",), ("GLOBAL_SOUTH",)],
    }


def test_synthetic_batches_are_announced(store: Store) -> None:
    [annotation] = [each for each in DASHBOARD["annotations"]["list"] if each["name"] == "Synthetic data"]
    sql = annotation["target"]["rawSql"]
    [row] = ask(store, sql).iter_rows(named=True)
    assert row["text"].startswith("SYNTHETIC")
    assert ask(store, sql, economy="PY").height == 0
    assert ask(store, panel("Data are"))["data are"].to_list() == ["PARTLY SYNTHETIC"]
    assert ask(store, panel("Data are"), ["norte"])["data are"].to_list() == ["measured"]
    assert ask(store, panel("Data are"), ["sur"])["data are"].to_list() == ["SYNTHETIC"]
    assert ask(store, panel("Data are"), economy="PY")["data are"].to_list() == ["no data"]


@pytest.fixture(scope="module")
def published(store: Store) -> dict[tuple[str, str, str | None], Any]:
    """What the service's indicators answer, by month, id and dimension."""
    answers = {}
    for number, month in zip((8, 9, 10), MONTHS, strict=True):
        cells = store.frame(
            "SELECT * EXCEPT (time) REPLACE (toInt64(flows) AS flows, "
            "toString(if(exchange, economy, remote_country)) AS remote_country) FROM flow_counted_month WHERE economy = {economy:String} AND time = {time:DateTime}",
            {"economy": ECONOMY, "time": f"2026-{number:02}-01 00:00:00"},
        )
        context = Context(
            economy=SimpleNamespace(country=ECONOMY, internet_users=3_000_000, status="verified"),
            month=month,
            region_members=frozenset(GROUP),
            region_group="SUR",
            coverage=None,
            covered_users=None,
            accuracy=pl.DataFrame(schema={"truth": pl.String, "group": pl.String, "sampled_ips": pl.Int64}),
            days_in_month=31,
            facts={"categories": load_facts(CATEGORIES).frame},
        )
        for observation in compute_all(cells, context):
            answers[(month, observation.indicator, observation.dimension)] = observation
    return answers


def months(answer: pl.DataFrame, value: str) -> Iterator[tuple[str, tuple[float, float, float]]]:
    for row in answer.iter_rows(named=True):
        yield row["time"].strftime("%Y-%m"), (row["low"], row[value], row["high"])


@pytest.mark.parametrize(
    ("indicator", "dimension", "value"),
    [
        ("J1", None, "share"),
        ("J3", None, "share"),
        ("C1", None, "index"),
        ("C2", None, "index"),
        ("V1", "without_video_and_cdn", "asymmetry"),
    ],
)
def test_trends_are_the_indicators(
    store: Store, published: dict[Any, Any], indicator: str, dimension: str | None, value: str
) -> None:
    answers = dict(months(ask(store, panel(f"{title(indicator)} by month")), value))
    assert sorted(answers) == MONTHS
    for month, numbers in answers.items():
        expected = published[(month, indicator, dimension)]
        assert numbers == near(expected)


@pytest.mark.parametrize("position", range(3), ids=MONTHS)
def test_shares_of_a_month_are_the_indicators(store: Store, published: dict[Any, Any], position: int) -> None:
    start = datetime(2026, 8 + position, 1, tzinfo=UTC)
    end = datetime(2026, 9 + position, 1, tzinfo=UTC)
    answer = ask(
        store,
        panel("Location and control, over the time range"),
        start=start,
        end=end - timedelta(seconds=1),
    )
    assert answer["indicator"].to_list() == [title(each) for each in ("J1", "J2", "J3", "J5", "J9")]
    for row, indicator in zip(answer.iter_rows(named=True), ("J1", "J2", "J3", "J5", "J9"), strict=True):
        expected = published[(MONTHS[position], indicator, None)]
        assert (row["low"], row["share"], row["high"]) == near(expected), indicator


def test_jurisdictions_of_a_month_are_the_indicator(store: Store, published: dict[Any, Any]) -> None:
    answer = ask(store, panel(title("J4")), end=datetime(2026, 8, 31, 23, tzinfo=UTC))
    assert answer["share"].sum() == pytest.approx(1)
    rows = {row["jurisdiction"]: row for row in answer.iter_rows(named=True)}
    assert set(rows) == {"US", "UY", "CN", "BR", "unknown"}
    assert rows["US"]["name"] == "United States"
    for jurisdiction in ("US", "UY", "CN", "BR"):
        expected = published[("2026-08", "J4", jurisdiction)]
        row = rows[jurisdiction]
        assert (row["share low"], row["share"], row["share high"]) == near(expected)


def test_indices_by_month_are_the_indicators(store: Store, published: dict[Any, Any]) -> None:
    answer = ask(store, panel("Indices of concentration by month"))
    assert answer.height == 3 * (3 + 3)
    rows = {(row["month"], row["indicator"]): row for row in answer.iter_rows(named=True)}
    for month in MONTHS:
        for indicator, dimension, name in (
            ("C1", None, title("C1")),
            ("C2", None, title("C2")),
            ("C3", None, title("C3")),
            *(("C4", f"largest_{k}", f"{title('C4')}, k = {k}") for k in (1, 4, 8)),
        ):
            expected = published[(month, indicator, dimension)]
            row = rows[(month, name)]
            assert (row["low"], row["value"], row["high"]) == near(expected), name


def test_what_networks_of_the_country_exchange_counts_once(store: Store) -> None:
    """Sur meets 64501, which norte declared: half. Norte meets it as well, as addresses that it forgot: whole."""
    rows = store.frame(
        "SELECT toString(operator) AS operator, border, sum(c.bytes) AS counted FROM flow_counted_month AS c "
        "WHERE remote_asn = 64501 GROUP BY ALL ORDER BY ALL"
    )
    metered = store.frame(
        "SELECT toString(operator) AS operator, toFloat64(sum(f.bytes)) AS metered FROM flow_month AS f "
        "WHERE remote_asn = 64501 GROUP BY ALL ORDER BY ALL"
    )["metered"]
    assert rows.rows() == [("norte", "domestic", metered[0]), ("sur", "domestic", metered[1] / 2)]


def test_rates_add_up_to_the_bytes(store: Store) -> None:
    [total] = store.frame(
        "SELECT sum(bytes) AS total FROM flow_counted_day WHERE direction IN ('out', 'in')"
    )["total"]
    for name in ("Traffic by country of the far end", "Traffic by controlling jurisdiction"):
        for interval_seconds in (DAY_SECONDS, 7 * DAY_SECONDS):
            answer = ask(store, panel(name), interval_seconds=interval_seconds)
            assert answer["rate"].sum() * interval_seconds / 8 == pytest.approx(total)
    shares = ask(store, panel("Domestic, regional, elsewhere, unknown"))
    assert shares.height == DAYS
    assert sum(shares[name].sum() for name in shares.columns[1:]) * DAY_SECONDS / 8 == pytest.approx(total)
    hours = ask(store, panel("Out, in, and what stays"), interval_seconds=3600)
    assert (hours["out"].sum() - hours["in"].sum() + hours["domestic"].sum()) * 3600 / 8 == pytest.approx(
        total
    )


def test_a_time_range_within_a_day_takes_the_whole_day(store: Store) -> None:
    noon = datetime(2026, 9, 9, 12, tzinfo=UTC)
    answer = ask(store, panel(f"{title('J9')} by day"), start=noon, end=noon.replace(hour=13))
    assert [time.isoformat() for time in answer["time"]] == ["2026-09-09T00:00:00+00:00"]


def test_the_ledger_balances_and_shows_when_it_does_not(store: Store) -> None:
    answer = ask(store, panel("The ledger by exporter"))
    assert answer["unexplained"].to_list() == [0, 0]
    assert answer["exporter"].to_list() == ["core-uy-1", "core-uy-2"]
    assert answer["received"].to_list() == [1210 * DAYS, 1210 * 28]
    assert answer["sampling assumed"].to_list() == pytest.approx([203 / 1203] * 2)


def test_the_macros_refuse_what_the_plugin_would_not_expand() -> None:
    def text(sql: str) -> str:
        return expand(sql, {"economy": "O'Higgins", "operator": ["a", "b"]}, START, END, 60)

    assert text("${economy:singlequote}") == r"'O\'Higgins'"
    assert text("$__conditionalAll(o IN (${operator:singlequote}), $operator)") == "o IN ('a','b')"
    assert text("$__timeFilter(f.time)") == (
        f"f.time >= toDateTime({int(START.timestamp())}) AND f.time <= toDateTime({int(END.timestamp())})"
    )
    for wrong in ("$__timeFilters(t)", "${nobody:singlequote}", "${economy}", "$economy"):
        with pytest.raises(UnknownMacro):
            text(wrong)


def test_queries_hold_no_value_that_is_not_a_variable() -> None:
    text = json.dumps(DASHBOARD)
    assert "'UY'" not in text
    assert "'XA'" not in text
