"""The lines of the record of what was done."""

import polars as pl

from caudal.service.store.store import Store

COLUMNS = (
    "number",
    "time",
    "actor",
    "role",
    "credential",
    "deed",
    "subject",
    "outcome",
    "detail",
    "previous",
    "hash",
)
_SELECTED = f"SELECT {', '.join(COLUMNS)} FROM audit"


def newest_lines(store: Store, before: int | None, limit: int, deed: str | None = None) -> pl.DataFrame:
    """Return COLUMNS of lines, newest first, from before a number on; with `deed` of that kind only."""
    where, values = ["1"], {"limit": limit, "before": before or 0, "deed": deed or ""}
    if before is not None:
        where.append("number < {before:UInt64}")
    if deed is not None:
        where.append("deed = {deed:String}")
    return store.frame(
        f"{_SELECTED} WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT {{limit:UInt32}}", values
    )


def lines_from(store: Store, number: int, skipped: int, limit: int) -> pl.DataFrame:
    """Return COLUMNS of lines from a number on, by number and hash, without the first `skipped` of them."""
    return store.frame(
        f"{_SELECTED} WHERE number >= {{after:UInt64}} ORDER BY number, hash "
        "LIMIT {limit:UInt32} OFFSET {repeated:UInt32}",
        {"after": number, "limit": limit, "repeated": skipped},
    )


def newest_line(store: Store) -> tuple[int, str] | None:
    """Return number and hash of the newest line; None where there is none."""
    rows = store.frame("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
    return rows.row(0) if rows.height else None
