"""The inputs beside traffic that anybody can have for nothing, or that operators have themselves; made up."""

import csv
from pathlib import Path

import polars as pl

from caudal.reference import Reference
from caudal.reference.files.catalogue import SERVICES_TRADE
from caudal.service.answerability.fulltraffic import FLOWS_A_CELL, OPERATOR
from caudal.service.indicators.facts.paths import PATHS
from caudal.service.indicators.facts.routing import ROUTES

VIEWPOINTS = 12
_BATIS_YEARS = 5
# Services delivered digitally, charges for intellectual property, telecommunications and computer services.
_ITEMS = ("DDS", "SH", "SI")
_MADE_UP = {"source": "made up in place of OECD-WTO BaTIS", "status": "synthetic"}


def routes(reference: Reference, economy: str) -> pl.DataFrame:
    """Return made-up routes to every listed access network of an economy, as of a RIB dump (see `routing.py`)."""
    transit = reference.facts("transit_asns")["asn"].to_list()
    listed = reference.facts("access_networks").filter(pl.col("country") == economy)
    # Viewpoints have private numbers, so that none of them is a network on the way.
    rows = [
        (64512 + at, int(origin), [64512 + at, int(transit[at % len(transit)]), int(origin)], 1e4)
        for at in range(VIEWPOINTS)
        for origin in listed["asn"]
        if origin not in transit
    ]
    return pl.DataFrame(rows, schema=ROUTES, orient="row")


def trade_overlay(reference: Reference, directory: Path) -> Path:
    """Write made-up trade in services into an overlay for what the facts lack and BaTIS has; return the overlay."""
    known = set(reference.facts(SERVICES_TRADE.name).select("country", "item", "flow").unique().iter_rows())
    last = reference.day.year - 2
    with (directory / SERVICES_TRADE.filename).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["country", "year", "flow", "item", "value_usd_m", *_MADE_UP, "as_of"])
        rows.writerows(
            [country, year, flow, item, 100, *_MADE_UP.values(), reference.day]
            for country in reference.economies["country"]
            for item in _ITEMS
            for flow in ("export", "import")
            for year in range(last - _BATIS_YEARS + 1, last + 1)
            if (country, item, flow) not in known
        )
    return directory


def neighbours(reference: Reference, economy: str) -> pl.DataFrame | None:
    """Return made-up flows of the other members of the region (see `region_flows`); None where it has none."""
    group = reference.economy(economy).region_group
    others = sorted(reference.group(group) - {economy}) if group else []
    rows = [
        (other, OPERATOR, place, 1e12, 0.0, FLOWS_A_CELL) for other in others for place in (economy, "US")
    ]
    names = ("economy", "operator", "remote_country", "bytes", "bytes_variance", "flows")
    return pl.DataFrame(rows, schema=names, orient="row") if rows else None


def paths(facts: pl.DataFrame) -> pl.DataFrame:
    """Return a made-up path to every far end of some facts (see `paths.py`): by way of the United States."""
    far_ends = facts.select("remote_asn", "remote_country").unique(maintain_order=True)
    return far_ends.select(
        pl.col("remote_asn").cast(pl.Int64),
        "remote_country",
        pl.lit("US").alias("countries"),
        pl.lit("3356").alias("as_path"),
        pl.lit(1.0).alias("share"),
    ).cast(dict(PATHS))  # type: ignore[arg-type]
