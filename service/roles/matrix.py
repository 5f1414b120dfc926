"""The tables of roles, as documentation: made of the same declarations that decide.

    python -m caudal.service.roles.matrix docs/api.md docs/deploy.md

writes anew what stands between markers of a page: who may ask for what, and what each role is for.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from caudal.service.roles.entrances import ENTRANCES
from caudal.service.roles.roles import MEANING, OF_KEYS, OF_OPERATORS, RULES, TABLE, Resource, Role

# Of what a role may have, what it has of its own operators only.
_OF_ONES_OWN = frozenset(
    {Resource.exact, Resource.quality, Resource.batches, Resource.ingest, Resource.status}
)
_OF_ECONOMIES = frozenset({Resource.running, Resource.exact, Resource.publish})
# What the keys of a role are bound to, by how it is bound to operators, then to economies.
_BOUND = {"some": "operators", "one": "its operator"}
_BOUND_TO_ECONOMIES = {"must": "economies", "may": "economies, or none", "none": "–"}


def cell(role: Role, resource: Resource) -> str:
    """Return the access of a role to a resource: all (●), of its own operators or of its economies, or nothing."""
    if resource not in TABLE[role]:
        return ""
    if role in OF_OPERATORS and resource in _OF_ONES_OWN:
        return "own"
    if RULES[role].economies != "none" and resource in _OF_ECONOMIES:
        return "economies"
    return "●"


def matrix() -> str:
    """Return both tables in Markdown: role × resource, and which route asks for which resource."""
    lines = [f"| | {' | '.join(Role)} |", f"|---|{'---|' * len(Role)}"]
    for resource in Resource:
        cells = " | ".join(cell(role, resource) for role in Role)
        lines.append(f"| **{resource}**: {MEANING[resource]} | {cells} |")
    lines += ["", "| route | asks for |", "|---|---|"]
    lines += [f"| `{each.method} {each.path}` | {each.resource} |" for each in ENTRANCES]
    return "\n".join(lines)


def roles() -> str:
    """Return the table of the roles of keys in Markdown: what each is for, and what its keys are bound to."""
    lines = ["| role | for | bound to |", "|---|---|---|"]
    for role in OF_KEYS:
        rule = RULES[role]
        bound = _BOUND.get(rule.operators) or _BOUND_TO_ECONOMIES[rule.economies]
        lines.append(f"| {role} | {rule.meant_for} | {bound} |")
    return "\n".join(lines)


# What can stand in a page, by the name in its markers.
_TABLES: Mapping[str, Callable[[], str]] = {"roles": matrix, "keys": roles}


def with_tables(page: str) -> str:
    """Return a page with each table between its markers; raise ValueError where it has the markers of none."""
    found = False
    for name, table in _TABLES.items():
        begin, end = f"<!-- {name}: made by python -m caudal.service.roles.matrix -->", f"<!-- /{name} -->"
        before, opened, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if opened and closed:
            page, found = f"{before}{begin}\n{table()}\n{end}{after}", True
    if not found:
        raise ValueError(
            "the page has no table of roles: put <!-- roles: made by python -m caudal.service.roles.matrix --> and "
            "<!-- /roles --> where it is to be"
        )
    return page


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_tables(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
