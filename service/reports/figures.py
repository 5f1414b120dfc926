"""The charts of an edition: which values they show, and what they say to those who cannot see them."""

from collections.abc import Collection, Sequence
from functools import partial
from itertools import groupby

from caudal.service.reports.charts import (
    Band,
    Key,
    Mark,
    Node,
    Panel,
    flow_drawing,
    interval_drawing,
    map_drawing,
)
from caudal.service.reports.charts.drawing import Drawing
from caudal.service.reports.charts.palette import COLOURS, COMMON_COLOUR, OTHER_COLOUR, UNKNOWN_COLOUR, WAYS
from caudal.service.reports.charts.series import Step, series_chart
from caudal.service.reports.charts.worldmap import CLASSES
from caudal.service.reports.content import Group
from caudal.service.reports.destinations import OTHER, UNKNOWN, Share
from caudal.service.reports.edition import Edition, Line
from caudal.service.reports.history import Series
from caudal.service.reports.relevance import adds_up, ordered

# Rows of one indicator in a chart (fewer where they do not add up), and nodes on one side of the flow diagram, before the
# rest is left out or put together.
_MOST_ROWS, _MOST_ROWS_APART = 4, 3
_MOST_NODES = 7
_MOST_NAMED = 3
# Below half of this a sum of links is the share that it is of, as far as anybody can read.
_SAME_SHARE = 1e-3
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
        (interval_drawing([panel], None if position else key_of(edition)).svg(words), words)
        for position, panel in enumerate(group_panels(edition, group))
        for words in (_in_words(panel),)
    ]


def _in_words(panel: Panel) -> str:
    return f"{panel.title}: " + "; ".join(f"{mark.label} {mark.written}" for mark in panel.marks)


def group_figure(edition: Edition, group: Group, only: Collection[str] = ()) -> Drawing | None:
    """Return the drawing of `group_panels`; None where there is no value."""
    panels = group_panels(edition, group, only)
    return interval_drawing(panels, key_of(edition)) if panels else None


def group_panels(edition: Edition, group: Group, only: Collection[str] = ()) -> list[Panel]:
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


def key_of(edition: Edition) -> Key:
    """Return what the signs of an interval chart are, in words."""
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
                written=f"{written.bare}{sign} {_bracketed(written.interval)}",
                before=before * scale if before is not None else None,
            )
        )
    title = f"{definition.id} {definition.title[language.code]} ({unit})" if alone else unit
    bound = scale if definition.range[1] == 1.0 else None
    return Panel(title, tuple(marks), partial(_tick, edition, sign), bound)


def _bracketed(interval: str) -> str:
    """Return an interval in brackets that stays in one line."""
    return f"[{interval}]".replace(" ", "\u00a0")


def _tick(edition: Edition, sign: str, number: float) -> str:
    decimals = next(
        (d for d in range(9) if abs(round(number, d) - number) <= 1e-9 * max(1.0, abs(number))), 9
    )
    return edition.language.number(number, decimals) + sign


def destination_map(edition: Edition) -> str | None:
    """Return the map of `map_figure` as SVG; None where no place is known."""
    drawing = map_figure(edition)
    return drawing.svg(map_note(edition)) if drawing is not None else None


def map_figure(edition: Edition) -> Drawing | None:
    """Return the map of where the far ends are; None where no place is known."""
    known = [share for share in edition.content.destinations.locations if share.key not in (UNKNOWN, OTHER)]
    if not any(share.value > 0 for share in known):
        return None
    language = edition.language
    names = {}
    for share in known:
        text = language.figure(share.value, share.low, share.high, "share")
        names[share.key] = f"{edition.names.place(share.key)} {text.value} {_bracketed(text.interval)}"
    return map_drawing(
        {share.key: share.value for share in known},
        edition.content.economy,
        [language.percent(bound) for bound in CLASSES],
        names,
        language.say("chart", "measured"),
    )


def map_note(edition: Edition) -> str:
    """Return what the map shows, in words; where there is none, why."""
    known = [s for s in edition.content.destinations.locations if s.key not in (UNKNOWN, OTHER)]
    unknown = next((s.value for s in edition.content.destinations.locations if s.key == UNKNOWN), 0.0)
    if not any(share.value > 0 for share in known):
        return _why_none(edition, "no_map", unknown)
    top = tuple(
        f"{edition.names.place(s.key)} {edition.language.percent(s.value)}" for s in known[:_MOST_NAMED]
    )
    note = edition.language.say(
        "document", "map_note", top=edition.language.listed(top), unknown=edition.language.percent(unknown)
    )
    return f"{note} {three_flows(edition)}".strip()


