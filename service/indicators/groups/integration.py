"""Integration: how much of what a region exchanges abroad it exchanges with itself."""

import numpy as np
import polars as pl

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Quantity,
    envelope,
    misplacement_variance,
    normal_interval,
    rogan_gladen,
    sensitivity_variance,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.statistics.accuracy import LEAST_SPECIFICITY, Accuracy, regional_accuracy
from caudal.service.indicators.statistics.location import ACCURACY, LOCATION, no_region
from caudal.service.vocabulary.reason import reason

ECONOMY, REGION = "economy", "region"
UNKNOWN_NETWORK = -1
REGION_FLOWS = ("economy", "remote_country", "bytes", "bytes_variance", "flows")


def network_integration(month: MonthCells, definition: Definition) -> list[Estimate]:
    """P3: of the bytes exchanged abroad, the share exchanged within the region: of the country, of all members."""
    context = month.context
    if not context.region:
        return [undefined(no_region(context), month.flows())]
    country = context.economy.country
    own = month.cells.select(
        pl.lit(country).alias("economy"),
        pl.when(pl.Series(month.located)).then("remote_country").otherwise(pl.lit(UNKNOWN_COUNTRY)),
        pl.col("bytes", "bytes_variance"),
        pl.col("flows"),
        pl.col("remote_asn").alias("network"),
    )
    answers = [_integration(month, definition, own, ECONOMY)]
    supplied = context.region_flows
    if supplied is None or not set(REGION_FLOWS) <= set(supplied.columns):
        return [*answers, undefined(reason("region_flows"), month.flows(), REGION)]
    neighbours = supplied.filter(
        pl.col("economy").is_in(sorted(context.region)) & (pl.col("economy") != country)
    )
    # Of the neighbours' flows it is not known which network they went to.
    others = neighbours.select(*REGION_FLOWS, pl.lit(UNKNOWN_NETWORK).alias("network"))
    rows = pl.concat([own, others.cast(dict(own.schema))])  # type: ignore[arg-type]
    return [*answers, _integration(month, definition, rows, REGION)]


def _integration(month: MonthCells, definition: Definition, rows: pl.DataFrame, name: str) -> Estimate:
    context = month.context
    rows = rows.filter(pl.col("remote_country") != pl.col("economy")).sort(rows.columns)
    placed = ~rows["remote_country"].is_in([UNKNOWN_COUNTRY, ""]).to_numpy()
    inside = rows["remote_country"].is_in(sorted(context.region)).to_numpy()
    amounts, variances = rows["bytes"].to_numpy(), rows["bytes_variance"].to_numpy()
    flows = int(rows["flows"].to_numpy()[placed].sum())
    if amounts[placed].sum() == 0:
        return undefined(reason("none_abroad"), flows, name)
    value = weighted_share(inside[placed].astype(np.float64), amounts[placed], variances[placed])
    scenarios = [value]
    scenarios += [
        weighted_share(each.astype(np.float64), amounts, variances) for each in (inside, inside | ~placed)
    ]
    accuracy = regional_accuracy(context)
    intervals = [share_interval(each, definition.level) for each in scenarios]
    details = {"location_unknown": float(amounts[~placed].sum() / amounts.sum())}
    if accuracy is not None:
        found = (
            rows.filter(pl.Series(inside & placed))
            .group_by("economy", "remote_country", "network", maintain_order=True)
            .agg(pl.col("bytes").sum())["bytes"]
            .to_numpy()
        )
        relative = found / amounts[placed].sum()
        corrected = _corrected(value, relative, accuracy, LEAST_SPECIFICITY, definition.level)
        details["corrected"] = corrected.value
        ends = (corrected, _corrected(scenarios[2], relative, accuracy, 1.0, definition.level))
        intervals += [normal_interval(each, definition.level, 0.0, 1.0) for each in ends]
    low, high = envelope(intervals)
    flags = {"accuracy_unmeasured"} if accuracy is None else set[str]()
    if accuracy is not None and accuracy.extrapolated:
        flags.add("accuracy_extrapolated")
    if name == REGION:
        reporting = frozenset(rows["economy"].to_list())
        absent = _absent(context, reporting)
        # Members that do not report may exchange all, or nothing, within the region.
        low, high = low * (1 - absent), high * (1 - absent) + absent
        details |= {
            "members": float(len(context.region)),
            "members_reporting": float(len(reporting)),
            "absent": absent,
        }
        if len(reporting) < len(context.region):
            flags.add("members_missing")
    return Estimate(value.value, low, high, flows, name, details, frozenset(flags))


def _corrected(
    share: Quantity, found: FloatArray, accuracy: Accuracy, specificity: float, level: float
) -> Quantity:
    """Return a share corrected for misplaced addresses; `found` are the shares of each network placed inside."""
    se = accuracy.sensitivity
    true = rogan_gladen(share.value, se, specificity)
    variance = share.variance / (se + specificity - 1) ** 2
    variance += sensitivity_variance(true, se, specificity, accuracy.trials)
    variance += misplacement_variance(found, 1.0, se, specificity, level)
    return Quantity(true, variance)


def _absent(context: Context, reporting: frozenset[str]) -> float:
    """Return the share of the region's Internet users whose countries do not report; of its members without figures."""
    absent = context.region - reporting
    economies = context.fact("economies")
    if {"country", "internet_users"} <= set(economies.columns):
        users = {
            str(country): float(number)
            for country, number in economies.select("country", "internet_users").iter_rows()
            if number and country in context.region
        }
        if context.region <= users.keys():
            return sum(users[each] for each in absent) / sum(users.values())
    return len(absent) / len(context.region)


INDICATORS = (
    Indicator(
        Definition(
            id="P3",
            group="positioning",
            base="exchanged_abroad",
            bases={REGION: "exchanged_by_region"},
            takes="crossing",
            name="Exchange that stays in the region",
            unit="share",
            range=(0.0, 1.0),
            formula="RNI = Σ_{c ∈ g} B[l ∈ g, l ≠ c] / Σ_{c ∈ g} B[l known, l ≠ c]; for the country alone (economy), and "
            "over the members of its region that report (region)",
            inputs=(*LOCATION, *ACCURACY, "region_members", "region_flows", "facts"),
            uncertainty="The envelope of sampling (Korn & Graubard), of bytes of unknown location all outside or all "
            "inside, and of both corrected by Rogan-Gladen with the Se of the region (also for bytes located "
            "exactly: an upper limit) and its error as J1. For the region, members that do not report exchange nothing or "
            "everything within it, by their share of its Internet users.",
            source="Pérez 2010; the share of intra-regional trade",
            source_status="verified_anchor",
            critique="It needs exporters in every member. A byte between two members that report counts at both ends, "
            "as in trade statistics, and a member weighs by the bytes of its networks that report, not by its size; "
            "caches at home take exchange out of sight.",
            short="How much of the exchange with other countries stays in the region: for the country alone, "
            "and for the region's countries that report together. Caches at home take exchange out of "
            "sight. Needs 100 flow records, and for the region reports from its other countries.",
            clause="{value} {base} {aside} stays in the region",
            measure="measured traffic with a known location in other countries that stays in the region",
            cautions=("integration", "networks"),
            sums_up=("economy", "region"),
            method_version="3",
            dimension="scope",
            details={
                "location_unknown": "share of the bytes exchanged abroad, or perhaps abroad, without a known location",
                "corrected": "the share corrected for the errors of the address database",
                "members": "members of the region",
                "members_reporting": "members of the region with flows in the month",
                "absent": "share of the region's Internet users in members that do not report (of members, where users "
                "are not known of all)",
            },
        ),
        network_integration,
    ),
)
