"""adequacy.csv before `covers`: what stood in the place of a country was told by words of its scope."""

from collections.abc import Mapping

ADDED: tuple[str, ...] = ("covers",)
_ORGANISATION = "international organisation"
_ANY = "*"


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of adequacy.csv with `covers`, as text."""
    if row["country"] != _ANY:
        covers = "country"
    else:
        covers = "organisation" if row.get("scope") == _ORGANISATION else "rest"
    return {**row, "covers": covers}
