"""What the page and the paper show: an edition as plain texts, numbers and drawings for a template."""

from dataclasses import asdict
from typing import Any

from caudal.service.indicators.definition import SHARE_MINIMUM_FLOWS, TAKES
from caudal.service.reports.content import Group
from caudal.service.reports.edition import Edition, Line
from caudal.service.reports.figures import destination_map, flow_chart, flow_note, group_chart, map_note
from caudal.service.reports.forms.workbook import metadata
from caudal.service.reports.language.method import method_text


def view(edition: Edition, *, paper: bool) -> dict[str, Any]:
    """Return an edition as a template needs it; on paper tables have a row per indicator."""
    content, language = edition.content, edition.language
    document, label = dict(language.phrases["document"]), dict(language.phrases["label"])
    month = content.compared.get("month_before")
    year = content.compared.get("year_before")
    return {
        "lang": language.tag,
        "document": document,
        "label": label,
        "title": edition.title,
        "subtitle": edition.subtitle,
        "economy": edition.economy,
        "month": edition.month,
        "region": language.say("document", "region", region=content.region) if content.region else "",
        "computed": language.say(
            "document", "computed", date=language.date(content.provenance.computed_at.date())
        ),
        "computed_at": content.provenance.computed_at,
        "banners": edition.banners,
        "reading": edition.reading_note,
        "coverage": edition.coverage(),
        "month_before": language.month(month) if month else "",
        "year_before": language.month(year) if year else "",
        "groups": [_group(edition, group, paper=paper) for group in content.groups],
        "destinations": _destinations(edition),
        "quality": edition.quality(),
        "counts": [
            {"name": name, "meaning": meaning, "count": language.number(count), "exact": count}
            for name, meaning, count in edition.counts()
        ],
        "remarks": edition.remarks(),
        "totals": [
            dict(zip(("name", "observed", "estimated"), row, strict=True))
            for row in (*map(edition.total, content.totals), *_economy_limits(edition, paper=paper))
        ],
        "not_estimated": [asdict(each) for each in edition.not_estimated()],
        "withheld": [edition.withheld(each) for each in content.withheld],
        "method": [_method(edition, entry.definition.id) for entry in content.entries()],
        "sources": [edition.names.attribution(line) for line in content.attributions],
        "citation": edition.citation,
        "metadata": [{"name": name, "text": text} for name, text in metadata(edition)],
    }


def _group(edition: Edition, group: Group, *, paper: bool) -> dict[str, Any]:
    lines = edition.lines(group)
    shown = edition.relevant(group) if paper else edition.ranked(group)
    without = [line for line in shown if line.observation.value is None] if paper else []
    rows = [_row(edition, line) for line in shown if line not in without]
    left_out = len(lines) - len(shown)
    return {
        "id": group.name,
        "name": edition.group_name(group),
        "question": edition.question(group),
        "finding": edition.finding(group),
        "changes": edition.changes(group),
        "chart": group_chart(edition, group),
        "rows": rows,
        "without": [_row(edition, line) for line in without],
        "more": edition.language.say("sentence", "left_out", count=left_out) if left_out else "",
    }


def _row(edition: Edition, line: Line) -> dict[str, Any]:
    observation = line.observation
    return {
        "id": line.definition.id,
        "title": line.title,
        "of": line.of,
        "name": line.name,
        "value": line.value,
        "interval": line.interval,
        "reason": asdict(edition.names.reason(observation.reason)),
        "month_before": edition.before(line, "month_before"),
        "year_before": edition.before(line, "year_before"),
        "exact": {"value": observation.value, "low": observation.low, "high": observation.high},
        "flags": " ".join(observation.flags),
        "marks": ", ".join(edition.names.marks(observation.flags)),
    }


def _economy_limits(edition: Edition, *, paper: bool) -> list[tuple[str, str, str]]:
    # On paper there is room for the first of each group.
    limits = [edition.economy_limits(group) for group in edition.content.groups]
    return [row for rows in limits for row in (rows[:1] if paper else rows)]


def _destinations(edition: Edition) -> dict[str, Any]:
    found, language = edition.content.destinations, edition.language
    if not found.links:
        return {}
    return {
        "map": destination_map(edition),
        "map_note": map_note(edition),
        "flow": flow_chart(edition),
        "flow_note": flow_note(edition),
        "withheld": language.say(
            "document",
            "flow_withheld",
            minimum=language.number(SHARE_MINIMUM_FLOWS),
            share=language.percent(found.withheld),
        )
        if found.withheld
        else "",
        "tables": [
            {
                "head": language.say("label", name),
                "rows": [
                    {"name": named(share.key), "key": share.key, "exact": share.value,
                     **_texts(edition, share.value, share.low, share.high)}
                    for share in shares
                ],
            }
            for name, shares, named in (
                ("border", found.borders, edition.names.border),
                ("place", found.locations, edition.names.place),
                ("control", found.controls, edition.names.place),
            )
        ],
    }  # fmt: skip


def _texts(edition: Edition, value: float, low: float, high: float) -> dict[str, str]:
    text = edition.language.figure(value, low, high, "share")
    return {"value": text.value, "interval": text.interval}


def _method(edition: Edition, indicator: str) -> dict[str, str]:
    entry = edition.content.entry(indicator)
    assert entry is not None
    definition = entry.definition
    told = method_text(definition, edition.language)
    return {
        "id": definition.id,
        "title": definition.title.get(edition.language.code, definition.title["en"]),
        "unit": edition.unit(definition),
        "language": "" if told.language == edition.language.code else told.language,
        "formula": told.formula,
        "takes": edition.language.known("takes", definition.takes, TAKES[definition.takes])
        if "bytes" in definition.inputs
        else "",
        "source": edition.names.source(definition),
        "critique": told.critique,
        "version": definition.method_version,
    }