def flow_chart(edition: Edition) -> str | None:
    """Return the diagram of `flow_figure` as SVG; None where neither a place nor a jurisdiction is known."""
    drawing = flow_figure(edition)
    return drawing.svg(flow_note(edition)) if drawing is not None else None


def flow_figure(edition: Edition) -> Drawing | None:
    """Return the flow diagram: what stays in the economy, leaves it and comes into it, by place and jurisdiction.

    None where neither a place nor a jurisdiction is known.
    """
    if not _is_flow_known(edition):
        return None
    links, crossings = edition.content.destinations.links, edition.content.destinations.crossings
    found = edition.content.destinations
    left = _nodes(edition, [(link.location, link.share) for link in links], found.locations)
    right = _nodes(edition, [(link.control, link.share) for link in links], edition.controls())
    keys_left, keys_right = {node.key for node in left}, {node.key for node in right}
    bands: dict[tuple[str, str], float] = {}
    for link in links:
        pair = (
            link.location if link.location in keys_left else OTHER,
            link.control if link.control in keys_right else OTHER,
        )
        bands[pair] = bands.get(pair, 0.0) + link.share
    first: dict[tuple[str, str], float] = {}
    for each in crossings:
        way = (each.border, each.location if each.location in keys_left else OTHER)
        first[way] = first.get(way, 0.0) + each.share
    # What is too little in one direction is not always too little in both.
    known = {key: share for key, share in first.items() if key[1] in keys_left}
    parts = [
        Node(each.key, edition.names.border(each.key), _figure(edition, each.value, each), colour)
        for each, colour in zip(edition.content.destinations.borders, WAYS, strict=False)
    ]
    heads = (edition.language.say("label", "place"), edition.language.say("label", "control"))
    return flow_drawing(
        edition.economy,
        parts,
        left,
        right,
        [Band(*way, share) for way, share in known.items()],
        [Band(*pair, share) for pair, share in bands.items()],
        heads,
    )


def flow_note(edition: Edition) -> str:
    """Return what the flow diagram shows, in words; where there is none, why."""
    if not _is_flow_known(edition):
        unknown = sum(link.share for link in edition.content.destinations.links if link.location == UNKNOWN)
        return _why_none(edition, "no_flow", unknown)
    return f"{flow_key(edition)} {three_flows(edition)}".strip()


def flow_key(edition: Edition) -> str:
    """Return how the flow diagram is read."""
    return edition.language.say("document", "flow_note")


def three_flows(edition: Edition) -> str:
    """Return how much stays in the country, leaves it and comes into it, with intervals; '' without traffic."""
    shown = {
        share.key: f"{text.value} ({text.interval})"
        for share in edition.content.destinations.borders
        for text in (edition.language.figure(share.value, share.low, share.high, "share"),)
    }
    if not shown:
        return ""
    return edition.language.say(
        "document", "three_flows", domestic=shown["domestic"], out=shown["out"], into=shown["in"]
    )


def _is_flow_known(edition: Edition) -> bool:
    """Return whether of any traffic a place or a jurisdiction can be named: unknown and "other" alone say nothing."""
    return any(
        link.share > 0 and not {link.location, link.control} <= {UNKNOWN, OTHER}
        for link in edition.content.destinations.links
    )


def _why_none(edition: Edition, key: str, unknown: float) -> str:
    if not edition.content.destinations.links:
        return edition.language.say("document", "no_destinations")
    return edition.language.say("chart", key, unknown=edition.language.percent(unknown))


