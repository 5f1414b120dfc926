"""Evaluation of a month, from its facts to its values: a pure function, for values computed now and again."""

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl

from caudal.common.vocabulary import CROSSING
from caudal.reference import FILES, Reference, ReferenceDataError
from caudal.service.attribution.exchange import BORDERS, DOMESTIC, OwnNetworks
from caudal.service.attribution.interpretation import interpret
from caudal.service.confidentiality.confidentiality import (
    CONFIDENTIAL,
    Objection,
    Rule,
    Withheld,
    degree_of,
    withhold,
)
from caudal.service.indicators import Context, Definition, Indicator, Observation
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.observation import FLAGS as OBSERVATION_FLAGS
from caudal.service.national.doublemetering import FLAGS as DOUBT_FLAGS
from caudal.service.national.doublemetering import with_doubts
from caudal.service.national.jackknife import Change, Jackknife
from caudal.service.national.national import FLAGS as TOTAL_FLAGS
from caudal.service.national.national import (
    PER_USER_UNITS,
    NationalTotal,
    location_margins,
    national_totals,
    withhold_totals,
)
from caudal.service.national.nonreporting import with_economy_limits
from caudal.service.national.unlistedcaches import with_cache_limits
from caudal.service.perturbation.perturbation import FLAGS as PERTURBATION_FLAGS
from caudal.service.perturbation.perturbation import as_told, deviation_of, perturbed, total_as_told, widened
from caudal.service.vocabulary.period import Month

SYNTHETIC = "synthetic"
PARTIAL_MONTH = "partial_month"

# What every flag of a month, an observation or a total means.
FLAG_TEXTS: Mapping[str, str] = {
    **OBSERVATION_FLAGS,
    **TOTAL_FLAGS,
    **PERTURBATION_FLAGS,
    **DOUBT_FLAGS,
    PARTIAL_MONTH: "the month is not over: later values will differ",
    CONFIDENTIAL: "withheld, because it would show what a single operator carries",
}


@dataclass(frozen=True)
class Coverage:
    """The part of an economy that reported in a month.

    `operators` reported; `users` is the sum of their declared subscribers and `share` that over the economy's
    internet users, both None unless an operator that reported declared them; `undeclared` names the others.
    """

    operators: tuple[str, ...]
    undeclared: tuple[str, ...]
    users: float | None
    share: float | None


