"""The map and the flow diagram in words, for those who cannot see them; where one is not drawn, why."""

from caudal.service.reports.content.destinations import OTHER, UNKNOWN
from caudal.service.reports.edition.edition import Edition

# Places that are named in words.
_MOST_NAMED = 3


def map_note(edition: Edition) -> str:
    """Return the words for what the map shows; where there is no map, why."""
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
    return f"{note} {_three_flows(edition)}".strip()


def flow_note(edition: Edition) -> str:
    """Return the words for what the flow diagram shows; where there is none, why."""
    if not is_flow_known(edition):
        unknown = sum(link.share for link in edition.content.destinations.links if link.location == UNKNOWN)
        return _why_none(edition, "no_flow", unknown)
    return f"{flow_key(edition)} {_three_flows(edition)}".strip()


def flow_key(edition: Edition) -> str:
    """Return the words on how the flow diagram is read."""
    return edition.language.say("document", "flow_note")


def _three_flows(edition: Edition) -> str:
    """Return the amounts that stay in the country, leave it and come into it, with intervals; '' without traffic."""
    shown = {
        share.key: edition.language.figure(share.value, share.low, share.high, "share").with_interval
        for share in edition.content.destinations.borders
    }
    if not shown:
        return ""
    return edition.language.say(
        "document", "three_flows", domestic=shown["domestic"], out=shown["out"], into=shown["in"]
    )


def is_flow_known(edition: Edition) -> bool:
    """Return True if of any traffic a place or a jurisdiction can be named: unknown and "other" alone say nothing."""
    return any(
        link.share > 0 and not {link.location, link.control} <= {UNKNOWN, OTHER}
        for link in edition.content.destinations.links
    )


def _why_none(edition: Edition, key: str, unknown: float) -> str:
    if not edition.content.destinations.links:
        return edition.language.say("document", "no_destinations")
    return edition.language.say("chart", key, unknown=edition.language.percent(unknown))