def _nodes(edition: Edition, shares: list[tuple[str, float]], found: Sequence[Share]) -> list[Node]:
    sums: dict[str, float] = {}
    for key, share in shares:
        sums[key] = sums.get(key, 0.0) + share
    known = {share.key: share for share in found}
    named = sorted((key for key in sums if key not in (UNKNOWN, OTHER)), key=lambda key: (-sums[key], key))
    kept = named[:_MOST_NODES]
    rest = sum(sums[key] for key in named[_MOST_NODES:]) + sums.get(OTHER, 0.0)
    colours = _colours(edition)

    def node(key: str, share: float, colour: str, *, dashed: bool = False) -> Node:
        # A sum of several has no interval of its own.
        alone = known.get(key) if key in sums and key != OTHER else None
        return Node(key, edition.names.place(key), _figure(edition, share, alone), colour, dashed)

    nodes = [node(key, sums[key], colours.get(key, COMMON_COLOUR)) for key in kept]
    if rest > 0:
        nodes.append(node(OTHER, rest, OTHER_COLOUR))
    if sums.get(UNKNOWN):
        nodes.append(node(UNKNOWN, sums[UNKNOWN], UNKNOWN_COLOUR, dashed=True))
    return nodes


def _figure(edition: Edition, share: float, known: Share | None) -> str:
    """Return a share as a node shows it: with its interval where it is all of a share that has one."""
    if known is None or abs(known.value - share) >= _SAME_SHARE / 2:
        return edition.language.percent(share)
    text = edition.language.figure(known.value, known.low, known.high, "share")
    return f"{text.value} {_bracketed(text.interval)}"


def _colours(edition: Edition) -> dict[str, str]:
    """Return a colour for the largest countries, the same on both sides; the economy has the first."""
    sums: dict[str, float] = {}
    for link in edition.content.destinations.links:
        for key in (link.location, link.control):
            sums[key] = sums.get(key, 0.0) + link.share
    ranked = sorted(
        (k for k in sums if k not in (UNKNOWN, OTHER, edition.content.economy)), key=lambda k: -sums[k]
    )
    order = [edition.content.economy, *ranked]
    return dict(zip(order, COLOURS, strict=False))


def history_chart(edition: Edition, group: Group) -> str | None:
    """Return the line of a group's headline over the months; None with fewer than two months of values.

    It is the value of the finding where that has a history, else the first that has one.
    """
    held = [each for each in edition.content.history if each.group == group.name and len(each.valued) > 1]
    said = next((each for each in edition.headlines() if each.group == group.name), None)
    if said is not None:
        held.sort(key=lambda each: (each.indicator, each.dimension) != (said.indicator, said.dimension))
    if not held:
        return None
    series, language = held[0], edition.language
    line = next(
        line
        for line in edition.lines(group)
        if (line.definition.id, line.observation.dimension) == (series.indicator, series.dimension)
    )
    limits = [abs(n) for each in series.valued for n in (each.value, each.low, each.high) if n is not None]
    scale, suffix = language.scale(series.unit, max(limits))
    sign = suffix if series.unit == "share" else ""
    # A share has its sign on the axis, and an index or a number is told by its name.
    unit = suffix.strip() if not sign else ""
    steps = [
        Step(
            language.month_short(each.month),
            each.month[:4],
            each.value * scale if each.value is not None else None,
            (each.low or 0.0) * scale,
            (each.high or 0.0) * scale,
            each.method_version,
        )
        for each in series.points
    ]
    bound = scale if line.definition.range[1] == 1.0 else None
    return series_chart(
        f"{line.definition.id} {edition.names.measure(line.definition, series.dimension)}"
        + (f" ({unit})" if unit else ""),
        steps,
        partial(_tick, edition, sign),
        (line.value, line.interval),
        language.say("history", "other_method"),
        history_note(edition, group, series),
        bound,
    )


def history_note(edition: Edition, group: Group, series: Series) -> str:
    """Return what the line of a series shows, in words: its first and last value, the lowest and the highest."""
    definition = next(d for d, _ in group.readings() if d.id == series.indicator)
    valued = series.valued
    told = {
        name: (
            edition.language.month(each.month),
            edition.figure(definition, each.value, each.low, each.high),
        )
        for name, each in (
            ("first", valued[0]),
            ("last", valued[-1]),
            ("least", min(valued, key=lambda each: each.value or 0.0)),
            ("most", max(valued, key=lambda each: each.value or 0.0)),
        )
    }
    return edition.language.say(
        "history",
        "note",
        title=edition.names.measure(definition, series.dimension),
        months=edition.language.number(len(valued)),
        **{f"{name}_month": month for name, (month, _) in told.items()},
        **{name: text for name, (_, text) in told.items()},
    )
