"""The far ends of the fictional subscribers' flows: real prefixes of real networks, and XA's own.

Real networks come from the address table, so that what the demo sends is located as the same traffic of a
real operator would be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.demo.traffic.blocks import known_blocks, listed_blocks
from caudal.demo.traffic.destinations import CATALOGUE, Destination
from caudal.demo.traffic.economy import ECONOMY, REFERENCE_OVERLAY, locations
from caudal.demo.traffic.errors import DemoError
from caudal.reference import AddressTable, Reference

# Destinations as heavy as this, in records, answer from two countries of the region over IPv4.
_HEAVY: Final = 5.0
_SITES_OVER_IPV6: Final = 2


@dataclass(frozen=True)
class Endpoint:
    """A block of addresses of a destination, where it is and which rung of the ladder says so.

    The first address is `high`, `low` (IPv4: high 0); `size` counts IPv4 addresses, or IPv6 /64s. `weight` is
    the share of flow records, relative to other endpoints. `announced` tells whether routers know the AS number.
    """

    destination: Destination
    asn: int
    ip_version: int
    high: int
    low: int
    size: int
    country: str
    rung: str
    weight: float
    announced: bool


def address_table() -> AddressTable:
    """Return the address table as the demo's collector has it: with the operator's own list on top."""
    return AddressTable.load(locations(), reference_overlay=REFERENCE_OVERLAY)


def make_endpoints(
    reference: Reference,
    table: AddressTable,
    catalogue: Sequence[Destination] = CATALOGUE,
) -> list[Endpoint]:
    """Return the endpoints of all destinations, by the reference with XA's overlay and the address table.

    Raises DemoError for a destination that either does not know.
    """
    region = reference.group(reference.economy(ECONOMY).region_group)
    asns = {destination.name: _asns(destination, reference) for destination in catalogue}
    known = known_blocks(table, sorted(set().union(*asns.values())))
    home = listed_blocks(locations()).with_columns(site=pl.lit("home"))
    blocks = pl.concat([known.filter(pl.col("rung") != "operator").with_columns(site=_site(region)), home])
    endpoints: list[Endpoint] = []
    for destination in catalogue:
        own = blocks.filter(pl.col("asn").is_in(list(asns[destination.name])))
        families = ((4, 1 - destination.ipv6), (6, destination.ipv6))
        found = [
            endpoint
            for version, share in families
            for endpoint in _of_family(destination, own.filter(pl.col("ip_version") == version), share)
        ]
        if not found:
            raise DemoError(
                f"the address table knows no range of {destination.name}; "
                "run the demo with the address data that come with caudal"
            )
        # What was meant for a family without blocks goes to the other.
        scale = destination.records / sum(endpoint.weight for endpoint in found)
        endpoints += [replace(endpoint, weight=endpoint.weight * scale) for endpoint in found]
    return endpoints


def _asns(destination: Destination, reference: Reference) -> frozenset[int]:
    if destination.asn:
        return frozenset((destination.asn,))
    networks = reference.networks.filter(pl.col("platform_id") == destination.platform)
    if networks.is_empty():
        raise DemoError(
            f"the reference knows no AS number of platform {destination.platform}; "
            f"load it with the overlay {REFERENCE_OVERLAY}"
        )
    return frozenset(networks["asn"].to_list())


def _site(region: frozenset[str]) -> pl.Expr:
    return (
        pl.when(pl.col("country") == UNKNOWN_COUNTRY)
        .then(pl.lit("unknown"))
        .when(pl.col("country") == "US")
        .then(pl.lit("us"))
        .when(pl.col("country").is_in(sorted(region)))
        .then(pl.lit("region"))
        .otherwise(pl.lit("other"))
    )


def _of_family(destination: Destination, blocks: pl.DataFrame, share: float) -> list[Endpoint]:
    if not share or blocks.is_empty():
        return []
    version = int(blocks["ip_version"][0])
    sites = sorted(destination.sites.items(), key=lambda item: -item[1])
    if version == 6:
        sites = sites[:_SITES_OVER_IPV6]
    heavy = version == 4 and destination.records >= _HEAVY
    found = [
        (weight, _most(blocks.filter(pl.col("site") == site), 2 if heavy and site == "region" else 1))
        for site, weight in sites
    ]
    found = [(weight, rows) for weight, rows in found if rows]
    if not found:
        found = [(1.0, _most(blocks))]
    total = sum(weight for weight, _ in found)
    return [
        Endpoint(
            destination=destination,
            asn=row["asn"],
            ip_version=version,
            high=row["high"],
            low=row["low"],
            size=row["size"],
            country=row["country"],
            rung=row["rung"],
            weight=share * weight / total / len(rows),
            # Caches inside the operator's network are not in its BGP table under their owner's number.
            announced=row["site"] != "home" or set(destination.sites) == {"home"},
        )
        for weight, rows in found
        for row in rows
    ]


def _most(blocks: pl.DataFrame, countries: int = 1) -> list[dict[str, Any]]:
    """Return one block in each of the `countries` countries that have most blocks."""
    counted = blocks.with_columns(blocks=pl.len().over("country"))
    by_most = ("blocks", "country", "size", "high", "low")
    ordered = counted.sort(by_most, descending=[True, False, True, False, False])
    return ordered.unique("country", keep="first", maintain_order=True).head(countries).rows(named=True)
