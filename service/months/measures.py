"""Measures: facts and interpretation put together for the indicators, and the figures beside their values."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

import caudal
from caudal.common.logline import quoted
from caudal.reference import Reference, ReferenceDataError
from caudal.service.attribution.interpretation import interpret
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.errors import NotFound, NotPublished, QuestionError
from caudal.service.evaluation.evaluation import (
    FLAG_TEXTS,
    PARTIAL_MONTH,
    SYNTHETIC,
    Coverage,
    MonthInputs,
    MonthMeasures,
    coverage_of,
    evaluate,
)
from caudal.service.evaluation.supplied import Supplied
from caudal.service.indicators import CATALOGUE, Indicator
from caudal.service.perturbation.factors import Drawn, Factors
from caudal.service.perturbation.perturbation import PERTURBED, deviation_of, perturbed
from caudal.service.queries import (
    LedgerAnswer,
    economies_with_data,
    ledger_sums,
    month_facts,
    months_with_data,
    reporting_operators,
)
from caudal.service.queries.batches import received_of
from caudal.service.queries.months import region_flows, synthetic_batches
from caudal.service.queries.vintages import Vintage, find_vintage, read_vintage, vintages
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.referencearchive import archived_reference
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month
from caudal.service.workload.heavywork import heavy_work

__all__ = [
    "DEMO_ECONOMY",
    "FLAG_TEXTS",
    "PARTIAL_MONTH",
    "SYNTHETIC",
    "Coverage",
    "Measures",
    "MonthInputs",
    "MonthMeasures",
]

# The user-assigned code that this project reserves for made-up traffic.
DEMO_ECONOMY = "XA"

_KEPT_VINTAGES = 64
_KEPT_REFERENCES = 4


@dataclass(frozen=True)
class Basis:
    """The basis of a month's values: cells as `interpret` answers them, the reference as of the month.

    `vintage` is whose facts and reference they are; None where the month is not published. `deviation` is that of the
    factors by which operators' traffic was multiplied; 0 where it was not.
    """

    cells: pl.DataFrame
    reference: Reference
    vintage: Vintage | None
    deviation: float = 0.0


class Measures:
    """Answers indicators from a store, a reference and the declared operators."""

    def __init__(
        self,
        settings: ServiceSettings,
        store: Store,
        reference: Reference,
        clock: Callable[[], datetime],
        supplied: Supplied | None = None,
        factors: Factors | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._reference = reference
        self._clock = clock
        self._supplied = supplied or Supplied()
        self._factors = factors or Factors(store, clock)
        self._published: dict[str, MonthMeasures] = {}
        self._references: dict[str, Reference] = {}
        self._regions: dict[tuple[str, str], tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def indicator(self, indicator_id: str) -> Indicator:
        """Return an indicator by its id; raise NotFound naming those there are."""
        found = CATALOGUE.get(indicator_id)
        if found is None:
            raise NotFound(
                "indicator",
                f"there is no indicator {quoted(indicator_id)}; there are {', '.join(CATALOGUE)}",
                list(CATALOGUE),
            )
        return found

    def months(self, economy: str, *, running: bool = True) -> list[str]:
        """Return the months in which an economy has data; raise NotFound naming the economies that have any.

        Without `running`, those of them that are published.
        """
        months = months_with_data(self._store, economy)
        if not months:
            known = [str(code) for code in economies_with_data(self._store)["economy"]]
            raise NotFound(
                "economy",
                f"{economy} has no data here; economies with data: {', '.join(known) or 'none yet'}",
                known,
            )
        if running:
            return months
        published = {each.month for each in vintages(self._store, economy, newest=True)}
        return [month for month in months if month in published]

    def month(self, economy: str, month: str | None, *, running: bool = True) -> str:
        """Return the month asked for, by default the newest; raise NotFound naming the months there are.

        Without `running` only published months are there; raises NotPublished of others that have data.
        """
        months = self.months(economy)
        if not running and (month is None or month in months):
            published = self.months(economy, running=False)
            if not published or month not in (None, *published):
                asked = "nothing of" if month is None else f"{month} of"
                raise NotPublished(
                    f"{asked} {economy} is published yet; published months: {', '.join(published) or 'none'}. Before "
                    "a month is published, only those with a role that may see running months are told of it",
                    published,
                )
            months = published
        if month is None:
            return months[-1]
        if month not in months:
            raise NotFound(
                "month", f"{economy} has no flows in {month}; months with data: {', '.join(months)}", months
            )
        return month

    def is_synthetic(self, economy: str) -> bool:
        """Return True if the figures of an economy show made-up traffic rather than metered."""
        return self.may_be_synthetic(economy) or synthetic_batches(self._store, economy) > 0

    def may_be_synthetic(self, economy: str) -> bool:
        """Return True if an economy exists for made-up traffic only; a real one never takes any."""
        if economy == DEMO_ECONOMY:
            return True
        try:
            return self._reference.economy(economy).status == SYNTHETIC
        except ReferenceDataError:
            return False

    def protected(self, economy: str) -> bool:
        """Return True if amounts of an economy's traffic are confidential: metered, and the rule forbids some."""
        rule = self._settings.confidentiality
        return Rule(rule.minimum_operators, rule.percent).forbids and not self.is_synthetic(economy)

    def awaits_publication(self, economy: str) -> bool:
        """Return True if months of an economy that are not published are for roles only."""
        return self._settings.confidentiality.running_months == "roles" and self.protected(economy)

    def coverage(self, economy: str, start: datetime, end: datetime) -> Coverage:
        """Return the coverage of [start, end): the operators that reported, and the share of internet users they serve.

        Subscribers are those declared for the end of the time.
        """
        reporting = reporting_operators(self._store, economy, start, end)
        inputs = MonthInputs(
            economy, "", tuple(reporting), self._declared(economy, reporting, end), frozenset(), Rule()
        )
        return coverage_of(inputs, self._reference)

    def inputs(self, economy: str, month: str) -> MonthInputs:
        """Return the inputs of a month's values as they are now, besides facts and reference."""
        period = Month.parse(month)
        reporting = reporting_operators(self._store, economy, period.start, period.end)
        flags = set()
        if self.is_synthetic(economy):
            flags.add(SYNTHETIC)
        if self._clock() < period.end:
            flags.add(PARTIAL_MONTH)
        rule = self._settings.confidentiality
        drawn = self._drawn(economy, reporting)
        if drawn.factors:
            flags.add(PERTURBED)
        return MonthInputs(
            economy=economy,
            month=month,
            operators=tuple(reporting),
            declared=self._declared(economy, reporting, period.end),
            flags=frozenset(flags),
            rule=Rule(rule.minimum_operators, rule.percent),
            paths=self._supplied.paths_digest,
            routes=self._supplied.routes_digest,
            factors=drawn.factors,
            reach=drawn.reach,
            asns={
                operator.id: numbers
                for operator in self._settings.operators_of(economy)
                if (numbers := operator.asns_on(period.middle))
            },
            caches=True,
        )

    def region_flows(self, economy: str, month: str, *, exact: bool = False) -> pl.DataFrame | None:
        """Return the flows of the other members of an economy's region in a month, a frame; None where the store has none.

        Each operator's is multiplied by its factor, unless `exact`. Made-up traffic of others is no neighbour of a metered
        economy; nor is metered traffic that is protected one of made-up traffic, whose running months everybody sees, to the last digit.
        """
        made_up = self.is_synthetic(economy)
        others = [
            other
            for other in self._neighbours(economy, month)
            if (not self.protected(other) if made_up else not self.may_be_synthetic(other))
        ]
        found = region_flows(self._store, others, month, made_up) if others else None
        if found is None or found.is_empty():
            return None
        parts = [
            part
            if exact
            else perturbed(part, self._drawn(str(other), part["operator"].unique().sort().to_list()).factors)
            for (other,), part in found.partition_by("economy", as_dict=True, maintain_order=True).items()
        ]
        told = pl.concat(
            part.with_columns(pl.col("bytes", "bytes_variance", "flows").cast(pl.Float64)) for part in parts
        )
        return told.group_by("economy", "remote_country", maintain_order=True).agg(
            pl.col("bytes", "bytes_variance", "flows").sum()
        )

    def compute(self, economy: str, month: str, indicators: Iterable[Indicator]) -> MonthMeasures:
        """Compute indicators of a month that has data, of today's facts; the economy must be one of the reference."""
        self._reference.economy(economy)
        measured = evaluate(
            self.inputs(economy, month),
            month_facts(self._store, economy, month),
            self._reference,
            indicators,
            self._supplied.paths,
            self._supplied.routes,
            self.region_flows(economy, month),
        )
        return replace(measured, computed_at=self._clock())

    def exact(
        self, economy: str, month: str, indicators: Iterable[Indicator], vintage: str | None = None
    ) -> MonthMeasures:
        """Compute indicators of a month as it was metered: nothing withheld, nothing moved by a factor.

        Of a published month, of the facts that its newest, or the given, vintage kept; of any other, of today's.
        """
        found = find_vintage(self._store, economy, month, vintage)
        inputs = self.inputs(economy, month) if found is None else MonthInputs.from_json(found.inputs)
        bare = replace(
            inputs, factors={}, reach=1.0, told_before=(), rule=Rule(1, 0.0), flags=inputs.flags - {PERTURBED}
        )
        with heavy_work():
            measured = evaluate(
                bare,
                month_facts(self._store, economy, month, found.facts if found is not None else None),
                self._reference if found is None else self.reference_of(found),
                indicators,
                self._supplied.paths,
                self._supplied.routes,
                self.region_flows(economy, month, exact=True),
            )
        return replace(
            measured, computed_at=self._clock(), vintage=found.vintage if found is not None else None
        )

    def published(self, economy: str, month: str, vintage: str | None = None) -> MonthMeasures | None:
        """Return the published measures of a month, of its newest vintage by default; None where nothing was published.

        A vintage that is asked for and is none of this month's raises NotFound naming those there are.
        """
        found = find_vintage(self._store, economy, month, vintage)
        if found is None:
            return None
        with self._lock:
            kept = self._published.get(found.vintage)
        if kept is None:
            kept = read_vintage(self._store, found)
            with self._lock:
                # What is published never changes; only how much of it is kept in memory is bounded.
                while len(self._published) >= _KEPT_VINTAGES:
                    self._published.pop(next(iter(self._published)))
                self._published[found.vintage] = kept
        return kept

    def basis(self, economy: str, month: str, vintage: str | None = None, *, exact: bool = False) -> Basis:
        """Return the basis of a month's values: of a published one as a vintage kept it, the newest by default.

        The traffic of each operator is multiplied by its factor, unless `exact`. Where the reference of a vintage cannot be
        read any more, the one in force interprets the facts: its version tells. Raises NotFound where the month has no such vintage.
        """
        found = find_vintage(self._store, economy, month, vintage)
        reference = self._reference if found is None else self.reference_of(found)
        facts = month_facts(self._store, economy, month, found.facts if found is not None else None)
        inputs = self.inputs(economy, month) if found is None else MonthInputs.from_json(found.inputs)
        as_of_month = reference.at(month)
        cells = interpret(facts if exact else perturbed(facts, inputs.factors), as_of_month, inputs.own)
        deviation = deviation_of(inputs.reach) if inputs.factors and not exact else 0.0
        return Basis(cells, as_of_month, found, deviation)

    def ledger(self, economy: str, month: str, vintage: str | None = None) -> LedgerAnswer:
        """Return the sums of a month's ledger as they are told: of a published one, as they were when it was.

        Records of each operator are multiplied by its factor, as its traffic is.
        """
        published = find_vintage(self._store, economy, month, vintage)
        if published is not None and published.ledger is not None:
            return published.ledger
        period = Month.parse(month)
        inputs = self.inputs(economy, month) if published is None else MonthInputs.from_json(published.inputs)
        return ledger_sums(self._store, economy, period.start, period.end, inputs.factors)

    def reference(self, version: str) -> Reference:
        """Return a version of the reference, as it is in force or was kept; raise QuestionError where it is neither.

        The few versions that were asked for last stay in memory.
        """
        if version == self._reference.version:
            return self._reference
        with self._lock:
            known = self._references.pop(version, None)
        if known is None:
            known = archived_reference(self._store, version)
        with self._lock:
            self._references[version] = known
            while len(self._references) > _KEPT_REFERENCES:
                self._references.pop(next(iter(self._references)))
        return known

    def measured(
        self,
        economy: str,
        month: str,
        indicators: Iterable[Indicator] | None = None,
        vintage: str | None = None,
    ) -> MonthMeasures:
        """Return the published measures of a month, else those computed now; of all indicators by default."""
        chosen = tuple(CATALOGUE.values() if indicators is None else indicators)
        found = self.published(economy, month, vintage)
        if found is None:
            with heavy_work():
                return self.compute(economy, month, chosen)
        # An indicator that is younger than the vintage has no observations in it.
        observations = {each.definition.id: found.observations.get(each.definition.id, []) for each in chosen}
        return replace(found, observations=observations)

    def state(self, economy: str, months: Iterable[str] | None = None) -> str:
        """Return a name of everything that answers about an economy depend on: equal names, equal answers.

        `months` restricts it to these; of a published month its vintage counts, of any other all facts.
        """
        digest = hashlib.sha256(f"{caudal.__version__} {self._reference.version}\n".encode())
        published = {each.month: each.vintage for each in vintages(self._store, economy, newest=True)}
        for month in self.months(economy) if months is None else months:
            mark = published.get(month) or self._unpublished(economy, month)
            digest.update(f"{economy} {month} {mark}\n".encode())
        return digest.hexdigest()[:32]

    def reference_of(self, vintage: Vintage) -> Reference:
        """Return the reference of a vintage; the one in force where that cannot be read any more."""
        with suppress(QuestionError):
            return self.reference(vintage.reference_version)
        return self._reference

    def _drawn(self, economy: str, operators: list[str]) -> Drawn:
        """Return the factors of operators; none of made-up traffic, behind which there is nobody."""
        if not self.protected(economy):
            return Drawn()
        return self._factors.of(economy, operators, self._settings.confidentiality.percent)

    def _neighbours(self, economy: str, month: str) -> tuple[str, ...]:
        # Asked for with every cached answer, and a reference as of a month is not had for nothing.
        if (economy, month) not in self._regions:
            reference = self._reference.at(month)
            try:
                group = reference.economy(economy).region_group
                members = reference.group(group) if group else frozenset[str]()
            except ReferenceDataError:
                members = frozenset()
            self._regions[economy, month] = tuple(sorted(members - {economy}))
        return self._regions[economy, month]

    def _unpublished(self, economy: str, month: str) -> str:
        # What an economy exchanges with its region is also told by who else reports there.
        received = received_of(self._store, [economy, *self._neighbours(economy, month)])
        inputs = self.inputs(economy, month)
        return f"{received} {inputs.to_json()}"

    def _declared(
        self, economy: str, reporting: Iterable[str], end: datetime
    ) -> Mapping[str, tuple[int, str]]:
        last_day = (end - timedelta(seconds=1)).date()
        known = {
            operator.id: operator.declared(last_day) for operator in self._settings.operators_of(economy)
        }
        return {
            name: (count.count, count.as_of.isoformat())
            for name in reporting
            if (count := known.get(name)) is not None
        }
