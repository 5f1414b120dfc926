"""Concentration: on how few providers and jurisdictions a country's traffic depends.

A provider is the platform of a cell; where there is none but the network is a listed access or transit
network, that network by its AS number (one network, one provider). Everything else has no known provider: unlisted and folded networks. Shares of
C1, C3 and C4 are among bytes of known providers. Platforms of one company count apart, because a user can
leave one for another's; the index of their companies stands beside it.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from caudal.service.dimension import largest as of_largest
from caudal.service.indicators.cells import Month
from caudal.service.indicators.control import READINGS
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.observation import Estimate, undefined
from caudal.service.indicators.uncertainty import (
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
from caudal.service.reason import reason

FLOW = ("direction", "bytes", "bytes_variance")
PROVIDER = (*FLOW, "platform", "remote_asn", "network_kind")
RANKS = (1, 4, 8)
NO_PROVIDER = reason("no_provider")


class Owners:
    """The bytes of each known owner, the largest first, and those of unknown owners."""

    def __init__(self, month: Month, owner: pl.Expr) -> None:
        """Add up the month by `owner`, an expression that is empty where the owner is unknown."""
        sums = (
            month.cells.with_columns(owner.alias("owner"))
            .group_by("owner")
            .agg(pl.col("bytes", "bytes_variance", "flows").sum())
            .filter(pl.col("bytes") > 0)
            .sort("bytes", "owner", descending=[True, False])
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


def providers(month: Month) -> Owners:
    """Return the month by provider."""
    return Owners(month, _provider())


def _provider() -> pl.Expr:
    listed = (pl.col("network_kind") != "") & (pl.col("remote_asn") > 0)
    return (
        pl.when(pl.col("platform") != "")
        .then("platform")
        .when(listed)
        .then(pl.format("AS{}", "remote_asn"))
        .otherwise(pl.lit(""))
    )


def companies(month: Month) -> Owners:
    """Return the month by the company behind each provider, as far as the facts name one."""
    context = month.context
    names = {
        f"{prefix}{row[0]}": str(row[1])
        for name, prefix, number, company in (
            ("platforms", "", "platform_id", "parent"),
            ("access_networks", "AS", "asn", "parent"),
            ("transit_asns", "AS", "asn", "operator"),
        )
        if {number, company} <= set((listed := context.fact(name)).columns)
        for row in listed.select(number, company).iter_rows()
        if row[1]
    }
    return Owners(month, _provider().replace(names))


def jurisdictions(month: Month, reading: str = READINGS[0]) -> Owners:
    """Return the month by controlling jurisdiction, as one reading of control has it."""
    code = pl.Series(month.readings[reading])
    return Owners(month, pl.when(pl.Series(month.controlled)).then(code).otherwise(pl.lit("")))


def _of_providers(
    answer: Callable[[Owners, Definition], list[Estimate]],
) -> Callable[[Month, Definition], list[Estimate]]:
    """Return the function of a month that gives `answer` of its providers, if any provider is known."""

    def estimate(month: Month, definition: Definition) -> list[Estimate]:
        owners = providers(month)
        if not owners.names:
            return [undefined(NO_PROVIDER, owners.flows)]
        return answer(owners, definition)

    return estimate


def _provider_details(owners: Owners) -> dict[str, float]:
    return {
        "providers": float(len(owners)),
        "provider_unknown": owners.unknown / (owners.known + owners.unknown),
    }


_PROVIDER_DETAILS = {
    "providers": "number of known providers with bytes",
    "provider_unknown": "share of all bytes whose provider is unknown",
}


def platform_concentration(month: Month, definition: Definition) -> list[Estimate]:
    """C1: the Herfindahl-Hirschman index of the providers' shares."""
    owners, merged = providers(month), companies(month)
    if not owners.names:
        return [undefined(NO_PROVIDER, owners.flows)]
    index = owners.herfindahl()
    low, high = owners.herfindahl_interval(definition.level)
    sampling = positive_interval(index, definition.level, greatest=1.0)
    details = {
        **_provider_details(owners),
        "observed": float(((owners.bytes / owners.known) ** 2).sum()),
        "sampling_low": sampling[0],
        "sampling_high": sampling[1],
        "bound_low": owners.atomised().value,
        "bound_high": owners.merged().value,
        "by_company": merged.herfindahl().value,
        "companies": float(len(merged)),
    }
    return [Estimate(index.value, low, high, owners.flows, details=details)]


