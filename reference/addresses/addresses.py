"""The address table: where an address is, whose it is, and which rung of the location ladder says so."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caudal.common.vocabulary import LOCATION_RUNGS, UNKNOWN_COUNTRY
from caudal.reference.addresses.layers import U32, U64, Layer, layer_of_steps, read_layer, stack
from caudal.reference.addresses.operatorlist import OwnPrefix, OwnRange, own_ranges, read_geofeeds
from caudal.reference.addresses.ranges import RangeSource, read_ranges
from caudal.reference.addresses.routes import read_asn_table
from caudal.reference.addresses.sources import ADDRESSES
from caudal.reference.addresses.steps import Range, Version, flatten
from caudal.reference.files.catalogue import (
    ANYCAST_PREFIXES,
    CLOUD_REGIONS,
    COUNTRIES,
    PLATFORMS,
    SPECIAL_ADDRESSES,
)
from caudal.reference.reading.facts import load_facts

I32 = NDArray[np.int32]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]

_RUNG = {name: number for number, name in enumerate(LOCATION_RUNGS)}
_BLOCKS = 1 << 24
# Addresses that share so many upper bits share an entry of the indexes that narrow a search.
_INDEX4_BITS, _INDEX6_BITS = 16, 20
_VERSIONS: tuple[Version, ...] = (4, 6)


def country_code(country: str) -> int:
    """Return a country's two ASCII letters as one number: 256 times the first plus the second."""
    return ord(country[0]) << 8 | ord(country[1])


def _answer(country: str, rung: str) -> int:
    return _RUNG[rung] << 16 | country_code(country)


_UNKNOWN = _answer(UNKNOWN_COUNTRY, "unknown")
_ANYCAST = _answer(UNKNOWN_COUNTRY, "anycast")
# Says that an address is no network's, whatever the tables below say; itself no network's number (RFC 7300).
_NO_NETWORK = 0xFFFF_FFFF


class SegmentSearch(NamedTuple):
    """Arrays that find the segment of one address, for those who look up address by address.

    `starts4`, and `high6` with `low6`, are the first addresses of the IPv4 and of the IPv6 segments, in order; the
    first of each is 0. IPv6 segments are numbered on from the IPv4 ones. Entry p of `index4` (`index6`) is how
    many segments begin below the addresses whose upper 16 (20) bits are p; the last entry counts all. Entry b of
    `blocks` is the segment that the /24 b lies in, or ~n where segments divide it: then row n of `split`, 256 to
    a row, has that of each address. Both are empty until the table is accelerated.
    """

    starts4: U32
    index4: I32
    blocks: I32
    split: I32
    high6: U64
    low6: U64
    index6: I32

    @classmethod
    def of(cls, starts4: U32, high6: U64, low6: U64) -> "SegmentSearch":
        """Return the search for the segments that begin at these addresses, not accelerated."""
        index4 = _index(starts4 >> np.uint32(32 - _INDEX4_BITS), _INDEX4_BITS)
        index6 = _index(high6 >> np.uint64(64 - _INDEX6_BITS), _INDEX6_BITS)
        none = np.empty(0, np.int32)
        return cls(starts4, index4, none, none, high6, low6, index6)


