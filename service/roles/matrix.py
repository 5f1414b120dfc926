"""The table of who may ask for what, as documentation: made of the same tables that decide.

    python -m caudal.service.roles.matrix docs/api.md

writes it anew between the two markers of a page.
"""

import sys
from pathlib import Path

from caudal.service.roles.entrances import ENTRANCES
from caudal.service.roles.roles import MEANING, OF_OPERATORS, TABLE, Resource, Role

BEGIN = "<!-- roles: made by python -m caudal.service.roles.matrix -->"
END = "<!-- /roles -->"

# Of what a role may have, what it has of its own operators only.
_OF_ONES_OWN = frozenset(
    {Resource.exact, Resource.quality, Resource.batches, Resource.ingest, Resource.status}
)
_OF_ECONOMIES = frozenset({Resource.running, Resource.exact, Resource.publish})
_BOUND_TO_ECONOMIES = frozenset({Role.analyst, Role.publisher})


def cell(role: Role, resource: Resource) -> str:
    """Return the access of a role to a resource: all (●), of its own operators or of its economies, or nothing."""
    if resource not in TABLE[role]:
        return ""
    if role in OF_OPERATORS and resource in _OF_ONES_OWN:
        return "own"
    if role in _BOUND_TO_ECONOMIES and resource in _OF_ECONOMIES:
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


def with_matrix(page: str) -> str:
    """Return a page with the tables between its markers; raise ValueError where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}; put both where the tables are to be")
    return f"{before}{BEGIN}\n{matrix()}\n{END}{after}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_matrix(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
