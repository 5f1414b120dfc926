"""tariff_lines.csv before it was reviewed: every line that was not known to be off the UN's list was taken."""

from collections.abc import Mapping

ADDED: tuple[str, ...] = ("keep", "apart", "why", "information_technology_agreement")


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of tariff_lines.csv with the columns of the review, as text; none was apart."""
    keep = "0" if row["in_un_list_of_49"] == "no" else "1"
    return {**row, "keep": keep, "apart": "0", "why": "", "information_technology_agreement": ""}
