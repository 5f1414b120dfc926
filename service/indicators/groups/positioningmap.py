"""The positioning map: commodity or special, standard or custom, and where the region's platforms earn."""

import numpy as np
import polars as pl

from caudal.service.indicators.facts.platformrevenue import capture_of
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import UNCHECKED
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import clip
from caudal.service.indicators.statistics.location import no_region
from caudal.service.indicators.statistics.montecarlo import LEVEL, band
from caudal.service.vocabulary.reason import Reason, reason

FILE = "platform_positions"
COLUMNS = ("platform_id", "rater", "commodity_special", "standard_custom")
QUADRANTS = (
    ("commodity", "standard"),
    ("commodity", "custom"),
    ("special", "standard"),
    ("special", "custom"),
)
# By rater, by platform: its place on either axis.
Positions = dict[str, dict[str, tuple[str, str]]]


def positioning_map(month: MonthCells, _: Definition) -> list[Estimate]:
    """P4: how the value captured by the region's platforms is spread over the quadrants of the map."""
    context = month.context
    if not context.region:
        return [undefined(no_region(context), month.flows())]
    tags = context.fact(FILE)
    if tags.is_empty() or not set(COLUMNS) <= set(tags.columns):
        return [undefined(_needs("positions"), month.flows())]
    captured = capture_of(month)
    if captured.reason:
        return [undefined(captured.reason, month.flows())]
    regional = [each for each in captured.platforms if each.control in context.region]
    tagged = frozenset(tags["platform_id"].to_list())
    placed = [each for each in regional if each.platform in tagged]
    if not placed:
        return [undefined(_needs("regional_positions"), month.flows())]
    raters = {
        str(rater): {row["platform_id"]: (row["commodity_special"], row["standard_custom"]) for row in rows}
        for rater, rows in _by_rater(tags)
    }
    draws = np.array([each.draws for each in placed])
    every = np.array([each.draws for each in regional]).sum(axis=0)
    unplaced = 1 - float(np.mean(draws.sum(axis=0) / every))
    flows = month.flows(np.any([each.cells(month) for each in placed], axis=0))
    details = {"raters": float(len(raters)), "platforms": float(len(placed)), "untagged": unplaced}
    agreement = kappa(raters)
    if agreement is not None:
        details["kappa"] = agreement
    flags = frozenset().union(*(each.flags for each in placed))
    if "status" in tags.columns and tags["status"].str.contains(UNCHECKED, literal=True).any():
        flags |= {"from_memory"}
    answers = []
    for quadrant in QUADRANTS:
        # Several raters: each platform lies in a quadrant by the share of the raters that put it there.
        votes = np.array([_votes(raters, each.platform, quadrant) for each in placed])
        mean = band((draws * votes.mean(axis=1)[:, None]).sum(axis=0) / draws.sum(axis=0))
        least = band((draws * (votes.min(axis=1))[:, None]).sum(axis=0) / every)
        most = band(((draws * votes.max(axis=1)[:, None]).sum(axis=0) + every - draws.sum(axis=0)) / every)
        low = min(mean.low, least.low)
        high = max(mean.high, most.high)
        value = clip(mean.value, low, high)
        answers.append(
            Estimate(value, clip(low, 0, 1), clip(high, 0, 1), flows, "_".join(quadrant), details, flags)
        )
    return answers


def _needs(code: str) -> Reason:
    return reason(code, file=FILE, columns=", ".join(COLUMNS))


def _by_rater(tags: pl.DataFrame) -> list[tuple[str, list[dict[str, str]]]]:
    return [
        (str(rater), rows.to_dicts())
        for (rater,), rows in tags.sort("rater", "platform_id").group_by("rater", maintain_order=True)
    ]


def _votes(raters: Positions, platform: str, quadrant: tuple[str, str]) -> list[float]:
    """Return 1 for each rater who put the platform in the quadrant, and 0 for each who put it elsewhere."""
    said = [positions.get(platform) for positions in raters.values()]
    votes = [float(each == quadrant) for each in said if each is not None]
    return votes + [float(np.mean(votes))] * (len(raters) - len(votes))


def kappa(raters: Positions) -> float | None:
    """Return Fleiss' kappa of the platforms that all raters placed; None for one rater or nothing to agree on.

    Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971).
    """
    common = sorted(frozenset.intersection(*(frozenset(each) for each in raters.values())))
    if len(raters) < 2 or not common:
        return None
    counts = np.array(
        [
            [sum(each[name] == quadrant for each in raters.values()) for quadrant in QUADRANTS]
            for name in common
        ]
    )
    number = len(raters)
    agreed = float(((counts**2).sum(axis=1) - number).mean()) / (number * (number - 1))
    by_chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return 1.0 if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


INDICATORS = (
    Indicator(
        Definition(
            id="P4",
            group="positioning",
            base="revenue_of_region",
            name="Market position of the region's platforms",
            unit="share",
            range=(0.0, 1.0),
            formula="Q_ab = VC[j ∈ g(c), quadrant ab] / VC[j ∈ g(c), tagged], VC the value captured (V3), a commodity or "
            "special, b standard or custom. Each rater's tag weighs alike; the four add up to 1",
            inputs=("facts", "economy", "region_members"),
            uncertainty="P5 to P95 of the draws of V3; extended by the rater who puts least, and most, in the "
            "quadrant, and by regional platforms that nobody tagged, none or all in it.",
            source="Market positioning of value networks: Pérez 2010; agreement: Fleiss 1971",
            source_status="verified_anchor",
            critique="The tags are expert judgement; value captured in the country stands for value captured, and only "
            "platforms with published regional revenue are in it.",
            short="Where the region's own platforms stand, by revenue: commodity or special, standard or "
            "custom. The places are the judgement of experts, and only platforms with published "
            "regional revenue are in it. Needs at least one expert's judgement.",
            clause="An estimated {value} {base} {aside} has the market position “{of}”",
            cautions=("judgement", "published"),
            method_version="2",
            # Computed of filings and of the judgement of raters, from no flows.
            minimum_flows=0,
            dimension="quadrant",
            details={
                "raters": "raters who tagged platforms",
                "platforms": "platforms of the region with a tag and a value captured",
                "untagged": "share of the value captured by the region's platforms that has no tag",
                "kappa": "agreement of the raters beyond chance (Fleiss), on platforms that all tagged",
            },
            level=LEVEL,
        ),
        positioning_map,
    ),
)
