"""access_laws.csv before `kind` and `reaches_content`: INT were treaties, EU the union, and words of `scope` told of content."""

from collections.abc import Mapping

from caudal.reference.older import recheck

ADDED: tuple[str, ...] = ("kind", "reaches_content", "recheck")
_KINDS = {"INT": "treaty", "EU": "union"}
# Words of a scope that reaches what was said or stored, and not only who spoke with whom.
_CONTENT = ("content", "any", "signals", "stored")


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of access_laws.csv with `kind` and `reaches_content`, as text."""
    return {
        **row,
        "kind": _KINDS.get(row["jurisdiction"], "national"),
        "reaches_content": "1" if any(word in row["scope"] for word in _CONTENT) else "0",
        "recheck": recheck(row),
    }
