"""The address table: where an address is, whose it is, and which rung of the location ladder says so."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from caudal.reference.declaration import UNKNOWN_COUNTRY
from caudal.reference.errors import AddressError
from caudal.reference.facts import load_facts
from caudal.reference.files import ANYCAST_PREFIXES, CLOUD_REGIONS, COUNTRIES
from caudal.reference.layers import U32, U64, Layer, Stack, layer_of_steps, read_layer, stack
from caudal.reference.sources import ADDRESSES
from caudal.reference.steps import Range, Steps, Version, flatten

LOCATION_RUNGS = ("operator", "cloud", "anycast", "database", "disagreement", "unknown")

I32 = NDArray[np.int32]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]

_RUNG = {name: number for number, name in enumerate(LOCATION_RUNGS)}
_BLOCKS = 1 << 24


def country_code(country: str) -> int:
    """Return a country's two ASCII letters as one number: 256 times the first plus the second."""
    return ord(country[0]) << 8 | ord(country[1])


def _answer(country: str, rung: str) -> int:
    return _RUNG[rung] << 16 | country_code(country)


_UNKNOWN = _answer(UNKNOWN_COUNTRY, "unknown")


class AddressTable:
    """Disjoint segments of the address space, IPv4 then IPv6, looked up by whole arrays of addresses.

    `asn` (0 unknown), `country` (two ASCII letters, ZZ unknown) and `rung` (position in LOCATION_RUNGS)
    are indexed by segment number. The ladder: an operator's own list, published cloud regions, declared
    anycast (unknown), the address database; the registry's country is never used. Memory: about 40 MB,
    and 90 MB more once accelerated.
    """

    asn: U32
    country: U16
    rung: U8

    def __init__(self, four: Stack, six: Stack) -> None:
        """Take the stacked layers of `load`: for each version operator, cloud, anycast, database, ASNs."""
        starts4, values4 = _resolve(four)
        starts6, values6 = _resolve(six)
        self._starts4 = starts4[1].astype(np.uint32)
        self._high6, self._low6 = starts6
        self._offset6 = len(self._starts4)
        self.asn = np.concatenate([values4[0], values6[0]])
        answers = np.concatenate([values4[1], values6[1]])
        self.country = (answers & 0xFFFF).astype(np.uint16)
        self.rung = (answers >> 16).astype(np.uint8)
        self._blocks: I32 | None = None
        self._split: I32 | None = None

    @classmethod
    def load(
        cls,
        overlay: Sequence[tuple[str, str, int]] = (),
        *,
        directory: Path = ADDRESSES,
        reference_overlay: Path | None = None,
    ) -> "AddressTable":
        """Read the tables of the package, with an operator's own list as the top rung.

        `overlay` is (prefix, country, ASN): 0 leaves the ASN to the tables, ZZ says that nobody can know.
        The longest prefix wins. Cloud regions and anycast prefixes come from the facts, and from a
        reference overlay where there is one. Raises AddressError or FactError.
        """
        regions = load_facts(CLOUD_REGIONS, reference_overlay).rows.values()
        anycast = load_facts(ANYCAST_PREFIXES, reference_overlay).rows.values()
        known = {str(key[0]) for key in load_facts(COUNTRIES, reference_overlay).rows}
        databases = {country: _answer(country, "database") for country in known}
        clouds = {
            f"{row.values['provider']}/{row.values['region']}": (
                _answer(str(row.values["country"]), "cloud")
                if row.values["location"] == "region"
                else _answer(UNKNOWN_COUNTRY, "anycast")
            )
            for row in regions
            if row.values["location"] != "unknown"
        }
        everywhere = [str(row.values["prefix"]) for row in anycast]
        own = _own_list(overlay, known)
        stacks: dict[Version, Stack] = {}
        versions: tuple[Version, ...] = (4, 6)
        for version in versions:
            operator, operator_asn = _own_layers(own, version)
            stacks[version] = stack(
                [
                    operator,
                    read_layer(directory / f"cloud{version}.parquet", version, "cloud", clouds),
                    _anycast_layer(everywhere, version),
                    read_layer(directory / f"country{version}.parquet", version, "country", databases),
                    operator_asn,
                    read_layer(directory / f"asn{version}.parquet", version, "asn"),
                ]
            )
        return cls(stacks[4], stacks[6])

    def __len__(self) -> int:
        """The number of segments."""
        return len(self.asn)

    def segments4(self, addresses: U32) -> I32:
        """Return the segment numbers of IPv4 addresses given as numbers (uint32)."""
        addresses = np.asarray(addresses, np.uint32)
        if self._blocks is None or self._split is None:
            return (np.searchsorted(self._starts4, addresses, "right") - 1).astype(np.int32)
        found: I32 = self._blocks[addresses >> np.uint32(8)]
        split = np.flatnonzero(found < 0)
        if len(split):
            inside = addresses[split] & np.uint32(0xFF)
            found[split] = self._split[(~found[split]).astype(np.int64) << 8 | inside]
        return found

    def segments6(self, high: U64, low: U64) -> I32:
        """Return the segment numbers of IPv6 addresses given as their upper and lower 64 bits (uint64)."""
        high, low = np.asarray(high, np.uint64), np.asarray(low, np.uint64)
        # A search for keys in order walks through memory instead of jumping about in it.
        order = np.argsort(high)
        found = np.empty(len(high), np.int64)
        found[order] = np.searchsorted(self._high6, high[order], "right") - 1
        # Only where a segment begins within the /64 of the address do the lower bits decide.
        close = np.flatnonzero(self._high6[found] == high)
        if len(close):
            found[close] = self._within_64(high[close], low[close], found[close])
        return (found + self._offset6).astype(np.int32)

    def accelerate(self) -> None:
        """Build the direct table for IPv4: one look for most /24s, two for those that a segment splits."""
        starts = self._starts4
        numbers = np.arange(len(starts), dtype=np.int32)
        first_whole_block = (starts.astype(np.int64) + 255) >> 8
        blocks = np.repeat(numbers, np.diff(np.append(first_whole_block, _BLOCKS)))
        inside = np.flatnonzero(starts & np.uint32(0xFF))
        split, rank = np.unique(starts[inside] >> np.uint32(8), return_inverse=True)
        table = np.zeros(len(split) << 8, np.int32)
        table[::256] = blocks[split]
        table[rank << 8 | (starts[inside] & np.uint32(0xFF))] = numbers[inside]
        self._split = np.maximum.accumulate(table)
        blocks[split] = ~np.arange(len(split), dtype=np.int32)
        self._blocks = blocks

    def _within_64(self, high: U64, low: U64, last: NDArray[np.int64]) -> NDArray[np.int64]:
        left = np.searchsorted(self._high6, high, "left") - 1
        right = last.copy()
        while (open_ := left < right).any():
            middle = (left + right + 1) >> 1
            before = (self._high6[middle] < high) | (self._low6[middle] <= low)
            left = np.where(open_ & before, middle, left)
            right = np.where(open_ & ~before, middle - 1, right)
        return left


