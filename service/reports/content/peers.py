"""Peers: economies whose published months a month may be set beside, those of its region and those of its size."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from caudal.reference import Reference
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthMeasures
from caudal.service.queries.published import Issue, PublishedValue, issues, published_values
from caudal.service.reports.content.headline import HEADLINES, INDICATORS, Headline
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month

# Of like size is who has between half and twice as many internet users.
LIKE_SIZE = 2.0


@dataclass(frozen=True)
class PeerValue:
    """A value that a peer published, of the same indicator, dimension, unit and method as the economy's own."""

    indicator: str
    dimension: str | None
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Peer:
    """An economy that published the month, or else the month before: `month` says which.

    `region` is whether it is of the same region, `like` whether it is of like size.
    """

    economy: str
    month: str
    vintage: str
    region: bool
    like: bool
    values: tuple[PeerValue, ...]

    def value(self, indicator: str, dimension: str | None) -> PeerValue | None:
        """Return the peer's value of an indicator and dimension; None where it has none that may be compared."""
        return next(
            (each for each in self.values if (each.indicator, each.dimension) == (indicator, dimension)), None
        )


def peers_of(
    store: Store, now: MonthMeasures, reference: Reference, by: datetime | None = None
) -> tuple[Peer, ...]:
    """Return the peers of a month with what they published of its headlines, until `by` where that is given.

    Region and internet users are those of `reference`. Made-up and metered economies are no peers of each other. What was
    withheld or computed by another method is left out, and so is a peer without any value.
    """
    before = str(Month.parse(now.month).before)
    newest: dict[str, Issue] = {}
    for each in issues(store, months=[before, now.month], by=by):
        # In the order of their months: the later one stays.
        if each.economy != now.economy and each.synthetic == (SYNTHETIC in now.flags):
            newest[each.economy] = each
    region, like = _region(reference, now.economy), _of_like_size(reference, now.economy)
    chosen = [each for code, each in newest.items() if code in region or code in like]
    if not chosen:
        return ()
    told = published_values(store, chosen, INDICATORS)
    peers = (
        Peer(
            each.economy,
            each.month,
            each.vintage,
            each.economy in region,
            each.economy in like,
            tuple(_comparable(now, told[each.vintage])),
        )
        for each in chosen
    )
    return tuple(peer for peer in peers if peer.values)


def headlines_in(now: MonthMeasures) -> Iterator[tuple[str, Headline, str | None]]:
    """Yield the headlines of a month that have a value: group, headline, dimension."""
    for group, headlines in HEADLINES.items():
        for headline in headlines:
            own = now.observations.get(headline.indicator, [])
            dimension = headline.dimension_in(own)
            if any(each.dimension == dimension and each.value is not None for each in own):
                yield group, headline, dimension


def _comparable(now: MonthMeasures, told: Iterable[PublishedValue]) -> Iterator[PeerValue]:
    wanted = {
        (headline.indicator, dimension): now.methods.get(headline.indicator)
        for _, headline, dimension in headlines_in(now)
    }
    for each in told:
        found = each.observation
        method = wanted.get((found.indicator, found.dimension))
        if method is None or (method.version, method.unit) != (each.method_version, each.unit):
            continue
        if found.value is not None and found.low is not None and found.high is not None:
            yield PeerValue(found.indicator, found.dimension, found.value, found.low, found.high)


def _region(reference: Reference, economy: str) -> frozenset[str]:
    group = reference.economy(economy).region_group
    return reference.group(group) if group else frozenset()


def _of_like_size(reference: Reference, economy: str) -> frozenset[str]:
    known: Mapping[str, int] = dict(reference.economies.select("country", "internet_users").iter_rows())
    own = known.get(economy)
    if not own:
        return frozenset()
    return frozenset(
        code for code, users in known.items() if users and own / LIKE_SIZE <= users <= own * LIKE_SIZE
    )
