"""Jurisdiction: where a country's data goes, and who controls the networks it goes to.

c is the economy, l the location of the far end, j the jurisdiction that controls its operator, B[·] the
bytes of the cells that satisfy ·: domestic, out and in, where what two networks of c exchange is domestic (l = c) and
counts once. A cell is attributed to one j, on which the values rest; who
else could command it (see `control.py`) widens their intervals.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.control import READINGS
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    clip,
    envelope,
    share_interval,
    share_intervals,
    share_variance,
    weighted_share,
)
from caudal.service.indicators.statistics.accuracy import (
    LEAST_SPECIFICITY,
    Accuracy,
    domestic_accuracy,
    regional_accuracy,
)
from caudal.service.indicators.statistics.location import (
    ACCURACY,
    FLOW,
    LOCATION,
    control_interval,
    location_scenarios,
    no_region,
    share_inside,
)
from caudal.service.vocabulary.reason import reason

CONTROL = ("control", "platform", "remote_asn", "facts")


def _location_share(
    month: MonthCells, definition: Definition, inside: BoolArray, accuracy: Accuracy | None
) -> Estimate:
    located = month.located
    flows = month.flows(located)
    if month.total(located) == 0:
        return undefined(reason("no_location"), flows)
    everywhere = np.ones(len(month), dtype=np.bool_)
    observed = weighted_share(
        inside[located].astype(np.float64), month.bytes[located], month.variance[located]
    )
    known = replace(month, cells=month.cells.filter(pl.Series(located)))
    corrected = share_inside(
        known, inside[located], np.ones(len(known), dtype=np.bool_), elsewhere=0, accuracy=accuracy
    )
    sampling = share_interval(observed, definition.level)
    scenarios = list(location_scenarios(month, inside, everywhere, everywhere, accuracy, definition.level))
    low, high = envelope([sampling, *(each.interval for each in scenarios)])
    details = {
        "observed": observed.value,
        "corrected": corrected.value,
        "sampling_low": sampling[0],
        "sampling_high": sampling[1],
        "bound_low": scenarios[0].value,
        "bound_high": scenarios[1].value,
        "location_unknown": month.share(~located),
        "database_share": month.total(month.looked_up) / month.total(located),
    }
    flags = frozenset({"accuracy_unmeasured"})
    if accuracy is not None:
        details |= {"sensitivity": accuracy.sensitivity, "specificity": LEAST_SPECIFICITY}
        flags = frozenset({"accuracy_extrapolated"} if accuracy.extrapolated else ())
    return Estimate(observed.value, low, high, flows, details=details, flags=flags)


_LOCATION_DETAILS = {
    "observed": "the share as located, over bytes with a known location (the value)",
    "corrected": "the observed share corrected for the errors of the address database",
    "sampling_low": "lower limit of the observed share by sampling alone",
    "sampling_high": "upper limit of the observed share by sampling alone",
    "bound_low": "share of all bytes if no unlocated byte were inside",
    "bound_high": "share of all bytes if every unlocated byte were inside",
    "location_unknown": "share of all bytes without a known location, anycast included",
    "database_share": "share of the located bytes that an address database located",
    "sensitivity": "Se used: share of addresses inside that the database places inside",
    "specificity": "Sp used: least share of addresses outside that the database places outside",
}
_LOCATION_UNCERTAINTY = (
    "The envelope of: sampling (Korn & Graubard) of the observed share; the share of all "
    "bytes if none, or all, of the unlocated bytes were inside (that is [p, p + the location part of J9], "
    "p over all bytes), with sampling; the same two corrected by Rogan-Gladen for the bytes located by an "
    "address database, low end with Sp = 0.998, high end with Sp = 1, with the sampling error of Se, "
    "and with that of locations which are wrong network by network. "
    "Locations from an operator's list or published cloud regions are taken as exact. An observed share "
    "is a lower bound, as Se is below 1 and Sp nearly 1: no correction goes below it, less 0.002 of what was looked up."
)


def domestic_location(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J1: the share of the located bytes whose far end is in the country."""
    inside = month.equals("remote_country", month.context.economy.country)
    return [_location_share(month, definition, inside, domestic_accuracy(month.context))]