@dataclass(frozen=True)
class MonthInputs:
    """The inputs of a month's values besides the facts of the store and of the reference.

    `operators` reported; `declared` are (subscribers, as of) of those that declared any. `asns` are the AS numbers that
    operators of the economy declared, those that did not report among them; `counted_once` is false of vintages of before what two
    operators exchange counted once. `paths`, `routes` (what
    a deployment supplied) and `region_flows` (the rest of the region) are named by the hash of their content,
    empty where there were none. `factors` protect the operators from each other, each at most `reach`; none of made-up
    traffic. `told_before` has, for each earlier vintage that told amounts, by how many bytes each operator's differ from it,
    in each flow that is told apart (domestic, out, in; out and in in vintages of before). `caches` says that limits for
    caches that no list names are told; vintages of before told none.
    """

    economy: str
    month: str
    operators: tuple[str, ...]
    declared: Mapping[str, tuple[int, str]]
    flags: frozenset[str]
    rule: Rule
    paths: str = ""
    routes: str = ""
    region_flows: str = ""
    factors: Mapping[str, float] = field(default_factory=dict)
    reach: float = 1.0
    told_before: tuple[Mapping[str, tuple[float, ...]], ...] = ()
    asns: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    counted_once: bool = True
    caches: bool = False

    @property
    def own(self) -> OwnNetworks:
        """The networks of the economy that its operators declared."""
        return OwnNetworks(self.economy, self.asns)

    @property
    def subscribers(self) -> dict[str, float]:
        """Declared subscribers by operator, of those that declared more than none."""
        return {name: float(count) for name, (count, _) in self.declared.items() if count > 0}

    def to_json(self) -> str:
        """Return the inputs as text that `from_json` reads."""
        return json.dumps(
            {
                "economy": self.economy,
                "month": self.month,
                "operators": list(self.operators),
                "declared": {name: list(each) for name, each in sorted(self.declared.items())},
                "flags": sorted(self.flags),
                "rule": {"minimum_operators": self.rule.minimum_operators, "percent": self.rule.percent},
                "paths": self.paths,
                "routes": self.routes,
                "region_flows": self.region_flows,
                "factors": dict(sorted(self.factors.items())),
                "reach": self.reach,
                "asns": {name: list(each) for name, each in sorted(self.asns.items())},
                "caches": self.caches,
                "told_before": [
                    {name: list(each) for name, each in sorted(earlier.items())}
                    for earlier in self.told_before
                ],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "MonthInputs":
        """Return the inputs that `to_json` wrote."""
        read: dict[str, Any] = json.loads(text)
        return cls(
            read["economy"],
            read["month"],
            tuple(read["operators"]),
            {name: (int(count), str(day)) for name, (count, day) in read["declared"].items()},
            frozenset(read["flags"]),
            Rule(**read["rule"]),
            read["paths"],
            read["routes"],
            # A vintage of before it was kept knew of no neighbours, and had no factors.
            read.get("region_flows", ""),
            {name: float(each) for name, each in read.get("factors", {}).items()},
            float(read.get("reach", 1.0)),
            tuple(
                {name: tuple(float(amount) for amount in each) for name, each in earlier.items()}
                for earlier in read.get("told_before", ())
            ),
            {name: tuple(int(asn) for asn in each) for name, each in read.get("asns", {}).items()},
            "asns" in read,
            caches=bool(read.get("caches", False)),
        )


@dataclass(frozen=True)
class Method:
    """By which version of its method an indicator was computed, and the unit of its values."""

    version: str
    unit: str


@dataclass(frozen=True)
class MonthMeasures:
    """An economy's month: its coverage, flags, national totals, and the observations of each indicator asked for.

    `withheld` says what was kept confidential. `vintage` names what was published, and is None of what was
    computed for this answer only; `reason` is why a vintage replaced the one before it, empty of the first. `methods`
    are those of the indicators, by id: of a vintage as it was published.
    """

    economy: str
    month: str
    coverage: Coverage
    flags: frozenset[str]
    observations: dict[str, list[Observation]]
    totals: tuple[NationalTotal, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    reference_version: str = ""
    computed_at: datetime | None = None
    vintage: str | None = None
    reason: str = ""
    declared: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)

    def as_computed(self, definition: Definition) -> Definition:
        """Return a definition of today with the method version and the unit that the values here have."""
        method = self.methods.get(definition.id)
        return (
            definition
            if method is None
            else replace(definition, method_version=method.version, unit=method.unit)
        )


class FactFrames(Mapping[str, pl.DataFrame]):
    """The files of facts of a reference by name, each made into a frame when it is first asked for."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._names = tuple(file.name for file in FILES)
        self._frames: dict[str, pl.DataFrame] = {}

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self._frames:
            self._frames[name] = self._reference.facts(name)
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def coverage_of(inputs: MonthInputs, reference: Reference) -> Coverage:
    """Return the coverage of a month: the operators that reported, and the share of internet users they serve."""
    users = float(sum(count for count, _ in inputs.declared.values())) if inputs.declared else None
    internet_users = internet_users_of(reference, inputs.economy)
    return Coverage(
        operators=inputs.operators,
        undeclared=tuple(operator for operator in inputs.operators if operator not in inputs.declared),
        users=users,
        share=users / internet_users if users is not None and internet_users else None,
    )


def internet_users_of(reference: Reference, economy: str) -> int | None:
    """Return the internet users of an economy; None where the reference does not know it."""
    try:
        return reference.economy(economy).internet_users
    except ReferenceDataError:
        return None


def evaluate(
    inputs: MonthInputs,
    month_facts: pl.DataFrame,
    reference: Reference,
    indicators: Iterable[Indicator],
    paths: pl.DataFrame | None = None,
    routes: pl.DataFrame | None = None,
    region_flows: pl.DataFrame | None = None,
) -> MonthMeasures:
    """Return the measures of a month from its facts, with national totals, and without what is confidential.

    `month_facts` and `region_flows` are what the queries of these names answer; the former are multiplied by the
    factors of `inputs`, and nothing that is returned depends on anything else of them. The reference is taken as of the
    month. The same arguments give the same answer, to the last digit. Raises UnknownEconomy and CellsError.
    """
    reference = reference.at(inputs.month)
    cells = interpret(perturbed(month_facts, inputs.factors), reference, inputs.own)
    economy = reference.economy(inputs.economy)
    coverage = coverage_of(inputs, reference)
    context = Context(
        economy=economy,
        month=inputs.month,
        region_members=reference.group(economy.region_group) if economy.region_group else frozenset(),
        region_group=economy.region_group,
        coverage=coverage.share,
        covered_users=coverage.users,
        accuracy=reference.accuracy,
        days_in_month=Month.parse(inputs.month).days,
        flags=inputs.flags,
        facts=FactFrames(reference),
        paths=paths,
        routes=routes,
        region_flows=region_flows,
        covered_operators=frozenset(inputs.subscribers) or None,
    )
    read = MonthCells.read(cells, context)
    chosen = {each.definition.id: each for each in indicators}
    observed = {name: each.observe(read) for name, each in chosen.items()}
    definitions = {name: each.definition for name, each in chosen.items()}
    observed = with_doubts(observed, chosen, cells, read)
    jackknife = Jackknife(observed, chosen, cells, read)
    deviation = deviation_of(inputs.reach) if inputs.factors else 0.0
    if inputs.factors:
        observed = _with_factor_limits(observed, definitions, jackknife, deviation)
    observed = with_economy_limits(observed, jackknife)
    if inputs.caches:
        observed = with_cache_limits(observed, definitions, cells)
    per_user = {
        name: observed[name][0]
        for name, definition in definitions.items()
        if definition.unit in PER_USER_UNITS and observed[name] and observed[name][0].dimension is None
    }
    totals = tuple(
        national_totals(
            cells,
            inputs.subscribers,
            economy.internet_users,
            per_user,
            deviation,
            location_margins(read),
        )
    )
    # There is nobody behind made-up traffic.
    whole, scaled = (None, None) if SYNTHETIC in inputs.flags else _objections(inputs, cells)
    observations, withheld = withhold(observed, definitions, scaled)
    totals, entries = withhold_totals(totals, whole, scaled)
    if inputs.factors:
        observations = {
            name: [as_told(each, definitions[name]) for each in own] for name, own in observations.items()
        }
        totals = tuple(total_as_told(each) for each in totals)
    known = {each.what for each in withheld}
    withheld += tuple(entry for entry in entries if entry.what not in known)
    return MonthMeasures(
        economy=inputs.economy,
        month=inputs.month,
        coverage=coverage,
        flags=inputs.flags,
        observations=observations,
        totals=totals,
        withheld=withheld,
        reference_version=reference.version,
        declared=inputs.declared,
        methods={name: Method(each.method_version, each.unit) for name, each in definitions.items()},
    )


def _objections(inputs: MonthInputs, cells: pl.DataFrame) -> tuple[Objection | None, Objection | None]:
    """Return the objections to telling the sums of all operators, and those that go by declared subscribers.

    The latter give back the bytes of the operators that declared, as what they are divided by is public;
    beside the sums of all, also those of the others. What may not be told of one of the flows (domestic, out, in) forbids
    all: it is what lacks to their sum.
    """
    border, direction = pl.col("border"), pl.col("direction")
    flows = (
        border.is_in(BORDERS),
        *(border == each for each in BORDERS),
        # The aggregates that are exported tell directions apart: taken from them, out and in leave these.
        *((border == DOMESTIC) & (direction == each) for each in CROSSING),
    )
    told: list[dict[str, float]] = [
        {
            str(operator): float(amount)
            for operator, amount in cells.filter(flow)
            .group_by("operator")
            .agg(pl.col("bytes").cast(pl.Float64).sum())
            .sort("operator")
            .iter_rows()
        }
        for flow in flows
    ]
    whole = _first(inputs.rule.objection(amounts.values()) for amounts in told) or _first(
        _to_difference(inputs.rule, earlier) for earlier in inputs.told_before
    )
    declaring = inputs.subscribers.keys()
    if whole is not None or not declaring & told[0].keys():
        return whole, whole
    return None, (
        _first(inputs.rule.objection(_of(amounts, declaring), "declared") for amounts in told)
        or _first(
            inputs.rule.objection(_of(amounts, amounts.keys() - declaring), "undeclared") for amounts in told
        )
    )


def _to_difference(rule: Rule, changed: Mapping[str, tuple[float, ...]]) -> Objection | None:
    """Return the objection to amounts beside those of an earlier vintage: who has both has the difference."""
    told = [[sum(each) for each in changed.values()]]
    told += [list(each) for each in zip(*changed.values(), strict=True)]
    return _first(rule.objection(amounts, "changed") for amounts in told)


def _with_factor_limits(
    observed: Mapping[str, list[Observation]],
    definitions: Mapping[str, Definition],
    jackknife: Jackknife,
    deviation: float,
) -> dict[str, list[Observation]]:
    """Return observations whose intervals hold what the factors of operators may have moved.

    Shares of one operator's traffic are what they were. Amounts are moved in proportion to what each carries.
    """
    answer = dict(observed)
    if len(jackknife.carried) > 1:
        changes = jackknife.changes(deviation)
        for name, indicator in jackknife.chosen.items():
            answer[name] = [
                widened(
                    each,
                    indicator.definition,
                    [known[key] for known in changes if (key := (name, each.dimension)) in known],
                )
                for each in observed[name]
            ]
    everything = sum(jackknife.carried.values())
    for name, definition in definitions.items():
        if degree_of(definition) is not None and everything:
            parts = [deviation * amount / everything for amount in jackknife.carried.values()]
            answer[name] = [
                widened(each, definition, [_in_proportion(each, part) for part in parts])
                for each in observed[name]
            ]
    return answer


def _in_proportion(observation: Observation, part: float) -> Change:
    value, low, high = observation.value, observation.low, observation.high
    return part * (value or 0.0), part * (low or 0.0), part * (high or 0.0)


def _first(objections: Iterable[Objection | None]) -> Objection | None:
    return next((each for each in objections if each is not None), None)


def _of(amounts: Mapping[str, float], operators: Set[str]) -> list[float]:
    return [amount for operator, amount in amounts.items() if operator in operators]
