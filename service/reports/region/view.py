"""The view of page and paper of a region's report: an edition as plain texts and drawings for a template."""

from functools import partial
from typing import Any

from caudal.service.reports.charts import Mark, Panel, interval_drawing
from caudal.service.reports.findings.names import Passage
from caudal.service.reports.pictures.axis import tick
from caudal.service.reports.region.content import RegionColumn, RegionGroup
from caudal.service.reports.region.edition import RegionEdition

# Economies that a chart has room for; of more there is the table.
_MOST_DRAWN = 40


def view(edition: RegionEdition) -> dict[str, Any]:
    """Return an edition as a template needs it."""
    content, language = edition.content, edition.language
    return {
        "lang": language.code,
        "region": dict(language.phrases["region"]),
        "label": dict(language.phrases["label"]),
        "document": dict(language.phrases["document"]),
        "title": edition.title,
        "subtitle": edition.subtitle,
        "banners": edition.banners,
        "computed": language.say("document", "computed", date=language.date(content.computed_at.date())),
        "computed_at": content.computed_at,
        "who": edition.who,
        "members": [
            {
                "economy": member.economy,
                "name": edition.place(member.economy),
                "operators": language.number(len(member.coverage.operators)),
                "coverage": edition.coverage(member),
                "vintage": member.vintage,
            }
            for member in content.members
        ],
        "notes": edition.notes(),
        "groups": [_group(edition, group) for group in content.groups],
        "sources": [edition.names.attribution(line) for line in content.attributions],
        "licence": edition.publication.licence,
        "citation": edition.citation,
        "path": edition.path,
    }


def _group(edition: RegionEdition, group: RegionGroup) -> dict[str, Any]:
    columns = group.columns
    said = any(cell.observation is not None for column in columns for cell in column.cells)
    return {
        "id": group.name,
        "name": edition.group_name(group),
        "question": edition.question(group),
        "summary": edition.summary(group),
        "chart": _chart(edition, group),
        "heads": [f"{column.definition.id} {edition.column_name(column)}" for column in columns],
        "rows": [
            {
                "economy": member.economy,
                "name": edition.place(member.economy),
                "cells": [_cell(edition, column, at) for column in columns],
            }
            for at, member in enumerate(edition.content.members if said else ())
        ],
        "reasons": _reasons(edition, group),
    }


def _reasons(edition: RegionEdition, group: RegionGroup) -> list[dict[str, str]]:
    """Return why there is no value, each reason once, with the indicator and the economies that it is told of."""
    told: dict[tuple[str, Passage], list[str]] = {}
    for column in group.columns:
        for cell in column.cells:
            said = edition.reason(cell)
            if said.text:
                told.setdefault((column.definition.id, said), []).append(edition.place(cell.member.economy))
    return [
        {
            "what": f"{indicator} {edition.language.listed(tuple(names))}",
            "text": said.text,
            "language": said.language,
        }
        for (indicator, said), names in told.items()
    ]


def _cell(edition: RegionEdition, column: RegionColumn, at: int) -> dict[str, Any]:
    cell = column.cells[at]
    value, interval = edition.cell(cell)
    own = cell.observation
    return {
        "id": column.definition.id,
        "value": value,
        "interval": interval,
        "exact": {"value": own.value, "low": own.low, "high": own.high} if own is not None else None,
    }


def _chart(edition: RegionEdition, group: RegionGroup) -> str | None:
    """Return the first headline that compares, an economy a row; None where nothing or too much is to be drawn."""
    column = next((each for each in group.columns if each.compared), None)
    if column is None or len(column.compared) > _MOST_DRAWN:
        return None
    language, unit = edition.language, column.definition.unit
    scale, suffix = language.scale(
        unit, max(abs(n) for _, value in column.compared for n in (value.low, value.value, value.high))
    )
    sign = suffix if unit == "share" else ""
    marks = []
    for member, value in column.compared:
        text = language.figure(value.value, value.low, value.high, unit)
        marks.append(
            Mark(
                label=edition.place(member.economy),
                value=value.value * scale,
                low=value.low * scale,
                high=value.high * scale,
                written=f"{text.bare}{sign}  [{text.interval}]",
            )
        )
    named = suffix.strip() if suffix and not sign else language.known("unit", unit, unit)
    title = f"{column.definition.id} {edition.column_name(column)}" + ("" if sign else f" ({named})")
    bound = scale if column.definition.range[1] == 1.0 else None
    panel = Panel(title, tuple(marks), partial(tick, edition.language, sign), bound)
    return interval_drawing([panel]).svg(edition.summary(group))
