"""Jurisdiction: where a country's data goes, and who controls the networks it goes to.

c is the economy, l the location of the far end, j the jurisdiction that controls its operator, B[·] the
bytes out and in of the cells that satisfy ·. `control` is one jurisdiction per cell: a set-valued one
("KY/CN") would be read as a jurisdiction of its own, neither KY nor CN.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from caudal.service.indicators.accuracy import (
    LEAST_SPECIFICITY,
    Accuracy,
    domestic_accuracy,
    regional_accuracy,
)
from caudal.service.indicators.cells import BoolArray, Month
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.observation import Estimate, undefined
from caudal.service.indicators.uncertainty import (
    FloatArray,
    Interval,
    Quantity,
    clip,
    envelope,
    normal_interval,
    normal_quantile,
    rogan_gladen,
    rogan_gladen_weights,
    sensitivity_variance,
    share_variance,
    weighted_share,
)

FLOW = ("direction", "bytes", "bytes_variance")
LOCATION = (*FLOW, "remote_country", "location_rung")
ACCURACY = ("economy", "accuracy")


def share_inside(
    month: Month,
    inside: BoolArray,
    among: BoolArray,
    *,
    elsewhere: float,
    accuracy: Accuracy | None = None,
    specificity: float = LEAST_SPECIFICITY,
) -> Quantity:
    """Return the share of all bytes that lie `inside` an area and `among` the given cells.

    Cells without a location count for `elsewhere` (0 none of them inside, 1 all). With an accuracy, the
    bytes located by an address database are corrected by Rogan-Gladen; those located exactly are not.
    """
    located = month.located & among
    lookup = located & ~month.exactly_located
    weights = np.where(located, inside, np.where(among, elsewhere, 0.0)).astype(np.float64)
    if accuracy is None or month.total(lookup) == 0:
        return weighted_share(weights, month.bytes, month.variance)
    se = accuracy.sensitivity
    weight_inside, weight_outside = rogan_gladen_weights(se, specificity)
    exact = np.where(lookup, 0.0, weights)
    weights = np.where(lookup, np.where(inside, weight_inside, weight_outside), weights)
    looked_up = month.total(lookup) / month.total()
    corrected = rogan_gladen(month.total(lookup & inside) / month.total(lookup), se, specificity)
    # The value is cut to what a share can be; the variance stays that of the uncut, linear correction.
    value = float((exact * month.bytes).sum()) / month.total() + corrected * looked_up
    variance = weighted_share(weights, month.bytes, month.variance).variance
    if accuracy.trials:
        variance += looked_up**2 * sensitivity_variance(corrected, se, specificity, accuracy.trials)
    return Quantity(value, variance)


def location_scenarios(
    month: Month, inside: BoolArray, certain: BoolArray, possible: BoolArray, accuracy: Accuracy | None
) -> Iterator[Quantity]:
    """Yield the shares inside that cannot be ruled out, least and greatest.

    What is unknown is all outside, or all inside: first as located, then corrected, with the specificity
    at either end of what was measured. `certain` and `possible` bound the cells the share is about.
    """
    yield share_inside(month, inside, certain, elsewhere=0)
    yield share_inside(month, inside, possible, elsewhere=1)
    if accuracy is not None:
        yield share_inside(month, inside, certain, elsewhere=0, accuracy=accuracy)
        yield share_inside(month, inside, possible, elsewhere=1, accuracy=accuracy, specificity=1.0)


def bounded_interval(month: Month, part: BoolArray, unknown: BoolArray, level: float) -> Interval:
    """Return the interval of the share of a part: sampling, and none or all of `unknown` added to it."""
    scenarios = (
        weighted_share(which.astype(np.float64), month.bytes, month.variance)
        for which in (part, part | unknown)
    )
    return envelope(normal_interval(each, level, 0.0, 1.0) for each in scenarios)


def _location_share(
    month: Month, definition: Definition, inside: BoolArray, accuracy: Accuracy | None
) -> Estimate:
    located = month.located
    flows = month.flows(located)
    if month.total(located) == 0:
        return undefined("none of the bytes has a known location", flows)
    everywhere = np.ones(len(month), dtype=np.bool_)
    observed = weighted_share(
        inside[located].astype(np.float64), month.bytes[located], month.variance[located]
    )
    known = replace(month, cells=month.cells.filter(pl.Series(located)))
    corrected = share_inside(
        known, inside[located], np.ones(len(known), dtype=np.bool_), elsewhere=0, accuracy=accuracy
    )
    sampling = normal_interval(observed, definition.level, 0.0, 1.0)
    scenarios = list(location_scenarios(month, inside, everywhere, everywhere, accuracy))
    low, high = envelope(
        [sampling, *(normal_interval(each, definition.level, 0.0, 1.0) for each in scenarios)]
    )
    details = {
        "observed": observed.value,
        "corrected": corrected.value,
        "sampling_low": sampling[0],
        "sampling_high": sampling[1],
        "bound_low": scenarios[0].value,
        "bound_high": scenarios[1].value,
        "location_unknown": month.share(~located),
        "database_share": month.total(located & ~month.exactly_located) / month.total(located),
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
    "The envelope of: sampling (delta method on bytes_variance) of the observed share; the share of all "
    "bytes if none, or all, of the unlocated bytes were inside (that is [p, p + the location part of J9], "
    "p over all bytes), with sampling; the same two corrected by Rogan-Gladen for the bytes located by an "
    "address database, low end with Sp = 0.998, high end with Sp = 1, with the sampling error of Se. "
    "Locations from an operator's list or published cloud regions are taken as exact. An observed share "
    "is a lower bound: Se is below 1 and Sp nearly 1."
)


def domestic_location(month: Month, definition: Definition) -> list[Estimate]:
    """J1: the share of the located bytes whose far end is in the country."""
    inside = month.equals("remote_country", month.context.economy.country)
    return [_location_share(month, definition, inside, domestic_accuracy(month.context))]


def regional_location(month: Month, definition: Definition) -> list[Estimate]:
    """J2: the share of the located bytes whose far end is in the country's region, the country included."""
    region = month.context.region
    if not region:
        why = f"no country group is known as the region of {month.context.economy.country}"
        return [undefined(why, month.flows())]
    inside = month.among("remote_country", region)
    return [_location_share(month, definition, inside, regional_accuracy(month.context))]


