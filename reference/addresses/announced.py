"""Networks that announce a country's IPv4 addresses, counted from the address tables."""

from pathlib import Path

import numpy as np
import polars as pl

from caudal.reference.addresses.layers import read_layer, stack
from caudal.reference.addresses.sources import ADDRESSES

_ALL_ADDRESSES = 1 << 32


def announced(countries: list[str], directory: Path = ADDRESSES) -> pl.DataFrame:
    """Return the number of IPv4 addresses that each network announces in each of these countries.

    An address counts where both tables know it: its network by the table of AS numbers, its country by the table
    of countries; neither an operator's own list nor the clouds' are asked. Rows are in order of country and number:

        country  asn    ipv4_addresses
        CR       11830  1471744
    """
    codes = {country: at for at, country in enumerate(countries, start=1)}
    segments = stack(
        [
            read_layer(directory / "asn4.parquet", 4, "asn"),
            read_layer(directory / "country4.parquet", 4, "country", codes),
        ]
    )
    starts = segments.low.astype(np.int64)
    asn, country = segments.codes
    return (
        pl.DataFrame({"at": country, "asn": asn, "ipv4_addresses": np.diff(starts, append=_ALL_ADDRESSES)})
        .filter((pl.col("at") > 0) & (pl.col("asn") > 0))
        .group_by("at", "asn")
        .agg(pl.col("ipv4_addresses").sum())
        .with_columns(
            country=pl.col("at").replace_strict(list(codes.values()), list(codes), return_dtype=pl.String)
        )
        .select("country", "asn", "ipv4_addresses")
        .sort("country", "asn")
    )
