"""Compelled access: which laws could order a byte handed over, where it lies or through who holds it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.service.indicators.accuracy import ERRORS_POINT_TO, LEAST_SPECIFICITY, abroad_accuracy
from caudal.service.indicators.cells import BoolArray, Month
from caudal.service.indicators.context import UNCHECKED, Context
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.location import ACCURACY, LOCATION, misplaced
from caudal.service.indicators.observation import Estimate, undefined
from caudal.service.indicators.uncertainty import FloatArray, clip, envelope, share_interval, weighted_share
from caudal.service.indicators.validity import members
from caudal.service.reason import reason

COLUMNS = ("jurisdiction", "year", "extraterritorial", "scope", "in_force", "exposure_weight_proposal")
# A treaty compels nobody by itself: the laws of its parties do.
TREATIES = "INT"
UNION = "EU"
# Words of a scope that reaches what was said or stored, and not only who spoke with whom.
CONTENT_WORDS = ("content", "any", "signals", "stored")
SCENARIOS = ("proposal", "equal", "content_only")
# How sure it is that a law reaches a byte: at least, by the reading taken, at most.
Ends = tuple[float, float, float]
NOTHING: Ends = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Regime:
    """The laws of one jurisdiction: where it rules, and by scenario what it weighs there and abroad.

    `at_home` weighs for data in its territory, `abroad` for data held elsewhere by those it commands.
    """

    jurisdiction: str
    territory: frozenset[str]
    at_home: dict[str, Ends]
    abroad: dict[str, Ends]
    unchecked: bool


def regimes(context: Context) -> list[Regime]:
    """Return the regimes of the laws that hold in the month, by jurisdiction."""
    laws = context.fact("access_laws")
    if not set(COLUMNS) <= set(laws.columns):
        return []
    laws = laws.filter(
        (pl.col("year") <= context.last_day.year)
        & pl.col("in_force").is_in(["yes", "partly"])
        & (pl.col("jurisdiction") != TREATIES)
    )
    groups = context.fact("country_groups")
    found = []
    for (jurisdiction,), rows in laws.sort("jurisdiction").group_by("jurisdiction", maintain_order=True):
        name = str(jurisdiction)
        union = members(groups, UNION) if name == UNION else frozenset({name})
        status = rows["status"].to_list() if "status" in rows.columns else []
        found.append(
            Regime(
                name,
                union,
                {scenario: _ends(rows, scenario, ("yes", "partly", "no")) for scenario in SCENARIOS},
                {scenario: _ends(rows, scenario, ("yes",)) for scenario in SCENARIOS},
                any(UNCHECKED in str(each) for each in status),
            )
        )
    return found


def _ends(laws: pl.DataFrame, scenario: str, certain_reach: tuple[str, ...]) -> Ends:
    """Return the greatest weight of the laws: of those certain, of those taken to apply, of all possible ones."""
    reach = (*certain_reach, "partly")
    rows = list(laws.select("extraterritorial", "in_force", "scope", "exposure_weight_proposal").iter_rows())

    def weight(scope: str, proposal: float) -> float:
        if scenario == "proposal":
            return float(proposal)
        return 1.0 if scenario == "equal" or any(word in scope for word in CONTENT_WORDS) else 0.0

    def greatest(reaches: tuple[str, ...], force: tuple[str, ...]) -> float:
        return max((weight(s, p) for e, f, s, p in rows if e in reaches and f in force), default=0.0)

    return (
        greatest(certain_reach, ("yes",)),
        greatest(reach, ("yes",)),
        greatest(reach, ("yes", "partly")),
    )


@dataclass(frozen=True)
class _Reach:
    """For each cell whether a regime rules where it lies, commands its operator by attribution, or by any reading."""

    home: BoolArray
    attributed: BoolArray
    reached: BoolArray

    def weights(self, regime: Regime, scenario: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what the regime weighs on each cell: at least, by the reading taken, at most."""
        at_home, abroad = regime.at_home[scenario], regime.abroad[scenario]
        held = (self.attributed, self.reached, self.reached)
        low, taken, high = (np.maximum(self.home * at_home[end], held[end] * abroad[end]) for end in range(3))
        return low, taken, high


