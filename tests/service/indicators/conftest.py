"""Flow cells and contexts for the tests of the indicators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from caudal.service.indicators import Context, Observation

Row = dict[str, Any]

PLATFORMS = {
    # platform: category, stage, control
    "search": ("search_ads", 4, "US"),
    "films": ("video_streaming", 4, "US"),
    "cache": ("cdn", 3, "US"),
    "shorts": ("social", 4, "CN"),
    "shop": ("marketplace", 4, "XA"),
    "sensors": ("telemetry", 1, "BR"),
    "meter": ("audience_measurement", 4, "US"),
}

CATEGORIES = pl.DataFrame(
    [
        # category, function, observes, video
        ("search_ads", "finds_answers", True, False),
        ("video_streaming", "carries_video", False, True),
        ("cdn", "carries_for_others", False, False),
        ("social", "hosts_expression", True, False),
        ("marketplace", "sells", False, False),
        ("telemetry", "computes_and_stores", False, False),
        ("audience_measurement", "observes_people", True, False),
        ("research_network", "connects", False, False),
    ],
    schema=["category", "function", "observes", "video"],
    orient="row",
)

BLANK: Row = {
    "operator": "net",
    "direction": "in",
    "remote_asn": 0,
    "remote_country": "ZZ",
    "location_rung": "unknown",
    "folded": False,
    "sampling_from": "options",
    "exchange": False,
    "platform": "",
    "platform_name": "",
    "category": "",
    "tier": "",
    "stage": 0,
    "network_kind": "",
    "control": "",
    "interpretation_status": "",
    "bytes": 0,
    "packets": 0,
    "flows": 1000,
    "bytes_variance": 0.0,
}


@dataclass(frozen=True)
class Country:
    country: str = "XA"
    internet_users: int | None = 1_000_000
    status: str = "verified"


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    schema = {name: pl.Float64 if name == "bytes_variance" else None for name in BLANK}
    return pl.DataFrame([{**BLANK, **row} for row in rows], schema=schema, infer_schema_length=None)


@pytest.fixture(scope="session")
def cell() -> Callable[..., Row]:
    """One row; `platform` brings its category, stage and control with it."""

    def make(
        bytes_: int, country: str = "ZZ", rung: str = "database", platform: str = "", **rest: Any
    ) -> Row:
        row: Row = {"bytes": bytes_, "remote_country": country, "location_rung": rung, "platform": platform}
        if platform:
            category, stage, control = PLATFORMS[platform]
            row |= {"category": category, "stage": stage, "control": control, "network_kind": "platform"}
        return {**row, **rest}

    return make


@pytest.fixture(scope="session")
def cells() -> Callable[[Sequence[Row]], pl.DataFrame]:
    return frame


@pytest.fixture(scope="session")
def accuracy() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "truth": ["cloud_region_truth"] * 3,
            "group": ["aws all", "non-US regions", "LatAm regions BR CL CO MX"],
            "usable": [False, True, True],
            "countries": ["", "", "BR CL CO MX"],
            "excepted": ["", "US", ""],
            "sampled_ips": [3000, 3000, 3000],
            "geo_whois_asn_country_2026_06": [0.846, 0.815, 0.773],
        }
    )


@pytest.fixture(scope="session")
def context(accuracy: pl.DataFrame) -> Callable[..., Context]:
    def make(economy: Country | None = None, **rest: Any) -> Context:
        fields: dict[str, Any] = {
            "economy": economy or Country(),
            "month": "2026-09",
            "region_members": frozenset({"BR", "CL", "CO", "MX", "XA"}),
            "region_group": "CELAC",
            "coverage": 0.4,
            "covered_users": 400_000.0,
            "accuracy": accuracy,
            "days_in_month": 30,
        }
        known = {**fields, **rest}
        return Context(**{**known, "facts": {"categories": CATEGORIES, **known.get("facts", {})}})

    return make


@pytest.fixture(scope="session")
def country() -> type[Country]:
    return Country


@pytest.fixture(scope="session")
def only() -> Callable[[list[Observation]], Observation]:
    def take(observations: list[Observation]) -> Observation:
        (observation,) = observations
        return observation

    return take


@pytest.fixture(scope="session")
def whole() -> Callable[[list[Observation]], Observation]:
    """The observation of everything together, beside those of its parts: the one without a dimension."""

    def take(observations: list[Observation]) -> Observation:
        (observation,) = (each for each in observations if each.dimension is None)
        return observation

    return take


@pytest.fixture(scope="session")
def table() -> Callable[..., pl.DataFrame]:
    """A file of facts from its columns, separated by spaces, and its rows."""

    def make(columns: str, *rows: Sequence[Any]) -> pl.DataFrame:
        return pl.DataFrame(list(rows), schema=columns.split(), orient="row", infer_schema_length=None)

    return make


@pytest.fixture(scope="session")
def companies(table: Callable[..., pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Who owns and hosts: a platform under dual control, a split company, a tenant on a cloud, a carrier.

    shorts is incorporated in KY and run from CN; its part in the US is a company of its own. tenant is of UY,
    incorporated in the US, and runs on the cloud's network 16509. Network 3356 is a carrier of the US,
    64500 an access network of XA whose parent is Mexican.
    """
    return {
        "platforms": table(
            "platform_id parent incorporation_country hq_country control_country",
            ("shorts", "ByteDance Ltd.", "KY", "CN", "CN"),
            ("shorts_us", "TikTok USDS Joint Venture LLC", "US", "US", "US"),
            ("tenant", "MercadoLibre, Inc.", "US", "UY", "UY"),
            ("cloud", "Amazon.com, Inc.", "US", "US", "US"),
            ("retail", "Amazon.com, Inc.", "US", "US", "US"),
            ("shop", "Tienda S.A.", "XA", "XA", "XA"),
        ),
        "platform_asns": table("asn platform_id", (16509, "cloud"), (138699, "shorts")),
        "access_networks": table(
            "country asn parent control_country ipv4_addresses",
            ("XA", 64500, "América Móvil", "MX", 3000),
            ("XA", 64501, "Red Nacional", "XA", 1000),
        ),
        "transit_asns": table("asn operator control_country", (3356, "Lumen", "US")),
    }
