"""The chart of a group: which values it shows, and what it says to those who cannot see it."""

from collections.abc import Collection
from functools import partial
from itertools import groupby

from caudal.service.reports.charts import Key, Mark, Panel, interval_drawing
from caudal.service.reports.charts.drawing import Drawing
from caudal.service.reports.content import Group
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.findings import Line
from caudal.service.reports.findings.relevance import adds_up, ordered
from caudal.service.reports.pictures.axis import bracketed, tick

# Rows of one indicator, fewer where they do not add up, before the rest is left out.
_MOST_ROWS, _MOST_ROWS_APART = 4, 3
# Units on one axis for several indicators.
_COMPARABLE = frozenset({"share", "index", "score"})


def group_chart(edition: Edition, group: Group) -> str | None:
    """Return the chart of `group_figure` as SVG; None where there is no value."""
    drawing = group_figure(edition, group)
    return drawing.svg(edition.finding(group)) if drawing is not None else None


def group_charts(edition: Edition, group: Group) -> list[tuple[str, str]]:
    """Return the chart of a group in parts, one per panel, so that a page may end between two; each with its words."""
    # The signs are explained once.
    return [
        (interval_drawing([panel], None if position else _key(edition)).svg(words), words)
        for position, panel in enumerate(_panels(edition, group))
        for words in (_in_words(panel),)
    ]


def _in_words(panel: Panel) -> str:
    return f"{panel.title}: " + "; ".join(f"{mark.label} {mark.written}" for mark in panel.marks)


def group_figure(edition: Edition, group: Group, only: Collection[str] = ()) -> Drawing | None:
    """Return the drawing of `_panels`; None where there is no value."""
    panels = _panels(edition, group, only)
    return interval_drawing(panels, _key(edition)) if panels else None


def _panels(edition: Edition, group: Group, only: Collection[str] = ()) -> list[Panel]:
    """Return the values of a group, or of `only` these indicators of it, with their intervals, a panel per unit."""
    lines = [
        line
        for line in edition.lines(group)
        if line.observation.value is not None and (not only or line.definition.id in only)
    ]
    shown: list[Line] = []
    for _, own in groupby(lines, key=lambda line: line.definition.id):
        shown.extend(_most_telling(list(own), edition.content.economy))
    panels: list[Panel] = []
    units = dict.fromkeys(line.definition.unit for line in shown)
    for unit in units:
        of_unit = [line for line in shown if line.definition.unit == unit]
        # Amounts of one unit can be orders of magnitude apart: an axis for each indicator.
        parts = [of_unit] if unit in _COMPARABLE else _by_indicator(of_unit)
        panels.extend(_panel(edition, part) for part in parts)
    return panels


def _key(edition: Edition) -> Key:
    """Return the key to the signs of an interval chart, in words."""
    say, before = edition.language.say, edition.content.compared.get("month_before")
    return Key(
        say("chart", "value"),
        say("chart", "interval"),
        say("chart", "before", month=edition.language.month(before)) if before is not None else "",
    )


def _most_telling(lines: list[Line], economy: str) -> list[Line]:
    """Return the line that stands for an indicator, then the weightiest of the others."""
    definition = lines[0].definition
    most = _MOST_ROWS if adds_up(definition) else _MOST_ROWS_APART
    of = {id(line.observation): line for line in lines}
    return [
        of[id(each)] for each in ordered(definition, [line.observation for line in lines], economy)[:most]
    ]


def _by_indicator(lines: list[Line]) -> list[list[Line]]:
    return [list(own) for _, own in groupby(lines, key=lambda line: line.definition.id)]


def _panel(edition: Edition, lines: list[Line]) -> Panel:
    definition, language = lines[0].definition, edition.language
    alone = len({line.definition.id for line in lines}) == 1
    largest = max(
        abs(number)
        for line in lines
        for number in (line.observation.low, line.observation.high)
        if number is not None
    )
    scale, suffix = language.scale(definition.unit, largest)
    sign = suffix if definition.unit == "share" else ""
    unit = edition.unit(definition)
    if suffix and not sign:
        unit = language.before(definition.unit) + suffix.strip()
    marks, whole = [], language.say("label", "whole")
    for line in lines:
        observation = line.observation
        assert observation.value is not None and observation.low is not None and observation.high is not None
        before = next((c.before.value for c in line.reading.changes if c.since == "month_before"), None)
        written = language.figure(
            observation.value, observation.low, observation.high, definition.unit, largest
        )
        if alone:
            label = line.of or (whole if len(lines) > 1 else f"{line.definition.id} {line.title}")
        else:
            label = f"{line.definition.id} {line.of or line.title}"
        marks.append(
            Mark(
                label=label,
                value=observation.value * scale,
                low=observation.low * scale,
                high=observation.high * scale,
                written=f"{written.bare}{sign} {bracketed(written.interval)}",
                before=before * scale if before is not None else None,
            )
        )
    title = f"{definition.id} {definition.title[language.code]} ({unit})" if alone else unit
    bound = scale if definition.range[1] == 1.0 else None
    return Panel(title, tuple(marks), partial(tick, edition.language, sign), bound)
