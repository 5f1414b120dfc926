"""An operator's own list of prefixes, the caches that stand in them, and geofeeds (RFC 8805)."""

import csv
import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.reference.addresses.steps import Range, Version
from caudal.reference.files.errors import AddressError

MOST_OCTETS = 64 << 20
MOST_LINES = 1_000_000


class OwnPrefix(NamedTuple):
    """A prefix of an operator's list: its country; its network, where `asn` is not 0; its cache, where `platform` is not ''.

    Country ZZ says that nobody can know.
    """

    prefix: str
    country: str
    asn: int = 0
    platform: str = ""


class OwnRange(NamedTuple):
    """An OwnPrefix as numbers."""

    version: Version
    start: int
    end: int
    country: str
    asn: int
    platform: str


def own_ranges(
    entries: Iterable[OwnPrefix | tuple[str, str, int]],
    countries: Collection[str],
    platforms: Collection[str],
) -> list[OwnRange]:
    """Return the entries of an operator's list as ranges; AddressError says which one is wrong, and why."""
    ranges: list[OwnRange] = []
    given: dict[tuple[Version, int, int], int] = {}
    for number, entry in enumerate(entries, 1):
        prefix, country, asn, platform = OwnPrefix(*entry)
        where = f"the operator's own list of locations, entry {number} ({prefix})"
        try:
            version, start, end = bounds(prefix)
        except ValueError as error:
            raise AddressError(f"{where}: is not a prefix: {error}") from error
        if country not in countries and country != UNKNOWN_COUNTRY:
            raise AddressError(f"{where}: {country!r} is not an ISO 3166-1 alpha-2 code, nor ZZ for unknown")
        if not 0 <= asn < 1 << 32:
            raise AddressError(f"{where}: {asn} is not an AS number; write 0 to leave it to the tables")
        if platform and platform not in platforms:
            raise AddressError(
                f"{where}: {platform!r} is no platform; `platform_id` in platforms.csv lists them"
            )
        first = given.setdefault((version, start, end), number)
        if first != number:
            raise AddressError(f"{where}: is given twice; first as entry {first}")
        ranges.append(OwnRange(version, start, end, country, asn, platform))
    return ranges


def bounds(prefix: str) -> tuple[Version, int, int]:
    """Return IP version, first and last address of a prefix or a single address; ValueError if it is none."""
    network = ipaddress.ip_network(prefix)
    return (4 if network.version == 4 else 6), int(network.network_address), int(network.broadcast_address)


def read_geofeeds(paths: Sequence[Path], countries: Collection[str]) -> dict[Version, list[Range]]:
    """Return the countries of prefixes by geofeeds; AddressError names the file and the line that is wrong.

    An empty country is the publisher's word that no place shall be given: ZZ. Of two feeds the first that
    gives a prefix counts. Source: RFC 8805.
    """
    found: dict[tuple[Version, int, int], str] = {}
    for path in paths:
        mine: dict[tuple[Version, int, int], int] = {}
        for number, cells in _lines(path):
            where = f"{path}, line {number}"
            try:
                key, country = _geofeed_entry(cells, countries)
            except ValueError as error:
                raise AddressError(
                    f"{where}: {error}; a line is prefix,country,region,city,postal"
                ) from error
            if mine.setdefault(key, number) != number:
                raise AddressError(f"{where}: {cells[0]} is given twice; first in line {mine[key]}")
            found.setdefault(key, country)
    feeds: dict[Version, list[Range]] = {4: [], 6: []}
    for (version, start, end), country in found.items():
        feeds[version].append(Range(start, end, country))
    return feeds


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        size = path.stat().st_size
        if size > MOST_OCTETS:
            raise AddressError(
                f"{path}: is {size >> 20} MiB; a geofeed may have {MOST_OCTETS >> 20}: keep only what you need"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if reader.line_num > MOST_LINES:
                    raise AddressError(f"{path}: has more than {MOST_LINES} lines; keep only what you need")
                if cells and not cells[0].lstrip().startswith("#"):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except OSError as error:
        raise AddressError(f"{path}: cannot be read: {error.strerror}; geofeeds are local files") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AddressError(f"{path}: is no geofeed in UTF-8: {error}; save it as CSV in UTF-8") from error


def _geofeed_entry(cells: list[str], countries: Collection[str]) -> tuple[tuple[Version, int, int], str]:
    key = bounds(cells[0])
    country = cells[1].upper() if len(cells) > 1 else ""
    region = cells[2].upper() if len(cells) > 2 else ""
    if country and country not in countries and country != UNKNOWN_COUNTRY:
        raise ValueError(f"{cells[1]!r} is not an ISO 3166-1 alpha-2 code")
    if region and not re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", region):
        raise ValueError(f"{cells[2]!r} is not an ISO 3166-2 code")
    if region and region[:2] != country:
        raise ValueError(f"the region {cells[2]} is not one of {country or 'no country'}")
    return key, country or UNKNOWN_COUNTRY
