"""The sentences that versions before codes were stored told as reasons, and the reasons they mean.

A migration reads them, once. They are what they were when they were stored: they never change, whatever the reasons
of today say.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from caudal.service.vocabulary.reason import Figure, Reason, Told

# Rows of facts that would cure it: when, in which file, with which columns.
_ROWS = " by {month}: rows of {file}.csv with {columns}"
_AND_SO = "; a total of fewer than {minimum:d} would show what each carries"
_NEAR = "the second largest could tell the traffic of the largest to within {percent:g} %"

# {name:d} is a count and {name:g} a number.
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "undefined": "is not defined for this month",
        # The sample
        "no_bytes": "there are no bytes out or in",
        "too_few_flows": "needs at least {minimum:d} flow records, has {flows:d}",
        # Place, control and category
        "no_location": "none of the bytes has a known location",
        "no_operator": "none of the bytes has a known operator",
        "no_provider": "none of the bytes has a known provider",
        "no_region": "no country group is known as the region of {country}",
        "none_in_region": "none of the bytes is located in the region",
        "none_abroad": "none of the bytes exchanged abroad has a known location",
        "no_category": "none of the bytes belongs to a categorised service",
        "none_controlled_abroad": "no byte of a categorised service is controlled from abroad",
        "all_video": "all bytes are video or content delivery",
        "no_stage_in": "no byte in belongs to a platform of a known stage",
        "no_stage_out": "no byte out belongs to a platform of a known stage",
        "no_processed": "no byte belongs to a platform of stage 3 to 5",
        # Laws
        "access_laws": "needs rows in access_laws.csv: {columns} (docs/reference.md)",
        "adequacy": "needs rows in adequacy.csv that name countries: {columns} (docs/reference.md)",
        "adequacy_whole": "needs the whole list of {regime} in adequacy.csv, a row for each country: a row * says that "
        "decisions cover countries that no row names, and a share of those named would be too low "
        "(docs/reference.md)",
        # Paths and routes
        "paths": "needs paths with the countries of their hops ({columns}), from traceroutes; see "
        "docs/indicators.md",
        "as_paths": "needs AS paths, or the adjacent AS of IPFIX (remote_asn, as_path or adjacent_asn); see "
        "docs/indicators.md",
        "routes": "needs a table of routes: a RIB dump (MRT) of a route collector, such as those of RouteViews or "
        "RIPE RIS",
        "access_networks": "needs rows in access_networks.csv for {country}: {columns} (docs/reference.md)",
        "viewpoints": "needs routes of at least {minimum:d} viewpoints to {country}, has {viewpoints:d}",
        "no_transit": "no network lies between the viewpoints and the country's",
        "region_flows": "needs the flows of the other members of the region in the same month; none of them reports "
        "here",
        # Counted things
        "providers": "needs rows in {file}.csv (domains or prefixes by provider: {columns}), or {minimum:d} services on "
        "networks of known owners; {seen:d} were seen",
        "counted": "needs at least {minimum:d} {unit} of known providers, has {known:d}",
        # Users and money
        "users": "needs the number of users: none was declared and none is known of {country}",
        "economy": "needs users and product of {country}" + _ROWS,
        "revenue": "needs a platform's revenue ({metric}) in a region with {country} in it" + _ROWS,
        "product": "needs a product per head of {country} that can be a weight (gdp_per_head_usd in {file}.csv); its "
        "row says: {note}",
        "whole_month": "needs a month that is over: value is counted by the whole month",
        "subscribers": "needs the subscribers of the reporting operators: bytes of a part of the users, value of all",
        "no_platform_bytes": "no bytes of the platform were metered",
        "no_declared_platform_bytes": "no bytes of the platform were metered by operators that declared their "
        "subscribers",
        "foreign_platform": "needs a platform that is controlled from outside {country} and has a regional revenue",
        "value_added": "needs value added of ISIC section {section} of {country}" + _ROWS,
        # Trade and taxes
        "services": "needs trade in services of {country}" + _ROWS,
        "exports": "needs exports of {item} of {country}" + _ROWS,
        "imports": "needs imports of {item} of {country}" + _ROWS,
        "both_flows": "needs both flows of one year of {item} of {country}" + _ROWS,
        "no_trade": "neither exports nor imports of {item} in {year}",
        "duties": "needs rates of duty of {country} on digitisable products" + _ROWS,
        "applied_duties": "needs mfn_applied rates of duty of {country} on the products it imports" + _ROWS,
        "bound_duties": "needs bound rates of duty of {country} on the products it imports" + _ROWS,
        "product_imports": "needs imports of {country} of products that {lines}.csv lists, of two years up to {year} and "
        "one after" + _ROWS,
        "digital_tax": "needs a digital services tax with readable thresholds" + _ROWS,
        "profits": "needs revenue and profit of a platform's whole company (region {world})" + _ROWS,
        "home_profits": "needs revenue and profit of a platform's whole company (region {world}) and the profit it "
        "reports in {country} (region {country})" + _ROWS,
        "tax_rate": "needs the corporate tax rate of {country}" + _ROWS,
        # The positioning map
        "positions": "needs rows in {file}.csv: {columns} (commodity or special; standard or custom), from one rater or "
        "several",
        "regional_positions": "needs rows in {file}.csv: {columns} (commodity or special; standard or custom), from one "
        "rater or several for platforms controlled in the region whose value captured (V3) is known",
        # National totals
        "declared_traffic": "needs traffic of operators that declared subscribers: there is none",
        "declared_subscribers": "needs declared subscribers of at least one operator that reported (operators, in the "
        "settings)",
        "internet_users": "needs the economy's internet users (economies.csv: internet_users)",
        # Confidentiality
        "withheld": "withheld: {why} ({rule}, {degree} confidentiality)",
        "one_reported": "1 operator reported" + _AND_SO,
        "few_reported": "{operators:d} operators reported" + _AND_SO,
        "one_declared": "1 operator declared subscribers" + _AND_SO,
        "few_declared": "{operators:d} operators declared subscribers" + _AND_SO,
        "one_undeclared": "1 operator reported without declaring subscribers" + _AND_SO,
        "few_undeclared": "{operators:d} operators reported without declaring subscribers" + _AND_SO,
        "one_changed": "what changed since an earlier vintage is of 1 operator; amounts of both would show it",
        "few_changed": "what changed since an earlier vintage is of {operators:d} operators; amounts of both would show what "
        "each sent, of fewer than {minimum:d}",
        "near_reported": "of the operators that reported, " + _NEAR,
        "near_declared": "of the operators that declared subscribers, " + _NEAR,
        "near_undeclared": "of the operators that reported without declaring subscribers, " + _NEAR,
        "near_changed": "of what changed since an earlier vintage, " + _NEAR,
    }
)

_SEPARATOR = "; "
_FIGURE = re.compile(r"\{(\w+)(?::(\w))?\}")
_SHAPES = {"d": r"\d+", "g": r"[\d.e+-]+", "": "[^;]+?"}
# Figures of one shape only; and what may hold a semicolon: another reason, and the words of a file of facts.
_NAMED = {"country": "[A-Z]{2}", "month": r"\d{4}-\d\d", "year": r"\d{4}", "why": ".+", "note": ".+"}

# Those with the most words first: the words of one reason can be a figure of another.
_BY_WORDS = sorted(SENTENCES, key=lambda code: len(_FIGURE.sub("", SENTENCES[code])), reverse=True)


def read_sentence(text: str) -> Reason:
    """Return the reason, or the several, that a stored sentence tells; what nobody knows is kept as it was told."""
    return Reason(*(_recognised(text) or (Told("earlier", {"text": text}),)))


def _recognised(text: str) -> tuple[Told, ...]:
    for code in _BY_WORDS:
        found = _shape(code).fullmatch(text)
        if found:
            return (Told(code, dict(_figures(code, found.groupdict()))),)
    at = text.find(_SEPARATOR)
    while at >= 0:
        first, rest = _recognised(text[:at]), _recognised(text[at + len(_SEPARATOR) :])
        if first and rest:
            return first + rest
        at = text.find(_SEPARATOR, at + 1)
    return ()


def _figures(code: str, texts: Mapping[str, str]) -> Iterator[tuple[str, Figure]]:
    kinds = dict(_FIGURE.findall(SENTENCES[code]))
    for name, text in texts.items():
        if name == "why":
            yield name, read_sentence(text)
        else:
            yield name, int(text) if kinds[name] == "d" else float(text) if kinds[name] == "g" else text


@cache
def _shape(code: str) -> re.Pattern[str]:
    """Return the pattern of the sentences of a reason; a figure named twice is equal both times."""
    parts, end, seen = [], 0, set[str]()
    for found in _FIGURE.finditer(SENTENCES[code]):
        name, kind = found[1], found[2] or ""
        parts.append(re.escape(SENTENCES[code][end : found.start()]))
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{_NAMED.get(name, _SHAPES[kind])})")
        seen.add(name)
        end = found.end()
    return re.compile("".join([*parts, re.escape(SENTENCES[code][end:])]), re.DOTALL)
