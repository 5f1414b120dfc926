"""The flow diagram: what stays in the economy, leaves it and comes into it, by place and jurisdiction."""

from collections.abc import Sequence

from caudal.service.reports.charts import Band, Node, flow_drawing
from caudal.service.reports.charts.drawing import Drawing
from caudal.service.reports.charts.palette import COLOURS, COMMON_COLOUR, OTHER_COLOUR, UNKNOWN_COLOUR, WAYS
from caudal.service.reports.content.destinations import OTHER, UNKNOWN, Share
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.pictures.axis import bracketed
from caudal.service.reports.pictures.notes import flow_note, is_flow_known

# Nodes on one side, before the rest is put together.
_MOST_NODES = 7
# Below half of this a sum of links is the share that it is of, as far as anybody can read.
_SAME_SHARE = 1e-3


def flow_chart(edition: Edition) -> str | None:
    """Return the diagram of `flow_figure` as SVG; None where neither a place nor a jurisdiction is known."""
    drawing = flow_figure(edition)
    return drawing.svg(flow_note(edition)) if drawing is not None else None


def flow_figure(edition: Edition) -> Drawing | None:
    """Return the flow diagram: what stays in the economy, leaves it and comes into it, by place and jurisdiction.

    None where neither a place nor a jurisdiction is known.
    """
    if not is_flow_known(edition):
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
    return f"{text.value} {bracketed(text.interval)}"


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
