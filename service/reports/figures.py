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
from caudal.service.reports.charts.worldmap import CLASSES
from caudal.service.reports.content import Group
from caudal.service.reports.destinations import OTHER, UNKNOWN, Share
from caudal.service.reports.edition import Edition, Line

# Rows of one indicator in a chart (fewer where they do not add up), and nodes on one side of the flow diagram, before the
# rest is left out or put together.
_MOST_ROWS, _MOST_ROWS_APART = 4, 3
_MOST_NODES = 7
_MOST_NAMED = 3
# Below half of this a sum of links is the share that it is of, as far as anybody can read.
_SAME_SHARE = 1e-3
# The indicator whose values are the shares of jurisdictions.
_CONTROL = "J4"
# Units on one axis for several indicators.
_COMPARABLE = frozenset({"share", "index", "score"})
# Units and groups of indicators whose parts do not add up.
_NO_SUMS = frozenset({"index", "USD/GB", "concentration", "dependency"})


def group_chart(edition: Edition, group: Group) -> str | None:
    """Return the chart of `group_figure` as SVG; None where there is no value."""
    drawing = group_figure(edition, group)
    return drawing.svg(edition.finding(group)) if drawing is not None else None


def group_figure(edition: Edition, group: Group, only: Collection[str] = ()) -> Drawing | None:
    """Return the values of a group, or of `only` these indicators of it, with their intervals, a panel per unit.

    None where there is no value.
    """
    lines = [
        line
        for line in edition.lines(group)
        if line.observation.value is not None and (not only or line.definition.id in only)
    ]
    shown: list[Line] = []
    for _, own in groupby(lines, key=lambda line: line.definition.id):
        shown.extend(_most_telling(list(own)))
    panels: list[Panel] = []
    units = dict.fromkeys(line.definition.unit for line in shown)
    for unit in units:
        of_unit = [line for line in shown if line.definition.unit == unit]
        # Amounts of one unit can be orders of magnitude apart: an axis for each indicator.
        parts = [of_unit] if unit in _COMPARABLE else _by_indicator(of_unit)
        panels.extend(_panel(edition, part) for part in parts)
    if not panels:
        return None
    return interval_drawing(panels, key_of(edition))


def key_of(edition: Edition) -> Key:
    """Return what the signs of an interval chart are, in words."""
    say, before = edition.language.say, edition.content.compared.get("month_before")
    return Key(
        say("chart", "value"),
        say("chart", "interval"),
        say("chart", "before", month=edition.language.month(before)) if before is not None else "",
    )


def _most_telling(lines: list[Line]) -> list[Line]:
    """Return the first line of an indicator, which sums it up, and the weightiest of the others, in their order.

    The weightiest is the largest where parts add up to something. Where they do not, a part with hardly any traffic
    often has the most extreme value: there it is the part with the most flow records.
    """
    by_traffic = lines[0].definition.unit in _NO_SUMS or lines[0].definition.group in _NO_SUMS
    weights = {id(line): _weight(line, by_traffic=by_traffic) for line in lines}
    most = _MOST_ROWS_APART if by_traffic else _MOST_ROWS
    kept = sorted(lines[1:], key=lambda line: weights[id(line)])[: most - 1]
    return [line for line in lines if line is lines[0] or any(line is each for each in kept)]


def _weight(line: Line, *, by_traffic: bool) -> tuple[bool, float]:
    # A share of the whole comes before one within a function.
    within = by_traffic and "-" in (line.observation.dimension or "")
    return within, -float(line.observation.flows if by_traffic else abs(line.observation.value or 0.0))


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
    unit = suffix.strip() if suffix and not sign else edition.unit(definition)
    marks, whole = [], language.say("label", "whole")
    for line in lines:
        observation = line.observation
        assert observation.value is not None and observation.low is not None and observation.high is not None
        before = next((c.before.value for c in line.reading.changes if c.since == "month_before"), None)
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
                written=f"{line.value.removesuffix(suffix)}{sign} {_bracketed(line.interval)}",
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
    right = _nodes(edition, [(link.control, link.share) for link in links], _controls(edition))
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
    return f"{edition.language.say('document', 'flow_note')} {three_flows(edition)}".strip()


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


def _controls(edition: Edition) -> list[Share]:
    """Return the shares of jurisdictions, with the interval of the indicator where it is of the same share.

    The indicator's holds the errors of the sources as well: one value has one interval in a report.
    """
    entry = edition.content.entry(_CONTROL)
    told = {each.observation.dimension: each.observation for each in entry.readings} if entry else {}
    shares = []
    for share in edition.content.destinations.controls:
        seen = told.get(share.key)
        if (
            seen is not None
            and seen.value is not None
            and seen.low is not None
            and seen.high is not None
            and abs(seen.value - share.value) < _SAME_SHARE / 2
        ):
            shares.append(Share(share.key, share.value, seen.low, seen.high))
        else:
            shares.append(share)
    return shares


def _is_flow_known(edition: Edition) -> bool:
    """Return whether of any traffic the place or the jurisdiction is known, be it too little to be shown by itself."""
    return any(
        link.share > 0 and (link.location, link.control) != (UNKNOWN, UNKNOWN)
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
