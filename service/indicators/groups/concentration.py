"""Concentration: on how few providers and jurisdictions a country's traffic depends, and each of its functions.

A provider is the platform of a cell; of a hosting network without a known platform, the network by its AS number.
Everything else has no known provider: unlisted and folded networks. Shares of C1, C3 and C4 are among bytes of known
providers. Platforms of one company count apart, because a user can leave one for another's; beside them stands the same
by company.

Networks that connect (access, transit, research, exchange points) are no platforms, and how concentrated they are says nothing
of platforms: they are a function of their own, and in no other figure of C1, C3 and C4. What networks of the country
exchange with each other is in no function: two operators know it of each other, and shares among so few would tell them
the rest.

All functions together are no market. Only within a function may an index be read by the scale of an authority: that of
the US Merger Guidelines of 2023, §2.1, as the Department of Justice explains it: from 1,000 to 1,800 points
moderately concentrated, above highly. The European Commission's guidelines of 2004 (2004/C 31/03) draw the lines at
1,000 and 2,000, Internet Society Pulse at 1,500, 2,500 and 5,000.
"""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from caudal.service.indicators.model.base import WITHIN_FUNCTION
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.control import READINGS
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.functions import CONNECTS, FUNCTIONS
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Interval,
    Quantity,
    clip,
    envelope,
    herfindahl,
    positive_interval,
    probability_larger,
    share_interval,
    weighted_share,
)
from caudal.service.vocabulary.dimension import largest as of_largest
from caudal.service.vocabulary.reason import reason

FLOW = ("direction", "bytes", "bytes_variance")
PROVIDER = (*FLOW, "platform", "category", "remote_asn", "network_kind", "facts")
RANKS = (1, 4, 8)
NO_PROVIDER = reason("no_provider")
# US Merger Guidelines 2023, in shares of one instead of points of ten thousand.
MODERATE, HIGH = 0.1, 0.18
_SUMS = ("bytes", "bytes_variance", "flows")


class Owners:
    """The bytes of each known owner, the largest first, and those of unknown owners."""

    def __init__(self, cells: pl.DataFrame) -> None:
        """Add up cells by `owner`, which is empty where the owner is unknown."""
        sums = (
            cells.lazy()
            .group_by("owner")
            .agg(pl.col(_SUMS).sum())
            .filter(pl.col("bytes") > 0)
            .sort("bytes", "owner", descending=[True, False])
            .collect()
        )
        known, unknown = sums.filter(pl.col("owner") != ""), sums.filter(pl.col("owner") == "")
        self.names: list[str] = known["owner"].to_list()
        self.bytes: FloatArray = known["bytes"].to_numpy()
        self.variance: FloatArray = known["bytes_variance"].to_numpy()
        self.flows = int(known["flows"].sum())
        self.unknown = float(unknown["bytes"].sum())
        self.unknown_variance = float(unknown["bytes_variance"].sum())

    def __len__(self) -> int:
        return len(self.names)

    @property
    def known(self) -> float:
        """Bytes of all known owners."""
        return float(self.bytes.sum())

    def herfindahl(self) -> Quantity:
        """Return H among the bytes of known owners."""
        return herfindahl(self.bytes, self.variance)

    def atomised(self) -> Quantity:
        """Return H of all bytes if every unknown byte had an owner of its own: the least possible."""
        return herfindahl(self.bytes, self.variance, self.unknown, self.unknown_variance)

    def merged(self) -> Quantity:
        """Return H of all bytes if the largest owner had every unknown byte: the greatest possible."""
        first = np.zeros(len(self))
        first[0] = 1.0
        return herfindahl(self.bytes + first * self.unknown, self.variance + first * self.unknown_variance)

    def herfindahl_interval(self, level: float) -> Interval:
        """Return the envelope of the sampling intervals of H as known, atomised and merged."""
        return envelope(
            positive_interval(each, level, greatest=1.0)
            for each in (self.herfindahl(), self.atomised(), self.merged())
        )


