"""Checks between files of facts, beyond each cell being right by itself."""

from collections.abc import Iterator, Mapping

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.reference.files.catalogue import (
    ACCESS_LAWS,
    ACCESS_NETWORKS,
    ADEQUACY,
    CATEGORIES,
    CLOUD_REGIONS,
    COUNTRIES,
    COUNTRY_GROUPS,
    ECONOMIES,
    FILES,
    OTHER_NETWORKS,
    PLATFORM_ASNS,
    PLATFORM_PROFITS,
    PLATFORMS,
    TRANSIT_ASNS,
    TREATY_BANS,
)
from caudal.reference.files.declaration import ANY_COUNTRY, FactFile
from caudal.reference.files.errors import FactError
from caudal.reference.reading.facts import Facts, Row

ASN_FILES: tuple[FactFile, ...] = (PLATFORM_ASNS, ACCESS_NETWORKS, TRANSIT_ASNS, OTHER_NETWORKS)
WORLD = "WORLD"


def check_between(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    """Yield a fault for every row that does not fit rows of other files.

    Cells that were wrong by themselves are None here, and looked over.
    """
    yield from _check_countries(facts)
    yield from _check_platforms(facts)
    yield from _check_categories(facts)
    yield from _check_asns(facts)
    yield from _check_region_groups(facts)
    yield from _check_jurisdictions(facts)
    yield from _check_kinds_of_laws(facts)
    yield from _check_adequacy(facts)
    yield from _check_treaty_partners(facts)
    yield from _check_profit_regions(facts)
    yield from _check_cloud_regions(facts)


def rows_of(facts: Mapping[str, Facts], file: FactFile) -> Iterator[Row]:
    """Return the rows of a file, whenever they hold."""
    return iter(facts[file.name].rows.values())


def _check_countries(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    known = _known(facts, COUNTRIES, "country")
    for file in FILES:
        for column in file.columns:
            if column.kind not in ("country", "location", "countries"):
                continue
            also = {ANY_COUNTRY, UNKNOWN_COUNTRY} if column.kind == "location" else set()
            for row in rows_of(facts, file):
                for code in str(row.values[column.name] or "").split():
                    if code not in known and code not in also:
                        yield row.error(column.name, f"{code} is not a country of {COUNTRIES.filename}")


def _check_platforms(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    known = _known(facts, PLATFORMS, "platform_id")
    for file in FILES:
        if file is PLATFORMS or file.column("platform_id") is None:
            continue
        for row in rows_of(facts, file):
            name = row.values["platform_id"]
            if name and name not in known:
                yield row.error("platform_id", f"{name} is not a platform of {PLATFORMS.filename}")


def _check_categories(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    known = _known(facts, CATEGORIES, "category")
    for row in rows_of(facts, PLATFORMS):
        name = row.values["category"]
        if name is not None and name not in known:
            problem = (
                f"{name} is not a category of {CATEGORIES.filename}; name one of them, or add a row there"
            )
            yield row.error("category", problem)


def _check_asns(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    claimed: dict[object, list[tuple[FactFile, Row]]] = {}
    for file in ASN_FILES:
        for row in rows_of(facts, file):
            asn = row.values["asn"]
            for other_file, other in claimed.get(asn, ()):
                if other_file is not file and row.validity.overlaps(other.validity):
                    where = f"{other.file.name}, line {other.line}"
                    yield row.error("asn", f"AS{asn} is claimed twice; {where} claims it too")
                elif _contradict(row, other) and row.validity.overlaps(other.validity):
                    where = f"{other.file.name}, line {other.line}"
                    yield row.error(
                        "control_country", f"AS{asn} is controlled otherwise in {where}, at one time"
                    )
            claimed.setdefault(asn, []).append((file, row))


def _contradict(row: Row, other: Row) -> bool:
    """Return True if two rows of one network, one for each country it serves, name different owners."""
    return any(row.values.get(name) != other.values.get(name) for name in ("parent", "control_country"))


def _check_region_groups(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    groups = _known(facts, COUNTRY_GROUPS, "group_id")
    for row in rows_of(facts, ECONOMIES):
        group = row.values["region_group"]
        if group and group not in groups:
            yield row.error("region_group", f"{group} is not a group of {COUNTRY_GROUPS.filename}")


def _check_jurisdictions(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    known = _known(facts, COUNTRIES, "country") | _known(facts, COUNTRY_GROUPS, "group_id")
    # Bodies and treaties have longer names; two letters that nobody has are a slip.
    for file, column in ((ACCESS_LAWS, "jurisdiction"), (ADEQUACY, "regime")):
        for row in rows_of(facts, file):
            name = str(row.values[column] or "")
            if len(name) == 2 and name not in known:
                problem = f"{name} is neither a country of {COUNTRIES.filename} nor a group of {COUNTRY_GROUPS.filename}"
                yield row.error(column, problem)


def _check_kinds_of_laws(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    # A group may have the code of a country: PA is Panama, and the Pacific Alliance.
    known = {
        "national": (_known(facts, COUNTRIES, "country"), f"no country of {COUNTRIES.filename}"),
        "union": (_known(facts, COUNTRY_GROUPS, "group_id"), f"no group of {COUNTRY_GROUPS.filename}"),
    }
    for row in rows_of(facts, ACCESS_LAWS):
        name, kind = row.values["jurisdiction"], row.values["kind"]
        names, problem = known.get(str(kind), ({name}, ""))
        if name is not None and name not in names:
            yield row.error("kind", f"{kind}: {name} is {problem}")


def _check_adequacy(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    for row in rows_of(facts, ADEQUACY):
        country, covers = row.values["country"], row.values["covers"]
        if country is None or covers is None:
            continue
        if (covers == "country") != (country != ANY_COUNTRY):
            problem = f"a row of one country says country; one of {ANY_COUNTRY} says organisation or rest"
            yield row.error("covers", problem)


def _check_treaty_partners(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    groups = _known(facts, COUNTRY_GROUPS, "group_id")
    for row in rows_of(facts, TREATY_BANS):
        group, partners = row.values["partner_group"], row.values["partners"]
        if group and group not in groups:
            yield row.error("partner_group", f"{group} is not a group of {COUNTRY_GROUPS.filename}")
        if not group and not partners:
            yield row.error("partners", "names nobody; give partners, or a partner_group")


def _check_profit_regions(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    known = _known(facts, COUNTRIES, "country") | {WORLD}
    for row in rows_of(facts, PLATFORM_PROFITS):
        region = row.values["region"]
        if region is not None and region not in known:
            yield row.error("region", f"{region} is neither {WORLD} nor a country of {COUNTRIES.filename}")


def _check_cloud_regions(facts: Mapping[str, Facts]) -> Iterator[FactError]:
    for row in rows_of(facts, CLOUD_REGIONS):
        if row.values["country"] is None or row.values["location"] is None:
            continue
        placed = row.values["location"] == "region"
        if placed != (row.values["country"] not in (UNKNOWN_COUNTRY, ANY_COUNTRY)):
            problem = "a region has the country it lies in; anycast and unknown have ZZ"
            yield row.error("country", problem)


def _known(facts: Mapping[str, Facts], file: FactFile, column: str) -> set[object]:
    return {row.values[column] for row in rows_of(facts, file)}
