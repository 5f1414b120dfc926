"""The content of a monthly report: figures and facts, before any language or format."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby

from caudal.service.confidentiality.confidentiality import Withheld
from caudal.service.evaluation.evaluation import PARTIAL_MONTH, SYNTHETIC, Coverage, MonthMeasures
from caudal.service.indicators import Definition, Observation
from caudal.service.national.national import NationalTotal
from caudal.service.queries import LedgerAnswer
from caudal.service.reports.content.change import Change, Since, Trend, compare
from caudal.service.reports.content.destinations import Destinations
from caudal.service.reports.content.history import Series
from caudal.service.reports.content.peers import Peer

# Destinations are drawn of today's facts: a vintage may rest on earlier ones.
DRAWN_OF_LATER_FACTS = "drawn_of_later_facts"
EARLIER_METHOD = "earlier_method"
METHODS_APART = "methods_apart"

# Counts of the ledger that every reader is told, where they are not 0.
_TOLD_COUNTS = (
    "lost",
    "lost_datagrams",
    "kernel_drops",
    "rate_implausible",
    "counts_implausible",
    "sums_saturated",
    "without_counts",
)


@dataclass(frozen=True)
class Reading:
    """An observation, and what changed since the month before and the same month of the year before."""

    observation: Observation
    changes: tuple[Change, ...]

    @property
    def told(self) -> tuple[Change, ...]:
        """The changes that the intervals allow to be told."""
        return tuple(change for change in self.changes if change.trend is not Trend.UNTOLD)


@dataclass(frozen=True)
class Entry:
    """An indicator in a report."""

    definition: Definition
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Group:
    """The indicators of one group."""

    name: str
    entries: tuple[Entry, ...]

    def readings(self) -> Iterator[tuple[Definition, Reading]]:
        """Yield every reading of the group with its definition."""
        for entry in self.entries:
            for reading in entry.readings:
                yield entry.definition, reading


@dataclass(frozen=True)
class Quality:
    """The quality of a month's data: the counts of the ledger, and whether they add up."""

    counts: Mapping[str, int]
    balanced: bool
    exporters: int


