"""Compelled access: which laws could order a byte handed over, where it lies or through who holds it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.service.indicators.facts.figures import FROM_MEMORY, WEAK, WEAK_FACTS
from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.context import UNCHECKED, Context
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Quantity,
    clip,
    envelope,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.model.validity import members
from caudal.service.indicators.statistics.accuracy import (
    ERRORS_POINT_TO,
    LEAST_SPECIFICITY,
    abroad_accuracy,
    accuracy_in,
)
from caudal.service.indicators.statistics.location import ACCURACY, LOCATION, misplaced
from caudal.service.vocabulary.reason import reason

COLUMNS = (
    "jurisdiction",
    "kind",
    "year",
    "extraterritorial",
    "reaches_content",
    "in_force",
    "exposure_weight_proposal",
)
# A treaty compels nobody by itself: the laws of its parties do.
TREATY, UNION = "treaty", "union"
SCENARIOS = ("proposal", "equal", "content_only")
OWN = "own_laws"
# How sure it is that a law reaches a byte: at least, by the reading taken, at most.
Ends = tuple[float, float, float]


@dataclass(frozen=True)
class Regime:
    """The laws of one jurisdiction: where it rules, and by scenario what it weighs there and abroad.

    `at_home` weighs for data in its territory, `abroad` for data held elsewhere by those it commands.
    `laws` is their number.
    """

    jurisdiction: str
    territory: frozenset[str]
    at_home: dict[str, Ends]
    abroad: dict[str, Ends]
    laws: int
    unchecked: bool
    weak: bool

    @property
    def flags(self) -> frozenset[str]:
        """The flags of what rests on its rows."""
        return frozenset(
            {name for name, set_ in ((FROM_MEMORY, self.unchecked), (WEAK_FACTS, self.weak)) if set_}
        )


def regimes(context: Context) -> list[Regime]:
    """Return the regimes of the laws that hold in the month, by jurisdiction."""
    laws = context.fact("access_laws")
    if not set(COLUMNS) <= set(laws.columns):
        return []
    laws = laws.filter(
        (pl.col("year") <= context.last_day.year)
        & pl.col("in_force").is_in(["yes", "partly"])
        & (pl.col("kind") != TREATY)
    )
    groups = context.fact("country_groups")
    found = []
    for (jurisdiction, kind), rows in laws.sort("jurisdiction", "kind").group_by(
        "jurisdiction", "kind", maintain_order=True
    ):
        name = str(jurisdiction)
        status = rows["status"].to_list() if "status" in rows.columns else []
        found.append(
            Regime(
                name,
                # Not by the name alone: PA is Panama, and a group as well.
                members(groups, name) if kind == UNION else frozenset({name}),
                {scenario: _ends(rows, scenario, ("yes", "partly", "no")) for scenario in SCENARIOS},
                {scenario: _ends(rows, scenario, ("yes",)) for scenario in SCENARIOS},
                rows.height,
                any(UNCHECKED in str(each) for each in status),
                WEAK in status,
            )
        )
    return found


def _ends(laws: pl.DataFrame, scenario: str, certain_reach: tuple[str, ...]) -> Ends:
    """Return the greatest weight of the laws: of those certain, of those taken to apply, of all possible ones."""
    reach = (*certain_reach, "partly")
    columns = ("extraterritorial", "in_force", "reaches_content", "exposure_weight_proposal")
    rows = list(laws.select(columns).iter_rows())

    def weight(content: bool, proposal: float) -> float:
        if scenario == "proposal":
            return float(proposal)
        return 1.0 if scenario == "equal" or content else 0.0

    def greatest(reaches: tuple[str, ...], force: tuple[str, ...]) -> float:
        return max((weight(c, p) for e, f, c, p in rows if e in reaches and f in force), default=0.0)

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
        """Return the weight of the regime on each cell, float64 (cells,): at least, by the reading taken, at most."""
        at_home, abroad = regime.at_home[scenario], regime.abroad[scenario]
        held = (self.attributed, self.reached, self.reached)
        low, taken, high = (np.maximum(self.home * at_home[end], held[end] * abroad[end]) for end in range(3))
        return low, taken, high


def compelled_access(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J7: the exposure to foreign laws by three sets of weights, that to the country's own, and what each reaches."""
    found = regimes(month.context)
    if not found:
        return [undefined(reason("access_laws", columns=", ".join(COLUMNS)), month.flows())]
    reaches = {}
    for regime in found:
        home = month.located & month.among("remote_country", regime.territory)
        _, attributed, reached = month.commanded(regime.territory)
        reaches[regime.jurisdiction] = _Reach(home, attributed, reached)
    country = month.context.economy.country
    own = [regime for regime in found if country in regime.territory]
    foreign = [regime for regime in found if country not in regime.territory]
    answers = [_foreign(month, definition, scenario, foreign, own, reaches) for scenario in SCENARIOS]
    return [*answers, _own(month, definition, own, reaches), *_vector(month, definition, found, reaches)]


