"""A small world of facts for the tests of money: figures chosen so that sums can be done by hand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

Fact = dict[str, Any]

STATUS: Fact = {"source": "made for a test", "as_of": date(2026, 1, 1), "status": "verified", "note": ""}

SUBREGIONS = {
    "CL": "South America",
    "BR": "South America",
    "MX": "Central America",
    "US": "Northern America",
    "CA": "Northern America",
    "DE": "Western Europe",
    "TR": "Western Asia",
    "CN": "Eastern Asia",
    "IR": "Southern Asia",
    "NG": "Western Africa",
    "AQ": "Antarctica",
}


def table(*rows: Fact) -> pl.DataFrame:
    return pl.DataFrame([{**STATUS, **row} for row in rows], infer_schema_length=None)


def economy(country: str, users: int, product: float | None, **rest: Any) -> Fact:
    return {
        "country": country,
        "internet_users": users,
        "internet_users_percent": 80.0,
        "internet_year": 2024,
        "gdp_usd": None if product is None else product * 1e6,
        "gdp_year": 2024,
        "gdp_per_head_usd": product,
        "gdp_usd_2023": None if product is None else product * 1e6,
        "usable_as_weight": True,
        "disputed_factor": None,
        "internet_users_percent_other": None,
        "gdp_revision_percent": None,
        **rest,
    }


def revenue(platform: str, region: str, millions: float, year: int = 2026, **rest: Any) -> Fact:
    return {
        "platform_id": platform,
        "reporter": platform,
        "period": str(year),
        "period_end": date(year, 12, 31),
        "region": region,
        "metric": "revenue_usd_m",
        "offer": "",
        "sold_in": "",
        "usable_for_value": True,
        "rounded_to": 1.0,
        "audited": True,
        "value": float(millions),
        "basis": "user geography",
        "filing": "10-K",
        **rest,
    }


def region(
    name: str, *parts: str, without: tuple[str, ...] = (), of: str = "", seen: bool = True
) -> list[Fact]:
    """The rows of a region of filings."""
    taken = [(part, "in") for part in parts] + [(part, "out") for part in without]
    return [
        {"platform_id": of, "region": name, "part": part, "takes": takes, "seen": seen}
        for part, takes in taken
    ]


_EUROPE = ("Northern Europe", "Western Europe", "Southern Europe", "Eastern Europe")
_LATIN_AMERICA = ("South America", "Central America", "Caribbean")
REGIONS = (
    *region("LATAM", *_LATIN_AMERICA),
    *region("OUTSIDE_CHINA", "WORLD", without=("CN",)),
    *region("UK_EUROPE_LATAM", *_EUROPE, *_LATIN_AMERICA),
)


def platform(name: str, control: str = "US", category: str = "search_ads", parent: str = "") -> Fact:
    return {
        "platform_id": name,
        "parent": parent or name,
        "control_country": control,
        "category": category,
    }


def world(**files: Any) -> Mapping[str, pl.DataFrame]:
    """The facts of two countries of equal product, 25 and 100 users, and one platform; `files` replace some."""
    shipped = {
        "countries": table(
            *({"country": c, "region": r} for c, r in SUBREGIONS.items() if c in ("CL", "BR", "US"))
        ),
        "economies": table(economy("CL", 25, 10_000.0), economy("BR", 100, 10_000.0)),
        "filing_regions": table(*REGIONS),
        "platforms": table(platform("search")),
        "regional_revenue": table(revenue("search", "LATAM", 1000)),
    }
    return {**shipped, **files}