def domestic_control(month: Month, definition: Definition) -> list[Estimate]:
    """J3: the share of all bytes whose far end is operated under the country's own control."""
    domestic = month.controlled & month.equals("control", month.context.economy.country)
    unknown = ~month.controlled
    low, high = bounded_interval(month, domestic, unknown, definition.level)
    details = {"operator_unknown": month.share(unknown)}
    return [Estimate(month.share(domestic), low, high, month.flows(), details=details)]


def control_by_jurisdiction(month: Month, definition: Definition) -> list[Estimate]:
    """J4: the share of all bytes under each jurisdiction that has any, the largest first."""
    total, total_variance = month.total(), month.total_variance()
    unknown, unknown_variance = month.total(~month.controlled), month.total_variance(~month.controlled)
    held = (
        month.cells.filter(pl.Series(month.controlled))
        .group_by("control")
        .agg(pl.col("bytes", "bytes_variance").sum())
        .filter(pl.col("bytes") > 0)
        .sort("bytes", "control", descending=[True, False])
    )
    if held.is_empty():
        return [undefined("none of the bytes has a known operator", month.flows())]
    part, variance = held["bytes"].to_numpy(), held["bytes_variance"].to_numpy()
    z = normal_quantile(definition.level)

    def limits(part: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
        half = z * np.sqrt(share_variance(part, variance, total, total_variance))
        return np.clip(part / total - half, 0, 1), np.clip(part / total + half, 0, 1)

    least = limits(part, variance)
    most = limits(part + unknown, variance + unknown_variance)
    share, low, high = part / total, np.minimum(least[0], most[0]), np.maximum(least[1], most[1])
    details = {"operator_unknown": month.share(~month.controlled)}
    return [
        Estimate(float(s), float(lo), float(hi), month.flows(), jurisdiction, details)
        for jurisdiction, s, lo, hi in zip(held["control"], share, low, high, strict=True)
    ]


def location_control_gap(month: Month, definition: Definition) -> list[Estimate]:
    """J5: the share of all bytes that stay in the country but are controlled from another."""
    country = month.context.economy.country
    home = month.located & month.equals("remote_country", country)
    foreign = month.controlled & ~month.equals("control", country)
    accuracy = domestic_accuracy(month.context)
    gap = weighted_share((home & foreign).astype(np.float64), month.bytes, month.variance)
    scenarios = list(location_scenarios(month, home, foreign, foreign | ~month.controlled, accuracy))
    low, high = envelope(normal_interval(each, definition.level, 0.0, 1.0) for each in (gap, *scenarios))
    domestic, abroad = month.share(home), month.share(foreign)
    details = {
        "located_at_home": domestic,
        "controlled_abroad": abroad,
        "frechet_low": max(0.0, domestic + abroad - 1),
        "frechet_high": min(domestic, abroad),
        "bound_low": scenarios[0].value,
        "bound_high": scenarios[1].value,
    }
    if domestic > 0:
        unattributed = month.share(home & ~month.controlled)
        details |= {
            "conditional": clip(gap.value / domestic, 0.0, 1.0),
            "conditional_high": clip((gap.value + unattributed) / domestic, 0.0, 1.0),
        }
    flags = frozenset({"accuracy_unmeasured"})
    if accuracy is not None:
        corrected = share_inside(month, home, foreign, elsewhere=0, accuracy=accuracy)
        details["corrected"] = corrected.value
        flags = frozenset({"accuracy_extrapolated"} if accuracy.extrapolated else ())
    return [Estimate(gap.value, low, high, month.flows(), details=details, flags=flags)]


def undetermined(month: Month, definition: Definition) -> list[Estimate]:
    """J9: the share of all bytes that lack a location or an operator."""
    share = weighted_share(month.undetermined.astype(np.float64), month.bytes, month.variance)
    low, high = normal_interval(share, definition.level, 0.0, 1.0)
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
            title={
                "en": "Domestic location share",
                "es": "Proporción de tráfico localizado en el país",
                "pt": "Parcela do tráfego localizada no país",
            },
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
            method_version="1",
            details=_LOCATION_DETAILS,
        ),
        domestic_location,
    ),
    Indicator(
        Definition(
            id="J2",
            group="jurisdiction",
            title={
                "en": "Regional location share",
                "es": "Proporción de tráfico localizado en la región",
                "pt": "Parcela do tráfego localizada na região",
            },
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
            method_version="1",
            details=_LOCATION_DETAILS,
        ),
        regional_location,
    ),
    Indicator(
        Definition(
            id="J3",
            group="jurisdiction",
            title={
                "en": "Domestic control share",
                "es": "Proporción de tráfico bajo control nacional",
                "pt": "Parcela do tráfego sob controle nacional",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="DCS = B[j = c] / B",
            inputs=(*FLOW, "control", "economy"),
            uncertainty="Sampling (delta method), extended upwards by the bytes of unknown operators as "
            "if all of them were under domestic control. Errors of attribution are not in it.",
            source="Government hosting: Kumar et al., IMC 2024",
            source_status="verified",
            critique="Control of the host is not control of the tenant: a national service on a foreign "
            "cloud counts as foreign, a foreign one on a national host as domestic.",
            method_version="1",
            details={"operator_unknown": "share of all bytes whose operator is unknown"},
        ),
        domestic_control,
    ),
    Indicator(
        Definition(
            id="J4",
            group="jurisdiction",
            title={
                "en": "Control share by jurisdiction",
                "es": "Proporción de tráfico bajo control de cada jurisdicción",
                "pt": "Parcela do tráfego sob controle de cada jurisdição",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="FCS_k = B[j = k] / B for every jurisdiction k with bytes; Σ_k FCS_k + the share of "
            "unknown operators = 1",
            inputs=(*FLOW, "control"),
            uncertainty="As J3, for each jurisdiction by itself: the upper limits cannot all be reached "
            "at once.",
            source="Market shares by country: Internet Society Pulse",
            source_status="verified",
            critique="Dual control (incorporated in one country, run from another) needs fractional or "
            "set-valued jurisdictions; one is recorded. A set such as KY/CN counts as a "
            "jurisdiction of its own.",
            method_version="1",
            dimension="jurisdiction",
            details={"operator_unknown": "share of all bytes whose operator is unknown"},
        ),
        control_by_jurisdiction,
    ),
    Indicator(
        Definition(
            id="J5",
            group="jurisdiction",
            title={
                "en": "Location-control gap",
                "es": "Brecha entre localización y control",
                "pt": "Lacuna entre localização e controle",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="LCG = B[l = c and j ≠ c, j known] / B; conditional LCG / (B[l = c] / B)",
            inputs=(*LOCATION, "control", *ACCURACY),
            uncertainty="The envelope of sampling (delta method) and of two bounds: no byte of unknown "
            "location or operator belongs to the gap; every byte that could does. Both are also taken "
            "corrected as J1. Fréchet bounds max(0, DLS + FCS − 1) ≤ LCG ≤ min(DLS, FCS), both shares "
            "of all bytes and FCS under foreign control, are given as a check; the joint is observed.",
            source="Own; legal reading: EU Cloud Sovereignty Framework, SEAL-1 against SEAL-3",
            source_status="verified_anchor",
            critique="Legal reach depends on possession, custody or control, on encryption, and on who "
            "holds the keys; the gap says where a foreign order could arrive, not that one did.",
            method_version="1",
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
            title={
                "en": "Undetermined share",
                "es": "Proporción indeterminada",
                "pt": "Parcela indeterminada",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="UND = B[l unknown, anycast included, or operator unknown] / B; each byte counts once",
            inputs=(*LOCATION, "control"),
            uncertainty="Sampling only (delta method): it is itself the bound of the others.",
            source="Own; what hides inside other networks: Gigis et al., SIGCOMM 2021",
            source_status="verified_anchor",
            critique="Must be read beside every other indicator. What is located or attributed wrongly "
            "is not in it.",
            method_version="1",
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