def _greatest(arrays: Iterable[FloatArray], size: int) -> FloatArray:
    total = np.zeros(size)
    for each in arrays:
        np.maximum(total, each, out=total)
    return total


@dataclass(frozen=True)
class _Exposure:
    """The greatest weight on each cell of some regimes by one scenario: at least, as taken, at most."""

    month: MonthCells
    by_regime: tuple[tuple[FloatArray, FloatArray, FloatArray], ...]

    @classmethod
    def of(
        cls, month: MonthCells, scenario: str, found: list[Regime], reaches: dict[str, _Reach]
    ) -> "_Exposure":
        return cls(month, tuple(reaches[each.jurisdiction].weights(each, scenario) for each in found))

    def on(self, end: int) -> FloatArray:
        """Return the greatest weight on each cell at one of the three ends."""
        return _greatest((each[end] for each in self.by_regime), len(self.month))

    def share(self, end: int) -> Quantity:
        """Return the mean weight of a byte at one of the three ends."""
        return weighted_share(self.on(end), self.month.bytes, self.month.variance)

    def regimes(self, end: int) -> float:
        """Return the mean number of regimes that reach a byte."""
        reached = sum(
            ((each[end] > 0).astype(np.float64) for each in self.by_regime), np.zeros(len(self.month))
        )
        return weighted_share(reached, self.month.bytes, self.month.variance).value


def _flags(found: list[Regime]) -> frozenset[str]:
    return frozenset().union(*(each.flags for each in found))


def _foreign(
    month: MonthCells,
    definition: Definition,
    scenario: str,
    foreign: list[Regime],
    own: list[Regime],
    reaches: dict[str, _Reach],
) -> Estimate:
    exposed = _Exposure.of(month, scenario, foreign, reaches)
    # What lies nowhere known, or has no known operator, could be under the heaviest law there is.
    heaviest_home = max((each.at_home[scenario][2] for each in foreign), default=0.0)
    heaviest_abroad = max((each.abroad[scenario][2] for each in foreign), default=0.0)
    unknown = np.maximum(~month.located * heaviest_home, ~month.controlled * heaviest_abroad)
    most = weighted_share(np.maximum(exposed.on(2), unknown), month.bytes, month.variance)
    taken = exposed.share(1)
    low, high = envelope(share_interval(each, definition.level) for each in (exposed.share(0), taken, most))
    # A byte placed wrongly lies where other laws rule; it matters unless who holds it is under the heaviest anyway.
    held = _greatest(
        (reaches[each.jurisdiction].attributed * np.float64(each.abroad[scenario][0]) for each in foreign),
        len(month),
    )
    open_ = ~month.equals("remote_country", ERRORS_POINT_TO) & (held < heaviest_home)
    wrong = misplaced(month, open_, abroad_accuracy(month.context), definition.level)
    there = max(
        (each.at_home[scenario][0] for each in foreign if ERRORS_POINT_TO in each.territory), default=0.0
    )
    details = {
        "regimes": exposed.regimes(1),
        "regimes_low": exposed.regimes(0),
        "regimes_high": exposed.regimes(2),
        "undetermined_weight": most.value - exposed.share(2).value,
    }
    if own:
        details["with_own"] = _Exposure.of(month, scenario, foreign + own, reaches).share(1).value
    return Estimate(
        taken.value,
        clip(low - wrong * there, 0.0, 1.0),
        clip(high + wrong * max(0.0, heaviest_home - there), 0.0, 1.0),
        month.flows(),
        scenario,
        details,
        _flags(foreign),
    )


