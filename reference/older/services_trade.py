"""services_trade.csv before `imputed`: the note of a figure said that its source had likely filled a gap."""

from collections.abc import Mapping

ADDED: tuple[str, ...] = ("imputed",)
_IMPUTED = "likely imputed"


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of services_trade.csv with `imputed`, as text; empty where its note said nothing."""
    return {**row, "imputed": "1" if _IMPUTED in row.get("note", "") else ""}