class AddressTable:
    """Disjoint segments of the address space, IPv4 then IPv6, looked up by whole arrays of addresses.

    `asn` (0 unknown), `country` (two ASCII letters, ZZ unknown), `rung` (position in LOCATION_RUNGS) and
    `platform` (position in `platforms`, 0 for none: the platform whose cache the operator says it is) are
    indexed by segment number; `search` is for kernels that look up segments themselves. `caches` are the prefixes
    of such caches. The ladder: an operator's own list,
    its geofeeds, what is set aside (private addresses and the like: unknown, and no network's), published cloud
    regions, declared anycast (unknown), the address database, and where a second one disagrees with it, unknown;
    the registry's country is never used. Memory: about 45 MB, and
    90 MB more once accelerated.
    """

    asn: U32
    country: U16
    rung: U8
    platform: U16
    platforms: tuple[str, ...]
    caches: tuple[str, ...]
    search: SegmentSearch

    def __init__(
        self, layers: dict[Version, "_Layers"], platforms: Sequence[str], caches: Sequence[str]
    ) -> None:
        """Take the layers that `load` has read."""
        four, six = (_segments(layers[version]) for version in _VERSIONS)
        self.search = SegmentSearch.of(four.low.astype(np.uint32), six.high, six.low)
        self._offset6 = len(four.low)
        self.asn = np.concatenate([four.asn, six.asn])
        answers = np.concatenate([four.answer, six.answer])
        self.country = (answers & 0xFFFF).astype(np.uint16)
        self.rung = (answers >> 16).astype(np.uint8)
        self.platform = np.concatenate([four.platform, six.platform]).astype(np.uint16)
        self.platforms = tuple(platforms)
        self.caches = tuple(caches)

    @classmethod
    def load(
        cls,
        overlay: Sequence[OwnPrefix | tuple[str, str, int]] = (),
        *,
        directory: Path = ADDRESSES,
        reference_overlay: Path | None = None,
        geofeeds: Sequence[Path] = (),
        asn_tables: Sequence[Path] = (),
        second_country_table: Path | None = None,
    ) -> "AddressTable":
        """Read the tables of the package, with an operator's own list as the top rung and its geofeeds next.

        In `overlay` an ASN of 0 leaves it to the tables, the country ZZ says that nobody can know, and the
        longest prefix wins. Of `asn_tables` (CSV or MRT) the first that knows an address answers, before
        the table of the package. `second_country_table` is a CSV of ranges, an MMDB file or a directory of
        country4.parquet and country6.parquet. Cloud regions, anycast prefixes and platforms come from the
        facts, and from a reference overlay where there is one. Raises AddressError or FactError.
        """
        regions = load_facts(CLOUD_REGIONS, reference_overlay).rows.values()
        anycast = load_facts(ANYCAST_PREFIXES, reference_overlay).rows.values()
        known = {str(key[0]) for key in load_facts(COUNTRIES, reference_overlay).rows}
        platforms = ("", *(str(key[0]) for key in load_facts(PLATFORMS, reference_overlay).rows))
        databases = {country: _answer(country, "database") for country in known}
        clouds = {
            f"{row.values['provider']}/{row.values['region']}": (
                _answer(str(row.values["country"]), "cloud")
                if row.values["location"] == "region"
                else _ANYCAST
            )
            for row in regions
            if row.values["location"] != "unknown"
        }
        everywhere = {str(row.values["prefix"]): "anycast" for row in anycast}
        special = {
            str(row.values["prefix"]): str(row.values["place"])
            for row in load_facts(SPECIAL_ADDRESSES, reference_overlay).rows.values()
        }
        own = own_ranges(overlay, known, platforms)
        feeds = read_geofeeds(geofeeds, known)
        routes = [read_asn_table(path) for path in asn_tables]
        second = _second_database(second_country_table, databases) if second_country_table else None
        layers: dict[Version, _Layers] = {}
        for version in _VERSIONS:
            mine = [each for each in own if each.version == version]
            database = read_layer(directory / f"country{version}.parquet", version, "country", databases)
            layers[version] = _Layers(
                ladder=[
                    _country_layer([_range(each, each.country) for each in mine], version, known),
                    _country_layer(feeds[version], version, known),
                    _place_layer(special, version, {"nowhere": _UNKNOWN, "anycast": _ANYCAST}),
                    read_layer(directory / f"cloud{version}.parquet", version, "cloud", clouds),
                    _place_layer(everywhere, version, {"anycast": _ANYCAST}),
                    _both(database, second[version]) if second else database,
                ],
                asns=[
                    _numbered([_range(each, str(each.asn)) for each in mine if each.asn], version),
                    *(table[version] for table in routes),
                    _place_layer(special, version, {"nowhere": _NO_NETWORK}),
                    read_layer(directory / f"asn{version}.parquet", version, "asn"),
                ],
                platform=_numbered(
                    [_range(each, str(platforms.index(each.platform))) for each in mine if each.platform],
                    version,
                ),
            )
        entries = (OwnPrefix(*each) for each in overlay)
        return cls(layers, platforms, [entry.prefix for entry in entries if entry.platform])

    def __len__(self) -> int:
        """The number of segments."""
        return len(self.asn)

    def segments4(self, addresses: U32) -> I32:
        """Return the segment numbers of IPv4 addresses given as numbers (uint32)."""
        addresses = np.asarray(addresses, np.uint32)
        if not len(self.search.blocks):
            return (np.searchsorted(self.search.starts4, addresses, "right") - 1).astype(np.int32)
        found: I32 = self.search.blocks[addresses >> np.uint32(8)]
        split = np.flatnonzero(found < 0)
        if len(split):
            inside = addresses[split] & np.uint32(0xFF)
            found[split] = self.search.split[(~found[split]).astype(np.int64) << 8 | inside]
        return found

    def segments6(self, high: U64, low: U64) -> I32:
        """Return the segment numbers of IPv6 addresses given as their upper and lower 64 bits (uint64)."""
        high, low = np.asarray(high, np.uint64), np.asarray(low, np.uint64)
        # A search for keys in order walks through memory instead of jumping about in it.
        order = np.argsort(high)
        found = np.empty(len(high), np.int64)
        found[order] = np.searchsorted(self.search.high6, high[order], "right") - 1
        # Only where a segment begins within the /64 of the address do the lower bits decide.
        close = np.flatnonzero(self.search.high6[found] == high)
        if len(close):
            found[close] = self._within_64(high[close], low[close], found[close])
        return (found + self._offset6).astype(np.int32)

    def accelerate(self) -> None:
        """Build the direct table for IPv4: one look for most /24s, two for those that a segment splits."""
        starts = self.search.starts4
        numbers = np.arange(len(starts), dtype=np.int32)
        first_whole_block = (starts.astype(np.int64) + 255) >> 8
        blocks = np.repeat(numbers, np.diff(np.append(first_whole_block, _BLOCKS)))
        inside = np.flatnonzero(starts & np.uint32(0xFF))
        split, rank = np.unique(starts[inside] >> np.uint32(8), return_inverse=True)
        table = np.zeros(len(split) << 8, np.int32)
        table[::256] = blocks[split]
        table[rank << 8 | (starts[inside] & np.uint32(0xFF))] = numbers[inside]
        blocks[split] = ~np.arange(len(split), dtype=np.int32)
        self.search = self.search._replace(blocks=blocks, split=np.maximum.accumulate(table))

    def _within_64(self, high: U64, low: U64, last: NDArray[np.int64]) -> NDArray[np.int64]:
        high6, low6 = self.search.high6, self.search.low6
        left = np.searchsorted(high6, high, "left") - 1
        right = last.copy()
        while (open_ := left < right).any():
            middle = (left + right + 1) >> 1
            before = (high6[middle] < high) | (low6[middle] <= low)
            left = np.where(open_ & before, middle, left)
            right = np.where(open_ & ~before, middle - 1, right)
        return left


