"""economies.csv before its notes became columns."""

import re
from collections.abc import Mapping

ADDED: tuple[str, ...] = (
    "usable_as_weight",
    "disputed_factor",
    "internet_users_percent_other",
    "gdp_revision_percent",
)

_OTHER_SHARE = re.compile(r"has (\d+(?:\.\d+)?) % for the same year")
_REVISION = re.compile(r"PPP series .* stands (\d+(?:\.\d+)?) % above")


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with the columns of today, read from its note; empty where it said nothing."""
    note = row.get("note", "")
    other, revision = _OTHER_SHARE.search(note), _REVISION.search(note)
    return {
        **row,
        "usable_as_weight": "0" if "do not use as a weight" in note.lower() else "",
        "disputed_factor": "2" if "differ widely" in note else "",
        "internet_users_percent_other": other[1] if other else "",
        "gdp_revision_percent": revision[1] if revision else "",
    }
