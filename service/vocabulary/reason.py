"""Why there is no value: every reason there is, each with a code and the figures named in it.

A reason is stored and published as its code and figures. Sentences are made of these where somebody reads them: in
English here, in the other languages by the reports. A sentence may be worded anew; a code keeps its meaning and its
figures for ever, for what is stored names it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

# Rows of facts that would cure it: when, in which file, with which columns.
_ROWS = " by {month}: rows of {file}.csv with {columns}"
_AND_SO = "; a total of fewer than {minimum:d} would show what each carries"
_NEAR = "the second largest could tell the traffic of the largest to within {percent:g} %"

# {name:d} is a count and {name:g} a number, written in other languages as they write numbers.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "undefined": "is not defined for this month",
        # Told by an earlier version, in a sentence that nobody knows any more.
        "earlier": "{text}",
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
        "no_platform_sent": "no byte out goes to a known platform",
        "no_platform_delivered": "no byte in comes from a known platform",
        "no_payload": "no byte of payload: the packets are no larger than their headers",
        # What an earlier method of P1 said.
        "no_stage_in": "no byte in belongs to a platform of a known stage",
        "no_stage_out": "no byte out belongs to a platform of a known stage",
        "no_processed": "no byte belongs to a platform of stage 3 to 5",
        # Laws
        "access_laws": "needs rows in access_laws.csv: {columns} (docs/reference.md)",
        "own_access_laws": "needs the laws of {country} that compel access, in force in the month (its official gazette "
        "has them): rows of access_laws.csv with {columns}; none is listed, and 0 would be an omission",
        "adequacy": "needs rows in adequacy.csv that name countries: {columns} (docs/reference.md)",
        "adequacy_whole": "needs the whole list of {regime} in adequacy.csv, a row for each country: a row * says that "
        "decisions cover countries that no row names, and a share of those named would be too low "
        "(docs/reference.md)",
        "adequacy_no_list": "the law of {regime} has no list of countries that are adequate, or its authority has published "
        "none yet (adequacy.csv); the answer by the EU's list stands beside this one",
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
        # What an earlier method of V3 said.
        "product": "needs a product per head of {country} that can be a weight (gdp_per_head_usd in {file}.csv); its "
        "row says: {note}",
        "unusable_product": "needs a product per head of {country} that can be a weight (gdp_per_head_usd and "
        "usable_as_weight in {file}.csv)",
        "whole_month": "needs a month that is over: value is counted by the whole month",
        "subscribers": "needs the subscribers of the reporting operators: bytes of a part of the users, value of all",
        "no_platform_bytes": "no bytes of the platform were metered",
        "no_declared_platform_bytes": "no bytes of the platform were metered by operators that declared their "
        "subscribers",
        "foreign_platform": "needs a platform that is controlled from outside {country} and has a regional revenue",
        "value_added": "needs value added of ISIC section {section} of {country}" + _ROWS,
        # Trade and taxes
        "services": "needs trade in services of {country} by {month}, exports and imports of one year (OECD-WTO BaTIS, free: "
        "caudal reference import batis): rows of {file}.csv with {columns}",
        "exports": "needs exports of {item} of {country} by {month} (OECD-WTO BaTIS, free: caudal reference import batis): "
        "rows of {file}.csv with {columns}",
        "imports": "needs imports of {item} of {country} by {month} (OECD-WTO BaTIS, free: caudal reference import batis): "
        "rows of {file}.csv with {columns}",
        "both_flows": "needs both flows of one year of {item} of {country} by {month} (OECD-WTO BaTIS, free: caudal "
        "reference import batis): rows of {file}.csv with {columns}",
        "no_trade": "neither exports nor imports of {item} in {year}",
        "duties": "needs rates of duty of {country} on digitisable products by {month} (applied: WITS/TRAINS, caudal "
        "reference import sdmx --to tariff_rates; bound: the WTO's Consolidated Tariff Schedules): rows of {file}.csv "
        "with {columns}",
        "applied_duties": "needs mfn_applied rates of duty of {country} on the products it imports by {month} (WITS/TRAINS, "
        "caudal reference import sdmx --to tariff_rates): rows of {file}.csv with {columns}",
        "bound_duties": "needs bound rates of duty of {country} on the products it imports by {month} (the WTO's "
        "Consolidated Tariff Schedules): rows of {file}.csv with {columns}",
        "product_imports": "needs imports of {country} of products that {lines}.csv keeps, of two years up to {year} and one "
        "after, by {month} (customs, or UN Comtrade: imports from the world by HS6): rows of {file}.csv with {columns}",
        "digital_tax": "needs a digital services tax whose thresholds are amounts in known currencies"
        + _ROWS,
        "profits": "needs revenue and profit of a platform's whole company (region {world})" + _ROWS,
        "home_profits": "needs revenue and profit of a platform's whole company (region {world}) and the profit it "
        "reports in {country} (region {country})" + _ROWS,
        "tax_rate": "needs the corporate tax rate of {country}" + _ROWS,
        # The positioning map
        "positions": "needs rows in {file}.csv: {columns} (commodity or special; standard or custom), from one rater or "
        "several",
        "regional_positions": "needs rows in {file}.csv: {columns} (commodity or special; standard or custom), from one "
        "rater or several for platforms controlled in the region whose revenue in the country (V3) is known",
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

# A figure may itself be a reason: why something was withheld.
Figure: TypeAlias = "int | float | str | Reason"


@dataclass(frozen=True)
class Told:
    """A reason: its code in REASONS and its figures, numbers where the reason has numbers, else texts."""

    code: str
    figures: Mapping[str, Figure]

    @property
    def text(self) -> str:
        """The sentence in English; code and figures as they stand where this version does not know them."""
        try:
            return REASONS[self.code].format(**self.figures)
        except (KeyError, ValueError):
            return " ".join([self.code, *(f"{name}={value}" for name, value in self.figures.items())])


class Reason(str):
    """The reasons why there is no value, `told` one by one; as a text, their English sentences."""

    told: tuple[Told, ...]

    def __new__(cls, *told: Told) -> "Reason":
        """Make a reason of those told one by one; `reason` and `joined` do so, and whoever reads a store."""
        made = super().__new__(cls, _SEPARATOR.join(each.text for each in told))
        made.told = told
        return made

    def __getnewargs__(self) -> tuple[Told, ...]:  # type: ignore[override]
        """Return the arguments of which a copy is made."""
        return self.told


def reason(code: str, **figures: Figure) -> Reason:
    """Return a reason of REASONS with its figures; KeyError where there is none, or a figure lacks."""
    REASONS[code].format(**figures)
    return Reason(Told(code, figures))


def joined(*reasons: Reason) -> Reason:
    """Return several reasons as one."""
    return Reason(*(each for one in reasons for each in one.told))


def to_stored(why: Reason | None) -> list[dict[str, Any]]:
    """Return a reason as JSON has it: a list of objects with `code` and `figures`; empty where there is none."""
    if why is None:
        return []
    return [
        {
            "code": each.code,
            "figures": {
                name: to_stored(value) if isinstance(value, Reason) else value
                for name, value in each.figures.items()
            },
        }
        for each in why.told
    ]


def from_stored(stored: Iterable[Mapping[str, Any]]) -> Reason | None:
    """Return the reason that `to_stored` wrote; None where there was none."""
    told = tuple(
        Told(
            each["code"],
            {
                name: (from_stored(value) or "") if isinstance(value, list) else value
                for name, value in each["figures"].items()
            },
        )
        for each in stored
    )
    return Reason(*told) if told else None


def figures_as_text(figures: Mapping[str, Any]) -> str:
    """Return the figures of one reason as the store keeps them: a JSON object."""
    return json.dumps(figures, ensure_ascii=False, sort_keys=True)
