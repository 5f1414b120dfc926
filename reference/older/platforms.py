"""Rows of platforms.csv from before a column said which must be checked again."""

from collections.abc import Mapping

from caudal.reference.older import recheck

ADDED: tuple[str, ...] = ("recheck",)


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with today's columns, by what its note said."""
    return {**row, "recheck": recheck(row)}