def jurisdiction_concentration(month: Month, definition: Definition) -> list[Estimate]:
    """C2: the Herfindahl-Hirschman index of the control shares J4."""
    owners = jurisdictions(month)
    if not owners.names:
        return [undefined(reason("no_operator"), month.flows())]
    index = owners.atomised()
    readings = [jurisdictions(month, reading) for reading in READINGS]
    low, high = envelope(each.herfindahl_interval(definition.level) for each in readings)
    details = {
        "jurisdictions": float(len(owners)),
        "among_known": owners.herfindahl().value,
        "operator_unknown": owners.unknown / (owners.known + owners.unknown),
        "bound_high": owners.merged().value,
        **{f"by_{each}": r.atomised().value for each, r in zip(READINGS[1:], readings[1:], strict=True)},
    }
    return [Estimate(index.value, low, high, month.flows(), details=details)]


def effective_number(owners: Owners, definition: Definition) -> list[Estimate]:
    """C3: how many providers of equal size would be as concentrated."""
    low, high = owners.herfindahl_interval(definition.level)
    return [
        Estimate(
            1 / owners.herfindahl().value,
            1 / high,
            1 / low,
            owners.flows,
            details=_provider_details(owners),
        )
    ]


def largest(owners: Owners, definition: Definition) -> list[Estimate]:
    """C4: the share of the k largest providers together, for k of 1, 4 and 8."""
    return [_largest(owners, k, definition.level) for k in RANKS]


def _largest(owners: Owners, k: int, level: float) -> Estimate:
    top = (np.arange(len(owners)) < k).astype(np.float64)
    share = weighted_share(top, owners.bytes, owners.variance)
    amounts = np.append(owners.bytes, owners.unknown)
    variances = np.append(owners.variance, owners.unknown_variance)
    least, most = (weighted_share(np.append(top, extra), amounts, variances) for extra in (0.0, 1.0))
    low, high = envelope(share_interval(each, level) for each in (share, least, most))
    details = {**_provider_details(owners), "bound_low": least.value, "bound_high": most.value}
    flags = set()
    if len(owners) > k:
        apart = Quantity(
            float(owners.bytes[k - 1] - owners.bytes[k]), float(owners.variance[k - 1 : k + 1].sum())
        )
        details["rank_certainty"] = probability_larger(apart)
        if details["rank_certainty"] < level:
            flags.add("rank_unstable")
    value = clip(share.value, 0.0, 1.0)
    return Estimate(value, low, high, owners.flows, of_largest(k), details, frozenset(flags))


