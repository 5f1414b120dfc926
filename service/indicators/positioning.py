"""Positioning: at which stage of the digital value network a country and its region stand.

The stage of a platform is its place on the ladder from raw material (1) to intelligence (5).
"""

import numpy as np
import polars as pl

from caudal.service.indicators.cells import BoolArray, Month
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.location import FLOW, control_interval, no_region
from caudal.service.indicators.observation import Estimate, undefined
from caudal.service.indicators.uncertainty import (
    Interval,
    Quantity,
    clip,
    envelope,
    normal_interval,
    share_interval,
    weighted_share,
)
from caudal.service.reason import reason

FIRST_STAGE, LAST_STAGE = 1, 5
# From this stage on data is processed: infrastructure, services, intelligence.
PROCESSED = 3


def unstaged(month: Month) -> BoolArray:
    """Return which cells may be of a platform at any stage: none is known, nor that it is no platform."""
    return ~month.staged & month.equals("network_kind", "")


def processing_gap(month: Month, definition: Definition) -> list[Estimate]:
    """P1: the mean stage of what comes in, less that of what goes out."""
    stage = month.cells["stage"].to_numpy().astype(np.float64)
    staged, unknown = month.staged, unstaged(month)
    parts = {"in": staged & ~month.outward, "out": staged & month.outward}
    for name, which in parts.items():
        if month.total(which) == 0:
            return [undefined(reason(f"no_stage_{name}"), month.flows(staged))]
    held = {name: month.total(which) for name, which in parts.items()}
    possible = {
        "in": month.total(unknown & ~month.outward),
        "out": month.total(unknown & month.outward),
    }
    mean = {name: float((stage * month.bytes)[which].sum()) / held[name] for name, which in parts.items()}
    gradient = np.where(
        month.outward, -(stage - mean["out"]) / held["out"], (stage - mean["in"]) / held["in"]
    )
    gap = Quantity(mean["in"] - mean["out"], float((gradient**2 * month.variance)[staged].sum()))
    platforms = (
        month.cells.filter(pl.Series(staged))
        .group_by("platform", "stage")
        .agg(pl.col("bytes").filter(pl.col("direction") == each).sum().alias(each) for each in ("in", "out"))
        .sort("platform", "stage")
    )
    stages = platforms["stage"].to_numpy().astype(np.float64)

    def shifted(total_in: float, total_out: float) -> Interval:
        """Return the least and greatest gap if each platform stood a stage lower or higher."""
        weight = platforms["in"].to_numpy() / total_in - platforms["out"].to_numpy() / total_out
        step = np.sign(weight)
        low, high = (
            float((weight * np.clip(stages + way * step, FIRST_STAGE, LAST_STAGE)).sum()) for way in (-1, 1)
        )
        return low, high

    bound = shifted(held["in"], held["out"])
    total = {name: held[name] + possible[name] for name in held}
    diluted = shifted(total["in"], total["out"])
    unknown_in, unknown_out = (possible[name] / total[name] for name in ("in", "out"))
    widest = (
        diluted[0] + FIRST_STAGE * unknown_in - LAST_STAGE * unknown_out,
        diluted[1] + LAST_STAGE * unknown_in - FIRST_STAGE * unknown_out,
    )
    reach = float(LAST_STAGE - FIRST_STAGE)
    sampling = normal_interval(gap, definition.level, -reach, reach)
    half = (sampling[1] - sampling[0]) / 2
    low, high = envelope([sampling, bound, widest])
    details = {
        "stage_in": mean["in"],
        "stage_out": mean["out"],
        "sampling_low": sampling[0],
        "sampling_high": sampling[1],
        "stage_low": bound[0],
        "stage_high": bound[1],
        "unstaged": month.share(unknown),
    }
    low, high = clip(low - half, -reach, reach), clip(high + half, -reach, reach)
    return [Estimate(clip(gap.value, low, high), low, high, month.flows(staged), details=details)]


