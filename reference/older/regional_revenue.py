"""regional_revenue.csv before rounding, audit and use became columns."""

import re
from collections.abc import Mapping

ADDED: tuple[str, ...] = ("offer", "sold_in", "usable_for_value", "rounded_to", "audited")

_ROUNDED = re.compile(r"\b(rounded|press|unaudited)\b")
_UNAUDITED = re.compile(r"\b(press report|unaudited|press, rounded)\b")


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with the columns of today, read from its note, basis and filing; empty where they said nothing.

    A figure whose words call it rounded is rounded to the last digit that is not 0.
    """
    words = f"{row.get('basis', '')} {row.get('filing', '')} {row.get('note', '')}"
    step = ""
    if _ROUNDED.search(words):
        figure = f"{float(row['value']):.0f}"
        step = str(10 ** (len(figure) - len(figure.rstrip("0"))))
    return {
        **row,
        "offer": "",
        "sold_in": "",
        "usable_for_value": "0" if "do not use for data value" in row.get("note", "") else "",
        "rounded_to": step,
        "audited": "0" if _UNAUDITED.search(row.get("basis", "")) else "",
    }
