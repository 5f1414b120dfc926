"""Which rows of a file of facts hold on a day, and who belongs to a bloc by them."""

from datetime import date

import polars as pl


def holding(
    frame: pl.DataFrame, day: date, since: str = "valid_from", until: str = "valid_to"
) -> pl.DataFrame:
    """Return the rows that hold on `day`; a file without dates, and an empty date, bounds nothing."""
    rows = frame
    if since in rows.columns:
        rows = rows.filter(pl.col(since).is_null() | (pl.col(since).cast(pl.Date) <= day))
    if until in rows.columns:
        rows = rows.filter(pl.col(until).is_null() | (pl.col(until).cast(pl.Date) >= day))
    return rows


def members(groups: pl.DataFrame, group: str) -> frozenset[str]:
    """Return the members of a country group; nobody where the group, or the file, is not known."""
    if not {"group_id", "country"} <= set(groups.columns):
        return frozenset()
    return frozenset(groups.filter(pl.col("group_id") == group)["country"].to_list())