def _own(
    month: MonthCells, definition: Definition, own: list[Regime], reaches: dict[str, _Reach]
) -> Estimate:
    """Return the exposure to the country's own laws; no answer where none is listed, for a zero would be an omission."""
    if not own:
        country = month.context.economy.country
        why = reason("own_access_laws", country=country, columns=", ".join(COLUMNS))
        return undefined(why, month.flows(), OWN)
    proposal, equal, content = (_Exposure.of(month, scenario, own, reaches) for scenario in SCENARIOS)
    least, taken, known = (proposal.share(end) for end in range(3))
    unknown = np.maximum(
        ~month.located * max(each.at_home["proposal"][2] for each in own),
        ~month.controlled * max(each.abroad["proposal"][2] for each in own),
    )
    most = weighted_share(np.maximum(proposal.on(2), unknown), month.bytes, month.variance)
    low, high = envelope(share_interval(each, definition.level) for each in (least, taken, most))
    down, up = _moved(month, definition, own, reaches)
    heaviest = max(each.at_home["proposal"][2] for each in own)
    details = {
        "own_equal": equal.share(1).value,
        "own_content_only": content.share(1).value,
        "own_laws": float(sum(each.laws for each in own)),
        "undetermined_weight": most.value - known.value,
    }
    interval = clip(low - down * heaviest, 0.0, 1.0), clip(high + up * heaviest, 0.0, 1.0)
    return Estimate(taken.value, *interval, month.flows(), OWN, details, _flags(own))


def _moved(
    month: MonthCells, definition: Definition, found: list[Regime], reaches: dict[str, _Reach]
) -> tuple[float, float]:
    """Return the shares of all bytes by which wrong locations may have raised and lowered what `found` reach."""
    territory = frozenset().union(*(each.territory for each in found))
    home, attributed, reached = (
        np.logical_or.reduce([getattr(reaches[each.jurisdiction], name) for each in found])
        for name in ("home", "attributed", "reached")
    )
    # Wrong locations point to one country, and so away from all others.
    pointed = ERRORS_POINT_TO in territory
    moved = ~home & ~attributed if pointed else home & ~reached
    # Some countries' addresses are missed far more often than those of all together.
    accuracy = abroad_accuracy(month.context) if pointed else accuracy_in(month.context, territory)
    wrong = misplaced(month, moved, accuracy, definition.level)
    rarely = (1 - LEAST_SPECIFICITY) * month.share(month.looked_up)
    return (wrong, rarely) if pointed else (rarely, wrong)


def _vector(
    month: MonthCells, definition: Definition, found: list[Regime], reaches: dict[str, _Reach]
) -> Iterator[Estimate]:
    """Yield for each jurisdiction the share of all bytes that one of its laws reaches, and its weights."""
    for regime in found:
        least, taken, most = reaches[regime.jurisdiction].weights(regime, "equal")
        possible = np.maximum(most, np.maximum(~month.located, ~month.controlled) * 1.0)
        if not (most > 0).any():
            continue
        shares = [weighted_share(each, month.bytes, month.variance) for each in (least, taken, possible)]
        low, high = envelope(share_interval(each, definition.level) for each in shares)
        down, up = _moved(month, definition, [regime], reaches)
        interval = clip(low - down, 0.0, 1.0), clip(high + up, 0.0, 1.0)
        weights = {
            f"weight_{scenario}": max(regime.at_home[scenario][1], regime.abroad[scenario][1])
            for scenario in SCENARIOS
        }
        yield Estimate(shares[1].value, *interval, month.flows(), regime.jurisdiction, weights, regime.flags)


