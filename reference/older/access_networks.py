"""Rows of access_networks.csv from before its columns said how a parent is known and why a country controls."""

from collections.abc import Mapping

from caudal.reference.older import recheck

ADDED: tuple[str, ...] = ("parent_basis", "control_rule", "recheck")

_FROM_MEMORY = "parent and control country from memory"
_LICENSED = "control taken as the licensing country"


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with today's columns, by what its source and note said; empty where they said nothing."""
    source, note = row.get("source", ""), row.get("note", "")
    return {
        **row,
        "parent_basis": "from_memory" if _FROM_MEMORY in source else "",
        "control_rule": "licence" if _LICENSED in note else "",
        "recheck": recheck(row),
    }
