"""Blocks of addresses of given networks, spread over what the address table knows of them."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import polars as pl

from caudal.common.vocabulary import LOCATION_RUNGS
from caudal.reference import AddressTable
from caudal.reference.addresses.layers import read_layer
from caudal.reference.addresses.sources import ADDRESSES
from caudal.reference.addresses.steps import Version

# IPv4 addresses, or IPv6 /64s; a network with less in one piece makes smaller blocks.
BLOCK: Final = 4_096
SMALLEST_BLOCK: Final = 16
_BLOCKS_OF_A_RANGE: Final = 256
_LOW_64: Final = 2**64 - 1

SCHEMA: Final = {
    "ip_version": pl.UInt8(),
    "high": pl.UInt64(),
    "low": pl.UInt64(),
    "size": pl.Int64(),
    "asn": pl.UInt32(),
    "country": pl.String(),
    "rung": pl.String(),
}


def known_blocks(table: AddressTable, asns: Sequence[int]) -> pl.DataFrame:
    """Return blocks of these networks, each with one answer of the table: columns of SCHEMA.

    `high`, `low` is the first address (IPv4: high 0), `size` the number of addresses or IPv6 /64s. Large
    ranges give 256 blocks at even distances, so that countries are as frequent as they are in the range.
    """
    return pl.concat([_known_blocks(table, asns, 4), _known_blocks(table, asns, 6)])


def listed_blocks(locations: Iterable[tuple[str, str, int]]) -> pl.DataFrame:
    """Return the blocks of an operator's own list of (prefix, country, ASN): columns of SCHEMA."""
    rows = []
    for prefix, country, asn in locations:
        network = ipaddress.ip_network(prefix)
        first = int(network.network_address)
        size = min(network.num_addresses >> (64 if network.version == 6 else 0), BLOCK)
        rows.append((network.version, first >> 64, first & _LOW_64, size, asn, country, "operator"))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _known_blocks(table: AddressTable, asns: Sequence[int], version: Version) -> pl.DataFrame:
    layer = read_layer(ADDRESSES / f"asn{version}.parquet", version, "asn")
    # IPv6 is counted in /64s: a range that begins within one loses that one.
    first = layer.low if version == 4 else layer.high + (layer.low > 0).astype(np.uint64)
    # The last range has no end here; nobody's network is there.
    after = np.append((layer.low if version == 4 else layer.high)[1:], np.uint64(0))
    theirs = np.isin(layer.codes, np.array(asns, np.uint32)) & (after >= first + np.uint64(SMALLEST_BLOCK))
    first, size, asn = first[theirs], after[theirs] - first[theirs], layer.codes[theirs]
    count = np.clip(size // np.uint64(BLOCK), 1, _BLOCKS_OF_A_RANGE).astype(np.int64)
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    step = np.repeat(size // count.astype(np.uint64), count)
    start = np.repeat(first, count) + number.astype(np.uint64) * step
    length = np.minimum(step, np.uint64(BLOCK))
    last = start + length - np.uint64(1)
    if version == 4:
        segment, end = table.segments4(start.astype(np.uint32)), table.segments4(last.astype(np.uint32))
    else:
        segment = table.segments6(start, np.zeros_like(start))
        end = table.segments6(last, np.full_like(start, _LOW_64))
    whole = (segment == end) & (table.asn[segment] == np.repeat(asn, count))
    segment, start, length = segment[whole], start[whole], length[whole]
    none = np.zeros_like(start)
    return pl.DataFrame(
        {
            "ip_version": np.full(len(start), version, np.uint8),
            "high": none if version == 4 else start,
            "low": start if version == 4 else none,
            "size": length.astype(np.int64),
            "asn": table.asn[segment],
            "country": [chr(code >> 8) + chr(code & 0xFF) for code in table.country[segment].tolist()],
            "rung": [LOCATION_RUNGS[rung] for rung in table.rung[segment].tolist()],
        },
        schema=SCHEMA,
    )