def _owned(month: MonthCells, owner: pl.Expr | pl.Series) -> pl.DataFrame:
    """Return the sums of the month by function and owner."""
    return (
        month.cells.select("platform", "remote_asn", *_SUMS)
        .with_columns(month.functions)
        .with_columns(owner=owner)
        .group_by("function", "owner")
        .agg(pl.col(_SUMS).sum())
        .sort("function", "owner")
    )


def _present(owned: pl.DataFrame) -> list[str]:
    """Return the functions that have an owner with bytes, in their order."""
    there = set(owned.filter((pl.col("owner") != "") & (pl.col("bytes") > 0))["function"].unique())
    return [name for name in FUNCTIONS if name in there]


def _provider() -> pl.Expr:
    """Return the provider of a cell: its platform, or its network where only the function is known."""
    return (
        pl.when(pl.col("platform") != "")
        .then("platform")
        .when((pl.col("function") != "") & (pl.col("remote_asn") > 0))
        .then(pl.format("AS{}", "remote_asn"))
        .otherwise(pl.lit(""))
    )


def _company_names(month: MonthCells) -> dict[str, str]:
    """Return the company behind each provider, as far as the facts name one."""
    context = month.context
    return {
        f"{prefix}{row[0]}": str(row[1])
        for name, prefix, number, company in (
            ("platforms", "", "platform_id", "parent"),
            ("access_networks", "AS", "asn", "parent"),
            ("transit_asns", "AS", "asn", "operator"),
            ("other_networks", "AS", "asn", "parent"),
        )
        if {number, company} <= set((listed := context.fact(name)).columns)
        for row in listed.select(number, company).iter_rows()
        if row[1]
    }


class Providers:
    """The providers of a month, by brand and by company: of all platforms, and of each function."""

    def __init__(self, month: MonthCells) -> None:
        """Add up the month once for all."""
        self._brands = _owned(month, _provider())
        self._companies = self._brands.with_columns(pl.col("owner").replace(_company_names(month)))

    def platforms(self) -> tuple[Owners, Owners]:
        """Return the owners by brand and by company of all platforms together, networks that connect left out."""
        kept = pl.col("function") != CONNECTS
        return Owners(self._brands.filter(kept)), Owners(self._companies.filter(kept))

    def by_function(self) -> Iterator[tuple[str, Owners, Owners]]:
        """Yield each function that has known owners, with these by brand and by company."""
        for name in _present(self._brands):
            own = pl.col("function") == name
            brands = Owners(self._brands.filter(own))
            if brands.names:
                yield name, brands, Owners(self._companies.filter(own))


def jurisdictions(month: MonthCells, reading: str = READINGS[0]) -> pl.DataFrame:
    """Return the sums of the month by function and controlling jurisdiction, as one reading of control has it."""
    code = pl.Series("code", month.readings[reading])
    known = pl.Series("known", month.controlled)
    return _owned(month, pl.select(pl.when(known).then(code).otherwise(pl.lit(""))).to_series())


def _of_providers(
    answer: Callable[[Owners, Owners, Definition, str], list[Estimate]],
) -> Callable[[MonthCells, Definition], list[Estimate]]:
    """Return the function of a month that gives `answer` of its platforms' providers, then of those of each function."""

    def estimate(month: MonthCells, definition: Definition) -> list[Estimate]:
        providers = Providers(month)
        brands, firms = providers.platforms()
        if brands.names:
            answers = answer(brands, firms, definition, "")
        else:
            answers = [undefined(NO_PROVIDER, month.flows())]
        for name, own, companies in providers.by_function():
            answers += answer(own, companies, definition, name)
        return answers

    return estimate


def _provider_details(owners: Owners, companies: Owners) -> dict[str, float]:
    return {
        "providers": float(len(owners)),
        "companies": float(len(companies)),
        "provider_unknown": owners.unknown / (owners.known + owners.unknown),
    }


_PROVIDER_DETAILS = {
    "providers": "number of known providers with bytes",
    "companies": "number of companies behind them",
    "provider_unknown": "share of the bytes whose provider is unknown; 0 within a function, which only known ones have",
}
_WITHIN = " Within a function there are known providers only: what is unknown may be of any function, and extends none."


