"""The kinds of panel this package draws, each with a title, a description and one query."""

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders import common, stat, table, text, timeseries
from grafana_foundation_sdk.builders import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from caudal.dashboards.clickhouse import Query, datasource

HEIGHT = 9
SHARE_UNIT = "percentunit"
BYTES_UNIT = "decbytes"
RATE_UNIT = "bps"
COUNT_UNIT = "short"
TIME_UNIT = "dateTimeAsIso"
AGE_UNIT = "s"


def series(
    title: str,
    description: str,
    sql: str,
    *,
    unit: str,
    width: int,
    every: str,
    label: str | None = None,
    stacked: StackingMode = StackingMode.NONE,
    bars: bool = False,
) -> Any:
    """Draw columns over time; `label` names the column whose values tell series apart, if there is one.

    `every` is the least interval, that of the roll-up the query reads (1h, 1d).
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(datasource())
        .with_target(Query(sql, "timeseries"))
        .unit(unit)
        .interval(every)
        .height(HEIGHT)
        .span(width)
        .draw_style(GraphDrawStyle.BARS if bars else GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(70 if bars or stacked != StackingMode.NONE else 8)
        .show_points(VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .stacking(common.StackingConfig().mode(stacked).group("A"))
        # A category keeps its colour when its rank changes.
        .color_scheme(model.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .override_by_name("unknown", _fixed_color("semi-dark-red"))
        .override_by_name("other", _fixed_color("#8e8e8e"))
    )
    if label is not None:
        panel = panel.display_name(f"${{__field.labels.{label}}}")
    return panel


def interval_series(
    title: str, description: str, sql: str, *, value: str, width: int, unit: str, least: float, every: str
) -> Any:
    """Draw a value over time within the band of its interval; the query answers it, `low` and `high`."""
    hidden_line = [
        DynamicConfigValue("custom.lineWidth", 0),
        DynamicConfigValue("custom.showPoints", "never"),
    ]
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(datasource())
        .with_target(Query(sql, "timeseries"))
        .unit(unit)
        .min(least)
        .max(1)
        .interval(every)
        .height(HEIGHT)
        .span(width)
        .draw_style(GraphDrawStyle.LINE)
        .line_width(2)
        .fill_opacity(0)
        .show_points(VisibilityMode.ALWAYS)
        .point_size(6)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.NONE))
        .override_by_name(value, _fixed_color("blue"))
        .override_by_name("low", [*hidden_line, *_fixed_color("super-light-blue")])
        .override_by_name(
            "high",
            [
                *hidden_line,
                *_fixed_color("super-light-blue"),
                DynamicConfigValue("custom.fillBelowTo", "low"),
                DynamicConfigValue("custom.fillOpacity", 30),
            ],
        )
    )


def rows(
    title: str,
    description: str,
    sql: str,
    *,
    units: Mapping[str, str],
    width: int,
    height: int = HEIGHT,
    suspicious: tuple[str, ...] = (),
) -> Any:
    """Draw a table; `units` gives the unit of each numeric column, `suspicious` those that should be 0."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(datasource())
        .with_target(Query(sql, "table"))
        .height(height)
        .span(width)
    )
    for column, unit in units.items():
        properties = [DynamicConfigValue("unit", unit)]
        if unit == SHARE_UNIT:
            properties.append(DynamicConfigValue("decimals", 1))
        if column in suspicious:
            properties += [
                DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
                DynamicConfigValue(
                    "thresholds",
                    {
                        "mode": "absolute",
                        "steps": [{"color": "text", "value": None}, {"color": "red", "value": 1e-9}],
                    },
                ),
            ]
        panel = panel.override_by_name(column, properties)
    return panel


def flag(title: str, description: str, sql: str, *, width: int, height: int, good: str) -> Any:
    """Draw one word, on red unless it is the `good` one."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(datasource())
        .with_target(Query(sql, "table"))
        .height(height)
        .span(width)
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.BACKGROUND)
        .text_mode(BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/").values(False))
        .thresholds(
            model.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(color="dark-red")])
        )
        .mappings([ValueMap({good: ValueMappingResult(text=good, color="dark-green", index=0)})])
    )


def note(title: str, markdown: str, *, width: int, height: int) -> Any:
    """Draw a text."""
    return text.Panel().title(title).description(title).content(markdown).height(height).span(width)


def _fixed_color(color: str) -> list[Any]:
    return [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})]
