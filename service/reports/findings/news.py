"""News: the few changes since another month that are told, in sentences."""

from collections.abc import Iterator
from dataclasses import dataclass

from caudal.service.reports.content import Group
from caudal.service.reports.content.change import (
    Change,
    Since,
    Trend,
    noticeable,
    relative_size,
    same_networks,
)
from caudal.service.reports.findings.findings import Findings
from caudal.service.reports.findings.line import Line
from caudal.service.reports.findings.telling import metered, silence

# News of a whole report: more would not be read, and all of them are in the data.
MOST = 5
_SINCE: tuple[Since, ...] = ("month_before", "year_before")
# What such figures mean is said beside each; two of them beside each other say nothing to most readers.
_MEANINGLESS_ALONE = frozenset({"index", "score"})


@dataclass(frozen=True)
class News:
    """A change that is told: of the line that stands for an indicator, `leads` where its group's finding is of it."""

    group: str
    line: Line
    change: Change
    leads: bool


def news(findings: Findings) -> list[News]:
    """Return the changes of a report that are told, the most important first, no more than MOST.

    Told is what lies beyond the two intervals and is more than a reader would round away, of lines that stand for their
    indicator and are told themselves in both months, measured on the same networks. Those that the groups' findings are of come
    first, in their order, then the largest beside their intervals. A change since the month before goes before the same
    since last year.
    """
    found = [each for group in findings.names.content.groups for each in _of_group(findings, group)]
    places = {group.name: at for at, group in enumerate(findings.names.content.groups)}
    found.sort(
        key=lambda each: (
            (0, places[each.group], 0.0)
            if each.leads
            else (1, 0, -relative_size(each.change, each.line.observation))
        )
    )
    return found[:MOST]


def sentences(findings: Findings, told: list[News]) -> list[str]:
    """Return news in words; where there is none, that, for each month that the report is compared with."""
    return [_sentence(findings, each) for each in told] or _nothing(findings)


def _of_group(findings: Findings, group: Group) -> Iterator[News]:
    finding = findings.of(group)
    for entry in group.entries:
        if not entry.readings:
            continue
        line = findings.relevant(entry)
        change = next((each for since in _SINCE for each in _told(line, since)), None)
        if change is not None:
            leads = finding.told and finding.indicator == entry.definition.id
            yield News(group.name, line, change, leads and finding.dimension == line.observation.dimension)


def _told(line: Line, since: Since) -> list[Change]:
    return [each for each in line.reading.told if each.since == since and _is_news(line, each)]


def _is_news(line: Line, change: Change) -> bool:
    definition, now, before = line.definition, line.observation, change.before
    if definition.unit in _MEANINGLESS_ALONE or silence(definition, now) or silence(definition, before):
        return False
    if metered(definition, now) and not same_networks(now.coverage, before.coverage):
        return False
    assert now.value is not None and before.value is not None
    return noticeable(now.value, before.value, hundredths=definition.unit == "share")


def _sentence(findings: Findings, told: News) -> str:
    line, before = told.line, told.change.before
    language, definition = findings.names.language, line.definition
    assert line.observation.value is not None and before.value is not None
    low, high = sorted((line.observation.value, before.value))
    # Both at once, so that they are rounded alike.
    both = language.figure(line.observation.value, low, high, definition.unit)
    rose = told.change.trend is Trend.ROSE
    base = f" {findings.sentences.base(line)}" if definition.unit == "share" else ""
    text = language.say(
        "sentence",
        "rose" if rose else "fell",
        title=line.title,
        of=f" ({line.of})" if line.of else "",
        before=both.named(both.low if rose else both.high),
        month=language.month(told.change.month),
        value=both.value + base.rstrip(),
    )
    return f"{text}."


def _nothing(findings: Findings) -> list[str]:
    language, compared = findings.names.language, findings.names.content.compared
    texts = []
    for since in _SINCE:
        month, suffix = compared.get(since), since.partition("_")[0]
        if month is None:
            texts.append(language.say("sentence", f"no_{suffix}"))
        else:
            texts.append(language.say("sentence", f"no_change_{suffix}", month=language.month(month)))
    return texts
