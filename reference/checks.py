"""What must hold between files of facts, beyond each cell being right by itself."""

from collections.abc import Mapping

from caudal.reference.declaration import ANY_COUNTRY, UNKNOWN_COUNTRY, FactFile
from caudal.reference.facts import Facts, Row
from caudal.reference.files import (
    ACCESS_NETWORKS,
    CLOUD_REGIONS,
    COUNTRIES,
    COUNTRY_GROUPS,
    ECONOMIES,
    FILES,
    PLATFORM_ASNS,
    PLATFORMS,
    TRANSIT_ASNS,
)

ASN_FILES: tuple[FactFile, ...] = (PLATFORM_ASNS, ACCESS_NETWORKS, TRANSIT_ASNS)


def check_between(facts: Mapping[str, Facts]) -> None:
    """Raise FactError for the first row that does not fit rows of other files."""
    _check_countries(facts)
    _check_platforms(facts)
    _check_asns(facts)
    _check_region_groups(facts)
    _check_cloud_regions(facts)


def _check_countries(facts: Mapping[str, Facts]) -> None:
    known = {key[0] for key in facts[COUNTRIES.name].rows}
    for file in FILES:
        for column in file.columns:
            if column.kind not in ("country", "location", "countries"):
                continue
            also = {ANY_COUNTRY, UNKNOWN_COUNTRY} if column.kind == "location" else set()
            for row in facts[file.name].rows.values():
                for code in str(row.values[column.name] or "").split():
                    if code not in known and code not in also:
                        raise row.error(column.name, f"{code} is not a country of {COUNTRIES.filename}")


def _check_platforms(facts: Mapping[str, Facts]) -> None:
    known = {key[0] for key in facts[PLATFORMS.name].rows}
    for file in FILES:
        if file is PLATFORMS or file.column("platform_id") is None:
            continue
        for row in facts[file.name].rows.values():
            if row.values["platform_id"] not in known:
                name = row.values["platform_id"]
                raise row.error("platform_id", f"{name} is not a platform of {PLATFORMS.filename}")


def _check_asns(facts: Mapping[str, Facts]) -> None:
    claimed: dict[object, Row] = {}
    for file in ASN_FILES:
        for row in facts[file.name].rows.values():
            asn = row.values["asn"]
            if asn in claimed:
                other = claimed[asn]
                where = f"{other.file.name}, line {other.line}"
                raise row.error("asn", f"AS{asn} is claimed twice; {where} claims it too")
            claimed[asn] = row


def _check_region_groups(facts: Mapping[str, Facts]) -> None:
    groups = {key[0] for key in facts[COUNTRY_GROUPS.name].rows}
    for row in facts[ECONOMIES.name].rows.values():
        group = row.values["region_group"]
        if group and group not in groups:
            raise row.error("region_group", f"{group} is not a group of {COUNTRY_GROUPS.filename}")


def _check_cloud_regions(facts: Mapping[str, Facts]) -> None:
    for row in facts[CLOUD_REGIONS.name].rows.values():
        placed = row.values["location"] == "region"
        if placed != (row.values["country"] not in (UNKNOWN_COUNTRY, ANY_COUNTRY)):
            problem = "a region has the country it lies in; anycast and unknown have ZZ"
            raise row.error("country", problem)
