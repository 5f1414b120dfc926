"""A month of an economy's traffic in which nothing is missing, made up: it shows what the facts can answer.

Nothing here was metered, and no amount means anything. Every platform of the reference is exchanged with, told by its
name and on a network of its own where it has one; a part of each lies at home, a part in the region, the rest
where it is controlled from. The access networks of the economy and of its neighbours, and carriers, are there too.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from caudal.reference import Reference

OPERATOR = "made_up_operator"
FLOWS_A_CELL = 50_000
# Of what a far end exchanges: where it lies, and which rung of the ladder would say so.
_AT_HOME, _IN_REGION, _ELSEWHERE = 0.3, 0.2, 0.5
# Bytes out for each byte in, and bytes of a packet, out and in.
_UPLOAD = 0.1
_PACKET_BYTES = {"out": 200.0, "in": 1_200.0}
_GREATEST = 1e15
_CARRIED = 1e12
_NEIGHBOURS = 40

_SCHEMA = {
    "operator": pl.String(),
    "direction": pl.String(),
    "remote_asn": pl.UInt32(),
    "remote_country": pl.String(),
    "location_rung": pl.String(),
    "service": pl.String(),
    "sampling_from": pl.String(),
    "folded": pl.Boolean(),
    "bytes": pl.Float64(),
    "packets": pl.Float64(),
    "flows": pl.Int64(),
    "bytes_variance": pl.Float64(),
}


def full_traffic(reference: Reference, economy: str) -> pl.DataFrame:
    """Return the facts of a made-up month of one operator that serves the whole economy.

    The columns are those of `month_facts`; the n-th platform of the reference has an n-th of the bytes of the first.
    """
    cells = [
        {
            "operator": OPERATOR,
            "direction": direction,
            "remote_asn": asn,
            "remote_country": country,
            "location_rung": rung,
            "service": platform,
            "sampling_from": "announced",
            "folded": False,
            "bytes": bytes_in * (1.0 if direction == "in" else _UPLOAD),
            "packets": bytes_in * (1.0 if direction == "in" else _UPLOAD) / _PACKET_BYTES[direction],
            "flows": FLOWS_A_CELL,
            "bytes_variance": 0.0,
        }
        for asn, country, rung, platform, bytes_in in _far_ends(reference, economy)
        for direction in ("out", "in")
    ]
    return pl.DataFrame(cells, schema=_SCHEMA)


def _far_ends(reference: Reference, economy: str) -> Iterator[tuple[int, str, str, str, float]]:
    """Yield network, country, rung, platform and bytes in of every far end."""
    neighbour = _neighbour(reference, economy)
    own = dict(
        reference.facts("platform_asns")
        .group_by("platform_id", maintain_order=True)
        .agg(pl.col("asn").first())
        .iter_rows()
    )
    host = _host(reference)
    for at, row in enumerate(reference.platforms.sort("platform_id").iter_rows(named=True), start=1):
        asn, amount = own.get(row["platform_id"], host), _GREATEST / at
        yield asn, economy, "operator", row["platform_id"], amount * _AT_HOME
        yield asn, neighbour, "database", row["platform_id"], amount * _IN_REGION
        yield asn, row["control_country"], "cloud", row["platform_id"], amount * _ELSEWHERE
    for network in _carriers(reference, economy):
        yield network["asn"], network["country"], "database", "", _CARRIED


def _carriers(reference: Reference, economy: str) -> list[dict[str, Any]]:
    """Return access networks of the economy and of others, and carriers, with the countries they are met in."""
    access = reference.facts("access_networks").select("asn", "country").sort("country", "asn")
    home = access.filter(pl.col("country") == economy)
    others = access.filter(pl.col("country") != economy).unique("asn", keep="first", maintain_order=True)
    transit = reference.facts("transit_asns").select("asn", pl.col("control_country").alias("country"))
    met = pl.concat([home, others.head(_NEIGHBOURS), transit]).unique(
        "asn", keep="first", maintain_order=True
    )
    return met.rows(named=True)


def _neighbour(reference: Reference, economy: str) -> str:
    """Return another country of the economy's region, one that is alone in being its neighbour; itself without one."""
    group = reference.economy(economy).region_group
    known = set(reference.economies["country"])
    others = sorted((reference.group(group) & known) - {economy}) if group else []
    return next((each for each in ("BR", "CL") if each in others), others[0] if others else economy)


def _host(reference: Reference) -> int:
    """Return a network of a cloud, on which platforms without one of their own are tenants."""
    clouds = reference.platforms.filter(pl.col("tier") == "cloud")["platform_id"]
    networks = reference.facts("platform_asns").filter(pl.col("platform_id").is_in(clouds.implode()))
    return int(networks["asn"][0])