def regional_location(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J2: the share of the located bytes whose far end is in the country's region, the country included."""
    region = month.context.region
    if not region:
        return [undefined(no_region(month.context), month.flows())]
    inside = month.among("remote_country", region)
    return [_location_share(month, definition, inside, regional_accuracy(month.context))]


_CONTROL_DETAILS = {
    "operator_unknown": "share of all bytes whose operator is unknown",
    "sole": "share of all bytes that this jurisdiction alone commands by every reading",
    "reached": "share of all bytes that it can reach by at least one reading",
}
_CONTROL_UNCERTAINTY = (
    "Sampling (Korn & Graubard) around three shares: of what the jurisdiction commands by every reading of who "
    "controls (attributed control, incorporation and head office of the parent, host of the network), of "
    "what is attributed to it, and of what it reaches by any reading, with and without the bytes of "
    "unknown operators"
)


def domestic_control(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J3: the share of all bytes whose far end is operated under the country's own control."""
    home = frozenset({month.context.economy.country})
    sole, domestic, reached = month.commanded(home)
    low, high = control_interval(month, (sole, domestic, reached), definition.level)
    details = {
        "operator_unknown": month.share(~month.controlled),
        "sole": month.share(sole),
        "reached": month.share(reached),
    }
    return [Estimate(month.share(domestic), low, high, month.flows(), details=details)]


def control_by_jurisdiction(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J4: the share of all bytes under each jurisdiction that has any, the largest first."""
    total, total_variance = month.total(), month.total_variance()
    unknown, unknown_variance = month.total(~month.controlled), month.total_variance(~month.controlled)
    held = _held(month)
    if held.is_empty():
        return [undefined(reason("no_operator"), month.flows())]

    def limits(part: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
        variance = share_variance(part, variance, total, total_variance)
        return share_intervals(part / total, variance, definition.level)

    def amounts(which: str) -> tuple[FloatArray, FloatArray]:
        return held[f"{which}_bytes"].to_numpy(), held[f"{which}_variance"].to_numpy()

    reached, reached_variance = amounts("reached")
    intervals = [
        limits(*amounts("sole")),
        limits(*amounts("attributed")),
        limits(reached, reached_variance),
        limits(reached + unknown, reached_variance + unknown_variance),
    ]
    low = np.minimum.reduce([each[0] for each in intervals])
    high = np.maximum.reduce([each[1] for each in intervals])
    return [
        Estimate(
            row["attributed_bytes"] / total,
            float(least),
            float(most),
            month.flows(),
            row["jurisdiction"],
            {
                "operator_unknown": unknown / total,
                "sole": row["sole_bytes"] / total,
                "reached": row["reached_bytes"] / total,
            },
        )
        for row, least, most in zip(held.iter_rows(named=True), low, high, strict=True)
    ]


def _held(month: MonthCells) -> pl.DataFrame:
    """Return the bytes that each jurisdiction alone commands, is attributed, and can reach, with variances."""
    cells = pl.concat([month.cells.select("bytes", "bytes_variance"), month.readings], how="horizontal")
    cells = cells.filter(pl.Series(month.controlled) & (pl.col("bytes") > 0)).with_row_index("cell")
    each = (
        cells.unpivot(list(READINGS), index=("cell", "bytes", "bytes_variance"), value_name="jurisdiction")
        .group_by("cell", "jurisdiction")
        .agg(
            pl.col("bytes", "bytes_variance").first(),
            pl.len().alias("readings"),
            (pl.col("variable") == "control").any().alias("attributed"),
        )
        .sort("cell", "jurisdiction")
    )
    subsets = {
        "sole": pl.col("readings") == len(READINGS),
        "attributed": pl.col("attributed"),
        "reached": pl.lit(value=True),
    }
    sums = [
        pl.col(column).filter(which).sum().alias(f"{name}_{label}")
        for name, which in subsets.items()
        for column, label in (("bytes", "bytes"), ("bytes_variance", "variance"))
    ]
    return (
        each.group_by("jurisdiction", maintain_order=True)
        .agg(*sums)
        .sort("attributed_bytes", "reached_bytes", "jurisdiction", descending=[True, True, False])
    )


def location_control_gap(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J5: the share of all bytes that stay in the country but are controlled from another."""
    country = month.context.economy.country
    home = month.located & month.equals("remote_country", country)
    sole, domestic, reached = month.commanded(frozenset({country}))
    foreign = month.controlled & ~domestic
    accuracy = domestic_accuracy(month.context)
    gap = weighted_share((home & foreign).astype(np.float64), month.bytes, month.variance)
    level = definition.level
    scenarios = list(location_scenarios(month, home, month.controlled & ~reached, ~sole, accuracy, level))
    attributed = location_scenarios(month, home, foreign, foreign | ~month.controlled, accuracy, level)
    low, high = envelope([share_interval(gap, level), *(each.interval for each in (*scenarios, *attributed))])
    at_home, abroad = month.share(home), month.share(foreign)
    details = {
        "located_at_home": at_home,
        "controlled_abroad": abroad,
        "frechet_low": max(0.0, at_home + abroad - 1),
        "frechet_high": min(at_home, abroad),
        "bound_low": scenarios[0].value,
        "bound_high": scenarios[1].value,
    }
    if at_home > 0:
        unattributed = month.share(home & ~month.controlled)
        details |= {
            "conditional": clip(gap.value / at_home, 0.0, 1.0),
            "conditional_high": clip((gap.value + unattributed) / at_home, 0.0, 1.0),
        }
    flags = frozenset({"accuracy_unmeasured"})
    if accuracy is not None:
        corrected = share_inside(month, home, foreign, elsewhere=0, accuracy=accuracy)
        details["corrected"] = corrected.value
        flags = frozenset({"accuracy_extrapolated"} if accuracy.extrapolated else ())
    return [Estimate(gap.value, low, high, month.flows(), details=details, flags=flags)]


def undetermined(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J9: the share of all bytes that lack a location or an operator."""
    share = weighted_share(month.undetermined.astype(np.float64), month.bytes, month.variance)
    low, high = share_interval(share, definition.level)
    unlocated, unattributed = ~month.located, ~month.controlled
    details = {
        "location_unknown": month.share(unlocated & ~month.anycast),
        "anycast": month.share(month.anycast),
        "operator_unknown": month.share(unattributed),
        "both_unknown": month.share(unlocated & unattributed),
    }
    return [Estimate(share.value, low, high, month.flows(), details=details)]


INDICATORS = (
    Indicator(
        Definition(
            id="J1",
            group="jurisdiction",
            base="located",
            name="Share of traffic located in the country",
            unit="share",
            range=(0.0, 1.0),
            formula="DLS = B[l = c] / B[l known]; corrected DLS* = (DLS − (1−Sp)) / (Se + Sp − 1)",
            inputs=(*LOCATION, *ACCURACY),
            uncertainty=_LOCATION_UNCERTAINTY,
            source="National confinement of tracking flows: Iordanou et al., IMC 2018; correction: "
            "Rogan & Gladen 1978",
            source_status="verified",
            critique="A nearby cache or an anycast address answers for a service run elsewhere; where a "
            "byte lies does not say who commands it (see J3, J5). Se was measured on addresses of "
            "public clouds, each weighing alike, not on bytes.",
            short="How much of the traffic with a known location has its server in the country. A near "
            "server may answer for a service that is run elsewhere, and a server in the country may "
            "obey an order from abroad: read it with J3 and J5. Needs 100 flow records.",
            clause="{value} {base} {aside} stays in the country",
            measure="traffic with a known location that stays in the country",
            cautions=("location", "networks"),
            method_version="3",
            details=_LOCATION_DETAILS,
        ),
        domestic_location,
    ),
    Indicator(
        Definition(
            id="J2",
            group="jurisdiction",
            base="located",
            name="Share of traffic located in the region",
            unit="share",
            range=(0.0, 1.0),
            formula="RLS = B[l ∈ g(c)] / B[l known], g(c) the country group taken as the region of c, "
            "c included; corrected as J1",
            inputs=(*LOCATION, *ACCURACY, "region_members"),
            uncertainty=_LOCATION_UNCERTAINTY + " Se is that of finding the very country, so for a region "
            "a lower bound, and the corrected share an upper one.",
            source="Regional confinement (EU28) of tracking flows: Iordanou et al., IMC 2018",
            source_status="verified",
            critique="The choice of the region decides the result: the group is named beside the value.",
            short="The same for the region, the country included. The report names the region, and another "
            "region would give another number. Needs 100 flow records.",
            clause="{value} {base} {aside} stays in the region, the country included",
            cautions=("location", "networks"),
            method_version="3",
            details=_LOCATION_DETAILS,
        ),
        regional_location,
    ),
    Indicator(
        Definition(
            id="J3",
            group="jurisdiction",
            base="measured",
            name="Share of traffic under domestic control",
            unit="share",
            range=(0.0, 1.0),
            formula="DCS = B[j = c] / B",
            inputs=(*FLOW, *CONTROL, "economy"),
            uncertainty=f"{_CONTROL_UNCERTAINTY}. Other errors of attribution are not in it.",
            source="Government hosting: Kumar et al., IMC 2024",
            source_status="verified",
            critique="Control of the host is not control of the tenant. A national service on a foreign "
            "cloud counts as domestic where a name told it from its host, with the host's jurisdiction in "
            "the interval; where nothing told it, as the host's.",
            short="How much of the measured traffic is with networks controlled from the country itself. Who "
            "controls the hosting provider need not control its customer. Needs 100 flow records.",
            clause="{value} {base} {aside} goes to networks controlled from the country itself",
            cautions=("control", "networks"),
            method_version="4",
            details=_CONTROL_DETAILS,
        ),
        domestic_control,
    ),
    Indicator(
        Definition(
            id="J4",
            group="jurisdiction",
            base="measured",
            name="Share of traffic by the jurisdiction that controls it",
            unit="share",
            range=(0.0, 1.0),
            formula="FCS_k = B[j = k] / B for every jurisdiction k with bytes; Σ_k FCS_k + the share of "
            "unknown operators = 1",
            inputs=(*FLOW, *CONTROL),
            uncertainty=f"{_CONTROL_UNCERTAINTY}. For each jurisdiction by itself: the upper limits cannot "
            "all be reached at once.",
            source="Market shares by country: Internet Society Pulse",
            source_status="verified",
            critique="Under dual control (incorporated in one country, run from another) the value follows "
            "one jurisdiction, by effective control; another that could command the same bytes has them "
            "in its interval only, also where its own value is 0.",
            short="The same for every country: how much of the measured traffic is with networks controlled "
            "from it. Where two countries could claim a company, the value follows effective control, "
            "and the interval of the other holds it too. Needs 100 flow records.",
            clause="{value} {base} {aside} goes to networks controlled from {from}",
            measure="measured traffic that passes through companies controlled from one country ({of})",
            cautions=("control", "networks"),
            method_version="4",
            dimension="jurisdiction",
            details=_CONTROL_DETAILS,
        ),
        control_by_jurisdiction,
    ),
    Indicator(
        Definition(
            id="J5",
            group="jurisdiction",
            base="measured",
            name="Share located in the country and controlled from abroad",
            unit="share",
            range=(0.0, 1.0),
            formula="LCG = B[l = c and j ≠ c, j known] / B; conditional LCG / (B[l = c] / B)",
            inputs=(*LOCATION, *CONTROL, *ACCURACY),
            uncertainty="The envelope of sampling (Korn & Graubard) and of two bounds: no byte of unknown "
            "location or operator belongs to the gap, nor any that the country could command by some "
            "reading; every byte that could belong does, also by one reading only. Both are also taken "
            "corrected as J1. Fréchet bounds max(0, DLS + FCS − 1) ≤ LCG ≤ min(DLS, FCS), both shares "
            "of all bytes and FCS under foreign control, are given as a check; the joint is observed.",
            source="Own; legal reading: EU Cloud Sovereignty Framework, SEAL-1 against SEAL-3",
            source_status="verified_anchor",
            critique="Legal reach depends on possession, custody or control, on encryption, and on who "
            "holds the keys; the gap says where a foreign order could arrive, not that one did.",
            short="How much of the measured traffic has its server in the country under control from abroad. "
            "It says where a foreign order could arrive, not that one did. Encryption and who holds "
            "the keys are not seen. Needs 100 flow records.",
            clause="{value} {base} {aside} stays in the country with networks controlled from abroad",
            cautions=("control", "networks"),
            method_version="4",
            details={
                "conditional": "the gap as a share of the bytes located in the country",
                "conditional_high": "the same if every unattributed byte located there were under foreign "
                "control",
                "corrected": "the gap corrected for the errors of the address database",
                "located_at_home": "share of all bytes located in the country",
                "controlled_abroad": "share of all bytes under known foreign control",
                "frechet_low": "least gap that the two shares allow",
                "frechet_high": "greatest gap that the two shares allow",
                "bound_low": "the gap if no byte of unknown location or operator belonged to it",
                "bound_high": "the gap if every byte that could belong to it did",
            },
        ),
        location_control_gap,
    ),
    Indicator(
        Definition(
            id="J9",
            group="jurisdiction",
            base="measured",
            name="Undetermined share",
            unit="share",
            range=(0.0, 1.0),
            formula="UND = B[l unknown, anycast included, or operator unknown] / B; each byte counts once",
            inputs=(*LOCATION, "control"),
            uncertainty="Sampling only (Korn & Graubard): it is itself the bound of the others.",
            source="Own; what hides inside other networks: Gigis et al., SIGCOMM 2021",
            source_status="verified_anchor",
            critique="Must be read beside every other indicator. What is located or attributed wrongly "
            "is not in it.",
            short="How much of the measured traffic could not be located or attributed. Read it beside every "
            "other indicator: what is in it could change them. What was located wrongly is not in it. "
            "Needs one flow record.",
            clause="{value} {base} {aside} could not be located or attributed",
            cautions=("undetermined", "networks"),
            method_version="3",
            # A bound holds of any sample, and must be shown also where nothing else can be.
            minimum_flows=1,
            details={
                "location_unknown": "share of bytes without a location, anycast apart",
                "anycast": "share of bytes to declared anycast addresses",
                "operator_unknown": "share of bytes whose operator is unknown",
                "both_unknown": "share of bytes that lack both (anycast included), counted once in the value",
            },
        ),
        undetermined,
    ),
)
