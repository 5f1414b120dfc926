"""Rows of transit_asns.csv from before its columns said how the owner is known."""

from collections.abc import Mapping

from caudal.reference.older import recheck

ADDED: tuple[str, ...] = ("parent_basis", "recheck")

_FROM_MEMORY = "control country from memory"


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with today's columns, by what its source and note said; empty where they said nothing."""
    return {
        **row,
        "parent_basis": "from_memory" if _FROM_MEMORY in row.get("source", "") else "",
        "recheck": recheck(row),
    }