def platform_concentration(
    owners: Owners, companies: Owners, definition: Definition, function: str
) -> list[Estimate]:
    """C1: the Herfindahl-Hirschman index of the providers' shares."""
    index, by_company = owners.herfindahl(), companies.herfindahl()
    low, high = owners.herfindahl_interval(definition.level)
    sampling = positive_interval(index, definition.level, greatest=1.0)
    company_low, company_high = companies.herfindahl_interval(definition.level)
    details = {
        **_provider_details(owners, companies),
        "observed": float(((owners.bytes / owners.known) ** 2).sum()),
        "sampling_low": sampling[0],
        "sampling_high": sampling[1],
        "bound_low": owners.atomised().value,
        "bound_high": owners.merged().value,
        "by_company": by_company.value,
        "by_company_low": company_low,
        "by_company_high": company_high,
    }
    # Of one company that is listed the index is 1 by the list, and says nothing of a market.
    read = function not in ("", CONNECTS) and len(companies) > 1
    flags = _band(company_low, company_high) if read else frozenset()
    return [Estimate(index.value, low, high, owners.flows, function or None, details, flags)]


def _band(low: float, high: float) -> frozenset[str]:
    """Return the flag of the band that an interval lies in; none where it crosses a line."""
    if low > HIGH:
        return frozenset({"concentrated_highly"})
    if low >= MODERATE and high <= HIGH:
        return frozenset({"concentrated_moderately"})
    return frozenset({"concentrated_little"} if high < MODERATE else ())


def jurisdiction_concentration(month: MonthCells, definition: Definition) -> list[Estimate]:
    """C2: the Herfindahl-Hirschman index of the control shares J4, then of those of each function without exchange."""
    readings = [jurisdictions(month, reading) for reading in READINGS]
    if not Owners(readings[0]).names:
        return [undefined(reason("no_operator"), month.flows())]
    answers = [_of_jurisdictions([Owners(each) for each in readings], definition, None, month.flows())]
    served = month.taking("services")
    readings = [jurisdictions(served, reading) for reading in READINGS]
    for name in _present(readings[0]):
        own = [Owners(each.filter(pl.col("function") == name)) for each in readings]
        if own[0].names:
            answers.append(_of_jurisdictions(own, definition, name, own[0].flows))
    return answers


def _of_jurisdictions(
    readings: list[Owners], definition: Definition, function: str | None, flows: int
) -> Estimate:
    owners = readings[0]
    low, high = envelope(each.herfindahl_interval(definition.level) for each in readings)
    details = {
        "jurisdictions": float(len(owners)),
        "among_known": owners.herfindahl().value,
        "operator_unknown": owners.unknown / (owners.known + owners.unknown),
        "bound_high": owners.merged().value,
        **{f"by_{each}": r.atomised().value for each, r in zip(READINGS[1:], readings[1:], strict=True)},
    }
    return Estimate(owners.atomised().value, low, high, flows, function, details)


def effective_number(
    owners: Owners, companies: Owners, definition: Definition, function: str
) -> list[Estimate]:
    """C3: how many providers of equal size would be as concentrated."""
    low, high = owners.herfindahl_interval(definition.level)
    details = {**_provider_details(owners, companies), "by_company": 1 / companies.herfindahl().value}
    return [
        Estimate(1 / owners.herfindahl().value, 1 / high, 1 / low, owners.flows, function or None, details)
    ]


def largest(owners: Owners, companies: Owners, definition: Definition, function: str) -> list[Estimate]:
    """C4: the share of the k largest providers together, for k of 1, 4 and 8."""
    return [_largest(owners, companies, k, definition.level, function) for k in RANKS]


