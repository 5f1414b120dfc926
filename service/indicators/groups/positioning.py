"""Positioning: where a country's material is processed, and how far its region can do it.

The stage of a platform is its place on the ladder from raw material (1) to intelligence (5). It says what a platform
is, not what is sent to it; only P2 goes by it, to tell platforms that process data from networks that carry it.
"""

import numpy as np

from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Quantity,
    envelope,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.statistics.location import FLOW, control_interval, no_region
from caudal.service.indicators.statistics.payload import Payload, payload_of
from caudal.service.vocabulary.reason import reason

# From this stage on data is processed: infrastructure, services, intelligence.
PROCESSED = 3
SENT, DELIVERED = "sent", "delivered"


def processed_elsewhere(month: MonthCells, definition: Definition) -> list[Estimate]:
    """P1: of what is sent to platforms, and of what they deliver, the share of those controlled outside the region."""
    region = month.context.region
    if not region:
        return [undefined(no_region(month.context), month.flows())]
    payload = payload_of(month)
    return [
        _elsewhere(month, definition, payload, region, name, which)
        for name, which in ((SENT, month.outward), (DELIVERED, ~month.outward))
    ]


def _elsewhere(
    month: MonthCells,
    definition: Definition,
    payload: Payload,
    region: frozenset[str],
    name: str,
    way: BoolArray,
) -> Estimate:
    platforms = way & month.platforms & month.controlled
    total = payload.total(platforms).value
    if total == 0:
        code = f"no_platform_{name}" if month.total(platforms) == 0 else "no_payload"
        return undefined(reason(code), month.flows(), name)
    inside = month.commanded(region)
    # Outside by every reading of who controls, by attribution, by any reading.
    sole, attributed, reached = (platforms & ~each for each in reversed(inside))
    unlisted = way & month.unlisted
    value = _part(payload.value, attributed, platforms, payload.variance)
    # The least: little in what is outside, much in the rest, and all that nobody knows in the region; the greatest: the reverse.
    least = _mixed(payload, sole, (platforms & ~sole) | unlisted)
    greatest = _mixed(payload, reached | unlisted, platforms & ~reached, most=True)
    low, high = envelope(share_interval(each, definition.level) for each in (value, least, greatest))
    by_headers = (
        _mixed(payload, attributed, platforms & ~attributed).value,
        _mixed(payload, attributed, platforms & ~attributed, most=True).value,
    )
    own = platforms & month.commanded(frozenset({month.context.economy.country}))[1]
    sampling = share_interval(value, definition.level)
    details = {
        "sampling_low": sampling[0],
        "sampling_high": sampling[1],
        "own_country": payload.total(own).value / total,
        "headers_low": min(by_headers[0], value.value),
        "headers_high": max(by_headers[1], value.value),
        "sole": payload.total(sole).value / total,
        "reached": payload.total(reached).value / total,
        "unlisted": month.total(unlisted) / month.total(way),
    }
    still = platforms & ~month.video
    if payload.total(still).value > 0:
        details["without_video"] = payload.total(attributed & still).value / payload.total(still).value
    return Estimate(value.value, low, high, month.flows(platforms), name, details)


def _mixed(payload: Payload, outside: BoolArray, rest: BoolArray, *, most: bool = False) -> Quantity:
    """Return the least share that is outside, of the least payload outside and the most of the rest; or the greatest."""
    amounts = (
        np.where(outside, payload.most, payload.least)
        if most
        else np.where(outside, payload.least, payload.most)
    )
    # Nothing on either side may be anything.
    if amounts[outside | rest].sum() == 0:
        return Quantity(float(most), 0.0)
    return _part(amounts, outside, outside | rest, payload.variance)


def _part(amounts: FloatArray, which: BoolArray, of: BoolArray, variance: FloatArray) -> Quantity:
    """Return the share of `which` in the amounts of the cells `of`."""
    weights = (which & of).astype(np.float64)
    return weighted_share(weights[of], amounts[of], variance[of])


def regional_capability(month: MonthCells, definition: Definition) -> list[Estimate]:
    """P2: of the bytes of platforms that process data, the share controlled from the region."""
    region = month.context.region
    if not region:
        return [undefined(no_region(month.context), month.flows())]
    processed = month.cells["stage"].to_numpy() >= PROCESSED
    if month.total(processed) == 0:
        return [undefined(reason("no_processed"), month.flows(processed))]
    sole, attributed, reached = (each & processed for each in month.commanded(region))
    interval = control_interval(month, (sole, attributed, reached), definition.level, processed)
    unknown = month.unlisted
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
            base="sent",
            bases={DELIVERED: "delivered"},
            takes="services",
            name="Processing outside the region",
            unit="share",
            range=(0.0, 1.0),
            formula="PE_d = Σ P[j ∉ g(c)] / Σ P, P the payload (as V2) sent to platforms, d = sent, or delivered by them, "
            "d = delivered; j who controls the platform, g(c) the region, c included. Where the country's material is "
            "processed, and whose finished services come back",
            inputs=(
                *FLOW,
                "packets",
                "platform",
                "category",
                "control",
                "remote_asn",
                "network_kind",
                "region_members",
                "facts",
            ),
            uncertainty="Sampling (Korn & Graubard) around three shares: the estimate; the least, of platforms outside by every "
            "reading of who controls with the least payload that their packets allow, against the most of the others, "
            "unlisted networks all in the region; and the greatest, the reverse.",
            source="Ahumada & Sossdorf 2025; headers as V2",
            source_status="verified_anchor",
            critique="Who controls a platform says who decides about what is sent to it, not where the work on it is done. Video "
            "outweighs everything that is delivered (without_video leaves it out), and most of what goes out to watch it are "
            "acknowledgements, so that the limits of what is sent are wide.",
            short="How much of the payload sent to platforms, and of that delivered by them, is with "
            "platforms controlled from outside the region. It says who decides about the data, not "
            "where the machines stand. Needs 100 flow records.",
            clause="{value} {base} {aside} goes to platforms controlled from outside the region",
            clauses={
                "delivered": "{value} {base} {aside} comes from platforms controlled from outside the region",
            },
            measure="data sent to platforms that goes to those controlled from outside the region",
            cautions=("processing", "payload"),
            sums_up=("sent", "delivered"),
            method_version="2",
            dimension="way of the payload",
            details={
                "sampling_low": "lower limit by sampling alone",
                "sampling_high": "upper limit by sampling alone",
                "own_country": "the share of platforms controlled from the country itself",
                "headers_low": "the share if headers were the most outside the region and the least in it",
                "headers_high": "the share if they were the least outside and the most in it",
                "sole": "the share that is outside by every reading",
                "reached": "the share that is outside by at least one reading",
                "unlisted": "share of the bytes that way of networks that no list knows",
                "without_video": "the share without platforms most of whose bytes are video",
            },
        ),
        processed_elsewhere,
    ),
    Indicator(
        Definition(
            id="P2",
            group="positioning",
            base="processed",
            takes="services",
            name="Share of the region's platforms in data processing (stages 3 to 5)",
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
            short="Of the traffic with platforms that process data, how much is with those controlled from "
            "the region. Bytes understate software, and video outweighs both. Needs 100 flow records.",
            clause="{value} {base} {aside} belongs to platforms controlled from the region",
            measure="measured traffic with platforms that process data that is with those controlled from the region",
            cautions=("volume", "networks"),
            method_version="3",
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
