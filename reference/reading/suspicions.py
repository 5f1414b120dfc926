"""Suspicious rows: no faults in a file of facts, and yet mostly slips, told by `caudal reference check`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from publicsuffixlist import PublicSuffixList

from caudal.reference.files.catalogue import (
    ACCESS_NETWORKS,
    COUNTRY_GROUPS,
    ECONOMIES,
    FILES,
    OTHER_NETWORKS,
    PLATFORM_ASNS,
    PLATFORM_DOMAINS,
    PLATFORMS,
    SUBSCRIBERS,
    TRANSIT_ASNS,
)
from caudal.reference.files.columns import RECHECK
from caudal.reference.files.declaration import SYNTHETIC, Cell, FactFile
from caudal.reference.reading.checks import ASN_FILES, rows_of
from caudal.reference.reading.facts import Facts, Row

# Numbers that no network of the internet has: RFC 5398 (documentation), RFC 6996 (private use), RFC 7300.
_NO_NETWORKS = ((64496, 65551), (4_200_000_000, 4_294_967_295))
# A figure of a deployment that is so many times the one it replaces, or a part of it, is looked at twice.
_FACTOR = 3.0
_OLD_YEARS = 5
# Figures that are products of others may differ from the product by rounding and by year.
_TOLERANCE = 0.15
_SUBSCRIPTIONS_PER_HEAD = 3.0


@dataclass(frozen=True)
class Suspicion:
    """A row to look at again: where it is, and why."""

    row: Row
    column: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row.file}, line {self.row.line}, column {self.column}: {self.problem}"


def suspect(
    facts: Mapping[str, Facts], shipped: Mapping[str, Facts], today: date, *, overlay_only: bool
) -> list[Suspicion]:
    """Return the suspicious rows of facts, in order of the files: of an overlay only, or of all.

    `shipped` are the facts without the overlay, with which its rows are compared.
    """
    found = [
        suspicion
        for examine in (_dates, _numbers, _economies, _subscribers, _platforms, _domains, _gaps, _words)
        for suspicion in examine(facts, today)
    ]
    if overlay_only:
        found = [each for each in found if each.row.overlay]
        found += _replacements(facts, shipped)
    order = {file.filename: position for position, file in enumerate(FILES)}
    # A made-up row is what it says it is.
    real = [each for each in found if each.row.values.get("status") != SYNTHETIC]
    return sorted(real, key=lambda each: (order.get(each.row.file.name, -1), each.row.line, each.column))


def _dates(facts: Mapping[str, Facts], today: date) -> Iterator[Suspicion]:
    for file in FILES:
        for row in rows_of(facts, file):
            as_of = row.values["as_of"]
            if isinstance(as_of, date) and as_of > today:
                yield Suspicion(row, "as_of", f"{as_of} is in the future")
            for column in file.columns:
                year = row.values[column.name]
                if column.kind == "year" and isinstance(year, int) and year > today.year:
                    yield Suspicion(row, column.name, f"{year} is in the future")
            if row.values.get(RECHECK.name):
                yield Suspicion(row, RECHECK.name, "asks to be checked again")


def _numbers(facts: Mapping[str, Facts], _: date) -> Iterator[Suspicion]:
    for file in ASN_FILES:
        for row in rows_of(facts, file):
            asn = row.values["asn"]
            if isinstance(asn, int) and any(low <= asn <= high for low, high in _NO_NETWORKS):
                yield Suspicion(
                    row, "asn", f"AS{asn} is for documentation or private use; no network's traffic has it"
                )


def _economies(facts: Mapping[str, Facts], today: date) -> Iterator[Suspicion]:
    members: dict[object, set[object]] = {}
    for row in rows_of(facts, COUNTRY_GROUPS):
        if row.validity.holds(today):
            members.setdefault(row.values["group_id"], set()).add(row.values["country"])
    for row in rows_of(facts, ECONOMIES):
        values = row.values
        people, users = _number(values["population"]), _number(values["internet_users"])
        share = _number(values["internet_users_percent"])
        if people and users is not None and users > people:
            yield Suspicion(row, "internet_users", f"{users:,.0f} users are more than {people:,.0f} people")
        elif people and users and share and _apart(users, people * share / 100, _TOLERANCE):
            problem = f"{users:,.0f} is not {share:g} % of {people:,.0f} people"
            yield Suspicion(row, "internet_users", problem)
        head, gdp = _number(values["gdp_per_head_usd"]), _number(values["gdp_usd"])
        if people and head and gdp and _apart(gdp, head * people, _TOLERANCE):
            yield Suspicion(row, "gdp_usd", f"{gdp:.4g} is not {head:,.0f} a head of {people:,.0f} people")
        group = values["region_group"]
        if group and values["country"] not in members.get(group, set()):
            yield Suspicion(row, "region_group", f"{values['country']} is not a member of {group}")
        for column in ("population_year", "internet_year", "gdp_year"):
            year = values[column]
            if isinstance(year, int) and year < today.year - _OLD_YEARS:
                yield Suspicion(row, column, f"{year} is more than {_OLD_YEARS} years ago")


def _subscribers(facts: Mapping[str, Facts], _: date) -> Iterator[Suspicion]:
    people = {row.values["country"]: _number(row.values["population"]) for row in rows_of(facts, ECONOMIES)}
    for row in rows_of(facts, SUBSCRIBERS):
        population = people.get(row.values["country"])
        subscriptions = _number(row.values["subscriptions"])
        if subscriptions is None and row.values["per_100_inhabitants"] is None:
            yield Suspicion(row, "subscriptions", "is empty, and so is per_100_inhabitants")
        elif population and subscriptions and subscriptions > _SUBSCRIPTIONS_PER_HEAD * population:
            problem = f"{subscriptions:,.0f} is more than {_SUBSCRIPTIONS_PER_HEAD:g} for each of {population:,.0f} people"
            yield Suspicion(row, "subscriptions", problem)


def _platforms(facts: Mapping[str, Facts], _: date) -> Iterator[Suspicion]:
    named = {row.values["platform_id"] for row in rows_of(facts, PLATFORM_ASNS)}
    named |= {row.values["platform_id"] for row in rows_of(facts, PLATFORM_DOMAINS)}
    for row in rows_of(facts, PLATFORMS):
        if row.overlay and row.values["platform_id"] not in named:
            problem = f"has neither a network in {PLATFORM_ASNS.filename} nor a domain in {PLATFORM_DOMAINS.filename}: no traffic will be its"
            yield Suspicion(row, "platform_id", problem)
    for file in (PLATFORM_ASNS, PLATFORM_DOMAINS):
        for row in rows_of(facts, file):
            if not row.overlay:
                continue
            platforms = [
                other
                for other in rows_of(facts, PLATFORMS)
                if other.values["platform_id"] == row.values["platform_id"]
            ]
            # A platform that does not exist is a fault, and named as one.
            if platforms and not any(other.validity.overlaps(row.validity) for other in platforms):
                problem = f"{row.values['platform_id']} does not hold in any of {row.validity}"
                yield Suspicion(row, "platform_id", problem)


def _domains(facts: Mapping[str, Facts], _: date) -> Iterator[Suspicion]:
    owners = {row.values["suffix"]: row.values["platform_id"] for row in rows_of(facts, PLATFORM_DOMAINS)}
    public: PublicSuffixList | None = None
    for row in rows_of(facts, PLATFORM_DOMAINS):
        if not row.overlay:
            continue
        public = public or PublicSuffixList()
        suffix, owner = str(row.values["suffix"]), row.values["platform_id"]
        if "*" not in suffix and public.publicsuffix(suffix) == suffix:
            yield Suspicion(row, "suffix", f"{suffix} is a public suffix: names of many owners lie under it")
        labels = suffix.split(".")
        for start in range(1, len(labels)):
            parent = ".".join(labels[start:])
            if parent in owners and owners[parent] != owner:
                problem = f"lies under {parent} of {owners[parent]}; the longer suffix wins"
                yield Suspicion(row, "suffix", problem)
                break


def _gaps(facts: Mapping[str, Facts], today: date) -> Iterator[Suspicion]:
    for file in (PLATFORMS, ACCESS_NETWORKS, TRANSIT_ASNS, OTHER_NETWORKS, PLATFORM_ASNS):
        chains: dict[object, list[Row]] = {}
        for row in rows_of(facts, file):
            chains.setdefault(row.key(file), []).append(row)
        for chain in chains.values():
            chain.sort(key=lambda row: row.validity.since or date.min)
            for row, following in zip(chain, [*chain[1:], None], strict=True):
                until = row.validity.until
                if until is None or until >= today:
                    continue
                if following is None:
                    yield Suspicion(row, "valid_to", f"ended on {until}, and nothing holds after it")
                elif following.validity.since and (following.validity.since - until).days > 1:
                    since = following.validity.since
                    yield Suspicion(row, "valid_to", f"nothing holds between {until} and {since}")


def _words(facts: Mapping[str, Facts], _: date) -> Iterator[Suspicion]:
    usual = {row.values["tier"] for row in rows_of(facts, PLATFORMS) if not row.overlay}
    for row in rows_of(facts, PLATFORMS):
        # A cell that cannot be read is a fault already.
        if row.overlay and row.values["tier"] is not None and row.values["tier"] not in usual:
            yield Suspicion(row, "tier", f"{row.values['tier']!r} is the tier of no platform that is shipped")


def _replacements(facts: Mapping[str, Facts], shipped: Mapping[str, Facts]) -> Iterator[Suspicion]:
    for file in FILES:
        before: dict[tuple[Cell, ...], list[Row]] = {}
        for row in rows_of(shipped, file):
            before.setdefault(row.key(file), []).append(row)
        for row in rows_of(facts, file):
            replaced = before.get(row.key(file), []) if row.overlay else []
            for other in replaced:
                if dict(other.values) == dict(row.values):
                    yield Suspicion(row, file.key[0], "says what the row shipped says; it is not needed")
                elif row.validity.overlaps(other.validity):
                    yield from _compared(file, row, other)


def _compared(file: FactFile, row: Row, other: Row) -> Iterator[Suspicion]:
    for column in file.columns:
        new, old = row.values[column.name], other.values[column.name]
        if new == old:
            continue
        if column.name in ("control_country", "platform_id"):
            yield Suspicion(row, column.name, f"{new} replaces {old}")
        elif column.kind in ("integer", "count", "number", "amount"):
            one, two = _number(new), _number(old)
            if one and two and (one * two < 0 or not 1 / _FACTOR <= one / two <= _FACTOR):
                yield Suspicion(row, column.name, f"{one:g} replaces {two:g}: a factor of {one / two:.3g}")
    as_of, before = row.values["as_of"], other.values["as_of"]
    if isinstance(as_of, date) and isinstance(before, date) and as_of < before:
        yield Suspicion(row, "as_of", f"{as_of} is older than the row it replaces ({before})")


def _number(value: Cell) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _apart(one: float, two: float, tolerance: float) -> bool:
    return abs(one - two) > tolerance * max(abs(one), abs(two))