@dataclass(frozen=True)
class Remark:
    """Something a reader must know: a flag, and the number or names it is about."""

    flag: str
    number: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Which facts and which computation a report rests on.

    `vintage` names a published set of values and `reason` why it replaced an earlier one; both None where
    the values were computed when they were asked for.
    """

    reference_version: str
    computed_at: datetime
    software: str
    vintage: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Content:
    """Everything that a report of an economy's month says.

    `names` are of the economy, `places` of countries, `categories` of kinds of service, each by language; `platforms` by
    id, and `companies` are those behind them. `compared` gives the months that
    it is compared with, those without data left out. `peers` are other economies with what they published; `history` has
    the headlines of its groups over the months up to this one.
    """

    economy: str
    names: Mapping[str, str]
    region: str
    month: str
    flags: frozenset[str]
    coverage: Coverage
    provenance: Provenance
    compared: Mapping[Since, str]
    groups: tuple[Group, ...]
    totals: tuple[NationalTotal, ...]
    withheld: tuple[Withheld, ...]
    destinations: Destinations
    quality: Quality
    remarks: tuple[Remark, ...]
    attributions: tuple[str, ...]
    places: Mapping[str, Mapping[str, str]]
    platforms: Mapping[str, str]
    categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    history: tuple[Series, ...] = ()
    companies: Mapping[str, str] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        """True if the figures come from a traffic model."""
        return SYNTHETIC in self.flags

    @property
    def partial(self) -> bool:
        """True if the month was still running."""
        return PARTIAL_MONTH in self.flags

    def entries(self) -> Iterator[Entry]:
        """Yield every indicator."""
        for group in self.groups:
            yield from group.entries

    def observation(self, indicator: str, dimension: str | None) -> tuple[Definition, Observation] | None:
        """Return an observation and its definition; None where the report has none of that indicator and dimension."""
        entry = self.entry(indicator)
        return next(
            (
                (entry.definition, each.observation)
                for each in (entry.readings if entry else ())
                if entry and each.observation.dimension == dimension
            ),
            None,
        )

    def entry(self, indicator: str) -> Entry | None:
        """Return an indicator by its id; None where the report has none of that id."""
        return next((entry for entry in self.entries() if entry.definition.id == indicator), None)

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that change with anything said in the report but the time of its computation."""
        told = asdict(self)
        told["provenance"].pop("computed_at")
        told["flags"] = sorted(self.flags)
        for group, known in zip(told["groups"], self.groups, strict=True):
            for entry, indicator in zip(group["entries"], known.entries, strict=True):
                entry["definition"] = indicator.definition.as_data()
        text = json.dumps(told, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Facts:
    """Names and sources of which a content is made besides the values, of the reference in force."""

    reference_version: str
    names: Mapping[str, str]
    region: str
    places: Mapping[str, Mapping[str, str]]
    platforms: Mapping[str, str]
    attributions: tuple[str, ...]
    categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    companies: Mapping[str, str] = field(default_factory=dict)


def build_content(
    now: MonthMeasures,
    before: Mapping[Since, MonthMeasures],
    definitions: Sequence[Definition],
    destinations: Destinations,
    ledger: LedgerAnswer,
    facts: Facts,
    provenance: Provenance,
    peers: tuple[Peer, ...] = (),
    history: tuple[Series, ...] = (),
) -> Content:
    """Return the content of a month; `before` holds the months it is compared with, as far as they have data."""
    entries = [_entry(now.as_computed(definition), now, before) for definition in definitions]
    return Content(
        economy=now.economy,
        names=facts.names,
        region=facts.region,
        month=now.month,
        flags=now.flags,
        coverage=now.coverage,
        provenance=provenance,
        compared={since: measures.month for since, measures in before.items()},
        groups=tuple(
            Group(name, tuple(members))
            for name, members in groupby(entries, key=lambda e: e.definition.group)
        ),
        totals=now.totals,
        withheld=now.withheld,
        destinations=destinations,
        quality=Quality(ledger.total, ledger.balanced, ledger.exporters),
        remarks=(
            *_remarks(now, ledger, destinations, facts.reference_version),
            *_of_other_methods(now, before, definitions),
        ),
        attributions=facts.attributions,
        places=facts.places,
        platforms=facts.platforms,
        categories=facts.categories,
        peers=peers,
        history=history,
        companies=facts.companies,
    )


def _entry(definition: Definition, now: MonthMeasures, before: Mapping[Since, MonthMeasures]) -> Entry:
    then: dict[Since, dict[str | None, Observation]] = {
        since: {each.dimension: each for each in measures.observations.get(definition.id, [])}
        for since, measures in before.items()
        # What two methods say differs by the methods as well: no change of the country.
        if measures.as_computed(definition) == definition
    }
    readings = []
    for observation in now.observations.get(definition.id, []):
        changes = []
        for since, known in then.items():
            old = known.get(observation.dimension)
            change = compare(observation, old, since, before[since].month) if old else None
            if change is not None:
                changes.append(change)
        readings.append(Reading(observation, tuple(changes)))
    return Entry(definition, tuple(readings))


def _remarks(
    now: MonthMeasures, ledger: LedgerAnswer, destinations: Destinations, reference_version: str
) -> Iterator[Remark]:
    raised = set(now.flags)
    for total in now.totals:
        raised.update(total.flags)
    for observations in now.observations.values():
        for observation in observations:
            raised.update(observation.flags)
    for flag in sorted(raised):
        yield Remark(flag)
    if now.coverage.undeclared:
        yield Remark("subscribers_undeclared", names=now.coverage.undeclared)
    if now.vintage and now.reference_version != reference_version:
        yield Remark(DRAWN_OF_LATER_FACTS, names=(reference_version,))
    if destinations.withheld > 0:
        yield Remark("small_cells_withheld")
    if not ledger.balanced:
        yield Remark("ledger_unbalanced")
    for name in _TOLD_COUNTS:
        if ledger.total.get(name):
            yield Remark(name, number=ledger.total[name])


def _of_other_methods(
    now: MonthMeasures, before: Mapping[Since, MonthMeasures], definitions: Sequence[Definition]
) -> Iterator[Remark]:
    """Yield which indicators are told by an earlier method, and which are not compared for one of the months has another."""
    earlier = tuple(each.id for each in definitions if now.as_computed(each) != each)
    if earlier:
        yield Remark(EARLIER_METHOD, names=earlier)
    apart = tuple(
        each.id
        for each in definitions
        if any(other.as_computed(each) != now.as_computed(each) for other in before.values())
    )
    if apart:
        yield Remark(METHODS_APART, names=apart)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
