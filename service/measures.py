"""Puts facts and interpretation together: what the indicators are told, and what is said beside them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from caudal.reference import Reference
from caudal.reference import ReferenceError as FactsError
from caudal.service.errors import NotFound
from caudal.service.indicators import CATALOGUE, Context, Indicator, Observation
from caudal.service.indicators.cells import Month as MonthCells
from caudal.service.period import Month
from caudal.service.queries import economies_with_data, month_cells, months_with_data, reporting_operators
from caudal.service.queries.months import synthetic_batches
from caudal.service.settings import ServiceSettings
from caudal.service.store import Store

SYNTHETIC = "synthetic"
PARTIAL_MONTH = "partial_month"

# The user-assigned code that this project reserves for made-up traffic.
DEMO_ECONOMY = "XA"


@dataclass(frozen=True)
class Coverage:
    """How much of an economy reported in a month.

    `operators` reported; `users` is the sum of their declared subscribers and `share` that over the economy's
    internet users, both None unless an operator that reported declared them; `undeclared` names the others.
    """

    operators: tuple[str, ...]
    undeclared: tuple[str, ...]
    users: float | None
    share: float | None


@dataclass(frozen=True)
class MonthMeasures:
    """An economy's month: its coverage, flags, and the observations of each indicator asked for."""

    economy: str
    month: str
    coverage: Coverage
    flags: frozenset[str]
    observations: dict[str, list[Observation]]


class Measures:
    """Answers indicators from a store, a reference and the declared operators."""

    def __init__(
        self, settings: ServiceSettings, store: Store, reference: Reference, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._store = store
        self._reference = reference
        self._clock = clock

    def indicator(self, indicator_id: str) -> Indicator:
        """Return an indicator by its id; raise NotFound naming those there are."""
        found = CATALOGUE.get(indicator_id)
        if found is None:
            raise NotFound(
                "indicator",
                f"there is no indicator {indicator_id!r}; there are {', '.join(CATALOGUE)}",
                list(CATALOGUE),
            )
        return found

    def months(self, economy: str) -> list[str]:
        """Return the months in which an economy has data; raise NotFound naming the economies that have any."""
        months = months_with_data(self._store, economy)
        if not months:
            known = [str(code) for code in economies_with_data(self._store)["economy"]]
            raise NotFound(
                "economy",
                f"{economy} has no data here; economies with data: {', '.join(known) or 'none yet'}",
                known,
            )
        return months

    def month(self, economy: str, month: str | None) -> str:
        """Return the month asked for, by default the newest; raise NotFound naming the months there are."""
        months = self.months(economy)
        if month is None:
            return months[-1]
        if month not in months:
            raise NotFound(
                "month", f"{economy} has no flows in {month}; months with data: {', '.join(months)}", months
            )
        return month

    def is_synthetic(self, economy: str) -> bool:
        """Whether what an economy's figures show was made up rather than metered."""
        return self.may_be_synthetic(economy) or synthetic_batches(self._store, economy) > 0

    def may_be_synthetic(self, economy: str) -> bool:
        """Whether an economy exists for made-up traffic only; a real one never takes any."""
        if economy == DEMO_ECONOMY:
            return True
        try:
            return self._reference.economy(economy).status == SYNTHETIC
        except FactsError:
            return False

    def coverage(self, economy: str, start: datetime, end: datetime) -> Coverage:
        """Return who reported in [start, end) and what share of the internet users they serve."""
        reporting = reporting_operators(self._store, economy, start, end)
        declared = {
            operator.id: operator.subscribers
            for operator in self._settings.operators_of(economy)
            if operator.subscribers is not None
        }
        known = [float(declared[operator]) for operator in reporting if operator in declared]
        users = sum(known) if known else None
        try:
            internet_users = self._reference.economy(economy).internet_users
        except FactsError:
            internet_users = None
        return Coverage(
            operators=tuple(reporting),
            undeclared=tuple(operator for operator in reporting if operator not in declared),
            users=users,
            share=users / internet_users if users is not None and internet_users else None,
        )

    def compute(self, economy: str, month: str, indicators: Iterable[Indicator]) -> MonthMeasures:
        """Compute indicators of a month that has data; the economy must be one of the reference."""
        facts = self._reference.economy(economy)
        period = Month.parse(month)
        coverage = self.coverage(economy, period.start, period.end)
        flags = set()
        if self.is_synthetic(economy):
            flags.add(SYNTHETIC)
        if self._clock() < period.end:
            flags.add(PARTIAL_MONTH)
        cells = month_cells(self._store, economy, month)
        context = Context(
            economy=facts,
            month=month,
            region_members=self._reference.group(facts.region_group) if facts.region_group else frozenset(),
            region_group=facts.region_group,
            coverage=coverage.share,
            covered_users=coverage.users,
            accuracy=self._reference.accuracy,
            days_in_month=period.days,
            flags=frozenset(flags),
        )
        read = MonthCells.read(cells, context)
        observations = {each.definition.id: each.observe(read) for each in indicators}
        return MonthMeasures(economy, month, coverage, frozenset(flags), observations)