INDICATORS = (
    Indicator(
        Definition(
            id="C1",
            group="concentration",
            title={
                "en": "Platform concentration (HHI)",
                "es": "Concentración por plataforma (IHH)",
                "pt": "Concentração por plataforma (IHH)",
            },
            unit="index",
            range=(0.0, 1.0),
            formula="H = Σ_p s_p² − Σ_p var(s_p), s_p the provider's share of the bytes of known "
            "providers, var(s_p) its sampling variance; for n equal sampled units this is "
            "(n·H − 1) / (n − 1). Times 10,000 in the unit of competition authorities",
            inputs=(*PROVIDER, "facts"),
            uncertainty="Sampling by the delta method, Σ 4(s−H)²V/B², on the log scale; extended by the "
            "bytes without a known provider: each with an owner of its own (least), or all with the "
            "largest (greatest).",
            source="Concentration of Internet Society Pulse; Hirschman 1945, Herfindahl 1950",
            source_status="verified",
            critique="The index depends on what counts as one market and one provider: platforms of one "
            "company are counted apart, and by_company tells what they make together. Bytes are not revenue, "
            "and video outweighs everything.",
            method_version="1",
            details={
                **_PROVIDER_DETAILS,
                "observed": "Σ s² before the correction for sampling",
                "sampling_low": "lower limit by sampling alone",
                "sampling_high": "upper limit by sampling alone",
                "bound_low": "the index if every unattributed byte had an owner of its own",
                "bound_high": "the index if the largest provider had every unattributed byte",
                "by_company": "the index with platforms and networks of one company counted together",
                "companies": "number of companies behind the known providers",
            },
        ),
        platform_concentration,
    ),
    Indicator(
        Definition(
            id="C2",
            group="concentration",
            title={
                "en": "Jurisdiction concentration (HHI)",
                "es": "Concentración por jurisdicción (IHH)",
                "pt": "Concentração por jurisdição (IHH)",
            },
            unit="index",
            range=(0.0, 1.0),
            formula="HJ = Σ_j FCS_j² − Σ_j var(FCS_j), FCS as J4: shares of all bytes, so that unknown "
            "operators add nothing",
            inputs=(*FLOW, "control", "platform", "remote_asn", "facts"),
            uncertainty="As C1, and the envelope over the readings of who controls (attributed control, "
            "incorporation and head office of the parent, host of the network); the value is at the lower bound of "
            "the unknown, where every byte of an unknown operator has a jurisdiction of its own.",
            source="Internet Society Pulse; Kumar et al. 2023",
            source_status="verified",
            critique="One dominant jurisdiction and two rival ones are not the same risk, whatever the "
            "index; it does not see whether the largest is the country itself.",
            method_version="2",
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
            title={
                "en": "Effective number of platforms",
                "es": "Número efectivo de plataformas",
                "pt": "Número efetivo de plataformas",
            },
            unit="count",
            range=(1.0, None),
            formula="ENP = 1 / H, H as C1 (the Hill number of order 2)",
            inputs=PROVIDER,
            uncertainty="The limits of C1, inverted.",
            source="Laakso & Taagepera 1979; Hill 1973 (N2 = 1 / Simpson's index, as cited by Heip & Engels 1974)",
            source_status="verified",
            critique="It ignores who the largest is, and reads as a count of alternatives that users may "
            "not have.",
            method_version="1",
            details=_PROVIDER_DETAILS,
        ),
        _of_providers(effective_number),
    ),
    Indicator(
        Definition(
            id="C4",
            group="concentration",
            title={
                "en": "Share of the k largest platforms",
                "es": "Participación de las k mayores plataformas",
                "pt": "Participação das k maiores plataformas",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="CR_k = the sum of the k largest s_p, s_p as C1, for k = 1, 4, 8; 1 where there are "
            "no more than k providers",
            inputs=PROVIDER,
            uncertainty="Sampling (Korn & Graubard) for the k providers that were largest, extended by the "
            "bytes without a known provider: none of them, or all, with those k. Choosing the largest "
            "after sampling biases the value upwards: rank_certainty tells how sure the cut is.",
            source="Industrial economics; 150 networks carried half of the traffic: Labovitz et al. 2010",
            source_status="verified",
            critique="k is arbitrary, and everything beyond the k-th is ignored.",
            method_version="2",
            dimension="k",
            details={
                **_PROVIDER_DETAILS,
                "bound_low": "share of all bytes if the k largest had no unattributed byte",
                "bound_high": "share of all bytes if they had every unattributed byte",
                "rank_certainty": "probability, by sampling, that the k-th provider is larger than the next",
            },
        ),
        _of_providers(largest),
    ),
)
