"""Rows of platform_domains.csv from before its columns said which names are a carrier's."""

from collections.abc import Mapping

ADDED: tuple[str, ...] = ("carrier", "embeds")

_CARRIER, _EMBEDS = "carrier", "strip this suffix and look up the rest"


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with today's columns, by the parts of its note."""
    note = row.get("note", "")
    return {
        **row,
        "carrier": "1" if any(part.startswith(_CARRIER) for part in note.split("; ")) else "",
        "embeds": "1" if _EMBEDS in note else "",
    }