INDICATORS = (
    Indicator(
        Definition(
            id="J7",
            group="jurisdiction",
            base="measured",
            name="Exposure to foreign laws that compel access",
            unit="score",
            range=(0.0, 1.0),
            formula="CAE = Σ b·max(w_l, w_j) / B over the laws of all jurisdictions but the country's own, w_l the "
            "greatest weight of the laws where the byte lies, w_j of the laws that reach abroad of those who command "
            "its operator. Weights: as proposed in access_laws.csv (proposal); 1 for every law (equal); 1 for laws "
            "that reach content (content_only). Apart from these, the same for the country's own laws, as proposed "
            "(own_laws); where none is listed there is no answer. Then for each jurisdiction, the country's among "
            "them, the share of all bytes that one of its laws reaches",
            inputs=(*LOCATION, *ACCURACY, "control", "platform", "remote_asn", "facts"),
            uncertainty="The envelope of sampling (Korn & Graubard) around three sums. Least: laws in force that "
            "reach abroad without condition, through attributed control only, nothing undetermined. Taken: also laws that "
            "reach abroad in part, and every reading of who controls. Most: also laws partly in force, and the "
            "heaviest law on every byte of unknown location or operator. Widened by as many bytes as a "
            "database may have placed in the United States, where wrong locations point, that lie under other "
            "laws (Se as J6, of a jurisdiction that is one country and was measured its own; its error as J1). The weights themselves have no interval: the scenarios stand for it.",
            source="Own; the laws with their sources in access_laws.csv",
            source_status="verified_laws_memory_weights",
            critique="The weights are a judgement, not a fact: read the scenarios side by side and the vector by "
            "jurisdiction. Only foreign laws are in the headline: every country is held against the same list but its "
            "own, so that none looks worse because more of its own laws are known, and a court at home is not counted "
            "as a power abroad. The list is not whole: laws that nobody listed weigh nothing. Exposure is what the law allows, not what was ordered; encryption with keys held "
            "elsewhere is not seen.",
            short="How much of the measured traffic foreign laws could reach that oblige a company to give "
            "access, on a scale from 0 (none) to 1 (all, by the strongest law). The weights of laws "
            "are a judgement, so three weightings stand side by side. It is what laws allow, not what "
            "was ordered. Laws that nobody listed weigh nothing. Needs 100 flow records.",
            clause="{value} {base} {aside} is within reach of a foreign law that compels access to data",
            cautions=("law", "networks"),
            sums_up=("equal",),
            method_version="3",
            dimension="scenario or jurisdiction",
            details={
                "with_own": "the same with the country's own laws among the others, where they are listed; what "
                "the value was until method version 2",
                "regimes": "mean number of foreign regimes whose laws reach a byte",
                "regimes_low": "the same, counting what is certain",
                "regimes_high": "the same, counting laws partly in force",
                "own_equal": "exposure to the country's own laws where every law weighs 1",
                "own_content_only": "the same where laws that reach content weigh 1",
                "own_laws": "the country's own laws in force that are listed",
                "undetermined_weight": "what bytes of unknown location or operator add to the upper limit",
                "weight_proposal": "the jurisdiction's greatest weight, as proposed",
                "weight_equal": "the jurisdiction's weight where every law weighs 1",
                "weight_content_only": "the jurisdiction's weight where laws that reach content weigh 1",
            },
        ),
        compelled_access,
    ),
)