@dataclass(frozen=True)
class _Layers:
    """Knowledge of the addresses of one IP version, in each list the first word first."""

    ladder: list[Layer]
    asns: list[Layer]
    platform: Layer


class _Segments(NamedTuple):
    high: U64
    low: U64
    asn: U32
    answer: U32
    platform: U32


def _index(prefixes: NDArray[Any], bits: int) -> I32:
    """Return the number of segments that begin below each prefix of `bits` bits, int32 (2^bits + 1,); the last counts all."""
    begin = np.bincount(prefixes.astype(np.int64), minlength=1 << bits)
    return np.append(0, np.cumsum(begin)).astype(np.int32)


def _segments(layers: _Layers) -> _Segments:
    stacked = stack([*layers.ladder, *layers.asns, layers.platform])
    *codes, platform = stacked.codes
    answer = np.full(len(platform), _UNKNOWN, np.uint32)
    for each in reversed(codes[: len(layers.ladder)]):
        np.copyto(answer, each, where=each != 0)
    asn = np.zeros(len(platform), np.uint32)
    for each in reversed(codes[len(layers.ladder) :]):
        np.copyto(asn, each, where=each != 0)
    asn[asn == _NO_NETWORK] = 0
    changes = np.ones(len(platform), bool)
    changes[1:] = (asn[1:] != asn[:-1]) | (answer[1:] != answer[:-1]) | (platform[1:] != platform[:-1])
    return _Segments(
        stacked.high[changes], stacked.low[changes], asn[changes], answer[changes], platform[changes]
    )


def _range(each: OwnRange, value: str) -> Range:
    return Range(each.start, each.end, value)


def _country_layer(ranges: list[Range], version: Version, countries: set[str]) -> Layer:
    answers = {country: _answer(country, "operator") for country in (*countries, UNKNOWN_COUNTRY)}
    return layer_of_steps(flatten(ranges, version), answers)


def _numbered(ranges: list[Range], version: Version) -> Layer:
    return layer_of_steps(flatten(ranges, version), {each.value: int(each.value) for each in ranges})


def _second_database(path: Path, databases: dict[str, int]) -> dict[Version, Layer]:
    if (path / "country4.parquet").is_file():
        return {
            version: read_layer(path / f"country{version}.parquet", version, "country", databases)
            for version in _VERSIONS
        }
    ranges = read_ranges(RangeSource(path), "country")
    return {version: layer_of_steps(flatten(ranges[version], version), databases) for version in _VERSIONS}


def _both(first: Layer, second: Layer) -> Layer:
    """Return the layer that two databases make together: what one of them knows, or both alike; unknown where they differ."""
    stacked = stack([first, second])
    one, other = stacked.codes
    codes = np.where(one == 0, other, one)
    codes[(one != other) & (one != 0) & (other != 0)] = _answer(UNKNOWN_COUNTRY, "disagreement")
    return Layer(stacked.high, stacked.low, codes)


def _place_layer(places: dict[str, str], version: Version, codes: dict[str, int]) -> Layer:
    """Return the layer of prefixes with their places; the longest that holds an address answers, if it has a code."""
    ranges = []
    for prefix, place in places.items():
        network = ipaddress.ip_network(prefix)
        if network.version == version:
            ranges.append(Range(int(network.network_address), int(network.broadcast_address), place))
    return layer_of_steps(flatten(ranges, version), codes)
