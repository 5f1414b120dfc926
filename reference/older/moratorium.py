"""moratorium.csv before `effect`: words of `what` told what an event did to the moratorium."""

from collections.abc import Mapping

ADDED: tuple[str, ...] = ("effect",)


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of moratorium.csv with `effect`, as text."""
    effect = ""
    if row["kind"] == "event":
        if "lapsed" in row["what"]:
            effect = "lapsed"
        elif "adopted" in row["what"] or "extended" in row["what"]:
            effect = "in_force"
    return {**row, "effect": effect}