def compelled_access(month: Month, definition: Definition) -> list[Estimate]:
    """J7: the exposure by three sets of weights, then what each jurisdiction's laws reach."""
    found = regimes(month.context)
    if not found:
        return [undefined(reason("access_laws", columns=", ".join(COLUMNS)), month.flows())]
    reaches = {}
    for regime in found:
        home = month.located & month.among("remote_country", regime.territory)
        _, attributed, reached = month.commanded(regime.territory)
        reaches[regime.jurisdiction] = _Reach(home, attributed, reached)
    answers = [_exposure(month, definition, scenario, found, reaches) for scenario in SCENARIOS]
    return [*answers, *_vector(month, definition, found, reaches)]


def _greatest(arrays: Iterator[FloatArray], size: int) -> FloatArray:
    total = np.zeros(size)
    for each in arrays:
        np.maximum(total, each, out=total)
    return total


def _exposure(
    month: Month, definition: Definition, scenario: str, found: list[Regime], reaches: dict[str, _Reach]
) -> Estimate:
    size = len(month)
    weights = {each.jurisdiction: reaches[each.jurisdiction].weights(each, scenario) for each in found}

    def over(end: int, only: Callable[[Regime], bool] = lambda _: True) -> FloatArray:
        return _greatest((weights[each.jurisdiction][end] for each in found if only(each)), size)

    def count(end: int, only: Callable[[Regime], bool] = lambda _: True) -> float:
        reached = sum(
            (weights[each.jurisdiction][end] > 0).astype(np.float64) for each in found if only(each)
        )
        return weighted_share(reached * np.ones(size), month.bytes, month.variance).value

    def foreign(regime: Regime) -> bool:
        return month.context.economy.country not in regime.territory

    # What lies nowhere known, or has no known operator, could be under the heaviest law there is.
    heaviest_home = max(each.at_home[scenario][2] for each in found)
    heaviest_abroad = max(each.abroad[scenario][2] for each in found)
    unknown = np.maximum(~month.located * heaviest_home, ~month.controlled * heaviest_abroad)
    ends = (over(0), over(1), np.maximum(over(2), unknown))
    shares = [weighted_share(each, month.bytes, month.variance) for each in ends]
    low, high = envelope(share_interval(each, definition.level) for each in shares)
    # A byte placed wrongly lies where other laws rule; it matters unless who holds it is under the heaviest anyway.
    held = _greatest(
        (reaches[each.jurisdiction].attributed * np.float64(each.abroad[scenario][0]) for each in found), size
    )
    open_ = ~month.equals("remote_country", ERRORS_POINT_TO) & (held < heaviest_home)
    wrong = misplaced(month, open_, abroad_accuracy(month.context), definition.level)
    there = max(
        (each.at_home[scenario][0] for each in found if ERRORS_POINT_TO in each.territory), default=0.0
    )
    low = clip(low - wrong * there, 0.0, 1.0)
    high = clip(high + wrong * max(0.0, heaviest_home - there), 0.0, 1.0)
    details = {
        "foreign": weighted_share(over(1, foreign), month.bytes, month.variance).value,
        "regimes": count(1),
        "regimes_low": count(0),
        "regimes_high": count(2),
        "regimes_foreign": count(1, foreign),
        "undetermined_weight": shares[2].value - weighted_share(over(2), month.bytes, month.variance).value,
    }
    flags = frozenset({"from_memory"} if any(each.unchecked for each in found) else ())
    return Estimate(shares[1].value, low, high, month.flows(), scenario, details, flags)


