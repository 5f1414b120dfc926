"""Readings of control: who can command the far end of a cell, which is not always one jurisdiction.

The attribution names one: whose law reaches the company at the top. Three others can reach the same
bytes. A parent may be incorporated in one country and run from another (Cayman Islands and China), its head office
in a third; and the bytes of a platform may lie on the network of somebody else, a tenant on a cloud. Each is a
*reading* of the cell. What all readings agree on is certain; what one of them says is possible.
"""

import polars as pl

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.service.indicators.model.context import Context

READINGS = ("control", "incorporation", "headquarters", "host")


def control_readings(cells: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Return a country code per cell and reading, a frame in the order of the cells.

    `cells` has platform, remote_asn and control. A reading that the facts (platforms, platform_asns,
    access_networks, transit_asns, other_networks) do not know is that of control; where control is unknown all are.
    """
    seats = _seats(context.fact("platforms"))
    hosts = network_control(context)
    read = (
        cells.select("platform", "remote_asn", "control")
        .join(seats, on="platform", how="left", maintain_order="left")
        .join(hosts, on="remote_asn", how="left", maintain_order="left")
    )
    known = ~pl.col("control").is_in(["", UNKNOWN_COUNTRY])

    def reading(name: str) -> pl.Expr:
        said = pl.col(name).is_not_null() & ~pl.col(name).is_in(["", UNKNOWN_COUNTRY])
        return pl.when(known & said).then(pl.col(name)).otherwise(pl.col("control")).alias(name)

    return read.select("control", *(reading(name) for name in READINGS[1:]))


def _seats(platforms: pl.DataFrame) -> pl.DataFrame:
    """Return the countries where each platform's parent is incorporated and has its head office."""
    wanted = ("platform_id", "incorporation_country", "hq_country")
    if not set(wanted) <= set(platforms.columns):
        return pl.DataFrame(
            schema={"platform": pl.String, "incorporation": pl.String, "headquarters": pl.String}
        )
    return platforms.select(
        pl.col("platform_id").cast(pl.String).alias("platform"),
        pl.col("incorporation_country").cast(pl.String).alias("incorporation"),
        pl.col("hq_country").cast(pl.String).alias("headquarters"),
    ).unique("platform", keep="first", maintain_order=True)


def network_control(context: Context) -> pl.DataFrame:
    """Return the country that controls each listed network, whatever runs on it: remote_asn, host."""
    found = [pl.DataFrame(schema={"remote_asn": pl.Int64, "host": pl.String})]
    for name in ("access_networks", "transit_asns", "other_networks"):
        listed = context.fact(name)
        if "kind" in listed.columns:
            # Whoever leases addresses out does not command what runs on them.
            listed = listed.filter(pl.col("kind") != "address_lease")
        if {"asn", "control_country"} <= set(listed.columns):
            found.append(_numbered(listed.select("asn", "control_country")))
    owners, platforms = context.fact("platform_asns"), context.fact("platforms")
    if {"asn", "platform_id"} <= set(owners.columns) and "control_country" in platforms.columns:
        control = platforms.select("platform_id", "control_country")
        found.append(
            _numbered(owners.join(control, on="platform_id", how="inner").select("asn", "control_country"))
        )
    return pl.concat(found).unique("remote_asn", keep="first", maintain_order=True)


def _numbered(networks: pl.DataFrame) -> pl.DataFrame:
    return networks.select(
        pl.col("asn").cast(pl.Int64).alias("remote_asn"),
        pl.col("control_country").cast(pl.String).alias("host"),
    )