def _largest(owners: Owners, companies: Owners, k: int, level: float, function: str) -> Estimate:
    top = (np.arange(len(owners)) < k).astype(np.float64)
    share = weighted_share(top, owners.bytes, owners.variance)
    amounts = np.append(owners.bytes, owners.unknown)
    variances = np.append(owners.variance, owners.unknown_variance)
    least, most = (weighted_share(np.append(top, extra), amounts, variances) for extra in (0.0, 1.0))
    low, high = envelope(share_interval(each, level) for each in (share, least, most))
    details = {
        **_provider_details(owners, companies),
        "bound_low": least.value,
        "bound_high": most.value,
        "by_company": float(companies.bytes[:k].sum()) / companies.known,
    }
    flags = set()
    if len(owners) > k:
        apart = Quantity(
            float(owners.bytes[k - 1] - owners.bytes[k]), float(owners.variance[k - 1 : k + 1].sum())
        )
        details["rank_certainty"] = probability_larger(apart)
        if details["rank_certainty"] < level:
            flags.add("rank_unstable")
    value = clip(share.value, 0.0, 1.0)
    rank = of_largest(k)
    dimension = f"{function}-{rank}" if function else rank
    return Estimate(value, low, high, owners.flows, dimension, details, frozenset(flags))


INDICATORS = (
    Indicator(
        Definition(
            id="C1",
            group="concentration",
            base="with_platforms",
            bases={WITHIN_FUNCTION: "with_platforms_of_function"},
            takes="services",
            name="Platform concentration (HHI)",
            unit="index",
            range=(0.0, 1.0),
            formula="H = Σ_p s_p² − Σ_p var(s_p), s_p the platform's share of the bytes of known platforms, those of access "
            "and other networks that connect left out, var(s_p) its sampling variance; for n equal sampled units this is "
            "(n·H − 1) / (n − 1). Then within each function, that of networks that connect among them. Times 10,000 in the "
            "unit of competition authorities",
            inputs=PROVIDER,
            uncertainty="Sampling by the delta method, Σ 4(s−H)²V/B², on the log scale; extended by the "
            "bytes without a known provider: each with an owner of its own (least), or all with the "
            "largest (greatest)." + _WITHIN,
            source="Concentration of Internet Society Pulse; Hirschman 1945, Herfindahl 1950",
            source_status="verified",
            critique="All functions together are no market: no scale of a competition authority fits their index. Within a function, "
            "flags say by company where the scale of the US Merger Guidelines of 2023 puts it (moderate from 1,000, high above "
            "1,800; the European Commission has 1,000 and 2,000, Internet Society Pulse 1,500, 2,500 and 5,000), where its "
            "whole interval lies in one band. A function is still no relevant market, bytes are not revenue, and a platform of "
            "several kinds is in one function with all of them.",
            short="How concentrated the traffic with platforms is, as an index: 10,000 points if one "
            "platform had all of it. Only within a function (search, video, messages) may it be held "
            "against the scale of a competition authority; all functions together are no market, and "
            "neither are bytes. Needs 100 flow records.",
            clause="The concentration by company {base} is {value} of {total} possible points {aside}: {scale}",
            cautions=("market", "networks"),
            method_version="2",
            dimension="function",
            details={
                **_PROVIDER_DETAILS,
                "observed": "Σ s² before the correction for sampling",
                "sampling_low": "lower limit by sampling alone",
                "sampling_high": "upper limit by sampling alone",
                "bound_low": "the index if every unattributed byte had an owner of its own",
                "bound_high": "the index if the largest provider had every unattributed byte",
                "by_company": "the index with platforms and networks of one company counted together",
                "by_company_low": "its lower limit",
                "by_company_high": "its upper limit",
            },
        ),
        _of_providers(platform_concentration),
    ),
    Indicator(
        Definition(
            id="C2",
            group="concentration",
            base="measured",
            bases={WITHIN_FUNCTION: "with_services_of_function"},
            name="Jurisdiction concentration (HHI)",
            unit="index",
            range=(0.0, 1.0),
            formula="HJ = Σ_j FCS_j² − Σ_j var(FCS_j), FCS as J4: shares of all bytes, so that unknown "
            "operators add nothing; then within each function, where what networks of the country exchange is left out",
            inputs=(*FLOW, "control", "platform", "category", "remote_asn", "network_kind", "facts"),
            uncertainty="As C1, and the envelope over the readings of who controls (attributed control, "
            "incorporation and head office of the parent, host of the network); the value is at the lower bound of "
            "the unknown, where every byte of an unknown operator has a jurisdiction of its own.",
            source="Internet Society Pulse; Kumar et al. 2023",
            source_status="verified",
            critique="One dominant jurisdiction and two rival ones are not the same risk, whatever the "
            "index; it does not see whether the largest is the country itself.",
            short="The same index over the countries that control the traffic. It does not see whether the "
            "largest is the country itself. Needs 100 flow records.",
            clause="The control {base} is as concentrated as if {value} countries of equal size shared it {aside}",
            cautions=("jurisdictions", "networks"),
            method_version="3",
            dimension="function",
            details={
                "jurisdictions": "number of jurisdictions with bytes",
                "among_known": "the index among the bytes of known operators only",
                "operator_unknown": "share of all bytes whose operator is unknown",
                "bound_high": "the index if the largest jurisdiction had every unattributed byte",
                "by_incorporation": "the index by where the parents are incorporated",
                "by_headquarters": "the index by where the parents have their head office",
                "by_host": "the index by who controls the networks",
            },
        ),
        jurisdiction_concentration,
    ),
    Indicator(
        Definition(
            id="C3",
            group="concentration",
            base="with_platforms",
            bases={WITHIN_FUNCTION: "with_platforms_of_function"},
            takes="services",
            name="Effective number of platforms",
            unit="count",
            range=(1.0, None),
            formula="ENP = 1 / H, H as C1 (the Hill number of order 2); then within each function",
            inputs=PROVIDER,
            uncertainty="The limits of C1, inverted.",
            source="Laakso & Taagepera 1979; Hill 1973 (N2 = 1 / Simpson's index, as cited by Heip & Engels 1974)",
            source_status="verified",
            critique="It ignores who the largest is, and reads as a count of alternatives that users may "
            "not have.",
            short="The same as C1 as a number: how many platforms of equal size would be as concentrated. It "
            "is no count of the alternatives that users have. Needs 100 flow records.",
            clause="The concentration {base} equals that of {value} platforms of equal size {aside}",
            measure="platforms of equal size that would be as concentrated",
            cautions=("market", "networks"),
            method_version="2",
            dimension="function",
            details={
                **_PROVIDER_DETAILS,
                "by_company": "the number with platforms of one company counted together",
            },
        ),
        _of_providers(effective_number),
    ),
    Indicator(
        Definition(
            id="C4",
            group="concentration",
            base="with_platforms",
            bases={WITHIN_FUNCTION: "with_platforms_of_function"},
            takes="services",
            name="Share of the k largest platforms",
            unit="share",
            range=(0.0, 1.0),
            formula="CR_k = the sum of the k largest s_p, s_p as C1, for k = 1, 4, 8; 1 where there are "
            "no more than k providers. Then within each function",
            inputs=PROVIDER,
            uncertainty="Sampling (Korn & Graubard) for the k providers that were largest, extended by the "
            "bytes without a known provider: none of them, or all, with those k. Choosing the largest "
            "after sampling biases the value upwards: rank_certainty tells how sure the cut is." + _WITHIN,
            source="Industrial economics; 150 networks carried half of the traffic: Labovitz et al. 2010",
            source_status="verified",
            critique="k is arbitrary, and everything beyond the k-th is ignored.",
            short="How much of what platforms carry the largest, the four largest and the eight largest "
            "have. What is beyond them is not seen. Needs 100 flow records.",
            clause="{value} {base} {aside} is carried by the {k} largest platforms",
            clauses={
                "one": "{value} {base} {aside} is carried by the largest platform alone",
            },
            measure="measured traffic with platforms that is with the {k} largest",
            cautions=("market", "networks"),
            method_version="3",
            dimension="k",
            details={
                **_PROVIDER_DETAILS,
                "bound_low": "share of all bytes if the k largest had no unattributed byte",
                "bound_high": "share of all bytes if they had every unattributed byte",
                "by_company": "share of the k largest companies together",
                "rank_certainty": "probability, by sampling, that the k-th provider is larger than the next",
            },
        ),
        _of_providers(largest),
    ),
)
