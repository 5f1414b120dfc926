"""The content of a region's report: what each economy published of the headlines, before any language or form."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from caudal.service.confidentiality.confidentiality import CONFIDENTIAL
from caudal.service.evaluation.evaluation import Coverage
from caudal.service.indicators import CATALOGUE, Definition, Observation
from caudal.service.queries.published import PublishedValue
from caudal.service.reports.content.headline import HEADLINES, Headline
from caudal.service.reports.content.peers import PeerValue
from caudal.service.reports.content.standing import LEAST_FOR_MEDIAN, median_of


@dataclass(frozen=True)
class Member:
    """An economy of the group with its newest vintage of the month."""

    economy: str
    vintage: str
    computed_at: datetime
    software: str
    reference_version: str
    synthetic: bool
    coverage: Coverage
    values: tuple[PublishedValue, ...]

    def value(self, indicator: str, dimension: str | None) -> PublishedValue | None:
        """Return the economy's published value of an indicator and dimension; None where there is none."""
        wanted = (indicator, dimension)
        return next(
            (v for v in self.values if (v.observation.indicator, v.observation.dimension) == wanted), None
        )


@dataclass(frozen=True)
class Cell:
    """A place of the table: the value that an economy published of a column, None where it published none.

    `compared` is false of a value by another method or in another unit than the definition's: it is shown, and in no median.
    """

    member: Member
    published: PublishedValue | None
    compared: bool

    @property
    def observation(self) -> Observation | None:
        """The observation; None where the economy says nothing of it."""
        return self.published.observation if self.published is not None else None

    @property
    def withheld(self) -> bool:
        """True if the value was kept confidential."""
        return self.observation is not None and CONFIDENTIAL in self.observation.flags


@dataclass(frozen=True)
class RegionColumn:
    """An indicator in one dimension, of every economy in their order."""

    definition: Definition
    dimension: str | None
    cells: tuple[Cell, ...]

    @property
    def compared(self) -> tuple[tuple[Member, PeerValue], ...]:
        """The economies with a value by the same method, and the value of each."""
        return tuple(
            (cell.member, PeerValue(own.indicator, own.dimension, own.value, own.low, own.high))
            for cell in self.cells
            if cell.compared
            and (own := cell.observation) is not None
            and own.value is not None
            and own.low is not None
            and own.high is not None
        )

    @property
    def median(self) -> tuple[float, float, float] | None:
        """The median of the values that compare, with its limits; None of fewer than three."""
        values = [value for _, value in self.compared]
        return median_of(values) if len(values) >= LEAST_FOR_MEDIAN else None


@dataclass(frozen=True)
class RegionGroup:
    """The headlines of one group of indicators."""

    name: str
    columns: tuple[RegionColumn, ...]


@dataclass(frozen=True)
class RegionContent:
    """Everything that the report of a country group and month says.

    `members` are those that published the month, in the order of their codes; `missing` the others of the group, and
    `left_out` those whose figures are made up, beside members that are metered. `places` are names of countries by language
    and code; `platforms` and `categories` as in an economy's report.
    """

    group: str
    name: str
    month: str
    members: tuple[Member, ...]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    groups: tuple[RegionGroup, ...]
    attributions: tuple[str, ...]
    places: Mapping[str, Mapping[str, str]]
    platforms: Mapping[str, str]
    categories: Mapping[str, Mapping[str, str]]

    @property
    def synthetic(self) -> bool:
        """True if the figures come from a traffic model."""
        return any(member.synthetic for member in self.members)

    @property
    def computed_at(self) -> datetime:
        """When the newest of its vintages was computed."""
        return max(member.computed_at for member in self.members)


def groups_of(members: tuple[Member, ...]) -> tuple[RegionGroup, ...]:
    """Return the headlines of members side by side."""
    return tuple(
        RegionGroup(
            name,
            tuple(
                _column(CATALOGUE[headline.indicator].definition, _dimension(headline, members), members)
                for headline in headlines
            ),
        )
        for name, headlines in HEADLINES.items()
    )


def _dimension(headline: Headline, members: Iterable[Member]) -> str | None:
    """Return the dimension of a headline: where it is the first of each economy, what is the first of most of them."""
    if not headline.first:
        return headline.dimension
    firsts = Counter(
        headline.dimension_in(own)
        for member in members
        if (own := [v.observation for v in member.values if v.observation.indicator == headline.indicator])
    )
    # Of equally many the first of the alphabet, whatever the order in which they were counted.
    return min(firsts, key=lambda each: (-firsts[each], each or ""), default=None)


def _column(definition: Definition, dimension: str | None, members: tuple[Member, ...]) -> RegionColumn:
    cells = []
    for member in members:
        found = member.value(definition.id, dimension)
        same = found is not None and (found.method_version, found.unit) == (
            definition.method_version,
            definition.unit,
        )
        cells.append(Cell(member, found, same))
    return RegionColumn(definition, dimension, tuple(cells))