def _resolve(stacked: Stack) -> tuple[tuple[U64, U64], tuple[U32, U32]]:
    *ladder, operator_asn, asn = stacked.codes
    answers = np.full(len(asn), _UNKNOWN, np.uint32)
    for codes in reversed(ladder):
        np.copyto(answers, codes, where=codes != 0)
    asns = np.where(operator_asn != 0, operator_asn, asn)
    changes = np.ones(len(asns), bool)
    changes[1:] = (asns[1:] != asns[:-1]) | (answers[1:] != answers[:-1])
    return (stacked.high[changes], stacked.low[changes]), (asns[changes], answers[changes])


def _own_list(
    overlay: Sequence[tuple[str, str, int]], countries: set[str]
) -> list[tuple[Version, Range, str, int]]:
    own: list[tuple[Version, Range, str, int]] = []
    given: dict[Range, int] = {}
    for number, (prefix, country, asn) in enumerate(overlay, 1):
        where = f"the operator's own list of locations, entry {number} ({prefix})"
        try:
            network = ipaddress.ip_network(prefix)
        except ValueError as error:
            raise AddressError(f"{where}: is not a prefix: {error}") from error
        if country not in countries and country != UNKNOWN_COUNTRY:
            raise AddressError(f"{where}: {country!r} is not an ISO 3166-1 alpha-2 code, nor ZZ for unknown")
        if not 0 <= asn < 1 << 32:
            raise AddressError(f"{where}: {asn} is not an AS number; write 0 to leave it to the tables")
        each = Range(int(network.network_address), int(network.broadcast_address), str(network.version))
        if each in given:
            raise AddressError(f"{where}: is given twice; first as entry {given[each]}")
        given[each] = number
        own.append((4 if network.version == 4 else 6, each, country, asn))
    return own


def _own_layers(own: list[tuple[Version, Range, str, int]], version: Version) -> tuple[Layer, Layer]:
    mine = [(each, country, asn) for found, each, country, asn in own if found == version]
    countries = {country: _answer(country, "operator") for _, country, _ in mine}
    asns = {str(asn): asn for _, _, asn in mine}
    return (
        layer_of_steps(
            flatten((each._replace(value=country) for each, country, _ in mine), version), countries
        ),
        layer_of_steps(
            flatten((each._replace(value=str(asn)) for each, _, asn in mine if asn), version), asns
        ),
    )


def _anycast_layer(prefixes: list[str], version: Version) -> Layer:
    networks = [network for network in map(ipaddress.ip_network, prefixes) if network.version == version]
    ranges = [
        Range(int(network.network_address), int(network.broadcast_address), "anycast") for network in networks
    ]
    steps: Steps = flatten(ranges, version)
    return layer_of_steps(steps, {"anycast": _answer(UNKNOWN_COUNTRY, "anycast")})
