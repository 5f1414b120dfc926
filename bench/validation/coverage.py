"""How often the intervals hold the truth: worlds drawn, metered again and again, and counted."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from typing import Final

import numpy as np

from bench.validation.metering import Errors, Metering, Places
from bench.validation.world import ECONOMY, EVERYBODY, MONTH, World, make_world
from caudal.reference import Reference, load_reference
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.model.observation import ECONOMY_HIGH, ECONOMY_LOW
from caudal.service.migration.migration import migrate
from caudal.service.national.national import USERS_ERROR
from caudal.service.store.store import Store

# Those that flows, and errors in metering them, have a part in.
INDICATORS: Final = (
    "J1",
    "J2",
    "J3",
    "J4",
    "J5",
    "J6",
    "J7",
    "J9",
    "C1",
    "C2",
    "C3",
    "C4",
    "C7",
    "V1",
    "V2",
    "P1",
    "P2",
    "P3",
)

SAMPLING: Final = "sampling_low"

Key = tuple[str, str]


@dataclass(frozen=True)
class Scenario:
    """What goes wrong: `reporting` operators of all, places, sampling, whether anything is unknown at all, and how many
    operators declare their AS numbers (all by default).
    """

    id: str
    title: str
    errors: Errors
    unknown: bool = False
    reporting: int | None = None
    declaring: int | None = None


SCENARIOS: Final = (
    Scenario("sampling-100", "1:100", Errors(100)),
    Scenario("sampling-1000", "1:1,000", Errors(1_000)),
    Scenario("sampling-10000", "1:10,000", Errors(10_000)),
    Scenario("places", "places wrong", Errors(1_000, misplaced=True)),
    Scenario("unknown", "and much unknown", Errors(1_000, misplaced=True), unknown=True),
    Scenario("folded", "and cells folded", Errors(1_000, misplaced=True, k=3), unknown=True),
    Scenario("missing", "operators missing", Errors(1_000), reporting=4),
    Scenario("undeclared", "no AS numbers", Errors(1_000), declaring=0),
    Scenario("half-declared", "one missing, some AS numbers", Errors(1_000), reporting=7, declaring=4),
    Scenario("all", "all but folding", Errors(1_000, misplaced=True), unknown=True, reporting=4),
)


@dataclass
class Tally:
    """Of one answer: how often it was given, how often its interval held the truth, and the sum of half widths."""

    given: int = 0
    asked: int = 0
    held: int = 0
    width: float = 0.0
    below: int = 0

    def add(self, low: float | None, high: float | None, truth: float) -> None:
        """Count an answer, or that there was none."""
        self.asked += 1
        if low is None or high is None:
            return
        slack = 1e-9 * max(1.0, abs(truth))
        self.given += 1
        self.held += low - slack <= truth <= high + slack
        self.below += truth < low - slack
        self.width += (high - low) / 2

    def merge(self, other: "Tally") -> None:
        """Add what was counted elsewhere."""
        for name in ("given", "asked", "held", "width", "below"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Tallies:
    """Tallies by (indicator, dimension): against the networks that report, and against the whole economy."""

    reporting: dict[Key, Tally] = field(default_factory=lambda: defaultdict(Tally))
    economy: dict[Key, Tally] = field(default_factory=lambda: defaultdict(Tally))

    def merge(self, other: "Tallies") -> None:
        """Add what was counted elsewhere."""
        for mine, theirs in ((self.reporting, other.reporting), (self.economy, other.economy)):
            for key, tally in theirs.items():
                mine[key].merge(tally)


def measure(
    scenarios: Iterable[Scenario] = SCENARIOS,
    worlds: int = 8,
    repeats: int = 50,
    processes: int | None = None,
    done: Callable[[Scenario], None] = lambda _: None,
) -> dict[str, Tallies]:
    """Return the tallies of each scenario, over so many worlds, each metered so many times; `done` is told each world."""
    tasks = [(scenario, seed) for seed in range(worlds) for scenario in scenarios]
    found = {scenario.id: Tallies() for scenario, _ in tasks}
    # The cores are busy with processes: threads of each would only stand in one another's way.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    # The engine lets a process open one store; a process is done with when it has ended.
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        running = {pool.submit(of_world, scenario, seed, repeats): scenario for scenario, seed in tasks}
        for each in as_completed(running):
            scenario = running[each]
            found[scenario.id].merge(each.result())
            done(scenario)
    return found


def of_world(scenario: Scenario, seed: int, repeats: int) -> Tallies:
    """Return the tallies of one world, metered so many times; the same arguments give the same."""
    reference = _reference()
    world = make_world(reference, seed, unknown=scenario.unknown)
    metering = Metering(world, Places(world, reference), _store(), scenario.errors)
    random = np.random.default_rng((seed, scenario.errors.rate))
    everybody = tuple(range(len(world.operators)))
    national = _truth(world, reference, everybody)
    reporting = [_reporting(scenario, everybody, random) for _ in range(repeats)]
    tallies = Tallies()
    for operators, facts in zip(reporting, metering.observe(random, reporting), strict=True):
        truth = national if operators == everybody else _truth(world, reference, operators)
        seen = evaluate(
            _inputs(
                world,
                operators,
                _declared(world, operators, random, exact=operators == everybody),
                _numbers(scenario, world),
            ),
            facts,
            reference,
            [CATALOGUE[each] for each in INDICATORS],
        )
        _count(tallies, seen, truth, national)
    return tallies


def _reporting(
    scenario: Scenario, everybody: tuple[int, ...], random: np.random.Generator
) -> tuple[int, ...]:
    if scenario.reporting is None:
        return everybody
    return tuple(sorted(random.choice(len(everybody), scenario.reporting, replace=False).tolist()))


def _numbers(scenario: Scenario, world: World) -> dict[str, tuple[int, ...]]:
    """Return the AS numbers that operators declare, every second one first: some of them are listed, some are not."""
    order = [*world.operators[::2], *world.operators[1::2]]
    return {each.id: (each.asn,) for each in order[: scenario.declaring]}


def _declared(
    world: World, operators: Iterable[int], random: np.random.Generator, *, exact: bool
) -> dict[str, int]:
    """Return the subscribers that operators declare: a count of people need not be exact either."""
    error = 0.0 if exact else USERS_ERROR
    return {
        world.operators[each].id: round(world.operators[each].users * random.uniform(1 - error, 1 + error))
        for each in operators
    }


@cache
def _reference() -> Reference:
    return load_reference().at(MONTH)


_OPEN = ExitStack()


@cache
def _store() -> Store:
    directory = _OPEN.enter_context(tempfile.TemporaryDirectory(prefix="caudal-validation-"))
    store = _OPEN.enter_context(Store(f"chdb://{directory}/store"))
    migrate(store, lambda: datetime.now(UTC))
    return store


@dataclass(frozen=True)
class _Truth:
    values: Mapping[Key, float]
    totals: Mapping[str, float]


def _inputs(
    world: World,
    reporting: Iterable[int],
    declared: Mapping[str, int],
    numbers: Mapping[str, tuple[int, ...]],
) -> MonthInputs:
    return MonthInputs(
        economy=ECONOMY,
        month=MONTH,
        operators=tuple(world.operators[each].id for each in reporting),
        declared={name: (count, f"{MONTH}-30") for name, count in declared.items()},
        flags=frozenset({SYNTHETIC}),
        rule=Rule(1, 0.0),
        asns=numbers,
    )


def _truth(world: World, reference: Reference, reporting: tuple[int, ...]) -> _Truth:
    """Return what the indicators say of the traffic itself."""
    part = world.of(reporting)
    inputs = MonthInputs(
        economy=ECONOMY,
        month=MONTH,
        operators=(EVERYBODY,),
        declared={EVERYBODY: (sum(world.operators[each].users for each in reporting), f"{MONTH}-30")},
        flags=frozenset({SYNTHETIC}),
        rule=Rule(1, 0.0),
        asns={EVERYBODY: tuple(each.asn for each in world.operators)},
    )
    chosen = [CATALOGUE[each] for each in INDICATORS]
    true = evaluate(inputs, part.facts(), reference, chosen)
    # What is undetermined is so by the tables, not in truth.
    listed = evaluate(inputs, part.facts(listed=True), reference, [CATALOGUE["J9"]])
    values = {
        (name, each.dimension or ""): each.value
        for measured in (true, listed)
        for name, observations in measured.observations.items()
        for each in observations
        if each.value is not None
    }
    totals = {each.what: each.observed.value for each in true.totals if each.observed is not None}
    return _Truth(values, totals)


def _count(tallies: Tallies, seen: MonthMeasures, truth: _Truth, national: _Truth) -> None:
    for name, observations in seen.observations.items():
        answers = {each.dimension or "": each for each in observations}
        for counted, values in ((tallies.reporting, truth.values), (tallies.economy, national.values)):
            for (indicator, dimension), value in values.items():
                if indicator == name:
                    answer = answers.get(dimension)
                    low, high = (None, None) if answer is None else (answer.low, answer.high)
                    counted[indicator, dimension].add(low, high, value)
                    if counted is tallies.economy and answer is not None:
                        limits = answer.details.get(ECONOMY_LOW), answer.details.get(ECONOMY_HIGH)
                        counted[f"{indicator} of the economy", dimension].add(*limits, value)
                    if answer is not None and SAMPLING in answer.details:
                        tally = counted[f"{indicator} by sampling alone", dimension]
                        tally.add(answer.details[SAMPLING], answer.details["sampling_high"], value)
    for total in seen.totals:
        key = (total.what, "total")
        if total.observed is not None:
            tallies.reporting[key].add(total.observed.low, total.observed.high, truth.totals[total.what])
        if total.estimated is not None:
            tallies.economy[key].add(total.estimated.low, total.estimated.high, national.totals[total.what])
