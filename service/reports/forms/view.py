"""The view of page, paper and brief: an edition as plain texts, numbers and drawings for a template."""

from dataclasses import asdict
from typing import Any

from caudal.service.indicators.model.definition import SHARE_MINIMUM_FLOWS, TAKES
from caudal.service.reports.content import Group, Remark
from caudal.service.reports.content.destinations import OTHER, UNKNOWN
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.findings import Line
from caudal.service.reports.forms.metadata import metadata
from caudal.service.reports.language.method import method_text
from caudal.service.reports.pictures import (
    destination_map,
    flow_chart,
    flow_key,
    flow_note,
    group_chart,
    group_charts,
    history_chart,
    map_note,
)

# What to know before quoting, where there is room for the most important only: these first, then by name.
_NOTICES = 3
_FIRST_NOTICES = (
    "perturbed",
    "confidential",
    "users_exceeded",
    "coverage_undeclared",
    "lost",
    "lost_datagrams",
    "kernel_drops",
    "accuracy_unmeasured",
    "accuracy_extrapolated",
    "from_memory",
    "rank_unstable",
)
# Parts of an indicator named where they lack a value.
_MOST_PARTS = 3
# Rows of a table of places on paper.
_MOST_PLACES = 10
# A banner on every page says these.
_IN_BANNERS = frozenset({"synthetic", "partial_month"})


def view(edition: Edition, *, paper: bool) -> dict[str, Any]:
    """Return an edition as a template needs it; on paper tables have a row per indicator."""
    content, language = edition.content, edition.language
    document = {**language.phrases["document"], **language.phrases["page"]}
    month = content.compared.get("month_before")
    year = content.compared.get("year_before")
    notices, (shown, beside, undrawn) = _notices(edition), _drawings(edition)
    return {
        "lang": language.tag,
        "document": document,
        "label": dict(language.phrases["label"]),
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
        "changed": edition.changed(),
        "picture": shown,
        "destinations": _destinations(edition, paper=paper),
        "drawings": beside,
        "undrawn": undrawn,
        "missing": _missing(edition),
        "quality": edition.quality(),
        "counts": [
            {"name": name, "meaning": meaning, "count": language.number(count), "exact": count}
            for name, meaning, count in edition.counts()
        ],
        "notices": [edition.remark(each) for each in notices[:_NOTICES]],
        "more_notices": language.say("page", "more_notices", count=len(notices) - _NOTICES)
        if len(notices) > _NOTICES
        else "",
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


def _notices(edition: Edition) -> list[Remark]:
    """Return the remarks to know before quoting that no banner makes, the most important first."""
    ranks = {flag: rank for rank, flag in enumerate(_FIRST_NOTICES)}
    told = [each for each in edition.content.remarks if each.flag not in _IN_BANNERS]
    return sorted(told, key=lambda each: (ranks.get(each.flag, len(ranks)), each.flag))


def _group(edition: Edition, group: Group, *, paper: bool) -> dict[str, Any]:
    lines = edition.lines(group)
    shown = edition.relevant(group) if paper else edition.ranked(group)
    # On paper what lacks stands in a table of its own, with who has it.
    rows = [_row(edition, line) for line in shown if not paper or line.observation.value is not None]
    valued = sum(line.observation.value is not None for line in lines)
    left_out = valued - len(rows) if paper else 0
    quote, name = edition.quote(group), edition.group_name(group)
    say = edition.language.say
    return {
        "id": group.name,
        "name": name,
        "question": edition.question(group),
        "finding": edition.finding(group),
        "comparison": edition.comparison(group),
        "changes": edition.changes(group),
        "quote": {"text": quote.text, "cautions": list(quote.cautions), "address": quote.address},
        "chart": None if paper else group_chart(edition, group),
        "charts": [{"svg": svg, "alt": words} for svg, words in group_charts(edition, group)]
        if paper
        else [],
        "chart_note": say("page", "chart_note", group=name),
        "history": history_chart(edition, group),
        "history_note": say("page", "history_note", group=name),
        "rows": rows,
        "more": say("sentence", "left_out", count=left_out) if left_out > 0 else "",
    }


def _missing(edition: Edition) -> list[dict[str, Any]]:
    """Return the reasons why values lack, each once, with the indicators that it keeps from having one."""
    lacking: dict[tuple[str, str], dict[str, list[Line]]] = {}
    for group in edition.content.groups:
        for line in edition.lines(group):
            if line.observation.value is None:
                told = edition.names.reason(line.observation.reason)
                of_reason = lacking.setdefault((told.text, told.language), {})
                of_reason.setdefault(line.definition.id, []).append(line)
    return [
        {
            "names": "; ".join(_all_of(own) for own in indicators.values()),
            "reason": {"text": text, "language": language},
        }
        for (text, language), indicators in lacking.items()
    ]


def _all_of(lines: list[Line]) -> str:
    """Return the parts that lines of one indicator are of, in a few words: more than three are the indicator."""
    of = ", ".join(line.of for line in lines if line.of) if len(lines) <= _MOST_PARTS else ""
    title = f"{lines[0].definition.id} {lines[0].title}"
    return f"{title}: {of}" if of else title


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


def _drawings(edition: Edition) -> tuple[dict[str, str] | None, list[dict[str, str]], list[str]]:
    """Return the one picture that stands with the findings, the drawings that do not, and why others are not there.

    It is the map, for where the data goes is seen at a glance; the flow diagram where no place abroad is known, for then
    the map would show one country only. None without traffic to draw. Each reason stands once.
    """
    phrases, flow, places = edition.language.phrases["document"], _flow(edition), destination_map(edition)
    drawn = ((places, map_note(edition)), (flow, flow_note(edition)))
    undrawn = list(dict.fromkeys(note for svg, note in drawn if svg is None))
    if not _abroad(edition):
        return _drawn(flow, flow_note(edition), phrases["flow"]), [], undrawn
    # What stays, leaves and comes is said above the flow diagram, with the map.
    beside = _drawn(flow, flow_note(edition), flow_key(edition))
    return _drawn(places, map_note(edition), phrases["map"]), [beside] if beside else [], undrawn


def _abroad(edition: Edition) -> bool:
    home = (edition.content.economy, UNKNOWN, OTHER)
    found = edition.content.destinations
    return bool(found.links) and any(share.key not in home for share in found.locations)


def _flow(edition: Edition) -> str | None:
    return flow_chart(edition) if edition.content.destinations.links else None


def _drawn(svg: str | None, alternative: str, note: str) -> dict[str, str] | None:
    return {"svg": svg, "alt": alternative, "note": note} if svg is not None else None


def _destinations(edition: Edition, *, paper: bool) -> dict[str, Any]:
    found, language = edition.content.destinations, edition.language
    if not found.links:
        return {}
    tables = (
        ("border", found.borders, edition.names.border),
        ("place", found.locations, edition.names.place),
        ("control", edition.controls(), edition.names.place),
    )
    # What stays, leaves and comes is told in a sentence; on paper two tables stand side by side.
    shown = [(name, shares[:_MOST_PLACES], named) for name, shares, named in tables[1:]] if paper else tables
    left_out = sum(len(shares) for _, shares, _ in tables[1:]) - sum(len(shares) for _, shares, _ in shown)
    return {
        "map_note": map_note(edition),
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
            for name, shares, named in shown
        ],
        "more": language.say("sentence", "left_out", count=left_out) if paper and left_out else "",
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
