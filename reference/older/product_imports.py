"""product_imports.csv before `preferential_percent`: nothing was said of trade agreements."""

from collections.abc import Mapping

ADDED: tuple[str, ...] = ("preferential_percent",)


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of product_imports.csv with an empty `preferential_percent`: not known."""
    return {**row, "preferential_percent": ""}