def regional_capability(month: Month, definition: Definition) -> list[Estimate]:
    """P2: of the bytes of platforms that process data, the share controlled from the region."""
    region = month.context.region
    if not region:
        return [undefined(no_region(month.context), month.flows())]
    processed = month.cells["stage"].to_numpy() >= PROCESSED
    if month.total(processed) == 0:
        return [undefined(reason("no_processed"), month.flows(processed))]
    sole, attributed, reached = (each & processed for each in month.commanded(region))
    interval = control_interval(month, (sole, attributed, reached), definition.level, processed)
    unknown = unstaged(month)
    wide = processed | unknown
    bounds = [
        weighted_share(which[wide].astype(np.float64), month.bytes[wide], month.variance[wide])
        for which in (sole, reached | unknown)
    ]
    low, high = envelope([interval, *(share_interval(each, definition.level) for each in bounds)])
    country = frozenset({month.context.economy.country})
    total = month.total(processed)
    details = {
        "sole": month.total(sole) / total,
        "reached": month.total(reached) / total,
        "own_country": month.total(month.commanded(country)[1] & processed) / total,
        "processed": month.share(processed),
        "unstaged": month.share(unknown),
    }
    value = month.total(attributed) / total
    return [Estimate(value, low, high, month.flows(processed), details=details)]


INDICATORS = (
    Indicator(
        Definition(
            id="P1",
            group="positioning",
            takes="services",
            title={
                "en": "Processing gap",
                "es": "Brecha de procesamiento",
                "pt": "Lacuna de processamento",
            },
            unit="stages",
            range=(-4.0, 4.0),
            formula="PG = Li − Lo, L = Σ_s s·b_s / Σ_s b_s over the stages s = 1 … 5 of platforms, i in, o out; above 0 "
            "what comes in is further processed than what goes out",
            inputs=(*FLOW, "stage", "platform", "network_kind"),
            uncertainty="The envelope of three ranges, widened by sampling (delta method): the value; every "
            "platform a stage lower or higher, at its best and worst, the same in both directions; and that with "
            "the bytes of unknown operators at stage 1 one way and stage 5 the other.",
            source="Ahumada & Sossdorf 2025; stages of a value network: Pérez 2010",
            source_status="verified_anchor",
            critique="The stage belongs to the platform, not to what it carries: a platform that gathers raw data and "
            "sells finished services stands at one stage in both directions, so that only differences between "
            "platforms show.",
            method_version="1",
            details={
                "stage_in": "mean stage of the bytes in, Li",
                "stage_out": "mean stage of the bytes out, Lo",
                "sampling_low": "lower limit by sampling alone",
                "sampling_high": "upper limit by sampling alone",
                "stage_low": "least gap if each platform stood up to a stage lower or higher",
                "stage_high": "greatest gap if each platform stood up to a stage lower or higher",
                "unstaged": "share of all bytes of unknown operators, at any stage or none",
            },
        ),
        processing_gap,
    ),
    Indicator(
        Definition(
            id="P2",
            group="positioning",
            takes="services",
            title={
                "en": "Regional capability share at stages 3 to 5",
                "es": "Proporción de capacidad regional en las etapas 3 a 5",
                "pt": "Parcela de capacidade regional nas etapas 3 a 5",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="RCS = B[j ∈ g(c), s ≥ 3] / B[s ≥ 3], s the stage of the platform",
            inputs=(
                *FLOW,
                "stage",
                "control",
                "platform",
                "remote_asn",
                "network_kind",
                "region_members",
                "facts",
            ),
            uncertainty="Sampling (Korn & Graubard) around three shares: controlled from the region by every reading of "
            "who controls, by attribution, by any reading (as J4); extended by the bytes of unknown operators, as "
            "if all were of stages 3 to 5, controlled elsewhere or in the region.",
            source="Regional networks of production and capability: Pérez 2010",
            source_status="verified_anchor",
            critique="Bytes understate software, and video outweighs both; control of a platform is not where its "
            "work is done.",
            method_version="2",
            details={
                "sole": "the share that the region alone commands by every reading",
                "reached": "the share that it can reach by at least one reading",
                "own_country": "the share controlled from the country itself",
                "processed": "share of all bytes of platforms of stages 3 to 5",
                "unstaged": "share of all bytes of unknown operators",
            },
        ),
        regional_capability,
    ),
)