def _vector(
    month: Month, definition: Definition, found: list[Regime], reaches: dict[str, _Reach]
) -> Iterator[Estimate]:
    """Yield for each jurisdiction the share of all bytes that one of its laws reaches, and its weights."""
    accuracy = abroad_accuracy(month.context)
    rarely = (1 - LEAST_SPECIFICITY) * month.share(month.looked_up)
    for regime in found:
        reach = reaches[regime.jurisdiction]
        least, taken, most = reach.weights(regime, "equal")
        possible = np.maximum(most, np.maximum(~month.located, ~month.controlled) * 1.0)
        if not (most > 0).any():
            continue
        shares = [weighted_share(each, month.bytes, month.variance) for each in (least, taken, possible)]
        low, high = envelope(share_interval(each, definition.level) for each in shares)
        # Wrong locations point to one country, and so away from all others.
        pointed = ERRORS_POINT_TO in regime.territory
        moved = ~reach.home & ~reach.attributed if pointed else reach.home & ~reach.reached
        wrong = misplaced(month, moved, accuracy, definition.level)
        low -= wrong if pointed else rarely
        high += rarely if pointed else wrong
        interval = clip(low, 0.0, 1.0), clip(high, 0.0, 1.0)
        weights = {
            f"weight_{scenario.replace(' ', '_')}": max(
                regime.at_home[scenario][1], regime.abroad[scenario][1]
            )
            for scenario in SCENARIOS
        }
        flags = frozenset({"from_memory"} if regime.unchecked else ())
        yield Estimate(shares[1].value, *interval, month.flows(), regime.jurisdiction, weights, flags)


INDICATORS = (
    Indicator(
        Definition(
            id="J7",
            group="jurisdiction",
            title={
                "en": "Compelled-access exposure",
                "es": "Exposición al acceso por mandato legal",
                "pt": "Exposição ao acesso por ordem legal",
            },
            unit="score",
            range=(0.0, 1.0),
            formula="CAE = Σ b·max(w_l, w_j) / B, w_l the greatest weight of the laws where the byte lies, w_j of "
            "the laws that reach abroad of those who command its operator. Weights: as proposed in "
            "access_laws.csv (proposal); 1 for every law (equal); 1 for laws that reach content (content only). "
            "Then for each jurisdiction the share of all bytes that one of its laws reaches",
            inputs=(*LOCATION, *ACCURACY, "control", "platform", "remote_asn", "facts"),
            uncertainty="The envelope of sampling (Korn & Graubard) around three sums. Least: laws in force that "
            "reach abroad without condition, through attributed control only, nothing undetermined. Taken: also laws that "
            "reach abroad in part, and every reading of who controls. Most: also laws partly in force, and the "
            "heaviest law on every byte of unknown location or operator. Widened by as many bytes as a "
            "database may have placed in the United States, where wrong locations point, that lie under other "
            "laws (Se as J6, its error as J1).",
            source="Own; the laws with their sources in access_laws.csv",
            source_status="verified_laws_memory_weights",
            critique="The weights are a judgement, not a fact: read the scenarios side by side and the vector by "
            "jurisdiction. Exposure is what the law allows, not what was ordered; encryption with keys held "
            "elsewhere is not seen.",
            method_version="2",
            dimension="scenario or jurisdiction",
            details={
                "foreign": "the same without the laws of the country itself",
                "regimes": "mean number of regimes whose laws reach a byte",
                "regimes_low": "the same, counting what is certain",
                "regimes_high": "the same, counting laws partly in force",
                "regimes_foreign": "mean number of foreign regimes whose laws reach a byte",
                "undetermined_weight": "what bytes of unknown location or operator add to the upper limit",
                "weight_proposal": "the jurisdiction's greatest weight, as proposed",
                "weight_equal": "the jurisdiction's weight where every law weighs 1",
                "weight_content_only": "the jurisdiction's weight where laws that reach content weigh 1",
            },
        ),
        compelled_access,
    ),
)
